"""How close the simulated market comes to recorded flow: `python bench/sim_fidelity.py`.

Prints target and achieved side by side. Targets were measured on dYdX v4 mainnet: level flow on the
full-node stream of 2024-12-19 (BTC-USD and ETH-USD, 31 s), trade counts over 24 h of November 2024, block
times of 2026. Everything achieved is measured from the frames alone, decoded here with json: a book and a
clock of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sniper.feed.sim import TICKERS, Sim
from sniper.types import REC_FRAME, Watch

SECOND_NS = 1_000_000_000
SLOT_NS = 50_000_000


class Frames:
    """An inbox that hands its frames on."""

    def __init__(self) -> None:
        self.records: list[tuple[int, int, int, bytes]] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.records.append((recv_ns, connection, kind, data))
        return True


Message = dict[str, Any]


def frames(sim: Sim, seconds: float, mark: bytes = b"") -> Iterator[tuple[int, Message]]:
    """(recv_ns, message) of a sim whose every market is watched; only messages with `mark` in them."""
    inbox = Frames()
    sim.start(inbox)
    end_ns = None
    watched = False
    while (now_ns := sim.due(0)) is not None:
        end_ns = end_ns or now_ns + int(seconds * SECOND_NS)
        if now_ns > end_ns:
            return
        sim.pull(now_ns, inbox)
        records, inbox.records = inbox.records, []
        for recv_ns, _, kind, data in records:
            if kind != REC_FRAME:
                continue
            if not watched and b'"contents":{"markets"' in data:
                watched = True
                sim.send(now_ns, [Watch(tuple(sim.markets))])
            if mark in data:
                yield recv_ns, json.loads(data)


def quantiles(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in shares] if ordered else []


class Market:
    """One market as its frames tell it."""

    def __init__(self, tick: Decimal) -> None:
        self.tick = tick
        self.sides: tuple[dict[int, float], dict[int, float]] = ({}, {})
        self.best = [0, 0]
        self.kinds: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()
        self.distances: list[int] = []
        self.sizes: list[float] = []
        self.lives_ms: list[float] = []
        self.spreads: list[int] = []
        self.touches: list[float] = []
        self.gaps: list[int] = []
        self.levels: list[int] = []
        self.best_changes = 0
        self.unknown_removes = 0
        self.crossed = 0
        self.born: dict[tuple[int, int], int] = {}
        self.trades: Counter[str] = Counter()

    def snapshot(self, contents: Message) -> None:
        for levels, key in zip(self.sides, ("bids", "asks"), strict=True):
            levels.clear()
            levels.update((int(Decimal(e["price"]) / self.tick), float(e["size"])) for e in contents[key])
        self.best = [max(self.sides[0], default=0), min(self.sides[1], default=0)]

    def entry(self, now_ns: int, contents: Message, counted: bool) -> None:
        for name, entries in contents.items():
            side = int(name == "asks")
            levels = self.sides[side]
            for price, size_text in entries:
                tick, size = int(Decimal(price) / self.tick), float(size_text)
                distance = (tick - self.best[1]) if side else (self.best[0] - tick)
                kind = (
                    ("zero" if tick in levels else "unknown")
                    if not size
                    else "set"
                    if tick in levels
                    else "new"
                )
                if kind == "unknown":
                    self.unknown_removes += 1
                elif kind == "zero":
                    del levels[tick]
                    if counted and (side, tick) in self.born:
                        self.lives_ms.append((now_ns - self.born[side, tick]) / 1e6)
                    self.born.pop((side, tick), None)
                else:
                    levels[tick] = size
                    if counted:
                        self.sizes.append(size)
                        if kind == "new":
                            self.born[side, tick] = now_ns
                best = min(self.sides[1]) if side else max(self.sides[0])
                if counted:
                    self.kinds[kind] += 1
                    self.slots[now_ns // SLOT_NS] += 1
                    self.distances.append(distance)
                    self.best_changes += best != self.best[side]
                self.best[side] = best

    def sample(self) -> None:
        self.spreads.append(self.best[1] - self.best[0])
        self.crossed += self.best[1] <= self.best[0]
        self.touches += [self.sides[0][self.best[0]], self.sides[1][self.best[1]]]

    def shape(self) -> None:
        for levels in self.sides:
            self.levels.append(len(levels))
            near = sorted(levels, reverse=levels is self.sides[0])[:100]
            self.gaps += [abs(b - a) for a, b in pairwise(near)]


class Table:
    """Rows of text."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    def add(self, name: str, target: str, achieved: object) -> None:
        self.rows.append((name, target, show(achieved)))

    def print(self) -> None:
        width = [max(len(row[at]) for row in self.rows) for at in range(2)]
        for name, target, achieved in self.rows:
            print(f"{name:<{width[0]}}  {target:<{width[1]}}  {achieved}")


def show(value: object) -> str:
    if isinstance(value, list | tuple):
        return " / ".join(map(show, value))
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


TARGETS = {
    "BTC-USD": {
        "rate": "295", "per second": "88 / 292 / 580", "per 50 ms": "9 / 27 / 258", "best": "2.2",
        "spread": "1 / 2.5 / 8 / 25", "distance": "13 / 611 / 3661 / 157306", "size": "0.0048 / 0.88 / 42",
        "life": "474 / 2654 / 9738", "trades": "24 (Nov 2024)",
    },
    "ETH-USD": {
        "rate": "298", "per second": "109 / 292 / 580", "per 50 ms": "9 / 27 / 258", "best": "2.2",
        "spread": "1 / 1.5 / 4 / 16", "distance": "4 / 195 / 1336 / 56897", "size": "0.15 / 23 / 830",
        "life": "452 / 2852 / 9353", "trades": "76 (Nov 2024)",
    },
}  # fmt: skip


def busy(table: Table, seed: int, seconds: float, warm_s: float) -> None:
    """BTC and ETH, unbatched: what a reader of every change sees."""
    sim = Sim(seed=seed, markets=list(TARGETS), batched_orderbook=False, batched_trades=False, candles=())
    markets: dict[str, Market] = {}
    blocks: list[int] = []
    block_trades: list[int] = []
    oracles = [0, 0]
    first_ns = last_slot = 0
    for now_ns, message in frames(sim, seconds + warm_s):
        first_ns = first_ns or now_ns
        counted = now_ns >= first_ns + warm_s * SECOND_NS
        channel, contents, name = message.get("channel"), message.get("contents", {}), message.get("id", "")
        if channel == "v4_markets":
            for one in [contents] if isinstance(contents, dict) else contents:
                for ticker, fields in one.get("markets", {}).items():
                    markets[ticker] = Market(Decimal(fields["tickSize"]))
                for ticker, fields in one.get("oraclePrices", {}).items():
                    oracles[0] += 1
                    oracles[1] += Decimal(fields["oraclePrice"]) % markets[ticker].tick != 0
        elif channel == "v4_block_height" and "blockHeight" in contents:
            blocks.append(now_ns)
        elif channel == "v4_orderbook":
            if message["type"] == "subscribed":
                markets[name].snapshot(contents)
            else:
                markets[name].entry(now_ns, contents, counted)
        elif channel == "v4_trades" and message["type"] != "subscribed" and counted:
            block_trades.append(len(contents["trades"]))
            markets[name].trades.update(trade["id"] for trade in contents["trades"])
        if counted and now_ns // SLOT_NS != last_slot:
            last_slot = now_ns // SLOT_NS
            for market in markets.values():
                market.sample()
            if last_slot % 100 == 0:
                for market in markets.values():
                    market.shape()
    for ticker, market in markets.items():
        target = TARGETS[ticker]
        changes = sum(market.kinds.values())
        start = min(market.slots)
        slots = [market.slots[at] for at in range(start, max(market.slots) + 1)]
        whole = [sum(slots[at : at + 20]) for at in range(0, len(slots) - 19, 20)]
        zero = market.kinds["zero"] / changes
        table.add(f"{ticker} level changes/s", target["rate"], changes / seconds)
        table.add("  per second min/median/max", target["per second"],
                  [min(whole), int(statistics.median(whole)), max(whole)])  # fmt: skip
        table.add(
            "  per 50 ms median/p90/max", target["per 50 ms"], [*quantiles(slots, (0.5, 0.9)), max(slots)]
        )
        table.add("  set / to zero, %", "65 / 35", [round(100 - 100 * zero), round(100 * zero)])
        table.add("  new levels / new sizes, %", "35 / 30",
                  [round(100 * market.kinds[kind] / changes) for kind in ("new", "set")])  # fmt: skip
        table.add("  best price changes/s", target["best"], market.best_changes / seconds)
        table.add("  spread ticks median/mean/p95/max", target["spread"],
                  [statistics.median(market.spreads), statistics.mean(market.spreads),
                   *quantiles(market.spreads, (0.95,)), max(market.spreads)])  # fmt: skip
        table.add("  distance ticks p10/50/90/99", target["distance"],
                  quantiles(market.distances, (0.1, 0.5, 0.9, 0.99)))  # fmt: skip
        table.add("  size after a place p10/50/90", target["size"], quantiles(market.sizes, (0.1, 0.5, 0.9)))
        table.add("  level life ms p10/50/90", target["life"], quantiles(market.lives_ms, (0.1, 0.5, 0.9)))
        if ticker == "BTC-USD":
            table.add("  levels a side min-max", "350-740", f"{min(market.levels)}-{max(market.levels)}")
            table.add("  size at the touch, median", "0.2", statistics.median(market.touches))
            table.add("  level gaps ticks p25/50/90", "4 / 10 / 54", quantiles(market.gaps, (0.25, 0.5, 0.9)))
        twice = sum(count - 1 for count in market.trades.values())
        wrong = [market.crossed, market.unknown_removes, twice]
        table.add("  crossed / unknown removes / trades twice", "0 / 0 / 0", wrong)
    table.add(
        "trades a block with trades, mean/max",
        "1-5 in clumps",
        [statistics.mean(block_trades), max(block_trades)],
    )
    spans = [(b - a) / 1e9 for a, b in pairwise(blocks)]
    table.add(
        "block time s mean/p10/p90", "0.62-0.65", [statistics.mean(spans), *quantiles(spans, (0.1, 0.9))]
    )
    table.add("oracle prices off tick, %", "96", 100 * oracles[1] / oracles[0])


def batches(table: Table, seed: int, seconds: float, warm_s: float) -> None:
    """The size of one batched message of a busy market."""
    sizes: list[int] = []
    first_ns = 0
    sim = Sim(seed=seed, markets=2, batched_orderbook=True, candles=())
    for now_ns, message in frames(sim, seconds + warm_s, b'"id":"BTC-USD","channel":"v4_orderbook"'):
        first_ns = first_ns or now_ns
        if now_ns > first_ns + warm_s * SECOND_NS:
            sizes.append(len(message["contents"]))
    table.add("entries in a 250 ms batch, mean BTC", "82", statistics.mean(sizes))


def counts(seed: int, markets: Sequence[str], hours: float) -> tuple[dict[str, int], dict[str, set[int]]]:
    """Trades of each market, and the minutes in which it traded."""
    trades = dict.fromkeys(markets, 0)
    minutes: dict[str, set[int]] = {ticker: set() for ticker in markets}
    sim = Sim(seed=seed, markets=markets, batched_orderbook=True, batched_trades=False, candles=())
    for now_ns, message in frames(sim, hours * 3600, b'"channel":"v4_trades","version"'):
        trades[message["id"]] += len(message["contents"]["trades"])
        minutes[message["id"]].add(now_ns // (60 * SECOND_NS))
    return trades, minutes


def trades(table: Table, seed: int, hours: float) -> None:
    """How often the busiest and the middle of the universe trade, over hours: trades come in clusters."""
    busy, minutes = counts(seed, list(TARGETS), hours)
    for ticker, count in busy.items():
        table.add(f"{ticker} trades a minute, {hours:g} h", TARGETS[ticker]["trades"], count / hours / 60)
    share = 100 * len(minutes["BTC-USD"]) / hours / 60
    table.add("  BTC minutes with a trade, %", "98", share)
    middle = TICKERS[26:34]
    quiet, _ = counts(seed, middle, hours)
    expected = 16 * len(middle) * hours / 24
    # Clumps of 1 to 5 make the count wider than a Poisson count: variance 2.6 a trade.
    error = 16 * (2.6 / expected) ** 0.5
    table.add(
        f"trades a day, {len(middle)} median markets, {hours:g} h",
        f"16 +- {error:.0f}",
        sum(quiet.values()) / hours * 24 / len(middle),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="simulated, after the warm-up (default 120)"
    )
    parser.add_argument("--warm", type=float, default=300.0, help="simulated, before counting (default 300)")
    parser.add_argument(
        "--hours", type=float, default=3.0, help="simulated, for the trade counts (default 3)"
    )
    args = parser.parse_args()
    table = Table()
    table.add("quantity", "target", "achieved")
    busy(table, args.seed, args.seconds, args.warm)
    batches(table, args.seed, args.seconds, args.warm)
    trades(table, args.seed, args.hours)
    table.print()


if __name__ == "__main__":
    main()
