"""The distributions that the simulated market draws from, as inverse tables of measured quantiles.

Measured on recorded order flow of dYdX v4 mainnet (BTC-USD and ETH-USD, 2024-12-19, full-node stream, 31 s)
and on trade counts of November 2024. A table has SLOTS + 1 points; draw with one uniform number u: `i =
int(u * SLOTS)`, then between point i and i + 1 by the fraction that is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

SLOTS = 1024

Points = Sequence[tuple[float, float]]


def inverse(points: Points, scale: float = 1.0) -> list[float]:
    """The quantile function through `points` (share, value), straight between them, at SLOTS + 1 steps."""
    if points[0][0] != 0.0 or points[-1][0] != 1.0 or list(points) != sorted(points):
        raise ValueError("quantile points must rise from share 0 to share 1")
    table = []
    at = 0
    for step in range(SLOTS + 1):
        share = step / SLOTS
        while points[at + 1][0] < share:
            at += 1
        (left, low), (right, high) = points[at], points[at + 1]
        table.append(scale * (low + (high - low) * (share - left) / (right - left)))
    return table


def mean(table: Sequence[float]) -> float:
    """The mean of what a table gives."""
    total = 0.0
    for left, right in pairwise(table):
        total += left + right
    return total / 2 / SLOTS


# Distance of a placed level from the best price of its side, in 1/10,000 of the price. Equal for BTC and
# ETH when taken relative to the price (their ticks differ 3:1). Far bids are folded back above zero by the
# book.
DISTANCE_BPS: Points = (
    (0.0, 0.1),
    (0.05, 0.9),
    (0.10, 1.9),
    (0.18, 5.0),
    (0.25, 10.0),
    (0.38, 30.0),
    (0.5, 62.0),
    (0.65, 150.0),
    (0.75, 230.0),
    (0.85, 320.0),
    (0.90, 390.0),
    (0.93, 440.0),
    (0.94, 2000.0),
    (0.96, 6000.0),
    (0.98, 15700.0),
    (1.0, 28000.0),
)

# Size of a placed level, USD: bots quote from pocket money to millions far out.
SIZE_USD: Points = (
    (0.0, 100.0),
    (0.05, 400.0),
    (0.09, 470.0),
    (0.13, 560.0),
    (0.25, 16_000.0),
    (0.4, 58_000.0),
    (0.5, 110_000.0),
    (0.65, 390_000.0),
    (0.75, 780_000.0),
    (0.85, 2_600_000.0),
    (0.90, 4_400_000.0),
    (0.95, 5_400_000.0),
    (0.99, 10_000_000.0),
    (1.0, 14_000_000.0),
)

# Size at the best price, USD: much smaller than the rest of the book.
TOUCH_USD: Points = (
    (0.0, 100.0),
    (0.05, 2000.0),
    (0.10, 3700.0),
    (0.25, 8500.0),
    (0.5, 19_000.0),
    (0.75, 42_000.0),
    (0.90, 78_000.0),
    (0.99, 120_000.0),
    (1.0, 160_000.0),
)

# Size of one trade, USD. Mean about 7,000 as on BTC-USD.
TRADE_USD: Points = (
    (0.0, 5.0),
    (0.1, 30.0),
    (0.5, 900.0),
    (0.8, 6000.0),
    (0.9, 16_000.0),
    (0.97, 60_000.0),
    (1.0, 200_000.0),
)

# Level changes in one 50 ms flush of the node, for a market with 300 a second: bursts with a long tail.
BURST: Points = (
    (0.0, 0.0),
    (0.10, 0.0),
    (0.25, 3.0),
    (0.40, 6.5),
    (0.50, 9.0),
    (0.60, 10.8),
    (0.75, 16.0),
    (0.90, 27.0),
    (0.95, 44.0),
    (0.98, 130.0),
    (0.99, 170.0),
    (0.995, 205.0),
    (1.0, 258.0),
)

# How far one side steps back from the touch when the spread opens, ticks of BTC-USD.
STEP_BACK: Points = ((0.0, 1.0), (0.2, 2.0), (0.5, 7.0), (0.85, 8.0), (0.95, 11.0), (0.99, 20.0), (1.0, 25.0))

# Waiting time between events that come at random, in mean waiting times (exponential, cut at 7).
WAIT: Points = (
    (0.0, 0.0),
    (0.1, 0.105),
    (0.25, 0.288),
    (0.5, 0.693),
    (0.75, 1.386),
    (0.9, 2.303),
    (0.96, 3.22),
    (0.99, 4.61),
    (1.0, 7.0),
)

# Trades of one market in one block, given that there are any: clumps of 1 to 5.
CLUMP = (1,) * 55 + (2,) * 22 + (3,) * 12 + (4,) * 7 + (5,) * 4

# What a level change is: a level placed, or one set to a new size, or (from the lengths of the lists) one
# removed.
PLACE = 0.375
TOUCH = 0.035  # a new size at the best price
UPDATE_NEAR = 0.6  # of the new sizes elsewhere

# Levels placed closer than NEAR_BPS live shorter. Removal picks any level of a list, so lives are
# exponential: together 10/50/90 percent at about 0.4/2.6/10 s.
NEAR_BPS = 100.0
NEAR_LIFE_S = 3.0
DEEP_LIFE_S = 6.2
SLOW_LIFE_S = 300.0
SLOW_SHARE = 0.04  # of the levels placed deep: those that make the lasting depth
