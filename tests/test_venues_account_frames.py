"""Account messages of the paper venue: the Indexer's own keys and texts, and our own account stage takes them."""

from __future__ import annotations

import json
from typing import Any

from sniper.account import Account, AccountSettings
from sniper.funding import Funding
from sniper.trading import Cancel, Place
from sniper.types import Record
from sniper.venues.account_frames import average
from sniper.venues.terms import Terms
from tests import real
from tests.paper_sessions import Session, live
from tests.papers import HOUR, IOC, LONG, SECOND, START_NS, STOP, Bench, ready

TERMS = Terms(0, "X-USD", 0, "ACTIVE", False, -10, -9, 1, 1, 1, 0, 1, 4)


def recorded(name: str) -> list[dict[str, Any]]:
    """The contents of recorded messages, batches taken apart."""
    found = []
    for text in real.messages(name):
        contents = json.loads(text)["contents"]
        found += contents if isinstance(contents, list) else [contents]
    return found


def test_our_items_have_no_key_that_a_recorded_item_lacks() -> None:
    names = ("dydx-abacus/ws/v4_parent_subaccounts_real_channel_batch_data.json", *(
        f"dydx-abacus/ws/{name}" for name in (
            "v4_subaccounts_dydx18p7_subscribed+4_batches.jsonl.gz",
            "v4_subaccounts_position_closed.json",
            "v4_subaccounts_updates_sequence.jsonl",
        )
    ), "dydx-nautilus/websocket/v4_accounts_fills.json")  # fmt: skip
    known: dict[str, set[str]] = {}
    for name in names:
        for contents in recorded(name):
            for key in ("orders", "fills", "perpetualPositions", "assetPositions"):
                for item in contents.get(key) or ():
                    known.setdefault(key, set()).update(item)
    bench = ready()
    bench.buy(1, 10, 100_010, **IOC)
    bench.sell(2, 20, 99_990, **IOC)
    bench.buy(3, 10, 99_000, **LONG)
    bench.sell(4, 10, 90_000, **STOP)
    bench.blocks(2)
    bench.run(1)
    for key in ("orders", "fills", "perpetualPositions", "assetPositions"):
        ours = {name for item in bench.items(key) for name in item}
        assert ours and ours - known[key] <= {"transactionHash"}, key


def test_averages_have_the_digits_of_the_indexers_division() -> None:
    assert average(TERMS, 300_030_000, 30_000_000) == "100010"
    assert average(TERMS, 1_000_000, 30_000_000_000) == "0.33333333333333333333"
    assert average(TERMS._replace(atomic=1), 20_000_000, 3) == "0.66666666666666666667"


def test_a_position_tells_its_history() -> None:
    bench = ready()
    bench.buy(1, 30, 100_010, **IOC)
    bench.oracle("100100")
    bench.sell(2, 10, 99_990, **IOC)
    bench.sell(3, 40, 99_980, **IOC)
    bench.run(1)
    opened, reduced, closed, turned = bench.items("perpetualPositions")
    assert opened["entryPrice"] == "100010" and opened["exitPrice"] is None and opened["realizedPnl"] == "0"
    assert (reduced["size"], reduced["sumOpen"], reduced["sumClose"]) == ("0.002", "0.003", "0.001")
    assert (reduced["exitPrice"], reduced["realizedPnl"], reduced["unrealizedPnl"]) == (
        "99990",
        "-0.02",
        "0.18",
    )
    assert opened["positionId"] == reduced["positionId"] == closed["positionId"] != turned["positionId"]
    assert (closed["status"], closed["side"], closed["size"], closed["maxSize"]) == (
        "CLOSED",
        "LONG",
        "0",
        "0.003",
    )
    assert closed["unrealizedPnl"] == "0"
    assert (turned["status"], turned["side"], turned["size"], turned["maxSize"]) == (
        "OPEN",
        "SHORT",
        "-0.002",
        "-0.002",
    )


def test_a_short_that_gained() -> None:
    bench = ready()
    bench.sell(1, 10, 99_990, **IOC)
    bench.book([(89_000, 50)], [(90_000, 50)])
    bench.buy(2, 4, 90_000, **IOC)
    bench.run(1)
    last = bench.items("perpetualPositions")[-1]
    assert (last["size"], last["realizedPnl"]) == ("-0.0006", "3.996")


def test_a_balance_of_nothing_is_short() -> None:
    bench = Bench(fee="none", usdc_quantums=100_000_000)
    bench.book([], [(100_000, 10)])
    bench.buy(1, 10, 100_000, **IOC)
    bench.run(1)
    assert [(item["side"], item["size"]) for item in bench.items("assetPositions")] == [("SHORT", "0")]
    empty = Bench(usdc_quantums=0)
    assert empty.messages[1]["contents"]["subaccount"]["assetPositions"] == {}


def test_stateful_orders_tell_their_time_and_trigger() -> None:
    bench = ready()
    bench.buy(1, 10, 99_000, **LONG, good_til_s=1_767_240_000)
    bench.sell(2, 10, 98_000, **STOP)
    bench.block()
    bench.run(1)
    (item,) = bench.items("orders", 1)
    assert item["goodTilBlockTime"] == "2026-01-01T04:00:00.000Z" and "goodTilBlock" not in item
    assert (item["orderFlags"], item["type"], item["timeInForce"]) == ("64", "LIMIT", "GTT")
    (item,) = bench.items("orders", 2)
    assert (item["orderFlags"], item["type"], item["triggerPrice"]) == ("32", "STOP_LIMIT", "99000")


class WithAccount(Session):
    """A session whose account messages are read by the engine's own account stage."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.account = Account(self.engine.tape, self.engine.decoder, AccountSettings())
        self.funding = Funding(self.engine.tape, self.engine.decoder)
        self.hours = 0

    def tick(self, now_ns: int, records: list[Record]) -> tuple[Any, ...]:
        commands = super().tick(now_ns, records)
        self.account.apply(self.engine.rows, records, now_ns)
        self.funding.apply(self.engine.rows, now_ns)
        if self.funding.charges:
            self.account.charge(self.funding.charges)
            self.hours += 1
        return commands

    def script(self, now_ns: int) -> list[Place | Cancel]:
        return super().script(now_ns) if self.account.height < 69_900_060 else []


def test_the_account_stage_books_what_the_ledger_holds() -> None:
    session = WithAccount(latency="near", usdc_quantums=50_000_000_000)
    live(session, 80, start_ns=START_NS + HOUR // 2 - 20 * SECOND)
    account, ledger = session.account, session.paper.ledger
    assert not session.paper.outbox.waiting and not session.paper.floor.orders, "all is said and done"
    assert not account.refusals and account.trust == "live" and not account.differences
    assert session.hours == 1 and ledger.indexes, "the hour came while something was held"
    assert account.usdc[0] == ledger.usdc["account"] + ledger.unsettled() != 50_000_000_000
    held = {market: position.size_quantums for market, position in account.positions.items()}
    assert held == {market: holding.base for market, holding in ledger.holdings.items()}
    assert len(account.recent) > 10
