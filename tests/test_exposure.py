"""What is at stake without us, against hand-made accounts and a twin in fractions."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from sniper.desk import Desk
from sniper.engine import Engine
from sniper.exposure import Exposure, Protection, protections
from sniper.exposure import exposure as exposure_of
from sniper.reconciling import ReconcileSettings
from sniper.trading import BUY, SELL, Order
from tests import paper_run

SECOND_NS = 1_000_000_000
BTC, ETH = "BTC-USD", "ETH-USD"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """With a long and a short position, both with their stops."""
    made = paper_run.engine()
    venue = paper_run.paper(made, start_positions=((BTC, "0.02", "90000"), (ETH, "-0.5", "3100")))
    inbox = paper_run.Inbox(1 << 16, 64 << 20)
    venue.start(inbox)
    paper_run.Loop(made, paper_run.Sim(seed=1, markets=3), inbox, speed=0, venue=venue).run(
        None, 8 * SECOND_NS
    )
    return made


@pytest.fixture
def desk(engine: Engine) -> Desk:
    assert engine.desk is not None
    return engine.desk


class Shelf:
    """The orders of the desk, or others instead."""

    def __init__(self, *orders: Order) -> None:
        self._orders = orders

    def all_open(self) -> tuple[Order, ...]:
        return self._orders

    def claims(self) -> tuple[Any, ...]:
        return tuple(
            SimpleNamespace(
                market=one.market,
                side=one.side,
                steps=one.size_steps - one.filled_steps,
                price_ticks=one.price_ticks,
                reduce_only=one.reduce_only,
                state=one.state,
            )
            for one in self._orders
        )


def with_orders(desk: Desk, *orders: Order, **others: Any) -> Any:
    """The same desk with these orders."""
    facts = {
        name: getattr(desk, name) for name in ("account", "risk", "reconcile", "view", "height", "settings")
    }
    return SimpleNamespace(**{**facts, "orders": Shelf(*orders), **others})


def exposure(desk: Any, decoder: Any) -> Exposure:
    return exposure_of(desk, decoder, protections(desk, decoder))


def protection(desk: Any, decoder: Any, market: int, size: int) -> Protection:
    found = protections(desk, decoder)
    assert sorted(found) == sorted(desk.account.positions)
    assert desk.account.positions[market].size_quantums == size
    return found[market]


def stop(desk: Desk, engine: Engine, market: int) -> Order:
    return next(one for one in desk.orders.all_open() if one.purpose == "protect" and one.market == market)


def usd(engine: Engine, market: int, name: str) -> Fraction:
    """A price of the market table in USD."""
    from sniper._ext.tape import FIELD_NAMES

    row, at = engine.decoder.markets[market], FIELD_NAMES.index(name)
    return Fraction(int(row["num"][at])) / 10 ** int(row["dec"][at])


def coins(engine: Engine, market: int, steps: int) -> Fraction:
    return steps * usd(engine, market, "stepSize")


def test_every_position_has_a_stop_that_rests(desk: Desk, engine: Engine) -> None:
    assert len(desk.account.positions) == 2
    for market, position in desk.account.positions.items():
        found = protection(desk, engine.decoder, market, position.size_quantums)
        assert found == Protection(
            "resting", stop(desk, engine, market).trigger_ticks, abs(position.size_quantums), desk.height
        )


def test_the_loss_at_the_stops_is_the_way_to_their_triggers(desk: Desk, engine: Engine) -> None:
    held, at_stops, stressed = Fraction(0), Fraction(0), {-1: Fraction(0), 1: Fraction(0)}
    for market, position in desk.account.positions.items():
        order, oracle = stop(desk, engine, market), usd(engine, market, "oraclePrice")
        size = coins(engine, market, order.size_steps)
        held += size * oracle
        sign = 1 if position.size_quantums > 0 else -1
        at_stops += sign * size * (oracle - order.trigger_ticks * usd(engine, market, "tickSize"))
        move = Fraction(8 if engine.decoder.ticker(market) == BTC else 15, 100)
        for way in stressed:
            stressed[way] -= way * move * sign * size * oracle
    found = exposure(desk, engine.decoder)
    assert found.held == pytest.approx(float(held * 10**6), abs=2)
    assert found.at_stops == pytest.approx(float(at_stops * 10**6), abs=3)
    assert found.stressed == pytest.approx(float(max(stressed.values()) * 10**6), abs=3)
    assert (found.bare, found.bare_markets, found.entries, found.entry_orders) == (0, 0, 0, 0)
    stops = [one for one in desk.orders.all_open() if one.kind == "conditional"]
    assert (found.staying, found.staying_s) == (2, min(one.good_til_s for one in stops))


def test_what_has_no_stop_meets_the_stress(desk: Desk, engine: Engine) -> None:
    alone = with_orders(desk)
    found = exposure(alone, engine.decoder)
    assert found.bare == found.held and found.bare_markets == 2
    assert found.at_stops == found.stressed > 0
    assert (found.staying, found.staying_s) == (0, 0)


def test_a_part_that_a_stop_covers_counts_with_its_stop(desk: Desk, engine: Engine) -> None:
    market, position = next(iter(desk.account.positions.items()))
    half = stop(desk, engine, market)
    half = half._replace(filled_steps=half.size_steps // 2)
    found = protection(with_orders(desk, half), engine.decoder, market, position.size_quantums)
    assert found.state == "resting" and 0 < found.covered < abs(position.size_quantums)
    two = with_orders(desk, half, half._replace(client_id=9, trigger_ticks=half.trigger_ticks - 100))
    found = protection(two, engine.decoder, market, position.size_quantums)
    assert found.covered <= abs(position.size_quantums)
    assert found.trigger_ticks == half.trigger_ticks - (100 if position.size_quantums > 0 else 0)
    whole = exposure(with_orders(desk, half), engine.decoder)
    assert 0 < whole.bare < whole.held and whole.bare_markets == 2


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"state": "sent"}, "sent"),
        ({"state": "unknown"}, "sent"),
        ({"state": "cancelling"}, "sent"),
        ({"state": "dead"}, "none"),
        ({"purpose": "exit"}, "none"),
        ({"kind": "long_term"}, "none"),
        ({"side": 2}, "none"),
        ({"market": 77}, "none"),
    ],
)
def test_only_a_stop_that_the_venue_holds_protects(
    desk: Desk, engine: Engine, change: dict[str, Any], state: str
) -> None:
    market, position = next(iter(desk.account.positions.items()))
    other = with_orders(desk, stop(desk, engine, market)._replace(**change))
    found = protection(other, engine.decoder, market, position.size_quantums)
    assert found == Protection(state)


def test_since_when_there_could_have_been_one(desk: Desk, engine: Engine) -> None:
    market, position = next(iter(desk.account.positions.items()))
    bare = with_orders(desk, risk=SimpleNamespace(protector=SimpleNamespace(bare={market: 4711})))
    assert protection(bare, engine.decoder, market, position.size_quantums) == Protection("none", bare=4711)


def test_a_stop_is_checked_by_the_round_after_it(desk: Desk, engine: Engine) -> None:
    market, position = next(iter(desk.account.positions.items()))
    order = stop(desk, engine, market)
    for ended_ns, height in ((order.sent_ns, 123), (order.sent_ns - 1, 0)):
        asked = SimpleNamespace(settings=ReconcileSettings(), agreed=(123, ended_ns))
        found = protection(
            with_orders(desk, order, reconcile=asked), engine.decoder, market, position.size_quantums
        )
        assert (found.state, found.checked) == ("resting", height)


def test_orders_that_may_open_count_until_they_have_ended(desk: Desk, engine: Engine) -> None:
    market = engine.decoder.market(BTC)
    order = stop(desk, engine, market)
    entry = order._replace(
        client_id=5,
        side=BUY,
        kind="short_term",
        purpose="entry",
        reduce_only=False,
        good_til_block=desk.height + 12,
        good_til_s=0,
        size_steps=1000,
        filled_steps=0,
        price_ticks=desk.view.market(market).bid_ticks,
    )
    before = exposure(desk, engine.decoder)
    found = exposure(with_orders(desk, *desk.orders.all_open(), entry), engine.decoder)
    worth = coins(engine, market, 1000) * entry.price_ticks * usd(engine, market, "tickSize")
    assert found.entries == int(worth * 10**6) and (found.entry_orders, found.entry_blocks) == (1, 12)
    assert found.at_stops == before.at_stops
    less = found.entries * 80_000 // 1_000_000  # falling is what hurts a buyer
    fallen = exposure(with_orders(desk, *desk.orders.all_open()), engine.decoder)
    assert fallen.stressed <= found.stressed <= fallen.stressed + less + 1
    longer = entry._replace(client_id=6, side=SELL, kind="long_term", good_til_block=0, good_til_s=99)
    found = exposure(with_orders(desk, longer), engine.decoder)
    assert (found.entry_orders, found.entry_blocks, found.staying, found.staying_s) == (1, 0, 1, 99)
    reducing = exposure(with_orders(desk, entry._replace(reduce_only=True)), engine.decoder)
    assert (reducing.entries, reducing.entry_orders, reducing.entry_blocks) == (0, 0, 0)


def test_an_account_with_nothing_is_exposed_to_nothing() -> None:
    made = paper_run.engine()
    assert made.desk is not None
    assert exposure(made.desk, made.decoder) == Exposure()
