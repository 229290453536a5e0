"""The venue's account in the margin kernel."""

from __future__ import annotations

import pytest

from sniper.trading import BUY, SELL
from sniper.venues.collateral import Totals
from tests.papers import BTC, ETH, IOC, Bench, ready


def test_totals_are_those_of_the_chain() -> None:
    bench = ready()
    bench.buy(1, 30, 100_010, **IOC)
    totals = bench.paper.collateral.totals()
    assert totals == Totals(10_000_000_000 - 30_000 - 150_015, 6_000_000, 3_600_000)
    assert not bench.paper.collateral.liquidatable()


def test_funding_due_counts_before_it_is_settled() -> None:
    bench = ready()
    bench.buy(1, 30, 100_010, **IOC)
    before = bench.paper.collateral.totals().net
    bench.ledger.accrue(BTC, 100)
    bench.paper.collateral.keep(bench.ledger)
    assert bench.paper.collateral.totals().net == before - 3_000


def test_it_follows_the_ledger_through_everything() -> None:
    bench = Bench(usdc_quantums=10**12)
    bench.book([(99_990, 900)], [(100_010, 900)])
    bench.book([(39_990, 900)], [(40_010, 900)], ETH)
    for i in range(1, 30):
        bench.place(i, i % 2, 5 * i, 99_990 if i % 2 else 100_010, **IOC)
        bench.place(100 + i, (i + 1) % 2, 3 * i, 40_010 if i % 2 else 39_990, market=ETH, **IOC)
    kept, fresh = bench.paper.collateral.totals(), None
    bench.paper.collateral.restart(bench.ledger)
    fresh = bench.paper.collateral.totals()
    assert kept == fresh and kept.initial > 0


@pytest.mark.parametrize(("side", "ticks"), [(BUY, 100_000), (SELL, 100_000)])
def test_the_acceptance_test_has_the_fee_in_it(side: int, ticks: int) -> None:
    bench = Bench(usdc_quantums=20_000_000)
    collateral = bench.paper.collateral
    assert collateral.affords(BTC, side, 100_000_000, ticks, 0)
    assert not collateral.affords(BTC, side, 100_000_000, ticks, 1)


def test_the_engines_digests_and_counters_are_left_alone() -> None:
    bench = ready()
    before = bench.tape.digests[14:16].tolist(), bench.tape.counters.tolist()[41]
    bench.buy(1, 30, 100_010, **IOC)
    bench.paper.collateral.totals()
    assert (bench.tape.digests[14:16].tolist(), bench.tape.counters.tolist()[41]) == before
