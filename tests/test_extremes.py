"""extremes: what a tick comes to for somebody whose orders do not rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sniper._ext.extremes import Bounds, Extremes
from sniper._ext.tape import KIND_NAMES, Tape
from sniper.venues.terms import Price

BLOCK, TRADE, ORACLE, MARKET, BOOK, LEVEL = (
    KIND_NAMES.index(name) for name in ("BLOCK", "TRADE", "ORACLE", "MARKET", "BOOK", "LEVEL")
)
NO_MARKET = 0xFFFF
SNAPSHOT, DUPLICATE, DELEVERAGED = 1, 2, 64
FOLLOWED = (2, 5)
Row = tuple[int, int, int, int, int]
"""(kind, market, price, decimals, flags)"""


def on_tape(rows: list[Row]) -> tuple[Tape, NDArray[np.uint8]]:
    """Rows on a tape, and which markets are followed."""
    tape, wanted = Tape(), np.zeros(NO_MARKET + 1, np.uint8)
    wanted[[*FOLLOWED, NO_MARKET]] = 1
    others = [i for i, row in enumerate(rows) if row[0] != LEVEL]
    for i, (kind, market, price, decimals, flags) in enumerate(rows):
        tape.rows[i]["kind"], tape.rows[i]["market"], tape.rows[i]["price"] = kind, market, price
        tape.rows[i]["flags"] = decimals << 24 | flags
    tape.others[: len(others)] = others
    tape.used[0] = len(others)
    return tape, wanted


def found(rows: list[Row], height: int = 0) -> tuple[list[tuple[int, ...]], list[int], int] | None:
    """What the kernel makes of rows on a tape."""
    return Extremes(*on_tape(rows)).of(height)


def naive(rows: list[Row], height: int) -> tuple[dict[int, tuple[int, int, int]], list[int], int] | None:
    """By the words: for each market the rows of its first, lowest and highest trade."""
    trades: dict[int, list[int]] = {}
    kept, blocks = [], []
    for i, (kind, market, price, decimals, flags) in enumerate(rows):
        if kind == BLOCK and price > max([height, *(rows[b][2] for b in blocks)]):
            blocks.append(i)
        if market not in FOLLOWED:
            continue
        if kind == TRADE and not flags & (SNAPSHOT | DUPLICATE | DELEVERAGED):
            if decimals > 18:
                return None
            trades.setdefault(market, []).append(i)
        if kind in (ORACLE, MARKET):
            kept.append(i)
    if len(blocks) > 1:
        return None

    def worth(i: int) -> int:
        return rows[i][2] * 10 ** (18 - rows[i][3])

    told = {m: (own[0], min(own, key=worth), max(own, key=worth)) for m, own in trades.items()}
    return told, kept, blocks[0] if blocks else -1


ROWS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from((TRADE, TRADE, TRADE, ORACLE, MARKET, BOOK, LEVEL)),
            st.sampled_from((2, 5, 7)),
            st.integers(1, 40) | st.integers(1, (1 << 63) - 1),
            st.sampled_from((0, 1, 2, 18)),
            st.sampled_from((0, 0, 0, SNAPSHOT, DUPLICATE, DELEVERAGED, 32)),
        ),
        st.tuples(st.just(BLOCK), st.just(NO_MARKET), st.integers(5, 8), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@given(ROWS, st.integers(4, 8))
def test_it_says_what_the_rows_say(rows: list[Row], height: int) -> None:
    expected, said = naive(rows, height), found(rows, height)
    assert (said is None) == (expected is None)
    if said is None or expected is None:
        return
    trades, kept, block = said
    assert (kept, block) == expected[1:]
    assert sorted({run[0] for run in trades}) == sorted(expected[0])

    def price(i: int) -> int:
        return rows[i][2] * 10 ** (18 - rows[i][3])

    for market, (first, low, high) in expected[0].items():
        runs = [run for run in trades if run[0] == market]
        assert runs[0][1] == first
        assert min(price(run[2]) for run in runs) == price(low)
        assert max(price(run[3]) for run in runs) == price(high)


def test_a_price_of_more_decimals_than_it_compares_is_left_to_others() -> None:
    assert found([(TRADE, 2, 1, 19, 0)]) is None
    assert found([(TRADE, 7, 1, 19, 0)]) == ([], [], -1), "nobody follows that market"


def test_two_blocks_are_left_to_others_and_the_same_one_twice_is_one() -> None:
    one, same, next_ = ((BLOCK, NO_MARKET, height, 0, 0) for height in (6, 6, 7))
    assert found([one, same], 5) == ([], [], 0)
    assert found([one, next_], 5) is None
    assert found([one, next_], 6) == ([], [], 1)


def test_every_market_number_has_a_place() -> None:
    with pytest.raises(ValueError, match="market number"):
        Extremes(Tape(), np.zeros(NO_MARKET, np.uint8))


BOUNDS = ((2, 10, 30, 1), (5, 0, (1 << 63) - 1, 0))


def passed(rows: list[Row], height: int, until_ns: int = 100) -> tuple[int, dict[int, tuple[int, int]]]:
    """What `Bounds` says of rows whose blocks have ten times their height as time, and the oracle prices it leaves."""
    tape, wanted = on_tape(rows)
    for i, row in enumerate(rows):
        tape.rows[i]["venue_ns"] = row[2] * 10 if row[0] == BLOCK else 0
    oracle: dict[int, Price] = {}
    bounds = Bounds(tape, wanted, oracle, Price._make)
    assert bounds.passed(height) == -1, "nothing is set"
    bounds.set(until_ns, BOUNDS)
    return bounds.passed(height), dict(oracle)


@given(ROWS, st.integers(4, 8), st.sampled_from((60, 61, 70, 71, 100)))
def test_it_passes_what_lies_between_bounds(rows: list[Row], height: int, until_ns: int) -> None:
    summed = naive([row for row in rows if row[0] != ORACLE or row[2] > 0], height)
    said, oracle = passed(rows, height, until_ns)
    prices = [
        row
        for row in rows
        if row[1] in FOLLOWED
        and (row[0] == ORACLE or (row[0] == TRADE and not row[4] & (SNAPSHOT | DUPLICATE | DELEVERAGED)))
    ]
    expected = -1
    if summed is not None and summed[2] >= 0:
        told = next(row for row in rows if row[0] == BLOCK and row[2] > height)
        strict = all(
            fall * 10**decimals < price * 10**scale < rise * 10**decimals
            for _, market, price, decimals, _ in prices
            for bound, fall, rise, scale in BOUNDS
            if bound == market
        )
        quiet = not any(row[0] == MARKET and row[1] in FOLLOWED for row in rows)
        if strict and quiet and told[2] * 10 < until_ns:
            expected = told[2]
    assert said == expected
    newest = {row[1]: (row[2], row[3]) for row in prices if row[0] == ORACLE}
    assert oracle == (newest if expected >= 0 else {})


def test_an_oracle_price_that_is_none_is_left_out() -> None:
    block = (BLOCK, NO_MARKET, 6, 0, 0)
    assert passed([(ORACLE, 2, 0, 0, 0), block], 5) == (6, {})
    assert passed([(ORACLE, 2, 2, 0, 0), block, (ORACLE, 2, 0, 0, 0)], 5) == (6, {2: (2, 0)})


def test_a_price_of_more_decimals_than_it_compares_does_not_pass() -> None:
    block = (BLOCK, NO_MARKET, 6, 0, 0)
    assert passed([(TRADE, 2, 20 * 10**17, 18, 0), block], 5) == (6, {})
    assert passed([(TRADE, 5, 1, 19, 0), block], 5) == passed([(ORACLE, 5, 1, 19, 0), block], 5) == (-1, {})


def test_bounds_that_are_too_many_or_too_fine_let_nothing_pass() -> None:
    tape, wanted = on_tape([(BLOCK, NO_MARKET, 6, 0, 0)])
    bounds = Bounds(tape, wanted, {}, Price._make)
    bounds.set(100, [])
    assert bounds.passed(5) == 6
    for wrong, error in (
        ([(market, 1, 2, 0) for market in range(65)], ValueError),
        ([(2, 1, 2, 19)], ValueError),
        ([(2, 1, 1 << 63, 0)], OverflowError),
    ):
        bounds.set(100, [])
        with pytest.raises(error):
            bounds.set(100, wrong)
        assert bounds.passed(5) == -1
    with pytest.raises(ValueError, match="market number"):
        Bounds(tape, np.zeros(NO_MARKET, np.uint8), {}, Price._make)
