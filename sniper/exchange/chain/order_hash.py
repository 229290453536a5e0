"""The SHA-256 of an order as the chain serialises it: what decides between two orders of one id and good-til-block.

dydxprotocol/clob/order.proto, fields in the order of their numbers, zeros left out; the order id and the subaccount
id are always written.
"""

from __future__ import annotations

from hashlib import sha256

from sniper.exchange.facts import ChainOrder


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | 5) + value.to_bytes(4, "little") if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def serialised(order: ChainOrder) -> bytes:
    """The protobuf bytes of the order."""
    owner = order.id.subaccount.owner.encode()
    subaccount = (_bytes(1, owner) if owner else b"") + _number(2, order.id.subaccount.number)
    order_id = (
        _bytes(1, subaccount)
        + _fixed(2, order.id.client_id)
        + _number(3, order.id.flags)
        + _number(4, order.id.clob_pair)
    )
    parts = [
        _bytes(1, order_id),
        _number(2, order.side),
        _number(3, order.quantums),
        _number(4, order.subticks),
        # A oneof: the one that is set is written, even at zero; ours is never zero.
        _number(5, order.good_til_block),
        _fixed(6, order.good_til_s),
        _number(7, order.time_in_force),
        _number(8, order.reduce_only),
        _number(9, order.client_metadata),
        _number(10, order.condition),
        _number(11, order.trigger_subticks),
    ]
    if order.builder or order.builder_fee_ppm:
        builder = order.builder.encode()
        parts.append(_bytes(12, (_bytes(1, builder) if builder else b"") + _number(2, order.builder_fee_ppm)))
    return b"".join(parts)


def order_hash(order: ChainOrder) -> bytes:
    """SHA-256 of `serialised`."""
    return sha256(serialised(order)).digest()
