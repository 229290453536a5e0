"""The simulated markets: sixty tickers with the shapes of a real listing, busiest first.

Two numbers of a perpetual fix its grid on dYdX v4: with quantumConversionExponent -9 and a quote of 6
decimals `tickSize = subticksPerTick * 10 ** (-15 - atomicResolution)` and `stepSize = stepBaseQuantums * 10
** atomicResolution`. Prices, activity and volatility are made up, of the right order of magnitude; the
median market trades 16 times a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

QUANTUM_EXPONENT = -9
STEP_QUANTUMS = 1_000_000


class Spec(NamedTuple):
    """What never changes of a market. Fractions and caps as the Indexer writes them."""

    ticker: str
    clob_pair: int
    market_id: int  # of the oracle price; not always the clob pair
    status: str
    margin: str  # CROSS or ISOLATED
    price_usd: float  # where the price starts and hovers
    atomic_resolution: int
    subticks_per_tick: int
    tick_decimals: int  # tickSize = 10 ** -tick_decimals
    step_decimals: int  # stepSize = 10 ** -step_decimals; negative for coins of tiny price
    oracle_decimals: int  # oracle prices carry ten significant digits
    initial_margin: str
    maintenance_margin: str
    interest_lower_cap: str
    interest_upper_cap: str
    default_funding_ppm: int  # per 8 hours
    changes_per_s: float  # level changes
    trades_per_day: int
    spread_bps: float  # the usual spread, at least one tick
    volatility: float  # of a year, as a fraction
    depth: float  # sizes of levels and trades relative to BTC-USD


# Margin tiers: initial, maintenance, lower and upper cap of open interest in USD, default funding.
_TIERS = {
    "top": ("0.02", "0.012", "0", "0", 0),
    "large": ("0.05", "0.03", "40000000", "100000000", 0),
    "mid": ("0.1", "0.05", "20000000", "50000000", 0),
    "tail": ("0.2", "0.1", "5000000", "10000000", 0),
    "isolated": ("0.05", "0.03", "500000", "1000000", 100),
}

# ticker, clob pair, atomicResolution, price, tier, level changes/s, trades/day, spread bps, volatility %,
# depth %
_TABLE = """
BTC     0   -10  99000      top       300   33846  0.1   55  100
ETH     1    -9  3600       top       300   110145 0.3   75  85
SOL     5    -7  185        large     170   25774  0.6   95  40
DOGE    10   -4  0.21       mid       110   14000  1.0   110 20
XRP     32   -5  2.35       mid       90    9000   1.0   100 20
PEPE    28   1   0.00000915 mid       70    5200   2.0   140 8
SUI     31   -5  3.1        mid       60    3400   1.5   120 8
LINK    2    -6  17.2       mid       50    2300   1.5   95  8
AVAX    7    -7  31         mid       42    1500   2.5   100 7
BNB     37   -8  640        mid       36    1000   1.5   65  7
LTC     9    -7  96         mid       30    700    2.0   75  6
ADA     6    -5  0.82       mid       26    480    2.0   95  6
NEAR    16   -6  4.6        mid       23    340    3.0   110 5
TRX     15   -4  0.27       mid       20    240    2.0   55  5
DOT     12   -6  5.9        mid       18    180    3.0   90  5
UNI     13   -6  9.1        mid       16    130    3.0   100 4
TAO     85   -8  430        isolated  14    100    6.0   130 1
WIF     65   -6  1.4        mid       13    80     8.0   160 2
SHIB    30   0   0.0000205  mid       12    66     4.0   110 2
ENA     78   -5  0.62       isolated  11    56     8.0   150 1
AAVE    36   -7  210        mid       10    48     4.0   105 2
BCH     14   -8  455        mid       9     42     4.0   80  2
APT     23   -6  7.3        mid       8.5   37     5.0   105 2
ARB     24   -6  0.72       mid       8     33     10.0  110 2
OP      27   -6  1.35       mid       7.5   29     8.0   115 2
TIA     33   -7  5.2        mid       7     26     20.0  125 2
ATOM    11   -6  6.4        mid       6.5   23     6.0   85  2
FIL     8    -6  4.5        mid       6     21     6.0   95  2
ONDO    77   -6  1.1        isolated  5.6   19     9.0   130 0.8
BONK    47   -1  0.0000262  tail      5.2   17     7.0   150 1
ETC     19   -7  25.5       mid       5     15     6.0   85  1
XLM     18   -5  0.31       mid       4.8   14     5.0   95  1
HBAR    53   -5  0.21       tail      4.6   13     6.0   115 1
SEI     29   -5  0.34       tail      4.4   12     7.0   125 1
INJ     51   -7  22         tail      4.2   11     8.0   120 1
TON     67   -6  3.3        tail      4     10     8.0   85  1
RENDER  49   -6  6.2        tail      3.8   9      9.0   120 0.8
CRV     4    -5  0.72       mid       3.6   9      8.0   125 0.8
ALGO    54   -5  0.26       tail      3.5   8      7.0   105 0.8
ICP     41   -7  8.9        tail      3.4   8      11.0  100 0.8
JUP     35   -5  0.88       tail      3.2   7      9.0   125 0.8
DYDX    63   -6  0.95       tail      3     7      11.0  110 0.8
RUNE    57   -6  3.2        tail      2.9   6      10.0  125 0.6
STX     50   -6  1.5        mid       2.8   6      10.0  115 0.6
POPCAT  110  -5  0.61       isolated  2.7   5      14.0  170 0.5
LDO     26   -6  1.7        tail      2.6   5      12.0  120 0.6
MKR     17   -9  1500       tail      2.5   5      14.0  95  0.6
FLOKI   84   -2  0.000155   tail      2.4   4      13.0  140 0.5
COMP    20   -7  62         tail      2.3   4      11.0  100 0.5
SNX     61   -6  1.9        tail      2.2   4      13.0  110 0.5
PYTH    46   -5  0.33       tail      2.1   3      12.0  125 0.5
JTO     38   -6  2.9        tail      2     3      13.0  125 0.5
ORDI    39   -7  21         tail      2     3      14.0  135 0.5
GALA    112  -4  0.034      isolated  2     2      16.0  125 0.4
TURBO   121  -3  0.0058     isolated  2     2      18.0  170 0.4
EIGEN   34   -6  2.7        isolated  2     2      17.0  135 0.4
AKT     89   -6  3.6        isolated  2     2      20.0  120 0.4
QTUM    149  -6  3.1        isolated  2     1      21.0  95  0.4
BLUR    25   -5  0.26       tail      2     1      16.0  125 0.4
MATIC   3    -5  0.39       mid       0     0      10.0  0   0
"""

_SETTLED = "MATIC-USD"


def _spec(row: str) -> Spec:
    coin, pair, resolution_text, price_text, tier, changes, trades, spread, volatility, depth = row.split()
    resolution, price = int(resolution_text), float(price_text)
    subticks_digits = 5 if tier == "top" else 6
    oracle_decimals, scaled = 0, price
    while scaled < 1e9:
        oracle_decimals, scaled = oracle_decimals + 1, scaled * 10
    initial, maintenance, lower, upper, funding = _TIERS[tier]
    ticker = f"{coin}-USD"
    return Spec(
        ticker,
        int(pair),
        int(pair) if int(pair) < 60 else int(pair) + 1_000_000,
        "FINAL_SETTLEMENT" if ticker == _SETTLED else "ACTIVE",
        "ISOLATED" if tier == "isolated" else "CROSS",
        price,
        resolution,
        10**subticks_digits,
        15 - subticks_digits + resolution,
        -6 - resolution,
        oracle_decimals,
        initial,
        maintenance,
        lower,
        upper,
        funding,
        float(changes),
        int(trades),
        float(spread),
        float(volatility) / 100,
        float(depth) / 100,
    )


UNIVERSE: dict[str, Spec] = {spec.ticker: spec for spec in map(_spec, _TABLE.strip().splitlines())}
TICKERS: tuple[str, ...] = tuple(UNIVERSE)


def select(markets: int | Sequence[str]) -> tuple[Spec, ...]:
    """The busiest `markets` of the table, or those of a list, in its order. ValueError: an unknown one."""
    if isinstance(markets, int):
        if not 1 <= markets <= len(TICKERS):
            raise ValueError(f"the sim has 1 to {len(TICKERS)} markets, not {markets}")
        return tuple(UNIVERSE.values())[:markets]
    chosen = tuple(markets)
    for ticker in chosen:
        if ticker not in UNIVERSE:
            raise ValueError(f"the sim has no market {ticker!r}; it has {', '.join(TICKERS)}")
    if not chosen or len({*chosen}) != len(chosen):
        raise ValueError("the sim needs a list of at least one market, none of them twice")
    return tuple(UNIVERSE[ticker] for ticker in chosen)
