"""The REST service: limits and their headers, errors, caching, what is refused."""

from __future__ import annotations

import pytest

from sniper.exchange.indexer import windows
from sniper.exchange.indexer.settings import IndexerSettings
from tests.exchange_chain import US, paid_in
from tests.exchange_indexing import NOW, Desk

LIMITED = NOW._replace(limits=True)
MS = 1_000_000


@pytest.fixture
def desk() -> Desk:
    found = Desk(settings=LIMITED)
    found.block(paid_in(10**9))
    return found


def test_every_answer_says_what_is_left_of_its_window(desk: Desk) -> None:
    status, headers, _ = desk.rest("/v4/height")
    assert status == 200 and headers["Content-Type"] == "application/json; charset=utf-8"
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("100", "99")
    assert headers["RateLimit-Reset"] == str(desk.now_ns // MS + 10_000) and "Retry-After" not in headers
    desk.wait(4_000 * MS)
    assert desk.rest("/v4/perpetualMarkets")[1]["RateLimit-Remaining"] == "98"  # one bucket for both


def test_the_hundred_and_first_request_is_refused_in_milliseconds(desk: Desk) -> None:
    for _ in range(100):
        assert desk.rest("/v4/height")[0] == 200
    desk.wait(2_500 * MS)
    status, headers, body = desk.rest("/v4/time")
    assert status == 429 and body == {"errors": [{"msg": "Too many requests"}]}
    assert headers["Retry-After"] == "7500" and headers["RateLimit-Remaining"] == "0"
    assert desk.rest("/v4/height", client="5.6.7.8")[0] == 200
    assert desk.rest("/v4/orders", address=US, subaccountNumber=0)[0] == 200  # another bucket
    desk.wait(7_500 * MS)
    assert desk.rest("/v4/height")[0] == 200


@pytest.mark.parametrize(
    ("path", "points"),
    [
        ("/v4/candles/perpetualMarkets/BTC-USD", "1000"),
        ("/v4/sparklines", "100"),
        ("/v4/fills", "100"),
        ("/v4/tradeHistory", "100"),
        ("/v4/orders", "100"),
        ("/v4/historical-pnl", "100"),
        ("/v4/pnl", "100"),
        ("/v4/fundingPayments", "100"),
        ("/v4/transfers", "100"),
    ],
)
def test_buckets_and_their_points(desk: Desk, path: str, points: str) -> None:
    assert desk.rest(path)[1]["RateLimit-Limit"] == points


def test_one_order_is_not_limited(desk: Desk) -> None:
    found = [desk.rest("/v4/orders/00000000-0000-4000-8000-000000000000") for _ in range(150)]
    assert {status for status, _, _ in found} == {404} and "RateLimit-Limit" not in found[0][1]


def test_deep_pages_cost_more(desk: Desk) -> None:
    query = {"address": US, "subaccountNumber": 0, "limit": 1000}
    assert desk.rest("/v4/fills", **query, page=1)[1]["RateLimit-Remaining"] == "99"
    assert desk.rest("/v4/fills", **query, page=4)[1]["RateLimit-Remaining"] == "95"
    assert (
        windows.cost("x", None, 1000) == windows.cost("3", "x", 1000) == windows.cost("nan", "5", 1000) == 1
    )
    assert windows.cost("1e300", "5", 1000) == 1 and windows.cost("3", "-5", 1000) == 1


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("/v4/perpetualMarkets", {}, "public, max-age=1"),
        ("/v4/trades/perpetualMarket/BTC-USD", {}, "public, max-age=1"),
        ("/v4/sparklines", {"timePeriod": "ONE_DAY"}, "public, max-age=10"),
        ("/v4/historicalFunding/BTC-USD", {}, "public, max-age=10"),
        ("/v4/time", {}, "no-store"),
        ("/v4/height", {}, None),
    ],
)
def test_how_long_an_answer_may_be_kept(
    desk: Desk, path: str, query: dict[str, str], said: str | None
) -> None:
    assert desk.rest(path, **query)[1].get("Cache-Control") == said


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    for path in ("/", "/v4", "/v4/nothing", "/v5/height", "/v4/height/1", "/v4/addresses/a/b/c/d"):
        status, headers, body = desk.rest(path)
        assert status == 404 and headers["Content-Type"].startswith("text/html") and b"Cannot GET" in body
    status, _, body = desk.rest("/v4/addresses/dydx1nobody")
    assert (status, body) == (404, {"errors": [{"msg": "No subaccounts found for address dydx1nobody"}]})
    status, _, body = desk.rest(f"/v4/addresses/{US}/subaccountNumber/7")
    text = f"No subaccount found with address {US} and subaccountNumber 7"
    assert (status, body) == (404, {"errors": [{"msg": text}]})
    assert desk.rest(f"/v4/addresses/{US}/parentSubaccountNumber/7")[0] == 404


def test_a_trailing_slash_and_escapes_are_fine(desk: Desk) -> None:
    assert desk.rest("/v4/height/")[0] == 200
    assert desk.rest("/v4/trades/perpetualMarket/BTC%2DUSD")[0] == 200


def test_too_much_is_refused(desk: Desk) -> None:
    assert desk.indexer.rest("/v4/height", "x" * 10_000, "c", desk.now_ns)[0] == 414
    assert desk.indexer.rest("/v4/height", "&".join(["a=1"] * 200), "c", desk.now_ns)[0] == 400


@pytest.mark.parametrize("path", [f"/v4/addresses/{US}", f"/v4/addresses/{US}/subaccountNumber/0"])
def test_blocked_addresses_are_refused_where_they_are_asked_about(desk: Desk, path: str) -> None:
    desk.indexer.screening.judge(US, "BLOCKED")
    status, _, body = desk.rest(path)
    assert status == 403 and body["errors"][0]["code"] == "COMPLIANCE_BLOCKED"
    assert desk.rest("/v4/fills", address=US, subaccountNumber=0)[0] == 403
    assert desk.rest("/v4/perpetualMarkets")[0] == 200
    desk.indexer.screening.judge(US, "CLOSE_ONLY")
    assert desk.rest(path)[0] == 200
    desk.indexer.screening.geoblocked = True
    assert desk.rest(path)[2]["errors"][0]["code"] == "GEOBLOCKED"


def test_limits_can_be_turned_off() -> None:
    desk = Desk(settings=IndexerSettings(limits=False))
    found = [desk.rest("/v4/time") for _ in range(150)]
    assert {status for status, _, _ in found} == {200} and "RateLimit-Limit" not in found[0][1]
