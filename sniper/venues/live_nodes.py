"""Which node takes the next transaction: the configured ones, ranked by what was seen of them.

`Nodes` is one channel to the official client; an interceptor gives every call its deadline and carries it to the node
that is best at the moment. Nothing is tried again here: what a call without an answer means is for the sender to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from sniper.live_settings import LiveSettings

REST_S: Final = 5.0
"""A node that failed is asked again after this long, or at once if no other is left."""
SMOOTHING: Final = 0.2
METHODS_MAX: Final = 64
ALIVE: Final = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND)
"""What only a node says that answers: it does not serve this."""

OPTIONS: Final = (
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.enable_retries", 0),
)


class Node:
    """One endpoint: its channel, and what was seen of it."""

    def __init__(self, name: str, channel: grpc.aio.Channel) -> None:
        self.name, self.channel = name, channel
        self.calls = self.failures = self.in_a_row = 0
        self.rtt_s = 0.0
        self.failed_s = 0.0
        self.methods: dict[str, Any] = {}

    def rank(self, now_s: float, place: int) -> tuple[bool, int, int]:
        """The least is the best: rested ones first, then those with fewer failures in a row, then as configured."""
        resting = self.in_a_row > 0 and now_s - self.failed_s < REST_S
        return resting, self.in_a_row, place

    def answered(self, rtt_s: float) -> None:
        """A call came back, whatever it said."""
        self.in_a_row = 0
        self.rtt_s = rtt_s if not self.rtt_s else self.rtt_s + SMOOTHING * (rtt_s - self.rtt_s)

    def failed(self, now_s: float) -> None:
        """A call did not come back."""
        self.failures += 1
        self.in_a_row += 1
        self.failed_s = now_s


class Route(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpcio has no types
    """Carries every unary call to the best node, with a deadline."""

    def __init__(
        self, nodes: list[Node], deadline_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.nodes, self._deadline_s, self._clock = nodes, deadline_s, clock

    def best(self) -> Node:
        """Where the next call goes."""
        now_s = self._clock()
        ranked = min(range(len(self.nodes)), key=lambda place: self.nodes[place].rank(now_s, place))
        return self.nodes[ranked]

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Make the call at the best node; its failure is noted and passed on."""
        node = self.best()
        node.calls += 1
        path = details.method.decode() if isinstance(details.method, bytes) else details.method
        method = node.methods.get(path)
        if method is None:
            answer = ANSWERS[path]
            method = node.channel.unary_unary(
                path,
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
            node.methods[path] = method
        started_s = self._clock()
        try:
            found = await method(request, timeout=self._deadline_s)
        except grpc.RpcError as problem:
            if problem.code() not in ALIVE:
                node.failed(self._clock())
            raise
        if (
            found is None
        ):  # what grpc.aio gives for bytes that are no such message: nothing is known of the call
            node.failed(self._clock())
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.INTERNAL, nothing, nothing, details=f"{node.name} answered what is no {path}"
            )
        node.answered(self._clock() - started_s)
        return found


def _answers() -> dict[str, Any]:
    from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountResponse
    from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxResponse

    from sniper.venues.live_limits import ANSWERS

    return {
        "/cosmos.tx.v1beta1.Service/BroadcastTx": BroadcastTxResponse,
        "/cosmos.auth.v1beta1.Query/Account": QueryAccountResponse,
        **ANSWERS,
    }


ANSWERS: Final = _answers()
"""The calls that live trading makes, and what they answer with."""


def channel(settings: LiveSettings, node: str) -> grpc.aio.Channel:
    """A channel to one node; TLS with verified certificates unless the settings say that it is on this machine."""
    options = [*OPTIONS, ("grpc.keepalive_time_ms", settings.keepalive_ms)]
    if not settings.tls:
        return grpc.aio.insecure_channel(node, options=options)
    trusted = Path(settings.ca_file).read_bytes() if settings.ca_file else None
    return grpc.aio.secure_channel(node, grpc.ssl_channel_credentials(trusted), options=options)


class Nodes:
    """The channel that the official client is given, and the endpoints behind it. Made inside a running loop."""

    def __init__(self, settings: LiveSettings) -> None:
        self.all = [Node(name, channel(settings, name)) for name in settings.nodes]
        self.route = Route(self.all, settings.deadline_ms / 1e3)
        # The front channel is never connected: the interceptor answers every call itself.
        self.front = grpc.aio.insecure_channel("localhost:1", interceptors=[self.route])

    async def close(self) -> None:
        """Close all channels."""
        await self.front.close()
        for node in self.all:
            await node.channel.close()
