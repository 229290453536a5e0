"""The gRPC port of the node."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from sniper.errors import NetworkUnavailable
from sniper.exchange.node.servicers import Served, add_to

MESSAGE_BYTES_MAX: Final = 4 << 20
GRACE_S: Final = 0.5
OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
    # Clients may ping as often as a minute's silence asks for, with or without calls under way.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


class Certificate(NamedTuple):
    """Files in PEM: the certificate, with what it was signed by behind it, and its key."""

    chain: Path
    key: Path


class NodeServer:
    """Serves one node. `port` 0 takes a free one; the attribute says which."""

    def __init__(self, served: Served, host: str, port: int, certificate: Certificate | None = None) -> None:
        self._served = served
        self._host = host
        self._certificate = certificate
        self._server: Any = None
        self.port = port

    async def start(self) -> None:
        """Listen. NetworkUnavailable where the port cannot be had."""
        server = grpc.aio.server(options=OPTIONS)
        add_to(server, self._served)
        address = f"{self._host}:{self.port}"
        try:
            if self._certificate is None:
                bound = server.add_insecure_port(address)
            else:
                pair = (self._certificate.key.read_bytes(), self._certificate.chain.read_bytes())
                bound = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        except RuntimeError:
            bound = 0
        if not bound:
            raise NetworkUnavailable(
                f"the node cannot listen on {address}: something else does, or may not",
                "--grpc-port takes another.",
            )
        await server.start()
        self._server, self.port = server, bound

    async def stop(self) -> None:
        """End calls under way after a moment and close the port."""
        if self._server is not None:
            await self._server.stop(GRACE_S)
            self._server = None
