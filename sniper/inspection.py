"""What is in a recording: counts by channel, connections, books, faults, and a grade of the feed's quality.

The records pass an engine, and what is reported is what the engine made of them. A journal begins with its first
snapshot; only what came after it counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from sniper import grading
from sniper._ext.tape import (
    CHANNEL_NAMES,
    COUNTER_NAMES,
    ENDPOINT_NAMES,
    KIND_NAMES,
    REASON_NAMES,
    TRUST_NAMES,
)
from sniper.bookdump import ALL
from sniper.engine import Engine, Settings
from sniper.feed.replay import TickRecords, is_journal, read_markets, ticks_of
from sniper.journal_format import Gap
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings
from sniper.replaying import load
from sniper.types import REC_FRAME, REC_REST, RECORD_NAMES, Record

OTHERS, KINDS = 0, 4  # of Tape.used
ERROR = KIND_NAMES.index("ERROR")
TYPES = ("connected", "error", "pong", "unsubscribed")
"""Messages that are counted by type where they name no channel."""
DOUBTS = ("oracle_jumps", "oracle_empty", "trade_far", "height_back", "time_back")
TOPS = ("crossings", "crossed_ns", "unknown_removes", "orphans", "overflow", "snapshots", "updates")


class _Named(msgspec.Struct):
    channel: str = ""
    type: str = ""


class Inspection:
    """Reads a journal or a frame file tick by tick; `report` says what was found. The engine holds the end state.

    markets: a perpetualMarkets answer, fed first. UsageError, JournalError or PermissionProblem where a file
    cannot be read.
    """

    def __init__(self, path: str | Path, markets: str | Path | None = None) -> None:
        self.path = Path(path)
        self.reader = JournalReader(path) if is_journal(path) else None
        known = self.reader is not None and "settings" in self.reader.header
        self.engine = Engine(settings(self.reader.header, path) if self.reader and known else Settings())
        self.first_ns: int | None = None
        self.messages: dict[str, list[int]] = {}
        """By channel, or what else it is: messages and bytes."""
        self.rejections: dict[str, int] = {}
        self.silence_ns = 0
        """The longest time without any record."""
        self._markets = markets
        self._tops = {name: np.zeros(self.engine.books.markets_max, np.int64) for name in TOPS}
        self._counters = np.zeros_like(self.engine.tape.counters)
        self._trades = np.zeros((2, len(self.engine.trades.stats)), np.int64)
        self._first_tick = self._lost_before = 0
        self._named = msgspec.json.Decoder(_Named).decode

    def run(self) -> Iterator[float | None]:
        """Read on, yielding after every tick the part done (None where that is not known)."""
        engine, rows = self.engine, self.engine.tape.rows
        others, used = engine.tape.others, engine.tape.used
        heard_ns: int | None = None
        for now_ns, records in self._ticks():
            now_ns = max(now_ns, engine.now_ns)
            engine.tick(now_ns, records)
            if self.first_ns is None:
                self.first_ns = now_ns
            if records:
                if heard_ns is not None and now_ns - heard_ns > self.silence_ns:
                    self.silence_ns = now_ns - heard_ns
                heard_ns = now_ns
                for record in records:
                    self._count(record)
            if int(used[KINDS]) >> ERROR & 1:
                found = rows[others[: int(used[OTHERS])]]
                for reason in found["side"][found["kind"] == ERROR].tolist():
                    name = REASON_NAMES[reason]
                    self.rejections[name] = self.rejections.get(name, 0) + 1
            yield None if self.reader is None else self.reader.progress

    def _ticks(self) -> Iterator[TickRecords]:
        if self.reader is None:
            yield from ticks_of(self.path, None, self._markets)
            return
        expected = -1
        body = read_markets(self._markets) if self._markets is not None else None
        for number, now_ns, records, _, _ in self.reader:
            if number != expected:
                self._jump(self.reader, number)
            expected = number + 1
            if body is not None:
                yield now_ns, [(now_ns, 0, REC_REST, b"perpetualMarkets 200 \n" + body)]
                body = None
            yield now_ns, records

    def _jump(self, reader: JournalReader, number: int) -> None:
        """Load a snapshot; what it counted by itself was not read here and does not count."""
        self._add(-1)
        load(self.engine, reader, number)
        self._add(1)

    def _add(self, sign: int) -> None:
        engine = self.engine
        self._counters += sign * engine.tape.counters
        self._lost_before += sign * self._lost_ids()
        self._first_tick += sign * engine.ticks
        for name, values in self._tops.items():
            values += sign * engine.books.tops[name]
        for values, name in zip(self._trades, ("count", "duplicates"), strict=True):
            values += sign * engine.trades.stats[name]

    def _lost_ids(self) -> int:
        """Message ids that never came, of all connections, those given up early included."""
        return int(self.engine.decoder.connections["lost_ids"].sum())

    def _count(self, record: Record) -> None:
        kind, data = record[2], record[3]
        if kind == REC_FRAME:
            try:
                said = self._named(data)
                name = said.channel or said.type
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # nested too deeply for it
                name = "not JSON"
            else:
                if not name or (name not in CHANNEL_NAMES and name not in TYPES):
                    name = "other"
        elif kind == REC_REST:
            endpoint = data[:32].partition(b" ")[0].decode("ascii", "replace")
            name = f"REST {endpoint if endpoint in ENDPOINT_NAMES else 'other'}"
        else:
            name = RECORD_NAMES[kind]
        counted = self.messages.get(name)
        if counted is None:
            counted = self.messages[name] = [0, 0]
        counted[0] += 1
        counted[1] += len(data)

    def counters(self) -> dict[str, int]:
        """The engine's counters over the input."""
        counted = self.engine.tape.counters - self._counters
        return dict(zip(COUNTER_NAMES, counted.tolist(), strict=False))

    def report(self) -> Report:
        """What was found so far."""
        engine, counters = self.engine, self.counters()
        first_ns = engine.now_ns if self.first_ns is None else self.first_ns
        links = engine.decoder.connections[: engine.decoder.connections_n]
        pending = int(links["missing_n"].sum())  # no time was left to wait for them
        counters["missing_ids"] = self._lost_ids() - self._lost_before + pending
        markets = self._market_reports()
        return Report(
            path=str(self.path),
            kind="frames" if self.reader is None else "journal",
            torn=self.reader.torn if self.reader else None,
            journal_gaps=self.reader.gaps if self.reader else [],
            first_ns=first_ns,
            last_ns=engine.now_ns,
            silence_ns=self.silence_ns,
            ticks=engine.ticks - self._first_tick,
            messages={name: (n, size) for name, (n, size) in sorted(self.messages.items())},
            connections=[
                {
                    "index": index,
                    "frames": int(link["frames"]),
                    "bytes": int(link["bytes"]),
                    "missing_ids": int(link["lost_ids"]) + int(link["missing_n"]),
                    "height": int(link["height"]) or None,
                }
                for index, link in enumerate(links)
                if link["frames"]
            ],
            rejections=dict(sorted(self.rejections.items())),
            doubts={name: counters[name] for name in DOUBTS},
            counters=counters,
            markets=markets,
            quality=self._quality(counters, markets, engine.now_ns - first_ns),
        )

    def _market_reports(self) -> dict[str, dict[str, Any]]:
        engine = self.engine
        tops, stats = engine.books.tops, engine.trades.stats
        found: dict[str, dict[str, Any]] = {}
        for index, ticker in enumerate(engine.decoder.tickers):
            top = tops[index]
            if not top["snapshots"] and not top["orphans"] and not stats[index]["count"]:
                continue
            counts = {name: int(top[name] - values[index]) for name, values in self._tops.items()}
            if top["crossed"]:
                counts["crossed_ns"] += max(0, engine.now_ns - int(top["crossed_since_ns"]))
            found[ticker] = {
                "trust": TRUST_NAMES[top["trust"]],
                "bids": len(engine.books.levels(index, 0, ALL, True)),
                "asks": len(engine.books.levels(index, 1, ALL, True)),
                **counts,
                "trades": int(stats[index]["count"] - self._trades[0][index]),
                "duplicate_trades": int(stats[index]["duplicates"] - self._trades[1][index]),
            }
        return found

    def _quality(
        self, counters: dict[str, int], markets: dict[str, dict[str, Any]], span_ns: int
    ) -> grading.Quality:
        frames, levels = counters["frames"], counters["levels"]
        if not frames:
            return grading.NOTHING
        lost = counters["missing_ids"] + counters["gap_records"]
        values = counters["oracles"] + counters["trades"] + counters["blocks"]
        books = [one for one in markets.values() if one["snapshots"]]
        return grading.grade(
            {
                "refused": (counters["rejected"], frames),
                "lost": (lost, frames + lost),
                "doubtful": (sum(counters[name] for name in DOUBTS), values),
                "unknown_removes": (counters["unknown_removes"], levels),
                "orphans": (counters["orphan_levels"], levels),
                "crossed": (sum(one["crossed_ns"] for one in books), span_ns * len(books)),
                "silence_s": (self.silence_ns / 1e9, 1),
            }
        )

    def close(self) -> None:
        """Close the journal."""
        if self.reader is not None:
            self.reader.close()


class Report(NamedTuple):
    """What an input holds. Times in nanoseconds of its own clock; counts are of this input alone, those of
    connections since they were first seen. missing_ids: message ids that never came."""

    path: str
    kind: str
    torn: str | None
    journal_gaps: list[Gap]
    first_ns: int
    last_ns: int
    silence_ns: int
    ticks: int
    messages: dict[str, tuple[int, int]]
    connections: list[dict[str, Any]]
    rejections: dict[str, int]
    doubts: dict[str, int]
    counters: dict[str, int]
    markets: dict[str, dict[str, Any]]
    quality: grading.Quality
