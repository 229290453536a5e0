"""Pages of a list, and what an answer says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sniper.exchange.indexer.writing import Item

T = TypeVar("T")


def paged(rows: Sequence[T], limit: int, page: int | None) -> tuple[Sequence[T], Item]:
    """The rows of a page (1 is the first) and the keys that go with it; without a page the first rows, no keys."""
    if page is None:
        return rows[:limit], {}
    offset = (page - 1) * limit
    return rows[offset : offset + limit], {"pageSize": limit, "totalResults": len(rows), "offset": offset}
