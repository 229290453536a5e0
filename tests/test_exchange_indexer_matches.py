"""What a block's matches do to positions, and in which order it is told."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange import facts
from sniper.exchange.facts import Filled
from tests.exchange_chain import BTC, ME, OTHER, TX, US, changed, filled, opened, order
from tests.exchange_indexing import Desk, contents
from tests.exchange_play import Play

STEP = BTC.step_base_quantums
SUB = "v4_subaccounts"


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.connect()
    found.subscribe(SUB, f"{US}/0")
    found.block(changed(10**12), changed(10**12, subaccount=OTHER))
    found.read()
    return found


def buy(steps: int, price: int, event: int = 0, client_id: int = 1) -> Filled:
    taker = order(client_id, facts.BUY, steps, price, time_in_force=facts.IOC)
    return filled(taker, order(client_id + 1, facts.SELL, steps, price, subaccount=OTHER), steps, event)


def sell(steps: int, price: int, event: int = 0, client_id: int = 1) -> Filled:
    taker = order(client_id, facts.SELL, steps, price, time_in_force=facts.IOC)
    return filled(taker, order(client_id + 1, facts.BUY, steps, price, subaccount=OTHER), steps, event)


def told(desk: Desk) -> list[dict[str, Any]]:
    return contents(desk.read(), SUB)


def sums(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(item[name] for name in ("status", "size", "sumOpen", "sumClose", "entryPrice"))


def test_the_subaccount_is_told_first_with_the_new_size_and_the_old_sums(desk: Desk) -> None:
    desk.block(buy(100, 90_000), buy(50, 90_300, 1, 3), changed(0, (0, 150 * STEP, 0)))
    first, *fills = told(desk)
    assert list(first) == ["perpetualPositions", "assetPositions", "blockHeight"]
    assert sums(first["perpetualPositions"][0]) == ("OPEN", "0.015", "0", "0", "0")
    assert [list(each) for each in fills] == [["fills", "perpetualPositions", "orders", "blockHeight"]] * 2
    found = [sums(each["perpetualPositions"][0]) for each in fills]
    assert found == [("OPEN", "0.015", "0.01", "0", "90000"), ("OPEN", "0.015", "0.015", "0", "90100")]
    ids = [each["perpetualPositions"][0]["positionId"] for each in (first, *fills)]
    assert len(set(ids)) == 1
    assert [each["fills"][0]["eventId"][-1] for each in fills] == ["0", "1"]


def test_a_close_is_told_first_without_the_closing_sum(desk: Desk) -> None:
    desk.block(buy(100, 90_000), changed(0, (0, 100 * STEP, 0)))
    told(desk)
    desk.block(sell(100, 91_000, client_id=5), changed(10, (0, 0, 0)))
    first, fill = told(desk)
    assert sums(first["perpetualPositions"][0]) == ("CLOSED", "0", "0.01", "0", "90000")
    assert sums(fill["perpetualPositions"][0]) == ("CLOSED", "0", "0.01", "0.01", "90000")
    assert fill["perpetualPositions"][0]["realizedPnl"] == "10"
    found = desk.ok("/v4/perpetualPositions", address=US, subaccountNumber=0)["positions"]
    assert [each["status"] for each in found] == ["CLOSED"] and found[0]["closedAt"]
    assert desk.ok(f"/v4/addresses/{US}/subaccountNumber/0")["subaccount"]["openPerpetualPositions"] == {}


def test_a_flip_is_two_positions(desk: Desk) -> None:
    desk.block(buy(100, 90_000), changed(0, (0, 100 * STEP, 0)))
    told(desk)
    desk.block(sell(150, 91_000, client_id=5), changed(10, (0, -50 * STEP, 0)))
    first, fill = told(desk)
    old, new = first["perpetualPositions"]
    assert sums(old) == ("CLOSED", "0", "0.01", "0", "90000")
    assert sums(new) == ("OPEN", "-0.005", "0", "0", "0") and new["side"] == "SHORT"
    old, new = fill["perpetualPositions"]
    assert sums(old) == ("CLOSED", "0", "0.01", "0.01", "90000")
    assert sums(new) == ("OPEN", "-0.005", "0.005", "0", "91000")
    assert old["positionId"] != new["positionId"]


def test_funding_goes_to_the_position_that_was_held(desk: Desk) -> None:
    desk.block(buy(100, 90_000), changed(0, (0, 100 * STEP, 0)))
    told(desk)
    desk.block(sell(100, 90_000, client_id=5), changed(10, (0, 0, 21), funding=((0, -2_100),)))
    first, _ = told(desk)
    assert first["perpetualPositions"][0]["netFunding"] == "-0.0021"
    assert first["perpetualPositions"][0]["realizedPnl"] == "-0.0021"


def test_the_chains_word_on_a_size_stands_above_the_fills(desk: Desk) -> None:
    desk.block(buy(100, 90_000), changed(0, (0, 100 * STEP, 0)))
    told(desk)
    desk.block(changed(0, (0, 40 * STEP, 0)))
    (first,) = told(desk)
    assert first["perpetualPositions"][0]["size"] == "0.004"
    desk.block(changed(0, (0, -10 * STEP, 0)))
    assert [each["size"] for each in told(desk)[0]["perpetualPositions"]] == ["0", "-0.001"]
    desk.block(changed(0, (0, 0, 0)))
    assert told(desk)[0]["perpetualPositions"][0]["status"] == "CLOSED"
    market = desk.indexer.store.state.markets[0]
    assert market.interest == 0 or market.interest == 100 * STEP  # the other side was never told to shrink


@pytest.mark.parametrize(
    ("kind", "kinds", "status"),
    [
        ("LIQUIDATED", ("LIQUIDATED", "LIQUIDATION"), "LIQUIDATED"),
        ("DELEVERAGED", ("DELEVERAGED", "OFFSETTING"), "CLOSED"),
        ("OFFSETTING", ("OFFSETTING", "OFFSETTING"), "CLOSED"),
    ],
)
def test_liquidations_and_deleveragings(desk: Desk, kind: str, kinds: tuple[str, str], status: str) -> None:
    desk.subscribe("v4_trades", "BTC-USD")
    desk.block(buy(100, 90_000), changed(0, (0, 100 * STEP, 0)))
    desk.read()
    maker = order(9, facts.BUY, 100, 80_000, subaccount=OTHER) if kind == "LIQUIDATED" else None
    price = "" if maker else "80000.123456789"
    quantums = 100 * STEP
    event = Filled(0, kind, ME, OTHER, None, maker, facts.SELL, quantums, 80_000 * 100_000, price, 800_001_234, 500, 0,
                   0, quantums, 0, TX)  # fmt: skip
    desk.block(event, changed(10, (0, 0, 0)))
    frames = desk.read()
    fill = contents(frames, SUB)[-1]
    assert fill["fills"][0]["type"] == kinds[0] and "orderId" not in fill["fills"][0] and "orders" not in fill
    assert (
        fill["fills"][0]["price"] == ("80000.1234" if price else "80000")
        and fill["perpetualPositions"][0]["status"] == status
    )
    (trade,) = contents(frames, "v4_trades")[-1]["trades"]
    assert trade["type"] == ("LIQUIDATED" if kind == "LIQUIDATED" else "DELEVERAGED")
    theirs = desk.ok("/v4/fills", address=OTHER.owner, subaccountNumber=0)["fills"][0]
    assert theirs["type"] == kinds[1] and theirs["liquidity"] == "MAKER"
    assert ("orderId" in theirs) == (maker is not None)


@pytest.mark.parametrize("seed", range(3))
def test_open_interest_is_what_is_held_long(seed: int) -> None:
    desk = Desk()
    play = Play(desk, seed)
    for _ in range(80):
        play.block()
        for p in (0, 1):
            longs = sum(max(purse.held.get(p, [0])[0], 0) for purse in play.purses.values())
            assert desk.indexer.store.state.markets[p].interest == longs


def test_trades_are_one_message_a_market_and_block_with_ids_that_sort(desk: Desk) -> None:
    desk.subscribe("v4_trades", "BTC-USD")
    desk.block(buy(1, 90_000, 3), buy(2, 90_001, 14, 3), changed(0, (0, 3 * STEP, 0)))
    (message,) = contents(desk.read(), "v4_trades")
    assert [list(each) for each in message["trades"]] == [
        ["id", "size", "price", "side", "createdAt", "type"]
    ] * 2
    height = desk.blocks.height
    assert [each["id"] for each in message["trades"]] == [
        f"{height:08x}00000002{event:08x}" for event in (3, 14)
    ]
    shown = desk.ok("/v4/trades/perpetualMarket/BTC-USD")["trades"]
    assert [each["id"] for each in shown] == [each["id"] for each in message["trades"]][::-1]
    assert shown[0]["createdAtHeight"] == str(height) and len({each["createdAt"] for each in shown}) == 1


def test_nobody_hears_of_others(desk: Desk) -> None:
    theirs = order(1, facts.BUY, 10, 90_000, subaccount=OTHER)
    desk.take(opened(theirs))
    desk.block(changed(5, subaccount=OTHER))
    assert told(desk) == []
