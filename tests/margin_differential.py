"""Draws accounts and holds the margin kernel against its twin, to the quantum.

python -m tests.margin_differential --accounts 100000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from fractions import Fraction
from typing import Any

import numpy as np

from sniper._ext.liquidation import FAR_AWAY
from tests import reference_margin as twin
from tests.margins import (
    Universe,
    drawn_account,
    drawn_size,
    drawn_universe,
    market_object,
    put,
    representable,
    row,
)
from tests.reference_margin import MILLION, Account, Config, Market

ACCOUNTS = 20
"""Accounts drawn for one set of markets."""


def same(what: str, ours: Any, theirs: Any) -> None:
    """AssertionError if they differ."""
    assert ours == theirs, f"{what}: kernel {ours}, twin {theirs}"


def near(what: str, ours: float, theirs: Fraction, within: float = 1e-12) -> None:
    """A float against an exact number, by relative difference."""
    assert abs(Fraction(ours) - theirs) <= abs(theirs) * Fraction(within), (
        f"{what}: {ours} for {float(theirs)}"
    )


def compare(world: Universe, slot: int, account: Account) -> bool:
    """Everything that `update` computes. Returns whether the account is computable."""
    kernel, markets = world.kernel, world.markets
    found, shown = twin.risk(markets, account), row(kernel, slot)
    possible = representable(markets, account)
    same("computable", shown["trouble"] == 0, possible)
    same("state", (shown["state"] == 3, kernel.account(slot)[-1]), (not possible, possible))
    if not possible:
        same("amounts", (shown["net"], shown["initial"], shown["maintenance"], shown["free"]), (0, 0, 0, 0))
        return False
    same("net", shown["net"], found.net)
    same("initial", shown["initial"], found.initial)
    same("maintenance", shown["maintenance"], found.maintenance)
    same("free", shown["free"], found.net - found.initial)
    same("unsettled", shown["unsettled"], account.owed // MILLION)
    state = 2 if twin.liquidatable(found) else 1 if found.net < found.initial else 0
    same("state", shown["state"], state)
    positions = kernel.positions[slot][: shown["positions"]]
    same("markets", positions["market"].tolist(), sorted(account.sizes))
    for at, (m, size) in enumerate(sorted(account.sizes.items())):
        compare_position(world, slot, account, m, positions[at], size)
    factor = twin.market_wide(markets, account)
    exact = kernel.factor(slot)
    same("factor", None if exact is None else Fraction(*exact), factor)
    if factor is None:
        same("factor", shown["factor"], 0.0)
    else:
        near("factor", shown["factor"], factor)
    return True


def compare_position(world: Universe, slot: int, account: Account, m: int, shown: Any, size: int) -> None:
    """One position of a computable account."""
    market = world.markets[m]
    imf = max(twin.effective(market), account.custom.get(m, 0))
    initial, maintenance = twin.requirement(market, size, imf)
    same("size", int(shown["size"]), size)
    same("notional", int(shown["notional"]), twin.notional(market, size))
    same("initial of a position", int(shown["initial"]), initial)
    same("maintenance of a position", int(shown["maintenance"]), maintenance)
    price = twin.liquidation_price(world.markets, account, m)
    exact = world.kernel.liquidation_price(slot, m)
    same("liquidation price", None if exact is None else Fraction(*exact), price)
    if price is None:
        same("liquidation price", float(shown["liquidation_price"]), 0.0)
        same("distance", float(shown["distance_percent"]), float(FAR_AWAY))
        return
    near("liquidation price", float(shown["liquidation_price"]), price)
    way = (market.price - price) * (1 if size > 0 else -1)
    # the difference of two prices keeps their error, not its own
    slack = (abs(market.price) + price) * Fraction(1, 10**12)
    assert abs(Fraction(float(shown["distance_usd"])) - way) <= slack
    assert abs(Fraction(float(shown["distance_percent"])) * market.price - 100 * way) <= 100 * slack
    crosses(world.markets, account, m, price)


def crosses(markets: list[Market], account: Account, m: int, price: Fraction) -> None:
    """NC - MMR changes its sign within 3 quantums of the price."""
    market, size = markets[m], account.sizes[m]
    slope = abs(market.coins(size)) * (market.maintenance + (-1 if size > 0 else 1)) * MILLION
    for side in (-1, 1):
        moved = price + side * 3 / abs(slope)
        if moved <= 0:
            continue
        factor = moved / market.price
        there = twin.risk(markets, account, None, {m: factor})
        worse = side == (-1 if size > 0 else 1)
        spare = there.net - there.maintenance
        assert (spare <= 0) if worse else (spare >= 0), f"market {m}: {spare} at {float(moved)}"


def drawn_ticks(r: random.Random, market: Market) -> int:
    """A limit price somewhere around the oracle price."""
    unit = market.subticks * Fraction(10) ** (market.exponent - 6 - market.atomic)
    spread = r.choice((0.0, 0.001, 0.01, 0.3))
    return max(1, int(market.price / unit * Fraction(1 + r.uniform(-spread, spread))))


def compare_orders(r: random.Random, world: Universe, slot: int, account: Account) -> None:
    """The acceptance test and the largest order."""
    kernel, markets = world.kernel, world.markets
    held = list(account.sizes)
    m = r.choice(held) if held and r.random() < 0.7 else r.randrange(len(markets))
    side, fee = r.randrange(2), r.choice((0, 500, -110, 250))
    ticks = drawn_ticks(r, markets[m])
    size = abs(account.sizes.get(m, 0)) * r.choice((1, 2, 3)) // r.choice((1, 1, 2, 5)) or markets[m].step
    size = min(size, 10**17)
    compare_order(world, slot, account, m, side, size, ticks, fee)
    change = r.choice((-size, 0, size))
    ours = kernel.accepts(slot, m, side, size, ticks, fee, change)
    if ours[1] != "unknown":
        same("accepts", ours, twin.accepted(markets, account, m, side, size, ticks, fee, change))
    most = kernel.largest(slot, m, side, ticks, fee)
    step = markets[m].step
    same("steps", most % step, 0)
    if most:
        compare_order(world, slot, account, m, side, most, ticks, fee, True)
    if most < EXACT_SIZE:
        for more in (1, 2, 3, r.randint(4, 200), r.randint(200, 10**6)):
            compare_order(world, slot, account, m, side, most + more * step, ticks, fee, False)


EXACT_SIZE = 2**52
ROUNDING = 16
"""Quote quantums: what the roundings of a test add up to, and some more."""


def compare_order(
    world: Universe,
    slot: int,
    account: Account,
    m: int,
    side: int,
    size: int,
    ticks: int,
    fee: int,
    expected: bool | None = None,
) -> None:
    """One order, and what it must be."""
    ours = world.kernel.accepts(slot, m, side, size, ticks, fee)
    if ours[1] == "unknown":
        return
    same("accepts", ours, twin.accepted(world.markets, account, m, side, size, ticks, fee))
    if (
        expected is None
        or ours[0] == expected
        or by_rounding(world.markets, account, m, side, size, ticks, fee)
    ):
        return
    raise AssertionError(f"{size} BQ of market {m}: {ours}, largest says {expected}")


def by_rounding(
    markets: list[Market], account: Account, m: int, side: int, size: int, ticks: int, fee: int
) -> bool:
    """Whether an order passes though a smaller one may not.

    Because some quantums were rounded its way. Because its market has no maintenance margin to speak of: then any size
    leaves the account no riskier, or none does. Or because its price is so far on our side that each further step
    brings in more than its initial margin: then there is no largest order, and `largest` ends where orders first stop
    to pass.
    """
    own = twin.notional(markets[m], size) * markets[m].base * markets[m].fraction // 10**12
    if twin.notional(markets[m], 2 * markets[m].step) < ROUNDING or own < ROUNDING:
        return True
    if twin.notional(markets[m], size) * (MILLION + (markets[m].base if side else -markets[m].base)) * (
        -1 if side else 1
    ) > markets[m].fill(size, ticks) * MILLION * (-1 if side else 1):
        return True
    delta = -size if side else size
    held = account.sizes.get(m, 0)
    quote = markets[m].fill(size, ticks)
    after = Account(
        account.usdc + (quote if side else -quote) - twin.fee(quote, fee),
        account.owed,
        {**account.sizes, m: held + delta},
        account.custom,
    )
    new = twin.risk(markets, after, {m: twin.opened(held, delta)})
    if new.net >= new.initial:
        return new.net - new.initial < ROUNDING
    cur = twin.risk(markets, account)
    net = new.net - ROUNDING
    return net * cur.maintenance < cur.net * (new.maintenance + (ROUNDING if cur.net > 0 else -ROUNDING))


def compare_scenarios(r: random.Random, world: Universe, slot: int, account: Account) -> None:
    """Stress and grid."""
    kernel, markets = world.kernel, world.markets
    moves = np.array([r.randint(-MILLION, MILLION) for _ in range(kernel.markets_max)], np.int32)
    factors = {m: 1 + Fraction(int(moves[m]), MILLION) for m in account.sizes}
    found = twin.risk(markets, account, None, factors)
    ours = kernel.stress(slot, moves)
    large = max((abs(twin.notional(markets[m], s, factors[m])) for m, s in account.sizes.items()), default=0)
    if ours is None:
        assert max(large, abs(found.net)) > 2**50, "not computable, though not large"
        return
    same("stress", ours, (found.net, found.maintenance, found.initial))
    columns = np.array([[moves[m] for m in sorted(account.sizes)], [0] * len(account.sizes)], np.int32)
    nets, maintenances = kernel.grid(slot, columns.reshape(2, len(account.sizes)))
    now = twin.risk(markets, account)
    same("grid", (int(nets[0]), int(maintenances[0])), (found.net, found.maintenance))
    same("grid", (int(nets[1]), int(maintenances[1])), (now.net, now.maintenance))


def compare_forced(r: random.Random, world: Universe, slot: int, account: Account) -> None:
    """Bankruptcy, fillable price, size and insurance of a liquidation; funding."""
    kernel, markets, config = world.kernel, world.markets, Config()
    rates = np.array([r.randint(-50_000, 50_000) for _ in range(kernel.markets_max)], np.int64)
    moves = [(twin.funding_change(markets[m], int(rates[m])), size) for m, size in account.sizes.items()]
    same("funding due", kernel.funding_due(slot, rates), twin.settlement(moves))
    if not twin.risk(markets, account).maintenance:
        return
    for m, size in account.sizes.items():
        part = r.randint(1, abs(size))
        same(
            "bankruptcy",
            kernel.bankruptcy(slot, m, part),
            twin.bankruptcy(markets, account, m, part),
        )
        same("fillable", kernel.fillable(slot, m), twin.fillable(markets, account, m, config))
        already = r.choice((0, 0, 99_999 * MILLION, 10**12))
        same(
            "liquidation size",
            kernel.liquidation_size(slot, m, already),
            twin.liquidation_size(markets, account, m, config, already),
        )
        quote = max(1, int(abs(twin.notional(markets[m], part)) * Fraction(r.uniform(0.8, 1.2))))
        same(
            "insurance",
            kernel.insurance(slot, m, part, quote),
            twin.insurance(markets, account, m, part, quote, config),
        )


def turn(r: random.Random, accounts: int = ACCOUNTS) -> int:
    """Draw markets and accounts and compare them. Returns how many accounts were computable."""
    world = drawn_universe(r, accounts_max=accounts)
    drawn = [drawn_account(r, world.markets) for _ in range(accounts)]
    for slot, account in enumerate(drawn):
        put(world.kernel, slot, account)
    world.kernel.update()
    computable = 0
    for slot, account in enumerate(drawn):
        if compare(world, slot, account):
            computable += 1
            compare_orders(r, world, slot, account)
            compare_scenarios(r, world, slot, account)
            compare_forced(r, world, slot, account)
    same("unknown accounts", world.kernel.unknown, accounts - computable)
    moved(r, world, drawn)
    return computable


def moved(r: random.Random, world: Universe, accounts: list[Account]) -> None:
    """Some markets and some accounts change: what the kernel then has is what a fresh one would have."""
    markets = range(len(world.markets))
    changes = {
        m: market_object(r, m, r.random() < 0.2) for m in r.sample(markets, r.randint(0, len(markets)))
    }
    part = ("openInterest", "openInterestLowerCap", "openInterestUpperCap")
    for m, made in changes.items():
        if r.random() < 0.7:  # only what changes while a market lives
            made = {key: made.get(key, "0") for key in ("oraclePrice", *part)}
        world.objects[m] = {**world.objects[m], **made}
        world.say({world.objects[m]["ticker"]: world.objects[m]})
        world.markets[m] = Market.read(world.objects[m])
    for slot in r.sample(range(len(accounts)), r.randint(0, len(accounts))):
        m = r.choice(markets)
        size = r.choice((0, drawn_size(r, world.markets[m], False)))
        accounts[slot].sizes.pop(m, None)
        if size:
            accounts[slot].sizes[m] = size
        world.kernel.set_position(slot, m, size)
    world.kernel.update()
    for slot, account in enumerate(accounts):
        compare(world, slot, account)


def main() -> int:
    """Compare, and say what was compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.margin_differential")
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun, done, computable = time.monotonic(), 0, 0
    while done < asked.accounts:
        seed = asked.seed * 1_000_003 + done
        try:
            computable += turn(random.Random(seed))
        except AssertionError as difference:
            print(f"turn seed {seed}: {difference}", file=sys.stderr)
            raise
        done += ACCOUNTS
    print(
        f"{done:,} accounts, {computable:,} computable, no difference, seed {asked.seed}, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
