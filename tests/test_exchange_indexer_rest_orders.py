"""REST about orders and fills: order of the answers, with the traps of rest.md, filters, pages, round trips."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from sniper.exchange import facts
from sniper.exchange.facts import StatefulPlaced
from tests import exchange_shapes as shape
from tests.exchange_chain import ETH, ME, TX, US, changed, opened, order
from tests.exchange_indexing import Desk
from tests.exchange_play import Play

MINE = {"address": US, "subaccountNumber": 0}
PARENT = {"address": US, "parentSubaccountNumber": 0}


@pytest.fixture(scope="module")
def played() -> Play:
    play = Play(Desk(), 21)
    for _ in range(150):
        play.block()
    return play


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    long_term = {"flags": facts.LONG_TERM, "subaccount": ME}
    found.block(changed(1), StatefulPlaced(order(3, good_til=1_767_000_000, **long_term), TX),
                StatefulPlaced(order(4, 2, good_til=1_766_000_000, terms=ETH, **long_term), TX))  # fmt: skip
    found.take(opened(order(1, good_til=1_010)), opened(order(2, 2, good_til=1_020)))
    return found


def ids(desk: Desk, **query: Any) -> list[str]:
    return [each["clientId"] for each in desk.ok("/v4/orders", **MINE, **query)]


def test_latest_first_by_good_til_and_any_flag_turns_it_round(desk: Desk) -> None:
    assert ids(desk) == ["3", "4", "2", "1"]
    assert (
        ids(desk, returnLatestOrders="true") == ids(desk, returnLatestOrders="false") == ["1", "2", "4", "3"]
    )
    assert ids(desk, limit=1) == ["3"] and ids(desk, limit=1, returnLatestOrders="1") == ["1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"ticker": "ETH-USD"}, ["4"]),
        ({"side": "SELL"}, ["4", "2"]),
        ({"type": "LIMIT"}, ["3", "4", "2", "1"]),
        ({"type": "STOP_LIMIT"}, []),
        ({"includeTypes": "STOP_LIMIT,TAKE_PROFIT"}, []),
        ({"excludeTypes": "STOP_LIMIT"}, ["3", "4", "2", "1"]),
        ({"status": "OPEN"}, ["3", "4"]),
        ({"status": "BEST_EFFORT_OPENED,FILLED"}, ["2", "1"]),
        ({"goodTilBlockBeforeOrAt": 1_010}, ["1"]),
        ({"goodTilBlockAfter": 1_010}, ["2"]),
        ({"goodTilBlockTimeBeforeOrAt": "2025-12-18T00:00:00Z"}, ["4"]),
        ({"goodTilBlockTimeAfter": "2025-12-18T00:00:00Z"}, ["3"]),
    ],
)
def test_filters(desk: Desk, query: dict[str, Any], found: list[str]) -> None:
    assert ids(desk, **query) == found


def test_orders_of_a_parent_are_those_of_all_its_children(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/orders/parentSubaccountNumber", **PARENT)
    shape.check(found, [shape.ORDER])
    assert {each["subaccountNumber"] for each in found} == {0, 128}
    assert [each for each in found if not each["subaccountNumber"]] == desk.ok("/v4/orders", **MINE)


def test_totals_filled_are_those_of_the_fills(played: Play) -> None:
    desk = played.desk
    totals: dict[str, Fraction] = {}
    for each in desk.ok("/v4/fills", **MINE)["fills"]:
        totals[each["orderId"]] = totals.get(each["orderId"], Fraction(0)) + Fraction(each["size"])
    filled = {each["id"]: Fraction(each["totalFilled"]) for each in desk.ok("/v4/orders", **MINE)}
    assert {key: value for key, value in filled.items() if value} == totals
    for each in desk.ok("/v4/orders", **MINE, status="FILLED"):
        assert each["totalFilled"] == each["size"]
        assert desk.ok(f"/v4/orders/{each['id']}") == each


def test_fills_newest_first_and_with_a_page_oldest_first(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/fills", **MINE)["fills"]
    shape.check(found, [shape.FILL])
    assert len(found) == len(own_matches(played)) > 20
    heights = [int(each["createdAtHeight"]) for each in found]
    assert heights == sorted(heights, reverse=True)
    paged = desk.ok("/v4/fills", **MINE, page=1, limit=7)
    assert paged["fills"] == found[::-1][:7]
    assert (paged["pageSize"], paged["totalResults"], paged["offset"]) == (7, len(found), 0)
    assert desk.ok("/v4/fills", **MINE, page=2, limit=7)["fills"] == found[::-1][7:14]


def own_matches(played: Play) -> list[facts.Filled]:
    return [each for each in played.matches if ME in (each.taker, each.maker)]


def test_a_walk_back_by_height_sees_every_fill_once(played: Play) -> None:
    desk, seen, height = played.desk, dict[str, None](), 10**9
    while True:
        found = desk.ok("/v4/fills", **MINE, limit=9, createdBeforeOrAtHeight=height)["fills"]
        new = [each["id"] for each in found if each["id"] not in seen]
        if not new:
            break
        seen |= dict.fromkeys(new)
        height = min(int(each["createdAtHeight"]) for each in found)
    assert len(seen) == len(own_matches(played))


def test_fills_by_market_type_and_time(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/fills", **MINE)["fills"]
    one = desk.ok("/v4/fills", **MINE, market="ETH-USD", marketType="PERPETUAL")["fills"]
    assert one == [each for each in found if each["market"] == "ETH-USD"] != []
    assert desk.ok("/v4/fills", **MINE, market="ETH-USD", marketType="SPOT")["fills"] == []
    assert desk.ok("/v4/fills", **MINE, includeTypes="LIQUIDATED")["fills"] == []
    assert desk.ok("/v4/fills", **MINE, excludeTypes="LIQUIDATED")["fills"] == found
    early = desk.ok("/v4/fills", **MINE, createdBeforeOrAt=found[10]["createdAt"])["fills"]
    assert early == [each for each in found if each["createdAt"] <= found[10]["createdAt"]]


def test_fills_tell_what_was_held_before(played: Play) -> None:
    held: dict[str, Fraction] = {}
    for each in reversed(played.desk.ok("/v4/fills", **MINE)["fills"]):
        before = Fraction(each.get("positionSizeBefore", 0))
        assert before == held.get(each["market"], 0)
        held[each["market"]] = before + Fraction(each["size"]) * (1 if each["side"] == "BUY" else -1)


def test_trade_history_adds_up_to_the_profit_of_positions(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/tradeHistory", **MINE)["tradeHistory"]
    assert list(found[0]) == [
        "id", "subaccountNumber", "action", "executionPrice", "entryPrice", "side", "positionSide", "prevSize",
        "additionalSize", "value", "orderType", "netFee", "netRealizedPnl", "netRealizedPnlPercent", "time", "orderId",
        "marketId", "marginMode",
    ]  # fmt: skip
    assert {each["action"] for each in found} == {"OPEN", "EXTEND", "PARTIAL_CLOSE", "CLOSE"}
    profit = sum(Fraction(each["netRealizedPnl"]) for each in found)
    positions = desk.ok("/v4/perpetualPositions", **MINE)["positions"]
    assert abs(profit - sum(Fraction(each["realizedPnl"]) for each in positions)) < Fraction(1, 10**9)
    assert desk.ok("/v4/tradeHistory", **MINE, page=1, limit=2)["tradeHistory"] == found[:2]
    assert desk.ok("/v4/tradeHistory/parentSubaccountNumber", **PARENT)["tradeHistory"]
