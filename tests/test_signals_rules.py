"""Each signal by example: what moves it, which way, and what does not."""

from __future__ import annotations

import pytest

from tests.signals_rows import (
    DELEVERAGED,
    DOUBT,
    DUPLICATE,
    FROM_REST,
    LIQUIDATED,
    MINUTE,
    RETICKED,
    SECOND,
    SNAPSHOT,
    T0,
    Rows,
    level,
    trade,
)  # fmt: skip

BUY, SELL = 0, 1
HOUR = 60 * MINUTE


def warm(closes: list[int] | None = None) -> Rows:
    """A market with a book and more than enough bars, which saw-tooth unless told otherwise."""
    rows = Rows()
    rows.set(0, oraclePrice=(1000, 0), nextFundingRate=(0, 8))
    rows.bars(closes or [1000 + i % 2 for i in range(40)])
    rows.snapshot(999, 1001)
    return rows


def test_history_warms_up_all_that_depends_on_bars_at_once() -> None:
    rows = Rows()
    rows.bars([1000 + i % 2 for i in range(40)])
    by_bars = {
        "momentum", "trend", "rsi", "bollinger", "atr", "realised", "regime", "volume", "flow", "liquidations",
        "footprint", "recurring", "replenished",
    }  # fmt: skip
    assert rows.warm() == by_bars
    rows.set(0, oraclePrice=(1000, 0), nextFundingRate=(0, 8))
    rows.snapshot(999, 1001)
    rows.tick({"kind": "ORACLE", "price": 1000})
    assert rows.warm() == by_bars | {
        "book_1", "book_3", "book_10", "spread", "depth", "basis", "funding", "funding_next",
    }  # fmt: skip
    for _ in range(16):
        rows.tick()
    assert len(rows.warm()) == 22, "the mean of the microprice needs its half-life"


@pytest.mark.parametrize(
    "bars, ready",
    [(10, 0), (15, 4), (20, 11), (28, 12), (34, 13)],
)
def test_the_first_bars_warm_up_step_by_step(bars: int, ready: int) -> None:
    for closed, expected in ((bars - 1, False), (bars, True)):
        rows = Rows()
        rows.bars([1000 + i % 2 for i in range(closed + 1)])
        assert (len(rows.warm()) >= ready) == expected or ready == 0
        assert ready == 0 or (len(rows.warm()) == ready) == expected


@pytest.mark.parametrize("sign", [1, -1])
def test_a_trend_shows_in_momentum_and_trend_and_against_it_in_reversion(sign: int) -> None:
    rows = warm([1000 + sign * (i * i // 20 + i % 2) for i in range(40)])
    last = 1000 + sign * 78
    rows.snapshot(last - 1, last + 1)
    scores = rows.scores()
    for name in ("momentum", "trend"):
        assert (scores[name] - 50) * sign > 15, name
    for name in ("rsi", "bollinger"):
        assert (scores[name] - 50) * sign < -15, name
    assert scores["regime"] > 60
    assert rows.signals.drifts[0] * sign > 0


def test_a_flat_market_is_neutral() -> None:
    rows = warm([1000] * 40)
    scores = rows.scores()
    assert [scores[n] for n in ("trend", "rsi", "bollinger", "momentum")] == [50.0] * 4
    assert [scores[n] for n in ("atr", "realised", "regime", "volume")] == [0.0] * 4
    assert rows.signals.sigmas[0] == 0 and "realised" not in rows.warm()


def test_volatility_counts_the_open_bar_only_where_that_adds() -> None:
    rows = warm()
    calm = rows.signals.sigmas[0]
    rows.snapshot(1000, 1001)
    assert rows.signals.sigmas[0] == calm
    rows.snapshot(899, 901)
    assert rows.signals.sigmas[0] > 5 * calm


def test_the_oracle_price_has_a_volatility_of_its_own() -> None:
    rows = warm()
    calm = rows.signals.sigmas[0]
    for i in range(17):
        rows.tick({"kind": "ORACLE", "price": 1000 + 50 * (i % 2)}, now_ns=T0 + HOUR + i * MINUTE)
    assert rows.signals.parts(0)["sigma_bars"] <= calm < rows.signals.parts(0)["sigma_oracle"]
    sigma = rows.signals.parts(0)["sigma"]
    assert 0.04 < rows.signals.sigmas[0] == sigma < 0.06
    rows.tick({"kind": "ORACLE", "price": 9000, "flags": DOUBT}, now_ns=rows.now_ns + MINUTE)
    assert rows.signals.sigmas[0] == sigma, "a price that is doubted is not sampled"


def test_book_imbalance_spread_and_depth() -> None:
    rows = warm()
    rows.snapshot(999, 1001, 30, 10)
    assert rows.scores()["book_1"] == 75.0
    rows.tick(level(0, 998, 20), level(1, 1002, 90))
    scores = rows.scores()
    assert scores["book_1"] == 75.0 and scores["book_3"] == scores["book_10"] == pytest.approx(50 - 50 / 3)
    parts = rows.signals.parts(0)
    assert parts["spread_bps"] == 20.0 and scores["spread"] == pytest.approx(100 * 2 / 22)
    assert parts["depth_usd"] == 50_000.0 and scores["depth"] == pytest.approx(100 / 6)
    rows.tick(level(1, 1002, 0))
    assert rows.scores()["depth"] < scores["depth"]


def test_only_a_book_that_can_be_trusted_counts() -> None:
    rows = warm()
    for name in ("book_1", "spread", "basis"):
        assert name in rows.warm()
    rows.tick({"kind": "GAP"})
    for _ in range(64):
        rows.tick(now_ns=rows.now_ns + SECOND // 64)
    assert not {"book_1", "spread", "basis", "microprice"} & rows.warm(), "noticed within a second"
    assert rows.scores()["book_1"] == 50.0 and rows.scores()["spread"] == 0.0
    rows.snapshot(999, 1001, 30, 10)
    assert rows.scores()["book_1"] == 75.0
    rows.tick(level(0, 999, 0))
    assert "book_1" not in rows.warm(), "one side is empty"
    rows.snapshot(999, 1001)
    assert "book_1" in rows.warm()
    rows.tick({"kind": "BOOK", "flags": SNAPSHOT})
    assert "book_1" not in rows.warm(), "a snapshot without levels"


def test_the_microprice_is_held_against_its_past() -> None:
    rows = warm()
    for _ in range(20):
        rows.tick()
    assert rows.scores()["microprice"] == 50.0
    rows.tick(level(0, 999, 1000))
    up = rows.scores()["microprice"]
    assert up > 60
    for _ in range(64):
        rows.tick()
    assert 50 < rows.scores()["microprice"] < up


@pytest.mark.parametrize("side", [BUY, SELL])
def test_flow_follows_the_taker_and_fades(side: int) -> None:
    rows = warm()
    sign = 1 if side == BUY else -1
    rows.tick(trade(side, 1000, 120))
    first = rows.scores()["flow"]
    assert (first - 50) * sign > 15
    rows.tick(*[trade(side, 1000, 120, flags) for flags in (SNAPSHOT, FROM_REST, DELEVERAGED)])
    assert rows.signals.parts(0)["bought" if side == BUY else "sold"] == pytest.approx(120, rel=0.03)
    rows.tick(now_ns=rows.now_ns + 32 * SECOND)
    assert (first - 50) * sign > (rows.scores()["flow"] - 50) * sign > 5
    rows.tick(now_ns=rows.now_ns + 3 * HOUR)
    assert rows.scores()["flow"] == 50.0


def test_a_trade_seen_before_does_not_count_again() -> None:
    rows = warm()
    rows.tick(trade(BUY, 1000, 7))
    again = trade(BUY, 1000, 7)
    rows.write([again])
    rows.tape.trades[0]["id_low"] -= 1
    rows.trades.apply(1)
    assert rows.tape.rows[0]["flags"] & DUPLICATE
    rows.signals.apply(1)
    rows.signals.update(rows.now_ns)
    assert rows.signals.parts(0)["bought"] == pytest.approx(7, rel=0.01)


def test_volume_of_the_last_minute_against_the_usual() -> None:
    rows = warm()
    assert rows.scores()["volume"] == 0.0
    rows.tick(trade(BUY, 1000, 250, venue_ns=rows.now_ns))
    surge = rows.scores()["volume"]
    assert surge == pytest.approx(100 * (310 - 61) / (310 + 61), rel=0.1)
    minute = rows.now_ns // MINUTE + 1
    rows.tick({"kind": "BLOCK", "price": 2, "venue_ns": minute * MINUTE}, now_ns=minute * MINUTE)
    just_after = rows.scores()["volume"]
    rows.tick(now_ns=minute * MINUTE + 45 * SECOND)
    assert rows.scores()["volume"] < just_after, "the closed bar counts less and less"


@pytest.mark.parametrize("side, sign", [(BUY, 1), (SELL, -1)])
def test_liquidations_press_where_they_trade(side: int, sign: int) -> None:
    rows = warm()
    rows.tick(trade(side, 1000, 6))
    assert rows.scores()["liquidations"] == 50.0
    rows.tick(trade(side, 1000, 6, LIQUIDATED))
    assert (rows.scores()["liquidations"] - 50) * sign > 20
    assert abs(rows.signals.parts(0)["forced"]) == pytest.approx(6)


@pytest.mark.parametrize("side, sign", [(BUY, 1), (SELL, -1)])
def test_a_size_that_keeps_coming_back_leaves_a_footprint(side: int, sign: int) -> None:
    rows = warm()
    for size in (1, 20, 20, 3):
        rows.tick(trade(side, 1000, size))
    assert rows.scores()["recurring"] == 50.0 and rows.scores()["footprint"] == 0.0
    rows.tick(trade(side, 1000, 20))
    assert (rows.scores()["recurring"] - 50) * sign > 15 and rows.scores()["footprint"] > 10
    for size in range(100, 116):
        rows.tick(trade(side, 1000, size))
    before = rows.signals.parts(0)
    rows.tick(trade(side, 1000, 20))
    assert rows.signals.parts(0)["recurring_buys"] <= before["recurring_buys"], (
        "forgotten after 16 other trades"
    )


@pytest.mark.parametrize("side", [0, 1])
def test_a_touch_that_refills_after_trades_leaves_a_footprint(side: int) -> None:
    """side 0: bids are hit by sellers and come back, which speaks for long."""
    sign, touch = (1, 999) if side == 0 else (-1, 1001)
    name = ("refilled_bids", "refilled_asks")[side]
    rows = warm()
    rows.tick(level(side, touch, 25))
    assert rows.signals.parts(0)[name] == 0.0, "nothing was taken"
    rows.tick(trade(1 - side, touch, 15), level(side, touch, 10))
    rows.tick(level(side, touch, 30))
    assert rows.signals.parts(0)[name] == pytest.approx(15, rel=0.01), "no more comes back than was taken"
    assert (rows.scores()["replenished"] - 50) * sign > 10
    rows.tick(trade(1 - side, touch, 30), level(side, touch, 0), level(side, touch - 5 * sign, 50))
    assert rows.signals.parts(0)[name] < 16, "another price stood behind it"
    rows.tick(level(side, touch, 8))
    assert rows.signals.parts(0)[name] == pytest.approx(23, rel=0.02), "gone and back"
    rows.tick(trade(side, touch, 9))
    rows.tick(level(side, touch, 40))
    assert rows.signals.parts(0)[("refilled_asks", "refilled_bids")[side]] == 0.0


def test_funding_speaks_against_those_who_pay() -> None:
    rows = warm()
    for rate, high in ((-5000, True), (5000, False)):
        rows.set(0, nextFundingRate=(rate, 8))
        rows.tick({"kind": "MARKET", "size": 1 << 5})
        scores = rows.scores()
        assert (scores["funding"] > 70) == high and (scores["funding"] < 30) != high
        assert scores["funding_next"] == scores["funding"], "nothing else is known"


def test_the_expected_rate_weighs_samples_against_what_was_charged_last() -> None:
    rows = warm()

    def told(rate: int, at_ns: int) -> float:
        rows.set(0, nextFundingRate=(rate, 8))
        rows.tick({"kind": "MARKET", "size": 1 << 5}, now_ns=at_ns)
        return rows.signals.parts(0)["funding_expected"]

    hour = T0 + 2 * HOUR
    assert told(6000, hour - MINUTE) == pytest.approx(6e-5)
    assert told(6000, hour + 29 * SECOND) == pytest.approx(6e-5), "still the hour before"
    assert told(0, hour + 30 * SECOND) == pytest.approx(6e-5 * 59 / 60), "one sample"
    assert told(0, hour + 29 * MINUTE + 31 * SECOND) == pytest.approx(6e-5 * 30 / 60)
    assert rows.signals.parts(0)["funding"] == 0.0
    rows.tick({"kind": "FUNDING", "price": 12, "flags": 6 << 24, "venue_ns": hour + SECOND})
    assert rows.signals.parts(0)["funding_expected"] == pytest.approx(12e-6 * 30 / 60), "history knows better"
    rows.tick({"kind": "FUNDING", "price": 99, "flags": 6 << 24, "venue_ns": hour - HOUR})
    assert rows.signals.parts(0)["funding_expected"] == pytest.approx(12e-6 * 30 / 60), "older than that"
    rows.tick({"kind": "FUNDING", "price": 24, "flags": 6 << 24, "venue_ns": hour + HOUR})
    assert told(5000, hour + HOUR + 30 * SECOND) == pytest.approx(5e-5 / 60 + 24e-6 * 59 / 60), (
        "charged, not told"
    )


def test_basis_is_mid_against_oracle() -> None:
    rows = warm()
    assert rows.scores()["basis"] == 50.0
    rows.set(0, oraclePrice=(10005, 1))
    rows.tick({"kind": "ORACLE", "price": 10005, "flags": 1 << 24})
    assert rows.scores()["basis"] == pytest.approx(75, abs=0.1)
    rows.set(0, oraclePrice=(9995, 1))
    rows.tick({"kind": "ORACLE", "price": 9995, "flags": 1 << 24})
    assert rows.scores()["basis"] == pytest.approx(25, abs=0.1)


def test_a_new_tick_size_voids_what_was_counted_in_ticks() -> None:
    rows = warm()
    rows.tick(trade(SELL, 999, 5), level(0, 999, 5))
    rows.set(0, tickSize=(1, 1))
    rows.tick({"kind": "MARKET", "size": 1, "flags": RETICKED})
    assert "book_1" not in rows.warm()
    rows.snapshot(999, 1001, 30, 30)
    assert rows.signals.parts(0)["refilled_bids"] == 0.0
    assert rows.signals.parts(0)["mid"] == 100.0


def test_a_market_that_nobody_watches_is_not_scored() -> None:
    rows = Rows()
    rows.set(2, oraclePrice=(5, 0), nextFundingRate=(1, 8))
    assert (
        rows.tick({"kind": "ORACLE", "market": 2, "price": 5}, {"kind": "MARKET", "market": 2, "size": 36})
        == []
    )
    assert rows.tick({"kind": "TRADE", "market": 9, "size": 1, "price": 1}) == []
    rows.snapshot(9, 10, market=1)
    assert rows.signals.changed() == [1]


def test_each_market_is_scored_once_a_second() -> None:
    rows = Rows()
    for market in (0, 1, 3):
        rows.snapshot(9, 10, market=market)
    seen = [rows.tick(now_ns=rows.now_ns + SECOND // 64 + 1) for _ in range(64)]
    assert sorted(m for tick in seen for m in tick) == [0, 1, 3]
    assert rows.tick(now_ns=rows.now_ns + 5 * SECOND) == [0, 1, 3]
    assert rows.tick(now_ns=rows.now_ns) == []


def test_an_amended_bar_is_taken_anew_and_an_older_one_begins_the_series_anew() -> None:
    def scored(*late: dict[str, int]) -> tuple[object, ...]:
        rows = Rows()
        now = rows.now_ns // MINUTE
        for i in range(40):
            rows.tick(trade(BUY, 1000 + i % 3, 60, venue_ns=(now - 39 + i) * MINUTE), now_ns=rows.now_ns)
        for extra in late:
            ns = (now - extra["back"]) * MINUTE + 59 * SECOND
            rows.tick(trade(BUY, 1100, extra["size"], venue_ns=ns), now_ns=rows.now_ns)
        return rows.signals.indicators(0, 0)

    assert scored({"back": 1, "size": 4}) == scored({"back": 1, "size": 1}, {"back": 1, "size": 3})
    assert scored() != scored({"back": 1, "size": 4}) != scored({"back": 3, "size": 4})
    twice = scored({"back": 3, "size": 4}, {"back": 1, "size": 4})
    assert twice == scored({"back": 1, "size": 4}, {"back": 3, "size": 4})
