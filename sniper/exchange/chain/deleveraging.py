"""Positions that no book and no insurance fund can close: set off against accounts on the other side.

At the bankruptcy price of an account in debt, at the oracle price in a market in final settlement (margin.md 6).
"""

from __future__ import annotations

from sniper.exchange.chain import ledger
from sniper.exchange.chain.core import Core, Subaccount
from sniper.exchange.chain.market import Market
from sniper.exchange.facts import BUY, SELL, Filled
from sniper.exchange.terms import FINAL_SETTLEMENT
from sniper.feed.sim.text import quotient


def bankruptcy_quote(core: Core, sub: Subaccount, market: Market, quantums: int) -> int:
    """The signed QQ at which closing `quantums` (signed BQ, against the position) takes the account's share of
    equity with it: -dN - floor(NC x |dMMR| / MMR)."""
    net, _, maintenance = ledger.standing(core, sub)
    held = sub.positions[market.perpetual][0]
    before, after = market.notional(held), market.notional(held + quantums)
    released = market.maintenance(abs(before)) - market.maintenance(abs(after))
    share = net * released // maintenance if maintenance else 0
    return before - after - share


def settled_markets(core: Core) -> list[tuple[Subaccount, Market]]:
    """Every account with a position in a market in final settlement."""
    markets = [market for market in core.markets.values() if market.terms.status == FINAL_SETTLEMENT]
    return [
        (sub, market)
        for market in markets
        if market.open_interest
        for sub in core.subaccounts.values()
        if market.perpetual in sub.positions
    ]


def deleverage(core: Core, sub: Subaccount, market: Market) -> int:
    """Set an account's whole position off, as far as others can take it; returns how many BQ."""
    position = sub.positions.get(market.perpetual)
    if position is None:
        return 0
    in_debt = ledger.standing(core, sub)[0] < 0
    if not in_debt and market.terms.status != FINAL_SETTLEMENT:
        return 0
    remaining = -position[0]
    others = [
        other
        for other in core.subaccounts.values()
        if other is not sub and other.positions.get(market.perpetual, [0])[0] * remaining > 0
    ]
    if not others:
        return 0
    first = core.draw(len(others), f"deleverage/{sub.id.owner}/{sub.id.number}/{market.perpetual}")
    done = 0
    for number in range(len(others)):
        other = others[(first + number) % len(others)]
        theirs = other.positions[market.perpetual][0]
        signed = theirs if abs(theirs) < abs(remaining) else remaining
        size = abs(signed)
        held = sub.positions[market.perpetual][0]
        if in_debt:
            usdc = bankruptcy_quote(core, sub, market, signed)
        else:
            usdc = market.notional(held) - market.notional(held + signed)
        interest = ledger.interest_after(market, sub, other, signed)
        if ledger.verdict(core, sub, market, signed, usdc, interest) or ledger.verdict(
            core, other, market, -signed, -usdc, interest
        ):
            continue
        ledger.apply(core, sub, market, signed, usdc)
        ledger.apply(core, other, market, -signed, -usdc)
        market.open_interest = interest
        remaining -= signed
        done += size
        core.fills.append(_fill(core, market, sub, other, signed, usdc))
        if not remaining:
            break
    return done


def _fill(core: Core, market: Market, sub: Subaccount, other: Subaccount, signed: int, usdc: int) -> Filled:
    size, quote = abs(signed), abs(usdc)
    terms = market.terms
    # QQ a BQ x 10^(-6 - atomic) is USD a coin; x 10^-conversion it is subticks.
    usd = -6 - terms.atomic_resolution
    price = quotient(quote * 10 ** max(usd, 0), size * 10 ** max(-usd, 0))
    conversion = -terms.quantum_conversion_exponent
    subticks = quote * 10 ** max(conversion, 0) // (size * 10 ** max(-conversion, 0))
    return Filled(
        terms.clob_pair,
        "DELEVERAGED",
        sub.id,
        other.id,
        None,
        None,
        BUY if signed > 0 else SELL,
        size,
        subticks,
        price,
        quote,
        0,
        0,
        0,
        0,
        len(core.fills),
        core.operations_hash,
    )
