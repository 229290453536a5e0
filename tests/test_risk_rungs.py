"""risk_rungs: rungs in order, no flapping within the hysteresis, and earlier when prices are old or drift."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.risk_margin import BEYOND
from sniper.risk_rungs import (
    CALM,
    FAR,
    FLATTEN,
    RUNG_NAMES,
    Assessment,
    Part,
    Rungs,
    Trends,
    assess,
    danger_of,
    leapt,
)
from sniper.risk_settings import LadderSettings
from tests.risking import BTC, ETH, USD, Scene

SECOND = 10**9
SETTINGS = LadderSettings(hold_ns=60 * SECOND, flatten_hold_ns=900 * SECOND)


def test_a_rung_holds_by_danger_or_by_distance() -> None:
    for danger, sigmas, rung in (
        (0, FAR, 0), (299_999, 8.1, 0), (300_000, FAR, 1), (0, 8.0, 1), (400_000, FAR, 2), (0, 6.0, 2),
        (500_000, FAR, 3), (0, 4.0, 3), (700_000, FAR, 4), (0, 2.0, 4), (BEYOND, -1.0, 4),
    ):  # fmt: skip
        rungs = Rungs(SETTINGS)
        rungs.update(danger, sigmas, SECOND)
        assert rungs.rung == rung, (danger, sigmas)


def test_no_rung_is_skipped_on_the_way_up() -> None:
    rungs = Rungs(SETTINGS)
    moves = rungs.update(900_000, FAR, SECOND)
    assert [(move.before, move.after) for move in moves] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_blind_each_rung_begins_where_the_one_before_it_does() -> None:
    for danger, sigmas, rung in (
        (299_999, 8.1, 0),
        (300_000, FAR, 2),
        (0, 6.0, 3),
        (0, 4.0, 4),
        (500_000, FAR, 4),
    ):
        rungs = Rungs(SETTINGS)
        moves = rungs.update(danger, sigmas, SECOND, blind=True)
        assert rungs.rung == rung and [move.after for move in moves] == list(range(1, rung + 1))


def test_after_a_leap_closing_begins_with_the_first_rung_and_all_goes_where_closing_begins() -> None:
    for danger, sigmas, rung in (
        (299_999, 8.1, 0),
        (300_000, FAR, 3),
        (0, 8.0, 3),
        (0, 4.1, 3),
        (0, 4.0, 4),
        (500_000, FAR, 4),
    ):
        for blind in (False, True):
            rungs = Rungs(SETTINGS)
            moves = rungs.update(danger, sigmas, SECOND, blind, leap=True)
            assert rungs.rung == rung and [move.after for move in moves] == list(range(1, rung + 1))
            assert rungs.on(danger, sigmas) == bool(rung)


def test_a_leap_is_half_the_distance_in_one_look_by_prices() -> None:
    def at(sigmas: float, notional: int, size: int = 10**8) -> Assessment:
        part = Part(BTC, size, notional * USD, 12 * USD, 0.01, 0)
        return Assessment(100 * USD, 12 * USD, 120_000, sigmas, False, (part,))

    assert leapt(at(16.0, 1_000), at(8.0, 980)) and not leapt(at(15.9, 1_000), at(8.0, 980))
    assert leapt(at(16.0, 1_000, -(10**8)), at(8.0, 1_020, -(10**8)))
    assert not leapt(at(16.0, 1_000, -(10**8)), at(8.0, 980, -(10**8))), "it fell, and a short gains by that"
    assert not leapt(at(16.0, 1_000), at(8.0, 1_000)), "a transfer"
    assert not leapt(at(16.0, 1_000), at(8.0, 980, 2 * 10**8)), "a fill"
    assert not leapt(at(FAR, 1_000), at(8.0, 980)), "nothing was held, or nothing is known of before"


def test_down_goes_one_rung_at_a_time_after_its_hold() -> None:
    rungs = Rungs(SETTINGS)
    rungs.update(550_000, FAR, SECOND)
    now_ns = SECOND
    assert rungs.update(0, FAR, now_ns) == []
    for rung in (3, 2, 1):
        assert rungs.rung == rung
        now_ns += 60 * SECOND
        assert rungs.update(0, FAR, now_ns - 1) == []
        (move,) = rungs.update(0, FAR, now_ns)
        assert (move.before, move.after) == (rung, rung - 1)
    assert rungs.rung == CALM and rungs.update(0, FAR, now_ns * 2) == []


def test_the_last_rung_holds_longer() -> None:
    rungs = Rungs(SETTINGS)
    rungs.update(800_000, FAR, SECOND)
    rungs.update(0, FAR, 2 * SECOND)
    assert rungs.update(0, FAR, 901 * SECOND) == [] and rungs.update(0, FAR, 902 * SECOND)


def test_within_the_hysteresis_nothing_moves_and_a_relapse_starts_the_hold_anew() -> None:
    rungs = Rungs(SETTINGS)
    rungs.update(500_000, FAR, SECOND)
    for i in range(100):
        assert (
            rungs.update(400_000, FAR, (2 + 60 * i) * SECOND) == []
        )  # 20 % below the threshold is not below it yet
    assert rungs.update(399_999, 4.8, 10_000 * SECOND) == []
    assert rungs.update(399_999, 4.81, 10_000 * SECOND) == []
    assert rungs.update(450_000, FAR, 10_059 * SECOND) == []
    assert rungs.update(399_999, FAR, 10_060 * SECOND) == []
    assert rungs.update(399_999, FAR, 10_119 * SECOND) == []
    assert len(rungs.update(399_999, FAR, 10_120 * SECOND)) == 1


readings = st.tuples(st.integers(0, 1_200_000), st.floats(-2.0, 20.0), st.integers(1, 100))


@given(st.lists(readings, max_size=60))
def test_rungs_never_skip_and_never_flap(path: list[tuple[int, float, int]]) -> None:
    """Each step is to a neighbour; up only where the rung holds; down only after a hold in which every reading was
    better than the threshold by the hysteresis."""
    rungs, now_ns, history = Rungs(SETTINGS), 0, []
    for danger, sigmas, seconds in path:
        now_ns += seconds * SECOND
        history.append((now_ns, danger, sigmas))
        before = rungs.rung
        moves = rungs.update(danger, sigmas, now_ns)
        assert [move.before for move in moves] == [before + i * (1 if moves[0].after > before else -1)
                                                   for i in range(len(moves))]  # fmt: skip
        assert all(abs(move.after - move.before) == 1 for move in moves)
        for move in moves:
            if move.after > move.before:
                assert rungs.rungs[move.after].holds(danger, sigmas)
            else:
                rung = rungs.rungs[move.before]
                since = now_ns - rung.hold_ns
                window = [(d, s) for at, d, s in history if at >= since]
                assert len(moves) == 1 and history[0][0] <= since
                assert all(d < rung.danger_ppm * 0.8 + 1 and s > rung.sigmas * 1.2 - 1e-9 for d, s in window)
        assert not any(
            rungs.rungs[higher].holds(danger, sigmas) for higher in range(rungs.rung + 1, FLATTEN + 1)
        )


def test_danger() -> None:
    assert (danger_of(200, 100), danger_of(0, 0), danger_of(-5, 0)) == (500_000, 0, 0)
    assert danger_of(0, 1) == danger_of(-3, 1) == BEYOND and len(RUNG_NAMES) == FLATTEN + 1


# ---- assessment -------------------------------------------------------------------------------------------------


def look(scene: Scene) -> Assessment:
    return assess(scene.view, scene.margin, 0, SETTINGS, Trends())


def test_trends_follow_the_price_within_seconds_and_stay_while_the_feed_is_silent() -> None:
    trends, now_ns, price = Trends(), SECOND, 100.0
    assert trends.look(BTC, price, now_ns)[2:] == (0.0, 0.0)
    for _ in range(60):
        now_ns, price = now_ns + SECOND, price * 0.99867  # 12 % in 90 s
        found = trends.look(BTC, price, now_ns)
    assert found.fast == pytest.approx(-0.00133 * 60) and found.slow == pytest.approx(-0.00133 * 60, rel=0.01)
    assert trends.look(BTC, price * 0.9, now_ns) == found
    found = trends.look(BTC, price, now_ns + SECOND)  # it stands still
    assert found.fast == pytest.approx(-0.00133 * 30, rel=0.01)
    assert found.slow == pytest.approx(-0.00133 * 60 * 10 / 11, rel=0.01)
    trends.keep([ETH])
    assert trends.known == {}
    trends.look(BTC, 0.0, now_ns)
    assert trends.look(BTC, 5.0, now_ns + SECOND)[2:] == (0.0, 0.0)


def test_a_trend_against_us_counts_when_it_is_worse_than_the_drift() -> None:
    scene, trends = Scene(usdc=1_000 * USD), Trends()
    scene.hold(BTC, 500)
    assess(scene.view, scene.margin, 0, SETTINGS, trends)
    scene.later(1)
    scene.price(BTC, "99000")  # 1 % in a second: half of 60 % a minute for 3 s ahead
    found = assess(scene.view, scene.margin, 0, SETTINGS, trends)
    assert found.net == pytest.approx(scene.view.account.net - 4950 * USD * 0.6 / 2 * 3 / 60, rel=1e-3)
    scene.later(1, feed=False)  # and for as long as the price is old
    older = assess(scene.view, scene.margin, 0, SETTINGS, trends)
    assert older.net == pytest.approx(scene.view.account.net - 4950 * USD * 0.6 / 2 * 4 / 60, rel=1e-3)


def test_with_fresh_prices_it_is_what_the_kernel_says() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 500)
    scene.hold(ETH, -400)
    found = look(scene)
    facts = scene.view.account
    assert (found.net, found.maintenance, found.stale) == (facts.net, facts.maintenance, False)
    assert found.sigmas == pytest.approx(facts.distance_sigmas, rel=1e-9)
    assert found.danger_ppm == facts.maintenance * 10**6 // facts.net
    assert found.spare == facts.net - facts.maintenance
    assert [row[:2] for row in scene.margin.holdings(0)] == [(BTC, 500_000_000), (ETH, -400_000_000)]


def test_old_prices_are_assumed_to_have_moved_against_us() -> None:
    """20 s old: three sigmas of 20 s, 0.173 %, of 5,000 USD in each market."""
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 500)
    scene.hold(ETH, -1250)
    fresh = look(scene)
    scene.later(1.5, feed=False)
    assert look(scene) == fresh
    scene.later(18.5, feed=False)
    old = look(scene)
    assert old.stale and old.danger_ppm > fresh.danger_ppm and old.sigmas < fresh.sigmas
    assert fresh.net - old.net == pytest.approx(2 * 5_000 * USD * 3 * 0.001 * sqrt(20 / 60), rel=1e-3)
    assert old.parts[0].notional < fresh.parts[0].notional and old.parts[1].notional > fresh.parts[1].notional


def test_drift_against_us_goes_on_and_drift_for_us_does_not_help() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 500)
    still = look(scene)
    scene.view.overrides[BTC] = {"drift": 0.05}
    assert look(scene) == still
    scene.view.overrides[BTC] = {"drift": -0.05}  # 5 % a minute, for 3 s: 0.25 %
    falling = look(scene)
    assert still.net - falling.net == pytest.approx(5_000 * USD * 0.0025, rel=1e-3)
    scene.later(57, feed=False)  # and for 60 s while the feed is silent
    blind = look(scene)
    assert still.net - blind.net == pytest.approx(5_000 * USD * (0.05 + 3 * 0.001 * sqrt(0.95)), rel=1e-3)


def test_a_book_beyond_the_oracle_price_is_where_the_oracle_price_will_go() -> None:
    scene = Scene(usdc=1_000 * USD)
    scene.hold(BTC, 500)
    still = look(scene)
    for fields, move_ppm in (
        ({"bid_ticks": 98_000, "ask_ticks": 99_000}, 10_001),
        ({"bid_ticks": 90_000, "ask_ticks": 100_011}, 0),  # nobody sells for less
        ({"bid_ticks": 101_000, "ask_ticks": 102_000}, 0),  # for us
        ({"bid_ticks": 0, "ask_ticks": 99_000}, 0),
        ({"bid_ticks": 98_000, "ask_ticks": 99_000, "trust": "crossed"}, 0),
        ({"bid_ticks": 98_000, "ask_ticks": 99_000, "drift": -0.02}, 11_001),  # and on for 3 s
    ):
        scene.view.overrides[BTC] = fields
        found = look(scene)
        assert found.parts[0].move_ppm == move_ppm, fields
        assert (found == still) == (move_ppm == 0)
    scene.hold(BTC, -1000)
    scene.view.overrides[BTC] = {"bid_ticks": 101_000, "ask_ticks": 102_000}
    assert look(scene).parts[0].move_ppm == pytest.approx(10_001, abs=1)


def test_a_book_that_leaps_is_a_trend_before_the_oracle_price_follows() -> None:
    scene, trends = Scene(usdc=1_000 * USD), Trends()
    scene.hold(BTC, 500)

    def moved() -> int:
        return assess(scene.view, scene.margin, 0, SETTINGS, trends).parts[0].move_ppm

    assert moved() == 0
    scene.view.overrides[BTC] = {"bid_ticks": 97_990, "ask_ticks": 98_000}
    scene.later(0.5, feed=False)
    leap = 20_000 + 3 * 0.5 * 20_000 / 0.5 / 1.5  # half a second of 4 % a second, 3 s ahead
    assert moved() == pytest.approx(leap, abs=2)
    scene.view.now_ns += 5 * 10**8
    assert moved() == pytest.approx(leap, abs=2)  # nothing new: it stays
    trend = trends.known[BTC]
    scene.view.overrides[BTC] = {}
    scene.later(0.5)
    scene.price(BTC, "98000")  # the oracle price has followed: no second leap
    scene.view.feed_ns = scene.view.now_ns
    assert moved() < leap
    assert trend.fast < trends.known[BTC].fast < 0.0


def test_unknown_volatility_is_assumed_and_a_price_never_falls_below_a_tenth() -> None:
    scene = Scene(usdc=10_000 * USD)
    scene.hold(BTC, 500)
    scene.view.overrides[BTC] = {"sigma": 0.0}
    found = look(scene)
    assert found.parts[0].sigma == pytest.approx(0.02)
    scene.view.overrides[BTC] = {"drift": -50.0}
    assert look(scene).parts[0].move_ppm == 900_000


def test_without_positions_everything_is_far() -> None:
    scene = Scene()
    found = look(scene)
    assert (found.sigmas, found.danger_ppm, found.parts) == (FAR, 0, ())
