"""Whatever comes in, scores stay finite and within bounds; and nothing but the past decides them."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper._ext.signals import PART_NAMES
from sniper._ext.tape import FIELD_NAMES
from tests.signals_rows import (
    DELEVERAGED,
    DUPLICATE,
    FROM_REST,
    LIQUIDATED,
    MARKETS_MAX,
    MINUTE,
    RETICKED,
    SECOND,
    SNAPSHOT,
    Row,
    Rows,
)  # fmt: skip

TOP = 2**63 - 1
SIZE = st.sampled_from([0, 1, 2, 60, 10**6, 10**15, TOP])
PRICE = st.one_of(st.integers(950, 1050), st.sampled_from([0, 1, 10**9, 10**18, TOP]))
MARKET = st.sampled_from([0, 0, 0, 1, MARKETS_MAX - 1, MARKETS_MAX, 0xFFFF])
DECIMALS = st.sampled_from([0, 0, 0, 1, 9, 18, 36, 255])
FLAGS = st.sampled_from([0, 0, 0, SNAPSHOT, DUPLICATE, LIQUIDATED, DELEVERAGED, FROM_REST, RETICKED])
STEP_NS = st.sampled_from([0, 1, SECOND // 8, SECOND, MINUTE, 61 * MINUTE, 2**55])


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """One row of any kind that says something to signals, sane or not."""
    kind = draw(
        st.sampled_from(
            ["LEVEL", "LEVEL", "LEVEL", "BOOK", "TRADE", "TRADE", "CANDLE", "CANDLE", "BLOCK", "ORACLE", "MARKET",
             "FUNDING", "GAP", "CONNECTED", "UNSUBSCRIBED"]
        )
    )  # fmt: skip
    row: Row = {"kind": kind, "market": draw(MARKET), "side": draw(st.integers(0, 1)), "price": draw(PRICE)}
    row["size"] = draw(SIZE)
    row["flags"] = draw(FLAGS) | draw(DECIMALS) << 24 | draw(DECIMALS) << 16
    row["venue_ns"] = draw(st.integers(-3, 50))  # in minutes from the tick; made absolute there
    if kind == "LEVEL":
        row["price"] = max(row["price"], 1)
    if kind == "CANDLE":
        prices = {name: draw(PRICE) for name in ("open", "high", "low", "close")}
        decimals = {
            name: draw(st.sampled_from([0, 0, 18, 36])) for name in ("close_dec", "volume_dec", "usd_dec")
        }
        row["candle"] = prices | decimals | {"volume": draw(SIZE), "usd_volume": draw(SIZE)}
        row["candle"] |= {"trades": draw(st.sampled_from([0, 1, 2**32 - 1]))}
    if kind == "MARKET":
        row["size"] = draw(st.integers(0, 2 ** len(FIELD_NAMES) - 1))
    return row


TICKS = st.lists(st.tuples(STEP_NS, st.lists(rows(), max_size=12)), min_size=1, max_size=12)
FIELDS = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 5]), st.integers(-TOP, TOP), st.integers(0, 60)), max_size=6
)


def tick(rig: Rows, step_ns: int, batch: list[Row]) -> list[int]:
    """A tick whose candles, trades and blocks lie near its time."""
    now_ns = min(rig.now_ns + step_ns, 2**62)
    rig.now_ns = now_ns
    made: list[Row] = []
    for row in batch:
        minute = now_ns // MINUTE + row["venue_ns"]
        made.append(row | {"venue_ns": minute * MINUTE})
        if "candle" in row:
            made[-1]["candle"] = row["candle"] | {"started_ns": minute * MINUTE}
    return rig.tick(*made, now_ns=now_ns)


def prepared(fields: list[tuple[int, int, int]], warm: bool) -> Rows:
    rig = Rows(resolutions=(0, 1), bars_max=40)
    for i, mantissa, decimals in fields:
        if i > 1 or mantissa > 0:
            rig.set(0, **{FIELD_NAMES[i]: (mantissa, decimals)})
    if warm:
        rig.bars([1000 + i % 2 for i in range(40)])
        rig.snapshot(999, 1001)
    return rig


def sound(rig: Rows) -> None:
    signals = rig.signals
    for market in range(MARKETS_MAX):
        for name, score in rig.scores(market).items():
            assert isfinite(score) and 0 <= score <= 100, (market, name, score)
        assert all(isfinite(value) for value in signals.parts(market).values()), signals.parts(market)
        assert all(isfinite(value) for value in signals.indicators(market, 1))
        assert isfinite(signals.drifts[market]) and signals.sigmas[market] >= 0


@settings(max_examples=200)
@given(TICKS, FIELDS, st.booleans(), st.integers(0, 11))
def test_scores_stay_within_bounds_and_a_loaded_state_goes_on_alike(
    ticks: list[tuple[int, list[Row]]], fields: list[tuple[int, int, int]], warm: bool, saved_at: int
) -> None:
    rig, other = prepared(fields, warm), prepared(fields, warm)
    for i, (step_ns, batch) in enumerate(ticks):
        assert tick(rig, step_ns, batch) == tick(other, step_ns, batch)
        sound(rig)
        if i == saved_at:
            saved = rig.signals.save()
            rig.signals = rig.fresh()
            rig.signals.load(saved)
            assert rig.signals.save() == saved
        assert rig.signals.digest() == other.signals.digest()
        assert np.array_equal(rig.signals.scores, other.signals.scores)
    assert rig.signals.save() == other.signals.save()


@settings(max_examples=50)
@given(TICKS, TICKS, TICKS, FIELDS)
def test_what_comes_later_changes_nothing_before(
    past: list[Any], future: list[Any], other: list[Any], fields: list[tuple[int, int, int]]
) -> None:
    """Two histories that differ after some tick give the same scores up to it, tick by tick."""
    seen = []
    for ticks in (past + future, past + other):
        rig = prepared(fields, True)
        scores = []
        for step_ns, batch in ticks:
            tick(rig, step_ns, batch)
            scores.append((rig.signals.scores.tobytes(), rig.signals.sigmas.tobytes(), rig.signals.digest()))
        seen.append(scores[: len(past)])
    assert seen[0] == seen[1]


def test_parts_have_the_names_of_their_fields() -> None:
    assert len(set(PART_NAMES)) == len(PART_NAMES) > 30
