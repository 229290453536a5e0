"""What live trading is set to: the chain, the nodes that take our transactions, and how long we wait for them."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, NamedTuple

import msgspec

LONGEST_MS: Final = 60_000
Milliseconds = Annotated[int, msgspec.Meta(ge=10, le=LONGEST_MS)]


class LiveSettings(NamedTuple):
    """The node side of a live account. `checked` says what makes no sense."""

    chain_id: str = ""
    denom: str = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"  # of USDC in wallets
    nodes: tuple[str, ...] = ()  # host:port of gRPC endpoints, the preferred one first
    tls: bool = True  # verified; without it a node must be on this machine
    ca_file: str = ""  # PEM authorities to trust instead of the system's
    deadline_ms: Milliseconds = 2_000  # of one call; no answer until then: the fate of its order is unknown
    keepalive_ms: Milliseconds = 20_000  # pings on an idle connection
    jobs_max: Annotated[int, msgspec.Meta(ge=16, le=1 << 16)] = 1024  # commands that may wait to be sent
    intent_ms: Milliseconds = 250  # longest wait for an intent to be durable; then no new risk is sent
    limits_s: Annotated[float, msgspec.Meta(ge=1.0, le=86_400.0)] = (
        60.0  # what the chain allows is asked so often
    )
    height_s: Annotated[float, msgspec.Meta(ge=0.5, le=3600.0)] = (
        5.0  # the node's own height is asked so often
    )
    address: str = ""
    subaccount: int = 0
    authenticators: tuple[int, ...] = ()  # of a trade-only key: ids of what permits it


def host_of(node: str) -> str:
    """The host of "host:port". ValueError where it is not of that form."""
    host, colon, port = node.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536 or "/" in host:
        raise ValueError(f"a node is host:port, not {node!r}")
    return host.strip("[]")


def on_this_machine(host: str) -> bool:
    """Whether nothing but this machine can listen to what is sent there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked(settings: LiveSettings) -> LiveSettings:
    """The settings as they are, or ValueError with what to change."""
    if not settings.chain_id:
        raise ValueError("live.chain_id is empty: name the chain, dydx-mainnet-1 or dydx-testnet-4")
    if not settings.nodes:
        raise ValueError("live.nodes is empty: name at least one gRPC endpoint, host:port")
    for node in settings.nodes:
        host = host_of(node)
        if not settings.tls and not on_this_machine(host):
            raise ValueError(f"live.tls = false is for nodes on this machine, not for {host}")
    if len(set(settings.nodes)) != len(settings.nodes):
        raise ValueError("live.nodes names a node twice")
    return settings
