"""handview: what is set is what a strategy sees."""

from __future__ import annotations

from sniper.handview import FUNDING, KINDS, SIGNALS, START_NS, HandView
from sniper.trading import BUY, SELL
from sniper.viewing import View


def test_a_fresh_view_is_neutral_and_ready() -> None:
    view: View = HandView(30)
    assert (view.markets, view.index("B-USD"), view.index("A1-USD"), view.index("Z9-USD")) == (30, 1, 26, -1)
    assert view.scores(3) == (50.0, 50.0, 50.0) and view.ready(3) == 0b111 and len(SIGNALS) == len(KINDS)
    assert view.market(3).market == 3 and view.market(3).mid_ticks == 1000.5
    assert view.indicators(3, 0).bars == 0 and not view.indicators(3, 0).warm
    assert (
        view.funding(3) == FUNDING and view.orders(3) == () and view.trip(3) is None and view.parts(3) == {}
    )


def test_it_has_all_that_a_view_has() -> None:
    wanted = set(View.__annotations__) | {name for name in vars(View) if not name.startswith("_")}
    assert {"feed_ns", "changed", "indicators", "trip"} <= wanted
    assert not [name for name in wanted if not hasattr(HandView(1), name)]


def test_what_is_set_is_seen() -> None:
    view = HandView(2)
    view.set_facts(1, bid_ticks=5)
    view.set_scores(1, 70.0)
    view.set_indicators(1, 2, rsi=30.0)
    view.set_indicators(1, 2, adx=1.0)
    view.set_funding(1, expected=0.5)
    view.set_account(net=7)
    view.raw[1] = {"x": 1.0}
    assert (view.market(1).bid_ticks, view.market(0).bid_ticks) == (5, 1000)
    assert view.scores(1) == (70.0, 50.0, 50.0) and view.scores(0) == (50.0, 50.0, 50.0)
    assert (view.indicators(1, 2).rsi, view.indicators(1, 2).adx, view.indicators(1, 2).warm) == (
        30.0,
        1.0,
        True,
    )
    assert (view.funding(1).expected, view.account.net, view.parts(1)) == (0.5, 7, {"x": 1.0})
    seen = view.at(START_NS + 5, [1])
    assert (seen.tick, seen.now_ns, tuple(seen.changed)) == (1, START_NS + 5, (1,))
    assert tuple(view.at(START_NS + 6).changed) == (0, 1)


def test_positions_and_orders() -> None:
    view = HandView(3)
    view.open(2, SELL, 10, 1000.0, "me", stop_ticks=1010)
    view.open(1, BUY, 5, 1000.0, "me")
    assert list(view.positions) == [1, 2]
    position, trip = view.positions[2], view.trip(2)
    assert trip is not None and (trip.side, trip.size_steps, trip.stop_ticks) == (SELL, 10, 1010)
    # 10 steps of 0.01 coins at 1000 ticks of 0.1 USD: 10 USDC received.
    assert (position.size_quantums, position.entry_quote) == (-10_000, -10_000_000)
    view.close(2)
    view.close(2)
    assert list(view.positions) == [1] and view.trip(2) is None
    view.rest(1, BUY, 999, client_id=4)
    view.rest(1, BUY, 998, client_id=5, purpose="exit")
    assert [(order.client_id, order.price_ticks, order.purpose) for order in view.orders(1)] == [
        (4, 999, "entry"),
        (5, 998, "exit"),
    ]
    view.set_facts(0, tick_usd=float("nan"))
    view.open(0, BUY, 1, 1.0, "me")
    assert view.positions[0].entry_quote == 0
