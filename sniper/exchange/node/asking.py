"""What every query has in common: whom it asks, how it refuses, pages, and the chain's integers on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import grpc
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse

from sniper.exchange.facts import Outcome
from sniper.exchange.interfaces import ChainReading
from sniper.exchange.node.transactions import Node
from sniper.exchange.terms import Terms

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 10_000
T = TypeVar("T")


class Refused(Exception):
    """A query that the node answers with a gRPC status instead of a message."""

    def __init__(self, status: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def not_found(text: str = "not found") -> Refused:
    """What there is not."""
    return Refused(grpc.StatusCode.NOT_FOUND, text)


def invalid(text: str) -> Refused:
    """What cannot be asked so."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, text)


class Asked(Protocol):
    """Whom queries ask: the house, or in tests anything that has a chain and a node."""

    @property
    def chain(self) -> ChainReading: ...
    @property
    def node(self) -> Node: ...
    def broadcast(self, tx: bytes) -> tuple[Outcome, str]: ...
    def simulate(self, tx: bytes) -> tuple[Outcome, int]: ...


Answer = Callable[[Asked, Any], Any]


class Service(NamedTuple):
    """One gRPC service: the module with v4_proto's servicer, its name there, and what answers each method."""

    module: Any
    name: str  # Query or Service
    methods: dict[str, Answer]


def paged(items: Sequence[T], request: Any) -> tuple[Sequence[T], Any]:
    """One page of a list and the PageResponse that goes with it. A key is the place of the next item, 8 bytes."""
    page = request.pagination
    if page.key and page.offset:
        raise invalid("invalid request, either offset or key is expected, got both")
    if page.key and len(page.key) != 8:
        raise invalid("invalid key")
    start = int.from_bytes(page.key, "big") if page.key else page.offset
    limit = min(page.limit or LIMIT_DEFAULT, LIMIT_MAX)
    order = list(reversed(items)) if page.reverse else list(items)
    end = start + limit
    made = PageResponse(next_key=end.to_bytes(8, "big") if end < len(order) else b"")
    if (page.count_total or not page.limit) and not page.key:
        made.total = len(order)
    return order[start:end], made


def serializable(value: int) -> bytes:
    """A SerializableInt: 02 or, if negative, 03, and the magnitude, most significant byte first; 02 alone is zero."""
    size = (abs(value).bit_length() + 7) // 8
    return (b"\x03" if value < 0 else b"\x02") + abs(value).to_bytes(size, "big")


def market_of(asked: Asked, name: str, number: int) -> Terms:
    """The market whose `name` (clob_pair, perpetual or market) is this number."""
    for terms in asked.chain.markets().values():
        if getattr(terms, name) == number:
            return terms
    raise not_found()
