"""recovery_handover: what the database and the venue know together is what the next session gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sniper.handover import Left
from sniper.order_record import Terms
from sniper.reconcile import refused
from sniper.reconcile_book import Held, Venue, VenueOrder
from sniper.recovery import Recovered, recover
from sniper.recovery_handover import STRATEGY_AGE_S_MAX, STRATEGY_BYTES_MAX, left
from sniper.standing import DAY_NS
from sniper.state import State
from sniper.trips_record import OpenTrip, Plan
from tests.durable import cancel, opened, place
from tests.test_recovery import Books, executed, name

NOW_NS = 40 * DAY_NS + 7
STOP: dict[str, Any] = {
    "kind": "conditional", "side": 1, "reduce_only": True, "trigger": "stop_loss", "trigger_ticks": 95_000,
    "purpose": "protect", "good_til_block": 0, "good_til_s": 1 << 31,
}  # fmt: skip


def row(client_id: int, fate: str = "acked", seen: int = 1, **more: Any) -> tuple[Any, ...]:
    """A row of the table of orders, of the intent `place(client_id, **more)`."""
    plan = more.pop("plan", (0, 0, ""))
    flags = 32 if more.get("kind") == "conditional" else 0
    p = place(client_id, **more)
    known = (client_id, name(client_id, flags), 0, p.ticker, p.side, p.size_steps, more.get("filled", 0))
    return (*known, p.price_ticks, p.kind, p.time_in_force, int(p.reduce_only), p.good_til_block, p.good_til_s,
            p.trigger, p.trigger_ticks, p.purpose, fate, 77, "why", seen, *plan)  # fmt: skip


def shown(client_id: int, status: str = "OPEN", filled: int = 0, flags: int = 0, til: int = 70) -> VenueOrder:
    return VenueOrder(name(client_id, flags), client_id, "BTC-USD", 0, status, 5, filled, flags, til)


@pytest.fixture
def state(tmp_path: Path) -> Any:
    found = opened(tmp_path)
    found.put([("base", (50,)), ("facts", ("height", 60))])
    found.thread.settle(10)
    yield found
    found.close()


def handed(
    state: State, told: Venue, now_ns: int = NOW_NS, strategy: str = "holder"
) -> tuple[Left, Recovered]:
    assert state.thread.settle(10)
    found = recover(state, Books(told), 0, taking_over=True, sleep=lambda _: pytest.fail("nobody waits"))
    assert not refused(found.rows, taking_over=True)
    return left(state, found, strategy, now_ns), found


def test_an_order_that_the_venue_shows_is_open_whatever_we_knew(state: State) -> None:
    first, _ = state.reserve(count=10)
    state.intents(1, 1, [place(first, **STOP), place(first + 1, good_til_block=72, side=0)])
    state.put([("orders", row(first, **STOP, plan=(95, 0, "protection")))])
    found, _ = handed(
        state, Venue(66, 66, (shown(first, "UNTRIGGERED", flags=32), shown(first + 1, filled=2)))
    )
    stop, entry = sorted(found.orders, key=lambda one: one.order.client_id)
    assert (stop.order.state, stop.order.trigger_ticks, stop.order.purpose) == ("acked", 95_000, "protect")
    assert (stop.seen, stop.stop_ticks, stop.strategy, stop.order.sent_ns) == (True, 95, "protection", 77)
    assert stop.order.reduce_only is True and stop.ahead == -1
    assert (entry.order.state, entry.order.filled_steps, entry.order.price_ticks) == ("acked", 2, 100_000)
    assert entry.order.order_id == name(first + 1) and entry.fill_quantums == 0
    assert found.height == 66


def test_what_is_not_shown_is_unknown_and_never_dead_without_proof(state: State) -> None:
    first, _ = state.reserve(count=10)
    state.intents(1, 1, [place(first, good_til_block=72), place(first + 1, **STOP), place(first + 2)])
    state.put([("orders", row(first + 2, "fading", good_til_block=70))])
    told = Venue(66, 66, (shown(first + 2, "BEST_EFFORT_CANCELED"),))
    found, recovered = handed(state, told)
    assert [(one.order.client_id, one.order.state) for one in found.orders] == [
        (first + 2, "fading"), (first, "unknown"), (first + 1, "unknown")
    ]  # fmt: skip
    assert {row.rule for row in recovered.rows} == {"in_flight", "maybe", "fading"}
    assert len(refused(recovered.rows)) == 3, "without anybody to take them over trading would be refused"


def test_a_stop_that_was_never_written_is_handed_over_as_the_venue_tells_it(state: State) -> None:
    first, _ = state.reserve(count=10)
    stop = shown(first, "UNTRIGGERED", flags=32, til=0)._replace(
        side=1,
        good_til_s=1 << 31,
        reduce_only=True,
        price_ticks=90_000,
        trigger="stop_loss",
        trigger_ticks=95_000,
    )
    found, _ = handed(state, Venue(66, 66, (stop,)))
    for _ in range(2):
        (one,) = found.orders
        intent = place(first, **STOP, price_ticks=90_000)
        assert one.order.state == "acked" and one.seen and one.ticker == "BTC-USD"
        for field in ("side", "size_steps", "price_ticks", "kind", "time_in_force", "reduce_only", "trigger"):
            assert getattr(one.order, field) == getattr(intent, field), field
        assert (one.order.trigger_ticks, one.order.purpose) == (95_000, "protect")
        assert (one.order.good_til_block, one.order.good_til_s) == (0, 1 << 31)
        assert one.order.order_id == name(first, 32)
        found, _ = handed(state, Venue(66, 66, (stop,)))


def test_over_is_over(state: State) -> None:
    first, _ = state.reserve(count=10)
    state.intents(1, 1, [place(first, good_til_block=62)])
    found, _ = handed(state, Venue(66, 66))
    assert found.orders == ()


def test_how_many_transactions_may_have_gone_before_one_of_unknown_sequence(state: State) -> None:
    first, _ = state.reserve(count=10)
    stops = [place(first + number, **STOP) for number in (0, 2, 3, 4, 5)]
    state.intents(1, 1, [stops[0], place(first + 1, good_til_block=72), stops[1]])
    stateful_cancel = cancel(first)._replace(kind="conditional")
    state.intents(2, 2, [stops[2], cancel(first + 1), stateful_cancel, stops[3], stops[4]])
    state.put(
        [
            ("orders", row(first, "dead", 1, **STOP)),  # it was in a block, with all before it
            ("answers", (1, 1, 1, "place", first + 4, -1, "sequence 41 no answer")),
            ("answers", (1, 1, 1, "cancel", first + 5, 0, "sequence 99 of a cancel")),
        ]
    )
    found, _ = handed(state, Venue(66, 66))
    bounds = {one.order.client_id - first: (one.sequence, one.ahead) for one in found.orders}
    assert bounds == {1: (-1, -1), 2: (-1, 0), 3: (-1, 1), 4: (41, -1), 5: (-1, 4)}


def test_a_replacement_that_may_stand_is_kept_beside_its_order(state: State) -> None:
    first, _ = state.reserve(count=10)
    newer = {"good_til_block": 80, "size_steps": 9, "price_ticks": 99_000}
    for fate in ("first", "second"):
        if fate == "first":
            state.intents(1, 1, [place(first)])
            state.put([("orders", row(first, good_til_block=70))])
            assert state.thread.settle(10)
            state.intents(2, 2, [place(first, **newer)])
        found, _ = handed(state, Venue(66, 66, (shown(first, til=70 if fate == "first" else 80),)))
        (one,) = found.orders
        if fate == "first":
            assert one.order.state == "unknown" and one.pending == Terms(9, 99_000, 80)
            assert (one.order.good_til_block, one.order.size_steps) == (70, 5)
        else:
            assert one.order.state == "acked" and one.pending is None
            assert (one.order.good_til_block, one.order.size_steps) == (80, 9)


def test_fills_that_no_round_trip_knows_come_with_their_orders(state: State) -> None:
    first, _ = state.reserve(count=10)
    state.intents(1, 1, [place(first), place(first + 1)])
    trip = OpenTrip(3, 11, Plan(1, 2, "holder", "why"), 5_000_000, 5_000_000, 5_000_000, 9)
    state.put(
        [
            ("fills", (0, "f0", name(first), "BTC-USD", 0, 0, 5_000_000, 3, 1, 1, 2, 1, "LIMIT", 61, 9)),
            ("orders", row(first, "filled", plan=(9, 0, "holder"))),
            ("bots", ("round trips", msgspec.json.encode(([("BTC-USD", 0, trip)], 2)), 1, 1, 1)),
        ]
    )
    orders = (shown(first, "FILLED", 5), shown(first + 1, "FILLED", 5))
    fills = (executed(0, first, height=61), executed(1, first + 1, height=67))
    told = Venue(66, 68, orders, fills, (Held("BTC-USD", 0, 10_000_000, 68),))
    found, _ = handed(state, told)
    assert [(ticker, fill.fill_id, fill.taker) for ticker, fill in found.fills] == [("BTC-USD", "f1", True)]
    (late,) = found.orders
    assert (late.order.client_id, late.order.state) == (first + 1, "filled")
    assert (late.order.purpose, late.order.price_ticks) == ("entry", 100_000), "of its intent"
    assert (found.trips, found.losses_in_row, found.known) == ((("BTC-USD", 0, trip),), 2, ("f1",))
    again, _ = handed(state, told)
    assert again.fills == found.fills, "until a session wrote round trips that hold them"
    state.put([("told", ("f1",))])
    assert handed(state, told)[0].fills == ()


def test_the_strategy_s_state_is_for_the_same_strategy_and_not_too_old(state: State) -> None:
    told = Venue(66, 66)
    assert handed(state, told)[0][7:] == (b"", (), ())
    at = NOW_NS - 60 * 10**9
    state.put([("bots", ("strategy holder", b"kept", 1, 1, at))])
    assert handed(state, told)[0].strategy == b"", "whose markets nobody wrote down"
    state.put([("bots", ("markets", b'["BTC-USD"]', 1, 1, at))])
    found, _ = handed(state, told)
    assert (found.strategy, found.tickers, found.said) == (b"kept", ("BTC-USD",), ())
    other, _ = handed(state, told, strategy="sniper")
    assert other.strategy == b"" and other.said == ("the strategy begins anew: what was kept is of holder",)
    late, _ = handed(state, told, at + (STRATEGY_AGE_S_MAX + 1) * 10**9)
    assert late.strategy == b"" and "s old" in late.said[0]
    state.put([("bots", ("strategy holder", bytes(STRATEGY_BYTES_MAX + 1), 1, 1, at))])
    assert "bytes" in handed(state, told)[0].said[0]


def test_the_standing_is_that_of_the_day_and_round_trips_must_be_readable(state: State) -> None:
    state.put([("bots", ("standing", b"today", 1, 1, NOW_NS)), ("bots", ("round trips", b"no", 1, 1, 1))])
    found, _ = handed(state, Venue(66, 66))
    assert found.standing == b"today" and found.trips == ()
    assert "round trips begin anew" in found.said[0]
    assert handed(state, Venue(66, 66), NOW_NS + DAY_NS)[0].standing == b""
