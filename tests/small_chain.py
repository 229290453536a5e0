"""A small chain for tests: three markets, four funded accounts, orders in human words.

BTC is the market of the protocol's worked examples: A = -10, C = -9, a step of 0.0001, a tick of 1 USD, oracle
price in 10^-5 USD. ETH: A = -9, a step of 0.001, a tick of 0.1 USD. ISO is isolated, with caps of open interest.
"""

from __future__ import annotations

from typing import Any

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.facts import BUY, GTT, SELL, SHORT_TERM, ChainOrder, News, OrderId, SubaccountId
from sniper.exchange.terms import ACTIVE, CROSS, ISOLATED, ChainTerms, EquityTier, Terms

USDC = 1_000_000
SECOND_NS = 1_000_000_000
START_NS = 1_767_225_600 * SECOND_NS + 5 * SECOND_NS
START_S = START_NS // SECOND_NS
BLOCK_NS = 650_000_000

BTC = Terms(
    0,
    0,
    0,
    "BTC-USD",
    ACTIVE,
    CROSS,
    -10,
    -9,
    1_000_000,
    100_000,
    -5,
    20_000,
    600_000,
    0,
    0,
    0,
    0,
    10_000 * USDC,
)
ETH = Terms(
    1,
    1,
    1,
    "ETH-USD",
    ACTIVE,
    CROSS,
    -9,
    -9,
    1_000_000,
    100_000,
    -6,
    20_000,
    600_000,
    0,
    0,
    0,
    0,
    10_000 * USDC,
)
ISO = Terms(
    7,
    70,
    700,
    "ISO-USD",
    ACTIVE,
    ISOLATED,
    -6,
    -9,
    1_000_000,
    1_000_000,
    -8,
    50_000,
    600_000,
    20_000 * USDC,
    50_000 * USDC,
    100,
    0,
    2_500 * USDC,
)
MARKETS = {terms.ticker[:3]: terms for terms in (BTC, ETH, ISO)}
PRICES = {0: 90_000 * 10**5, 1: 3_000 * 10**6, 700: 10 * 10**8}
ALICE, BOB, CAROL, DAVE = (SubaccountId(f"dydx1{name}", 0) for name in ("alice", "bob", "carol", "dave"))
MANY_ORDERS = (EquityTier(0, 1000),)


def chain(
    *,
    money: int = 100_000 * USDC,
    markets: tuple[Terms, ...] = (BTC, ETH, ISO),
    insurance: int = 0,
    **terms: Any,
) -> Chain:
    """A chain after its first block, in which every account got `money`. terms: of `ChainTerms`."""
    made = Chain(
        markets, terms=ChainTerms(**terms), prices=PRICES, insurance=insurance, now_ns=START_NS, height=100
    )
    for account in (ALICE, BOB, CAROL, DAVE):
        made.grant(account.owner, 2 * money)
        if money:
            assert not made.deposit(account.owner, account, money, "fund").code
    block(made)
    made.news.clear()
    return made


def block(made: Chain, ns: int = BLOCK_NS) -> list[News]:
    """End a block `ns` after the last one; every invariant holds. Returns the news and clears them."""
    made.end_block(made.now_ns + ns)
    assert faults(made.core) == []
    return take(made)


def take(made: Chain) -> list[News]:
    """The news so far; they are cleared."""
    news = list(made.news)
    made.news.clear()
    return news


def of(news: list[News], kind: type) -> list[Any]:
    """The news of one kind."""
    return [item for item in news if isinstance(item, kind)]


_counter = iter(range(1_000_000, 1_000_000_000))


def order(
    who: SubaccountId, buy_or_sell: str, size: float, price: float, market: str = "BTC", **fields: Any
) -> ChainOrder:
    """An order of so many coins at a price in USD; a short-term GTT unless said otherwise.

    fields: of ChainOrder, and client_id, flags. A short-term order lives to block 120 unless said otherwise.
    """
    terms = MARKETS[market]
    flags = fields.pop("flags", SHORT_TERM)
    client_id = fields.pop("client_id", None)
    order_id = OrderId(who, next(_counter) if client_id is None else client_id, flags, terms.clob_pair)
    made = ChainOrder(
        order_id,
        BUY if buy_or_sell == "buy" else SELL,
        coins(size, market),
        subticks(price, market),
        0 if flags else 120,
        START_S + 3600 if flags else 0,
        GTT,
        False,
        0,
        0,
        0,
    )
    return made._replace(**fields)


def coins(size: float, market: str = "BTC") -> int:
    """BQ of so many coins."""
    return round(size * 10 ** -MARKETS[market].atomic_resolution)


def subticks(price: float, market: str = "BTC") -> int:
    """Subticks of a price in USD: price x 10^(A - C + 6)."""
    terms = MARKETS[market]
    return round(price * 10.0 ** (terms.atomic_resolution - terms.quantum_conversion_exponent + 6))


def put(
    made: Chain,
    who: SubaccountId,
    buy_or_sell: str,
    size: float,
    price: float,
    market: str = "BTC",
    **fields: Any,
) -> int:
    """Place an order; returns the code."""
    return made.place(order(who, buy_or_sell, size, price, market, **fields), "TX").code


def usdc(made: Chain, who: SubaccountId) -> int:
    """QQ of an account, with what matched since the last block."""
    return made.live_purse(who).usdc


def position(made: Chain, who: SubaccountId, market: str = "BTC") -> int:
    """BQ of an account, with what matched since the last block."""
    perpetual = MARKETS[market].perpetual
    return sum(held.quantums for held in made.live_purse(who).holdings if held.perpetual == perpetual)
