"""A block as a whole: it acts when it ends, all of it under one height and time, hourly jobs with it."""

from __future__ import annotations

from sniper.exchange.facts import OraclePriced
from tests.exchange_chain import BTC, ME, OTHER, US, changed, filled, order, paid_in
from tests.exchange_indexing import Desk, contents
from tests.exchange_play import HOUR_NS

STEP = BTC.step_base_quantums


def test_nothing_of_a_block_is_known_before_it_ends() -> None:
    desk = Desk()
    desk.connect()
    for channel, name in (("v4_markets", None), ("v4_subaccounts", f"{US}/0"), ("v4_block_height", None)):
        desk.subscribe(channel, name)
    desk.take(OraclePriced(((0, 1, 0),)), *paid_in(10**6))
    assert desk.read() == [] and desk.rest(f"/v4/addresses/{US}")[0] == 404
    desk.block()
    frames = desk.read()
    assert [frame["channel"] for frame in frames] == [
        "v4_markets",
        "v4_subaccounts",
        "v4_subaccounts",
        "v4_block_height",
    ]
    heights = [each["blockHeight"] for each in contents(frames, "v4_subaccounts")]
    assert heights == ["1001", "1001"]


def test_times_and_heights_are_those_of_the_block() -> None:
    desk = Desk()
    taker, maker = order(1, 1, 10, 90_000), order(2, 2, 10, 90_000, subaccount=OTHER)
    desk.block(paid_in(10**9), filled(taker, maker, 10, 0), changed(0, (0, 10 * STEP, 0)))
    fill = desk.ok("/v4/fills", address=US, subaccountNumber=0)["fills"][0]
    trade = desk.ok("/v4/trades/perpetualMarket/BTC-USD")["trades"][0]
    told = {(each["createdAt"], each["createdAtHeight"]) for each in (fill, trade)}
    assert told == {("2025-12-08T16:00:00.650Z", "1001")}


def test_profit_is_noted_with_the_first_block_of_each_hour() -> None:
    desk = Desk()
    desk.block(paid_in(10**6))
    for _ in range(3):
        desk.block(after_ns=HOUR_NS // 2)
    found = desk.ok("/v4/historical-pnl", address=US, subaccountNumber=0)["historicalPnl"]
    assert [each["blockTime"] for each in found] == ["2025-12-08T17:00:00.650Z"]
    assert desk.indexer.store.state.accounts.at(ME).profits[0].height == 1003
