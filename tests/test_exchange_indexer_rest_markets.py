"""REST about markets: lists, pages with their trap, candles by time, sparklines, funding, height and time."""

from __future__ import annotations

from typing import Any

import pytest

from tests import exchange_shapes as shape
from tests.exchange_chain import BTC, MS, SECOND_NS
from tests.exchange_indexing import Desk
from tests.exchange_play import Play


@pytest.fixture(scope="module")
def played() -> Play:
    play = Play(Desk(), 31)
    for _ in range(200):
        play.block()
    return play


def test_markets_by_name_and_by_number(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/perpetualMarkets")
    shape.check(found, shape.MARKETS)
    assert list(found["markets"]) == ["BTC-USD", "ETH-USD"]
    assert list(found["markets"]["BTC-USD"]) == list(shape.MARKET)
    assert list(desk.ok("/v4/perpetualMarkets", limit=1)["markets"]) == ["BTC-USD"]
    assert desk.ok("/v4/perpetualMarkets", ticker="ETH-USD")["markets"] == {
        "ETH-USD": found["markets"]["ETH-USD"]
    }


def test_trades_newest_first_and_with_a_page_oldest_first(played: Play) -> None:
    desk, path = played.desk, "/v4/trades/perpetualMarket/BTC-USD"
    found = desk.ok(path)["trades"]
    shape.check(found, [shape.TRADE])
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    assert len(found) == len([each for each in played.matches if not each.clob_pair])
    paged = desk.ok(path, page=1, limit=4)
    assert paged == {"trades": found[::-1][:4], "pageSize": 4, "totalResults": len(found), "offset": 0}
    height = found[5]["createdAtHeight"]
    early = desk.ok(path, createdBeforeOrAtHeight=height)["trades"]
    assert early == [each for each in found if int(each["createdAtHeight"]) <= int(height)]
    early = desk.ok(path, createdBeforeOrAt=found[5]["createdAt"], limit=2)["trades"]
    assert early == [each for each in found if each["createdAt"] <= found[5]["createdAt"]][:2]


def test_candles_by_time_and_a_walk_back(played: Play) -> None:
    desk, path = played.desk, "/v4/candles/perpetualMarkets/BTC-USD"
    found = desk.ok(path, resolution="5MINS")["candles"]
    shape.check(found, [shape.CANDLE])
    starts = [each["startedAt"] for each in found]
    assert starts == sorted(starts, reverse=True) and len(found) > 20
    some = desk.ok(path, resolution="5MINS", fromISO=starts[9], toISO=starts[4])["candles"]
    assert some == found[5:10]
    walked: list[Any] = []
    query: dict[str, Any] = {}
    while page := desk.ok(path, resolution="5MINS", limit=7, **query)["candles"]:
        walked += page
        query = {"toISO": page[-1]["startedAt"]}
    assert walked == found


def test_sparklines_are_closes_newest_first(played: Play) -> None:
    desk = played.desk
    for period, resolution, most in (("ONE_DAY", "1HOUR", 24), ("SEVEN_DAYS", "4HOURS", 42)):
        found = desk.ok("/v4/sparklines", timePeriod=period)
        candles = desk.ok("/v4/candles/perpetualMarkets/BTC-USD", resolution=resolution)["candles"]
        assert found["BTC-USD"] == [each["close"] for each in candles][:most]
    assert Desk().ok("/v4/sparklines", timePeriod="ONE_DAY") == {"BTC-USD": [], "ETH-USD": []}
    assert desk.rest("/v4/sparklines", timePeriod="ONE_YEAR")[0] == 400


def test_historical_funding_newest_first(played: Play) -> None:
    desk, path = played.desk, "/v4/historicalFunding/ETH-USD"
    found = desk.ok(path)["historicalFunding"]
    shape.check(found, [shape.FUNDING])
    heights = [int(each["effectiveAtHeight"]) for each in found]
    assert heights == sorted(heights, reverse=True) and len(found) > 3
    assert desk.ok(path, effectiveBeforeOrAtHeight=heights[2], limit=1)["historicalFunding"] == found[2:3]
    assert desk.ok(path, effectiveBeforeOrAt=found[1]["effectiveAt"])["historicalFunding"] == found[1:]


def test_height_and_time() -> None:
    desk = Desk()
    desk.block()
    desk.wait(5 * SECOND_NS + 125 * MS)
    assert desk.ok("/v4/height") == {"height": "1001", "time": "2025-12-08T16:00:00.650Z"}
    assert desk.ok("/v4/time") == {"iso": "2025-12-08T16:00:05.775Z", "epoch": 1765209605.775}


def test_before_the_first_block_there_is_no_height() -> None:
    desk = Desk()
    desk.indexer.store.state.height = 0
    assert desk.rest("/v4/height")[2] == {"errors": [{"msg": "No blocks found"}]}
    desk.connect()
    assert desk.subscribe("v4_block_height")["contents"] == {}


def test_a_book_has_at_most_a_hundred_levels_a_side() -> None:
    desk = Desk()
    levels = desk.indexer.store.state.markets[0].levels
    for i in range(150):
        levels.change(1, (50_000 - i) * BTC.subticks_per_tick, 10**6, 0)
    found = desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")
    shape.check(found, shape.BOOK)
    assert len(found["bids"]) == 100 and found["bids"][0] == {"price": "50000", "size": "0.0001"}
