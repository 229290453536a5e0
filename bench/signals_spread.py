"""How the scores of every signal spread over a simulated market: is one of them stuck, or all in a corner?

    python -m bench.signals_spread [--minutes 30] [--markets 8] [--seed 3]

A line a signal: share of the time it was warmed up, percentiles, and how often it sat at either end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniper._ext.signals import SIGNALS, Signals
from sniper._ext.tape import COUNTER_NAMES
from sniper.engine import Engine
from sniper.feed.sim import Sim
from sniper.types import Record

ROWS = COUNTER_NAMES.index("rows")
TURN_NS = 50_000_000
PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


class Inbox:
    """Keeps what a feed puts in until a tick takes it."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.records.append((recv_ns, connection, kind, data))
        return True


class Spread(NamedTuple):
    """One signal: share of samples that were warm, their percentiles, shares at 0 and at 100 (within a half)."""

    name: str
    warm: float
    percentiles: tuple[float, ...]
    at_0: float
    at_100: float


def sampled(sim: Sim, minutes: float, every_ns: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores [sample, market, signal] of the markets of a sim, and which of them were warm."""
    engine = Engine()
    signals = Signals(engine.tape, engine.decoder.markets, engine.books, engine.candles)
    inbox, scores, ready = Inbox(), [], []
    sim.start(inbox)
    now_ns = sim.due(0) or 0
    end_ns, next_ns = now_ns + int(minutes * 60e9), now_ns
    markets = len(sim.markets)
    while now_ns < end_ns:
        sim.pull(now_ns, inbox)
        records, inbox.records = inbox.records, []
        before = int(engine.tape.counters[ROWS])
        commands = engine.tick(now_ns, records)
        signals.apply(int(engine.tape.counters[ROWS]) - before)
        signals.update(now_ns)
        if commands:
            sim.send(now_ns, commands)
        if now_ns >= next_ns:
            next_ns += every_ns
            scores.append(signals.scores[:markets].copy())
            ready.append([[signals.ready(m) >> i & 1 for i in range(len(SIGNALS))] for m in range(markets)])
        now_ns = min(now_ns + TURN_NS, sim.due(now_ns) or end_ns)
    return np.array(scores), np.array(ready, bool)


def spreads(scores: NDArray[np.float64], ready: NDArray[np.bool_]) -> Iterator[Spread]:
    """One for each signal."""
    for i, name in enumerate(SIGNALS):
        warm = ready[:, :, i]
        values = scores[:, :, i][warm]
        if not len(values):
            yield Spread(name, 0.0, (0.0,) * len(PERCENTILES), 0.0, 0.0)
            continue
        points = tuple(float(x) for x in np.percentile(values, PERCENTILES))
        yield Spread(
            name, float(warm.mean()), points, float((values < 0.5).mean()), float((values > 99.5).mean())
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.signals_spread", description="How scores spread.")
    parser.add_argument("--minutes", type=float, default=30.0, help="of simulated time")
    parser.add_argument("--markets", type=int, default=8)
    parser.add_argument("--seed", type=int, default=3)
    asked = parser.parse_args()
    sim = Sim(seed=asked.seed, markets=asked.markets, candles=("1MIN",))
    print(
        f"{'signal':14}{'warm':>7}" + "".join(f"{p:>6}%" for p in PERCENTILES) + f"{'at 0':>8}{'at 100':>8}"
    )
    for s in spreads(*sampled(sim, asked.minutes, 5_000_000_000)):
        points = "".join(f"{x:7.1f}" for x in s.percentiles)
        print(f"{s.name:14}{s.warm:7.1%}{points}{s.at_0:8.1%}{s.at_100:8.1%}")


if __name__ == "__main__":
    main()
