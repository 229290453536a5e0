"""Which node is asked: the preferred one while it answers, another while it rests."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from sniper.venues.live_nodes import REST_S, Node, Route


def nodes(count: int) -> list[Node]:
    nothing: Any = None
    return [Node(str(n), nothing) for n in range(count)]


def test_the_preferred_one_is_asked_until_it_fails_and_again_after_a_rest() -> None:
    now_s = 100.0
    route = Route(nodes(3), 1.0, lambda: now_s)
    assert route.best().name == "0"
    route.best().failed(now_s)
    assert route.best().name == "1"
    now_s += REST_S
    assert route.best().name == "1"  # nobody has a better record
    route.nodes[1].failed(now_s)
    route.nodes[1].failed(now_s)
    assert route.best().name == "2"
    route.nodes[2].failed(now_s)
    assert route.best().name == "0"  # rested; the others failed just now
    route.nodes[0].answered(0.01)
    assert route.best().name == "0" and route.nodes[0].in_a_row == 0


def test_with_all_resting_the_one_with_the_fewest_failures_is_asked() -> None:
    route = Route(nodes(2), 1.0, lambda: 5.0)
    route.nodes[0].failed(5.0)
    route.nodes[0].failed(5.0)
    route.nodes[1].failed(5.0)
    assert route.best().name == "1"


def test_the_way_there_and_back_is_smoothed() -> None:
    (node,) = nodes(1)
    node.answered(0.1)
    assert node.rtt_s == 0.1
    node.answered(0.2)
    assert 0.1 < node.rtt_s < 0.2


def test_bytes_that_are_no_message_are_no_answer() -> None:
    """grpc.aio gives None for them instead of an error."""
    route = Route(nodes(1), 1.0)
    path = "/cosmos.tx.v1beta1.Service/BroadcastTx"

    async def garbage(request: Any, timeout: float) -> None:
        return None

    route.nodes[0].methods[path] = garbage
    details: Any = SimpleNamespace(method=path)
    with pytest.raises(grpc.RpcError, match="what is no"):
        asyncio.run(route.intercept_unary_unary(None, details, object()))
    assert route.nodes[0].failures == 1
