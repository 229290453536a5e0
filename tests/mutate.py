"""Spoils messages on purpose: first as trees (keys, values, shapes), then as bytes.

`mutated` takes a message as tests/frames.py draws it and returns bytes that may be anything between the same
message in another order and noise.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.frames import compact, loose

VALUES: tuple[Any, ...] = (
    "", "0", "0.0", "-0", "-1", "+1", " 1", "1 ", "1.", ".5", "1e5", "1E-2", "NaN", "Infinity", "0x10",
    "1_000", "1,5", "00012",
    "0.00000", "000.100", "9223372036854775807", "9223372036854775808", "18446744073709551616",
    "99999999999999999999999999",
    "0." + "0" * 30 + "1", "1." + "0" * 40, "0" * 40 + "1", "9" * 400, "0.1", "0.01", "97512.5",
    "1.00000000000000000001",
    "BUY", "SELL", "buy", "LIMIT", "BTC-USD", "BTC-USD/1MIN", "BTC-USD/2MIN", "/1MIN", "NONE-USD",
    "v4_orderbook", "v4_trades",
    "subscribed", "channel_data", "channel_batch_data", "2026-11-21T12:00:00Z",
    "2026-11-21T12:00:00.123456789Z",
    "2026-11-21T12:00:00.1234567891Z", "2026-11-21T12:00:00+00:00", "2026-11-21T12:00:00.5+00:00",
    "2026-11-21T12:00:00+01:00",
    "2026-02-29T12:00:00Z", "2024-02-29T23:59:59.999Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z",
    "2026-11-21T23:59:60Z",
    "2026-11-21 12:00:00Z", "2026-11-21T12:00:00", "2026-11-21T12:00Z", "2026-11-21T12:00:00.Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00Z", "2262-04-11T23:47:16.854Z", "2263-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
    0, 1, -1, 7, 1.5, 1e300, 10**30, 2**63 - 1, 2**63, 2**32, True, False, None, [], {}, [[]], ["1"], ["1",
    "2"], ["1", "2", "3"],
    [1, 2], {"price": "1"}, {"price": "1", "size": "2"}, {"price": "1", "size": "2", "offset": "3"},
    {"size": "5", "price": "10"},
    "é", "\x7f", "a\u0000b", "😀", "\ud800",
)  # fmt: skip
KEYS = (
    "type", "connection_id", "message_id", "channel", "id", "contents", "version", "subaccountNumber",
    "message", "bids", "asks",
    "trades", "markets", "trading", "oraclePrices", "candles", "height", "blockHeight", "time", "price",
    "size", "side", "createdAt",
    "createdAtHeight", "startedAt", "resolution", "ticker", "low", "high", "open", "close",
    "baseTokenVolume", "usdVolume",
    "startingOpenInterest", "oraclePrice", "effectiveAt", "effectiveAtHeight", "marketId", "tickSize",
    "stepSize", "status",
    "clobPairId", "volume24H", "BTC-USD", "NEW-USD", "unknown", "", "é", "Type", "typ", "types",
)  # fmt: skip
PIECES = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\t", b"\r", b"\x00", b"\x0b", b"\x0c",
    b"\xa0", b"\xff", b"\xc3\xa9",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"null", b"true", b"false", b"nul", b"NaN",
    b"-Infinity", b"-", b"0", b"00", b"1e9",
    b"1E+", b"1.", b"-0", b"-01", b"1.5e-7", b'""', b'"x"', b"[]", b"{}", b"[[]]", b'{"a":1}', b",,",
    b'"a":1,', b',"a":[]', b"\\u0041",
    b"\\u00", b"\\x", b"\\/", b"\\uD83D\\uDE00", b"\\ud800", b"/*c*/", b"'", b"[" * 70, b"{" * 70, b"]" * 5,
    b'{"a":' * 64 + b"0" + b"}" * 64,
    b'"bids":[["1","1"]],', b'"asks":[],', b'"type":"connected",', b'"id":"BTC-USD",', b'["100","1"],',
    b'{"price":"100","size":"1"},',
)  # fmt: skip

Slot = tuple[Any, Any]


def slots(value: Any, found: list[Slot]) -> list[Slot]:
    """Every (container, key) below `value`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            found.append((value, key))
            slots(inner, found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found.append((value, index))
            slots(inner, found)
    return found


def spoil_tree(message: dict[str, Any], r: random.Random) -> None:
    """One change of the tree, in place."""
    among = slots(message, [])
    if not among:
        return
    container, key = among[int(r.random() * len(among))]
    draw = r.random()
    if draw < 0.5:
        container[key] = _value(r)
    elif draw < 0.62:
        del container[key]
    elif draw < 0.74 and isinstance(container, dict):
        container[KEYS[int(r.random() * len(KEYS))]] = container.pop(key)
    elif draw < 0.84:
        other, name = among[int(r.random() * len(among))]
        if not (container is other and key == name):
            container[key] = _copy(other[name])
    elif draw < 0.92 and isinstance(container, dict):
        container[KEYS[int(r.random() * len(KEYS))]] = _value(r)
    elif isinstance(container, list):
        container.insert(key, _value(r))
    else:
        container[key] = [_copy(container[key])]


def _value(r: random.Random) -> Any:
    return _copy(VALUES[int(r.random() * len(VALUES))])


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(v) for v in value] if isinstance(value, list) else value


def _at(data: bytes, r: random.Random) -> int:
    return int(r.random() * (len(data) + 1))


def _flip(data: bytes, r: random.Random) -> bytes:
    at = int(r.random() * len(data)) if data else 0
    return data[:at] + bytes(b ^ 1 << int(r.random() * 8) for b in data[at : at + 1]) + data[at + 1 :]


def _truncate(data: bytes, r: random.Random) -> bytes:
    return data[: _at(data, r)]


def _insert(data: bytes, r: random.Random) -> bytes:
    at = _at(data, r)
    return data[:at] + PIECES[int(r.random() * len(PIECES))] + data[at:]


def _replace(data: bytes, r: random.Random) -> bytes:
    at = _at(data, r)
    return data[:at] + PIECES[int(r.random() * len(PIECES))] + data[at + int(r.random() * 4) :]


def _remove(data: bytes, r: random.Random) -> bytes:
    at = _at(data, r)
    return data[:at] + data[at + 1 + int(r.random() ** 3 * 30) :]


def _repeat(data: bytes, r: random.Random) -> bytes:
    at = _at(data, r)
    end = at + int(r.random() ** 2 * 60)
    return data[:end] + data[at:end] + data[end:]


def _member(data: bytes, r: random.Random) -> bytes:
    """Repeat or drop what stands between two commas: a duplicate key, a lost value."""
    commas = [i for i, byte in enumerate(data) if byte == 0x2C]
    if len(commas) < 2:
        return data
    which = int(r.random() * (len(commas) - 1))
    start, end = commas[which], commas[which + 1]
    return data[:end] + data[start:end] + data[end:] if r.random() < 0.7 else data[:start] + data[end:]


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _flip, _truncate, _insert, _insert, _replace, _remove, _repeat, _member, _member,
)  # fmt: skip


def written(message: dict[str, Any], r: random.Random) -> bytes:
    """The message in one of the two styles."""
    text = compact(message) if r.random() < 0.7 else loose(message, r)
    return text.encode("utf-8", "surrogatepass")


def mutated(message: dict[str, Any], r: random.Random, other: bytes) -> bytes:
    """The message spoiled once or more; `other` is a frame to splice with."""
    draw = r.random()
    if draw < 0.55:
        for _ in range(1 if r.random() < 0.8 else 3):
            spoil_tree(message, r)
    data = written(message, r)
    if draw >= 0.5:
        for _ in range(1 if r.random() < 0.8 else 3):
            data = BYTES[int(r.random() * len(BYTES))](data, r)
    if draw > 0.97:
        data = data[: _at(data, r)] + other[_at(other, r) :]
    return data
