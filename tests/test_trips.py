"""Round trips: what opens and closes them, why, at what prices, with what costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.tape import Tape
from sniper.profit import Payment, Profit
from sniper.running_digest import RunningDigest
from sniper.trading import BUY, SELL, Fill, Intent, Order, Position, Trip
from sniper.trips import Trips, TripSettings
from sniper.trips_record import ClosedTrip, OpenTrip, Plan
from tests.accounts import BTC, ETH, PEPE, Scene

DECODER = Scene().decoder
STEP = 1_000_000  # BQ a step of BTC
TICK = 100  # QQ a tick and step of BTC


def an_order(client_id: int, purpose: str = "entry", cause: str = "score 70") -> Order:
    return Order(
        client_id,
        f"o{client_id}",
        BTC,
        BUY,
        1,
        0,
        1,
        "short_term",
        "ioc",
        False,
        0,
        0,
        "",
        0,
        purpose,
        "acked",
        0,
        cause,
    )


def trips(*orders: Order, settings: TripSettings = TripSettings(), **intents: Intent) -> Trips:  # noqa: B008
    by_id = {order.order_id: order for order in orders}
    return Trips(by_id.get, intents.get, DECODER, settings)


def a_fill(
    side: int,
    steps: int,
    ticks: int,
    order: int = 1,
    fee: int = 0,
    at: int = 1,
    kind: str = "LIMIT",
    number: int = 0,
) -> Fill:
    quote = steps * ticks * TICK
    return Fill(
        f"f{at}", f"o{order}", BTC, number, side, steps * STEP, ticks, 0, quote, fee, True, kind, at, at
    )


def entry(stop: int = 80, target: int = 120, strategy: str = "sniper") -> Intent:
    return Intent(BTC, BUY, 100, stop_ticks=stop, target_ticks=target, strategy=strategy)


def test_a_round_trip_from_entry_to_exit() -> None:
    found = trips(an_order(1), an_order(2, "exit", "score 40"), o1=entry())
    assert found.facts(BTC) is None and found.markets == []
    assert found.apply(a_fill(BUY, 3, 100, 1, 5, 11)) is None
    assert found.apply(a_fill(BUY, 1, 104, 1, 2, 12)) is None
    assert found.facts(BTC) == Trip(1, BTC, BUY, 4, 101.0, 11, 80, 120, 100.0, "sniper", "score 70")
    assert found.facts(BTC) is found.facts(BTC) and found.markets == [BTC]
    found.mark(BTC, 97, 99)
    found.mark(BTC, 110, 112)
    found.mark(ETH, 1, 2)
    found.mark(BTC, 0, 0)
    shown = found.facts(BTC)
    assert shown is not None and shown.best_ticks == 110.0
    found.pay([Payment(0, BTC, -7), Payment(0, ETH, -9)])
    assert found.apply(a_fill(SELL, 1, 108, 2, 1, 13)) is None
    done = found.apply(a_fill(SELL, 3, 106, 2, 1, 14))
    assert done == ClosedTrip(
        position_id=1,
        market=BTC,
        subaccount=0,
        side=BUY,
        size_quantums=4 * STEP,
        entry_ticks=101.0,
        exit_ticks=106.5,
        opened_ns=11,
        closed_ns=14,
        stop_ticks=80,
        target_ticks=120,
        strategy="sniper",
        entry_cause="score 70",
        exit_kind="exit",
        exit_cause="score 40",
        realised=22 * TICK,
        fees=9,
        funding=-7,
        best_ticks=110.0,
        worst_ticks=97.0,
    )
    assert (done.net, done.favourable_ticks, done.adverse_ticks) == (2184, 9.0, 4.0)
    assert found.facts(BTC) is None and list(found.closed) == [done] and found.losses_in_row == 0


def test_a_short_gains_below_its_entry() -> None:
    found = trips(an_order(1), an_order(2, "exit"))
    found.apply(a_fill(SELL, 2, 100))
    found.mark(BTC, 88, 90)
    found.mark(BTC, 103, 105)
    shown = found.facts(BTC)
    assert shown is not None and (shown.side, shown.best_ticks) == (SELL, 90.0)
    done = found.apply(a_fill(BUY, 2, 101, 2))
    assert done is not None
    assert (done.realised, done.favourable_ticks, done.adverse_ticks) == (-2 * TICK, 10.0, 5.0)
    assert found.losses_in_row == 1


def test_losses_in_a_row() -> None:
    found = trips()
    for ticks, row in ((99, 1), (98, 2), (100, 0), (99, 1)):
        found.apply(a_fill(BUY, 1, 100))
        found.apply(a_fill(SELL, 1, ticks))
        assert found.losses_in_row == row
    found.apply(a_fill(BUY, 1, 100))
    found.apply(a_fill(SELL, 1, 101, fee=TICK + 1))  # a gain that its fee takes away
    assert (found.closed_count, found.losses_in_row) == (5, 2)


def test_a_flip_ends_one_and_begins_another() -> None:
    found = trips(an_order(1), an_order(2, "entry", "turned"), o2=entry(130, 70))
    found.apply(a_fill(BUY, 2, 100, 1, 4, 11))
    done = found.apply(a_fill(SELL, 5, 110, 2, 10, 12))
    assert done is not None
    assert (done.realised, done.fees, done.exit_kind, done.exit_cause) == (20 * TICK, 8, "entry", "turned")
    assert found.facts(BTC) == Trip(2, BTC, SELL, 3, 110.0, 12, 130, 70, 110.0, "sniper", "turned")


def test_an_addition_brings_its_stop_and_target() -> None:
    found = trips(
        an_order(1, cause="first"), an_order(2), o1=entry(80, 120), o2=entry(90, 0, "other"), o3=entry(0, 0)
    )
    found.apply(a_fill(BUY, 1, 100, 1))
    found.apply(a_fill(BUY, 1, 102, 2))
    assert found.facts(BTC) == Trip(1, BTC, BUY, 2, 101.0, 1, 90, 120, 100.0, "sniper", "first")
    found.apply(a_fill(BUY, 1, 101, 3))
    assert found.facts(BTC) == Trip(1, BTC, BUY, 3, 101.0, 1, 90, 120, 100.0, "sniper", "first")


def test_an_order_that_protects_moves_the_stop_or_the_target() -> None:
    found = trips(an_order(1), o1=entry())
    stop = Intent(BTC, SELL, 1, purpose="protect", trigger="stop_loss", trigger_ticks=95)
    found.protect(stop)
    found.apply(a_fill(BUY, 1, 100, 1))
    assert found.facts(BTC) is not None
    found.protect(stop)
    found.protect(stop._replace(trigger="take_profit", trigger_ticks=150))
    found.protect(stop._replace(side=BUY, trigger_ticks=1))  # for a short
    shown = found.facts(BTC)
    assert shown is not None and (shown.stop_ticks, shown.target_ticks) == (95, 150)


@pytest.mark.parametrize("kind", ["LIQUIDATED", "DELEVERAGED", "OFFSETTING"])
def test_what_the_venue_does_is_told_so(kind: str) -> None:
    found = trips(an_order(1))
    found.apply(a_fill(BUY, 1, 100))
    done = found.apply(a_fill(SELL, 1, 50, 9, kind=kind))
    assert done is not None and (done.exit_kind, done.exit_cause) == (kind, f"{kind.lower()} by the venue")


def test_fills_of_orders_that_nobody_knows() -> None:
    found = trips()
    found.apply(a_fill(BUY, 1, 100))
    shown = found.facts(BTC)
    assert shown is not None and shown.cause == "order not known"
    done = found.apply(a_fill(SELL, 1, 100))
    assert done is not None and (done.exit_kind, done.exit_cause) == ("", "order not known")


def test_a_position_that_was_there_is_a_trip_too() -> None:
    found = trips()
    found.adopt(Position(BTC, 0, -4 * STEP, -400 * TICK, 33, 0, 0, 7))
    found.adopt(Position(BTC, 0, -9 * STEP, -400 * TICK, 33, 0, 0, 7))
    found.adopt(Position(ETH, 0, 0, 0, 0, 0, 0, 7))
    assert found.facts(BTC) == Trip(1, BTC, SELL, 4, 100.0, 7, 0, 0, 100.0, "", "was there at the start")
    assert found.markets == [BTC]
    done = found.apply(a_fill(BUY, 4, 90))
    assert done is not None and (done.realised, done.funding) == (40 * TICK, 33)


def test_one_market_in_two_subaccounts() -> None:
    found = trips()
    found.apply(a_fill(SELL, 2, 100, number=128))
    found.apply(a_fill(BUY, 3, 100, number=0))
    shown = found.facts(BTC)
    assert shown is not None and (shown.size_steps, shown.position_id) == (3, 2)
    found.mark(BTC, 90, 91)
    done = found.apply(a_fill(BUY, 2, 95, number=128))
    assert done is not None and (done.subaccount, done.best_ticks, done.worst_ticks) == (128, 91.0, 100.0)


def test_a_market_without_units_has_no_prices() -> None:
    found = trips()
    fill = a_fill(BUY, 1, 100)._replace(market=99)
    found.apply(fill)
    shown = found.facts(99)
    assert shown is not None and (shown.size_steps, shown.entry_ticks) == (0, 0.0)
    assert found.facts(PEPE) is None


def test_all_that_is_kept_is_bounded() -> None:
    found = trips(settings=TripSettings(closed_max=3))
    for at in range(5):
        found.apply(a_fill(BUY, 1, 100, at=at))
        found.apply(a_fill(SELL, 1, 100, at=at))
    assert [trip.position_id for trip in found.closed] == [3, 4, 5] and found.closed_count == 5
    fresh = trips()
    fresh.load(found.save())
    assert fresh.save() == found.save()


def test_the_digest_tells_trips_apart() -> None:
    def run(*fills: Fill) -> bytes:
        digest = RunningDigest(Tape(), "account")
        found = Trips(lambda _: None, lambda _: None, DECODER, digest=digest)
        for fill in fills:
            found.apply(fill)
        return digest.value

    one = run(a_fill(BUY, 1, 100), a_fill(SELL, 1, 101))
    assert one == run(a_fill(BUY, 1, 100), a_fill(SELL, 1, 101))
    assert len({one, run(a_fill(BUY, 1, 100)), run(a_fill(BUY, 1, 100), a_fill(SELL, 1, 102)), run()}) == 4


FILLS = st.lists(
    st.tuples(
        st.sampled_from((BUY, SELL)),
        st.integers(1, 5),
        st.integers(1, 200),
        st.integers(-9, 9),
        st.integers(0, 1),
    ),
    max_size=30,
)


@given(FILLS, st.integers(0, 30))
def test_trips_and_books_agree_and_a_saved_one_goes_on(
    fills: list[tuple[int, int, int, int, int]], cut: int
) -> None:
    found, other, books = trips(an_order(1)), trips(an_order(1)), Profit()
    for number in (0, 128):
        books.base(number, 0, (), 0)
    for at, (side, steps, ticks, fee, child) in enumerate(fills, 1):
        if at == cut:
            other.load(found.save())
        fill = a_fill(side, steps, ticks, at % 2, fee, at, number=128 * child)
        books.apply(fill)
        found.apply(fill)
        found.mark(BTC, ticks, ticks + 1)
        if at >= cut > 0:
            other.apply(fill)
            other.mark(BTC, ticks, ticks + 1)
            assert other.save() == found.save()
    for number in (0, 128):
        position = books.position(number, BTC)
        shown = [key for key in found._open if key[1] == number]
        assert bool(position.size_quantums) == bool(shown)
        if not shown:
            split = books.split(number, lambda market, size: 0)
            mine = [trip for trip in found.closed if trip.subaccount == number]
            assert split.realised == sum(trip.realised for trip in mine)
            assert split.fees == sum(trip.fees for trip in mine)
    for trip in found.closed:
        assert trip.favourable_ticks >= 0 <= trip.adverse_ticks


def test_another_state_is_refused_before_anything_changes() -> None:
    found = trips()
    found.apply(a_fill(BUY, 1, 100))
    before = found.save()
    for wrong in (b"", b"[]", b"\xff", before[:-1], before + b"x"):
        with pytest.raises(ValueError, match="round trips"):
            found.load(wrong)
    assert found.save() == before


def test_round_trips_of_an_earlier_session_go_on_with_their_numbers() -> None:
    found = trips(an_order(1))
    old = OpenTrip(7, 5, Plan(80, 120, "sniper", "then"), 3 * STEP, 3 * STEP, 3 * STEP, 3 * 100 * TICK)
    found.take_over([(BTC, 0, old)], 4)
    assert found.facts(BTC) == Trip(7, BTC, BUY, 3, 100.0, 5, 80, 120, 0.0, "sniper", "then")
    assert found.losses_in_row == 4 and found.changes > 0 and found.open == [(BTC, 0, old)]
    assert found.astray([Position(BTC, 0, 3 * STEP, 1, 0, 0, 0, 1)]) == []
    assert found.astray([Position(ETH, 128, 5, 1, 0, 0, 0, 1)]) == [(BTC, 0), (ETH, 128)]
    found.apply(a_fill(SELL, 3, 90, 1))
    assert found.closed[-1].position_id == 7 and found.losses_in_row == 5
    found.apply(a_fill(BUY, 1, 90, 1))
    shown = found.facts(BTC)
    assert shown is not None and shown.position_id == 8
    found.begin_anew([(BTC, 0)], [Position(BTC, 0, 2 * STEP, 2 * 90 * TICK, 0, 0, 0, 9)])
    shown = found.facts(BTC)
    assert shown is not None and (shown.size_steps, shown.opened_ns) == (2, 9)
