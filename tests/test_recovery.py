"""recovery: what a crash left behind is brought up to the venue's book, once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.reconcile import refused
from sniper.reconcile_book import Execution, Held, Venue, VenueOrder
from sniper.recovery import BLOCKS_BACK, recover
from sniper.state import State
from sniper.trading import Place
from tests.durable import ADDRESS, cancel, opened, place


class Books:
    """Books that a venue shows one after the other."""

    def __init__(self, *books: Venue) -> None:
        self.books = list(books)
        self.since: list[int] = []

    def ask(self, since_height: int) -> Venue:
        self.since.append(since_height)
        return self.books.pop(0) if len(self.books) > 1 else self.books[0]

    def clob_pair(self, ticker: str) -> int | None:
        return {"BTC-USD": 0}.get(ticker)


def name(client_id: int, flags: int = 0) -> str:
    return order_uuid(subaccount_uuid(ADDRESS, 0), client_id, 0, flags)


def shown(client_id: int, status: str, filled: int = 0, good_til: int = 70) -> VenueOrder:
    return VenueOrder(name(client_id), client_id, "BTC-USD", 0, status, 5, filled, 0, good_til)


def executed(number: int, client_id: int, size: int = 5_000_000, height: int = 65) -> Execution:
    return Execution(
        f"f{number}", name(client_id), "BTC-USD", 0, 0, size, 1, 2, "LIMIT", height, 3, 1, True, 9
    )


@pytest.fixture
def crashed(tmp_path: Path) -> State:
    """Two intents of which nothing else is known, one open order, a position, all of height 60."""
    state = opened(tmp_path)
    first, _ = state.reserve(count=100)
    state.intents(1, 1, [place(first), place(first + 1), place(first + 2, good_til_block=75), cancel(first)])
    row = (first + 2, name(first + 2), 0, "BTC-USD", 0, 5, 0, 1, "short_term", "gtt", 0, 72, 0, "", 0, "entry", "acked",
           1, "why", 1, 0, 0, "")  # fmt: skip
    state.put(
        [
            ("orders", row),
            ("base", (50,)),
            ("facts", ("height", 60)),
            ("positions", ("BTC-USD", 0, 7, 0, 0, 0, 0, 0, 60)),
        ]
    )
    assert state.thread.settle(10)
    return state


def first_of(state: State) -> int:
    return int(state.one("SELECT min(client_id) FROM intents"))


def test_a_crash_is_made_good_and_a_second_run_changes_nothing(crashed: State) -> None:
    first = first_of(crashed)
    told = Venue(
        100,
        100,
        (shown(first, "FILLED", 5),),
        (executed(1, first),),
        (Held("BTC-USD", 0, 5_000_007, 100),),
    )
    source = Books(told)
    found = recover(crashed, source, 0, patience_s=0)
    assert {(row.what, row.rule) for row in found.rows} == {
        ("order", "filled"), ("order", "expired"), ("fill", "missed"), ("position", "by_fills")
    }  # fmt: skip
    assert found.changed == 5 and source.since == [0]
    assert crashed.all("SELECT client_id, order_id, state, filled_steps, cause FROM orders ORDER BY 1") == [
        (first, name(first), "filled", 5, "recovered: filled"),
        (first + 1, name(first + 1), "dead", 0, "recovered: expired"),
        (first + 2, name(first + 2), "dead", 0, "recovered: expired"),
    ]
    assert crashed.all("SELECT * FROM fills") == [
        (0, "f1", name(first), "BTC-USD", 0, 0, 5_000_000, 3, 1, 1, 2, 1, "LIMIT", 65, 9)
    ]
    assert crashed.all("SELECT ticker, size_quantums, height FROM positions") == [("BTC-USD", 5_000_007, 100)]
    before = dump(crashed)
    again = recover(crashed, source, 0, patience_s=0)
    assert again.changed == 0 and dump(crashed) == before
    assert {row.resolution for row in again.rows} == {"agree"}
    crashed.close()


def dump(state: State) -> list[list[tuple[object, ...]]]:
    tables = ("orders", "fills", "positions", "facts", "intents")
    return [state.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def test_it_waits_for_what_needs_time(crashed: State) -> None:
    slept: list[float] = []
    early, late = Venue(60, 60), Venue(78, 78)
    books = [one._replace(positions=(Held("BTC-USD", 0, 7, one.height),)) for one in (early, early, late)]
    found = recover(crashed, Books(*books), 0, patience_s=5, sleep=slept.append)
    assert len(slept) == 2 and {row.rule for row in found.rows} == {"expired", "same"}
    crashed.close()


def test_what_was_corrected_while_it_waited_is_told_as_such(crashed: State) -> None:
    first = first_of(crashed)
    filled, held = (shown(first, "FILLED", 5),), (Held("BTC-USD", 0, 5_000_007, 66),)
    early = Venue(66, 66, filled, (executed(1, first),), held)
    found = recover(crashed, Books(early, early._replace(height=100)), 0, patience_s=5, sleep=lambda _: None)
    assert {(row.what, row.rule) for row in found.rows} == {
        ("order", "filled"), ("order", "expired"), ("fill", "missed"), ("position", "by_fills")
    }  # fmt: skip
    crashed.close()


def test_patience_ends(crashed: State) -> None:
    slept: list[float] = []
    found = recover(crashed, Books(Venue(60, 60)), 0, patience_s=3, sleep=slept.append)
    assert len(slept) == 3 and "in_flight" in {row.rule for row in found.rows}
    crashed.close()


def test_a_replacement_known_only_as_an_intent_may_live_longer(crashed: State) -> None:
    """Its order was written as good til 72, the replacement says 75: at 75 + 2 it is not proven yet."""
    found = recover(crashed, Books(Venue(77, 77, (), (), (Held("BTC-USD", 0, 7, 77),))), 0, patience_s=0)
    rules = {row.key.split()[-1]: row.rule for row in found.rows if row.what == "order"}
    first = first_of(crashed)
    assert rules == {str(first): "expired", str(first + 1): "expired", str(first + 2): "in_flight"}
    crashed.close()


def test_an_intent_in_a_market_that_is_no_more_is_still_told(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.intents(1, 1, [place(5, ticker="GONE-USD")])
    (row,) = recover(state, Books(Venue(60, 60)), 0, patience_s=0).rows
    assert (row.key, row.rule) == ("GONE-USD 5", "in_flight")
    state.close()


def test_fills_are_asked_for_from_a_little_before_what_is_known(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.put(
        [
            ("facts", ("height", 5000)),
            ("base", (10,)),
            ("fills", (0, "old", "", "X", 0, 0, 1, 1, 0, 1, 1, 1, "", 9, 9)),
        ]
    )
    state.thread.settle(10)
    source = Books(Venue(5000, 5000, fills_from=5000 - BLOCKS_BACK))
    assert recover(state, source, 0, patience_s=0).rows == ()
    assert source.since == [5000 - BLOCKS_BACK]
    state.close()


def test_what_is_over_is_compared_when_the_venue_names_it(crashed: State) -> None:
    first = first_of(crashed)
    books: Sequence[Venue] = [Venue(100, 100, (), (), (Held("BTC-USD", 0, 7, 100),))]
    recover(crashed, Books(*books), 0, patience_s=0)
    told = books[0]._replace(orders=(shown(first, "OPEN", good_til=200),))
    (row,) = [row for row in recover(crashed, Books(told), 0, patience_s=0).rows if row.what == "order"]
    assert (row.rule, row.resolution) == ("risen", "unexplained")
    crashed.close()


def test_orders_that_left_while_the_database_did_not_write_are_written_down_once(crashed: State) -> None:
    first, last = crashed.reserve(count=10)
    assert {(row.rule, row.resolution) for row in recover(crashed, Books(sold(last + 1)), 0, patience_s=0).rows} >= {
        ("stranger_over", "leave"), ("stranger", "unexplained")
    }  # fmt: skip
    found = recover(crashed, Books(sold(first)), 0, patience_s=0)
    assert not refused(found.rows) and found.changed
    assert {row.rule for row in found.rows} >= {"unwritten", "missed", "by_fills"}
    assert crashed.all("SELECT state, filled_steps, cause FROM orders WHERE client_id = ?", (first,)) == [
        ("filled", 5, "recovered: unwritten")
    ]
    (body,) = crashed.all("SELECT body FROM intents WHERE client_id = ?", (first,))[0]
    assert msgspec.msgpack.decode(body, type=Place)[:6] == (first, 0, "BTC-USD", 1, 5, 99_000)
    before = dump(crashed)
    again = recover(crashed, Books(sold(first)), 0, patience_s=0)
    assert again.changed == 0 and dump(crashed) == before and not refused(again.rows)
    crashed.close()


def sold(client_id: int) -> Venue:
    """A filled reduction of 5 steps, and 2 of the 7 quantums left."""
    order = shown(client_id, "FILLED", 5)._replace(side=1, reduce_only=True, price_ticks=99_000)
    return Venue(
        100, 100, (order,), (executed(1, client_id, 5)._replace(side=1),), (Held("BTC-USD", 0, 2, 100),)
    )


def test_children_are_compared_like_the_subaccount_itself(tmp_path: Path) -> None:
    state = opened(tmp_path)
    first, _ = state.reserve(count=5)
    state.intents(1, 1, [place(first)])
    state.put(
        [
            ("base", (10,)),
            ("facts", ("height", 60)),
            ("positions", ("BTC-USD", 128, 7, 0, 0, 0, 0, 0, 60)),
            ("positions", ("BTC-USD", 5, 9, 0, 0, 0, 0, 0, 60)),  # of nobody here
        ]
    )
    assert state.thread.settle(10)
    closed = executed(1, 99, 7)._replace(subaccount=128, side=1, kind="DELEVERAGED")
    told = Venue(100, 100, (), (closed,), ())
    found = recover(state, Books(told), 0, patience_s=0)
    rules = {(row.what, row.key): (row.resolution, row.rule) for row in found.rows}
    assert rules[("position", "BTC-USD/128")] == ("adopt", "by_fills")
    assert rules[("fill", "f1")] == ("book", "forced") and ("position", "BTC-USD/5") not in rules
    drifted = Venue(100, 100, (), (), (Held("BTC-USD", 128, 8, 100),))
    state.put([("positions", ("BTC-USD", 128, 7, 0, 0, 0, 0, 0, 60)), ("told", ("f1",))])
    state.write([("facts", ("height", 60))])
    assert state.thread.settle(10)
    state._connection.execute("DELETE FROM fills")
    rows = recover(state, Books(drifted), 0, patience_s=0).rows
    assert [row.rule for row in rows if row.key == "BTC-USD/128"] == ["adrift"]
    state.close()
