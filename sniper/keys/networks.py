"""The nodes that keys are permitted on: chain, address, how the connection is secured."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sniper.errors import UsageError
from sniper.live_settings import on_this_machine


class Network(NamedTuple):
    """A chain and where one of its nodes answers: `https://host:port`, or `http://` on this machine."""

    chain_id: str
    node: str


# Source: the endpoints page of the dYdX documentation; chain ids from the official client.
NETWORKS: Final[dict[str, Network]] = {
    "mainnet": Network("dydx-mainnet-1", "https://oegs.dydx.trade:443"),
    "testnet": Network("dydx-testnet-4", "https://test-dydx-grpc.kingnodes.com:443"),
    "local": Network("localdydxprotocol", "http://127.0.0.1:9090"),
}


def target(node: str) -> tuple[str, bool]:
    """(host:port, encrypted) of a node's address. UsageError; without encryption only on this machine."""
    parts = urlsplit(node if "://" in node else f"https://{node}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or port is None
        or parts.path.strip("/")
        or parts.query
    ):
        raise UsageError(f"{node!r} is no address of a node", "Give it as https://host:port.")
    if parts.username or parts.password:
        raise UsageError("the address of a node holds no user name", "Give it as https://host:port.")
    if parts.scheme == "http" and not on_this_machine(host):
        raise UsageError(
            f"{host} is not this machine, and without encryption anybody between could answer in the node's name",
            "Give it as https://host:port.",
        )
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}", parts.scheme == "https"
