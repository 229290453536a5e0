"""The fill, fee and latency models; the rules of fees (orders.md 8)."""

from __future__ import annotations

import pytest

from sniper.trading import BUY, SELL
from sniper.venues.floor import DAY_NS
from tests.papers import (
    ASKS,
    BIDS,
    IOC,
    Bench,
    ready,
)


@pytest.fixture
def bench() -> Bench:
    return ready()


def test_fees_are_ppm_of_the_value_rounded_up_for_both_sides() -> None:
    bench = Bench(fee="own", taker_ppm=333, maker_ppm=-111)
    bench.book(BIDS, ASKS)
    before = bench.usdc
    bench.buy(1, 1, 100_010, **IOC)
    value = 10_001_000
    assert before - bench.usdc == value + 3_331  # 3330.333 rounded up
    bench.sell(2, 1, 100_005)
    bench.trade(BUY, 100_008, 5)
    assert bench.usdc == before - value - 3_331 + 10_000_500 + 1_110  # a rebate of 1110.0555 is cut to 1110
    bench.run(2)
    assert [fill["fee"] for fill in bench.fills] == ["0.003331", "-0.00111"]
    assert bench.ledger.usdc["fees"] == 3_331 - 1_110


def test_fee_tiers_follow_the_volume_of_thirty_days() -> None:
    bench = Bench(fee="tiers", volume_30d_usd=999_000, usdc_quantums=10**12)
    bench.book([(99_990, 5000)], [(100_010, 5000)])
    bench.buy(1, 200, 100_010, **IOC)
    bench.sell(2, 200, 99_990, **IOC)
    bench.run(2)
    assert [fill["fee"] for fill in bench.fills] == ["1.0001", "0.89991"]


def test_against_a_liquidation_a_maker_gets_no_rebate(bench: Bench) -> None:
    bench = Bench(fee="rebate")
    bench.book(BIDS, ASKS)
    bench.buy(1, 10, 99_995)
    bench.trade(SELL, 99_990, 5, kind="LIQUIDATED")
    bench.trade(SELL, 99_990, 5)
    bench.run(2)
    assert [(fill["type"], fill["fee"] < "0") for fill in bench.fills] == [
        ("LIQUIDATION", False),
        ("LIMIT", True),
    ]


def test_volume_older_than_thirty_days_counts_no_more() -> None:
    bench = Bench(fee="tiers", volume_30d_usd=999_000, usdc_quantums=10**12)
    bench.book([(99_990, 5000)], [(100_010, 5000)])
    bench.buy(1, 200, 100_010, **IOC)
    floor = bench.paper.floor
    day = bench.now_ns // DAY_NS
    assert floor.tier(bench.now_ns).taker_ppm == 450
    assert floor.tier((day + 29) * DAY_NS).taker_ppm == 450
    assert floor.tier((day + 30) * DAY_NS).taker_ppm == 500
    floor.count((day + 29) * DAY_NS, 1)
    assert len(bench.ledger.volume) == 2
    floor.count((day + 30) * DAY_NS, 1)
    assert list(bench.ledger.volume) == [day + 29, day + 30]
