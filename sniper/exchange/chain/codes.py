"""Why the chain refuses: codes, their codespace and their texts (orders.md 7; the texts are the chain's own)."""

from __future__ import annotations

from sniper.exchange.facts import Outcome

CLOB = "clob"
SUBACCOUNTS = "subaccounts"
SENDING = "sending"
SDK = "sdk"

TEXTS: dict[tuple[str, int], str] = {
    (CLOB, 3): "Invalid order side",
    (CLOB, 4): "Invalid order quantums",
    (CLOB, 5): "Invalid order goodTilBlock",
    (CLOB, 6): "Invalid order subticks",
    (CLOB, 7): "Attempt to place an order that is already canceled",
    (CLOB, 8): "ClobPair ID does not reference a valid CLOB",
    (
        CLOB,
        9,
    ): "A cancel already exists in the memclob for this order with a greater than or equal GoodTilBlock",
    (CLOB, 10): "The next block height is greater than the GoodTilBlock of the message",
    (CLOB, 11): "The GoodTilBlock of the message is further than ShortBlockWindow blocks into the future",
    (CLOB, 20): (
        "An order with the same `OrderId` already exists for this CLOB with a greater-than-or-equal `GoodTilBlock` "
        "or Order Hash"
    ),
    (CLOB, 24): "Order is fully filled",
    (CLOB, 29): "Invalid stateful order cancellation",
    (CLOB, 32): "Existing stateful order cancellation has higher-or-equal priority than the new one",
    (CLOB, 34): "Order conflicts with ClobPair status",
    (CLOB, 44): "Invalid time in force",
    (CLOB, 45): "Invalid batch cancel message",
    (CLOB, 48): "This field has been deprecated",
    (CLOB, 49): "Invalid TWAP order placement",
    (CLOB, 50): "Invalid builder code",
    (CLOB, 2001): "Reduce-only orders cannot increase the position size",
    (CLOB, 2003): "Post-only order would cross one or more maker orders",
    (CLOB, 2004): "IOC/FOK order is already filled, remaining size is cancelled.",
    (CLOB, 2005): "Order would violate isolated subaccount constraints.",
    (CLOB, 3000): "Invalid order flags",
    (CLOB, 3001): "Invalid order goodTilBlockTime",
    (CLOB, 3002): "Stateful orders cannot require immediate execution",
    (CLOB, 3003): "The block time is greater than the GoodTilBlockTime of the message",
    (CLOB, 3004): (
        "The GoodTilBlockTime of the message is further than StatefulOrderTimeWindow into the future"
    ),
    (CLOB, 3005): "Existing stateful order has higher-or-equal priority than the new one",
    (CLOB, 3006): "Stateful order does not exist",
    (CLOB, 3007): "Stateful order collateralization check failed",
    (CLOB, 3008): "Stateful order was previously cancelled and therefore cannot be placed",
    (CLOB, 3010): ("Stateful order cancellation failed because the order was already removed from state"),
    (CLOB, 6000): "Conditional type is invalid",
    (CLOB, 6001): "Conditional order trigger subticks is invalid",
    (CLOB, 9003): "Reduce-only is currently disabled for non-IOC orders",
    (CLOB, 10001): "Subaccount cannot open more orders due to equity tier limit.",
    (SUBACCOUNTS, 102): "failed to apply subaccount updates",
    (SUBACCOUNTS, 200): "subaccount id number cannot exceed 128000",
    (SUBACCOUNTS, 201): "subaccount id owner is an invalid address",
    (SENDING, 1): "Sender is the same as recipient",
    (SENDING, 2): "Invalid transfer amount",
    (SENDING, 6): "Account address is invalid",
    (SDK, 5): "insufficient funds",
}


def refuse(code: int, detail: str = "", codespace: str = CLOB) -> Outcome:
    """An outcome with the code's text; the detail stands in front of it, as the chain wraps its errors."""
    text = TEXTS[codespace, code]
    return Outcome(code, codespace, f"{detail}: {text}" if detail else text)


# Why an order left the book: numbers of OrderRemovalReason.
EXPIRED = 1
USER_CANCELED = 2
UNDERCOLLATERALIZED = 3
SELF_TRADE = 5
POST_ONLY_CROSSES = 6
IOC_WOULD_REST = 7
REDUCE_ONLY_RESIZE = 9
REPLACED = 11
FULLY_FILLED = 12
EQUITY_TIER = 13
SETTLED = 14
VIOLATES_ISOLATED = 15
