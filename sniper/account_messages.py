"""Messages about an account, turned into our units: WebSocket frames and REST answers.

One message becomes one `Message`, or `Refusal`: nothing of a message is believed when one value in it is bad. The
wire has two shapes for many things (a snapshot's map of positions, an update's list; `ticker` here, `market`
there; a size signed, or unsigned beside its side); what leaves this module has one.
"""

from __future__ import annotations

from typing import Final

from sniper import account_wire as wire
from sniper.account_facts import Balance, Holding, Message, Refusal, Transfer, Whole
from sniper.quantums import (
    QUOTE_DECIMALS,
    WORD_MAX,
    Inexact,
    Scale,
    Scales,
    divided_notional,
    exact,
    floored,
    iso_ns,
    notional,
    shifted,
    truncated,
)
from sniper.trading import BUY, SELL, Fill, OrderNews

SUBACCOUNT_MAX: Final = 128_000
SIDES: Final = {"BUY": BUY, "SELL": SELL}
TEXT_MAX: Final = 128
DIVIDED: Final = ("DELEVERAGED", "OFFSETTING")
"""Kinds of fills that the chain makes for whole QQ; the Indexer divides these by the size and calls that a price."""
QUOTE_DOUBT: Final = 1000
"""A fill whose quoteAmount differs from size x price by more than one part in so many is not believed."""


def frame(data: bytes) -> wire.Frame:
    """The envelope of a message. Refusal if it is none."""
    try:
        return wire.decoded(wire.FRAME, data)
    except wire.Unreadable as problem:
        raise Refusal(str(problem)) from None


def owner(found: wire.Frame) -> tuple[str, int]:
    """Address and subaccount (or parent) that a message speaks of. Refusal if it names none."""
    address, slash, number = found.id.partition("/")
    if not address or not slash or len(address) > TEXT_MAX:
        raise Refusal(f"{found.id[:100]!r} is no address with a subaccount")
    try:
        return address, _whole(number)
    except Inexact as problem:
        raise Refusal(str(problem)) from None


def contents(found: wire.Frame, scales: Scales) -> Message:
    """What a message says, in our units. Refusal if one value in it is not believed."""
    address, number = owner(found)
    if found.subaccount_number >= 0:
        number = found.subaccount_number
    try:
        if found.type == "subscribed":
            snapshot = wire.decoded(wire.SNAPSHOT, found.contents)
            return _snapshot(snapshot, number, found.channel == "v4_parent_subaccounts", scales)
        if found.type == "channel_batch_data":
            updates = wire.decoded(wire.UPDATES, found.contents)
        else:
            updates = [wire.decoded(wire.UPDATE, found.contents)]
        return _updates(updates, address, number, scales)
    except (Inexact, wire.Unreadable) as problem:
        raise Refusal(str(problem)) from None


def rest(endpoint: str, body: bytes, number: int, scales: Scales) -> Message:
    """What the body of a REST answer says (orders, fills, subaccount, parentSubaccount). number: that asked for."""
    try:
        if endpoint == "orders":
            return Message(orders=tuple(_order(item, 0, scales) for item in wire.decoded(wire.ORDERS, body)))
        if endpoint == "fills":
            fills = [_fill(item, number, scales) for item in wire.decoded(wire.FILLS, body).fills]
            fills.reverse()  # newest first on the wire
            fills.sort(key=lambda fill: fill.height)
            return Message(fills=tuple(fills), height=fills[-1].height if fills else 0)
        snapshot = wire.decoded(wire.SNAPSHOT, body)
    except (Inexact, wire.Unreadable) as problem:
        raise Refusal(str(problem)) from None
    if snapshot.subaccount is None:
        raise Refusal("no subaccount in the answer")
    try:
        return _snapshot(snapshot, number, endpoint == "parentSubaccount", scales)
    except Inexact as problem:
        raise Refusal(str(problem)) from None


def height(body: bytes) -> int:
    """The block that a `height` answer names. Refusal if it is none."""
    try:
        return _whole(wire.decoded(wire.HEIGHT, body).height)
    except (Inexact, wire.Unreadable) as problem:
        raise Refusal(str(problem)) from None


def _snapshot(found: wire.WireSnapshot, number: int, family: bool, scales: Scales) -> Message:
    """A snapshot: one subaccount, or a parent's children. Without a subaccount nothing exists yet."""
    height = _whole(found.block_height)
    whole = found.subaccount or wire.WireSubaccount()
    parts = whole.child_subaccounts if family and found.subaccount is not None else [whole]
    wholes = tuple(_subaccount(part, number, height, scales) for part in parts)
    newest = max((part.height for part in wholes), default=0)
    orders = tuple(_order(item, height, scales) for item in found.orders)
    return Message(wholes=wholes, family=family, orders=orders, height=max(height, newest))


def _subaccount(found: wire.WireSubaccount, number: int, height: int, scales: Scales) -> Whole:
    if found.subaccount_number >= 0:
        number = _whole(found.subaccount_number)
    height = _whole(found.latest_processed_block_height) or height
    holdings = []
    for ticker, item in found.open_perpetual_positions.items():
        if item.market and item.market != ticker:
            raise Refusal(f"a position of {item.market[:100]} stands under {ticker[:100]}")
        held = _holding(item, ticker, number, height, scales)
        holdings.append(held._replace(subaccount=number))
    usdc = found.asset_positions.get("USDC")
    return Whole(number, _usdc(usdc) if usdc is not None else 0, tuple(holdings), height)


def _updates(found: list[wire.WireUpdate], address: str, number: int, scales: Scales) -> Message:
    """The elements of a batch, or the one of a plain message."""
    holdings: list[Holding] = []
    balances: list[Balance] = []
    orders: list[OrderNews] = []
    fills: list[Fill] = []
    transfers: list[Transfer] = []
    newest = 0
    for update in found:
        height = _whole(update.block_height)
        newest = max(newest, height)
        for position in update.perpetual_positions:
            holdings.append(_holding(position, position.market, number, height, scales))
        for asset in update.asset_positions:
            if asset.symbol == "USDC":
                balances.append(Balance(_number(asset.subaccount_number, number), _usdc(asset), height))
        orders += [_order(item, height, scales) for item in update.orders]
        fills += [_fill(item, number, scales) for item in update.fills]
        moved = update.transfers
        if moved is not None:
            for transfer in moved if isinstance(moved, list) else [moved]:
                transfers += _transfers(transfer, address)
    newest = max((newest, *(fill.height for fill in fills)))
    return Message(
        holdings=tuple(holdings),
        balances=tuple(balances),
        orders=tuple(orders),
        fills=tuple(fills),
        transfers=tuple(transfers),
        height=newest,
    )


def _holding(item: wire.WirePosition, ticker: str, number: int, height: int, scales: Scales) -> Holding:
    scale = _scale(ticker, scales)
    mantissa, decimals = exact(item.size)
    size = _bounded(shifted(_signed(item.side, mantissa), -scale.atomic - decimals))
    _short(item.position_id)
    is_open = item.status == "OPEN"
    if size and not is_open:
        raise Refusal(f"a position of {ticker} is {item.status[:20]} with size {item.size}")
    price, price_decimals = exact(item.entry_price) if item.entry_price is not None else (0, 0)
    if price < 0:
        raise Refusal(f"a negative entry price of {ticker}")
    funding, funding_decimals = exact(item.net_funding) if item.net_funding is not None else (0, 0)
    return Holding(
        _number(item.subaccount_number, number),
        scale.market,
        size,
        _bounded(notional(size, scale.atomic, price, price_decimals)),
        _bounded(floored(funding, QUOTE_DECIMALS - funding_decimals)),
        item.position_id,
        is_open and size != 0,
        iso_ns(item.created_at) if item.created_at else 0,
        height,
    )


def _usdc(item: wire.WireAsset) -> int:
    """QQ of a balance; what is finer than a quantum is cut off downwards, as the chain does when it settles."""
    mantissa, decimals = exact(item.size)
    return _bounded(floored(_signed(item.side, mantissa), QUOTE_DECIMALS - decimals))


def _order(item: wire.WireOrder, height: int, scales: Scales) -> OrderNews:
    if not item.id:
        raise Refusal("an order without an id")
    _short(item.id, item.status, item.removal_reason)
    if item.side is not None and item.side not in SIDES:
        raise Refusal(f"an order's side {item.side[:20]!r}")
    scale = _scale(item.ticker, scales) if item.ticker else None
    return OrderNews(
        item.id,
        _whole(item.client_id) if item.client_id is not None else -1,
        scale.market if scale else -1,
        item.status,
        item.removal_reason or "",
        SIDES[item.side] if item.side is not None else -1,
        _steps(item.size, scale),
        _ticks(item.price, scale),
        _steps(item.total_filled, scale),
        _steps(item.total_optimistic_filled, scale),
        _whole(item.order_flags) if item.order_flags is not None else -1,
        _whole(item.good_til_block) if item.good_til_block is not None else -1,
        iso_ns(item.good_til_block_time) if item.good_til_block_time else -1,
        _whole(item.updated_at_height) if item.updated_at_height is not None else height,
        _ticks(item.trigger_price, scale),
    )


def _fill(item: wire.WireFill, number: int, scales: Scales) -> Fill:
    ticker = item.ticker or item.market
    scale = _scale(ticker, scales)
    mantissa, decimals = exact(item.size)
    size = _bounded(shifted(mantissa, -scale.atomic - decimals))
    price, price_decimals = exact(item.price)
    _short(item.id, item.order_id, item.type)
    if not item.id or size <= 0 or price <= 0:
        raise Refusal(f"a fill of {ticker} with id {item.id!r}, size {item.size}, price {item.price}")
    if item.side not in SIDES or item.liquidity not in ("TAKER", "MAKER"):
        raise Refusal(f"a fill with side {item.side[:20]!r} and liquidity {item.liquidity[:20]!r}")
    worth = divided_notional if item.type in DIVIDED else notional
    quote = worth(size, scale.atomic, price, price_decimals)
    if item.quote_amount is not None:
        amount, amount_decimals = exact(item.quote_amount)
        said = truncated(amount, QUOTE_DECIMALS - amount_decimals)
        if abs(said - quote) > quote // QUOTE_DOUBT + 1:
            raise Refusal(f"a fill of {item.size} at {item.price} is not worth {item.quote_amount}")
        quote = said
    fee, fee_decimals = exact(item.fee) if item.fee is not None else (0, 0)
    return Fill(
        item.id,
        item.order_id or "",
        scale.market,
        _number(item.subaccount_number, number),
        SIDES[item.side],
        size,
        price,
        price_decimals,
        _bounded(quote),
        _bounded(-floored(-fee, QUOTE_DECIMALS - fee_decimals)),
        item.liquidity == "TAKER",
        item.type,
        _whole(item.created_at_height),
        iso_ns(item.created_at),
    )


def _transfers(item: wire.WireTransfer, address: str) -> list[Transfer]:
    """The transfer as each subaccount of the address sees it: one between two of them is two."""
    if item.symbol != "USDC":
        return []
    _short(item.transaction_hash, item.sender.address, item.recipient.address, item.type)
    mantissa, decimals = exact(item.size)
    quote = _bounded(floored(mantissa, QUOTE_DECIMALS - decimals))
    if quote < 0:
        raise Refusal(f"a transfer of {item.size}")
    height = _whole(item.created_at_height)
    at_ns = iso_ns(item.created_at) if item.created_at else 0
    ends = f"{item.sender.address}/{item.sender.subaccount_number}>{item.recipient.address}"
    key = f"{item.transaction_hash} {height} {ends}/{item.recipient.subaccount_number} {item.size}"
    return [
        Transfer(_number(party.subaccount_number, 0), sign * quote, item.type, height, at_ns, key)
        for party, sign in ((item.sender, -1), (item.recipient, 1))
        if party.address == address and party.subaccount_number >= 0
    ]


def _scale(ticker: str, scales: Scales) -> Scale:
    scale = scales.of(ticker)
    if scale is None:
        raise Refusal(f"market {ticker[:100]!r} is not known")
    return scale


def _steps(text: str | None, scale: Scale | None) -> int:
    """A size in steps, -1 where it is absent or no whole number of them."""
    if text is None or scale is None:
        return -1
    mantissa, decimals = exact(text)
    if mantissa < 0:
        raise Refusal(f"a size of {text}")
    steps, rest = divmod(_bounded(shifted(mantissa, -scale.atomic - decimals)), scale.step_quantums)
    return -1 if rest else steps


def _ticks(text: str | None, scale: Scale | None) -> int:
    """A price in ticks, -1 where it is absent or no whole number of them."""
    if text is None or scale is None:
        return -1
    mantissa, decimals = exact(text)
    if mantissa < 0:
        raise Refusal(f"a price of {text}")
    ticks, rest = divmod(mantissa * 10**scale.tick_decimals, scale.tick * 10**decimals)
    return -1 if rest else _bounded(ticks)


def _signed(side: str, mantissa: int) -> int:
    """A size with its sign: negative for a SHORT, whether the text has the sign or not."""
    if side == "SHORT":
        return -abs(mantissa)
    if side != "LONG" or mantissa < 0:
        raise Refusal(f"side {side[:20]!r} with a size of {mantissa}")
    return mantissa


def _number(found: int, default: int) -> int:
    """The subaccount that an item names, else that of its message."""
    number = found if found >= 0 else default
    if number > SUBACCOUNT_MAX:
        raise Refusal(f"no subaccount {number}")
    return number


def _whole(found: str | int) -> int:
    """A height, an id or a flag: a whole number that is not negative, as text or bare."""
    if isinstance(found, str):
        mantissa, decimals = exact(found)
        found = mantissa if not decimals else -1
    if not 0 <= found <= WORD_MAX:
        raise Inexact(f"{found} is no whole number")
    return found


def _short(*texts: str | None) -> None:
    """Names are kept: none of them may be long."""
    for text in texts:
        if text is not None and len(text) > TEXT_MAX:
            raise Refusal(f"{text[:TEXT_MAX]!r}... is too long")


def _bounded(value: int) -> int:
    """A number that fits 64 bits."""
    if not -WORD_MAX <= value <= WORD_MAX:
        raise Refusal(f"{value} does not fit")
    return value
