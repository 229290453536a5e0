"""Orders from their first news to their last: what the stream says, what REST shows, what is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange import facts
from sniper.exchange.facts import ChainOrder, StatefulGone, StatefulPlaced, StatefulTriggered
from sniper.exchange.indexer.orders import REASONS, OrderTable, opened_item
from sniper.exchange.indexer.settings import IndexerSettings
from tests.exchange_chain import BTC, ME, MS, OTHER, TX, US, changed, filled, gone, opened, order, rests
from tests.exchange_indexing import Desk, contents

SUB = "v4_subaccounts"


def reason(name: str) -> int:
    return REASONS.index(name)


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.connect()
    found.subscribe(SUB, f"{US}/0")
    found.block(changed(10**9), changed(10**9, subaccount=OTHER))
    found.read()
    return found


def said(desk: Desk) -> list[dict[str, Any]]:
    """Order items of our own subaccount since the last look."""
    return [item for each in contents(desk.read(), SUB) for item in each.get("orders", ())]


def listed(desk: Desk, **query: Any) -> Any:
    return desk.ok("/v4/orders", address=US, subaccountNumber=0, **query)


def match(desk: Desk, taker: ChainOrder, maker: ChainOrder, steps: int, **totals: int) -> None:
    each = filled(taker, maker, steps, 0, **totals)
    ours = taker if taker.id.subaccount == ME else maker
    base = each.quantums if ours.side == facts.BUY else -each.quantums
    desk.block(each, changed(0, (0, base, 0)), changed(0, (0, -base, 0), subaccount=OTHER))


def test_the_ids_are_those_of_the_real_indexer() -> None:
    table = OrderTable(10, 10)
    row = table.opened(order(1_700_756_032, subaccount=ME))
    assert row.owner_id == "5113b9c6-885f-5f80-a2cc-ae0d93795419"
    assert row.id == "0f0981cb-152e-57d3-bea9-4d8e0dd5ed35"
    assert opened_item(row, BTC)["clientId"] == "1700756032"


def test_a_short_term_order_that_is_opened_rests_and_is_cancelled(desk: Desk) -> None:
    each = order(5)
    desk.take(opened(each), rests(each))
    (item,) = said(desk)
    assert list(item) == [
        "id", "subaccountId", "clientId", "clobPairId", "side", "size", "price", "status", "type", "timeInForce",
        "postOnly", "reduceOnly", "orderFlags", "goodTilBlock", "ticker", "clientMetadata",
    ]  # fmt: skip
    assert (item["status"], item["type"], item["timeInForce"]) == ("BEST_EFFORT_OPENED", "LIMIT", "GTT")
    (shown,) = listed(desk)
    assert (shown["status"], shown["totalFilled"]) == ("BEST_EFFORT_OPENED", "0")
    assert "updatedAt" not in shown and "createdAtHeight" not in shown
    assert desk.ok(f"/v4/orders/{item['id']}") == shown
    desk.take(gone(each, reason("USER_CANCELED")))
    (item,) = said(desk)
    assert (item["status"], item["removalReason"]) == (
        "BEST_EFFORT_CANCELED",
        "ORDER_REMOVAL_REASON_USER_CANCELED",
    )
    assert item["totalOptimisticFilled"] == "0"
    assert listed(desk) == [] and desk.rest(f"/v4/orders/{item['id']}")[0] == 404
    desk.take(gone(each, reason("EXPIRED"), True))
    assert said(desk) == []  # it is known no more


def test_expiry_is_final(desk: Desk) -> None:
    each = order(5)
    desk.take(opened(each), rests(each), gone(each, reason("EXPIRED"), True))
    assert said(desk)[-1]["status"] == "CANCELED"


def test_a_partial_fill_stores_the_order_and_its_cancel_is_not_the_end(desk: Desk) -> None:
    ours, theirs = (
        order(5, facts.BUY, 100),
        order(6, facts.SELL, 30, subaccount=OTHER, time_in_force=facts.IOC),
    )
    desk.take(opened(ours), rests(ours), rests(ours, 30 * BTC.step_base_quantums))
    match(desk, theirs, ours, 30)
    item = said(desk)[-1]
    assert (item["status"], item["totalFilled"], item["goodTilBlockTime"], item["triggerPrice"]) == (
        "OPEN",
        "0.003",
        None,
        None,
    )
    (shown,) = listed(desk)
    assert (shown["status"], shown["totalFilled"], shown["createdAtHeight"]) == ("OPEN", "0.003", "1002")
    desk.take(gone(ours, reason("USER_CANCELED"), filled=30 * BTC.step_base_quantums))
    item = said(desk)[-1]
    assert (item["status"], item["totalOptimisticFilled"], item["updatedAtHeight"]) == (
        "BEST_EFFORT_CANCELED",
        "0.003",
        "1002",
    )
    assert listed(desk)[0]["status"] == "BEST_EFFORT_CANCELED"
    match(desk, theirs, ours, 20, maker_filled=50)
    assert said(desk)[-1]["status"] == "BEST_EFFORT_CANCELED" == listed(desk)[0]["status"]
    match(desk, theirs, ours, 50, maker_filled=100)
    assert said(desk)[-1]["status"] == "FILLED" == listed(desk)[0]["status"]
    assert "removalReason" not in listed(desk)[0]


def test_an_ioc_never_touches_the_book_and_ends_best_effort_before_its_fill_is_told(desk: Desk) -> None:
    desk.subscribe("v4_orderbook", "BTC-USD")
    ours, theirs = (
        order(5, facts.BUY, 100, time_in_force=facts.IOC),
        order(6, facts.SELL, 30, subaccount=OTHER),
    )
    step = BTC.step_base_quantums
    desk.take(opened(ours), rests(ours, 30 * step))
    desk.take(gone(ours, reason("IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"), filled=30 * step))
    frames = desk.read()
    assert contents(frames, "v4_orderbook") == []
    items = [item for each in contents(frames, SUB) for item in each["orders"]]
    assert [item["status"] for item in items] == ["BEST_EFFORT_OPENED", "BEST_EFFORT_CANCELED"]
    assert items[1]["totalOptimisticFilled"] == "0.003"
    assert listed(desk) == []
    match(desk, ours, theirs, 30)
    item = said(desk)[-1]
    assert (item["status"], item["totalFilled"]) == ("BEST_EFFORT_CANCELED", "0.003")
    (shown,) = listed(desk)
    assert (shown["status"], shown["timeInForce"]) == ("BEST_EFFORT_CANCELED", "IOC")


def test_no_removal_is_told_for_fully_filled_nor_for_a_cancel_that_came_too_late(desk: Desk) -> None:
    ours, theirs = (
        order(5, facts.BUY, 30),
        order(6, facts.SELL, 30, subaccount=OTHER, time_in_force=facts.IOC),
    )
    desk.take(opened(ours), rests(ours))
    match(desk, theirs, ours, 30)
    said(desk)
    desk.take(gone(ours, reason("USER_CANCELED"), filled=30 * BTC.step_base_quantums))
    assert said(desk) == [] and listed(desk)[0]["status"] == "FILLED"
    again = order(7)
    desk.take(opened(again), gone(again, reason("FULLY_FILLED"), filled=again.quantums))
    assert [item["status"] for item in said(desk)] == ["BEST_EFFORT_OPENED"]


def test_a_replacement_removes_first_and_keeps_one_record(desk: Desk) -> None:
    each = order(5, price=89_000)
    new = order(5, price=89_100, size=50, good_til=1_030)
    desk.take(opened(each), rests(each), gone(each, reason("REPLACED")), opened(new), rests(new))
    items = said(desk)
    assert [item["status"] for item in items] == [
        "BEST_EFFORT_OPENED",
        "BEST_EFFORT_CANCELED",
        "BEST_EFFORT_OPENED",
    ]
    assert items[1]["removalReason"].endswith("REPLACED") and len({item["id"] for item in items}) == 1
    (shown,) = listed(desk)
    assert (shown["price"], shown["goodTilBlock"]) == ("89100", "1030")
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == [{"price": "89100", "size": "0.005"}]


def test_a_cancel_that_the_book_did_not_carry_out_is_believed(desk: Desk) -> None:
    each = order(5)
    desk.take(opened(each), rests(each), gone(each)._replace(left_book=False))
    assert said(desk)[-1]["status"] == "BEST_EFFORT_CANCELED"
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == []
    desk.take(rests(each, 10))  # the node still has it: the Indexer does not know what this is
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == []


def test_a_long_term_order_lives_in_blocks(desk: Desk) -> None:
    each = order(5, flags=facts.LONG_TERM, good_til=1_767_000_000)
    desk.block(StatefulPlaced(each, TX))
    (item,) = said(desk)
    assert (item["status"], item["totalFilled"], item["goodTilBlockTime"]) == (
        "OPEN",
        "0",
        "2025-12-29T09:20:00.000Z",
    )
    assert item["createdAtHeight"] == item["updatedAtHeight"] == "1002" and "goodTilBlock" not in item
    desk.take(rests(each))
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == [{"price": "89900", "size": "0.01"}]
    desk.block(StatefulGone(each.id, reason("USER_CANCELED")))
    (item,) = said(desk)
    assert (item["status"], item["removalReason"]) == ("CANCELED", "ORDER_REMOVAL_REASON_USER_CANCELED")
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == []
    assert listed(desk)[0]["status"] == "CANCELED"


def test_what_rests_before_its_block_came_is_counted_with_it(desk: Desk) -> None:
    each = order(5, flags=facts.LONG_TERM, good_til=1_767_000_000)
    desk.indexer.take([StatefulPlaced(each, TX), rests(each)], desk.now_ns)
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == []
    desk.block()
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"] == [{"price": "89900", "size": "0.01"}]


@pytest.mark.parametrize(
    ("condition", "kind"), [(facts.STOP_LOSS, "STOP_LIMIT"), (facts.TAKE_PROFIT, "TAKE_PROFIT")]
)
def test_a_conditional_order_waits_triggers_and_fills(desk: Desk, condition: int, kind: str) -> None:
    each = order(5, facts.SELL, 10, 88_000, flags=facts.CONDITIONAL, good_til=1_767_000_000, reduce_only=True,
                 time_in_force=facts.IOC, condition=condition, trigger=88_500)  # fmt: skip
    desk.block(StatefulPlaced(each, TX))
    (item,) = said(desk)
    assert (item["status"], item["type"], item["triggerPrice"]) == ("UNTRIGGERED", kind, "88500")
    assert (item["timeInForce"], item["reduceOnly"], item["orderFlags"]) == ("IOC", True, "32")
    assert listed(desk, status="UNTRIGGERED")[0]["triggerPrice"] == "88500"
    assert listed(desk, type=kind) and not listed(desk, type="LIMIT")
    desk.block(StatefulTriggered(each.id))
    assert said(desk)[0]["status"] == "OPEN"
    maker = order(6, facts.BUY, 10, 89_000, subaccount=OTHER)
    match(desk, each, maker, 10)
    assert said(desk)[-1]["status"] == "FILLED"
    desk.block(StatefulGone(each.id, reason("FULLY_FILLED")))
    assert said(desk) == [] and listed(desk)[0]["status"] == "FILLED"


def test_news_of_orders_that_nobody_knows_does_nothing(desk: Desk) -> None:
    strange = order(9, terms=BTC._replace(clob_pair=99))
    desk.take(opened(strange), rests(strange), gone(strange))
    desk.block(StatefulGone(order(8).id, 2), StatefulTriggered(order(8).id))
    assert said(desk) == [] and listed(desk) == []


def test_the_tables_are_bounded() -> None:
    table = OrderTable(3, 2)
    for i in range(5):
        table.opened(order(i))
    assert len(list(table.of(ME))) == 2 and table.get(order(0).id) is None
    for i in range(5):
        row = table.store(order(i))
        table.closed(row, "CANCELED")
    assert len(list(table.of(ME))) == 3 and table.get(order(4).id) is not None
    assert table.by_uuid(row.id) is row and table.cancelled(order(0).id) == ""
    assert table.cancelled(order(4).id) == "CANCELED"
    assert list(table.of(OTHER)) == []


def test_snapshots_hold_live_orders_and_what_was_cancelled_lately() -> None:
    desk = Desk(settings=IndexerSettings(snapshot_least_ns=0, snapshot_most_ns=0, limits=False))
    desk.block(changed(10**9))
    maker = order(1, facts.SELL, 500, subaccount=OTHER)
    for client_id, good_til in ((2, 1_003), (3, 990), (4, 1_020)):
        each = order(client_id, facts.BUY, 100, good_til=good_til)
        match(desk, each, maker, 10)
        desk.take(opened(each), gone(each))
    live = order(5)
    desk.take(opened(live))
    for _ in range(15):
        desk.block()
    desk.connect()
    answer = desk.subscribe(SUB, f"{US}/0")
    assert [item["clientId"] for item in answer["contents"]["orders"]] == ["5", "4", "2"]
    assert answer["contents"]["blockHeight"] == str(desk.blocks.height)
    desk.wait(MS)
