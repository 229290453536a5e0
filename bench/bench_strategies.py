"""strategies: what a decision costs once the view is there; one market of 50 changed in each tick.

The view is the hand-made one: its answers are tuples that lie ready. What the engine's own view takes to make them
is in the figures of the whole tick.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.contest import Case, Contender, play
from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper.handview import START_NS, HandView
from sniper.strategies.registry import BUILT_IN, build
from sniper.trading import BUY

KINDS = tuple(row[1] for row in SIGNAL_TABLE)
MARKETS, TICKS = 50, 5_000
TICK_NS, BAR_NS = 1_000_000, 300_000_000_000
HELD = (3, 17, 41)


def fresh(name: str, held: tuple[int, ...] = (), of_held: bool = False) -> tuple[Any, ...]:
    """A strategy, its view and the markets that change, one a tick; scores that are not high enough."""
    view = HandView(MARKETS, len(SIGNALS))
    strategy = build(name, SIGNALS, KINDS, "{}")
    for market in range(MARKETS):
        view.set_scores(market, *[55.0 if kind == "directional" else 40.0 for kind in KINDS])
        for resolution in (1, 2, 4):
            view.set_indicators(market, resolution, histogram=0.1, previous_histogram=0.1)
    for market in held:
        view.open(market, BUY, 100, 1000.0, name, stop_ticks=900, target_ticks=1200)
    strategy.decide(view.at(START_NS))
    return (
        strategy.decide,
        view,
        [(HELD if of_held else range(MARKETS))[i % (3 if of_held else 50)] for i in range(TICKS)],
    )


def ticks(decide: Any, view: HandView, markets: list[int]) -> None:
    now_ns = START_NS
    for market in markets:
        now_ns += TICK_NS
        view.now_ns, view.changed = now_ns, (market,)
        decide(view)


def bars(decide: Any, view: HandView, markets: list[int]) -> None:
    """A bar closes in each tick, every eighth turns the histogram round, and what is wanted is filled at once."""
    now_ns, base = START_NS, view.indicators(0, 1)
    for i in range(len(markets)):
        now_ns += BAR_NS
        histogram = 0.1 if i & 8 else -0.1
        view.bars[0, 1] = base._replace(bars=200 + i, histogram=histogram, previous_histogram=histogram)
        view.now_ns, view.changed = now_ns, (0,)
        for wanted in decide(view):
            if wanted.purpose == "entry":
                view.open(0, wanted.side, 100, 1000.0, "macd", wanted.stop_ticks, wanted.target_ticks)
            else:
                view.close(0)


def fresh_matrix() -> tuple[Any, ...]:
    """The plain way: all scores as one matrix, weighed and ranked anew in each tick."""
    scores = np.full((MARKETS, len(SIGNALS)), 55.0)
    weights = np.array([1.0 / len(SIGNALS)] * len(SIGNALS))
    return scores, weights, TICKS


def rank_all(scores: Any, weights: Any, count: int) -> None:
    for _ in range(count):
        total = scores @ weights
        order = np.argsort(-np.abs(total - 50.0))
        if total[order[0]] >= 65.0:
            raise AssertionError


CASES = [
    *(
        Case(
            f"decide, {name}",
            "tick",
            Contender(name, lambda name=name: fresh(name), ticks, TICKS),  # type: ignore[misc]
            Contender("numpy, all markets", fresh_matrix, rank_all, TICKS) if name == "sniper" else None,
        )
        for name in BUILT_IN
    ),
    Case("  macd, a bar closes", "bar", Contender("macd bars", lambda: fresh("macd"), bars, TICKS)),
    Case(
        "  3 held, another changed", "tick", Contender("3 held", lambda: fresh("sniper", HELD), ticks, TICKS)
    ),
    Case(
        "  a held one changed", "tick", Contender("held", lambda: fresh("sniper", HELD, True), ticks, TICKS)
    ),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_strategies(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
