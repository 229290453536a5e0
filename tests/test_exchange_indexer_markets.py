"""Markets: what a new one says, oracle prices, statistics of the job, funding to come."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange import facts
from sniper.exchange.facts import FundingForeseen, FundingTicked, MarketChanged, OraclePriced
from sniper.exchange.terms import FINAL_SETTLEMENT, INITIALIZING, Terms
from tests import exchange_shapes as shape
from tests.exchange_chain import BTC, ETH, OTHER, SECOND_NS, ScriptedChain, changed, filled, order
from tests.exchange_indexing import Desk, contents

DAY_NS = 86_400 * SECOND_NS
PEPE = BTC._replace(
    atomic_resolution=1,
    quantum_conversion_exponent=-9,
    step_base_quantums=1,
    subticks_per_tick=10**7,
    open_interest_lower_cap=20 * 10**12,
    open_interest_upper_cap=50 * 10**12,
)


@pytest.fixture
def desk() -> Desk:
    found = Desk()
    found.connect()
    found.subscribe("v4_markets")
    return found


def told(desk: Desk) -> list[Any]:
    found = contents(desk.read(), "v4_markets")
    shape.check(found, [shape.MARKETS_UPDATE])
    return found


def trade(desk: Desk, steps: int, price: int) -> None:
    taker, maker = (
        order(1, 1, steps, price, time_in_force=facts.IOC),
        order(2, 2, steps, price, subaccount=OTHER),
    )
    base = steps * BTC.step_base_quantums
    held = desk.indexer.store.state.accounts.at(taker.id.subaccount).positions.get(0)
    base += held.size if held else 0
    desk.block(
        filled(taker, maker, steps, 0), changed(0, (0, base, 0)), changed(0, (0, -base, 0), subaccount=OTHER)
    )


def test_oracle_prices_come_alone_and_several_at_once(desk: Desk) -> None:
    desk.block(OraclePriced(((0, 9_000_000_000, -5), (1, 3_000_000_000, -6), (99, 1, 0))))
    assert told(desk) == [
        {
            "oraclePrices": {
                "BTC-USD": {"oraclePrice": "90000", "effectiveAt": "2025-12-08T16:00:00.650Z",
                            "effectiveAtHeight": "1001", "marketId": 0},
                "ETH-USD": {"oraclePrice": "3000", "effectiveAt": "2025-12-08T16:00:00.650Z",
                            "effectiveAtHeight": "1001", "marketId": 1},
            }
        }
    ]  # fmt: skip
    assert desk.ok("/v4/perpetualMarkets")["markets"]["BTC-USD"]["oraclePrice"] == "90000"


def test_statistics_are_told_every_30_seconds_and_only_what_changed(desk: Desk) -> None:
    trade(desk, 100, 90_000)
    trade(desk, 50, 90_000)
    assert told(desk) == []
    assert desk.ok("/v4/perpetualMarkets")["markets"]["BTC-USD"]["volume24H"] == "0"
    desk.wait(30 * SECOND_NS)
    assert told(desk) == [
        {"trading": {"BTC-USD": {"volume24H": "1350", "trades24H": 2, "openInterest": "0.015"}}}
    ]
    found = desk.ok("/v4/perpetualMarkets")["markets"]["BTC-USD"]
    assert (found["volume24H"], found["trades24H"], found["openInterest"]) == ("1350", 2, "0.015")
    desk.wait(60 * SECOND_NS)
    assert told(desk) == []


def test_the_rate_to_come_is_told_with_the_statistics(desk: Desk) -> None:
    desk.take(FundingForeseen(((0, "0.00000254545454545455"), (7, "1"))))
    assert told(desk) == []
    desk.wait(30 * SECOND_NS)
    assert told(desk) == [{"trading": {"BTC-USD": {"nextFundingRate": "0.00000254545454545455"}}}]


def test_after_a_day_trades_are_forgotten_and_the_price_change_is_absolute(desk: Desk) -> None:
    desk.block(OraclePriced(((0, 9_000_000_000, -5),)))
    trade(desk, 100, 90_000)
    desk.wait(60 * SECOND_NS)
    desk.block(OraclePriced(((0, 9_123_000_000, -5),)), after_ns=90 * SECOND_NS)
    told(desk)
    desk.now_ns += DAY_NS - 20 * SECOND_NS
    desk.wait(30 * SECOND_NS)
    found = desk.ok("/v4/perpetualMarkets")["markets"]["BTC-USD"]
    assert (found["volume24H"], found["trades24H"], found["priceChange24H"]) == ("0", 0, "1230")


def test_a_new_market_is_told_and_may_be_asked_for_some_minutes_later() -> None:
    chain = ScriptedChain([BTC])
    desk = Desk(chain)
    desk.connect()
    desk.subscribe("v4_markets")
    chain.listed[1] = ETH._replace(status=INITIALIZING)
    desk.block(MarketChanged(1))
    (news,) = told(desk)
    item = news["trading"]["ETH-USD"]
    assert (item["id"], item["status"], item["tickSize"], item["stepSize"]) == (
        "1",
        "INITIALIZING",
        "0.1",
        "0.001",
    )
    assert "oraclePrice" not in item and "volume24H" not in item
    assert desk.subscribe("v4_orderbook", "ETH-USD")["message"].startswith("Invalid subscription id")
    assert "ETH-USD" in desk.ok("/v4/perpetualMarkets")["markets"]
    desk.wait(301 * SECOND_NS)
    desk.read()
    assert desk.subscribe("v4_orderbook", "ETH-USD")["type"] == "subscribed"


def test_changed_terms_are_told_and_kept(desk: Desk) -> None:
    desk.chain.listed[0] = BTC._replace(status=FINAL_SETTLEMENT, initial_margin_ppm=50_000)
    desk.block(MarketChanged(0))
    item = told(desk)[0]["trading"]["BTC-USD"]
    assert (item["status"], item["initialMarginFraction"], item["maintenanceMarginFraction"]) == (
        "FINAL_SETTLEMENT",
        "0.05",
        "0.03",
    )
    assert desk.ok("/v4/perpetualMarkets")["markets"]["BTC-USD"]["status"] == "FINAL_SETTLEMENT"


def test_a_funding_tick_is_one_row_a_market(desk: Desk) -> None:
    desk.block(FundingTicked(((0, 19, 21, 8_999_380_000, -5), (77, 1, 1, 1, 0))))
    assert desk.ok("/v4/historicalFunding/BTC-USD")["historicalFunding"] == [
        {
            "ticker": "BTC-USD",
            "rate": "0.000002375",
            "price": "89993.8",
            "effectiveAtHeight": "1001",
            "effectiveAt": "2025-12-08T16:00:00.650Z",
        }
    ]


@pytest.mark.parametrize(
    ("terms", "tick", "step", "caps"),
    [
        (BTC, "1", "0.0001", ("0", "0")),
        (ETH, "0.1", "0.001", ("0", "0")),
        (PEPE,
         "0.000000001", "10", ("20000000", "50000000")),
    ],
)  # fmt: skip
def test_grids_and_caps(terms: Terms, tick: str, step: str, caps: tuple[str, str]) -> None:
    found = Desk(ScriptedChain([terms])).ok("/v4/perpetualMarkets")["markets"][terms.ticker]
    assert (found["tickSize"], found["stepSize"]) == (tick, step)
    assert (found["openInterestLowerCap"], found["openInterestUpperCap"]) == caps
