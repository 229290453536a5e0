"""Two books of one account for the tests of reconciliation: made by hand, and drawn by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sniper.order_table import STATES
from sniper.reconcile_book import Execution, Held, Own, OwnOrder, Venue, VenueOrder

STATUSES = (
    "OPEN",
    "BEST_EFFORT_OPENED",
    "UNTRIGGERED",
    "FILLED",
    "CANCELED",
    "BEST_EFFORT_CANCELED",
    "ERROR",
)
KINDS = {"short_term": 0, "conditional": 32, "long_term": 64}


def own_order(number: int = 1, **changed: Any) -> OwnOrder:
    """A short-term order of 10 steps that the venue has shown open, good til block 120."""
    return OwnOrder(
        number, f"order{number}", "BTC-USD", 0, "short_term", "acked", 10, 0, 120, 0, True
    )._replace(**changed)


def venue_order(number: int = 1, **changed: Any) -> VenueOrder:
    """The same in the venue's book."""
    return VenueOrder(f"order{number}", number, "BTC-USD", 0, "OPEN", 10, 0, 0, 120)._replace(**changed)


def fill(number: int = 1, order: int = 1, **changed: Any) -> Execution:
    """A buy of 4 steps at height 105."""
    return Execution(
        f"fill{number}", f"order{order}", "BTC-USD", 0, 0, 4_000_000, 40_000_000, 20_000, "LIMIT", 105
    )._replace(**changed)


def held(size: int, height: int = 100, ticker: str = "BTC-USD") -> Held:
    return Held(ticker, 0, size, height)


def own(**changed: Any) -> Own:
    """A book that begins at 50 and has come to 100."""
    return Own(50, 100)._replace(**changed)


def venue(**changed: Any) -> Venue:
    """A book at 110, its fills from 60 on."""
    return Venue(110, 110, fills_from=60, block_s=1_000)._replace(**changed)


@st.composite
def pairs(draw: Any) -> tuple[Own, Venue]:
    """Any two books of few orders, fills and positions, likely and unlikely ones."""
    small = st.integers(0, 12)
    heights = st.integers(80, 130)
    numbers = st.lists(st.integers(1, 5), unique=True, max_size=4)
    kinds = {number: draw(st.sampled_from(sorted(KINDS))) for number in range(1, 6)}
    ours = [
        own_order(
            number,
            kind=kinds[number],
            state=draw(st.sampled_from(sorted(STATES))),
            filled_steps=draw(small),
            good_til_block=draw(heights),
            good_til_s=draw(st.sampled_from((0, 900, 2_000))),
            seen=draw(st.booleans()),
        )
        for number in draw(numbers)
    ]
    theirs = [
        venue_order(
            number,
            status=draw(st.sampled_from(STATUSES)),
            filled_steps=draw(st.integers(-1, 12)),
            order_flags=KINDS[kinds[number]],
            good_til_block=draw(heights),
            reduce_only=draw(st.booleans()),
        )
        for number in draw(numbers)
    ]
    every = {
        number: fill(
            number,
            draw(st.integers(1, 5)),
            ticker=draw(st.sampled_from(("BTC-USD", "ETH-USD"))),
            side=draw(st.integers(0, 1)),
            size_quantums=draw(st.integers(1, 3)),
            kind=draw(st.sampled_from(("LIMIT", "LIQUIDATED"))),
            height=draw(st.integers(40, 130)),
        )
        for number in range(1, 7)
    }
    chosen = st.lists(st.sampled_from(sorted(every)), unique=True)
    positions = st.lists(
        st.tuples(st.sampled_from(("BTC-USD", "ETH-USD")), st.integers(-4, 4), heights),
        unique_by=lambda one: one[0], max_size=2,
    )  # fmt: skip
    height = draw(heights)
    mine = Own(
        draw(st.sampled_from((0, 50, 100))),
        draw(heights),
        tuple(ours),
        tuple(every[n] for n in draw(chosen)),
        tuple(held(size, at, ticker) for ticker, size, at in draw(positions)),
        draw(st.sampled_from(((), ((1, 5),), ((2, 2), (4, 7))))),
    )
    told = Venue(
        height,
        draw(st.integers(height - 5, height)),
        tuple(theirs),
        tuple(every[n] for n in draw(chosen)),
        tuple(held(size, at, ticker) for ticker, size, at in draw(positions) if size),
        draw(st.sampled_from((0, 60, 95))),
        draw(st.sampled_from((800, 1_000, 2_031))),
    )
    return mine, told
