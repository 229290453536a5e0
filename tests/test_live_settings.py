"""Settings of live trading that make no sense are refused with what to change."""

from __future__ import annotations

import pytest

from sniper.venues.live_settings import LiveSettings, checked


def test_a_sensible_one_passes() -> None:
    settings = LiveSettings(nodes=("node.example:443", "[::1]:9090"))
    assert checked(settings) is settings


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({}, "empty"),
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
        checked(LiveSettings(**changes))  # type: ignore[arg-type]


def test_loopback_may_do_without_tls() -> None:
    checked(LiveSettings(nodes=("127.0.0.1:9090", "localhost:9091", "[::1]:9092"), tls=False))
