"""Money and positions: settling funding, margin requirements, the test of an update, and its application.

margin.md 3 and 4, funding.md 3. All amounts in QQ, positions in BQ.
"""

from __future__ import annotations

from sniper.exchange.chain.core import Core, Subaccount
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.units import MILLION, ceil_ppm
from sniper.exchange.facts import SubaccountId

GOOD, UNDERCOLLATERALIZED, ISOLATED = 0, 1, 2
VERDICTS = ("Success", "NewlyUndercollateralized", "ViolatesIsolatedSubaccountConstraints")


def unsettled(core: Core, sub: Subaccount) -> int:
    """The funding that settling now would bring: one floor over the sum, so dust goes against the account."""
    perpetuals = core.perpetuals
    total = 0
    for perpetual, (quantums, index) in sub.positions.items():
        total -= (perpetuals[perpetual].funding_index - index) * quantums
    return total // MILLION


def settle(core: Core, sub: Subaccount) -> None:
    """Settle the funding of every position of an account that is touched, and mark it as changed."""
    if sub.id not in core.touched:
        core.touched[sub.id] = None
        core.subaccounts.setdefault(sub.id, sub)
    total = 0
    for perpetual, position in sub.positions.items():
        index = core.perpetuals[perpetual].funding_index
        if index != position[1]:
            part = -(index - position[1]) * position[0]
            total += part
            sub.settled[perpetual] = sub.settled.get(perpetual, 0) + part // MILLION
            position[1] = index
    if total:
        change = total // MILLION
        sub.usdc += change
        core.clearing -= change


def standing(core: Core, sub: Subaccount) -> tuple[int, int, int]:
    """Net collateral, initial and maintenance margin now, unsettled funding counted."""
    net, initial, maintenance = sub.usdc + unsettled(core, sub), 0, 0
    for perpetual, (quantums, _) in sub.positions.items():
        market = core.perpetuals[perpetual]
        value = market.notional(quantums)
        net += value
        size = abs(value)
        initial += ceil_ppm(size, market.fraction_ppm(market.open_interest))
        maintenance += market.maintenance(size)
    return net, initial, maintenance


def _after(
    core: Core, sub: Subaccount, market: Market, quantums: int, usdc: int, open_interest: int
) -> tuple[int, int, int]:
    """`standing` as it would be after an update of one position and the USDC."""
    net, initial, maintenance = sub.usdc + unsettled(core, sub) + usdc, 0, 0
    own = market.perpetual
    for perpetual, (held, _) in sub.positions.items():
        if perpetual == own:
            quantums += held
            continue
        other = core.perpetuals[perpetual]
        value = other.notional(held)
        net += value
        size = abs(value)
        initial += ceil_ppm(size, other.fraction_ppm(other.open_interest))
        maintenance += other.maintenance(size)
    value = market.notional(quantums)
    size = abs(value)
    return (
        net + value,
        initial + ceil_ppm(size, market.fraction_ppm(open_interest)),
        maintenance + market.maintenance(size),
    )


def not_riskier(before: tuple[int, int, int], after: tuple[int, int, int]) -> bool:
    """The acceptance test (margin.md 3) of two standings."""
    net, _, maintenance = before
    new_net, new_initial, new_maintenance = after
    if new_net >= new_initial:
        return True
    if not maintenance or not new_maintenance:
        return not maintenance and not new_maintenance and new_net > net
    return new_maintenance <= maintenance and new_net * maintenance >= net * new_maintenance


def verdict(core: Core, sub: Subaccount, market: Market, quantums: int, usdc: int, open_interest: int) -> int:
    """Whether an account may change a position by so many BQ and its USDC by so much.

    open_interest: of the market as it would be after the update. GOOD, UNDERCOLLATERALIZED or ISOLATED.
    """
    positions = sub.positions
    if (
        positions
        and market.perpetual not in positions
        and (market.isolated or any(core.perpetuals[perpetual].isolated for perpetual in positions))
    ):
        return ISOLATED
    after = _after(core, sub, market, quantums, usdc, open_interest)
    if after[0] >= after[1] or not_riskier(standing(core, sub), after):
        return GOOD
    return UNDERCOLLATERALIZED


def may_pay(core: Core, sub: Subaccount, quote: int) -> bool:
    """Whether an account may give away so many QQ (margin.md 3)."""
    net, initial, maintenance = before = standing(core, sub)
    return not_riskier(before, (net - quote, initial, maintenance))


def interest_after(market: Market, first: Subaccount, second: Subaccount, quantums: int) -> int:
    """The open interest after `first` buys so many signed BQ from `second`: the sum of all longs."""
    change = 0
    for sub, signed in ((first, quantums), (second, -quantums)):
        position = sub.positions.get(market.perpetual)
        held = position[0] if position else 0
        change += max(held + signed, 0) - max(held, 0)
    return market.open_interest + change


def apply(core: Core, sub: Subaccount, market: Market, quantums: int, usdc: int) -> None:
    """Carry out an update that was found good: settle, then change position (by signed BQ, not 0) and USDC."""
    settle(core, sub)
    sub.usdc += usdc
    position = sub.positions.get(market.perpetual)
    if position is None:
        sub.positions[market.perpetual] = [quantums, market.funding_index]
    elif position[0] + quantums:
        position[0] += quantums
    else:
        del sub.positions[market.perpetual]


def fund(core: Core, subaccount_id: SubaccountId, quote: int) -> None:
    """Change the USDC of a subaccount from outside; it is remembered from then on."""
    sub = core.subaccounts.get(subaccount_id)
    if sub is None:
        sub = core.subaccounts[subaccount_id] = Subaccount(subaccount_id)
        core.know(subaccount_id.owner)
    settle(core, sub)
    sub.usdc += quote
