"""Premiums, samples, ticks and settlement: the rules and the worked example of funding.md."""

from __future__ import annotations

import pytest

from sniper.exchange.chain import funding
from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import FundingForeseen, FundingTicked, SubaccountChanged
from tests.small_chain import (
    ALICE,
    BLOCK_NS,
    BOB,
    BTC,
    CAROL,
    DAVE,
    ISO,
    PRICES,
    SECOND_NS,
    USDC,
    block,
    chain,
    of,
    put,
    usdc,
)

HOUR_NS = 3_600 * SECOND_NS


def quoted(bid: float, ask: float, size: float = 0.2, money: int = 100_000 * USDC) -> Chain:
    """A chain whose BTC book has one level a side for a while."""
    made = chain(money=money)
    put(made, ALICE, "buy", size, bid, good_til_block=142)
    put(made, BOB, "sell", size, ask, good_til_block=142)
    return made


# The vote.


@pytest.mark.parametrize(
    ("bid", "ask", "size", "ppm"),
    [
        (89_990, 90_010, 0.2, 0),  # the index lies inside
        (90_000, 90_010, 0.2, 0),
        (90_090, 90_100, 0.2, 1_000),  # above: what selling the impact notional gets
        (89_900, 89_910, 0.2, -1_000),
        (90_090, 90_100, 0.1, 0),  # not deep enough for 10,000 USDC
        (90_001, 90_100, 0.2, 11),  # 11.1, cut off
        (89_900, 89_999, 0.2, -11),
    ],
)
def test_a_vote(bid: float, ask: float, size: float, ppm: int) -> None:
    assert funding.premium(quoted(bid, ask, size).core.markets[0]) == ppm


def test_an_impact_price_is_the_mean_of_what_it_takes() -> None:
    made = chain()
    put(made, ALICE, "buy", 0.05, 90_900)  # 4,545 USDC
    put(made, ALICE, "buy", 1, 90_090)
    # The rest, 5,455 USDC, buys 0.060550 at 90,090: 10,000 / 0.110550 = 90,456.3: 5070 ppm above the index.
    exact = 10_000 / (0.05 + (10_000 - 4_545) / 90_090)
    assert funding.premium(made.core.markets[0]) == int((exact / 90_000 - 1) * 1e6) == 5070


def test_votes_are_clamped_and_empty_books_vote_nothing() -> None:
    made = chain()
    assert funding.premium(made.core.markets[0]) == 0
    put(made, ALICE, "buy", 1, 190_000)
    # 60 x (2 % - 1.2 %) = 48 %
    assert funding.premium(made.core.markets[0]) == 480_000


def test_the_vote_takes_the_index_price_not_the_oracles() -> None:
    made = chain(markets=(BTC._replace(min_price_change_ppm=10_000),))
    put(made, ALICE, "buy", 0.2, 90_000)
    put(made, BOB, "sell", 0.2, 90_090)
    made.set_oracle({0: 89_900 * 10**5})
    block(made)
    assert made.oracle(0)[0] == 90_000 * 10**5
    assert funding.premium(made.core.markets[0]) == int((90_000 / 89_900 - 1) * 1e6)


# Samples and ticks.


def run_to(made: Chain, ns: int, every_ns: int = BLOCK_NS) -> list[object]:
    news: list[object] = []
    while made.now_ns < ns:
        news.extend(block(made, min(every_ns, ns - made.now_ns)))
    return news


def test_a_sample_is_the_median_of_a_minute_padded_to_fifteen_votes() -> None:
    assert funding._median([]) == 0
    assert funding._median([5] * 7) == 0  # seven of fifteen
    assert funding._median([5] * 8) == 5
    assert funding._median([5] * 8 + [7] * 8) == 6  # an even count: the mean of the middle two
    assert funding._median([5] * 8 + [8] * 8) == 7  # 6.5, away from zero
    assert funding._median([-5] * 8 + [-8] * 8) == -7


def test_samples_come_at_half_past_each_minute() -> None:
    made = quoted(90_090, 90_100)
    start = made.now_ns - made.now_ns % (60 * SECOND_NS)
    run_to(made, start + 29 * SECOND_NS)
    assert made.core.markets[0].samples == []
    assert len(made.core.markets[0].votes) > 15
    run_to(made, start + 30 * SECOND_NS)
    assert made.core.markets[0].samples == [1_000]
    assert made.core.markets[0].votes == []


def test_an_hour_is_the_mean_of_sixty_samples() -> None:
    made = chain()
    core = made.core
    next_hour = made.now_ns - made.now_ns % HOUR_NS + HOUR_NS
    core.next_sample_ns = next_hour + HOUR_NS
    core.markets[0].samples.extend([1_141])  # 1,141 / 60 = 19.02: toward zero
    core.markets[1].samples.extend([-100] * 70)
    run_to(made, next_hour - 1, 30 * SECOND_NS)
    core.outage_at = 0
    made.set_oracle({0: 8_999_380_000})
    (tick,) = of(block(made, 1), FundingTicked)
    rates = {perpetual: (rate, index) for perpetual, rate, index, _, _ in tick.ticks}
    # funding.md 4: 19 ppm at 89,993.8 is an index delta of 21. ISO's rate is its default of 100 ppm.
    assert rates[0] == (19, 21)
    assert rates[1][0] == -100
    assert rates[70][0] == 100
    assert core.markets[0].samples == []
    assert tick.ticks[0][3:] == (8_999_380_000, -5)


def test_the_rate_is_clamped_to_six_times_the_margin_spread() -> None:
    made = chain()
    market = made.core.markets[0]
    market.samples.extend([10**6] * 60)
    assert funding.rate_ppm(market) == 48_000  # 6 x 0.8 %
    market.samples[:] = [-(10**6)] * 60
    assert funding.rate_ppm(market) == -48_000


@pytest.mark.parametrize(
    ("rate", "price", "delta"),
    [(19, 8_999_380_000, 21), (-19, 8_999_380_000, -21), (0, 8_999_380_000, 0), (1, 8_999_380_000, 1)],
)
def test_the_index_delta_is_cut_off_twice(rate: int, price: int, delta: int) -> None:
    made = chain()
    made.core.markets[0].oracle = price
    assert funding.index_delta(made.core.markets[0], rate) == delta


def test_whoever_holds_at_the_hour_pays_for_all_of_it_when_next_touched() -> None:
    made = chain()
    next_hour = made.now_ns - made.now_ns % HOUR_NS + HOUR_NS
    run_to(made, next_hour - SECOND_NS, 60 * SECOND_NS)
    made.core.next_sample_ns = next_hour + HOUR_NS
    made.core.markets[0].samples[:] = [19 * 60]
    made.set_oracle({0: 8_999_380_000})
    # A fill in the very block of the tick counts.
    put(made, BOB, "sell", 0.5, 90_000, good_til_block=made.height + 5)
    put(made, ALICE, "buy", 0.5, 90_000, good_til_block=made.height + 5)
    news = block(made, 2 * SECOND_NS)
    assert of(news, FundingTicked)[0].ticks[0][1:3] == (19, 21)
    cash = {who: usdc(made, who) for who in (ALICE, BOB)}
    equity = made.standing(ALICE).net_collateral
    assert equity == cash[ALICE] + made.core.markets[0].notional(5 * 10**9) - 105_000
    for _ in range(3):
        assert not of(block(made), SubaccountChanged)
    assert usdc(made, ALICE) == cash[ALICE]
    made.transfer(ALICE, BOB, 1, "TX")
    news = {item.subaccount: item for item in of(block(made), SubaccountChanged)}
    assert news[ALICE].funding == ((0, -105_000),) and news[BOB].funding == ((0, 105_000),)
    assert news[ALICE].usdc == cash[ALICE] - 105_000 - 1
    assert news[BOB].usdc == cash[BOB] + 105_000 + 1
    assert [held.funding_index for held in news[ALICE].holdings] == [21]
    assert made.standing(ALICE).net_collateral == equity - 1


def test_no_time_no_funding() -> None:
    made = chain()
    next_hour = made.now_ns - made.now_ns % HOUR_NS + HOUR_NS
    put(made, BOB, "sell", 0.5, 90_000)
    put(made, ALICE, "buy", 0.5, 90_000)
    put(made, CAROL, "buy", 0.5, 90_000)
    put(made, DAVE, "sell", 0.5, 90_000)
    run_to(made, next_hour + SECOND_NS, 60 * SECOND_NS)
    before = made.core.markets[0].funding_index
    made.core.markets[0].samples[:] = [100 * 60]
    made.transfer(ALICE, BOB, 1, "TX")
    block(made)
    assert made.core.markets[0].funding_index == before


# What the market updater says.


def test_the_next_rate_is_the_plain_mean_of_the_samples_so_far() -> None:
    made = chain()
    # funding.md 5: 224 ppm over 11 samples.
    made.core.markets[0].samples.extend([20] * 10 + [24])
    made.core.markets[7].samples.extend([8])
    told: list[FundingForeseen] = []
    start = made.now_ns
    while made.now_ns < start + 61 * SECOND_NS:
        made.core.next_sample_ns = made.now_ns + HOUR_NS
        told.extend(of(block(made), FundingForeseen))
    assert len(told) == 2
    assert dict(told[0].rates) == {0: "0.00000254545454545455", 70: "0.0000135"}


def test_a_market_without_samples_keeps_what_was_said() -> None:
    made = chain()
    made.core.next_sample_ns = made.now_ns + HOUR_NS
    assert not of(block(made, 40 * SECOND_NS), FundingForeseen)
    assert PRICES and ISO.default_funding_ppm
