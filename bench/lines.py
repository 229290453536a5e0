"""Where the time of a backtest goes, by function and by line: a sampler that costs next to nothing.

    python -m bench.lines [--bars 100000] [--lines 40]

The kernel's profiling timer interrupts the process every millisecond of its CPU time; the line that Python was at
is counted, and so is every function on the way to it. What a C function took counts for the line that called it.
"""

from __future__ import annotations

import argparse
import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

from bench.bench_backtest import HOUR_NS, decider, made_bars, timed
from bench.contest import pin
from sniper.feed.bars import BarFeed, Quoting, grid_of

TICK_S = 0.001
Place = tuple[CodeType, int]


class Sampler:
    """Notes where the program is, innermost frame first: `stacks`, one a sample."""

    def __init__(self) -> None:
        self.stacks: list[list[Place]] = []

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, TICK_S, TICK_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append((frame.f_code, frame.f_lineno))
            frame = frame.f_back
        self.stacks.append(stack)


def counted(stacks: list[list[Place]]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Samples by function with all that it calls, by function alone, and by line."""
    below: Counter[str] = Counter()
    own: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for stack in stacks:
        names = [f"{Path(code.co_filename).name} {code.co_qualname}" for code, _ in stack]
        below.update(dict.fromkeys(names, 0).keys())
        own[names[0]] += 1
        lines[f"{names[0]}:{stack[0][1]}"] += 1
    return below, own, lines


def main() -> None:
    """Sample one backtest of candles with `macd` and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=40)
    options = parser.parse_args()
    pin()
    bars = made_bars(options.bars)
    engine, venue = decider("macd", fill="bars")
    feed = BarFeed([(grid_of("BTC-USD", bars, None)[0], bars)], Quoting())
    with Sampler() as sampler:
        seconds, result = timed(engine, venue, feed.ticks(venue.due), HOUR_NS)
    each_us = 1e6 * seconds / len(sampler.stacks) / options.bars
    print(f"{1e6 * seconds / options.bars:.2f} us a bar, {len(sampler.stacks)} samples, {result.ticks} ticks")
    names = ("with what it calls", "alone", "line")
    for name, counter in zip(names, counted(sampler.stacks), strict=True):
        print(f"\nus a bar, {name}")
        for place, count in counter.most_common(options.lines):
            print(f"{count * each_us:8.3f}  {place}")


if __name__ == "__main__":
    main()
