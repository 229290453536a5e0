"""Gas and fees: what is not for the order book pays for itself, in USDC at the network's least gas price.

The chain asks 0.025 micro-USDC a unit of gas; the official client simulates, takes 1.8 times the gas that was used
and pays that (dydx_v4_client node/fee.py).
"""

from __future__ import annotations

from typing import Final

from sniper.exchange.facts import Outcome
from sniper.exchange.node.codes import (
    INSUFFICIENT_FEE,
    INSUFFICIENT_FUNDS,
    INVALID_COINS,
    INVALID_GAS_LIMIT,
    OUT_OF_GAS,
)
from sniper.exchange.node.envelope import Transaction
from sniper.exchange.node.messages import KINDS

USDC: Final = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
NATIVE: Final = ("adydx", "adv4tnt")
GAS_PRICE_PER_THOUSAND: Final = 25  # micro-USDC
COLLECTOR: Final = "dydx17xpfvakm2amg962yls6f84z3kell8c5leqdyt2"
"""The address of the chain's module account `fee_collector`: SHA-256 of that name, 20 bytes."""
AMOUNT_DIGITS_MAX: Final = 30


def gas_of(tx: Transaction) -> int:
    """The gas that its messages use."""
    return sum(KINDS[url].gas for url, _ in tx.messages)


def least_fee(gas_limit: int) -> int:
    """What the network asks at least for so much gas, in QQ, rounded up."""
    return -(-gas_limit * GAS_PRICE_PER_THOUSAND // 1000)


def fee_of(tx: Transaction) -> int | Outcome:
    """The fee in QQ that this transaction offers; 0 for the order book, where none is taken."""
    if tx.clob:
        return 0
    if not tx.gas_limit:
        return INVALID_GAS_LIMIT.of("must provide positive gas")
    offered = 0
    for denomination, amount in tx.fee:
        if not amount.isascii() or not amount.isdigit() or len(amount) > AMOUNT_DIGITS_MAX:
            return INVALID_COINS.of(f"{amount[:40]}{denomination[:80]}")
        if denomination in NATIVE and int(amount):
            return INSUFFICIENT_FUNDS.of(
                f"spendable balance 0{denomination} is smaller than {amount}{denomination}"
            )
        if denomination == USDC:
            offered += int(amount)
    needed = least_fee(tx.gas_limit)
    if offered < needed:
        return INSUFFICIENT_FEE.of(f"insufficient fees; got: {offered}{USDC} required: {needed}{USDC}")
    used = gas_of(tx)
    if used > tx.gas_limit:
        return OUT_OF_GAS.of(f"out of gas in location: messages; gasWanted: {tx.gas_limit}, gasUsed: {used}")
    return offered
