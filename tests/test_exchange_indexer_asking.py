"""Parameters: what is accepted, and the bodies of what is not."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange.indexer.asking import Asked
from sniper.exchange.indexer.screening import Screening
from tests.exchange_chain import US, paid_in
from tests.exchange_indexing import Desk

LIMIT = "limit must be a positive integer that is not greater than max: 1000"
NUMBER = "subaccountNumber must be a non-negative integer less than 128001"
ME = {"address": US, "subaccountNumber": "0"}


@pytest.fixture(scope="module")
def desk() -> Desk:
    found = Desk()
    found.block(paid_in(10**9))
    return found


def errors(desk: Desk, path: str, **query: Any) -> list[dict[str, Any]]:
    status, _, body = desk.rest(path, **query)
    assert status == 400, (status, body)
    found: list[dict[str, Any]] = body["errors"]
    return found


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": 0},
         {"value": 0, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": 1001},
         {"value": 1001, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": "many"},
         {"value": None, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": "1.5"},
         {"value": 1.5, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": "inf"},
         {"value": None, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": ""},
         {"value": 0, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"limit": "1_0"},
         {"value": None, "msg": LIMIT, "param": "limit", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"page": 0},
         {"value": "0", "msg": "page must be a non-negative integer", "param": "page", "location": "query"}),
        ("/v4/trades/perpetualMarket/FOO-USD", {},
         {"value": "FOO-USD", "msg": "ticker must be a valid ticker (BTC-USD, etc)", "param": "ticker",
          "location": "params"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"createdBeforeOrAtHeight": -1},
         {"value": "-1", "msg": "createdBeforeOrAtHeight must be a non-negative integer",
          "param": "createdBeforeOrAtHeight", "location": "query"}),
        ("/v4/trades/perpetualMarket/BTC-USD", {"createdBeforeOrAt": "2025-12-08T16:00:00 00:00"},
         {"value": "2025-12-08T16:00:00 00:00", "msg": "Invalid value", "param": "createdBeforeOrAt",
          "location": "query"}),
        ("/v4/candles/perpetualMarkets/BTC-USD", {},
         {"msg": "resolution must be a valid Candle Resolution, one of 1MIN,5MINS,15MINS,30MINS,1HOUR,4HOURS,1DAY",
          "param": "resolution", "location": "params"}),
        ("/v4/sparklines", {},
         {"msg": "timePeriod must be a valid Time Period, one of ONE_DAY,SEVEN_DAYS", "param": "timePeriod",
          "location": "params"}),
        ("/v4/perpetualMarkets", {"ticker": "FOO-USD"},
         {"value": "FOO-USD", "msg": "ticker must be a valid ticker (BTC-USD, etc)", "param": "ticker",
          "location": "query"}),
        ("/v4/orders", {"address": US}, {"msg": NUMBER, "param": "subaccountNumber", "location": "params"}),
        ("/v4/orders", ME | {"subaccountNumber": 128_001},
         {"value": "128001", "msg": NUMBER, "param": "subaccountNumber", "location": "query"}),
        (f"/v4/addresses/{US}/subaccountNumber/x", {},
         {"value": "x", "msg": NUMBER, "param": "subaccountNumber", "location": "params"}),
        (f"/v4/addresses/{US}/parentSubaccountNumber/128", {},
         {"value": "128", "msg": "parentSubaccountNumber must be a non-negative integer less than 128",
          "param": "parentSubaccountNumber", "location": "params"}),
        ("/v4/orders", {"address": "no-address", "subaccountNumber": 0},
         {"value": "no-address", "msg": "address must be a valid dydx address", "param": "address",
          "location": "query"}),
        ("/v4/orders", ME | {"side": "LONG"},
         {"value": "LONG", "msg": "side must be one of BUY,SELL", "param": "side", "location": "query"}),
        ("/v4/orders", ME | {"returnLatestOrders": "True"},
         {"value": "True", "msg": "Invalid value", "param": "returnLatestOrders", "location": "query"}),
        ("/v4/orders", ME | {"goodTilBlockBeforeOrAt": "soon"},
         {"value": "soon", "msg": "Invalid value", "param": "goodTilBlockBeforeOrAt", "location": "query"}),
        ("/v4/orders/123", {}, {"value": "123", "msg": "Invalid value", "param": "orderId", "location": "params"}),
        ("/v4/fills", ME | {"market": "BTC-USD"},
         {"msg": "marketType must be provided if market is provided", "param": "marketType", "location": "params"}),
        ("/v4/fills", ME | {"marketType": "PERPETUAL"},
         {"msg": "market must be provided if marketType is provided", "param": "market", "location": "params"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_validators_words(
    desk: Desk, path: str, query: dict[str, Any], error: dict[str, Any]
) -> None:
    assert errors(desk, path, **query) == [error]


def test_a_list_as_python_writes_it_is_refused(desk: Desk) -> None:
    (error,) = errors(desk, "/v4/orders", **ME, status="['OPEN', 'UNTRIGGERED']")
    assert error["msg"].startswith("status must be one of OPEN,FILLED,")
    assert desk.rest("/v4/orders", **ME, status="OPEN,UNTRIGGERED")[0] == 200


def test_a_limit_may_be_written_as_any_number(desk: Desk) -> None:
    for sent in ("10", "1e1", "10.0", "+10"):
        assert desk.rest("/v4/trades/perpetualMarket/BTC-USD", limit=sent)[0] == 200


def test_all_that_is_wrong_is_said_at_once(desk: Desk) -> None:
    found = errors(desk, "/v4/fills", limit=-1, page="x", createdBeforeOrAt="when")
    assert [each["param"] for each in found] == [
        "limit",
        "page",
        "createdBeforeOrAt",
        "address",
        "subaccountNumber",
    ]


def test_one_ticker_or_market(desk: Desk) -> None:
    status, _, body = desk.rest("/v4/perpetualMarkets", ticker="BTC-USD", market="ETH-USD")
    assert (status, body) == (400, {"errors": [{"msg": "Only one of ticker or market may be provided"}]})
    assert list(desk.ok("/v4/perpetualMarkets", market="ETH-USD")["markets"]) == ["ETH-USD"]


def test_unknown_parameters_are_ignored(desk: Desk) -> None:
    assert desk.ok("/v4/fills", **ME, ticker="BTC-USD", tickerType="PERPETUAL") == {"fills": []}
    assert desk.ok("/v4/historical-pnl", **ME, effectiveBeforeOrAt="whatever") == {"historicalPnl": []}
    assert desk.ok("/v4/fundingPayments", **ME, afterOrAt="whatever") == {"fundingPayments": []}


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-12-08T16:00:00.219Z", 1_765_209_600_219_000_000),
        ("2025-12-08T16:00:00Z", 1_765_209_600_000_000_000),
        ("2025-12-08T16:00:00", 1_765_209_600_000_000_000),
        ("2025-12-08T18:00:00+02:00", 1_765_209_600_000_000_000),
        ("2025-12-08", 1_765_152_000_000_000_000),
        ("2025-12", 1_764_547_200_000_000_000),
        ("1970", 0),
    ],
)
def test_times(desk: Desk, text: str, ns: int) -> None:
    state = desk.indexer.store.state
    asked = Asked(state, state, Screening(), {}, {"toISO": text}, 0)
    assert asked.when("toISO") == ns
    asked.checked()


@pytest.mark.parametrize(
    "text", ["", "now", "2025-13-01", "2025-12-08T25:00:00Z", "1765209600", "2025-12-08T16Zx"]
)
def test_what_is_no_time(desk: Desk, text: str) -> None:
    (error,) = errors(desk, "/v4/candles/perpetualMarkets/BTC-USD", resolution="1MIN", toISO=text)
    assert error == {"value": text, "msg": "Invalid value", "param": "toISO", "location": "query"}
