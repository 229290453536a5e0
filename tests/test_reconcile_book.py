"""reconcile_book: what the terms mean."""

from __future__ import annotations

from tests.books import STATUSES, fill, own_order, venue_order


def test_what_is_open_and_what_is_over() -> None:
    assert [status for status in STATUSES if venue_order(status=status).open] == [
        "OPEN", "BEST_EFFORT_OPENED", "UNTRIGGERED"
    ]  # fmt: skip
    assert [own_order(state=state).over for state in ("sent", "unknown", "filled", "dead")] == [
        False, False, True, True
    ]  # fmt: skip


def test_a_fill_moves_the_position_by_its_side() -> None:
    assert (fill().change, fill(side=1).change) == (4_000_000, -4_000_000)
    assert fill().core == fill(quote=1, taker=True, price=9).core != fill(fee=1).core
