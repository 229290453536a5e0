"""What chain, Indexer and node say to each other: orders as the chain knows them, and the news of what happened.

Integers throughout: quantums and subticks of the market (BQ, subticks), quote quantums (QQ, 10^-6 USDC), ppm,
nanoseconds since 1970. Enumerations carry the numbers of the protocol's own protobuf files. Sources: dYdX v4-chain,
proto/dydxprotocol/clob/order.proto, subaccounts/subaccount.proto, indexer/shared/removal_reason.proto.
"""

from __future__ import annotations

from typing import NamedTuple

BUY, SELL = 1, 2
SHORT_TERM, CONDITIONAL, LONG_TERM, TWAP = 0, 32, 64, 128
GTT, IOC, POST_ONLY, FILL_OR_KILL = 0, 1, 2, 3
NO_CONDITION, STOP_LOSS, TAKE_PROFIT = 0, 1, 2


class SubaccountId(NamedTuple):
    """An account within an account: the owner's address and a number below 128,001."""

    owner: str
    number: int


class OrderId(NamedTuple):
    """What identifies an order; side, price and size do not."""

    subaccount: SubaccountId
    client_id: int
    flags: int
    clob_pair: int


class ChainOrder(NamedTuple):
    """An order as it stands in a MsgPlaceOrder. One of good_til_block and good_til_s (unix seconds) is 0."""

    id: OrderId
    side: int
    quantums: int
    subticks: int
    good_til_block: int
    good_til_s: int
    time_in_force: int
    reduce_only: bool
    client_metadata: int
    condition: int
    trigger_subticks: int
    builder: str = ""
    builder_fee_ppm: int = 0


class Outcome(NamedTuple):
    """What the chain answers to a message or transaction. code 0: valid and processed, which is not: filled."""

    code: int
    codespace: str = ""
    text: str = ""


ACCEPTED = Outcome(0)


class OrderOpened(NamedTuple):
    """Off chain, at once: the node took a short-term order into its book or matched it as far as it could.

    Before any match of it. Resting size is told by OrderResting, never by this.
    """

    order: ChainOrder
    now_ns: int


class OrderResting(NamedTuple):
    """Off chain: an order rests (first time) or its filled amount changed while it rests; BQ in all, optimistic."""

    id: OrderId
    filled_quantums: int
    now_ns: int


class OrderGone(NamedTuple):
    """Off chain: an order left the node's book, or never rested. reason: number of OrderRemovalReason.

    final: CANCELED for the Indexer (expired), else BEST_EFFORT_CANCELED. `left_book` is False in the one case where
    the Indexer is told of a cancel that the book did not carry out (a cancel with a smaller good-til-block).
    """

    id: OrderId
    reason: int
    final: bool
    filled_quantums: int
    left_book: bool
    now_ns: int


class StatefulPlaced(NamedTuple):
    """In a block: a long-term order was accepted (OPEN) or a conditional one waits for its trigger (UNTRIGGERED)."""

    order: ChainOrder
    tx_hash: str


class StatefulTriggered(NamedTuple):
    """In a block: a conditional order's trigger was met; it enters the book with the next block."""

    id: OrderId


class StatefulGone(NamedTuple):
    """In a block: a stateful order is over (cancelled, expired, removed, filled). reason as in OrderGone.

    Where it rested it rests no longer; no OrderGone of its own tells that. But an order that the node drops from its
    book before a block (under-collateralised, for example) is told twice: OrderGone at once, this in the next block.
    """

    id: OrderId
    reason: int


class Filled(NamedTuple):
    """In a block: one match. Fees in QQ, negative for a rebate; filled in all: BQ of each order after this match.

    kind: LIMIT, LIQUIDATED, DELEVERAGED or OFFSETTING, of the taker. taker_order is None for a liquidation or a
    deleveraging, whose party is `taker`; maker_order is None for a deleveraging, whose party is `maker`. price: for
    deleveragings the exact bankruptcy price as a decimal string, else "" (subticks tell it).
    """

    clob_pair: int
    kind: str
    taker: SubaccountId
    maker: SubaccountId
    taker_order: ChainOrder | None
    maker_order: ChainOrder | None
    taker_side: int
    quantums: int
    subticks: int
    price: str
    quote: int
    taker_fee: int
    maker_fee: int
    taker_filled: int
    maker_filled: int
    event: int  # index within the block
    tx_hash: str


class Holding(NamedTuple):
    """A perpetual position as the chain keeps it. funding_index: as of when its funding was last settled."""

    perpetual: int
    quantums: int  # signed
    funding_index: int


class SubaccountChanged(NamedTuple):
    """In a block: an account's balance and positions after the block; only positions that changed (0: closed).

    funding: QQ settled per perpetual in this change (positive: received).
    """

    subaccount: SubaccountId
    usdc: int
    holdings: tuple[Holding, ...]
    funding: tuple[tuple[int, int], ...]


class Transferred(NamedTuple):
    """In a block: USDC moved. A party with number -1 is a wallet (bank balance), not a subaccount."""

    sender: SubaccountId
    recipient: SubaccountId
    quote: int
    tx_hash: str


class Executed(NamedTuple):
    """In a block: what became of a transaction that had been judged good before (outcome.code 0 mostly)."""

    tx_hash: str
    outcome: Outcome


class OraclePriced(NamedTuple):
    """In a block: new oracle prices: (market id, price as the chain's integer, its exponent)."""

    prices: tuple[tuple[int, int, int], ...]


class FundingTicked(NamedTuple):
    """In a block at or after the hour: per perpetual (id, rate of 8 hours in ppm, funding index after, oracle price).

    The oracle price as in OraclePriced: (integer, exponent).
    """

    ticks: tuple[tuple[int, int, int, int, int], ...]


class FundingForeseen(NamedTuple):
    """What the Indexer's market updater says every 30 s: (perpetual, next funding rate of 1 hour as text)."""

    rates: tuple[tuple[int, str], ...]


class MarketChanged(NamedTuple):
    """In a block: a market was listed, or its status, grid or margin terms changed. Read its terms from the chain."""

    clob_pair: int


class BlockEnded(NamedTuple):
    """A block is committed; every in-a-block news since the last BlockEnded belongs to it."""

    height: int
    now_ns: int


News = (
    OrderOpened
    | OrderResting
    | OrderGone
    | StatefulPlaced
    | StatefulTriggered
    | StatefulGone
    | Filled
    | SubaccountChanged
    | Transferred
    | Executed
    | OraclePriced
    | FundingTicked
    | FundingForeseen
    | MarketChanged
    | BlockEnded
)
