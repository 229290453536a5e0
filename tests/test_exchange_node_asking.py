"""Pages and integers on the wire."""

from __future__ import annotations

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from v4_proto.dydxprotocol.clob.query_pb2 import QueryAllClobPairRequest

from sniper.exchange.node.asking import LIMIT_DEFAULT, Refused, paged, serializable


def asked(**page: object) -> QueryAllClobPairRequest:
    return QueryAllClobPairRequest(pagination=PageRequest(**page))


@given(st.integers(0, 60), st.integers(1, 20), st.booleans())
def test_pages_follow_each_other_and_miss_nothing(count: int, limit: int, reverse: bool) -> None:
    items, seen, key = list(range(count)), [], b""
    for _ in range(count + 2):
        found, page = paged(items, asked(limit=limit, key=key, reverse=reverse))
        assert len(found) <= limit
        seen.extend(found)
        key = page.next_key
        if not key:
            break
    assert seen == (items[::-1] if reverse else items)


def test_without_a_wish_a_hundred_and_the_total() -> None:
    found, page = paged(range(250), QueryAllClobPairRequest())
    assert (len(found), page.total) == (LIMIT_DEFAULT, 250)
    found, page = paged(range(250), asked(offset=240, limit=50, count_total=True))
    assert (list(found), page.total, page.next_key) == (list(range(240, 250)), 250, b"")
    assert paged(range(5), asked(limit=2))[1].total == 0


@pytest.mark.parametrize("page", [{"key": b"x" * 8, "offset": 1}, {"key": b"x"}])
def test_pages_that_cannot_be(page: dict[str, object]) -> None:
    with pytest.raises(Refused) as raised:
        paged([], asked(**page))
    assert raised.value.status == grpc.StatusCode.INVALID_ARGUMENT


@given(st.integers(-(2**200), 2**200))
def test_integers_as_the_chain_writes_them(value: int) -> None:
    data = serializable(value)
    assert data[0] in (2, 3) and not data.startswith((b"\x02\x00", b"\x03\x00"))
    assert int.from_bytes(data[1:], "big") * (1 if data[0] == 2 else -1) == value
    assert data != b"\x03"


def test_the_documents_example() -> None:
    assert serializable(123_000_000) == bytes.fromhex("020754d4c0")
    assert serializable(0) == b"\x02"
