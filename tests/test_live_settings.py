"""Settings of live trading that make no sense are refused with what to change."""

from __future__ import annotations

import pytest

from sniper.live_settings import LiveSettings, checked


def test_a_sensible_one_passes() -> None:
    settings = LiveSettings("dydx-testnet-4", nodes=("node.example:443", "[::1]:9090"))
    assert checked(settings) is settings


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, "empty"),
        ({"chain_id": ""}, "chain_id"),
        ({"nodes": ("node.example",)}, "host:port"),
        ({"nodes": ("node.example:0",)}, "host:port"),
        ({"nodes": ("https://node.example:443",)}, "host:port"),
        ({"nodes": (":443",)}, "host:port"),
        ({"nodes": ("a:1", "a:1")}, "twice"),
        ({"nodes": ("node.example:443",), "tls": False}, "this machine"),
        ({"nodes": ("10.0.0.7:443",), "tls": False}, "this machine"),
    ],
)
def test_others_do_not(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        checked(LiveSettings(**{"chain_id": "dydx-testnet-4"} | changes))  # type: ignore[arg-type]


def test_loopback_may_do_without_tls() -> None:
    checked(
        LiveSettings("localdydxprotocol", nodes=("127.0.0.1:9090", "localhost:9091", "[::1]:9092"), tls=False)
    )
