"""keys.networks: encrypted, or on this machine."""

from __future__ import annotations

import pytest

from sniper.errors import UsageError
from sniper.keys.networks import NETWORKS, target


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("https://a.example:443", ("a.example:443", True)),
        ("a.example:443", ("a.example:443", True)),
        ("https://[::1]:9090/", ("[::1]:9090", True)),
        ("http://127.0.0.1:9090", ("127.0.0.1:9090", False)),
        ("http://localhost:1", ("localhost:1", False)),
        ("http://[::1]:9090", ("[::1]:9090", False)),
    ],
)
def test_what_is_an_address(node: str, expected: tuple[str, bool]) -> None:
    assert target(node) == expected


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ("http://a.example:9090", "not this machine"),
        ("http://127.0.0.1.example:9090", "not this machine"),
        ("http://0.0.0.0:9090", "not this machine"),
        ("https://user:word@a.example:443", "no user name"),
        ("https://a.example", "no address"),
        ("https://a.example:x", "no address"),
        ("https://a.example:99999", "no address"),
        ("https://a.example:443/path", "no address"),
        ("ftp://a.example:443", "no address"),
        ("https://a.example:443?x=1", "no address"),
        ("", "no address"),
        ("https://:443", "no address"),
    ],
)
def test_what_is_none(node: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        target(node)


def test_the_presets_are_addresses() -> None:
    assert [target(one.node)[1] for one in NETWORKS.values()] == [True, True, False]
