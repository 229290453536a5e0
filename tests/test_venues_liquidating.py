"""Liquidation at the paper venue (margin.md 6): who is liquidated, how much, at which price, who pays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sniper.paper_settings import USDC, LiquidationRules
from sniper.trading import BUY
from tests.papers import ALL, BTC, ETH, Bench

WHOLE = LiquidationRules(portion_ppm=1_000_000, account_notional_max=10**15)

BENCHES: list[Bench] = []


@pytest.fixture(autouse=True)
def booked() -> Iterator[None]:
    """After every test: the account stage has booked what the ledger holds."""
    BENCHES.clear()
    yield
    for bench in BENCHES:
        bench.booked()


class Noted(Bench):
    """A bench whose books are compared at the end of its test."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        BENCHES.append(self)


def long_bench(usdc: int, rules: LiquidationRules = WHOLE, **more: Any) -> Bench:
    """0.1 BTC bought at 88,000 and so much USDC; the oracle price stands at 90,000."""
    markets = ALL | {"BTC-USD": ALL["BTC-USD"] | {"oraclePrice": "90000"}}
    return Noted(
        markets,
        usdc_quantums=usdc * USDC,
        liquidation=rules,
        start_positions=(("BTC-USD", "0.1", "88000"),),
        **more,
    )


def test_the_worked_example_of_margin_md() -> None:
    bench = long_bench(-8_000)
    bench.book([(80_400, 2000)], [(80_600, 1000)])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    (fill,) = bench.fills
    assert (fill["type"], fill["price"], fill["size"], fill["liquidity"]) == (
        "LIQUIDATED",
        "80400",
        "0.1",
        "TAKER",
    )
    assert fill["fee"] == "40" and "orderId" not in fill
    assert bench.usdc == 0 and not bench.ledger.holdings
    assert bench.ledger.usdc["insurance"] == 1_000_040 * USDC
    position = bench.items("perpetualPositions")[-1]
    assert (position["status"], position["side"], position["size"]) == ("CLOSED", "LONG", "0")


def test_nobody_is_liquidated_at_the_maintenance_margin() -> None:
    bench = long_bench(-8_000)
    bench.book([(80_972, 2000)], [])
    bench.oracle("80971.66")  # net 97.166, maintenance 97.165992
    totals = bench.paper.collateral.totals()
    assert totals.net == 97_166_000 and totals.maintenance == 97_165_992
    bench.block()
    assert not bench.fills and bench.ledger.holdings
    bench.oracle("80971.65")
    assert bench.paper.collateral.liquidatable()
    bench.block()
    bench.run(1)
    assert bench.fills


def test_only_a_block_liquidates() -> None:
    bench = long_bench(-8_000)
    bench.book([(80_400, 2000)], [])
    bench.oracle("80500")
    bench.run(1)
    assert not bench.fills


def test_the_fee_is_at_most_its_ppm_of_the_value() -> None:
    bench = long_bench(-7_920, WHOLE._replace(fee_ppm=5_000))
    bench.book([(80_400, 2000)], [])
    bench.oracle("80100")  # net 90 of 96.12
    bench.block()
    bench.run(1)
    assert bench.fills[-1]["fee"] == "40.2"  # of a surplus of 120
    assert bench.usdc == (-7_920 + 8_040) * USDC - 40_200_000


def test_a_fill_below_the_bankruptcy_price_is_paid_by_the_insurance_fund() -> None:
    bench = long_bench(-8_000)
    bench.book([(79_900, 2000)], [])
    bench.oracle("80500")  # fillable down to 79,801
    bench.block()
    bench.run(1)
    (fill,) = bench.fills
    assert (fill["price"], fill["fee"]) == ("79900", "-10")
    assert bench.usdc == 0
    assert bench.ledger.usdc["insurance"] == 999_990 * USDC


def test_nothing_is_sold_below_the_fillable_price() -> None:
    bench = long_bench(-8_000)
    bench.book([(79_800, 2000)], [])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    assert not bench.fills and bench.ledger.base(BTC) == 1_000_000_000
    bench.book([(79_802, 2000)], [])
    bench.block()
    bench.run(1)
    assert bench.fills


def test_where_the_fund_cannot_pay_the_position_is_deleveraged() -> None:
    bench = long_bench(-8_000, insurance_quantums=5 * USDC)
    bench.book([(79_900, 2000)], [])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    (fill,) = bench.fills
    assert (fill["type"], fill["price"], fill["fee"]) == ("DELEVERAGED", "80000", "0")
    assert bench.usdc == 0 and bench.ledger.usdc["insurance"] == 5 * USDC


def test_the_fund_pays_for_one_account_and_block_only_so_much() -> None:
    bench = long_bench(-8_000, WHOLE._replace(account_loss_max=9 * USDC))
    bench.book([(79_900, 2000)], [])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    assert bench.fills[-1]["type"] == "DELEVERAGED"


def test_below_zero_equity_the_position_is_deleveraged_at_the_bankruptcy_price() -> None:
    bench = long_bench(-8_000)
    bench.book([(70_000, 2000)], [])
    bench.oracle("79000")
    bench.block()
    bench.run(1)
    (fill,) = bench.fills
    assert (fill["type"], fill["price"]) == ("DELEVERAGED", "80000")
    assert bench.usdc == 0 and bench.ledger.usdc["insurance"] == 1_000_000 * USDC


def test_a_short_is_bought_back_up_to_its_fillable_price() -> None:
    markets = ALL | {"BTC-USD": ALL["BTC-USD"] | {"oraclePrice": "80000"}}
    bench = Noted(
        markets,
        usdc_quantums=9_100 * USDC,
        liquidation=WHOLE,
        start_positions=(("BTC-USD", "-0.1", "89000"),),
    )
    bench.oracle("90200")  # net 80 of 108.24: bankruptcy at 91,000
    limit = 90_200 + int((1 - 80 / 108.24) * 1.5 * 1082.4)
    bench.book([], [(limit + 1, 500)])
    bench.block()
    bench.run(1)
    assert not bench.fills
    bench.book([], [(90_300, 400), (limit, 600)])
    bench.block()
    bench.run(1)
    assert [(fill["side"], fill["price"], fill["size"]) for fill in bench.fills] == [
        ("BUY", "90300", "0.04"),
        ("BUY", str(limit), "0.06"),
    ]
    assert not bench.ledger.holdings
    position = bench.items("perpetualPositions")[-1]
    assert (position["status"], position["side"]) == ("CLOSED", "SHORT")


def test_a_block_takes_a_tenth_of_the_position_but_at_least_the_least_notional() -> None:
    bench = long_bench(-8_000, LiquidationRules(notional_min=100 * USDC))
    bench.book([(80_500, 5000)], [])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    assert [fill["size"] for fill in bench.fills] == ["0.01"]
    bench = long_bench(-8_000, LiquidationRules())
    bench.book([(80_500, 5000)], [])
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    assert [fill["size"] for fill in bench.fills] == ["0.0124"]  # 1,000 USDC in whole steps


def test_a_block_takes_of_an_account_only_so_much_and_a_position_only_once() -> None:
    bench = Noted(
        usdc_quantums=-100_000 * USDC,
        start_positions=(("BTC-USD", "0.5", "100000"), ("ETH-USD", "13", "4000")),
        liquidation=LiquidationRules(account_notional_max=9_000 * USDC),
    )
    bench.book([(99_999, 9000)], [])
    bench.book([(39_999, 90000)], [], ETH)
    bench.oracle("98000")
    bench.oracle("3950", ETH)
    assert bench.paper.collateral.liquidatable()
    bench.block()
    bench.run(1)
    assert {fill["ticker"] for fill in bench.fills} == {"BTC-USD", "ETH-USD"}
    assert len(bench.fills) == 2
    value = sum(float(fill["quoteAmount"]) for fill in bench.fills)
    assert value <= 10_500  # the last of them may pass the limit by its share of value above the oracle price


def test_nothing_more_is_taken_of_an_account_that_has_given_its_share_of_the_block() -> None:
    bench = Noted(
        usdc_quantums=-100_000 * USDC,
        start_positions=(("BTC-USD", "0.5", "100000"), ("ETH-USD", "13", "4000")),
        liquidation=LiquidationRules(account_notional_max=1_000 * USDC, notional_min=2_000 * USDC),
    )
    bench.book([(99_999, 9000)], [])
    bench.book([(39_999, 90000)], [], ETH)
    bench.oracle("98000")
    bench.oracle("3950", ETH)
    bench.block()
    bench.run(1)
    (fill,) = bench.fills
    assert 900 < float(fill["quoteAmount"]) < 1_100


def test_it_stops_as_soon_as_the_account_is_healthy() -> None:
    bench = long_bench(-8_000, LiquidationRules(portion_ppm=100_000, fee_ppm=0))
    bench.book([(80_600, 5000)], [])
    bench.oracle("80500")
    for _ in range(20):
        bench.block()
    bench.run(1)
    assert 0 < len(bench.fills) < 10
    totals = bench.paper.collateral.totals()
    assert totals.net >= totals.maintenance > 0


def test_our_own_resting_order_is_cancelled_where_the_liquidation_would_meet_it() -> None:
    bench = long_bench(-8_000)
    bench.book([(80_400, 2000)], [(80_600, 1000)])
    bench.buy(1, 10, 80_450)
    bench.oracle("80500")
    bench.block()
    bench.run(1)
    assert bench.told(1)[-1] == "BEST_EFFORT_CANCELED SELF_TRADE_ERROR"
    assert [fill["price"] for fill in bench.fills] == ["80400"]


def test_orders_do_not_take_what_the_liquidation_took() -> None:
    bench = long_bench(-8_000)
    bench.book([(80_400, 1000)], [(80_600, 1000)])
    bench.oracle("80500")
    bench.block()
    bench.place(1, 1, 10, 80_000, time_in_force="ioc")
    assert bench.steps() == 0
    assert bench.place(2, BUY, 1, 80_600, time_in_force="ioc") == 0


def test_a_short_worth_less_than_nothing_is_closed_for_next_to_nothing() -> None:
    markets = ALL | {"BTC-USD": ALL["BTC-USD"] | {"oraclePrice": "80000"}}
    bench = Noted(
        markets,
        usdc_quantums=-2_000 * USDC,
        liquidation=WHOLE,
        start_positions=(("BTC-USD", "-0.1", "89000"),),
    )
    bench.block()
    bench.run(1)
    assert bench.fills[-1]["price"] == "0.00001" and not bench.ledger.holdings
    assert bench.usdc == -2_000 * USDC - 1, "no position is closed for nothing or less"
