"""The naive twin of the margin kernel: Python's integers and fractions, section by section of docs/margin.md.

Every number of a market is read from the text of the Indexer's market object. Nothing is remembered between two
questions: each is worked out from the start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

MILLION = 10**6


def toward_zero(x: Fraction) -> int:
    """The whole number next to x on the side of zero."""
    return math.floor(x) if x >= 0 else math.ceil(x)


# ---- 1 and 2: units, oracle price ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Market:
    """A market's parameters as exact numbers; margins in ppm, caps in quote quantums."""

    price: Fraction
    atomic: int
    base: int
    fraction: int
    maintenance: Fraction
    interest: Fraction = Fraction(0)
    lower: int = 0
    upper: int = 0
    step: int = 1
    subticks: int = 1
    exponent: int = 0

    @staticmethod
    def read(found: Mapping[str, Any]) -> Market:
        """From an Indexer market object."""
        imf, mmf = (
            Fraction(str(found["initialMarginFraction"])),
            Fraction(str(found["maintenanceMarginFraction"])),
        )
        return Market(
            price=Fraction(str(found["oraclePrice"])),
            atomic=int(found["atomicResolution"]),
            base=math.floor(imf * MILLION),
            fraction=math.floor(mmf / imf * MILLION) if imf else 0,
            maintenance=mmf,
            interest=Fraction(str(found.get("openInterest") or 0)),
            lower=math.floor(Fraction(str(found.get("openInterestLowerCap") or 0)) * MILLION),
            upper=math.floor(Fraction(str(found.get("openInterestUpperCap") or 0)) * MILLION),
            step=int(found.get("stepBaseQuantums", 1)),
            subticks=int(found.get("subticksPerTick", 1)),
            exponent=int(found.get("quantumConversionExponent", 0)),
        )

    def coins(self, quantums: int) -> Fraction:
        """Base quantums as coins."""
        return quantums * Fraction(10) ** self.atomic

    def fill(self, quantums: int, ticks: int) -> int:
        """Quote quantums of a fill."""
        return toward_zero(quantums * ticks * self.subticks * Fraction(10) ** self.exponent)


# ---- 3: account risk ----------------------------------------------------------------------------------------


def notional(market: Market, quantums: int, factor: Fraction = Fraction(1)) -> int:
    """Signed, quote quantums; the oracle price times `factor`."""
    return toward_zero(market.coins(quantums) * market.price * factor * MILLION)


def effective(market: Market, change: int = 0, factor: Fraction = Fraction(1)) -> int:
    """Initial margin in ppm with the open interest changed by `change` base quantums."""
    if market.upper == 0:
        return market.base
    coins = max(Fraction(0), market.interest + market.coins(change)) if change else market.interest
    interest = toward_zero(coins * market.price * factor * MILLION)
    if interest <= market.lower:
        return market.base
    if interest >= market.upper:
        return MILLION
    return market.base + (MILLION - market.base) * (interest - market.lower) // (market.upper - market.lower)


@dataclass(frozen=True)
class Risk:
    """NC, IMR and MMR of an account."""

    net: int
    initial: int
    maintenance: int


@dataclass
class Account:
    """USDC, unsettled funding in millionths of a quote quantum, sizes by market, chosen margins by market."""

    usdc: int = 0
    owed: int = 0
    sizes: dict[int, int] = field(default_factory=dict)
    custom: dict[int, int] = field(default_factory=dict)

    @property
    def cash(self) -> int:
        """USDC with funding settled."""
        return self.usdc + self.owed // MILLION


def requirement(market: Market, size: int, imf: int, factor: Fraction = Fraction(1)) -> tuple[int, int]:
    """IMR and MMR of one position."""
    worth = abs(notional(market, size, factor))
    initial = math.ceil(Fraction(worth * imf, MILLION))
    base = math.ceil(Fraction(worth * market.base, MILLION))
    return initial, math.ceil(Fraction(base * market.fraction, MILLION))


def risk(
    markets: Sequence[Market],
    account: Account,
    changes: Mapping[int, int] | None = None,
    factors: Mapping[int, Fraction] | None = None,
) -> Risk:
    """The account's risk. changes: of open interest by market, in base quantums; factors: on oracle prices."""
    net, initial, maintenance = account.cash, 0, 0
    for index, size in account.sizes.items():
        market, factor = markets[index], (factors or {}).get(index, Fraction(1))
        imf = max(effective(market, (changes or {}).get(index, 0), factor), account.custom.get(index, 0))
        im, mm = requirement(market, size, imf, factor)
        net, initial, maintenance = net + notional(market, size, factor), initial + im, maintenance + mm
    return Risk(net, initial, maintenance)


def fee(quote: int, ppm: int) -> int:
    """Of a fill, rounded toward plus infinity."""
    return math.ceil(Fraction(quote * ppm, MILLION))


def opened(size: int, delta: int) -> int:
    """By how much a fill can raise the open interest at most: what it adds to longs, or to shorts."""
    new = size + delta
    return max(max(new, 0) - max(size, 0), max(-new, 0) - max(-size, 0), 0)


def accepted(
    markets: Sequence[Market],
    account: Account,
    market: int,
    side: int,
    quantums: int,
    ticks: int,
    fee_ppm: int,
    change: int | None = None,
) -> tuple[bool, str]:
    """The acceptance test for a fill."""
    delta = -quantums if side else quantums
    held = account.sizes.get(market, 0)
    quote = markets[market].fill(quantums, ticks)
    sizes = {**account.sizes, market: held + delta}
    usdc = account.usdc - (-quote if side else quote) - fee(quote, fee_ppm)
    cur = risk(markets, account)
    interest = {market: opened(held, delta) if change is None else change}
    new = risk(markets, Account(usdc, account.owed, sizes, account.custom), interest)
    if new.net >= new.initial:
        return True, "initial margin"
    refusal = "newly undercollateralized" if cur.net >= cur.initial else "still undercollateralized"
    if new.maintenance == 0 or cur.maintenance == 0:
        good = new.maintenance == 0 and cur.maintenance == 0 and new.net > cur.net
    else:
        good = new.maintenance <= cur.maintenance and (
            Fraction(new.net, new.maintenance) >= Fraction(cur.net, cur.maintenance)
        )
    return (True, "not riskier") if good else (False, refusal)


# ---- 5: liquidation condition and price ---------------------------------------------------------------------


def liquidatable(found: Risk) -> bool:
    """Whether the chain would liquidate."""
    return found.maintenance > 0 and found.net < found.maintenance


def liquidation_price(markets: Sequence[Market], account: Account, market: int) -> Fraction | None:
    """In USD, all other prices fixed."""
    one, size = markets[market], account.sizes[market]
    found = risk(markets, account)
    others = found.maintenance - requirement(one, size, one.base)[1]
    coins = one.coins(size)
    under = abs(coins) * one.maintenance - coins
    if under == 0:
        return None
    price = (Fraction(found.net - others, MILLION) - coins * one.price) / under
    return price if price > 0 else None


def market_wide(markets: Sequence[Market], account: Account) -> Fraction | None:
    """The factor on all prices at which the account is liquidated."""
    found = risk(markets, account)
    worth = sum(notional(markets[m], size) for m, size in account.sizes.items())
    if found.maintenance == worth:
        return None
    factor = Fraction(found.net - worth, found.maintenance - worth)
    return factor if factor > 0 else None


# ---- 6: what a liquidation does -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Config:
    """The liquidation config; amounts in quote quantums."""

    fee_ppm: int = 15_000
    adjustment_ppm: int = MILLION
    spread_ppm: int = 1_500_000
    notional_min: int = 1_000 * MILLION
    share_ppm: int = 100_000
    account_max: int = 100_000 * MILLION


def bankruptcy(markets: Sequence[Market], account: Account, market: int, quantums: int) -> int:
    """Quote received (negative: paid) for closing so much, at which the share of equity is gone."""
    one, size = markets[market], account.sizes[market]
    rest = size - quantums if size > 0 else size + quantums
    found = risk(markets, account)
    freed = requirement(one, size, one.base)[1] - requirement(one, rest, one.base)[1]
    gone = math.floor(Fraction(found.net * freed, found.maintenance))
    return -(notional(one, rest) - notional(one, size)) - gone


def fillable(markets: Sequence[Market], account: Account, market: int, config: Config) -> int:
    """Limit of the liquidation order, in ticks."""
    one, size = markets[market], account.sizes[market]
    found = risk(markets, account)
    rating = Fraction(config.adjustment_ppm, MILLION) * (1 - Fraction(found.net, found.maintenance))
    rating = min(max(rating, Fraction(0)), Fraction(1))
    spread = Fraction(config.spread_ppm, MILLION) * requirement(one, size, one.base)[1]
    price = (notional(one, size) - rating * spread) / size  # quote quantums a base quantum
    subticks = price / Fraction(10) ** one.exponent
    whole = math.ceil(subticks) if size > 0 else math.floor(subticks)
    ticks = math.ceil(Fraction(whole, one.subticks)) if size > 0 else whole // one.subticks
    return min(max(ticks, 1), (2**64 - 1) // one.subticks)


def liquidation_size(
    markets: Sequence[Market], account: Account, market: int, config: Config, already: int = 0
) -> int:
    """Base quantums of one block's liquidation order."""
    one, size = markets[market], abs(account.sizes[market])
    worth = abs(notional(one, account.sizes[market]))
    position_max = max(min(config.notional_min, worth), worth * config.share_ppm // MILLION)
    room = min(position_max, max(config.account_max - already, 0))
    if worth <= room or size <= one.step:
        return size
    quantums = math.floor(Fraction(room, MILLION) / one.price / Fraction(10) ** one.atomic)
    return min(max(quantums // one.step * one.step, one.step), size)


def insurance(
    markets: Sequence[Market], account: Account, market: int, quantums: int, quote: int, config: Config
) -> int:
    """What the fund receives for a liquidation fill; negative: what it pays."""
    received = quote if account.sizes[market] > 0 else -quote
    surplus = received - bankruptcy(markets, account, market, quantums)
    return min(quote * config.fee_ppm // MILLION, surplus) if surplus > 0 else surplus


# ---- funding.md 1, 3 and 4 ----------------------------------------------------------------------------------


def funding_change(market: Market, rate8h_ppm: int) -> int:
    """How much the funding index rises at the hour."""
    inner = toward_zero(3600 * rate8h_ppm * market.price * Fraction(10) ** (market.atomic + 6))
    return toward_zero(Fraction(inner, 28_800))


def settlement(moves: Sequence[tuple[int, int]]) -> int:
    """USDC change for (index change, size) of every position."""
    return math.floor(Fraction(sum(-change * size for change, size in moves), MILLION))
