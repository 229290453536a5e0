"""bars: candles as messages that the engine reads back as the same candles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper._ext.tape import COUNTER_NAMES, TRUST_NAMES
from sniper.engine import Engine
from sniper.errors import UsageError
from sniper.feed.barfile import Bars
from sniper.feed.bars import BarFeed, Grid, Quoting, grid_of, listed_in
from sniper.types import REC_FRAME, REC_REST

MINUTE_NS = 60 * 10**9
START_NS = 1_700_000_040 * 10**9


def never(now_ns: int) -> int | None:
    return None


def bars_of(
    rows: list[tuple[int, int, int, int, int]], price_decimals: int = 0, step_ns: int = MINUTE_NS
) -> Bars:
    columns = np.array(rows, np.int64).T.copy()
    start = START_NS - START_NS % step_ns + np.arange(len(rows)) * step_ns
    return Bars(start, *columns, price_decimals, 4, step_ns, "")


def feed(bars: Bars, ticker: str = "BTC-USD", **quoting: Any) -> BarFeed:
    return BarFeed([(grid_of(ticker, bars, None)[0], bars)], Quoting(**quoting))


def frames(records: list[tuple[int, int, int, bytes]]) -> Iterator[dict[str, Any]]:
    for _, _, kind, data in records:
        if kind == REC_FRAME:
            yield json.loads(data)


rows = st.lists(
    st.tuples(st.integers(1000, 90_000), *[st.integers(0, 999)] * 3, st.integers(0, 10**9)).map(
        lambda t: (t[0], t[0] + t[1] + t[3], t[0] - t[2], t[0] + (t[1] if t[3] % 2 else -t[2]), t[4])
    ),
    min_size=2,
    max_size=12,
)


@settings(deadline=None)
@given(rows, st.integers(0, 5), st.sampled_from(["BTC-USD", "XRP-USD", "NEW-USD"]))
def test_the_engine_reads_back_the_same_candles(
    found: list[tuple[int, int, int, int, int]], decimals: int, ticker: str
) -> None:
    bars = bars_of(found, decimals)
    engine = Engine()
    for now_ns, records in feed(bars, ticker).ticks(never):
        engine.tick(now_ns, records)
    counters = dict(zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False))
    assert counters["rejected"] == 0 and counters["missing_ids"] == 0
    assert counters["fast_frames"] == 3 * len(found) + sum(row[4] > 0 for row in found)
    closed = {bar[0]: bar for bar in engine.candles.bars(0, 0, 50).tolist()}
    for start_ns, row in zip(bars.start_ns.tolist(), found, strict=True):
        if row[4]:
            bar = closed[start_ns]
            assert [value * row[0] for value in bar[1:5]] == [value * bar[1] for value in row[:4]]
            assert TRUST_NAMES[int(engine.books.tops["trust"][0])] == "live"


def test_the_book_stands_round_the_close_and_never_crosses() -> None:
    found = [(9000, 9100, 8900, 9000 + 90 * (-1) ** i, 400) for i in range(6)]
    engine = Engine()
    for number, (now_ns, records) in enumerate(
        feed(bars_of(found), spread_ppm=1000, depth_usd=5000.0).ticks(never)
    ):
        engine.tick(now_ns, records)
        if number:
            close = found[number - 1][3]
            bid, bid_steps, ask, ask_steps = engine.books.top(0)
            assert bid < close < ask and close - bid <= 6 and ask - close <= 6
            assert bid_steps == ask_steps == 5000 * 10**4 // close
            sides = [
                side
                for frame in frames(records)
                if frame.get("channel") == "v4_orderbook"
                for side in frame["contents"]
            ]
            assert [list(side) for side in sides] == (
                [["asks"], ["bids"]] if close > 9000 else [["bids"], ["asks"]]
            )


def test_a_spread_is_a_tick_at_least() -> None:
    engine = Engine()
    for now_ns, records in feed(bars_of([(9000, 9000, 9000, 9000, 1)] * 2), spread_ppm=0).ticks(never):
        engine.tick(now_ns, records)
    assert engine.books.top(0)[::2] == (9000, 9001)


def test_trades_draw_the_bar_with_its_exact_volume() -> None:
    bars = bars_of([(100, 110, 99, 105, 7), (105, 106, 90, 91, 0)], 1)
    ticks = list(feed(bars).ticks(never))
    (trades,) = [f["contents"]["trades"] for f in frames(ticks[1][1]) if f["channel"] == "v4_trades"]
    assert [float(t["price"]) for t in trades] == [10.0, 9.9, 11.0, 10.5]
    assert [t["size"] for t in trades] == ["0.000175"] * 4  # a quarter of 0.0007
    assert [t["side"] for t in trades] == ["BUY", "SELL", "BUY", "BUY"]
    assert len({t["id"] for t in trades}) == 4
    assert all(f["channel"] != "v4_trades" for f in frames(ticks[2][1]))


def test_message_ids_and_heights_count_up() -> None:
    bars = bars_of([(100, 110, 90, 105, 7)] * 4)
    found = [f for _, records in feed(bars).ticks(never) for f in frames(records)]
    assert [f["message_id"] for f in found] == list(range(len(found)))
    heights = [int(f["contents"]["blockHeight"]) for f in found if f.get("channel") == "v4_block_height"]
    assert heights == list(range(heights[0], heights[0] + 4))


def test_a_venue_that_is_due_gets_the_open_and_its_own_ticks() -> None:
    bars = bars_of([(100, 110, 90, 105, 7), (107, 120, 106, 118, 7), (118, 119, 117, 118, 7)])
    ends = (bars.start_ns + MINUTE_NS).tolist()
    dues = [ends[0] + 40_000_000, ends[0] + 90_000_000]
    now: list[int] = []

    def due(now_ns: int) -> int | None:
        while dues and now and dues[0] <= now_ns:
            dues.pop(0)
        return dues[0] if dues and now_ns >= ends[0] else None

    found = []
    for now_ns, records in feed(bars).ticks(due):
        now.append(now_ns)
        found.append([f.get("channel") for f in frames(records)])
    assert now == [
        START_NS,
        ends[0],
        ends[0] + 10**6,
        ends[0] + 40_000_000,
        ends[0] + 90_000_000,
        ends[1],
        ends[2],
    ]
    assert found[2] == ["v4_orderbook", "v4_markets"] and found[3] == found[4] == []


def test_files_are_merged_by_time() -> None:
    one, two = bars_of([(100, 110, 90, 105, 7)] * 3), bars_of([(50, 51, 49, 50, 7)] * 4)
    grids = [grid_of(ticker, bars, None)[0] for ticker, bars in (("BTC-USD", one), ("NEW-USD", two))]
    engine = Engine()
    ticks = list(BarFeed(list(zip(grids, (one, two), strict=True))).ticks(never))
    assert len(ticks) == 1 + 4 and [kind for _, _, kind, _ in ticks[0][1]].count(REC_REST) == 1
    for now_ns, records in ticks:
        engine.tick(now_ns, records)
    assert engine.decoder.markets_n == 2 and len(ticks[2][1]) == 7 and len(ticks[4][1]) == 4
    assert dict(zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False))["rejected"] == 0


def test_where_a_grid_comes_from() -> None:
    bars = bars_of([(100, 110, 90, 105, 7)] * 2, 2)
    assert grid_of("BTC-USD", bars, None)[1] == "the simulated listing"
    grid, source = grid_of("NEW-USD", bars, None)
    assert "digits" in source and (grid.tick, grid.tick_decimals, grid.step_decimals) == (1, 2, 4)
    listed = {**grid.listed, "tickSize": "0.5", "stepSize": "10"}
    assert grid_of("NEW-USD", bars, listed) == (Grid("NEW-USD", listed, 5, 1, 10, 0), "the markets file")
    for bad in ({}, {"tickSize": "x", "stepSize": "1"}, {"tickSize": "0", "stepSize": "1"}):
        with pytest.raises(UsageError, match="tickSize and stepSize"):
            grid_of("NEW-USD", bars, bad)
    with pytest.raises(UsageError, match="decimals"):
        grid_of("NEW-USD", bars._replace(volume_decimals=12), None)
    assert listed_in(b'{"markets":{"A":{}}}') == {"A": {}} and listed_in(b'{"markets":[]}') == {}
