"""Order news merged by id."""

from __future__ import annotations

from sniper.account_orders import OrderReports
from sniper.trading import OrderNews

BARE = OrderNews("o", 7, -1, "", "", -1, -1, -1, -1, -1, 0, -1, -1, 0, -1)
REASON = "ORDER_REMOVAL_REASON_USER_CANCELED"


def news(status: str, height: int = 0, **fields: int | str) -> OrderNews:
    return BARE._replace(status=status, height=height, **fields)  # type: ignore[arg-type]


def test_absent_fields_never_overwrite() -> None:
    reports = OrderReports(10)
    opened = news("BEST_EFFORT_OPENED", 5, market=1, side=0, size_steps=10, price_ticks=90, good_til_block=20)
    assert reports.take(opened) == opened
    found = reports.take(news("OPEN", 6, filled_steps=4))
    assert found == opened._replace(status="OPEN", height=6, filled_steps=4)
    assert reports.orders == {"o": found}


def test_what_changes_nothing_is_no_news() -> None:
    reports = OrderReports(10)
    item = news("OPEN", 6, filled_steps=4)
    assert reports.take(item) == item
    assert reports.take(item) is None
    assert reports.take(news("OPEN", 6)) is None
    assert reports.late == 0


def test_an_older_word_of_the_chain_is_dropped() -> None:
    reports = OrderReports(10)
    reports.take(news("OPEN", 6, filled_steps=4))
    assert reports.take(news("OPEN", 5, filled_steps=2)) is None
    assert reports.late == 1


def test_heights_of_the_mempool_say_nothing() -> None:
    reports = OrderReports(10)
    reports.take(news("OPEN", 6))
    found = reports.take(news("BEST_EFFORT_CANCELED", 4, removal_reason=REASON))
    assert found is not None and (found.status, found.removal_reason) == ("BEST_EFFORT_CANCELED", REASON)
    found = reports.take(news("OPEN", 7))
    assert found is not None and (found.status, found.removal_reason) == ("OPEN", "")


def test_what_has_ended_on_chain_stays_so() -> None:
    for end in ("FILLED", "CANCELED"):
        reports = OrderReports(10)
        reports.take(news(end, 6, filled_steps=10, good_til_block=20))
        assert reports.take(news("BEST_EFFORT_CANCELED", 9, good_til_block=20)) is None
        assert reports.take(news("OPEN", 6, filled_steps=5)) is None
        assert reports.take(news("", 9, optimistic_steps=5)) is None
        assert reports.late == 3
        again = reports.take(news("BEST_EFFORT_OPENED", 9, good_til_block=30))
        assert again is not None and again.status == "BEST_EFFORT_OPENED"


def test_fills_only_grow() -> None:
    reports = OrderReports(10)
    reports.take(news("OPEN", 6, filled_steps=4))
    found = reports.take(news("CANCELED", 6, filled_steps=3))
    assert found is not None and found.filled_steps == 4


def test_the_longest_unheard_of_is_forgotten() -> None:
    reports = OrderReports(2)
    for name in ("a", "b", "a", "c"):
        reports.take(
            news("OPEN", len(reports.orders))._replace(order_id=name, filled_steps=len(reports.orders))
        )
    assert list(reports.orders) == ["a", "c"]
    other = OrderReports(2)
    other.load(reports.save(), 5)
    assert (other.orders, other.late, other.save()) == (reports.orders, 5, reports.save())
    assert other.take(news("OPEN", 0)._replace(order_id="d")) is not None
    assert list(other.orders) == ["c", "d"]
