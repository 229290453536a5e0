"""Account messages turned into our units, and what is not believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sniper import account_messages as messages
from sniper.account_facts import Balance, Holding, Message, Refusal, Transfer, Whole
from sniper.quantums import Scales, iso_ns
from sniper.trading import BUY, SELL, Fill, OrderNews
from tests import accounts as a
from tests import messages as m
from tests.accounts import ADDRESS, AT, BTC, ETH, PEPE

SCALES = Scales(a.Scene().decoder)


def read(data: bytes) -> Message:
    return messages.contents(messages.frame(data), SCALES)


def test_a_snapshot_is_a_whole() -> None:
    held = a.position("ETH-USD", "-1.5", "SHORT", netFunding="-0.0000015", entryPrice="3000.1", createdAt=AT)
    found = read(
        a.snapshot("12.345678", [held], [a.order("o1", 5, "OPEN", size="0.1", price="90000")], 77, 128)
    )
    assert found.wholes == (
        Whole(
            128,
            12_345_678,
            (Holding(128, ETH, -1_500_000_000, -4_500_150_000, -2, "p1", True, iso_ns(AT), 77),),
            77,
        ),
    )
    assert (found.family, found.height) == (False, 77)
    assert [(o.order_id, o.client_id, o.size_steps, o.price_ticks) for o in found.orders] == [
        ("o1", 5, 1000, 90000)
    ]


def test_a_snapshot_of_nothing_is_empty() -> None:
    assert read(a.subscribed({})) == Message(wholes=(Whole(0, 0, (), 0),))
    assert read(a.subscribed({}, parent=True)) == Message(wholes=(Whole(0, 0, (), 0),), family=True)


def test_a_parent_has_children_each_with_its_own_number() -> None:
    children = [
        {
            "subaccountNumber": number,
            "openPerpetualPositions": {"PEPE-USD": a.position("PEPE-USD", "20", number=-1)},
            "assetPositions": {"USDC": a.asset("0.01", "SHORT")},
        }
        for number in (0, 256)
    ]
    found = read(
        a.subscribed(
            {"subaccount": {"parentSubaccountNumber": 0, "childSubaccounts": children}, "blockHeight": "9"},
            parent=True,
        )
    )
    assert found.family and found.height == 9
    assert [(w.subaccount, w.usdc, w.height) for w in found.wholes] == [(0, -10_000, 9), (256, -10_000, 9)]
    assert [(h.subaccount, h.market, h.size_quantums) for w in found.wholes for h in w.holdings] == [
        (0, PEPE, 2),
        (256, PEPE, 2),
    ]


def test_an_update_of_everything() -> None:
    found = read(
        a.update(
            {
                "perpetualPositions": [a.position("BTC-USD", "0.5", id_="x")],
                "assetPositions": [a.asset("0", "SHORT"), a.asset("5") | {"symbol": "OTHER"}],
                "orders": [
                    a.order("o", 1, "FILLED", totalFilled="0.5", goodTilBlock=None, triggerPrice=None)
                ],
                "fills": [a.fill("f", "BUY", "0.5", "90000", 8, fee="22.5000001", quoteAmount="45000")],
                "transfers": a.transfer(0, None, "10", 8),
                "tradingReward": {"tradingReward": "1"},
                "blockHeight": "7",
            }
        )
    )
    assert found.holdings == (Holding(0, BTC, 5_000_000_000, 50_000_000, 0, "x", True, 0, 7),)
    assert found.balances == (Balance(0, 0, 7),)
    assert found.fills == (
        Fill(
            "f",
            "o-f",
            BTC,
            0,
            BUY,
            5_000_000_000,
            90000,
            0,
            45_000_000_000,
            22_500_001,
            True,
            "LIMIT",
            8,
            iso_ns(AT),
        ),
    )
    assert found.orders == (OrderNews("o", 1, BTC, "FILLED", "", -1, -1, -1, 5000, -1, 0, -1, -1, 7, -1),)
    key = f"T 8 {ADDRESS}/0>{ADDRESS}/-1 10"
    assert found.transfers == (Transfer(0, -10_000_000, "TRANSFER_OUT", 8, iso_ns(AT), key),)
    assert found.height == 8


def test_elements_of_a_batch_keep_their_order_and_heights() -> None:
    elements = [
        {"assetPositions": [a.asset(size)], "blockHeight": height} for size, height in (("1", "5"), ("2", 6))
    ]
    found = read(a.update([*elements, {}]))
    assert found.balances == (Balance(0, 1_000_000, 5), Balance(0, 2_000_000, 6))


def test_items_of_a_child_name_it_or_the_message_does() -> None:
    contents = {
        "fills": [a.fill("f", "SELL", "0.001", "3000", 8, "ETH-USD")],
        "assetPositions": [a.asset("19.6", number=384)],
    }
    found = read(a.update(contents, child=384))
    assert (found.fills[0].subaccount, found.fills[0].side, found.balances[0].subaccount) == (384, SELL, 384)


def test_a_transfer_between_two_of_ours_is_two() -> None:
    found = read(a.update({"transfers": [a.transfer(0, 128, "4.5", 9)]})).transfers
    assert [(t.subaccount, t.quote) for t in found] == [(0, -4_500_000), (128, 4_500_000)]
    assert read(a.update({"transfers": a.transfer(0, 1, "1", 9) | {"symbol": "X"}})).transfers == ()


def test_an_order_says_what_is_absent() -> None:
    found = read(
        a.update({"orders": [{"id": "o", "clientId": "4294967295", "orderFlags": 64, "status": "OPEN"}]})
    )
    assert found.orders == (
        OrderNews("o", 4294967295, -1, "OPEN", "", -1, -1, -1, -1, -1, 64, -1, -1, 0, -1),
    )


def test_an_order_off_the_grid_says_so_and_is_still_an_order() -> None:
    found = read(a.update({"orders": [a.order("o", 1, "OPEN", size="0.00015", price="90000.5")]}))
    assert (found.orders[0].size_steps, found.orders[0].price_ticks) == (-1, -1)
    more = {"triggerPrice": "2999.9", "goodTilBlockTime": AT, "side": "SELL", "removalReason": "R"}
    found = read(a.update({"orders": [a.order("o", 1, "OPEN", "ETH-USD", **more)]}))
    assert found.orders[0][10:] == (0, -1, iso_ns(AT), 0, 29999)
    assert (found.orders[0].side, found.orders[0].removal_reason) == (SELL, "R")


def test_a_short_is_negative_with_and_without_its_sign() -> None:
    for size in ("2", "-2"):
        found = read(a.update({"perpetualPositions": [a.position("ETH-USD", size, "SHORT")]}))
        assert found.holdings[0].size_quantums == -2_000_000_000


def test_a_closed_position_has_no_size() -> None:
    found = read(a.update({"perpetualPositions": [a.position("ETH-USD", "0.00", status="CLOSED")]}))
    assert (found.holdings[0].size_quantums, found.holdings[0].open) == (0, False)


def test_the_quote_is_the_venues_where_it_says_so_else_size_times_price() -> None:
    long = {"quoteAmount": "68.841812034"}
    said = read(a.update({"fills": [a.fill("f", "SELL", "0.043254", "1591.571", 5, "ETH-USD", **long)]}))
    computed = read(a.update({"fills": [a.fill("f", "SELL", "0.043254", "1591.571", 5, "ETH-USD")]}))
    assert said.fills[0].quote == computed.fills[0].quote == 68_841_812


def test_fees_go_up_to_a_whole_quantum() -> None:
    for fee, quantums in (("0.0000002", 1), ("-0.0000005", 0), ("-0.002057", -2057), (None, 0)):
        found = read(a.update({"fills": [a.fill("f", "BUY", "1", "1", 5) | {"fee": fee}]}))
        assert found.fills[0].fee == quantums


def test_rest_fills_come_oldest_first_under_their_own_names() -> None:
    def item(id_: str, height: int) -> dict[str, Any]:
        found = a.fill(id_, "BUY", "0.0001", "105117", height, subaccountNumber=0)
        return {k: v for k, v in found.items() if k not in ("ticker", "subaccountId")} | {"market": "BTC-USD"}

    body = json.dumps({"fills": [item("c", 9), item("b", 8), item("a", 8)]}).encode()
    found = messages.rest("fills", body, 0, SCALES)
    assert ([f.fill_id for f in found.fills], found.height) == (["a", "b", "c"], 9)
    assert messages.rest("fills", b'{"fills":[]}', 0, SCALES) == Message()


def test_rest_orders_are_a_bare_list_and_a_subaccount_a_snapshot() -> None:
    orders = json.dumps([a.order("o", 3, "FILLED", updatedAtHeight="63049869")]).encode()
    assert [(o.order_id, o.height) for o in messages.rest("orders", orders, 0, SCALES).orders] == [
        ("o", 63049869)
    ]
    body = {"subaccount": {"subaccountNumber": 0, "latestProcessedBlockHeight": "5", "assetPositions": {}}}
    assert messages.rest("subaccount", json.dumps(body).encode(), 0, SCALES).wholes == (Whole(0, 0, (), 5),)


FAULTS: tuple[tuple[str, Any], ...] = (
    ("no such market", {"perpetualPositions": [a.position("NO-USD", "1")]}),
    ("an order of no such market", {"orders": [a.order("o", 1, "OPEN", "NO-USD")]}),
    ("a fill of no market", {"fills": [a.fill("f", "BUY", "1", "1", 5, "")]}),
    ("a negative long", {"perpetualPositions": [a.position("BTC-USD", "-1")]}),
    ("no such side", {"perpetualPositions": [a.position("BTC-USD", "1", "BOTH")]}),
    ("closed with a size", {"perpetualPositions": [a.position("BTC-USD", "1", status="CLOSED")]}),
    ("finer than a quantum", {"perpetualPositions": [a.position("BTC-USD", "0.00000000001")]}),
    ("a negative entry", {"perpetualPositions": [a.position("BTC-USD", "1", entryPrice="-1")]}),
    ("a size beyond 64 bits", {"perpetualPositions": [a.position("BTC-USD", "1" + "0" * 30)]}),
    (
        "a value beyond 64 bits",
        {"perpetualPositions": [a.position("BTC-USD", "100000", entryPrice="1" * 20)]},
    ),
    ("no such subaccount", {"perpetualPositions": [a.position("BTC-USD", "1", number=128_001)]}),
    ("no number", {"assetPositions": [a.asset("1e3")]}),
    ("a fill of nothing", {"fills": [a.fill("f", "BUY", "0", "1", 5)]}),
    ("a fill backwards", {"fills": [a.fill("f", "BUY", "-1", "1", 5)]}),
    ("a fill for nothing", {"fills": [a.fill("f", "BUY", "1", "0", 5)]}),
    ("a fill without an id", {"fills": [a.fill("", "BUY", "1", "1", 5)]}),
    ("a fill of no side", {"fills": [a.fill("f", "LONG", "1", "1", 5)]}),
    ("a fill of no liquidity", {"fills": [a.fill("f", "BUY", "1", "1", 5, liquidity="X")]}),
    ("a fill at no time", {"fills": [a.fill("f", "BUY", "1", "1", 5, createdAt="yesterday")]}),
    ("a fill at no height", {"fills": [a.fill("f", "BUY", "1", "1", -5)]}),
    ("another worth", {"fills": [a.fill("f", "BUY", "1", "100", 5, quoteAmount="100.2")]}),
    ("an order without an id", {"orders": [a.order("", 1, "OPEN")]}),
    ("an order of no side", {"orders": [a.order("o", 1, "OPEN", side="LONG")]}),
    ("a negative order", {"orders": [a.order("o", 1, "OPEN", size="-1")]}),
    ("a negative price", {"orders": [a.order("o", 1, "OPEN", price="-1")]}),
    ("a client id below zero", {"orders": [a.order("o", -1, "OPEN")]}),
    ("a client id in parts", {"orders": [a.order("o", 1, "OPEN") | {"clientId": "1.5"}]}),
    ("a transfer backwards", {"transfers": a.transfer(0, 1, "-1", 5)}),
    ("a height below zero", {"blockHeight": "-1"}),
    ("a long name", {"fills": [a.fill("f" * 129, "BUY", "1", "1", 5)]}),
    ("a long status", {"orders": [a.order("o", 1, "X" * 129)]}),
    ("a long hash", {"transfers": a.transfer(0, 1, "1", 5, "T" * 129)}),
    ("a long position", {"perpetualPositions": [a.position("BTC-USD", "1", id_="p" * 129)]}),
    ("a list", []),
    ("an update where a batch was", "batch"),
)


@pytest.mark.parametrize(("contents",), [(c,) for _, c in FAULTS], ids=[name for name, _ in FAULTS])
def test_one_bad_value_refuses_the_message(contents: Any) -> None:
    data = a.update(contents)
    if contents == []:
        data = data.replace(b"channel_batch_data", b"channel_data")
    elif contents == "batch":
        data = a.update({}).replace(b"channel_data", b"channel_batch_data")
    elif isinstance(contents, dict):
        with pytest.raises(Refusal):
            read(a.update([{"assetPositions": [a.asset("1")]}, contents]))
    with pytest.raises(Refusal):
        read(data)


def test_a_position_under_another_name() -> None:
    good = json.loads(a.snapshot(positions=[a.position("BTC-USD", "1")]))
    named = good["contents"]["subaccount"]["openPerpetualPositions"]
    named["ETH-USD"] = named.pop("BTC-USD")
    with pytest.raises(Refusal, match="stands under"):
        read(m.text(good))


@pytest.mark.parametrize("id_", ["", "x", "/0", "d" * 129 + "/0", "x/", "x/y", "x/-1", "x/1.5"])
def test_a_message_must_name_its_subaccount(id_: str) -> None:
    frame = messages.frame(m.text(json.loads(a.update({})) | {"id": id_}))
    with pytest.raises(Refusal):
        messages.owner(frame)
    with pytest.raises(Refusal):
        messages.contents(frame, SCALES)


def test_what_is_no_message_at_all() -> None:
    with pytest.raises(Refusal):
        messages.frame(b'{"type":"channel_data"}')
    with pytest.raises(Refusal):
        read(a.subscribed([]))
    for endpoint, body in (
        ("orders", b"{}"),
        ("fills", b"[]"),
        ("subaccount", b"{}"),
        ("subaccount", b"[]"),
        ("orders", b'[{"id":"o","clientId":"-1"}]'),
        ("subaccount", b'{"subaccount":{"latestProcessedBlockHeight":"-1"}}'),
    ):
        with pytest.raises(Refusal):
            messages.rest(endpoint, body, 0, SCALES)
