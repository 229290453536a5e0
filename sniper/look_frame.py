"""The pipeline panel's sample: one frame of the market on display, followed through one tick.

`before` runs ahead of a tick and looks for such a frame, at most once a draw; `after` reads what the tick
made of it: the frame's rows, and each level, trade and candle with its value before and after. It only
reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniper._ext.tape import CHANNEL_NAMES, KIND_NAMES, LINK_NAMES, REASON_NAMES, RESOLUTION_NAMES
from sniper.decimals import Grid, fixed, grid
from sniper.panels.row import clean
from sniper.panels.view import Change, Pipeline
from sniper.types import REC_FRAME, Record

DEPTH = 4096
ROWS_MAX = 16
REMOVED = "removed"
SIDES = ("bid", "ask")
TAKERS = ("BUY", "SELL")
DUPLICATE = 2  # Flag in _ext/event.pxd
HEAD_BYTES = 60


class Held(NamedTuple):
    """What is known ahead of the tick."""

    frame: int
    record: Record
    market: int
    levels: tuple[NDArray[np.int64], NDArray[np.int64]]
    touch: tuple[int, int]
    trades: int
    last: str
    bar: tuple[Any, ...] | None
    rows_n: int


class Probe:
    """Takes one sample whenever it is armed and a frame of its market comes."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._rows_counter = engine.tape.counters
        self._held: Held | None = None
        self._market = -1
        self._needle = b""
        self._resolution = 0
        self.armed = False
        self.pipeline = Pipeline()
        """The last sample."""

    def arm(self, market: int, ticker: str, resolution: int) -> None:
        """Take the next frame that names this market."""
        if market != self._market:
            self.pipeline = Pipeline()
        self._market, self._needle, self._resolution = market, f'"{ticker}"'.encode(), resolution
        self.armed = market >= 0

    def before(self, records: Sequence[Record]) -> None:
        """Remember what the coming tick may change, if a frame of the market is among its records."""
        if not self.armed:
            return
        needle = self._needle
        for frame, record in enumerate(records):
            if record[2] == REC_FRAME and needle in record[3]:
                self._hold(frame, record)
                return

    def after(self, number: int, frames: int, stages: tuple[tuple[str, int], ...]) -> None:
        """Read what tick `number` with so many records made of the frame; stages: (name, cost_ns)."""
        held, self._held = self._held, None
        if held is None:
            return
        self.armed = False
        engine = self._engine
        rows_n = int(self._rows_counter[3]) - held.rows_n
        rows = engine.tape.rows[:rows_n]
        rows = rows[rows["frame"] == held.frame]
        scale = grid(engine.decoder.markets[held.market])
        shown = rows[:ROWS_MAX].tolist()
        self.pipeline = Pipeline(
            number,
            held.frame,
            frames,
            held.record[1],
            len(held.record[3]),
            _raw(held.record[3]),
            len(rows),
            tuple(_row(row, scale) for row in shown),
            (*self._levels(held, shown, scale), *self._trades(held), *self._bars(held)),
            stages,
        )

    def _hold(self, frame: int, record: Record) -> None:
        engine, market = self._engine, self._market
        books, top = engine.books, engine.books.tops[market]
        stat = engine.trades.stats[market]
        self._held = Held(
            frame,
            record,
            market,
            (books.levels(market, 0, DEPTH, True), books.levels(market, 1, DEPTH, True)),
            (int(top["bid"]), int(top["ask"])),
            int(stat["count"]),
            fixed(int(stat["last_price"]), int(stat["last_dec"]), int(stat["last_dec"])),
            _bar(engine.candles, market, self._resolution),
            int(self._rows_counter[3]),
        )

    def _levels(self, held: Held, rows: list[tuple[int, ...]], scale: Grid) -> list[Change]:
        """The levels that changed, the last word on each, then the touch of the view if it moved."""
        last: dict[tuple[int, int], int] = {}
        for row in rows:
            if KIND_NAMES[row[10]] == "LEVEL" and row[9] == held.market:
                last[row[11], row[2]] = row[3]
        changes = []
        for (side, ticks), steps in last.items():
            level = held.levels[side]
            found = level[level[:, 0] == ticks, 1]
            before = scale.size(int(found[0])) if len(found) else ""
            after = scale.size(steps) if steps else ""
            changes.append(Change("book", f"{SIDES[side]} {scale.price(ticks)}", before, after))
        top = self._engine.books.tops[held.market]
        for name, before_ticks in zip(SIDES, held.touch, strict=True):
            ticks = int(top[name])
            if ticks != before_ticks:
                was, now = (scale.price(value) if value else "" for value in (before_ticks, ticks))
                changes.insert(0, Change("book", f"best {name}", was, now))
        return changes

    def _trades(self, held: Held) -> list[Change]:
        stat = self._engine.trades.stats[held.market]
        count = int(stat["count"])
        if count == held.trades:
            return []
        last = fixed(int(stat["last_price"]), int(stat["last_dec"]), int(stat["last_dec"]))
        changes = [Change("trades", "count", str(held.trades), str(count))]
        if last != held.last or not held.trades:
            changes.append(Change("trades", "last price", held.last if held.trades else "", last))
        return changes

    def _bars(self, held: Held) -> list[Change]:
        after, before = _bar(self._engine.candles, held.market, self._resolution), held.bar
        if after is None or after == before:
            return []
        name = RESOLUTION_NAMES[self._resolution]
        changes = []
        opened = before is None or before[0] != after[0]
        for what, at, places_at in (("close", 4, 10), ("volume", 5, 11)):
            was = "" if before is None or opened else fixed(before[at], before[places_at], before[places_at])
            now = fixed(after[at], after[places_at], after[places_at])
            if was != now:
                changes.append(Change("candles", f"{name} {what}", was, now))
        return changes


def _bar(candles: Any, market: int, resolution: int) -> tuple[Any, ...] | None:
    """start_ns open high low close volume buy sell usd trades price_dec size_dec usd_dec flags"""
    bar = candles.current(market, resolution)
    return None if bar is None else tuple(bar.item())


def _raw(data: bytes) -> str:
    """The frame as text; the middle of the envelope is left out of a long one, so that its contents show."""
    at = data.find(b'"contents"')
    if at > HEAD_BYTES + 8:
        return clean(_text(data[:HEAD_BYTES])) + "… " + clean(_text(data[at : at + 2000]))
    return clean(_text(data[:2000]))


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace")


def _row(row: tuple[int, ...], scale: Grid) -> tuple[str, str]:
    """(kind, what it says) of one row."""
    _, _, price, size, _, _, _, ref, flags, _, kind, side = row
    name = KIND_NAMES[kind]
    size_places, price_places = flags >> 16 & 0xFF, flags >> 24
    if name == "LEVEL":
        return name, f"{SIDES[side]} {scale.price(price)} {scale.size(size) if size else REMOVED}"
    if name == "TRADE":
        again = " seen before" if flags & DUPLICATE else ""
        said = f"{fixed(price, price_places, price_places)} {fixed(size, size_places, size_places)}"
        return name, f"{TAKERS[side]} {said}{again}"
    if name == "BOOK":
        return name, f"snapshot, {size} levels"
    if name in ("CANDLE", "ORACLE"):
        what = RESOLUTION_NAMES[side] + " close" if name == "CANDLE" else "price"
        return name, f"{what} {fixed(price, price_places, price_places)}"
    if name == "ERROR":
        return name, f"refused: {REASON_NAMES[side]}"
    if name == "BLOCK":
        return name, f"height {price}"
    if name in ("SUBSCRIBED", "UNSUBSCRIBED"):
        return name, CHANNEL_NAMES[side]
    if name == "LINK":
        return name, LINK_NAMES[side]
    return name, f"connection {ref}"
