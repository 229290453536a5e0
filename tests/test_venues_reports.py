"""What is told of orders and fills, and when."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.venues import reports as module
from sniper.venues.models import LATENCIES
from sniper.venues.reports import Events
from tests.papers import IOC, LONG, SECOND, Bench, ready


def test_events_of_blocks_are_numbered_as_the_chain_does() -> None:
    events = Events()
    assert [events.next(height) for height in (5, 5, 6, 5)] == [
        "000000050000000200000001",
        "000000050000000200000002",
        "000000060000000200000001",
        "000000060000000200000002",
    ]
    assert events.reach(3) == 6, "heights never go back, or the account would drop the news"


def test_news_of_one_order_keep_their_order() -> None:
    bench = ready(latency="far")
    for i in range(1, 30):
        bench.paper.send(bench.now_ns, [bench.order(i, 0, 1, 90_000)])
        bench.run(0.5)
        order = bench.live(i)
        assert order is not None
        due = order.news_ns
        bench.paper.floor.take_off(order, "USER_CANCELED", 0, 0, module.Plan(due - SECOND, due))
        assert order.news_ns == due
    bench.run(5)
    assert all(bench.told(i)[0] == "BEST_EFFORT_OPENED" and len(bench.told(i)) == 2 for i in range(1, 30))


@pytest.mark.parametrize("name", list(LATENCIES))
def test_times_lie_within_the_model(name: str) -> None:
    latency = LATENCIES[name]
    reports = Bench(latency=name).paper.reports
    for _ in range(50):
        plan, block = reports.plan(1000), reports.plan_block(1000)
        assert latency.news[0] <= plan.news_ns - 1000 <= latency.news[1]
        assert latency.block[0] <= plan.block_ns - 1000 <= latency.block[1]
        assert (
            block.news_ns == block.block_ns and latency.chain[0] <= block.block_ns - 1000 <= latency.chain[1]
        )


def test_many_fills_come_in_several_messages_with_the_balance_in_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FILLS_MAX", 3)
    bench = Bench(usdc_quantums=10**12)
    bench.book([], [(100_000 + i, 1) for i in range(8)])
    bench.buy(1, 8, 101_000, **IOC)
    bench.run(1)
    messages: list[dict[str, Any]] = [contents for contents in bench.news if "fills" in contents]
    assert [len(contents["fills"]) for contents in messages] == [3, 3, 2]
    assert ["assetPositions" in contents for contents in messages] == [False, False, True]
    assert len({contents["blockHeight"] for contents in messages}) == 1


def test_a_message_of_a_fill_has_all_that_the_block_changed() -> None:
    bench = ready()
    bench.buy(1, 10, 100_010, **LONG)
    bench.block()
    bench.run(1)
    last = bench.news[-1]
    assert list(last) == ["perpetualPositions", "assetPositions", "orders", "fills", "blockHeight"]
    fill, order = last["fills"][0], last["orders"][0]
    assert fill["orderId"] == order["id"] and fill["createdAt"] == order["updatedAt"]
    assert last["blockHeight"] == fill["createdAtHeight"] == order["updatedAtHeight"] == str(bench.height + 1)
    assert fill["eventId"] == f"{bench.height + 1:08x}0000000200000001"
