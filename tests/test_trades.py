"""Trades: each once, exact volumes at any scale, a bounded memory, state."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, Tape
from sniper._ext.trades import Trades

TRADE = KIND_NAMES.index("TRADE")
DUPLICATE, LIQUIDATED = 2, 32
IDS_MAX, RECENT = 4096, 64
Deal = tuple[int, int, int, int, int]  # id, side, price, size, decimals of the size


class Tapes:
    """Trades of a few markets, written to the tape by hand."""

    def __init__(self) -> None:
        self.tape = Tape(1 << 20, 64)
        self.trades = Trades(self.tape, 4)

    def put(self, *deals: Deal, market: int = 0, form: int = 0, flags: int = 0) -> list[bool]:
        """Apply trades in one tick; which of them were seen before."""
        rows, side = self.tape.rows, self.tape.trades
        for i, (id_, buyer, price, size, dec) in enumerate(deals):
            rows[i] = np.zeros(1, rows.dtype)[0]
            rows[i]["kind"], rows[i]["market"], rows[i]["side"], rows[i]["ref"] = TRADE, market, buyer, i
            rows[i]["price"], rows[i]["size"], rows[i]["flags"] = price, size, dec << 16 | flags
            side[i]["id_high"], side[i]["id_low"], side[i]["id_form"] = id_ >> 64, id_ & (2**64 - 1), form
            side[i]["row"] = i
            self.tape.others[i] = i
        self.tape.used[:2] = len(deals)
        self.trades.apply(len(deals))
        return [bool(row["flags"] & DUPLICATE) for row in rows[: len(deals)]]

    def counter(self, name: str) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index(name)])


DEAL = st.tuples(
    st.integers(0, 60), st.integers(0, 1), st.integers(1, 10**12), st.integers(1, 10**17), st.integers(0, 18)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(DEAL, max_size=8), max_size=10), st.data())
def test_volumes_are_exact_and_ids_count_once(batches: list[list[Deal]], data: Any) -> None:
    tapes = Tapes()
    seen: set[int] = set()
    volume = [Fraction(0), Fraction(0)]
    for batch in batches:
        marks = tapes.put(*batch)
        for (id_, side, price, size, dec), mark in zip(batch, marks, strict=True):
            assert mark == (id_ in seen)
            if id_ not in seen:
                volume[side] += Fraction(size, 10**dec)
                assert seen.add(id_) is None
                last = price
        buy, sell, dec = tapes.trades.volumes(0)
        assert [Fraction(buy, 10**dec), Fraction(sell, 10**dec)] == volume
        assert int(tapes.trades.stats[0]["count"]) == len(seen) == tapes.counter("trades")
        if seen:
            assert int(tapes.trades.stats[0]["last_price"]) == last
        if data.draw(st.booleans()):
            other = Trades(tapes.tape, 4)
            other.load(tapes.trades.save())
            assert other.save() == tapes.trades.save()
            tapes.trades = other


def test_the_last_ids_are_remembered_and_older_ones_forgotten() -> None:
    tapes = Tapes()
    count = 3 * IDS_MAX
    for start in range(0, count, 1024):
        assert not any(tapes.put(*((i, 0, 1, 1, 0) for i in range(start, start + 1024))))
    assert tapes.put((count - 1, 0, 1, 1, 0), (count - IDS_MAX, 0, 1, 1, 0)) == [True, True]
    assert tapes.put((count - IDS_MAX - 1, 0, 1, 1, 0)) == [False]
    assert int(tapes.trades.stats[0]["duplicates"]) == tapes.counter("duplicate_trades") == 2


def test_an_id_of_another_form_or_market_is_another_id() -> None:
    tapes = Tapes()
    assert tapes.put((7, 0, 1, 1, 0)) == [False]
    assert tapes.put((7, 0, 1, 1, 0), form=1) == [False]
    assert tapes.put((7, 0, 1, 1, 0), market=1) == [False]
    assert tapes.put((0, 0, 1, 1, 0)) == [False]
    assert tapes.put((0, 0, 1, 1, 0)) == [True]


def test_the_short_tape_is_newest_first() -> None:
    tapes = Tapes()
    for i in range(RECENT + 5):
        tapes.put((i, i % 2, 100 + i, 1 + i, 3))
    recent = tapes.trades.recent(0, 3)
    assert recent["price"].tolist() == [100 + RECENT + 4 - i for i in range(3)]
    assert recent["size_dec"].tolist() == [3, 3, 3]
    assert len(tapes.trades.recent(0)) == RECENT
    assert len(tapes.trades.recent(0, 0)) == len(tapes.trades.recent(2)) == 0


def test_liquidations_are_counted() -> None:
    tapes = Tapes()
    tapes.put((1, 0, 1, 1, 0), (2, 0, 1, 1, 0), flags=LIQUIDATED)
    tapes.put((3, 0, 1, 1, 0))
    assert int(tapes.trades.stats[0]["liquidations"]) == 2


def test_a_volume_beyond_128_bits_stays_at_the_top() -> None:
    tapes = Tapes()
    for i in range(50):
        tapes.put((i, 0, 1, 10**17, 0))
    tapes.put((99, 0, 1, 1, 18))
    tapes.put((100, 1, 1, 1, 18))
    buy, sell, dec = tapes.trades.volumes(0)
    assert (buy, sell, dec) == (50 * 10**17 * 10**18 + 1, 1, 18)


@pytest.mark.parametrize("cut", [0, 10, 41, 70, 200, -1])
def test_a_damaged_state_is_refused_and_changes_nothing(cut: int) -> None:
    tapes = Tapes()
    tapes.put(*((i, 0, 1, 1, 0) for i in range(20)))
    state = tapes.trades.save()
    for damaged in (state[:cut], state + b"x", b"nonsense" + state[8:]):
        with pytest.raises(ValueError, match="state"):
            tapes.trades.load(damaged)
    assert tapes.trades.save() == state
    with pytest.raises(ValueError, match="for 4 markets"):
        Trades(tapes.tape, 5).load(state)


def test_questions_out_of_range() -> None:
    trades = Tapes().trades
    with pytest.raises(IndexError, match="no market"):
        trades.volumes(4)
    with pytest.raises(IndexError, match="no market"):
        trades.recent(-1)
    with pytest.raises(ValueError, match="rows"):
        trades.apply(10**9)
    with pytest.raises(ValueError, match="markets_max"):
        Trades(Tape(), 0)
