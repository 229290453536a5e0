"""Which connection carries which subscription."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import ConfigError
from sniper.feed.plan import (
    BLOCK_HEIGHT,
    CANDLES,
    CONNECTIONS_MAX,
    IDS_MAX,
    MARKETS,
    ORDERBOOK,
    SUBACCOUNTS,
    TRADES,
    Plan,
    Subscription,
    Wanted,
    check_fits,
    market_subscriptions,
    place,
)

RESOLUTIONS = ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY")


def names(count: int) -> list[str]:
    return [f"M{i}-USD" for i in range(count)]


def where(plan: Plan) -> dict[Subscription, int]:
    """The connection of each subscription but the block heights; none may be placed twice."""
    found = [(s, i) for i, part in enumerate(plan) for s in part if s.channel != BLOCK_HEIGHT]
    assert len(found) == len(dict(found))
    return dict(found)


def assert_legal(plan: Plan) -> None:
    assert 1 <= len(plan) <= CONNECTIONS_MAX
    assert [s for part in plan for s in part].count(Subscription(MARKETS)) == 1
    assert plan[0][0] == Subscription(MARKETS)
    for part in plan:
        if part:
            assert part.count(Subscription(BLOCK_HEIGHT)) == 1
        for channel, count in Counter(s.channel for s in part).items():
            assert count <= IDS_MAX[channel]


def test_a_small_config_fits_one_connection_in_a_fixed_order() -> None:
    plan = place(["BTC-USD", "ETH-USD"], Wanted(resolutions=("1MIN",)))
    assert plan == (
        (
            Subscription(MARKETS),
            Subscription(BLOCK_HEIGHT),
            Subscription(ORDERBOOK, "BTC-USD"),
            Subscription(ORDERBOOK, "ETH-USD"),
            Subscription(TRADES, "BTC-USD"),
            Subscription(TRADES, "ETH-USD"),
            Subscription(CANDLES, "BTC-USD/1MIN"),
            Subscription(CANDLES, "ETH-USD/1MIN"),
        ),
    )


def test_without_markets_only_the_markets_channel_and_the_block_height() -> None:
    assert place([], Wanted()) == ((Subscription(MARKETS), Subscription(BLOCK_HEIGHT)),)


def test_thirty_two_of_a_channel_fit_and_the_next_opens_a_connection() -> None:
    assert len(place(names(32), Wanted(resolutions=("1MIN",)))) == 1
    plan = place(names(33), Wanted(resolutions=("1MIN",)))
    assert len(plan) == 2
    assert plan[1] == (
        Subscription(BLOCK_HEIGHT),
        Subscription(ORDERBOOK, "M32-USD"),
        Subscription(TRADES, "M32-USD"),
        Subscription(CANDLES, "M32-USD/1MIN"),
    )


def test_what_needs_ten_connections_is_refused_with_the_arithmetic() -> None:
    with pytest.raises(ConfigError) as caught:
        check_fits(names(153), Wanted(resolutions=("1MIN", "1HOUR")))
    text = str(caught.value)
    assert "153 markets x 2 resolutions = 306 candle ids / 32 = 10 connections, at most 9: " in text
    assert "watch at most 144 markets (feed.markets) or fewer resolutions (feed.candles)" in text
    assert caught.value.exit_code == 3
    with pytest.raises(
        ConfigError, match="289 markets = 289 order book ids / 32 = 10 connections, at most 9: "
    ):
        place(names(289), Wanted())


def test_the_largest_configs_that_fit() -> None:
    assert len(place(names(288), Wanted(resolutions=("1MIN",)))) == 9
    assert len(place(names(144), Wanted(resolutions=("1MIN", "1DAY")))) == 9
    everything = place(names(41), Wanted(resolutions=RESOLUTIONS))  # 287 candle ids, 288 places
    assert_legal(everything)
    assert len(where(everything)) == 1 + 41 * 9


def test_accounts_have_a_limit_of_their_own() -> None:
    accounts = tuple(f"dydx1/{n}" for n in range(300))
    plan = place(["BTC-USD"], Wanted(subaccounts=accounts))
    assert_legal(plan)
    assert len(plan) == 2
    assert Counter(s.channel for s in plan[0])[SUBACCOUNTS] == 256
    with pytest.raises(ConfigError, match="2305 v4_subaccounts ids / 256 = 10 connections, at most 9"):
        place([], Wanted(subaccounts=tuple(map(str, range(2305)))))


def test_a_market_shares_a_connection_when_there_is_room() -> None:
    wanted = Wanted(resolutions=RESOLUTIONS)  # 7 candle ids each: 4 markets a connection
    found = where(place(names(36), wanted))
    for ticker in names(36):
        assert len({found[s] for s in market_subscriptions(ticker, wanted)}) == 1


def test_what_is_held_stays_where_it_is_and_an_emptied_connection_keeps_its_number() -> None:
    wanted = Wanted(resolutions=("1MIN",))
    first = place(names(96), wanted)
    fewer = place(names(96)[:32] + names(96)[64:], wanted, held=first)
    assert fewer[1] == ()
    assert fewer[2] == first[2]
    more = place(["NEW-USD", *names(96)[:32], *names(96)[64:]], wanted, held=fewer)
    assert where(more)[Subscription(ORDERBOOK, "NEW-USD")] == 1
    assert place(names(96)[:32], wanted, held=first) == first[:1]


def test_equal_tickers_count_once() -> None:
    assert place(["BTC-USD"] * 500, Wanted()) == place(["BTC-USD"], Wanted())


@given(
    counts=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    resolutions=st.sets(st.sampled_from(RESOLUTIONS), max_size=7),
    book=st.booleans(),
    trades=st.booleans(),
    rotate=st.integers(0, 30),
)
def test_any_sequence_of_watches_is_legal_complete_and_stable(
    counts: list[int], resolutions: set[str], book: bool, trades: bool, rotate: int
) -> None:
    wanted = Wanted(book, trades, tuple(sorted(resolutions)))
    held: Plan = ()
    for turn, count in enumerate(counts):
        tickers = [f"M{(i + turn * rotate) % 90}-USD" for i in range(count)]
        if resolutions and -(-count * len(resolutions) // 32) > CONNECTIONS_MAX:
            with pytest.raises(ConfigError):
                place(tickers, wanted, held)
            return
        plan = place(tickers, wanted, held)
        assert_legal(plan)
        found = where(plan)
        needed = {s for ticker in tickers for s in market_subscriptions(ticker, wanted)}
        assert set(found) == needed | {Subscription(MARKETS)}
        before = where(held)
        assert all(found[s] == before[s] for s in needed & set(before))
        assert plan == place(tickers, wanted, held)
        held = plan
