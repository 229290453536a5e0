"""state_news: what the database holds after a session is what the engine holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.account_facts import Transfer
from sniper.engine import Engine
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.state import State
from sniper.types import REC_OPERATOR
from sniper.written_venue import WrittenVenue
from tests import paper_run
from tests.durable import opened

SECONDS = 42.0
BUSY = (
    '{"enter_score":53.0,"leave_score":51.0,"exit_score":49.0,"hold_ms":200,"exit_hold_ms":200,"hold_max_s":25.0,'
    '"filters":[]}'
)
"""Settings of the strategy with which it trades a lot."""


def session(state: State, seconds: float, words: tuple[bytes, ...] = ()) -> Engine:
    """A paper session that is written to a database; the operator's words come at its end."""
    engine = paper_run.engine(options=BUSY)
    inbox = Inbox(1 << 16, 64 << 20)
    inner = paper_run.paper(engine)
    inner.start(inbox)
    venue = WrittenVenue(inner, state, engine)
    loop = Loop(engine, Sim(seed=1, markets=6), inbox, speed=0, venue=venue)
    loop.run(None, round(seconds * paper_run.SECOND_NS))
    for word in words:
        inbox.put(engine.now_ns, 63, REC_OPERATOR, word)
        loop._turn(engine.now_ns, inbox.drain(1 << 20, 100))
    assert state.thread.settle(20) and not state.problem
    return engine


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, Engine]:
    state = opened(tmp_path_factory.mktemp("news"), "paper", reborn=True)
    return state, session(state, SECONDS)


def test_orders_and_what_they_were_intended_to_be(traded: tuple[State, Engine]) -> None:
    state, engine = traded
    assert engine.desk is not None
    orders = engine.desk.orders
    known = {order.client_id: order for order in (*orders.finished, *orders.all_open())}
    assert len(known) > 5
    rows = state.all(
        "SELECT client_id, order_id, state, filled_steps, cause, good_til_block, reduce_only, seen FROM orders"
    )
    assert {
        (o.client_id, o.order_id, o.state, o.filled_steps, o.cause, o.good_til_block, int(o.reduce_only),
         int(orders.seen(o.client_id)))
        for o in known.values()
    } == set(rows)  # fmt: skip
    placed = state.all("SELECT client_id FROM intents WHERE verb = 'place'")
    assert sorted(i for (i,) in placed) == sorted(known)
    assert any(seen for *_, seen in rows)


def test_fills_positions_answers_and_the_height(traded: tuple[State, Engine]) -> None:
    state, engine = traded
    assert engine.desk is not None
    account = engine.desk.account
    fills = {(fill.fill_id, fill.size_quantums, fill.fee, fill.height) for fill in account.recent}
    assert fills and fills == set(state.all("SELECT fill_id, size_quantums, fee, height FROM fills"))
    held = {
        (engine.decoder.ticker(market), 0, one.size_quantums, one.entry_quote)
        for market, one in account.positions.items()
    }
    found = state.all(
        "SELECT ticker, subaccount, size_quantums, entry_quote FROM positions WHERE size_quantums != 0"
    )
    assert held and held == set(found)
    assert state.one("SELECT value FROM facts WHERE name = 'height'") == account.height
    assert 0 < state.one("SELECT value FROM facts WHERE name = 'base_height'") <= account.height
    by_hand: dict[str, int] = {}
    for ticker, side, size in state.all("SELECT ticker, side, size_quantums FROM fills"):
        by_hand[ticker] = by_hand.get(ticker, 0) + (-size if side else size)
    assert {ticker: size for ticker, size in by_hand.items() if size} == {row[0]: row[2] for row in found}
    assert state.one("SELECT count(*) FROM answers WHERE code = 0") > 0


def test_decisions_trips_and_bots(traded: tuple[State, Engine]) -> None:
    state, engine = traded
    desk = engine.desk
    assert desk is not None
    closed = {(trip.position_id, trip.realised, trip.exit_cause) for trip in desk.trips.closed}
    assert closed == set(state.all("SELECT position_id, realised, exit_cause FROM trips"))
    outcomes = dict(state.all("SELECT outcome, count(*) FROM decisions GROUP BY 1"))
    assert outcomes["approved"] > 0
    told = state.all("SELECT ticker, purpose, gate FROM decisions WHERE outcome = 'refused' ORDER BY seq")
    last: dict[tuple[str, str], str] = {}
    for ticker, purpose, gate in told:
        assert last.get((ticker, purpose)) != gate, "a refusal that says nothing new is not written"
        last[ticker, purpose] = gate
    assert state.bot("standing") and state.bot("strategy sniper")


def test_a_kill_is_latched_and_lifted(tmp_path: Path) -> None:
    state = opened(tmp_path)
    session(state, 2.0, (b"pause", b"kill fat finger"))
    assert state.killed == "fat finger"
    state.close()
    state = opened(tmp_path)
    session(state, 2.0, (b"kill one", b"kill two", b"resume seen to"))
    assert state.killed == ""
    assert state.all("SELECT reason, lifted FROM latches") == [
        ("fat finger", "another kill"), ("one", "another kill"), ("two", "seen to")
    ]  # fmt: skip
    state.close()


def test_after_rows_were_lost_the_whole_is_told_again(tmp_path: Path) -> None:
    state = opened(tmp_path, "paper", reborn=True)
    engine = session(state, SECONDS)
    before = [state.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("fills", "positions")]
    assert before[0]
    state._connection.execute("DELETE FROM fills; DELETE FROM positions")
    state.thread.again = True
    venue = WrittenVenue(paper_run.paper(engine), state, engine)
    venue.observe(engine.now_ns, 0)
    assert state.thread.settle(10)
    after = [state.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("fills", "positions")]
    assert after[0] == before[0]
    assert {row[:3] for row in after[1]} == {row[:3] for row in before[1] if row[2]}
    state.close()


def test_transfers_and_fills_of_orders_that_were_over(traded: tuple[State, Engine]) -> None:
    state, engine = traded
    assert engine.desk is not None
    account, orders = engine.desk.account, engine.desk.orders
    venue = WrittenVenue(paper_run.paper(engine), state, engine)
    venue.observe(engine.now_ns, 0)
    over = orders.finished[0].client_id
    state.put([("orders", (over, *"abcdefghijklmnopqrstuv"))])
    moved = Transfer(0, -5_000_000, "WITHDRAWAL", 9, 10, "a key")
    account.transfers.append(moved)
    account.changed = True
    orders.counts["late_fills"] += 1
    for _ in range(2):
        venue.observe(engine.now_ns, 0)
    assert state.thread.settle(10)
    assert state.all("SELECT key, subaccount, quote, kind, height, venue_ns FROM transfers") == [
        ("a key", 0, -5_000_000, "WITHDRAWAL", 9, 10)
    ]
    assert state.all("SELECT state FROM orders WHERE client_id = ?", (over,)) == [(orders.finished[0].state,)]
