"""The ids that the Indexer gives to subaccounts, orders, positions and fills: known before anything is sent.

All are name-based UUIDs (version 5, SHA-1) in one namespace of the Indexer's, so what it tells of an order can be
matched with what was sent, whichever comes first (rest.md 3).
"""

from __future__ import annotations

from hashlib import sha1

NAMESPACE = bytes.fromhex("0f9da948a6fb4c459edc4685c3f3317d")


def indexer_uuid(name: str) -> str:
    """The version 5 UUID of a name in the Indexer's namespace, as it writes it."""
    digest = bytearray(sha1(NAMESPACE + name.encode("utf-8"), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def subaccount_uuid(address: str, subaccount: int) -> str:
    """The id of a subaccount."""
    return indexer_uuid(f"{address}-{subaccount}")


def order_uuid(subaccount_id: str, client_id: int, clob_pair: int, order_flags: int) -> str:
    """The id of an order. order_flags: 0 short-term, 32 conditional, 64 long-term."""
    return indexer_uuid(f"{subaccount_id}-{client_id}-{clob_pair}-{order_flags}")


def position_uuid(subaccount_id: str, event_id: str) -> str:
    """The id of a position. event_id: 24 hex digits of the event that opened it."""
    return indexer_uuid(f"{subaccount_id}-{event_id}")


def fill_uuid(event_id: str, liquidity: str) -> str:
    """The id of one side of a fill. liquidity: TAKER or MAKER."""
    return indexer_uuid(f"{event_id}-{liquidity}")
