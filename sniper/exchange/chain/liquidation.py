"""Accounts below their maintenance margin: liquidation orders against the book (margin.md 5 and 6)."""

from __future__ import annotations

from fractions import Fraction

from sniper.exchange.chain import fees, ledger
from sniper.exchange.chain.codes import SELF_TRADE, UNDERCOLLATERALIZED
from sniper.exchange.chain.core import Core, Subaccount
from sniper.exchange.chain.deleveraging import bankruptcy_quote, deleverage, settled_markets
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.matching import builder_fee, drop, maker_filled, pay_builder
from sniper.exchange.chain.units import MILLION, ceil_ppm
from sniper.exchange.facts import BUY, SELL, Filled
from sniper.exchange.terms import ACTIVE


def liquidatable(core: Core) -> list[Subaccount]:
    """The accounts whose net collateral is below their maintenance margin, the deepest first."""
    found = []
    for sub in core.subaccounts.values():
        if sub.positions:
            net, _, maintenance = ledger.standing(core, sub)
            if net < maintenance:
                found.append((Fraction(net, maintenance), sub.id, sub))
    found.sort(key=lambda entry: entry[:2])
    return [sub for _, _, sub in found]


def after_block(core: Core) -> None:
    """Liquidate, then deleverage what found no taker at all; stop withdrawals where even that left debt."""
    left: list[tuple[Subaccount, Market]] = []
    for sub in liquidatable(core)[: core.terms.liquidation.subaccounts_max]:
        net, _, maintenance = ledger.standing(core, sub)
        if net >= maintenance:
            continue
        held = sorted(sub.positions)
        market = core.perpetuals[held[core.draw(len(held), f"liquidate/{sub.id.owner}/{sub.id.number}")]]
        if market.terms.status != ACTIVE or not liquidate(core, sub, market):
            left.append((sub, market))
    left.extend(settled_markets(core))
    for sub, market in left:
        deleverage(core, sub, market)
        if sub.positions and ledger.standing(core, sub)[0] < 0:
            core.negative_at[market.pool] = core.next_height


def size_to_liquidate(core: Core, market: Market, quantums: int) -> int:
    """How much of a position (signed BQ) a block may liquidate: BQ in whole steps, at least one."""
    terms = core.terms.liquidation
    size, step = abs(quantums), market.terms.step_base_quantums
    notional = abs(market.notional(quantums))
    most = max(notional * terms.position_portion_ppm_max // MILLION, terms.position_notional_min)
    most = min(most, terms.subaccount_notional_max)
    if notional <= most:
        return size
    return min(size, max(step, size * most // notional // step * step))


def fillable_subticks(core: Core, sub: Subaccount, market: Market) -> int:
    """The limit price of a liquidation order: toward the oracle price by how far the account is under water."""
    terms = core.terms.liquidation
    net, _, maintenance = ledger.standing(core, sub)
    quantums = sub.positions[market.perpetual][0]
    value = market.notional(quantums)
    ratio = Fraction(terms.bankruptcy_adjustment_ppm * (maintenance - net), MILLION * maintenance)
    ratio = max(Fraction(0), min(Fraction(1), ratio))
    spread = ratio * terms.spread_to_maintenance_ppm * market.maintenance(abs(value)) / MILLION
    price = (value - spread) / quantums  # QQ a BQ
    subticks = price * Fraction(10) ** -market.terms.quantum_conversion_exponent
    if quantums > 0:
        limit = market.tick_above(subticks.numerator, subticks.denominator)
    else:
        limit = market.tick_below(subticks.numerator, subticks.denominator)
    return max(limit, market.terms.subticks_per_tick)


def liquidate(core: Core, sub: Subaccount, market: Market) -> int:
    """Place an account's liquidation order for one market; returns how many BQ it filled."""
    terms = core.terms.liquidation
    quantums = sub.positions[market.perpetual][0]
    side = SELL if quantums > 0 else BUY
    remaining = wanted = size_to_liquidate(core, market, quantums)
    limit = fillable_subticks(core, sub, market)
    worst = -limit if side == BUY else limit
    loss_left = terms.subaccount_loss_max
    book = market.book
    keys, levels = book.keys[3 - side], book.levels[3 - side]
    while remaining and keys and keys[-1] >= worst:
        resting = next(iter(levels[keys[-1]].values()))
        order = resting.order
        if order.id.subaccount == sub.id:
            drop(core, market, order.id, SELF_TRADE)
            continue
        size = min(remaining, resting.remaining)
        signed = size if side == BUY else -size
        quote = market.quote(size, order.subticks)
        received = -quote if side == BUY else quote
        insurance = received - bankruptcy_quote(core, sub, market, signed)
        if insurance > 0:
            insurance = min(insurance, quote * terms.fee_ppm_max // MILLION)
        elif -insurance > loss_left or core.insurance.get(market.pool, 0) + insurance < 0:
            break
        maker = core.subaccount(order.id.subaccount)
        maker_fee = ceil_ppm(quote, max(0, fees.rates(core, maker.id.owner)[1]))
        builder = builder_fee(core, order, quote)
        interest = ledger.interest_after(market, sub, maker, signed)
        maker_usdc = -received - maker_fee - builder
        if ledger.verdict(core, maker, market, -signed, maker_usdc, interest):
            drop(core, market, order.id, UNDERCOLLATERALIZED)
            continue
        ledger.apply(core, sub, market, signed, received - insurance)
        ledger.apply(core, maker, market, -signed, maker_usdc)
        market.open_interest = interest
        core.insurance[market.pool] = core.insurance.get(market.pool, 0) + insurance
        core.collector += maker_fee
        pay_builder(core, order, builder)
        fees.count(core, "", maker.id.owner, quote)
        market.traded(order.subticks)
        loss_left += min(0, insurance)
        remaining -= size
        maker_total = maker_filled(core, market, resting, size)
        core.fills.append(
            Filled(
                market.terms.clob_pair,
                "LIQUIDATED",
                sub.id,
                maker.id,
                None,
                order,
                side,
                size,
                order.subticks,
                "",
                quote,
                insurance,
                maker_fee + builder,
                wanted - remaining,
                maker_total,
                len(core.fills),
                core.operations_hash,
            )
        )
    return wanted - remaining
