"""The REST endpoints that we use."""

from __future__ import annotations

import pytest

from sniper._ext.tape import ENDPOINT_NAMES
from sniper.feed.endpoints import CALLS, PARAMETERS, check


def test_the_decoder_knows_every_endpoint_and_every_endpoint_has_a_call() -> None:
    """What only recovery asks for is no record of an engine."""
    assert set(CALLS) == set(PARAMETERS) == (set(ENDPOINT_NAMES) - {""}) | {"parentSubaccount"}


@pytest.mark.parametrize(
    ("endpoint", "query", "match"),
    [
        ("markets", {}, "no endpoint 'markets': one of perpetualMarkets, "),
        ("time", {"ticker": "BTC-USD"}, r"time: unknown \['ticker'\], missing \[\]"),
        ("candles", {"ticker": "BTC-USD"}, r"candles: unknown \[\], missing \['resolution'\]"),
        (
            "fills",
            {"address": "a", "subaccountNumber": 0, "ticker": "BTC-USD"},
            r"fills: unknown \['ticker'\]",
        ),
    ],
)
def test_a_misspelt_request_is_refused_here_because_the_server_would_ignore_it(
    endpoint: str, query: dict[str, str | int], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        check(endpoint, query)


def test_a_good_request_passes() -> None:
    check("candles", {"ticker": "BTC-USD", "resolution": "1MIN", "limit": 5})
    check("time", {})
