"""The table of markets."""

from __future__ import annotations

import statistics

import pytest

from sniper.feed.sim.universe import TICKERS, UNIVERSE, select


def test_the_universe_is_of_the_real_shape() -> None:
    specs = list(UNIVERSE.values())
    assert len(specs) == 60 and TICKERS[:2] == ("BTC-USD", "ETH-USD")
    assert len({spec.clob_pair for spec in specs}) == len({spec.market_id for spec in specs}) == 60
    assert [spec.ticker for spec in specs if spec.status == "FINAL_SETTLEMENT"] == ["MATIC-USD"]
    assert {spec.margin for spec in specs} == {"CROSS", "ISOLATED"}
    assert UNIVERSE["PEPE-USD"].atomic_resolution == 1
    rates = [spec.changes_per_s for spec in specs]
    assert rates[:2] == [300.0, 300.0] and rates == sorted(rates, reverse=True)
    assert statistics.median(spec.trades_per_day for spec in specs) == 16
    assert any(spec.market_id != spec.clob_pair for spec in specs)


@pytest.mark.parametrize("ticker", TICKERS)
def test_a_grid_follows_from_the_numbers_of_the_chain(ticker: str) -> None:
    spec = UNIVERSE[ticker]
    assert spec.subticks_per_tick * 10.0 ** (-15 - spec.atomic_resolution) == pytest.approx(
        10.0**-spec.tick_decimals
    )
    assert 1_000_000 * 10.0**spec.atomic_resolution == pytest.approx(10.0**-spec.step_decimals)
    ticks = spec.price_usd * 10.0**spec.tick_decimals
    assert 400 < ticks < 200_000, "room for a hundred levels below, and a readable price"
    assert 1e9 <= spec.price_usd * 10.0**spec.oracle_decimals < 1.1e10
    assert spec.oracle_decimals > spec.tick_decimals


def test_markets_are_chosen_by_number_or_by_name() -> None:
    assert [spec.ticker for spec in select(3)] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert [spec.ticker for spec in select(("PEPE-USD", "BTC-USD"))] == ["PEPE-USD", "BTC-USD"]
    assert len(select(60)) == 60


@pytest.mark.parametrize(
    ("markets", "message"),
    [
        (0, "1 to 60"),
        (61, "1 to 60"),
        (["FOO-USD"], "no market 'FOO-USD'"),
        ([], "at least one"),
        (["BTC-USD", "BTC-USD"], "twice"),
    ],
)
def test_a_wrong_choice_is_named(markets: int | list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select(markets)
