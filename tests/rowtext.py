"""One row of the tape as a line of text with prices and sizes as the venue writes them, for expectations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sniper._ext.tape import (
    CHANNEL_NAMES,
    FIELD_NAMES,
    KIND_NAMES,
    LINK_NAMES,
    REASON_NAMES,
    RESOLUTION_NAMES,
    STATUS_NAMES,
)
from tests.frames import decimal
from tests.play import Play

FLAGS = {
    2: "duplicate",
    8: "off tick",
    16: "doubt",
    32: "liquidated",
    64: "deleveraged",
    128: "other type",
    256: "new",
    512: "reticked",
    1024: "inexact",
    2048: "rest",
}
MESSAGES = ("", "connected", "subscribed", "data", "batch")
NO_MARKET = 0xFFFF
CANDLE = (
    ("open", "open_dec"),
    ("high", "high_dec"),
    ("low", "low_dec"),
    ("close", "close_dec"),
    ("volume", "volume_dec"),
    ("usd_volume", "usd_dec"),
)


def time_text(ns: int) -> str:
    """ISO 8601 with milliseconds."""
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 10**6 % 1000:03d}Z"


def text(play: Play, row: Any) -> str:
    """The row: kind, market, what it says, flags."""
    words = [KIND_NAMES[row["kind"]]]
    if row["market"] != NO_MARKET:
        words.append(play.decoder.ticker(int(row["market"])))
    words += _body(play, row, words[0])
    words += [name for bit, name in FLAGS.items() if int(row["flags"]) & bit]
    return " ".join(words)


def _body(play: Play, row: Any, kind: str) -> list[str]:
    price, size, side, flags = int(row["price"]), int(row["size"]), int(row["side"]), int(row["flags"])
    price_text, size_text = decimal(price, flags >> 24), decimal(size, flags >> 16 & 0xFF)
    when = time_text(int(row["venue_ns"])) if row["venue_ns"] else "-"
    if kind in ("CONNECTED", "PONG"):
        return [f"#{price}"]
    if kind in ("SUBSCRIBED", "UNSUBSCRIBED", "SERVER_ERROR"):
        return [CHANNEL_NAMES[side] or "-", f"#{price}"]
    if kind == "ACCOUNT":
        return [CHANNEL_NAMES[side], f"#{price}", MESSAGES[size]]
    if kind == "BOOK":
        return [str(size)]
    if kind == "LEVEL":
        market = play.decoder.markets[row["market"]]
        tick, step = (
            decimal(int(n) * int(market["num"][f]), int(market["dec"][f])) for f, n in ((0, price), (1, size))
        )
        return ["ask" if side else "bid", tick, step]
    if kind == "TRADE":
        height = int(play.tape.trades[row["ref"]]["height"])
        return ["SELL" if side else "BUY", size_text, "@", price_text, when, str(height)]
    if kind == "ORACLE":
        return [price_text, when, str(size)]
    if kind == "BLOCK":
        return [str(price), when]
    if kind == "CANDLE":
        candle = play.tape.candles[row["ref"]]
        values = [decimal(int(candle[name]), int(candle[dec])) for name, dec in CANDLE]
        return [RESOLUTION_NAMES[side], when, *values, str(int(candle["trades"]))]
    if kind == "MARKET":
        return _fields(play.tape.markets[row["ref"]])
    if kind == "ERROR":
        return [REASON_NAMES[side], str(size)]
    if kind == "LINK":
        return [LINK_NAMES[side], str(price)]
    return []


def _fields(update: Any) -> list[str]:
    """`name=value` for each field that came, in the order of FIELD_NAMES."""
    words = []
    for field, name in enumerate(FIELD_NAMES):
        if int(update["mask"]) >> field & 1:
            if field < 12:
                value = decimal(int(update["num"][field]), int(update["dec"][field]))
            elif field < 19:
                value = str(int(update["whole"][field - 12]))
            else:
                value = (
                    STATUS_NAMES[update["status"]]
                    if field == 19
                    else ("", "CROSS", "ISOLATED")[update["type"]]
                )
            words.append(f"{name}={value}")
    return words
