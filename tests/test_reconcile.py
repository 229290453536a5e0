"""reconcile: nothing changes twice, nothing is lost, and what is not explained is never changed."""

from __future__ import annotations

from hypothesis import given

from sniper.reconcile import applied, reconcile, refused, taken
from sniper.reconcile_book import Execution, Own, OwnOrder, Venue
from tests.books import fill, held, own, own_order, pairs, venue, venue_order


@given(pairs())
def test_running_it_twice_changes_nothing(books: tuple[Own, Venue]) -> None:
    mine, told = books
    first = reconcile(mine, told)
    after = applied(mine, told, first)
    second = reconcile(after, told)
    assert not [row for row in second if row.after is not None]
    assert applied(after, told, second) == after
    assert {row.key for row in refused(second)} <= {row.key for row in refused(first)}, (
        "nothing gets worse by itself"
    )


@given(pairs())
def test_every_order_fill_and_position_has_one_row(books: tuple[Own, Venue]) -> None:
    mine, told = books
    rows = reconcile(mine, told)
    keys = [(row.what, row.key) for row in rows]
    assert len(keys) == len(set(keys))
    counts = [sum(row.what == what for row in rows) for what in ("order", "fill")]
    assert counts[0] == len({one.order_id for one in (*mine.orders, *told.orders)})
    assert counts[1] == len({one.fill_id for one in (*mine.fills, *told.fills)})
    assert reconcile(mine._replace(orders=mine.orders[::-1]), told._replace(fills=told.fills[::-1])) == rows


@given(pairs())
def test_what_waits_or_is_not_explained_changes_nothing(books: tuple[Own, Venue]) -> None:
    for row in reconcile(*books):
        assert (row.after is None) or row.resolution in ("adopt", "finish", "book")


@given(pairs())
def test_filled_never_shrinks_and_what_is_over_stays_over(books: tuple[Own, Venue]) -> None:
    mine, told = books
    after = {order.order_id: order for order in applied(mine, told, reconcile(mine, told)).orders}
    for order in mine.orders:
        now = after[order.order_id]
        assert now.filled_steps >= order.filled_steps
        assert now.over or not order.over


@given(pairs())
def test_an_order_is_only_declared_over_with_proof(books: tuple[Own, Venue]) -> None:
    mine, told = books
    shown = {order.order_id: order for order in told.orders}
    for row in reconcile(mine, told):
        found = row.resolution == "finish" or row.rule == "unwritten"
        if isinstance(row.after, OwnOrder) and row.after.state == "dead" and found:
            order, theirs = row.after, shown.get(row.after.order_id)
            assert told.height >= mine.height
            if order.kind == "short_term":
                last = max(order.good_til_block, theirs.good_til_block if theirs else 0)
                assert told.height >= last + 3
            elif theirs is not None:
                assert theirs.status == "CANCELED"


@given(pairs())
def test_positions_follow_from_fills(books: tuple[Own, Venue]) -> None:
    """An adopted position is ours with the fills above its height, counted here by hand; but at the first look."""
    mine, told = books
    rows = reconcile(mine, told)
    booked = [row.after for row in rows if isinstance(row.after, Execution)]
    for row in rows:
        if row.what == "position" and row.resolution == "adopt" and mine.base_height:
            ticker = row.key.partition("/")[0]
            before = next((one for one in mine.positions if one.ticker == ticker), None)
            size, height = (before.size_quantums, before.height) if before else (0, mine.base_height)
            for one in (*mine.fills, *booked):
                if one.ticker == ticker and height < one.height <= told.position_height:
                    size += -one.size_quantums if one.side else one.size_quantums
            assert row.venue == str(size)


def test_two_equal_books_agree() -> None:
    mine = own(
        orders=(own_order(), own_order(2, state="filled", filled_steps=10)),
        fills=(fill(),),
        positions=(held(5, 105),),
    )
    told = venue(
        orders=(venue_order(), venue_order(2, status="FILLED", filled_steps=10)),
        fills=(fill(),),
        positions=(held(5, 110),),
    )
    rows = reconcile(mine, told)
    assert {row.resolution for row in rows} == {"agree"} and not refused(rows)
    assert applied(mine, told, rows) == mine


def test_a_crash_after_the_wire_is_made_good() -> None:
    """The intent is all that was written; it was filled in part, and the rest has run out of blocks."""
    mine = own(
        orders=(own_order(state="sent", seen=False, good_til_block=106),), positions=(held(1_000_000),)
    )
    told = venue(
        orders=(venue_order(status="BEST_EFFORT_CANCELED", filled_steps=4, good_til_block=106),),
        fills=(fill(),),
        positions=(held(5_000_000, 110),),
    )
    rows = reconcile(mine, told)
    assert [(row.what, row.rule) for row in rows] == [
        ("order", "expired"), ("fill", "missed"), ("position", "by_fills")
    ]  # fmt: skip
    after = applied(mine, told, rows)
    assert after.orders == (own_order(state="dead", filled_steps=4, good_til_block=106),)
    assert after.fills == (fill(),) and after.positions == (held(5_000_000, 110),)


def test_what_left_while_the_database_did_not_write_is_ours_and_the_position_agrees() -> None:
    """A reduction was filled of which nothing is written but the block of its client id; a stop rests beside it."""
    mine = own(positions=(held(9_000_000),), reserved=((1, 4), (7, 10)))
    sold = fill(order=9, side=1)
    stop = {"side": 1, "status": "UNTRIGGERED", "order_flags": 32, "good_til_block": 0, "good_til_s": 5_000}
    told = venue(
        orders=(
            venue_order(9, side=1, status="FILLED", filled_steps=10),
            venue_order(10, reduce_only=True, **stop),
        ),
        fills=(sold,),
        positions=(held(5_000_000, 110),),
    )
    rows = reconcile(mine, told)
    assert [(row.what, row.resolution, row.rule) for row in rows] == [
        ("order", "adopt", "unwritten"), ("order", "adopt", "unwritten"), ("fill", "book", "missed"),
        ("position", "adopt", "by_fills"),
    ]  # fmt: skip
    after = applied(mine, told, rows)
    assert {(one.client_id, one.state, one.filled_steps) for one in after.orders} == {
        (9, "filled", 10),
        (10, "acked", 0),
    }
    again = reconcile(after, told)
    assert {row.resolution for row in again} == {"agree"} and not refused(again)
    for reserved in ((), ((1, 8),)):  # of ids that were never ours: somebody else
        rows = reconcile(mine._replace(reserved=reserved), told)
        assert {row.rule for row in rows} == {"stranger_over", "stranger_open", "stranger", "unclear"}


def test_what_may_still_fill_and_was_not_written_is_waited_for() -> None:
    mine = own(reserved=((9, 9),))
    told = venue(orders=(venue_order(9, status="BEST_EFFORT_CANCELED", filled_steps=4),), fills=(fill(order=9),),
                 positions=(held(4_000_000, 110),))  # fmt: skip
    rows = reconcile(mine, told)
    assert [row.rule for row in rows] == ["unproven", "missed", "by_fills"] and len(refused(rows, True)) == 1
    mine = applied(mine, told, rows)
    rows = reconcile(mine, told._replace(height=123))
    assert [row.rule for row in rows] == ["unwritten", "known", "same"] and not refused(rows)
    assert isinstance(rows[0].after, OwnOrder) and rows[0].after.state == "dead"


def test_the_first_look_takes_the_venues_word_but_not_for_open_orders() -> None:
    told = venue(orders=(venue_order(9),), fills=(fill(order=9),), positions=(held(7, 110),))
    rows = reconcile(Own(), told)
    assert [(row.what, row.resolution) for row in rows] == [
        ("order", "unexplained"), ("fill", "leave"), ("position", "adopt")
    ]  # fmt: skip
    after = applied(Own(), told, rows)
    assert after.base_height == 110 and after.positions == (held(7, 110),)


@given(pairs())
def test_taking_over_lets_only_orders_pass_whose_end_time_will_prove(books: tuple[Own, Venue]) -> None:
    rows = reconcile(*books)
    passed = [row for row in refused(rows) if row not in refused(rows, taking_over=True)]
    assert all(row.what == "order" and row.resolution == "wait" and row.rule != "behind" for row in passed)
    assert not [row for row in refused(rows, taking_over=True) if taken(row)]
