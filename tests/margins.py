"""Draws markets and accounts, ordinary and hostile, and sets them up in the margin kernel and for its twin."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from sniper._ext.decode import Decoder
from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import Tape
from tests.reference_margin import Account, Market, notional, risk

EXACT_MAX = 2**61
"""No amount beyond this is taken for exact by the kernel."""
NEEDED = (
    "oraclePrice",
    "initialMarginFraction",
    "maintenanceMarginFraction",
    "atomicResolution",
    "subticksPerTick",
)
"""Fields that the twin cannot do without: a market that lacks one is not among those of the twin."""


def plain(x: Decimal | Fraction) -> str:
    """A decimal as the Indexer writes it: no exponent, no zeros at the end."""
    if isinstance(x, Fraction):
        x = Decimal(x.numerator) / Decimal(x.denominator)
    text = f"{x:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def market_object(r: random.Random, index: int, hostile: bool) -> dict[str, Any]:
    """An Indexer market object. hostile: parameters that no market has, though a chain could."""
    magnitude = r.randint(-9, 5)
    digits = r.randint(1, 9 if hostile else 7)
    price = Decimal(r.randint(10 ** (digits - 1), 10**digits - 1)).scaleb(magnitude - digits + 1)
    atomic = r.randint(-14, 4) if hostile and r.random() < 0.5 else max(-11, min(1, -5 - magnitude))
    # a tick of 10 ** -k of the price for some k
    exponent = r.choice((-9, -8, -7, -6, -9)) if not hostile else r.randint(-12, 3)
    subticks = max(0, magnitude - r.randint(2, 5) + atomic - exponent + 6)
    base = r.choice((10_000, 20_000, 50_000, 50_000, 100_000, 200_000, 1_000_000, r.randint(1, 1_000_000)))
    fraction = r.choice((500_000, 600_000, 600_000, 200_000, r.randint(1, 1_000_000)))
    if hostile:
        base, fraction = r.choice((0, 1, 999_999, base)), r.choice((0, 1, 1_000_000, fraction))
    interest = Decimal(r.randint(0, 10**9)).scaleb(-r.randint(0, 4))
    made: dict[str, Any] = {
        "clobPairId": str(index),
        "ticker": f"M{index}-USD",
        "status": "ACTIVE",
        "marketType": "CROSS",
        "oraclePrice": plain(price),
        "initialMarginFraction": plain(Decimal(base).scaleb(-6)),
        "maintenanceMarginFraction": plain(Decimal(base * fraction).scaleb(-12)),
        "openInterest": plain(interest),
        "atomicResolution": atomic,
        "quantumConversionExponent": exponent,
        "stepBaseQuantums": r.choice((1, 10, 1000, 10**6, 10**9)),
        "subticksPerTick": 10 ** min(subticks, 9),
        "tickSize": "0.01",
        "stepSize": "0.01",
    }
    worth = interest * price
    draw = r.random()
    if draw < 0.4:
        made["openInterestLowerCap"] = made["openInterestUpperCap"] = "0"
    elif draw < 0.9:
        lower, upper = sorted(
            (int(worth * Decimal(r.uniform(0, 2))), int(worth * Decimal(r.uniform(0.5, 3))))
        )
        if hostile and r.random() < 0.3:
            lower = upper = r.choice((lower, int(worth), 0, 1))
        made["openInterestLowerCap"], made["openInterestUpperCap"] = str(lower), str(upper)
    return made


class Universe(NamedTuple):
    """The same markets in a kernel and for its twin."""

    kernel: Liquidation
    markets: list[Market]
    objects: list[dict[str, Any]]
    tape: Tape
    decoder: Decoder

    def say(self, changes: dict[str, dict[str, Any]]) -> None:
        """A v4_markets answer with these objects reaches decoder and kernel."""
        self.kernel.apply(tell(self.decoder, changes))


def tell(decoder: Decoder, objects: dict[str, dict[str, Any]]) -> int:
    """The rows of one perpetualMarkets answer."""
    body = b"perpetualMarkets 200 \n" + json.dumps({"markets": objects}).encode()
    return decoder.apply([(1, 0, 1, body)])


def universe(objects: list[dict[str, Any]], **settings: int) -> Universe:
    """A kernel that knows these markets, in this order."""
    tape = Tape(1 << 18, 64)
    decoder = Decoder(tape, max(16, len(objects)))
    n = tell(decoder, {one["ticker"]: one for one in objects})
    assert decoder.tickers == [one["ticker"] for one in objects], "the decoder refused a market"
    kernel = Liquidation(tape, decoder.markets, **settings)
    kernel.apply(n)
    known = [Market.read(one) for one in objects if all(one.get(key) is not None for key in NEEDED)]
    return Universe(kernel, known, objects, tape, decoder)


def drawn_universe(r: random.Random, count: int = 12, accounts_max: int = 129) -> Universe:
    """Some markets, a third of them hostile, one with a positive atomic resolution."""
    objects = [market_object(r, i, r.random() < 0.3) for i in range(count)]
    if r.random() < 0.5:
        objects[0] |= {"oraclePrice": "0.00001187", "atomicResolution": 1}
    return universe(objects, accounts_max=accounts_max)


def drawn_size(r: random.Random, market: Market, hostile: bool) -> int:
    """Signed base quantums, mostly worth 1 to 10 ** 7 USD."""
    worth = 10 ** r.uniform(0, 7 if not hostile else 13)
    size = max(1, int(Fraction(worth) / market.price / Fraction(10) ** market.atomic))
    if r.random() < 0.5:
        size = max(1, size // market.step) * market.step
    if hostile and r.random() < 0.1:
        size = r.choice((1, 2**60, 2**61, 2**63 - 1, 10**25))
    return size * r.choice((1, -1))


def drawn_account(r: random.Random, markets: list[Market]) -> Account:
    """An account whose collateral lies anywhere around what its positions require."""
    hostile = r.random() < 0.15
    count = min(len(markets), r.choice((0, 1, 1, 2, 2, 3, 4, 6, 12)))
    sizes = {m: drawn_size(r, markets[m], hostile) for m in sorted(r.sample(range(len(markets)), count))}
    custom = {m: r.choice((0, r.randint(1, 1_000_000))) for m in sizes if r.random() < 0.1}
    bare = Account(0, 0, sizes, custom)
    found = risk(markets, bare)
    anchor = r.choice((found.initial, found.maintenance, found.maintenance, 0))
    usdc = anchor - found.net + r.choice((0, 1, -1, r.randint(-(10**4), 10**4)))
    usdc += int(r.uniform(-0.5, 3) * r.choice((0, found.maintenance, found.initial)))
    owed = r.choice((0, 0, r.randint(-(10**13), 10**13)))
    return Account(usdc, owed, sizes, custom)


def put(kernel: Liquidation, slot: int, account: Account) -> None:
    """Set the account up in the kernel. Unsettled funding as the chain's index would make it: of any fraction."""
    kernel.clear(slot)
    for market in range(kernel.markets_max):
        kernel.custom_imf(slot, market, account.custom.get(market, 0))
    for market, size in account.sizes.items():
        kernel.set_position(slot, market, size)
    kernel.set_usdc(slot, account.usdc)
    kernel.set_unsettled(slot, account.owed // 10**6)


def representable(markets: list[Market], account: Account) -> bool:
    """Whether every amount of the account is within what the kernel holds exactly."""
    found = risk(markets, account)
    worths = [abs(notional(markets[m], size)) for m, size in account.sizes.items()]
    amounts = [account.usdc, account.cash, found.net, sum(worths), *worths, *account.sizes.values()]
    return all(abs(x) <= EXACT_MAX for x in amounts)


def row(kernel: Liquidation, slot: int) -> dict[str, Any]:
    """The account's row by field."""
    one = kernel.accounts[slot]
    return {name: one[name].item() for name in kernel.accounts.dtype.names or ()}


def no_moves(kernel: Liquidation) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Moves of zero for every market."""
    return np.zeros(kernel.markets_max, np.int32)
