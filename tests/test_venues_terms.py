"""What the paper venue reads of a market."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.venues.terms import Markets, Price, Terms, compared, quote_of, ticks_over
from tests.papers import ALL, BTC, ETH, Bench


def terms(market: int = BTC, **fields: Any) -> Terms | None:
    ticker = list(ALL)[market]
    return Markets(Bench(markets=ALL | {ticker: ALL[ticker] | fields}).decoder).terms(market)


def test_the_terms_of_a_market() -> None:
    found = terms()
    assert found == Terms(BTC, "BTC-USD", 0, "ACTIVE", False, -10, -9, 1_000_000, 100_000, 1, 0, 1, 4)
    isolated = terms(2)
    assert isolated is not None and isolated.isolated


@pytest.mark.parametrize(
    "field",
    ["atomicResolution", "quantumConversionExponent", "stepBaseQuantums", "subticksPerTick", "clobPairId"],
)
def test_a_market_that_lacks_a_number_has_no_terms(field: str) -> None:
    assert terms(**{field: None}) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("atomicResolution", -31), ("quantumConversionExponent", 31), ("stepBaseQuantums", 0)],
)
def test_a_market_with_impossible_numbers_has_no_terms(field: str, value: int) -> None:
    assert terms(**{field: value}) is None


def test_the_checked_examples_of_margin_md() -> None:
    bitcoin, ether = terms(), terms(ETH)
    assert bitcoin is not None and ether is not None
    assert quote_of(bitcoin, 123_000_000, 89_958) == 1_106_483_400
    assert quote_of(ether, 1_001_000_000, 31_031) == 3_106_203_100


def test_a_value_is_cut_off_toward_zero() -> None:
    found = terms()
    assert found is not None
    assert quote_of(found._replace(exponent=-12), 10**6, 19) == 1


def test_prices_are_compared_exactly() -> None:
    assert compared(Price(10, 1), Price(1, 0)) == 0
    assert compared(Price(-1, 18), Price(0, 0)) == -1
    found = terms(ETH)
    assert found is not None
    assert [
        ticks_over(found, 40_000, Price(number, 5)) for number in (399_999_999, 400_000_000, 400_000_001)
    ] == [1, 0, -1]


def test_only_followed_markets_are_kept() -> None:
    bench = Bench()
    markets = Markets(bench.decoder)
    markets.terms(BTC)
    markets.terms(ETH)
    markets.keep((BTC,))
    assert list(markets.oracle) == [BTC] == list(markets.rate) == list(markets._terms)
    assert markets.oracle[BTC] == Price(100_000, 0) and markets.rate[BTC] == Price(2375, 9)
    bench.oracle("5")
    assert markets.oracle[BTC] == Price(100_000, 0), "row by row, not behind our back"
    markets.keep(())
    assert not markets.oracle
    markets.clear()
    assert markets.terms(99) is None and markets.terms(-1) is None
