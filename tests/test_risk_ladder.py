"""risk_ladder: what each rung does, and small disasters that the account must live through."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.risk_ladder import Exit, Ladder, limit_ticks
from sniper.risk_operator import FLOORS
from sniper.risk_rungs import Assessment, Part, danger_of
from sniper.risk_settings import LadderSettings, RiskSettings
from sniper.trading import BUY, SELL, Intent, Withdraw
from tests.drilling import Drill, drill, script
from tests.ordering import MARKETS, fill, news
from tests.risking import BTC, ETH, USD, Scene


def assessment(scene: Scene, **fields: Any) -> Assessment:
    scene.view.now_ns += 1
    scene.risk._seen = None
    scene.risk.ladder(scene.view)
    return scene.risk.assessment._replace(**fields)


def acts(scene: Scene, rung: int, ordered: str = "") -> list[Intent | Withdraw]:
    """What a rung does, whatever the account is like."""
    found = assessment(scene)
    return Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin).act(
        scene.view, found, rung, ordered, scene.orders.claims()
    )


def deep(usdc: int = 1_000 * USD) -> Scene:
    """5x in two markets: 3,000 USD long BTC, 2,000 USD short ETH."""
    scene = Scene(usdc=usdc)
    scene.hold(BTC, 300)
    scene.hold(ETH, -500)
    return scene


def test_below_cancel_nothing_is_done_and_nothing_without_positions_or_orders() -> None:
    assert acts(deep(), 0) == acts(deep(), 1) == [] and acts(Scene(), 4) == []


def test_cancel_takes_entries_back_once_and_again_after_the_retry_time() -> None:
    scene = Scene()
    scene.send(scene.entry(usd=100, time_in_force="post_only", price_ticks=99_000))
    scene.send(scene.entry(usd=100))
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    found = assessment(scene)
    wanted = ladder.act(scene.view, found, 2, "", scene.orders.claims())
    assert [one.client_id for one in wanted if isinstance(one, Withdraw)] == [1, 2]
    assert ladder.act(scene.view, found, 2, "", scene.orders.claims()) == []
    scene.later(1.5)
    assert len(ladder.act(scene.view, found, 2, "", scene.orders.claims())) == 2
    ladder.act(scene.view, found, 2, "", ())
    assert ladder.asked == {}


def test_reduce_also_takes_resting_exits_back_but_no_stops() -> None:
    scene = deep()
    scene.send(scene.leave(reduce_only=False, time_in_force="post_only", price_ticks=101_000))
    scene.send(*scene.risk.protect(scene.view))
    wanted = acts(scene, 3)
    assert [one.client_id for one in wanted if isinstance(one, Withdraw)] == [1]


def test_flatten_closes_everything_reduce_only_within_the_price_at_which_equity_is_gone() -> None:
    scene = deep()
    wanted = [one for one in acts(scene, 4) if isinstance(one, Intent)]
    assert {(one.market, one.side, one.size_steps) for one in wanted} == {(BTC, SELL, 300), (ETH, BUY, 500)}
    for one in wanted:
        assert (one.purpose, one.reduce_only, one.time_in_force, one.kind) == (
            "flatten",
            True,
            "ioc",
            "short_term",
        )
    # 20 % below the touch, but a share of 600 of 1,000 USD of equity is gone 2,000 ticks (20 %) below the oracle price
    limits = {one.market: one.price_ticks for one in wanted}
    assert 80_000 < limits[BTC] < 80_100 and 47_900 < limits[ETH] < 48_000
    approved, refused, _ = scene.risk.check(scene.view, wanted)
    assert len(approved) == 2 and not refused


def test_the_chain_accepts_a_fill_at_the_limit_and_none_a_percent_beyond() -> None:
    """Below initial margin the price of a reduction is bounded by the position's share of equity."""
    scene = Scene(usdc=60 * USD)
    scene.hold(BTC, 300)  # 3,000 USD at 50x: at the initial margin
    scene.price(BTC, "99500")
    (one,) = [one for one in acts(scene, 4) if isinstance(one, Intent)]
    size = one.size_steps * scene.unit(BTC).step_quantums
    assert scene.view.account.net < scene.view.account.initial
    assert scene.margin.accepts(0, BTC, SELL, size // 2, one.price_ticks, 500)[0]
    assert not scene.margin.accepts(0, BTC, SELL, size // 2, one.price_ticks * 99 // 100, 500)[0]


def test_the_worst_contributor_goes_first_and_only_as_much_as_needed() -> None:
    """Danger 0.55, wanted 0.4: of two positions of one size the alt frees more margin for the same cost."""
    alt = {"initialMarginFraction": "0.2", "maintenanceMarginFraction": "0.1"}
    markets = {"BTC-USD": MARKETS["BTC-USD"], "ETH-USD": MARKETS["ETH-USD"] | alt}
    scene = Scene(usdc=510 * USD, markets=markets)
    scene.hold(BTC, 250)
    scene.hold(ETH, 625)
    found = assessment(scene)
    assert found.danger_ppm == 549_019
    wanted = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert [(one.market, one.side, one.purpose) for one in wanted] == [(ETH, SELL, "reduce")]
    share = wanted[0].size_steps / 625
    left = 280 - share * 250
    assert left / (510 - share * 2500 * 0.0006) == pytest.approx(0.4, abs=0.01)


def test_a_dear_exit_is_put_off() -> None:
    """The same margin freed: the one whose book is thin costs more."""
    scene = Scene(usdc=110 * USD)
    scene.hold(BTC, 250)
    scene.hold(ETH, 625)
    for thin, first in ((BTC, ETH), (ETH, BTC)):
        scene.book(BTC)
        scene.book(ETH)
        scene.book(thin, spread_ppm=10_000, steps=20)
        exits = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)._exits(
            scene.view, assessment(scene)
        )
        cost = {one.part.market: one.cost for one in exits}
        assert cost[thin] > 10 * cost[first] > 0
        wanted = [one for one in acts(scene, 3) if isinstance(one, Intent)]
        assert wanted[0].market == first


def test_by_distance_the_position_that_is_near_is_cut() -> None:
    """Little danger, but the volatility of one market brings liquidation within four sigmas."""
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.02}
    scene.settle()
    found = assessment(scene)
    assert found.danger_ppm < 100_000 and found.sigmas < 4.0
    (one,) = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert one.market == BTC and 75 <= one.size_steps < 300
    scene.hold(BTC, -one.size_steps)
    assert assessment(scene).sigmas >= 4.0


def test_what_is_on_its_way_counts_and_is_not_sent_twice() -> None:
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.02}
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    found = assessment(scene)
    assert len(ladder.act(scene.view, found, 3, "", ())) == 1
    assert ladder.act(scene.view, found, 3, "", ()) == []
    both = ladder.act(scene.view, found, 4, "", ())  # a higher rung does not wait
    assert len(both) == 2 and ladder.act(scene.view, found, 4, "", ()) == []
    scene.later(1.5)
    assert len(ladder.act(scene.view, found, 4, "", ())) == 2
    assert ladder.sent[BTC].tries == 1


def test_what_is_left_follows_as_soon_as_the_first_part_is_over_and_what_it_filled_is_seen() -> None:
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.05}
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    found = assessment(scene)
    scene.send(*ladder.act(scene.view, found, 3, "", scene.orders.claims()))
    scene.later(0.3)
    assert ladder.act(scene.view, found, 3, "", scene.orders.claims()) == []
    btc = next(order for order in scene.orders.all_open() if order.market == BTC)
    gone = news(btc, "BEST_EFFORT_CANCELED", optimistic_steps=20)
    scene.orders.apply([gone], (), (), scene.view.now_ns, 0, 0)
    assert scene.orders.claims()[0].optimistic == 20
    assert ladder.act(scene.view, found, 3, "", scene.orders.claims()) == []
    scene.orders.apply((), [fill(btc, 20, "a fill")], (), scene.view.now_ns, 0, 0)
    scene.later(0.3)
    (again,) = ladder.act(scene.view, found, 3, "", scene.orders.claims())
    assert isinstance(again, Intent) and again.market == BTC


def test_what_a_reduction_leaves_bears_a_fall_of_all_positions_at_once() -> None:
    """Each alone is 4.8 sigmas away and more; together they are not: they go together in a crash."""
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides = {market: {"sigma": 0.0123} for market in (BTC, ETH)}
    found = assessment(scene)
    assert found.sigmas > 4.8
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    together = sum(part.fall * part.sigma for part in found.parts)
    assert found.spare < 4.8 * together
    wanted = [one for one in ladder.act(scene.view, found, 3, "", ()) if isinstance(one, Intent)]
    for one in wanted:
        scene.hold(one.market, -one.size_steps if one.side == SELL else one.size_steps)
    left = assessment(scene)
    assert left.parts and left.spare > 4.8 * sum(part.fall * part.sigma for part in left.parts)
    assert acts(scene, 3) == []


def test_after_a_leap_as_much_goes_as_leaves_the_first_rung() -> None:
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.01}
    found = assessment(scene)
    assert 4.8 < found.sigmas < 8.0 and acts(scene, 3) == []
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    wanted = ladder.act(scene.view, found._replace(leap=True), 3, "", ())
    for one in wanted:
        assert isinstance(one, Intent)
        scene.hold(one.market, -one.size_steps if one.side == SELL else one.size_steps)
    assert wanted and assessment(scene).sigmas > 8.0 * 1.2


def test_a_reduction_that_is_over_and_seen_is_not_sent_once_more() -> None:
    """It brought the account back below the rung: within the retry time too nothing else is asked."""
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.02}
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    scene.send(*ladder.act(scene.view, assessment(scene), 3, "", scene.orders.claims()))
    (order,) = scene.orders.all_open()
    steps = order.size_steps
    assert order.market == BTC and 75 <= steps < 300
    scene.orders.apply(
        [news(order, "BEST_EFFORT_CANCELED", optimistic_steps=steps)], (), (), scene.view.now_ns, 0, 0
    )
    scene.orders.apply((), [fill(order, steps, "a fill")], (), scene.view.now_ns, 0, 0)
    scene.hold(BTC, -steps)
    scene.later(0.3)
    assert ladder.act(scene.view, assessment(scene), 3, "", scene.orders.claims()) == []


def test_blind_no_part_is_smaller_than_the_last() -> None:
    """Four parts of a quarter close it: quarters of what is left would never."""
    scene = deep(usdc=1_500 * USD)
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    sizes = []
    for _ in range(4):
        found = assessment(scene)._replace(stale=True)
        wanted = [one for one in ladder.act(scene.view, found, 3, "", ()) if isinstance(one, Intent)]
        (part,) = [one.size_steps for one in wanted if one.market == ETH]
        scene.hold(ETH, part)
        scene.later(0.3)
        sizes.append(part)
    assert sizes == [125] * 4 and ETH not in scene.view.positions


def test_a_flattening_is_followed_up_unheard_a_few_times_then_when_it_is_over() -> None:
    scene = deep(usdc=1_500 * USD)
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    found = assessment(scene)
    for _ in range(7):
        wanted = ladder.act(scene.view, found, 4, "", scene.orders.claims())
        assert {one.market for one in wanted if isinstance(one, Intent)} == {BTC, ETH}
        scene.send(*wanted)
        scene.later(0.24)
        assert ladder.act(scene.view, found, 4, "", scene.orders.claims()) == []
        scene.later(0.01)
    assert ladder.act(scene.view, found, 4, "", scene.orders.claims()) == []
    for order in scene.orders.all_open():
        if order.market == BTC:
            scene.orders.apply([news(order, "BEST_EFFORT_CANCELED")], (), (), scene.view.now_ns, 0, 0)
    (again,) = ladder.act(scene.view, found, 4, "", scene.orders.claims())
    assert isinstance(again, Intent) and again.market == BTC
    scene.later(1.25)
    assert len(ladder.act(scene.view, found, 4, "", scene.orders.claims())) == 2


def test_the_chain_takes_a_part_at_a_book_that_has_left_its_oracle_price_behind() -> None:
    """3,000 USD and 2,000 USD on 700: a book 22 % below its oracle price costs 660 of it, and 2 % of the other
    position must be left."""
    scene = deep(usdc=695 * USD)
    unit, side = scene.unit(BTC), scene.books.sides
    side[BTC, 0], side[BTC, 1] = [(78_000, 1_000)], [(78_010, 1_000)]
    thrice = [one for one in acts(scene, 4) if isinstance(one, Intent)]
    wanted = thrice[:3]
    assert thrice == wanted * 3, "which of them arrives first is chance"
    first, rest = [one for one in wanted if one.market == BTC]
    assert first.size_steps + rest.size_steps == 300 and first._replace(size_steps=rest.size_steps) == rest
    assert [one.size_steps for one in wanted if one.market == ETH] == [500]
    for steps, accepted in ((first.size_steps, True), (first.size_steps + 1, False), (300, False)):
        assert scene.margin.accepts(0, BTC, SELL, steps * unit.step_quantums, 78_000, 500)[0] == accepted
    approved, refused, _ = scene.risk.check(scene.view, wanted)
    assert not refused and {one.intent for one in approved} == set(wanted)
    side[BTC, 0] = [(78_000, 299)]  # the book does not tell what the rest would cost
    assert [one.size_steps for one in acts(scene, 4) if isinstance(one, Intent) and one.market == BTC] == [
        300
    ]


def test_below_initial_margin_every_exit_goes_several_times_in_turn() -> None:
    """Two positions of 3,000 and 2,000 USD need 100: below that the chain may refuse one until the other has filled."""

    def flattened(usdc: int, rung: int = 4, markets: tuple[int, ...] = (BTC, ETH)) -> list[int]:
        scene = deep(usdc=usdc * USD)
        for market in {BTC, ETH} - {*markets}:
            scene.hold(
                market, -scene.view.positions[market].size_quantums // scene.unit(market).step_quantums
            )
        wanted = [one for one in acts(scene, rung) if isinstance(one, Intent)]
        approved, refused, _ = scene.risk.check(scene.view, wanted)
        assert not refused and [one.intent for one in approved] == wanted, (
            "in the order of the ladder, none cut down"
        )
        return [one.market for one in wanted]

    assert sorted(flattened(110)) == [BTC, ETH]
    thrice = flattened(95)
    assert sorted(thrice[:2]) == [BTC, ETH] and thrice == thrice[:2] * 3
    assert flattened(45, markets=(BTC,)) == [BTC], "alone it waits for nobody"
    assert sorted(set(flattened(95, rung=3))) == sorted(flattened(95, rung=3)), (
        "of a part each copy might fill"
    )


def test_blind_a_rung_that_begins_earlier_also_closes_earlier() -> None:
    """Five sigmas away: nothing to do while prices come; when they do not, a part of all, more of what is near."""
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.0123}
    found = assessment(scene)
    assert scene.settings.ladder.reduce_sigmas * 1.2 < found.sigmas < scene.settings.ladder.cancel_sigmas
    assert [one for one in acts(scene, 3) if isinstance(one, Intent)] == []
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    blind = ladder.act(scene.view, found._replace(stale=True), 3, "", ())
    sizes = {one.market: one.size_steps for one in blind if isinstance(one, Intent)}
    assert sizes[ETH] == 125 and 75 < sizes[BTC] < 300
    scene = deep(usdc=170 * USD)
    scene.view.overrides = {market: {"sigma": 1e-4} for market in (BTC, ETH)}
    found = assessment(scene)
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    assert 320_000 < found.danger_ppm < 400_000 and ladder.act(scene.view, found, 3, "", ()) == []
    assert len(ladder.act(scene.view, found._replace(stale=True), 3, "", ())) == 2


def test_blind_equity_is_shared_out_by_notional_where_that_gives_more() -> None:
    scene = Scene()
    near = Part(BTC, 10**8, 1_000 * USD, 12 * USD, 0.01, 0)
    other = Part(ETH, 10**9, 1_000 * USD, 30 * USD, 0.01, 0)
    a = Assessment(140 * USD, 42 * USD, danger_of(140 * USD, 42 * USD), 5.0, False, (near, other))
    unit, facts = scene.unit(BTC), scene.view.market(BTC)
    one = Exit(near, unit, facts, 100, True, 1, 1, 1)
    for stale, share in ((False, 140 * 12 / 42), (True, 140 / 2)):
        limit = limit_ticks(a._replace(stale=stale), one, 0, SELL, 200_000, 500)
        assert limit == pytest.approx(100_000 - (share - 0.5) * 100, abs=2)


def test_a_part_is_closed_at_any_price_that_equity_can_pay_while_the_feed_is_silent() -> None:
    scene = deep(usdc=2_000 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.05}
    found = assessment(scene)
    limits = []
    for stale in (False, True):
        ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
        wanted = ladder.act(scene.view, found._replace(stale=stale), 3, "", ())
        limits.append([one.price_ticks for one in wanted if isinstance(one, Intent) and one.market == BTC])
    assert limits == [[99_990 * 985 // 1000], [99_990 * 800 // 1000]]


def test_a_smaller_part_than_a_quarter_is_not_worth_an_order() -> None:
    scene = deep(usdc=1_500 * USD)
    scene.view.overrides[BTC] = {"sigma": 0.0145}
    wanted = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert [one.size_steps for one in wanted] == [75]


def test_only_live_books_are_reduced_while_there_are_any() -> None:
    scene = deep()
    scene.view.overrides = {market: {"sigma": 0.03} for market in (BTC, ETH)}
    assert len([one for one in acts(scene, 3) if isinstance(one, Intent)]) == 2
    scene.view.overrides[BTC] |= {"trust": "stale"}
    (one,) = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert one.market == ETH
    scene.view.overrides[ETH] |= {"trust": "stale"}
    blind = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert {one.market for one in blind} == {BTC, ETH}
    assert len([one for one in acts(scene, 4) if isinstance(one, Intent)]) == 2


@pytest.mark.parametrize(
    ("ordered", "purpose", "limit"), [("reduce", "reduce", 98_490), ("kill", "flatten", 98_490)]
)
def test_the_operators_orders_close_all_near_the_touch(ordered: str, purpose: str, limit: int) -> None:
    scene = deep(usdc=10_000 * USD)
    ladder = Ladder(scene.settings, scene.decoder, scene.books.fill, scene.margin)
    first = [
        one for one in ladder.act(scene.view, assessment(scene), 0, ordered, ()) if isinstance(one, Intent)
    ]
    assert {one.market: one.size_steps for one in first} == {BTC: 300, ETH: 500}
    (btc,) = [one for one in first if one.market == BTC]
    assert btc.purpose == purpose and btc.price_ticks == pytest.approx(limit, abs=20)
    for tries in range(1, 6):
        scene.later(1.5)
        wanted = ladder.act(scene.view, assessment(scene), 0, ordered, ())
        (btc,) = [one for one in wanted if isinstance(one, Intent) and one.market == BTC]
        collar = min(0.2, 0.015 * 2**tries) if ordered == "kill" else 0.015
        assert btc.price_ticks == pytest.approx(99_990 * (1 - collar), rel=1e-3)
    assert FLOORS == {"": 0, "pause": 1, "reduce": 3, "kill": 4}


def test_a_limit_is_never_below_one_tick_and_without_equity_only_the_collar_counts() -> None:
    scene = Scene()
    part = Part(BTC, 10**8, 1_000 * USD, 12 * USD, 0.01, 0)
    one = Exit(part, scene.unit(BTC), scene.view.market(BTC), 100, True, 1, 1, 1)
    broke = Assessment(-5, 12 * USD, danger_of(-5, 12 * USD), -1.0, False, (part,))
    assert limit_ticks(broke, one, 1, SELL, 200_000, 500) == 99_990 * 800_000 // 10**6
    assert limit_ticks(broke, one, 1, SELL, 10**6, 500) == 1
    assert limit_ticks(broke, one, 1, BUY, 200_000, 500) == 100_011 * 1_200_000 // 10**6


def test_equity_is_shared_out_by_what_the_books_take() -> None:
    """The book of one market has fallen ahead of its oracle price; that of the other is better than assumed."""
    scene = Scene()
    unit, facts = scene.unit(BTC), scene.view.market(BTC)._replace(bid_ticks=92_000, ask_ticks=92_010)
    ahead = Part(BTC, 10**8, 1_000 * USD, 12 * USD, 0.01, 0)  # 0.01 BTC at 100,000
    other = Part(ETH, 10**9, 1_000 * USD, 30 * USD, 0.01, 100_000)
    a = Assessment(40 * USD, 42 * USD, danger_of(40 * USD, 42 * USD), -0.1, False, (ahead, other))
    one = Exit(ahead, unit, facts, 100, True, 80 * USD, 1, 1, 80 * USD)
    share = 40 * 12 / 42 - 0.5
    assert limit_ticks(a, one, 80 * USD, SELL, 200_000, 500) == pytest.approx(100_000 - share * 100, abs=2)
    share = 80 + 20 * 12 / 42 - 0.5  # the other gains 60: 20 are left over after all is closed
    limit = limit_ticks(a, one, 20 * USD, SELL, 200_000, 500)
    assert limit == pytest.approx(100_000 - share * 100, abs=2) and limit < facts.bid_ticks
    rich = a._replace(net=1_000 * USD)
    assert limit_ticks(rich, one, 20 * USD, SELL, 200_000, 500) == 92_000 * 800_000 // 10**6


def test_a_position_smaller_than_a_step_is_left() -> None:
    scene = Scene()
    scene.hold(BTC, 1)
    scene.margin.set_position(0, BTC, 5)
    scene.settle()
    assert [one for one in acts(scene, 4) if isinstance(one, Intent)] == []


# ---- disasters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [9, 25, 40, 1, 2, 3, 5, 7])
def test_no_liquidation_where_an_exit_existed(seed: int) -> None:
    """5x and more over two markets, falls of 5 % to 40 %, the feed silent in the middle of it."""
    found = drill(seed)
    assert not (found.liquidated and found.exit_existed), script(seed)
    assert found.rungs == sorted(set(found.rungs)) == list(range(1, len(found.rungs) + 1))


def test_in_a_calm_market_nothing_is_reduced() -> None:
    plan = script(1)._replace(falls={BTC: 0.0, ETH: 0.0}, seconds=30.0, outage=(5.0, 15.0), leverage=5.0)
    found = Drill(plan, 1).run()
    assert found.rungs == [] and not found.closed


def test_a_fall_within_one_block_is_told_as_what_it_is() -> None:
    plan = script(1)._replace(
        falls={BTC: 0.4, ETH: 0.4}, seconds=0.5, outage=(0.0, 0.0), leverage=6.0, signs={BTC: 1, ETH: 1}
    )
    found = Drill(plan, 1).run()
    assert found.liquidated and not found.exit_existed


def test_settings_reach_the_ladder() -> None:
    settings = RiskSettings(ladder=LadderSettings(reduce_share_ppm_min=1_000_000))
    scene = Scene(settings, usdc=1_500 * USD)
    scene.hold(BTC, 300)
    scene.view.overrides[BTC] = {"sigma": 0.02}
    (one,) = [one for one in acts(scene, 3) if isinstance(one, Intent)]
    assert one.size_steps == 300
