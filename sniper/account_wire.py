"""The Indexer's messages about an account as they stand on the wire, for typed decoding (websocket.md 6.6, rest.md 3).

Numbers stay the texts they are. What is optional there has a default here; keys that nobody needs are skipped.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

T = TypeVar("T")


class WirePosition(msgspec.Struct, rename="camel"):
    """One position: an item of `perpetualPositions`, or of the snapshot's map."""

    side: str
    size: str
    market: str = ""
    status: str = "OPEN"
    position_id: str = ""
    subaccount_number: int = -1
    entry_price: str | None = None
    net_funding: str | None = None
    created_at: str | None = None


class WireAsset(msgspec.Struct, rename="camel"):
    """One balance. size is unsigned, its sign is in side."""

    symbol: str
    side: str
    size: str
    subaccount_number: int = -1


class WireOrder(msgspec.Struct, rename="camel"):
    """One order, as far as the message knows it."""

    id: str
    status: str = ""
    client_id: str | int | None = None
    ticker: str | None = None
    side: str | None = None
    size: str | None = None
    price: str | None = None
    total_filled: str | None = None
    total_optimistic_filled: str | None = None
    order_flags: str | int | None = None
    good_til_block: str | int | None = None
    good_til_block_time: str | None = None
    trigger_price: str | None = None
    updated_at_height: str | int | None = None
    removal_reason: str | None = None


class WireFill(msgspec.Struct, rename="camel"):
    """One fill. The WebSocket says ticker, REST says market."""

    id: str
    side: str
    size: str
    price: str
    created_at: str
    ticker: str = ""
    market: str = ""
    liquidity: str = "TAKER"
    type: str = "LIMIT"
    fee: str | None = None
    quote_amount: str | None = None
    order_id: str | None = None
    created_at_height: str | int = 0
    subaccount_number: int = -1


class WireParty(msgspec.Struct, rename="camel"):
    """One end of a transfer; no number: outside the exchange."""

    address: str
    subaccount_number: int = -1


class WireTransfer(msgspec.Struct, rename="camel"):
    """One transfer."""

    sender: WireParty
    recipient: WireParty
    size: str
    symbol: str = "USDC"
    type: str = ""
    created_at: str = ""
    created_at_height: str | int = 0
    transaction_hash: str = ""


class WireUpdate(msgspec.Struct, rename="camel"):
    """The contents of `channel_data`, or one element of a batch."""

    perpetual_positions: list[WirePosition] = []
    asset_positions: list[WireAsset] = []
    orders: list[WireOrder] = []
    fills: list[WireFill] = []
    transfers: WireTransfer | list[WireTransfer] | None = None
    block_height: str | int = 0


class WireSubaccount(msgspec.Struct, rename="camel"):
    """One subaccount, or a parent with its children."""

    address: str = ""
    subaccount_number: int = -1
    parent_subaccount_number: int = -1
    open_perpetual_positions: dict[str, WirePosition] = {}
    asset_positions: dict[str, WireAsset] = {}
    child_subaccounts: list[WireSubaccount] = []
    latest_processed_block_height: str | int = 0


class WireSnapshot(msgspec.Struct, rename="camel"):
    """The contents of `subscribed`, or the body of a subaccount answer; `{}` where nothing exists yet."""

    subaccount: WireSubaccount | None = None
    orders: list[WireOrder] = []
    block_height: str | int = 0


class WireFills(msgspec.Struct):
    """The body of a fills answer."""

    fills: list[WireFill]


class WireHeight(msgspec.Struct):
    """The body of a height answer."""

    height: str | int


class Frame(msgspec.Struct, rename="camel"):
    """The envelope of a WebSocket message about an account."""

    type: str
    channel: str
    id: str
    contents: msgspec.Raw
    subaccount_number: int = -1


FRAME: Final = msgspec.json.Decoder(Frame)
UPDATE: Final = msgspec.json.Decoder(WireUpdate)
UPDATES: Final = msgspec.json.Decoder(list[WireUpdate])
SNAPSHOT: Final = msgspec.json.Decoder(WireSnapshot)
ORDERS: Final = msgspec.json.Decoder(list[WireOrder])
FILLS: Final = msgspec.json.Decoder(WireFills)
HEIGHT: Final = msgspec.json.Decoder(WireHeight)


class Unreadable(ValueError):
    """Bytes that have not the shape asked for."""


def decoded(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """What the decoder makes of the bytes. Unreadable if they have another shape."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise Unreadable(str(problem)) from None
