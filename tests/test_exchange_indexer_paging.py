"""Pages of a list."""

from __future__ import annotations

from sniper.exchange.indexer.paging import paged


def test_without_a_page_nothing_is_said_of_it() -> None:
    assert paged([1, 2, 3], 2, None) == ([1, 2], {}) and paged([1], 5, None) == ([1], {})


def test_pages_begin_at_1() -> None:
    rows = list(range(10))
    assert paged(rows, 4, 1) == ([0, 1, 2, 3], {"pageSize": 4, "totalResults": 10, "offset": 0})
    assert paged(rows, 4, 3) == ([8, 9], {"pageSize": 4, "totalResults": 10, "offset": 8})
    assert paged(rows, 4, 9) == ([], {"pageSize": 4, "totalResults": 10, "offset": 32})
