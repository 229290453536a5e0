"""The candles kernel against its naive twin, against rules told one by one, and against real candles."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper._ext.candles import (
    BAR_AMENDED,
    BAR_CLOSED,
    BAR_COMPLETE,
    BAR_DIFFERS,
    BAR_DTYPE,
    BAR_INDEXER,
    BAR_INEXACT,
    BAR_NO_USD,
    BAR_SAME,
    GRACE_NS,
    Candles,
)
from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, RESOLUTION_NAMES, Tape
from tests import real
from tests import reference_candles as twin
from tests.reference_candles import INTERVALS, MINUTE_NS, Row, View

T0 = 1_766_000_000_000_000_000 // INTERVALS[6] * INTERVALS[6]  # a midnight
SECOND = 10**9
SNAPSHOT, DUPLICATE, LATE, INEXACT, FROM_REST = 1, 2, 4, 1024, 2048
OPEN, RESTART = 1, 2  # flags of news
TRADES, CANDLES = 2, 4  # channels
MATCH, MISMATCH, LATE_TRADES = (
    COUNTER_NAMES.index(n) for n in ("candle_match", "candle_mismatch", "late_trades")
)


def put(tape: Tape, rows: Iterable[Row]) -> int:
    """Write rows to the tape as the decoder would; returns how many."""
    n = 0
    for n, row in enumerate(rows, 1):
        e = tape.rows[n - 1]
        e["kind"], e["market"], e["side"] = KIND_NAMES.index(row.kind), row.market, row.side
        e["price"], e["size"], e["venue_ns"], e["ref"] = row.price, row.size, row.ns, row.ref
        e["flags"] = (row.price_dec << 24 | row.size_dec << 16) * (row.kind == "TRADE")
        e["flags"] |= DUPLICATE * row.duplicate | SNAPSHOT * row.history | INEXACT * row.inexact
        if row.view is not None:
            e["ref"], e["venue_ns"] = n, row.view.started_ns
            c = tape.candles[n]
            c["started_ns"], c["trades"], c["resolution"] = row.view.started_ns, row.view.trades, row.side
            for name, dec, value in zip(
                ("open", "high", "low", "close", "volume", "usd_volume"),
                ("open_dec", "high_dec", "low_dec", "close_dec", "volume_dec", "usd_dec"),
                row.view[1:7],
                strict=True,
            ):
                c[name], c[dec] = value
    tape.used[0] = n
    tape.others[:n] = range(n)
    return n


class Bench:
    """One tape with its kernel, fed row by row."""

    def __init__(self, bars_max: int = 16) -> None:
        self.tape = Tape(1 << 16, 64)
        self.k = Candles(self.tape, 4, bars_max)

    def tick(self, *rows: Row) -> None:
        self.k.apply(put(self.tape, rows))

    def bar(self, back: int = 0, resolution: int = 0, market: int = 0) -> dict[str, int]:
        """The current bar, or the one `back` before it."""
        row = self.k.bars(market, resolution, back + 1)[0]
        return {name: int(row[name]) for name in BAR_DTYPE.names}

    def ohlc(self, back: int = 0, resolution: int = 0) -> tuple[int, ...]:
        b = self.bar(back, resolution)
        return b["open"], b["high"], b["low"], b["close"], b["volume"], b["trades"]


def trade(seconds: float, price: int = 100, size: int = 1, **more: Any) -> Row:
    return Row("TRADE", price=price, size=size, ns=T0 + int(seconds * SECOND), **more)


def block(seconds: float) -> Row:
    return Row("BLOCK", ns=T0 + int(seconds * SECOND))


def candle(
    seconds: int, ohlc: tuple[int, int, int, int], volume: int, trades: int, res: int = 0, **more: Any
) -> Row:
    prices = [(p, 0) for p in ohlc]
    view = View(T0 + seconds * SECOND, *prices, (volume, 0), (0, 0), trades)  # type: ignore[arg-type]
    return Row("CANDLE", side=res, view=view, **more)


# ---- the rules, one by one ------------------------------------------------------------------------


def test_a_trade_opens_the_bars_of_all_resolutions() -> None:
    b = Bench()
    b.tick(trade(3601, 100, 5), trade(3602, 90, 2, side=1), trade(3603, 95, 1))
    for r in range(7):
        bar = b.bar(0, r)
        assert bar["start_ns"] == (T0 + 3601 * SECOND) // INTERVALS[r] * INTERVALS[r]
        assert b.ohlc(0, r) == (100, 100, 90, 95, 8, 3)
        assert (bar["buy"], bar["sell"], bar["usd"], bar["flags"]) == (6, 2, 775, 0)


def test_the_first_block_after_the_boundary_closes_and_the_first_trade_rewrites_the_empty_bar() -> None:
    b = Bench()
    b.tick(trade(30, 100), block(59.9))
    assert b.bar()["start_ns"] == T0
    b.tick(block(60))
    assert b.bar()["start_ns"] == T0 + 60 * SECOND
    assert b.ohlc() == (100, 100, 100, 100, 0, 0)
    assert b.bar(1)["flags"] & BAR_CLOSED
    b.tick(trade(61, 107))
    assert b.ohlc() == (107, 107, 107, 107, 1, 1)


def test_the_block_of_another_market_closes_bars_too() -> None:
    b = Bench()
    b.tick(trade(1, 100), trade(60, 7, market=1))
    assert b.bar()["start_ns"] == T0 + 60 * SECOND
    assert b.ohlc() == (100, 100, 100, 100, 0, 0)


def test_quiet_intervals_are_filled_up_to_the_ring() -> None:
    b = Bench(bars_max=5)
    b.tick(trade(1, 100), block(60 * 3 + 1))
    assert [int(x) for x in b.k.bars(0, 0, 99)["trades"]] == [1, 0, 0, 0]
    b.tick(block(60 * 1000))
    bars = b.k.bars(0, 0, 99)
    assert len(bars) == 6 and set(bars["close"]) == {100} and set(bars["trades"]) == {0}
    assert list(np.diff(bars["start_ns"])) == [MINUTE_NS] * 5


def test_a_market_that_never_traded_has_no_bars() -> None:
    b = Bench()
    b.tick(block(1), block(100))
    assert len(b.k.bars(2, 0, 10)) == 0 and b.k.current(2, 0) is None and b.k.theirs(2, 0) is None


def test_time_going_back_does_not_reopen_a_bar() -> None:
    b = Bench()
    b.tick(trade(1), block(61), block(30), block(61))
    assert b.bar()["start_ns"] == T0 + 60 * SECOND and b.k.clock_ns == T0 + 61 * SECOND


def test_a_late_trade_amends_its_bar_and_the_empty_ones_behind_it() -> None:
    b = Bench()
    b.tick(trade(1, 100, 2), block(181))
    b.tick(trade(59, 104, 3))
    assert b.tape.rows[0]["flags"] & LATE
    assert b.tape.counters[LATE_TRADES] == 1 and b.k.stats[0]["late"] == 1
    assert b.ohlc(3) == (100, 104, 100, 104, 5, 2) and b.bar(3)["flags"] & BAR_AMENDED
    assert [int(x) for x in b.k.bars(0, 0, 3)["close"]] == [104, 104, 104]
    b.tick(trade(0.5, 99))
    assert b.ohlc(3) == (99, 104, 99, 104, 6, 3)
    assert b.ohlc(0, 1) == (99, 104, 99, 104, 6, 3) and not b.bar(0, 1)["flags"] & BAR_AMENDED


def test_a_trade_older_than_the_ring_is_late_and_changes_only_coarser_bars() -> None:
    b = Bench(bars_max=2)
    b.tick(trade(1, 100), block(299))
    before = b.k.bars(0, 0, 9).tobytes()
    b.tick(trade(2, 101))
    assert b.k.bars(0, 0, 9).tobytes() == before and b.ohlc(0, 1) == (100, 101, 100, 101, 2, 2)
    assert b.tape.counters[LATE_TRADES] == 1


def test_duplicates_count_nothing_and_history_is_never_late() -> None:
    b = Bench()
    b.tick(trade(100, 7), trade(101, 7, duplicate=True), trade(10, 9, history=True))
    assert b.ohlc() == (7, 7, 7, 7, 1, 1) and b.ohlc(1) == (9, 9, 9, 9, 1, 1)
    assert b.tape.counters[LATE_TRADES] == 0 and b.k.stats[0]["trades"] == 2


def test_history_builds_the_past_and_meets_the_clock_at_the_end_of_the_call() -> None:
    b = Bench()
    b.tick(block(600))
    b.tick(*(trade(t, p, history=True) for t, p in ((10, 5), (70, 6), (75, 8), (200, 7))))
    assert [int(x) for x in b.k.bars(0, 0, 99)["close"]] == [5, 8, 8, 7, 7, 7, 7, 7, 7, 7, 7]
    assert not any(b.k.bars(0, 0, 99)["flags"] & (BAR_COMPLETE | BAR_AMENDED))


def test_mixed_scales_are_exact() -> None:
    b = Bench()
    b.tick(trade(1, 2, 3), trade(2, 1999, 25, price_dec=3, size_dec=1), trade(3, 21, 1, price_dec=1))
    bar = b.bar()
    assert (bar["price_dec"], bar["size_dec"], bar["usd_dec"]) == (3, 1, 4)
    assert b.ohlc() == (2000, 2100, 1999, 2100, 65, 3)
    assert bar["usd"] == 60000 + 1999 * 25 + 21000
    b.tick(block(60), trade(61, 5))
    assert (b.bar()["price_dec"], b.bar()["size_dec"], b.bar()["close"]) == (0, 0, 5)


def test_what_does_not_fit_is_refused_marked_and_counted() -> None:
    b = Bench()
    most = (1 << 63) - 1
    b.tick(trade(1, 10, most), trade(2, 11, 1))
    assert b.ohlc() == (10, 10, 10, 10, most, 1) and b.bar()["flags"] == BAR_INEXACT | BAR_NO_USD
    assert b.bar()["usd"] == 0 and b.k.stats[0]["overflows"] == 7
    b.tick(trade(3, most, 1, market=1), trade(4, 1, 0, market=1, price_dec=1))
    assert b.bar(0, 0, 1)["flags"] & BAR_INEXACT and b.bar(0, 0, 1)["trades"] == 1
    b.tick(trade(5, 3, 1, market=2), trade(6, 3, 1, market=2, inexact=True))
    assert b.bar(0, 3, 2)["flags"] == BAR_INEXACT and b.bar(0, 3, 2)["trades"] == 2


@pytest.mark.parametrize(
    "row",
    [
        trade(0, -1),
        trade(0, 1, -1),
        trade(0, market=4),
        trade(0, market=65535),
        trade(-2e9),
        trade(1, price_dec=37),
        trade(1, size_dec=37),
        Row("TRADE", ns=1 << 62, price=1, size=1),
        Row("BLOCK", ns=1 << 62),
        candle(1, (1, 1, 1, 1), 1, 1),
        candle(60, (1, 1, 1, 1), -1, 1),
        candle(60, (1, 1, 1, -1), 1, 1),
        candle(60, (1, 1, 1, 1), 1, 1 << 32),
        candle(60, (1, 1, 1, 1), 1, 1, 7),
        candle(60, (1, 1, 1, 1), 1, 1, market=9),
        candle(-int(T0 // SECOND), (1, 1, 1, 1), 1, 1),
    ],
)
def test_impossible_rows_are_skipped_and_counted(row: Row) -> None:
    b = Bench()
    before = b.k.digest()
    b.tick(row)
    assert b.k.skipped == 1 and b.k.clock_ns == 0 and b.k.digest() == before
    assert all(len(b.k.bars(m, r, 9)) == 0 for m in range(4) for r in range(7))


def test_a_candle_row_that_points_beyond_its_table_is_skipped() -> None:
    b = Bench()
    n = put(b.tape, [candle(60, (1, 1, 1, 1), 1, 1)])
    b.tape.rows[0]["ref"] = len(b.tape.candles)
    b.k.apply(n)
    assert b.k.skipped == 1


def complete(b: Bench) -> list[bool]:
    return [bool(f & BAR_COMPLETE) for f in b.k.bars(0, 0, 99)["flags"]]


def test_a_bar_is_complete_only_if_it_was_watched_from_its_start_to_its_end() -> None:
    b = Bench()
    b.tick(trade(30), block(60), block(120))
    assert complete(b) == [False, True, True]
    b.tick(block(131), Row("GAP", ref=3), block(180))
    assert complete(b) == [False, True, False, True]  # 120 is not; the next one is again
    b.tick(block(300))
    assert complete(b) == [False, True, False, True, False, True]  # no block was seen in 240


def test_a_loss_just_after_the_end_takes_the_last_trades_of_the_bar_with_it() -> None:
    b = Bench()
    b.tick(trade(30), block(60), block(120), Row("GAP"))
    assert complete(b) == [False, False, False]
    b.tick(block(180), block(190), Row("GAP"))
    assert complete(b) == [False, False, False, False]
    b.tick(block(240), block(250), Row("GAP"))
    assert complete(b)[-2:] == [False, False]
    b.tick(block(300), block(360), block(360 + GRACE_NS / SECOND), Row("GAP"))
    assert complete(b)[-2:] == [True, False]


@pytest.mark.parametrize(
    ("row", "now", "later"),
    [
        (Row("GAP", ref=1), True, True),  # another connection
        (Row("GAP", ref=2), False, True),
        (Row("CONNECTED", ref=2), False, False),
        (Row("CONNECTED", ref=1), True, True),
        (Row("LINK", ref=2, side=3), False, False),
        (Row("LINK", ref=2, side=2), True, True),  # open
        (Row("LINK", ref=2, side=4), False, False),
        (Row("ERROR", ref=2), False, True),
        (Row("ERROR", ref=2, size=3), True, True),  # a refused book message
        (Row("ERROR", ref=2, side=12), True, True),  # REST
        (Row("SUBSCRIBED", ref=5, side=TRADES), False, True),
        (Row("UNSUBSCRIBED", ref=2, side=TRADES), False, False),
        (Row("UNSUBSCRIBED", ref=1, side=TRADES), True, True),
        (Row("SUBSCRIBED", ref=2, side=CANDLES), True, True),
        (Row("SUBSCRIBED", ref=2, side=1), True, True),
        (Row("SUBSCRIBED", ref=2, side=TRADES, market=1), True, True),
        (Row("SUBSCRIBED", ref=2, side=TRADES, market=77), True, True),
        (Row("UNKNOWN", ref=2), True, True),
    ],
)
def test_what_ends_completeness(row: Row, now: bool, later: bool) -> None:
    b = Bench()
    b.tick(
        Row("SUBSCRIBED", ref=2, side=TRADES), trade(30, history=True), block(60), block(119), row, block(120)
    )
    assert complete(b)[1] is now
    b.tick(block(180))
    assert complete(b)[2] is later


def test_a_final_candle_is_compared_after_the_grace() -> None:
    b = Bench()
    b.tick(trade(30), block(60), trade(61, 7, 2), trade(119, 9, 1), block(120))
    b.tick(candle(60, (7, 9, 7, 9), 3, 2), candle(120, (9, 9, 9, 9), 0, 0))
    assert b.tape.counters[MATCH] == 0
    b.tick(block(129))
    assert b.tape.counters[MATCH] == 0
    b.tick(block(130))
    assert b.tape.counters[MATCH] == 1 and b.k.stats[0]["match"] == 1
    assert b.bar(1)["flags"] & BAR_SAME
    b.tick(trade(62, 1))  # not in the Indexer's candle, so not in ours
    assert b.ohlc(1) == (7, 9, 7, 9, 3, 2)


def test_a_late_trade_within_the_grace_still_matches() -> None:
    b = Bench()
    b.tick(trade(30), block(60), trade(61, 7, 2), block(120))
    b.tick(candle(60, (7, 9, 7, 9), 3, 2), candle(120, (9, 9, 9, 9), 0, 0), trade(119, 9, 1), block(131))
    assert b.tape.counters[MATCH] == 1 and b.tape.counters[LATE_TRADES] == 1
    assert b.bar(1)["flags"] == BAR_COMPLETE | BAR_CLOSED | BAR_SAME | BAR_AMENDED


@pytest.mark.parametrize(
    "wrong",
    [
        ((8, 9, 7, 9), 3, 2),
        ((7, 8, 7, 9), 3, 2),
        ((7, 9, 6, 9), 3, 2),
        ((7, 9, 7, 7), 3, 2),
        ((7, 9, 7, 9), 4, 2),
    ],
)
def test_a_difference_is_counted_once_and_ours_stays(
    wrong: tuple[tuple[int, int, int, int], int, int],
) -> None:
    b = Bench()
    b.tick(trade(30), block(60), trade(61, 7, 2), trade(119, 9, 1), block(120))
    b.tick(candle(60, *wrong), candle(120, (9, 9, 9, 9), 0, 0), block(131))
    b.tick(candle(60, *wrong, history=True), candle(120, (9, 9, 9, 9), 0, 0, history=True))
    assert b.tape.counters[MISMATCH] == 1 == b.k.stats[0]["mismatch"] and b.tape.counters[MATCH] == 0
    assert b.bar(1)["flags"] & BAR_DIFFERS and b.ohlc(1) == (7, 9, 7, 9, 3, 2)


def test_a_bar_that_was_not_watched_is_taken_from_the_indexer_or_kept_where_equal() -> None:
    b = Bench()
    b.tick(trade(30, 7), block(60), block(120))
    b.tick(candle(0, (5, 7, 5, 7), 4, 3, history=True), candle(60, (7, 7, 7, 7), 0, 0, history=True))
    assert b.ohlc(2) == (5, 7, 5, 7, 4, 3) and b.bar(2)["flags"] == BAR_CLOSED | BAR_INDEXER
    assert (b.bar(2)["buy"], b.bar(2)["sell"]) == (0, 0) and b.k.stats[0]["history"] == 1
    b = Bench()
    b.tick(trade(30, 7), block(60))
    b.tick(candle(0, (7, 7, 7, 7), 1, 1, history=True), candle(60, (7, 7, 7, 7), 0, 0, history=True))
    assert b.bar(1)["flags"] == BAR_CLOSED | BAR_SAME and b.bar(1)["buy"] == 1
    assert b.tape.counters[MATCH] == 0  # not watched: no proof


def test_history_comes_before_the_first_trade() -> None:
    b = Bench(bars_max=4)
    b.tick(*(candle(60 * i, (i, i, i, i + 1), 1, 1, history=True) for i in range(8)))
    assert [int(x) for x in b.k.bars(0, 0, 99)["open"]] == [
        3,
        4,
        5,
        6,
        7,
    ]  # the current one follows the close
    assert b.ohlc() == (7, 7, 7, 7, 0, 0)
    theirs = b.k.theirs(0, 0)
    assert theirs is not None and int(theirs["close"]) == 8 and int(theirs["flags"]) == BAR_INDEXER
    b.tick(trade(60 * 7 + 5, 50), trade(60 * 2, 1))
    assert b.ohlc() == (50, 50, 50, 50, 1, 1)
    assert b.tape.counters[LATE_TRADES] == 1 and [int(x) for x in b.k.bars(0, 0, 3)["volume"]] == [1, 1, 1]


def test_a_lost_update_is_never_taken_for_final() -> None:
    b = Bench()
    b.tick(trade(30), block(60), trade(61, 7), block(120))
    b.tick(candle(60, (1, 1, 1, 1), 1, 1), Row("GAP", ref=9), candle(120, (9, 9, 9, 9), 0, 0), block(140))
    assert b.tape.counters[MISMATCH] == 0
    b.tick(candle(60, (1, 1, 1, 1), 1, 1), candle(120, (9, 9, 9, 9), 0, 1), candle(120, (9, 9, 9, 8), 0, 0))
    theirs = b.k.theirs(0, 0)
    assert theirs is not None and int(theirs["close"]) == 9  # older views do not replace newer ones


def test_a_loss_before_the_comparison_hands_the_bar_to_the_indexer() -> None:
    b = Bench()
    b.tick(trade(30), block(60), trade(61, 7), block(120))
    b.tick(candle(60, (7, 8, 7, 8), 2, 2), candle(120, (8, 8, 8, 8), 0, 0), Row("GAP"), block(131))
    assert b.tape.counters[MISMATCH] == b.tape.counters[MATCH] == 0
    assert b.ohlc(1) == (7, 8, 7, 8, 2, 2) and b.bar(1)["flags"] & BAR_INDEXER
    assert b.ohlc() == (8, 8, 8, 8, 0, 0)  # the empty bar behind it follows


def test_a_candle_whose_prices_share_no_scale_is_refused_and_counted() -> None:
    b = Bench()
    view = View(T0, (1 << 62, 0), (1 << 62, 0), (5, 18), (5, 0), (1, 0), (1, 0), 1)
    b.tick(Row("CANDLE", view=view), candle(60, (1, 1, 1, 1), 0, 0))
    assert b.k.stats[0]["overflows"] == 1 and len(b.k.bars(0, 0, 9)) == 0


def test_questions_out_of_range() -> None:
    b = Bench()
    for market, resolution in ((-1, 0), (4, 0), (0, 7), (0, -1)):
        with pytest.raises(ValueError, match="must lie in"):
            b.k.bars(market, resolution, 1)
        with pytest.raises(ValueError, match="must lie in"):
            b.k.theirs(market, resolution)
    with pytest.raises(ValueError, match="count"):
        b.k.bars(0, 0, -1)
    for n in (-1, len(b.tape.rows) + 1):
        with pytest.raises(ValueError, match="n must lie"):
            b.k.apply(n)
    b.k.apply(0)
    for markets, bars in ((0, 9), (65536, 9), (4, 1), (4, 65537)):
        with pytest.raises(ValueError, match="must lie in"):
            Candles(b.tape, markets, bars)


# ---- against the twin -----------------------------------------------------------------------------

SMALL = st.integers(0, 30)
BIG = st.sampled_from([0, (1 << 63) - 1, (1 << 62) + 1, 10**18, 10**17 + 3])
DECS = st.sampled_from([0, 0, 0, 0, 1, 2, 5, 19, 36])
STEP_S = st.sampled_from(
    [0, 0.2, 0.2, 0.2, 3, 3, 11, 31, 60, 95, 400, 7000, 90000, -1, -25, -70, -400, -100000]
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Any, ...]:
    kind = draw(st.sampled_from(["TRADE"] * 8 + ["BLOCK"] * 3 + ["CANDLE"] * 2 + ["ECHO"] * 3 + ["NEWS"] * 2))
    step, market, flag = draw(STEP_S), draw(st.sampled_from([0, 0, 0, 1, 1, 2, 9])), draw(st.integers(0, 11))
    history = flag < 3
    if kind == "TRADE":
        amount = st.one_of(SMALL, SMALL, SMALL, SMALL, BIG)
        decs = draw(st.one_of(st.just((1, 1)), st.just((1, 1)), st.tuples(DECS, DECS)))
        row = Row("TRADE", market, draw(st.integers(0, 1)), draw(amount), draw(amount), *decs)
        return step, row._replace(duplicate=flag == 3, history=history, inexact=flag == 4)
    if kind == "BLOCK":
        return step, Row("BLOCK")
    if kind == "ECHO":
        return step, kind, market, draw(st.integers(0, 6)), draw(st.integers(0, 3)), draw(SMALL), history
    if kind == "CANDLE":
        value = st.tuples(st.one_of(SMALL, SMALL, BIG), DECS)
        view = View(0, *(draw(value) for _ in range(6)), draw(SMALL))
        return step, Row("CANDLE", market, draw(st.integers(0, 7)), history=history, view=view)
    name = draw(st.sampled_from(["SUBSCRIBED", "UNSUBSCRIBED", "CONNECTED", "GAP", "LINK", "ERROR", "PONG"]))
    side = draw(st.sampled_from([0, 1, 2, 3, 4, 12]))
    return step, Row(name, market, side, size=draw(st.integers(0, 1)), ref=draw(st.integers(0, 1)))


def echo(reference: twin.Candles, market: int, r: int, back: int, skew: int, history: bool) -> list[Row]:
    """What the Indexer would say of a bar of ours, now and then otherwise, and the candle after it."""
    bars = reference.bars(market, r, back + 1)
    if not bars:
        return []
    start, o, h, lo, c, volume, _, _, usd, trades, p, s, u, _ = bars[0]
    view = View(start, (o, p), (h, p), (lo, p), (c, p), (volume ^ (skew == 0), s), (usd, u), trades)
    after = View(start + INTERVALS[r], (c, p), (c, p), (c, p), (c, p), (0, 0), (0, 0), 0)
    return [Row("CANDLE", market, r, history=history, view=v) for v in (view, after)]


def same_state(kernel: Candles, tape: Tape, reference: twin.Candles) -> None:
    assert kernel.clock_ns == reference.clock and kernel.skipped == reference.skipped
    for market in range(kernel.markets_max):
        known = reference.markets.get(market, twin.Market())
        assert tuple(kernel.stats[market].tolist()) == tuple(known.counts.__dict__.values())
        for r in range(7):
            for count in (1, 3, 99):
                assert kernel.bars(market, r, count).tolist() == reference.bars(market, r, count)
            theirs, now = kernel.theirs(market, r), kernel.current(market, r)
            assert (None if theirs is None else tuple(theirs.tolist())) == reference.theirs(market, r)
            assert ([] if now is None else [tuple(now.tolist())]) == reference.bars(market, r, 1)
    counts = [m.counts for m in reference.markets.values()]
    assert tape.counters[LATE_TRADES] == sum(c.late for c in counts)
    assert tape.counters[MATCH] == sum(c.match for c in counts)
    assert tape.counters[MISMATCH] == sum(c.mismatch for c in counts)


class Listener:
    """Keeps series of bars from nothing but what `tell` says, and only those of some resolutions."""

    resolutions = (0, 1, 3, 6)

    def __init__(self) -> None:
        self.series: dict[tuple[int, int], dict[int, tuple[int, ...]]] = {}
        self.open: dict[tuple[int, int], int] = {}

    def hear(self, kernel: Candles) -> None:
        n = kernel.tell(sum(1 << r for r in self.resolutions))
        while n:
            for news in kernel.news[:n]:
                k, flags = int(news["k"]), int(news["flags"])
                series = self.series.setdefault((int(news["market"]), int(news["resolution"])), {})
                if flags & RESTART:
                    series.clear()
                assert k >= max(series, default=0) - 1, (
                    "only the last closed bar and the open one are told again"
                )
                series[k] = tuple(int(news[name]) for name in self.names)
                self.open[int(news["market"]), int(news["resolution"])] = k if flags & OPEN else -1
            n = kernel.tell_more()

    names = ("open", "high", "low", "close", "volume", "usd", "trades", "price_dec", "size_dec", "usd_dec")

    def check(self, kernel: Candles) -> None:
        for market in range(kernel.markets_max):
            for r in range(7):
                bars = kernel.bars(market, r, 1 << 16)
                heard = self.series.get((market, r), {})
                assert bool(heard) == (len(bars) > 0 and r in self.resolutions)
                assert self.open.get((market, r), 0) == max(heard, default=0), "the open bar comes last"
                for bar in bars if heard else ():
                    assert heard[int(bar["start_ns"]) // INTERVALS[r]] == tuple(
                        int(bar[n]) for n in self.names
                    )


@settings(deadline=None)
@given(
    ticks=st.lists(st.lists(rows(), max_size=8), min_size=1, max_size=14),
    bars_max=st.sampled_from([2, 3, 7, 20]),
    saved_at=st.integers(0, 14),
)
def test_equal_to_the_twin(ticks: list[list[tuple[Any, ...]]], bars_max: int, saved_at: int) -> None:
    tape, other = Tape(1 << 16, 64), Tape(1 << 16, 64)
    kernel, unsaved = Candles(tape, 3, bars_max), Candles(other, 3, bars_max)
    reference = twin.Candles(3, bars_max)
    listener = Listener()
    time_ns = T0 + 86_000 * SECOND
    for number, tick in enumerate(ticks):
        batch: list[Row] = []
        for step, *what in tick:
            if what[0] == "ECHO":
                batch += echo(reference, *what[1:])
                continue
            row = what[0]
            time_ns += int(step * SECOND)
            if row.view is not None:
                interval = INTERVALS[min(row.side, 6)]
                row = row._replace(view=row.view._replace(started_ns=time_ns // interval * interval))
            batch.append(row._replace(ns=time_ns))
        late = reference.apply(batch)
        n = put(tape, batch)
        kernel.apply(n)
        assert [bool(f & LATE) for f in tape.rows["flags"][:n]] == late
        unsaved.apply(put(other, batch))
        same_state(kernel, tape, reference)
        listener.hear(kernel)
        listener.check(kernel)
        if number == saved_at:
            saved = kernel.save()
            kernel = Candles(tape, 3, bars_max)
            kernel.load(saved)
            assert kernel.save() == saved
            same_state(kernel, tape, reference)
        assert kernel.digest() == unsaved.digest()
    assert kernel.save() == unsaved.save()


def test_more_news_than_fit_at_once_are_told_in_pieces() -> None:
    b = Bench(bars_max=256)
    b.tick(*(trade(60 * i, 100 + i, market=m) for i in range(30) for m in (0, 3)))
    listener = Listener()
    for _ in range(2):
        b.tick(*(trade(60 * i, 200 + i, market=m) for i in range(2000, 2030) for m in (1, 2)))
        listener.hear(b.k)
        listener.check(b.k)
    assert len(listener.series[0, 0]) == len(listener.series[3, 0]) == 257, "the ring and the open bar"
    b.tick(block(60 * 2030))
    assert b.k.tell(0) == 0 and b.k.tell_more() == 0


# ---- save, load, digest ---------------------------------------------------------------------------


def busy() -> Bench:
    b = Bench()
    b.tick(Row("SUBSCRIBED", ref=2, side=TRADES), trade(1, 3, history=True), trade(400, 4, 2, market=2))
    b.tick(
        block(420),
        trade(425, 5),
        block(480),
        candle(420, (5, 5, 5, 5), 1, 1),
        candle(480, (5, 5, 5, 5), 0, 0),
    )
    return b


def test_a_loaded_state_goes_on_as_the_saved_one() -> None:
    a, b = busy(), Bench()
    b.k.load(a.k.save())
    b.tape.counters[:] = a.tape.counters
    for x in (a, b):
        x.tick(block(495), trade(490, 9), trade(421, 1))
    assert a.k.digest() == b.k.digest() and a.k.save() == b.k.save()
    assert a.tape.counters[MATCH] == b.tape.counters[MATCH] == 1
    for market in range(4):
        for r in range(7):
            assert a.k.bars(market, r, 99).tobytes() == b.k.bars(market, r, 99).tobytes()


def test_nothing_but_an_own_state_is_loaded() -> None:
    a, b = busy(), busy()
    b.tick(block(1000))
    saved, before = a.k.save(), b.k.save()
    bad = [b"", b"x" * 200, saved[:-1], saved + b"\0", saved[:-8], saved[8:], bytes(len(saved))]
    for at in range(0, len(saved), 7):
        bad.append(saved[:at] + bytes([saved[at] ^ 1]) + saved[at + 1 :])
    for wrong in bad:
        with pytest.raises(ValueError, match="saved"):
            b.k.load(wrong)
    assert b.k.save() == before
    for other in (Candles(a.tape, 4, 17), Candles(a.tape, 2, 16)):
        with pytest.raises(ValueError, match="limits"):
            other.load(saved)


def test_only_filled_bars_are_saved() -> None:
    b = Bench(bars_max=256)
    assert len(b.k.save()) < 200
    b.tick(trade(1))
    assert len(b.k.save()) < 1200


@pytest.mark.parametrize("change", ["price", "size", "side", "market", "venue_ns", "flags", "kind"])
def test_the_digest_notices_a_changed_row(change: str) -> None:
    digests = []
    for times in (0, 1):
        b = busy()
        n = put(b.tape, [trade(481, 8, 2), trade(482, 9, 2)])
        b.tape.rows[0][change] += times * (DUPLICATE if change == "flags" else 1)
        b.k.apply(n)
        digests.append(b.k.digest())
    assert digests[0] != digests[1]


def test_a_call_without_trades_changes_no_digest() -> None:
    b = busy()
    before = b.k.digest()
    b.tick(Row("PONG"), block(481), block(470))
    assert b.k.digest() == before


# ---- real messages --------------------------------------------------------------------------------


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000) * 10**6


def split(text: str) -> tuple[int, int]:
    """A decimal as (mantissa, decimals), trailing zeros stripped."""
    sign, digits, exponent = Decimal(text).normalize().as_tuple()
    assert sign == 0 and isinstance(exponent, int)
    value = int("".join(map(str, digits)))
    return (value * 10**exponent, 0) if exponent > 0 else (value, -exponent)


def real_trades(name: str) -> list[Row]:
    message = json.loads(real.messages(name)[0])
    found = []
    for t in message["contents"]["trades"]:
        (price, price_dec), (size, size_dec) = split(t["price"]), split(t["size"])
        side, history = ("BUY", "SELL").index(t["side"]), message["type"] == "subscribed"
        found.append(
            Row("TRADE", 0, side, price, size, price_dec, size_dec, ns(t["createdAt"]), history=history)
        )
    return found[::-1] if message["type"] == "subscribed" else found


def real_candle(c: dict[str, Any], name: str, history: bool) -> Row:
    values = [split(c[key]) for key in ("open", "high", "low", "close", "baseTokenVolume", "usdVolume")]
    view = View(ns(c["startedAt"]), *values, c["trades"])
    return Row("CANDLE", side=RESOLUTION_NAMES.index(name), history=history, view=view)


def real_candles(name: str) -> list[Row]:
    found = []
    for text in real.messages(name):
        message = json.loads(text)
        contents, resolution = message["contents"], message["id"].split("/")[1]
        if message["type"] == "subscribed":
            found += [real_candle(c, resolution, True) for c in reversed(contents["candles"])]
        else:
            found += [
                real_candle(c, resolution, False)
                for c in (contents if isinstance(contents, list) else [contents])
            ]
    return found


@pytest.mark.parametrize(
    ("name", "resolution"),
    [
        ("dydx-nautilus/websocket/v4_candles_subscribed.json", 0),
        ("dydx-abacus/ws/v4_candles_ETH-USD_1HOUR_subscribed_100.json", 4),
    ],
)
def test_a_real_candle_snapshot_becomes_history(name: str, resolution: int) -> None:
    found = real_candles(name)
    b = Bench(bars_max=256)
    b.tick(*found)
    bars = b.k.bars(0, resolution, 999)
    views = [row.view for row in found if row.view is not None]
    assert (
        len(views) == 100
        and len(bars) == (views[-1].started_ns - views[0].started_ns) // INTERVALS[resolution] + 1
    )
    by_start = {int(bar["start_ns"]): bar for bar in bars[:-1]}
    for view in views[:-1]:
        bar = by_start[view.started_ns]
        shown = [
            twin.number(int(bar[key]), int(bar["price_dec"])) for key in ("open", "high", "low", "close")
        ]
        assert shown == [twin.number(*v) for v in view[1:5]]
        assert twin.number(int(bar["volume"]), int(bar["size_dec"])) == twin.number(*view.volume)
        assert twin.number(int(bar["usd"]), int(bar["usd_dec"])) == twin.number(*view.usd)
        assert bar["trades"] == view.trades
        # An empty candle may equal the empty bar that was filled in before it came.
        assert bar["flags"] == BAR_CLOSED | BAR_INDEXER or (bar["flags"], bar["trades"]) == (
            BAR_CLOSED | BAR_SAME,
            0,
        )
    assert bars[-1]["trades"] == 0
    assert b.k.stats[0]["history"] == sum(bool(f & BAR_INDEXER) for f in bars["flags"]) > 0


def test_real_updates_follow_the_real_snapshot() -> None:
    b = Bench()
    b.tick(*real_candles("dydx-abacus/ws/v4_candles_ETH-USD_1HOUR_subscribed_100.json"))
    updates = real_candles("dydx-abacus/ws/v4_candles_ETH-USD_1HOUR_updates.jsonl")
    b.tick(updates[0])
    theirs = b.k.theirs(0, 4)
    assert theirs is not None and (int(theirs["close"]), int(theirs["trades"])) == (15828, 1365)
    b.tick(updates[1])  # of two days later: the update before it was the last word on its hour
    bars = b.k.bars(0, 4, 99)
    final = bars[bars["start_ns"] == ns("2023-09-22T22:00:00Z")]
    assert len(final) == 0  # older than this ring of 16
    assert int(b.k.theirs(0, 4)["trades"]) == 726


def test_a_real_candle_update_stands_beside_ours() -> None:
    b = Bench()
    b.tick(*real_candles("dydx-nautilus/websocket/v4_candles_channel_data.json"))
    theirs = b.k.theirs(0, 0)
    assert theirs is not None
    assert [int(theirs[key]) for key in ("open", "high", "low", "close")] == [32465, 32476, 32465, 32476]
    assert (int(theirs["volume"]), int(theirs["size_dec"]), int(theirs["trades"])) == (6364, 3, 10)
    assert len(b.k.bars(0, 0, 9)) == 0


@pytest.mark.parametrize(
    "name",
    [
        "dydx-abacus/ws/v4_trades_ETH-USD_subscribed.json",
        "dydx-abacus/ws/v4_trades_ETH-USD_channel_data.json",
        "dydx-nautilus/websocket/v4_trades.json",
    ],
)
def test_real_trades_become_bars(name: str) -> None:
    found = real_trades(name)
    b, reference = Bench(), twin.Candles(4, 16)
    for at in range(0, len(found), 60):
        b.tick(*found[at : at + 60])
        reference.apply(found[at : at + 60])
    same_state(b.k, b.tape, reference)
    bar = b.k.current(0, 6)
    assert bar is not None and int(bar["trades"]) == len(found)
    volume = sum((twin.number(t.size, t.size_dec) for t in found), Decimal(0))
    assert twin.number(int(bar["volume"]), int(bar["size_dec"])) == volume
    usd = sum(
        (twin.number(t.price, t.price_dec) * twin.number(t.size, t.size_dec) for t in found), Decimal(0)
    )
    assert twin.number(int(bar["usd"]), int(bar["usd_dec"])) == usd


def test_real_minutes_aggregate_to_real_hours() -> None:
    """Four trades a real minute (its open, low, high, close): the hours follow from the minutes."""
    table = real.lines("dydx-candles/dydx_BTC-USD_1MIN_seed_168h.csv.gz")
    names = table[1].decode().split(",")
    minutes = [dict(zip(names, line.decode().split(","), strict=True)) for line in table[2:1002]]
    b = Bench(bars_max=1000)
    for minute in minutes:
        quotes = [split(minute[key]) for key in ("open", "low", "high", "close")]
        at = ns(minute["timestamp"])
        b.tick(*(Row("TRADE", 0, 0, p, 1, d, 0, at + i * SECOND) for i, (p, d) in enumerate(quotes)))
    assert len(b.k.bars(0, 4, 99)) == 18
    for r in (0, 4):
        for bar in b.k.bars(0, r, 1000)[1:]:
            start, dec = int(bar["start_ns"]), int(bar["price_dec"])
            inside = [m for m in minutes if start <= ns(m["timestamp"]) < start + INTERVALS[r]]
            shown = [twin.number(int(bar[key]), dec) for key in ("open", "high", "low", "close")]
            if not inside:  # a minute in which the venue stood still
                assert bar["trades"] == 0 and len(set(shown)) == 1
                continue
            assert shown[0] == Decimal(inside[0]["open"]) and shown[3] == Decimal(inside[-1]["close"])
            assert shown[1] == max(Decimal(m["high"]) for m in inside)
            assert shown[2] == min(Decimal(m["low"]) for m in inside)
            assert bar["trades"] == 4 * len(inside)
