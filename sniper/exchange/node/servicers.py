"""v4_proto's own servicers, filled from tables of plain functions.

Every call goes through `answer`: what a fault does to a call is decided there and nowhere else. Methods that the
tables do not name answer UNIMPLEMENTED.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, Protocol

import grpc

from sniper.exchange.node import account_queries, cosmos_queries, market_queries
from sniper.exchange.node.asking import Answer, Asked, Refused, Service

SERVICES: Final = (*cosmos_queries.SERVICES, *market_queries.SERVICES, *account_queries.SERVICES)
PASS, UNAVAILABLE, HANG, LOST, LATE = "pass", "unavailable", "hang", "lost", "late"
LOST_TEXT: Final = "Socket closed"


class Treatment(NamedTuple):
    """What happens to a call: PASS; UNAVAILABLE, not processed; HANG, neither processed nor answered for `wait_s`;
    LOST, processed but answered UNAVAILABLE; LATE, processed at once and answered after `wait_s`."""

    kind: str
    wait_s: float = 0.0


NOTHING: Final = Treatment(PASS)


class Served(Asked, Protocol):
    """Whom the servicers serve: also says what a call suffers."""

    def treatment(self, method: str) -> Treatment: ...


def add_to(server: Any, served: Served) -> None:
    """Put all services on a grpc.aio server."""
    for service in SERVICES:
        add = getattr(service.module, f"add_{service.name}Servicer_to_server")
        add(servicer(service, served), server)


def servicer(service: Service, served: Served) -> Any:
    """An instance of v4_proto's servicer class whose methods are those of the table."""
    base = getattr(service.module, f"{service.name}Servicer")
    methods = {
        name: _method(name, service.methods.get(name), served)
        for name in vars(base)
        if not name.startswith("_")
    }
    return type(base.__name__, (base,), methods)()


def _method(name: str, answer: Answer | None, served: Served) -> Callable[..., Awaitable[Any]]:
    async def method(self: Any, request: Any, context: Any) -> Any:
        if answer is None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"this stand-in exchange does not serve {name}"
            )
        return await _answered(name, answer, served, request, context)

    return method


async def _answered(name: str, answer: Any, served: Served, request: Any, context: Any) -> Any:
    treatment = served.treatment(name)
    if treatment.kind == UNAVAILABLE:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "connection refused")
    if treatment.kind == HANG:
        await asyncio.sleep(treatment.wait_s)
        await context.abort(grpc.StatusCode.UNAVAILABLE, LOST_TEXT)
    try:
        response = answer(served, request)
    except Refused as refused:
        await context.abort(refused.status, refused.text)
    if treatment.kind == LOST:
        await asyncio.sleep(treatment.wait_s)
        await context.abort(grpc.StatusCode.UNAVAILABLE, LOST_TEXT)
    if treatment.kind == LATE:
        await asyncio.sleep(treatment.wait_s)
    return response
