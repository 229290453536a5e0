"""The ledger: entries, positions, funding by the index, and conservation over all parties (proof 4)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sniper.funding_rules import index_change, rate_ppm
from sniper.venues.ledger import ACCOUNT, PARTIES, Ledger, opened
from tests.paper_differential import session, to_the_hour
from tests.papers import BTC, Bench


def test_the_worked_example_of_funding_md() -> None:
    ledger = opened(0, 0)
    ledger.trade(BTC, 5_000_000_000, 0, "e")
    ledger.accrue(BTC, index_change(rate_ppm(2375, 9), 8_999_380_000, 5, -10))
    assert ledger.indexes[BTC] == 21
    assert ledger.unsettled() == -105_000
    assert ledger.settle() == -105_000 and ledger.usdc[ACCOUNT] == -105_000
    assert ledger.holdings[BTC].funding == -105_000


def test_dust_goes_against_each_side() -> None:
    ledger = opened(1000, 0)
    ledger.trade(BTC, 333_333, 0, "e")
    ledger.accrue(BTC, 1)
    assert ledger.settle() == -1
    assert ledger.usdc == {"account": 999, "market": 0, "fees": 0, "insurance": 0, "dust": 1}


def test_a_position_is_entered_left_and_turned() -> None:
    ledger = opened(0, 0)
    assert ledger.trade(BTC, 10, 100, "a") == []
    assert ledger.trade(BTC, 10, 120, "b") == []
    assert ledger.trade(BTC, -5, 70, "c") == []
    holding = ledger.holdings[BTC]
    assert (holding.base, holding.most, holding.event) == (15, 20, "a")
    assert (holding.opened, holding.opened_quote, holding.closed, holding.closed_quote) == (20, 220, 5, 70)
    (ended,) = ledger.trade(BTC, -25, 400, "d")
    assert (ended.base, ended.closed, ended.closed_quote) == (0, 20, 70 + 240)
    turned = ledger.holdings[BTC]
    assert (turned.base, turned.opened, turned.opened_quote, turned.event) == (-10, 10, 160, "d")
    assert ledger.usdc[ACCOUNT] == -220 + 70 + 400
    (ended,) = ledger.trade(BTC, 10, 100, "e")
    assert not ledger.holdings and ended.closed_quote == 100


def test_a_granted_position_moves_no_money() -> None:
    ledger = opened(7, 0)
    ledger.grant(BTC, -10, 50, "a")
    assert ledger.usdc[ACCOUNT] == 7 and ledger.base(BTC) == -10
    assert ledger.sums() == (7, {BTC: 0})


def test_it_is_saved_whole() -> None:
    ledger = opened(7, 9)
    ledger.trade(BTC, 10, 100, "a")
    ledger.accrue(BTC, 5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(ledger), type=Ledger) == ledger


ENTRIES = st.one_of(
    st.tuples(st.just("trade"), st.integers(0, 2), st.integers(-(10**12), 10**12), st.integers(0, 10**15)),
    st.tuples(st.just("accrue"), st.integers(0, 2), st.integers(-(10**6), 10**6), st.just(0)),
    st.tuples(st.just("settle"), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("pay"), st.integers(0, 4), st.integers(0, 4), st.integers(-(10**9), 10**9)),
)


@given(st.lists(ENTRIES, max_size=40))
def test_the_sums_over_all_parties_never_change(entries: list[tuple[str, int, int, int]]) -> None:
    ledger = opened(10**10, 10**12)
    quote, _ = ledger.sums()
    for what, a, b, c in entries:
        if what == "trade" and b:
            ledger.settle()
            ledger.trade(a, b, c, "e")
        elif what == "accrue":
            ledger.accrue(a, b)
        elif what == "settle":
            assert ledger.unsettled() == ledger.settle()
        elif what == "pay":
            ledger.pay(PARTIES[a], PARTIES[b], c)
        total, bases = ledger.sums()
        assert total == quote and not any(bases.values())
        assert all(
            holding.base == ledger.bases[ACCOUNT][market] for market, holding in ledger.holdings.items()
        )


# --- through the venue -----------------------------------------------------------------------------------------------


@pytest.fixture
def bench() -> Bench:
    bench = Bench(usdc_quantums=10**11)
    bench.book([(99_990, 50_000)], [(100_010, 50_000)])
    return bench


def test_funding_is_charged_by_the_first_block_at_or_after_the_hour(bench: Bench) -> None:
    bench.buy(1, 5000, 100_010, time_in_force="ioc")
    bench.oracle("89993.8")
    bench.block(to_the_hour(bench) - 1)
    assert bench.ledger.unsettled() == 0
    bench.block(1)
    assert bench.ledger.unsettled() == -105_000
    bench.block()
    assert bench.ledger.unsettled() == -105_000
    assert bench.usdc == 10**11 - 50_005_000_000 - 25_002_500, "settled only when the account is touched"
    bench.sell(2, 1, 99_990, time_in_force="ioc")
    bench.run(1)
    assert bench.ledger.unsettled() == 0
    assert bench.items("perpetualPositions")[-1]["netFunding"] == "-0.105"


def test_the_rate_is_the_last_before_the_block_and_the_oracle_price_is_the_blocks(bench: Bench) -> None:
    bench.sell(1, 5000, 99_990, time_in_force="ioc")
    bench.trading(nextFundingRate="0.00001")
    ms = to_the_hour(bench)
    at_ns = bench.now_ns + ms * 1_000_000
    frames = [bench.trading_frame(nextFundingRate="0.000002375"), bench.block_frame(at_ns)]
    frames += [bench.oracle_frame("89993.8"), bench.trading_frame(nextFundingRate="0.00009")]
    bench.tick(*frames, ms=ms)
    assert bench.ledger.unsettled() == 105_000, "a short receives"


def test_two_blocks_in_one_tick_have_their_own_prices(bench: Bench) -> None:
    bench.buy(1, 5000, 100_010, time_in_force="ioc")
    ms = to_the_hour(bench)
    at_ns = bench.now_ns + ms * 1_000_000
    frames = [bench.block_frame(at_ns), bench.oracle_frame("89993.8"), bench.block_frame(at_ns + 1_000_000)]
    bench.tick(*frames, bench.oracle_frame("200000"), ms=ms + 1)
    assert bench.ledger.unsettled() == -105_000


def test_who_opens_after_the_hour_and_closes_before_the_next_pays_nothing(bench: Bench) -> None:
    bench.block(to_the_hour(bench))
    bench.buy(1, 5000, 100_010, time_in_force="ioc")
    bench.block(to_the_hour(bench) - 1)
    bench.sell(2, 5000, 99_990, time_in_force="ioc")
    bench.block(1)
    bench.block()
    assert bench.ledger.unsettled() == 0 and not bench.ledger.indexes.get(BTC)


def test_who_fills_in_the_very_block_pays_for_the_whole_hour(bench: Bench) -> None:
    bench.block(to_the_hour(bench) - 100)
    bench.buy(1, 5000, 100_010, time_in_force="ioc")
    bench.oracle("89993.8")
    bench.block(100)
    assert bench.ledger.unsettled() == -105_000


def test_hours_that_no_block_was_told_of_are_charged_by_the_next(bench: Bench) -> None:
    bench.buy(1, 5000, 100_010, time_in_force="ioc")
    bench.oracle("89993.8")
    bench.block(to_the_hour(bench) + 2 * 3_600_000)
    assert bench.ledger.unsettled() == -315_000


ACTIONS = st.one_of(
    st.tuples(st.just("ioc"), st.integers(0, 1), st.integers(0, 1), st.integers(1, 3000)),
    st.tuples(st.just("rest"), st.integers(0, 1), st.integers(0, 1), st.integers(1, 3000)),
    st.tuples(st.just("trade"), st.integers(0, 1), st.integers(0, 1), st.integers(1, 4000)),
    st.tuples(st.just("move"), st.integers(0, 1), st.just(0), st.integers(-5000, 5000)),
    st.tuples(st.just("hour"), st.integers(0, 1), st.just(0), st.integers(-2000, 2000)),
    st.tuples(st.just("block"), st.just(0), st.just(0), st.just(0)),
)


@given(st.lists(ACTIONS, min_size=10, max_size=40), st.integers(60, 2000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example([("ioc", 0, 0, 300), ("move", 0, 0, -1200), ("hour", 0, 0, 900), ("block", 0, 0, 0)] * 2, 70)
@example([("ioc", 0, 1, 300), ("move", 0, 0, 2100), ("block", 0, 0, 0), ("hour", 0, 0, 900)] * 2, 70)
def test_a_session_of_fills_funding_and_liquidations_agrees_with_the_twin(
    actions: list[tuple[str, int, int, int]], usd: int
) -> None:
    session(actions, usd)
