"""REST about subaccounts: filters, pages, and what is added up for a parent."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest

from sniper.exchange.facts import SubaccountId, Transferred
from sniper.feed.sim.text import iso
from tests import exchange_shapes as shape
from tests.exchange_chain import ME, OTHER, TX, US, changed, paid_in
from tests.exchange_indexing import Desk
from tests.exchange_play import HOUR_NS, Play

MINE = {"address": US, "subaccountNumber": 0}
PARENT = {"address": US, "parentSubaccountNumber": 0}


@pytest.fixture(scope="module")
def played() -> Play:
    play = Play(Desk(), 11)
    for _ in range(250):
        play.block()
    return play


def test_positions_newest_first_by_status_and_height(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/perpetualPositions", **MINE)["positions"]
    shape.check(found, [shape.POSITION])
    heights = [int(each["createdAtHeight"]) for each in found]
    assert heights == sorted(heights, reverse=True) and len(found) >= 3
    by_status = {
        s: desk.ok("/v4/perpetualPositions", **MINE, status=s)["positions"] for s in ("OPEN", "CLOSED")
    }
    assert {each["status"] for each in by_status["CLOSED"]} == {"CLOSED"}
    assert len(by_status["OPEN"]) + len(by_status["CLOSED"]) == len(found)
    assert desk.ok("/v4/perpetualPositions", **MINE, status="OPEN,CLOSED", limit=2)["positions"] == found[:2]
    early = desk.ok("/v4/perpetualPositions", **MINE, createdBeforeOrAtHeight=heights[1])["positions"]
    assert early == found[1:] or heights[0] == heights[1]
    at = desk.ok("/v4/perpetualPositions", **MINE, createdBeforeOrAt=found[-1]["createdAt"])["positions"]
    assert at[-1] == found[-1] and len(at) < len(found)
    whole = desk.ok("/v4/perpetualPositions/parentSubaccountNumber", **PARENT)["positions"]
    assert {each["subaccountNumber"] for each in whole} == {0, 128}


def test_closed_positions_sum_up(played: Play) -> None:
    for each in played.desk.ok("/v4/perpetualPositions", **MINE, status="CLOSED")["positions"]:
        assert (
            each["size"] == "0"
            and each["sumOpen"] == each["sumClose"]
            and each["closedAt"] >= each["createdAt"]
        )
        assert each["unrealizedPnl"] == "0"


def test_transfers(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/transfers", **MINE)["transfers"]
    shape.check(found, [shape.TRANSFER])
    assert {each["type"] for each in found} == {"DEPOSIT"} and len({each["id"] for each in found}) == len(
        found
    )
    page = desk.ok("/v4/transfers", **MINE, page=2, limit=3)
    assert page["transfers"] == found[3:6]
    assert (page["pageSize"], page["totalResults"], page["offset"]) == (3, len(found), 3)


def test_transfers_between_two_of_one_parent_and_with_the_world() -> None:
    desk = Desk()
    child, wallet = SubaccountId(US, 128), SubaccountId(US, -1)
    desk.connect()
    desk.subscribe("v4_parent_subaccounts", f"{US}/0")
    desk.block(
        changed(5_000_000),
        changed(1, subaccount=child),
        changed(2, subaccount=OTHER),
        Transferred(wallet, ME, 5_000_000, TX),
        Transferred(ME, child, 1_000_000, TX),
        Transferred(ME, OTHER, 2_000_000, TX),
        Transferred(OTHER, ME, 500_000, TX),
        Transferred(ME, wallet, 250_000, TX),
        Transferred(wallet, SubaccountId("elsewhere", -1), 7, TX),
    )
    told = [(each["subaccountNumber"], each["contents"]) for each in desk.read()]
    moves = [(n, c.get("transfers", {}).get("type")) for n, c in told if "assetPositions" not in c]
    assert moves == [
        (0, "DEPOSIT"),
        (0, None),
        (128, None),
        (0, "TRANSFER_OUT"),
        (0, "TRANSFER_IN"),
        (0, "WITHDRAWAL"),
    ]
    assert all(
        set(c) == {"blockHeight"} for _, c in told if "transfers" not in c and "assetPositions" not in c
    )
    kinds = [each["type"] for each in desk.ok("/v4/transfers", **MINE)["transfers"]]
    assert sorted(kinds) == ["DEPOSIT", "TRANSFER_IN", "TRANSFER_OUT", "TRANSFER_OUT", "WITHDRAWAL"]
    whole = desk.ok("/v4/transfers/parentSubaccountNumber", **PARENT)["transfers"]
    shape.check(whole, [shape.PARENT_TRANSFER])
    assert sorted(each["type"] for each in whole) == ["DEPOSIT", "TRANSFER_IN", "TRANSFER_OUT", "WITHDRAWAL"]
    ends = {"sourceAddress": US, "sourceSubaccountNumber": 0}
    ends |= {"recipientAddress": OTHER.owner, "recipientSubaccountNumber": 0}
    found = desk.ok("/v4/transfers/between", **ends)
    assert found["totalNetTransfers"] == "1.5" and len(found["transfersSubset"]) == 2
    assert desk.rest("/v4/transfers/between", sourceAddress=US)[0] == 400
    nobody = ends | {"sourceSubaccountNumber": 77}
    assert desk.ok("/v4/transfers/between", **nobody) == {"transfersSubset": [], "totalNetTransfers": "0"}


def test_hourly_profit_is_equity_less_what_was_paid_in(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/historical-pnl", **MINE)["historicalPnl"]
    shape.check(found, [shape.PROFIT])
    assert len(found) > 5
    for each in found:
        assert Fraction(each["totalPnl"]) == Fraction(each["equity"]) - Fraction(each["netTransfers"])
    heights = [int(each["blockHeight"]) for each in found]
    assert heights == sorted(heights, reverse=True)
    some = desk.ok(
        "/v4/historical-pnl", **MINE, createdOnOrAfterHeight=heights[3], createdBeforeOrAtHeight=heights[1]
    )
    assert some["historicalPnl"] == found[1:4]
    some = desk.ok("/v4/historical-pnl", **MINE, createdOnOrAfter=found[2]["createdAt"], limit=2, page=2)
    assert some == {"historicalPnl": found[2:3], "pageSize": 2, "totalResults": 3, "offset": 2}
    whole = desk.ok("/v4/historical-pnl/parentSubaccountNumber", **PARENT)["historicalPnl"]
    child = desk.ok("/v4/historical-pnl", address=US, subaccountNumber=128)["historicalPnl"]
    assert Fraction(whole[0]["equity"]) == Fraction(found[0]["equity"]) + Fraction(child[0]["equity"])


def test_pnl_may_be_daily() -> None:
    desk = Desk()
    desk.block(paid_in(1_000_000))
    for hour in range(1, 60):
        desk.block(after_ns=HOUR_NS if hour else 1)
    found = desk.ok("/v4/pnl", **MINE)["pnl"]
    shape.check(found, [shape.PNL])
    daily = desk.ok("/v4/pnl", **MINE, daily="true")["pnl"]
    days = [each["createdAt"][:13] for each in daily]
    assert days == ["2025-12-11T00", "2025-12-10T00", "2025-12-09T00", "2025-12-08T17"]
    assert desk.rest("/v4/pnl", **MINE, daily="True")[0] == 400
    assert len(found) == 59 and {each["totalPnl"] for each in found} == {"0"}


def test_funding_payments_are_what_the_indexes_say(played: Play) -> None:
    desk = played.desk
    found = desk.ok("/v4/fundingPayments", **MINE, showZeroPayments="true")["fundingPayments"]
    shape.check(found, [shape.PAYMENT])
    assert len(found) > 5 and {each["ticker"] for each in found} == {"BTC-USD", "ETH-USD"}
    by_market: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        by_market.setdefault(each["ticker"], []).append(each)
        assert (Fraction(each["size"]) > 0) == (each["side"] == "LONG")
    for rows in by_market.values():
        for newer, older in itertools.pairwise(rows):
            change = Fraction(newer["fundingIndex"]) - Fraction(older["fundingIndex"])
            if int(newer["createdAtHeight"]) - int(older["createdAtHeight"]) < 3:
                assert Fraction(newer["payment"]) == -change * Fraction(newer["size"])
    some = desk.ok("/v4/fundingPayments", **MINE, ticker="ETH-USD", limit=2, page=1)
    assert some["totalResults"] == len([e for e in found if e["ticker"] == "ETH-USD" and e["payment"] != "0"])
    since = iso(played.desk.now_ns - 3 * HOUR_NS)
    late = desk.ok("/v4/fundingPayments", **MINE, createdOnOrAfter=since)["fundingPayments"]
    assert all(each["createdAt"] >= since for each in late) and len(late) < len(found)
    whole = desk.ok("/v4/fundingPayments/parentSubaccount", **PARENT, page=1)["fundingPayments"]
    assert {each["subaccountNumber"] for each in whole} == {"0", "128"}


def test_who_was_never_funded_has_empty_lists_and_no_subaccount() -> None:
    desk = Desk()
    for path in ("perpetualPositions", "assetPositions", "orders", "fills", "transfers", "historical-pnl", "pnl",
                 "fundingPayments", "tradeHistory"):  # fmt: skip
        found = desk.ok(f"/v4/{path}", **MINE)
        assert found == [] or not any(found.values())
    assert desk.rest(f"/v4/addresses/{US}/subaccountNumber/0")[0] == 404
