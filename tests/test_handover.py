"""handover: what an earlier session left goes on in this one, once the markets have their numbers."""

from __future__ import annotations

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.tape import Tape
from sniper.account import AccountSettings
from sniper.handover import SETTLE_NS, Handover, Left, encoded
from sniper.order_adoption import LeftOrder
from sniper.orders import Orders, OrdersSettings
from sniper.running_digest import RunningDigest
from sniper.standing import Standing
from sniper.trading import BUY, SELL, Fill, Order
from sniper.trips import Trips
from sniper.trips_record import OpenTrip, Plan
from tests.accounts import ADDRESS, BTC, ETH, Scene, fill, position, snapshot, update

STEP = 1_000_000
PLAN = Plan(95, 130, "holder", "held")
STOP = Order(
    7, "", 0, SELL, 4, 0, 90, "conditional", "ioc", True, 0, 2_000_000_000, "stop_loss", 95, "protect", "acked", 5, "x"
)  # fmt: skip


class Session:
    """The parts of a desk that a handover is about."""

    def __init__(self, left: Left | None, refusal: str = "") -> None:
        self.scene = Scene(AccountSettings(address=ADDRESS))
        decoder = self.scene.decoder
        digest = RunningDigest(self.scene.tape, "orders")
        self.orders = Orders(decoder, OrdersSettings(address=ADDRESS, first_client_id=1000), digest)
        self.trips = Trips(self.orders.by_order_id, self.orders.origin, decoder)
        self.standing = Standing()
        self.resumed: list[bytes] = []

        def resume(state: bytes) -> str:
            self.resumed.append(state)
            return refusal

        self.part = Handover(decoder, self.scene.account, self.orders, self.trips, self.standing, resume)
        if left is not None:
            self.part.hear(encoded(left).partition(b" ")[2].decode())
            self.part.take(0, -1)

    def speak(self) -> Session:
        """The account's first news: now there is no more waiting for markets."""
        self.scene.account.trust = "live"
        self.part.take(0, -1)
        return self

    def say(self, *frames: bytes, settled: bool = False) -> None:
        """A tick with these frames of the account."""
        account = self.scene.say(*frames)
        orders = self.orders
        orders.apply(account.news, account.fills, account.answers, self.scene.now_ns, 0, account.height)
        self.part.follow(self.scene.now_ns, settled)


def trip(size: int = 4 * STEP, entry_quote: int = 40_000, position_id: int = 3) -> OpenTrip:
    return OpenTrip(position_id, 11, PLAN, size, abs(size), abs(size), entry_quote)


def a_fill(id_: str, side: int, steps: int, order_id: str = "o", height: int = 90) -> Fill:
    return Fill(
        id_, order_id, 0, 0, side, steps * STEP, 100, 0, steps * 10_000, 0, True, "LIMIT", height, height
    )


def test_it_waits_for_the_market_table() -> None:
    session = Session(None)
    part = session.part
    part._decoder = Decoder(Tape(), 4)
    part.hear(encoded(Left(100, orders=(LeftOrder("BTC-USD", STOP),))).partition(b" ")[2].decode())
    part.take(0, -1)
    assert part.left is not None and not session.orders.all_open()
    part._decoder = session.scene.decoder
    part.take(0, -1)
    assert part.left is None and len(session.orders.all_open()) == 1
    part.hear(encoded(Left(200)).partition(b" ")[2].decode())
    assert part.left is None and part.height == 100, "one session is taken over, once"


def test_a_market_that_is_not_there_is_waited_for_until_the_account_speaks() -> None:
    orders = (LeftOrder("BTC-USD", STOP), LeftOrder("GONE-USD", STOP._replace(client_id=8)))
    session = Session(Left(100, orders=orders))
    assert session.part.left is not None and not session.orders.all_open()
    session.say(snapshot(height=120))
    session.part.take(0, -1)
    assert session.part.left is None and len(session.orders.all_open()) == 1
    assert "GONE-USD is not listed" in session.part.said[0]


def test_orders_and_round_trips_go_on_as_they_were() -> None:
    left = Left(100, orders=(LeftOrder("ETH-USD", STOP),), trips=(("ETH-USD", 0, trip()),), losses_in_row=2)
    session = Session(left)
    (order,) = session.orders.all_open()
    assert order == STOP._replace(market=ETH, order_id=order.order_id)
    shown = session.trips.facts(ETH)
    assert shown is not None
    assert (shown.position_id, shown.side, shown.stop_ticks, shown.target_ticks) == (3, BUY, 95, 130)
    assert (shown.strategy, shown.opened_ns, session.trips.losses_in_row) == ("holder", 11, 2)
    session.say(snapshot(positions=[position("ETH-USD", "0.004")], height=120), settled=True)
    assert session.trips.facts(ETH) == shown, "the snapshot's position is the one that is known"
    session.say(
        update({"blockHeight": "121", "fills": [fill("new", "SELL", "0.004", "10.5", 121, "ETH-USD")]})
    )
    assert session.trips.facts(ETH) is None and session.trips.closed[-1].position_id == 3


def test_fills_that_recovery_booked_close_or_change_the_round_trip() -> None:
    stop = LeftOrder("BTC-USD", STOP._replace(state="filled"))
    session = Session(Left(100))
    order_id = ""
    left = Left(100, orders=(stop,), trips=(("BTC-USD", 0, trip()), ("GONE-USD", 0, trip(position_id=8))))
    for with_fill in (False, True):
        fills = (("BTC-USD", a_fill("late", SELL, 4, order_id)), ("GONE-USD", a_fill("x", SELL, 1)))
        session = Session(left._replace(fills=fills if with_fill else ())).speak()
        order_id = session.orders.finished[0].order_id
    (closed,) = session.trips.closed
    assert (closed.position_id, closed.exit_kind, closed.opened_ns) == (3, "protect", 11)
    assert session.trips.facts(BTC) is None


def test_fills_between_the_recovery_and_the_first_snapshot_are_not_lost() -> None:
    """Up to 100 all is known, and `known` above it; the snapshot is of 120 and has all of them in its position."""
    left = Left(100, known=("known",), trips=(("BTC-USD", 0, trip()),))
    session = Session(left)
    session.say(snapshot(positions=[position("BTC-USD", "0.0009")], height=120))
    news = [fill("known", "BUY", "0.0001", "100", 101), fill("between", "BUY", "0.0005", "100", 110)]
    session.say(update({"blockHeight": "121", "fills": news}), settled=True)
    account = session.scene.account
    assert [one.fill_id for one in account.fills] == ["between"]
    assert account.profit.size(0, BTC) == 9 * STEP, "our books began with them"
    shown = session.trips.facts(BTC)
    assert shown is not None and shown.size_steps == 9 and shown.position_id == 3
    session.say(update({"blockHeight": "122", "fills": news}))
    assert account.fills == []


def test_what_nothing_explains_begins_with_the_position() -> None:
    session = Session(Left(100, trips=(("BTC-USD", 0, trip()),)))
    session.say(snapshot(positions=[position("ETH-USD", "0.002", id_="p2")], height=120))
    assert session.trips.facts(ETH) is None, "its fills may still come"
    session.say(settled=True)
    assert session.trips.facts(BTC) is not None
    session.scene.now_ns += SETTLE_NS
    session.say(settled=True)
    shown = session.trips.facts(ETH)
    assert session.trips.facts(BTC) is None and shown is not None and shown.cause == "was there at the start"
    assert session.part.said[-1] == "round trips begin anew with their positions: BTC-USD, ETH-USD"
    session.say(
        update({"blockHeight": "130", "fills": [fill("n", "BUY", "0.001", "100", 130)]}), settled=True
    )
    assert session.trips.facts(BTC) is not None, "from now on a round trip follows fills alone"


def test_without_a_record_positions_of_the_first_snapshot_are_adopted_at_once() -> None:
    session = Session(None)
    session.say(snapshot(positions=[position("BTC-USD", "0.0009")], height=120))
    assert session.trips.facts(BTC) is not None and session.part.height == 0


def test_a_strategy_gets_its_state_if_it_counts_the_same_markets() -> None:
    good = Session(Left(100, strategy=b"\0state", tickers=("BTC-USD", "ETH-USD")))
    assert good.resumed == [b"\0state"] and not any("anew" in line for line in good.part.said)
    other = Session(Left(100, strategy=b"\0state", tickers=("ETH-USD", "BTC-USD")))
    assert other.resumed == [] and "another market table" in other.part.said[0]
    refused = Session(Left(100, strategy=b"\0state", tickers=()), refusal="of version 2")
    assert refused.part.said[0] == "the strategy begins anew: of version 2"


def test_the_day_goes_on() -> None:
    before = Standing()
    before.look(5, 1000, 300)
    before.look(6, 900, 300)
    session = Session(Left(100, standing=before.save()))
    session.standing.look(7, 850, 0)
    assert (session.standing.day_result, session.standing.peak) == (-150, 1000)
    assert "the day begins anew" in Session(Left(100, standing=b"x")).part.said[0]


def test_what_cannot_be_taken_over_is_said() -> None:
    orders = (LeftOrder("GONE-USD", STOP), LeftOrder("BTC-USD", STOP._replace(order_id="of another")))
    session = Session(Left(100, orders=orders, said=("from the shell",))).speak()
    assert [line.partition(":")[0] for line in session.part.said] == [
        "from the shell", "order 7", "order 7 of BTC-USD", "handed over at height 100"
    ]  # fmt: skip
    assert not session.orders.all_open()
    session.part.height = 0
    session.part.hear("{]")
    assert "not understood" in session.part.said[-1]


@pytest.mark.parametrize("taken", [False, True])
def test_it_saves_and_loads(taken: bool) -> None:
    session = Session(None)
    left = Left(100, ("a",), (LeftOrder("BTC-USD", STOP),), (("BTC-USD", 0, trip()),), strategy=b"s")
    session.part.hear(encoded(left).partition(b" ")[2].decode())
    if taken:
        session.part.take(0, -1)
    state = session.part.save()
    other = Session(None)
    other.part.load(state)
    assert other.part.save() == state and (other.part.left is None) == taken
    assert other.part.left == (None if taken else left)
    with pytest.raises(ValueError, match="handover"):
        other.part.load(b"x")
