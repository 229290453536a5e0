"""The signals kernel and its twin side by side, on the kernels before it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

from sniper._ext.signals import PART_NAMES, SIGNALS, Signals
from sniper._ext.tape import FIELD_NAMES, KIND_NAMES, TRUST_NAMES
from sniper.engine import Engine, Settings
from sniper.types import Command, Record
from tests import reference_signals as twin

SNAPSHOT, DUPLICATE, DOUBT, LIQUIDATED, DELEVERAGED, FROM_REST = 1, 2, 16, 32, 64, 2048
MINUTES = (1, 5, 15, 30, 60, 240, 1440)
FUNDING = FIELD_NAMES.index("nextFundingRate")


def number(mantissa: Any, decimals: Any) -> float:
    return float(Decimal(int(mantissa)).scaleb(-int(decimals)))


class Pair:
    """An engine with signals behind it. The twin reads the rows, and asks books and candles as anybody may."""

    def __init__(self, resolutions: tuple[int, ...] = (0, 1, 2, 4), bars_max: int = 4096) -> None:
        self.engine = Engine(Settings(bars_max=bars_max, markets_max=64))
        self.signals = self.made(resolutions)
        self.twins: dict[int, twin.Market] = {}
        self.before_ns: int | None = None
        self.compared = 0

    def made(self, resolutions: tuple[int, ...]) -> Signals:
        e = self.engine
        return Signals(e.tape, e.decoder.markets, e.books, e.candles, resolutions=resolutions, markets_max=64)

    def tick(self, now_ns: int, records: list[Record], compare: bool = True) -> tuple[Command, ...]:
        """One turn of both; `compare` every market that was scored."""
        tape = self.engine.tape
        before = int(tape.counters[3])  # rows
        commands = self.engine.tick(now_ns, records)
        n = int(tape.counters[3]) - before
        self.signals.apply(n)
        self.signals.update(now_ns)
        touched = self.follow(tape.rows[:n])
        due = set(touched) | set(twin.in_turn(sorted(self.twins), self.before_ns, now_ns))
        self.before_ns = now_ns
        scored = self.signals.changed()
        assert scored == sorted(set(scored)) and due <= set(scored) <= set(self.twins)
        for market in scored:
            known = self.market(market)
            known.book = self.book(market)
            if compare:
                known.bars, known.open = self.bars(market, 0)
                self.same(market, *known.score(now_ns))
            else:
                known.measure_book({}, now_ns)
        return commands

    def follow(self, rows: Any) -> list[int]:
        """Tell the twin what came, in the order that the kernel promises: rows, bars, books. Who was named?"""
        named = []
        kinds = [KIND_NAMES[k] for k in rows["kind"]]
        books = []
        for kind, row in zip(kinds, rows, strict=True):
            m, flags = int(row["market"]), int(row["flags"])
            price = number(row["price"], flags >> 24)
            live = not flags & (DUPLICATE | SNAPSHOT | FROM_REST)
            if kind in ("LEVEL", "BOOK"):
                books.append(m)
            elif kind in ("FUNDING", "CANDLE") or (kind == "TRADE" and live):
                self.market(m)
            if m not in self.twins or kind not in ("TRADE", "FUNDING", "ORACLE", "MARKET"):
                continue
            market = self.market(m)
            if kind == "TRADE" and live and not flags & DELEVERAGED:
                coins = number(row["size"], flags >> 16 & 255)
                ns, side = int(row["recv_ns"]), int(row["side"])
                market.trade(twin.Trade(ns, side, price, coins, bool(flags & LIQUIDATED)))
            elif kind == "ORACLE" and not flags & DOUBT:
                market.sample_oracle(price, int(row["recv_ns"]))
            elif kind == "FUNDING":
                market.history(price, int(row["venue_ns"]))
            if kind != "TRADE" or live:
                self.funding(
                    m, int(row["recv_ns"]), kind == "MARKET" and int(row["size"]) >> FUNDING & 1 == 1
                )
                named.append(m)
        for m in dict.fromkeys(books):
            self.market(m).look(self.book(m), int(rows[-1]["recv_ns"]))
        return named + books

    def market(self, m: int) -> twin.Market:
        """The twin of a market, with what the market table says now."""
        made = self.twins.setdefault(m, twin.Market())
        made.tick, made.step = self.field(m, "tickSize") or 0.0, self.field(m, "stepSize") or 0.0
        made.oracle = self.field(m, "oraclePrice")
        return made

    def field(self, m: int, name: str) -> float | None:
        entry, i = self.engine.decoder.markets[m], FIELD_NAMES.index(name)
        return number(entry["num"][i], entry["dec"][i]) if int(entry["known"]) >> i & 1 else None

    def funding(self, m: int, ns: int, told: bool) -> None:
        """A rate that stood in the table before the market was watched counts as told at its first row."""
        rate = self.field(m, "nextFundingRate")
        if rate is not None and (told or not self.twins[m].published):
            self.twins[m].publish(rate, ns)

    def book(self, m: int) -> twin.Book:
        books = self.engine.books
        trusted = TRUST_NAMES[books.tops[m]["trust"]] in ("live", "crossed")
        bids, asks = ([(t, s) for t, s in books.levels(m, side, 10).tolist()] for side in (0, 1))
        return twin.Book(trusted, bids, asks)

    def bars(self, m: int, r: int) -> tuple[list[twin.Bar], twin.Bar | None]:
        """The closed bars of a market, and the open one."""
        made = []
        for bar in self.engine.candles.bars(m, r, 1 << 16):
            prices = (number(bar[name], bar["price_dec"]) for name in ("high", "low", "close"))
            volume, usd = number(bar["volume"], bar["size_dec"]), number(bar["usd"], bar["usd_dec"])
            k = int(bar["start_ns"]) // (MINUTES[r] * twin.MINUTE_NS)
            made.append(twin.Bar(k, *prices, volume, usd, int(bar["trades"])))
        return (made[:-1], made[-1]) if made else ([], None)

    def same(self, market: int, scores: dict[str, float], parts: dict[str, float]) -> None:
        """Fails with the market and the name of what differs."""
        signals = self.signals
        found = dict(zip(SIGNALS, signals.row(market), strict=True))
        warm = {name for i, name in enumerate(SIGNALS) if signals.ready(market) >> i & 1}
        where = f"market {market} at {self.before_ns}"
        assert warm == set(scores), f"{where}: warmed up"
        for name in SIGNALS:
            assert isfinite(found[name]) and 0 <= found[name] <= 100
            close(found[name], scores.get(name, twin.neutral(name)), 1.0, f"{where}: {name}")
        values = signals.parts(market)
        assert tuple(values) == PART_NAMES and set(parts) <= set(PART_NAMES)
        scale = max(1.0, abs(values["price"]))
        for name in PART_NAMES:
            close(values[name], parts.get(name, 0.0), scale, f"{where}: {name}")
        close(float(signals.sigmas[market]), parts["sigma"], 1.0, f"{where}: sigma")
        close(float(signals.drifts[market]), parts.get("drift", 0.0), 1.0, f"{where}: drift")
        self.compared += 1

    def same_indicators(self, resolutions: Sequence[int] = (0, 1, 2, 4)) -> int:
        """Compare the indicators of all markets; returns how many were warm."""
        warm = 0
        for m in self.twins:
            for r in resolutions:
                bars, current = self.bars(m, r)
                expected = twin.indicators(bars, current.close if current else 0.0, MINUTES[r])
                found = self.signals.indicators(m, r)
                assert len(found) == len(expected) and found[:2] == expected[:2]
                for i, (a, b) in enumerate(zip(found[2:], expected[2:], strict=True), 2):
                    close(a, b, max(1.0, abs(expected[2])), f"market {m}, resolution {r}: value {i}")
                warm += bool(found[1])
        return warm


def close(a: float, b: float, scale: float, what: str) -> None:
    assert abs(a - b) <= 1e-9 * max(scale, abs(b)), f"{what}: {a!r}, the twin has {b!r}"
