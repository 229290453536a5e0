"""What must always be true of a chain: money is conserved, longs equal shorts, books are not crossed."""

from __future__ import annotations

from sniper.exchange.chain.core import Core
from sniper.exchange.facts import BUY, SELL, SHORT_TERM


def faults(core: Core) -> list[str]:
    """Every broken invariant, one sentence each; empty when all is well."""
    return [*_money(core), *_positions(core), *_books(core)]


def _money(core: Core) -> list[str]:
    found = []
    subaccounts = sum(sub.usdc for sub in core.subaccounts.values())
    wallets, insurance = sum(core.wallets.values()), sum(core.insurance.values())
    total = subaccounts + wallets + insurance + core.collector + core.clearing
    if total != core.supply:
        found.append(f"USDC: {total} QQ are there, {core.supply} were made")
    if any(balance < 0 for balance in (*core.wallets.values(), *core.insurance.values(), core.collector)):
        found.append("a wallet, an insurance fund or the fee collector is negative")
    return found


def _positions(core: Core) -> list[str]:
    found = []
    longs: dict[int, int] = {}
    shorts: dict[int, int] = {}
    for sub in core.subaccounts.values():
        isolated = [perpetual for perpetual in sub.positions if core.perpetuals[perpetual].isolated]
        if isolated and len(sub.positions) > 1:
            found.append(f"{sub.id.owner}/{sub.id.number} holds isolated {isolated[0]} beside others")
        for perpetual, (quantums, _) in sub.positions.items():
            if not quantums:
                found.append(f"{sub.id.owner}/{sub.id.number} holds 0 of {perpetual}")
            side = longs if quantums > 0 else shorts
            side[perpetual] = side.get(perpetual, 0) + abs(quantums)
    for perpetual, market in core.perpetuals.items():
        sums = (market.open_interest, longs.get(perpetual, 0), shorts.get(perpetual, 0))
        if len({*sums}) != 1:
            found.append(f"{market.terms.ticker}: open interest, longs, shorts are {sums}")
    return found


def _books(core: Core) -> list[str]:
    found = []
    for market in core.markets.values():
        book, ticker = market.book, market.terms.ticker
        if book.crossed:
            found.append(f"{ticker}: bid {book.best(BUY)} meets ask {book.best(SELL)}")
        count = 0
        for side in (BUY, SELL):
            if book.keys[side] != sorted(book.levels[side]):
                found.append(f"{ticker}: the keys of side {side} are not its levels")
            count += sum(map(len, book.levels[side].values()))
        if count != len(book.orders):
            found.append(f"{ticker}: {count} orders in levels, {len(book.orders)} known")
        for order_id, resting in book.orders.items():
            filled = core.filled.get(order_id, 0)
            if resting.remaining <= 0 or filled + resting.remaining != resting.order.quantums:
                found.append(f"{ticker}: {order_id} rests with {resting.remaining}, {filled} filled")
            if order_id.flags == SHORT_TERM and resting.order.good_til_block < core.next_height:
                found.append(f"{ticker}: {order_id} should have expired")
            if order_id.flags != SHORT_TERM and order_id not in core.stateful:
                found.append(f"{ticker}: {order_id} rests but is not in the chain's state")
    return found
