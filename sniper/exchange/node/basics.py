"""What the chain asks of a message before it looks at any state (ValidateBasic of each message type).

The order book's own rules (sizes, flags, expiries) are the chain's; here are accounts, amounts and assets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sniper.exchange.facts import Outcome
from sniper.exchange.node import codes
from sniper.exchange.node.authenticators import DATA_BYTES_MAX
from sniper.exchange.node.fees import AMOUNT_DIGITS_MAX
from sniper.exchange.node.messages import (
    ADD_AUTHENTICATOR,
    BATCH_CANCEL,
    CANCEL,
    DEPOSIT,
    PLACE,
    SEND,
    TRANSFER,
    WITHDRAW,
)
from sniper.exchange.node.signing import is_address

SUBACCOUNT_MAX: Final = 128_000


def wrong(url: str, message: Any) -> Outcome | None:
    """Why this message cannot be right whatever the state, None if nothing is wrong with it."""
    check = _CHECKS.get(url)
    return check(message) if check else None


def _subaccount(message: Any) -> Outcome | None:
    if message.number > SUBACCOUNT_MAX:
        return codes.INVALID_NUMBER.of("")
    if not is_address(message.owner):
        return codes.INVALID_OWNER.of(f"invalid SubaccountId Owner: {message.owner[:80]}")
    return None


def _sum(asset: int, amount: int) -> Outcome | None:
    if asset:
        return codes.NOT_USDC.of("")
    return None if amount else codes.INVALID_AMOUNT.of("")


def _transfer(message: Any) -> Outcome | None:
    transfer = message.transfer
    found = _subaccount(transfer.sender) or _subaccount(transfer.recipient)
    if found is None and transfer.sender == transfer.recipient:
        return codes.SAME_ACCOUNT.of("")
    return found or _sum(transfer.asset_id, transfer.amount)


def _deposit(message: Any) -> Outcome | None:
    if not is_address(message.sender):
        return codes.INVALID_PARTY.of("")
    return _subaccount(message.recipient) or _sum(message.asset_id, message.quantums)


def _withdraw(message: Any) -> Outcome | None:
    found = _subaccount(message.sender)
    if found is None and not is_address(message.recipient):
        return codes.INVALID_PARTY.of("")
    return found or _sum(message.asset_id, message.quantums)


def _send(message: Any) -> Outcome | None:
    if not is_address(message.to_address):
        return codes.INVALID_ADDRESS.of(f"invalid to address: {message.to_address[:80]}")
    denominations = [coin.denom for coin in message.amount]
    if not denominations or denominations != sorted(set(denominations)):
        return codes.INVALID_COINS.of("")
    for coin in message.amount:
        digits = coin.amount.isascii() and coin.amount.isdigit() and len(coin.amount) <= AMOUNT_DIGITS_MAX
        if not digits or not int(coin.amount):
            return codes.INVALID_COINS.of(f"{coin.amount[:40]}{coin.denom[:80]}")
    return None


def _add(message: Any) -> Outcome | None:
    return codes.AUTHENTICATOR_TOO_LONG.of("") if len(message.data) > DATA_BYTES_MAX else None


_CHECKS: Final[dict[str, Callable[[Any], Outcome | None]]] = {
    PLACE: lambda message: _subaccount(message.order.order_id.subaccount_id),
    CANCEL: lambda message: _subaccount(message.order_id.subaccount_id),
    BATCH_CANCEL: lambda message: _subaccount(message.subaccount_id),
    TRANSFER: _transfer,
    DEPOSIT: _deposit,
    WITHDRAW: _withdraw,
    SEND: _send,
    ADD_AUTHENTICATOR: _add,
}
