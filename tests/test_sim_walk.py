"""The price process."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from sniper.feed.sim.universe import UNIVERSE
from sniper.feed.sim.walk import FACTOR_MAX, Walk, Weather


def path(ticker: str, blocks: int, seed: int = 1) -> tuple[Walk, list[float]]:
    weather = Weather(Random(f"{seed}w").random)
    walk = Walk(UNIVERSE[ticker], Random(f"{seed}k").random)
    prices = [walk.index_ticks]
    for _ in range(blocks):
        weather.step()
        walk.step(weather)
        prices.append(walk.index_ticks)
    return walk, prices


@pytest.mark.parametrize("ticker", ["BTC-USD", "PEPE-USD", "MKR-USD"])
def test_a_walk_stays_within_its_bounds_and_moves(ticker: str) -> None:
    _, prices = path(ticker, 20_000)
    start = prices[0]
    assert start == pytest.approx(
        UNIVERSE[ticker].price_usd * 10.0 ** UNIVERSE[ticker].tick_decimals, rel=0.04
    )
    assert all(start / FACTOR_MAX <= price <= start * FACTOR_MAX for price in prices)
    assert max(prices) / min(prices) > 1.005


def test_a_runaway_price_is_held() -> None:
    walk, prices = path("BTC-USD", 1)
    walk.sigma = 1.0  # absurdly wild
    weather = Weather(Random("x").random)
    for _ in range(500):
        weather.step()
        walk.step(weather)
        assert prices[0] / FACTOR_MAX <= walk.index_ticks <= prices[0] * FACTOR_MAX


def test_volatility_comes_in_clusters() -> None:
    """Large moves follow large moves: the squares of successive returns go together."""
    _, prices = path("ETH-USD", 30_000)
    squares = [(b / a - 1) ** 2 for a, b in pairwise(prices)]
    most = 25 * sum(squares) / len(squares)
    squares = [min(square, most) for square in squares]
    mean = sum(squares) / len(squares)
    together = sum((a - mean) * (b - mean) for a, b in zip(squares, squares[10:], strict=False))
    spread = sum((a - mean) ** 2 for a in squares)
    assert together / spread > 0.05


def test_markets_move_together() -> None:
    weather = Weather(Random("w").random)
    one, two = Walk(UNIVERSE["BTC-USD"], Random("a").random), Walk(UNIVERSE["SOL-USD"], Random("b").random)
    same = 0
    for _ in range(4000):
        before = one.index_ticks, two.index_ticks
        weather.step()
        one.step(weather)
        two.step(weather)
        same += (one.index_ticks > before[0]) == (two.index_ticks > before[1])
    assert 2300 < same < 3300


def test_the_oracle_follows_the_index_off_the_grid() -> None:
    walk, _ = path("BTC-USD", 10)
    scale = 10 ** (UNIVERSE["BTC-USD"].oracle_decimals - UNIVERSE["BTC-USD"].tick_decimals)
    oracles = [walk.oracle() for _ in range(100)]
    assert all(abs(oracle / scale / walk.index_ticks - 1) < 1e-4 for oracle in oracles)
    assert sum(oracle % scale != 0 for oracle in oracles) > 95
    assert abs(walk.target_ticks / walk.index_ticks - 1) < 1e-3
