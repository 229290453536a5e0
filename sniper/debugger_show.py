"""What the debugger prints: frames, rows, books, candles and trades of the state where it stands, as plain lines."""

from __future__ import annotations

from collections.abc import Sequence

from sniper._ext.tape import (
    CHANNEL_NAMES,
    COUNTER_NAMES,
    ENDPOINT_NAMES,
    KIND_NAMES,
    LINK_NAMES,
    REASON_NAMES,
    RESOLUTION_NAMES,
    RESOLUTION_NS,
    TRUST_NAMES,
)
from sniper.bookdump import ALL
from sniper.debugger_walk import Walk
from sniper.decimals import grid, text
from sniper.panels.row import clean, clock, clock_ms, date
from sniper.types import RECORD_NAMES

RAW_MAX = 300
ROWS_MAX = 200
NO_MARKET = 0xFFFF
SIDES = {"LEVEL": ("bid", "ask"), "TRADE": ("BUY", "SELL")}
NAMED = {
    "SUBSCRIBED": CHANNEL_NAMES,
    "UNSUBSCRIBED": CHANNEL_NAMES,
    "SERVER_ERROR": CHANNEL_NAMES,
    "ACCOUNT": CHANNEL_NAMES,
    "REST": ENDPOINT_NAMES,
    "LINK": LINK_NAMES,
    "ERROR": REASON_NAMES,
    "CANDLE": RESOLUTION_NAMES,
}
"""What the side of a row means, by kind."""
FLAGS = (
    "snapshot", "duplicate", "late", "off-tick", "doubt", "liquidated", "deleveraged", "other-type", "new", "reticked",
    "inexact", "rest",
)  # fmt: skip
EXACT = ("TRADE", "ORACLE", "CANDLE", "FUNDING")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns, all at the right, blanks at the ends of lines cut off."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return ["  ".join(map(str.rjust, row, widths)).rstrip() for row in (head, *rows)]


def summary(walk: Walk) -> str:
    """Where the walk stands, in one line."""
    if walk.tick is None:
        return f"tick {walk.number}, {_time(walk.engine.now_ns)}: the state before the first tick"
    records = len(walk.tick.records)
    said = f"tick {walk.number}, {_time(walk.tick.now_ns)}: {_count(records, 'record')}, {_count(walk.rows_n, 'row')}"
    if walk.commands:
        said += f", {_count(len(walk.commands), 'command')}"
    return said + (
        " (the run ended in this tick)" if walk.tick.digests is None and not walk.source.endless else ""
    )


def state(walk: Walk) -> list[str]:
    """`tick=<n> digest=<hex>`, then the time, books by trust, counters that are not 0, connections, commands."""
    engine = walk.engine
    trust = engine.books.tops["trust"][: engine.decoder.markets_n].tolist()
    counters = [
        f"{name} {n:,}" for name, n in zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False) if n
    ]
    said = [f"tick={walk.number} digest={engine.digest}", f"now    {_time(engine.now_ns)}"]
    said.append("books  " + ", ".join(f"{trust.count(i)} {name}" for i, name in enumerate(TRUST_NAMES)))
    said.append("counts " + (", ".join(counters) or "nothing"))
    for index in range(engine.decoder.connections_n):
        link = engine.decoder.connections[index]
        if link["frames"]:
            said.append(
                f"link   {index}: {_count(int(link['frames']), 'frame')}, {int(link['bytes']):,} bytes, "
                f"height {int(link['height']) or '-'}, last {_time(int(link['last_ns']))}"
            )
    said += [f"asked  {type(command).__name__}{tuple(command)}"[:RAW_MAX] for command in walk.commands]
    return said


def frames(walk: Walk, raw_max: int = RAW_MAX) -> list[str]:
    """The records that this tick took, their text cut at raw_max characters."""
    if walk.tick is None or not walk.tick.records:
        return ["no records"]
    said = []
    for index, (recv_ns, connection, kind, data) in enumerate(walk.tick.records):
        raw = clean(data[:raw_max].decode("utf-8", "replace"))
        cut = f" … {len(data):,} bytes" if len(data) > raw_max else ""
        said.append(f"{index} {RECORD_NAMES[kind]}/{connection} {clock_ms(recv_ns)} {raw}{cut}")
    return said


def rows(walk: Walk, most: int = ROWS_MAX) -> list[str]:
    """The rows that this tick made of its records."""
    count = walk.rows_n
    if not count:
        return ["no rows"]
    names = walk.engine.tape.rows.dtype.names or ()
    lines = [
        _row(walk, index, dict(zip(names, row, strict=True)))
        for index, row in enumerate(walk.engine.tape.rows[: min(count, most)].tolist())
    ]
    head = (
        "row",
        "frame",
        "kind",
        "market",
        "side",
        "price",
        "size",
        "venue time",
        "ref",
        "bid",
        "ask",
        "flags",
    )
    return table(head, lines) + ([f"… {count - most:,} more: rows {count}"] if count > most else [])


def _row(walk: Walk, index: int, row: dict[str, int]) -> tuple[str, ...]:
    kind, market, flags, side = KIND_NAMES[row["kind"]], row["market"], row["flags"], row["side"]
    price, size, bid, ask = (str(row[name]) for name in ("price", "size", "bid", "ask"))
    ticker = "-"
    if market != NO_MARKET:
        units = grid(walk.engine.decoder.markets[market])
        ticker = walk.engine.decoder.ticker(market)
        bid, ask = (
            text(row[name] * units.tick, units.tick_decimals) if row[name] else "-" for name in ("bid", "ask")
        )
        if kind == "LEVEL":
            price = text(row["price"] * units.tick, units.tick_decimals)
            size = text(row["size"] * units.step, units.step_decimals)
    if kind in EXACT:
        price = text(row["price"], flags >> 24)
    if kind in ("TRADE", "CANDLE"):
        size = text(row["size"], flags >> 16 & 0xFF)
    named = NAMED.get(kind, SIDES.get(kind, ()))
    return (
        str(index),
        str(row["frame"]),
        kind,
        ticker,
        (named[side] if side < len(named) else str(side)) or "-",
        price,
        size,
        _time(row["venue_ns"]) if row["venue_ns"] else "-",
        str(row["ref"]),
        bid,
        ask,
        ",".join(name for bit, name in enumerate(FLAGS) if flags >> bit & 1) or "-",
    )


def book(walk: Walk, market: int, depth: int = 10) -> list[str]:
    """The raw book, asks downwards to the touch; levels that the uncrossed view masks are marked with x."""
    engine = walk.engine
    top, units = engine.books.tops[market], grid(engine.decoder.markets[market])
    said = [
        f"{engine.decoder.ticker(market)} {TRUST_NAMES[top['trust']]}, {_count(int(top['crossings']), 'crossing')}, "
        f"{_count(int(top['unknown_removes']), 'unknown remove')}"
    ]
    lines: list[tuple[str, ...]] = []
    for side, name in ((1, "ask"), (0, "bid")):
        touch = int(top[name])
        levels = []
        for ticks, steps in engine.books.levels(market, side, depth, True).tolist():
            masked = not touch or (ticks < touch if side else ticks > touch)
            levels.append((name, units.price(ticks), units.size(steps), "x" if masked else ""))
        lines += reversed(levels) if side else levels
    return said + (table(("", "price", "size", ""), lines) if lines else ["no levels"])


def candles(walk: Walk, market: int, resolution: int, count: int = 10) -> list[str]:
    """The newest candles, the last one is open."""
    names = ("open", "high", "low", "close", "volume", "buy", "sell")
    lines = []
    for bar in walk.engine.candles.bars(market, resolution, count):
        prices, sizes = int(bar["price_dec"]), int(bar["size_dec"])
        start = f"{date(int(bar['start_ns']))} {clock(int(bar['start_ns']))}"
        values = [text(int(bar[name]), prices if at < 4 else sizes) for at, name in enumerate(names)]
        lines.append((start, *values, str(int(bar["trades"]))))
    if not lines:
        return [f"no candles of {RESOLUTION_NS[resolution] // 60_000_000_000} minutes"]
    return table(("start, UTC", *names, "trades"), lines)


def trades(walk: Walk, market: int, count: int = 10) -> list[str]:
    """The newest trades, newest first, and what all of them sum up to."""
    engine = walk.engine
    stat = engine.trades.stats[market]
    buy, sell, decimals = engine.trades.volumes(market)
    said = [
        f"{engine.decoder.ticker(market)} {_count(int(stat['count']), 'trade')}, "
        f"{_count(int(stat['duplicates']), 'duplicate')}, bought {text(buy, decimals)}, sold {text(sell, decimals)}"
    ]
    lines = [
        (
            _time(int(one["venue_ns"])),
            SIDES["TRADE"][one["side"]],
            text(int(one["price"]), int(one["price_dec"])),
            text(int(one["size"]), int(one["size_dec"])),
        )
        for one in engine.trades.recent(market, count)
    ]
    return said + (table(("time", "side", "price", "size"), lines) if lines else [])


def diff(walk: Walk) -> list[str]:
    """What this tick changed: goes one tick back, and forward again."""
    if walk.tick is None:
        return ["no tick was run yet"]
    number = walk.number
    touched = sorted({int(m) for m in walk.engine.tape.rows["market"][: walk.rows_n]} - {NO_MARKET})
    walk.goto(number - 1)
    before = _facts(walk, touched) if walk.number == number - 1 else {}
    walk.goto(number)
    after = _facts(walk, touched)
    return [
        f"{name}: {before.get(name, '-')} -> {after.get(name, '-')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ] or ["nothing"]


def _facts(walk: Walk, markets: list[int]) -> dict[str, str]:
    """Everything that `diff` compares, as texts by name."""
    engine = walk.engine
    facts = {
        f"count {name}": f"{n:,}"
        for name, n in zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False)
        if name not in ("frames", "bytes", "records", "rows", "fast_frames")
    }
    for index in range(engine.decoder.connections_n):
        facts[f"link {index} height"] = str(int(engine.decoder.connections[index]["height"]))
    for market in markets:
        if market >= engine.decoder.markets_n:
            continue
        ticker, units = engine.decoder.ticker(market), grid(engine.decoder.markets[market])
        top, stat = engine.books.tops[market], engine.trades.stats[market]
        facts[f"{ticker} trust"] = TRUST_NAMES[top["trust"]]
        for name in ("bid", "ask", "raw_bid", "raw_ask"):
            facts[f"{ticker} best {name}"] = units.price(int(top[name])) if top[name] else "-"
        for side, name in enumerate(("bid", "ask")):
            for ticks, steps in engine.books.levels(market, side, ALL, True).tolist():
                facts[f"{ticker} {name} {units.price(ticks)}"] = units.size(steps)
        facts[f"{ticker} trades"] = str(int(stat["count"]))
        facts[f"{ticker} last price"] = text(int(stat["last_price"]), int(stat["last_dec"]))
        for resolution, name in enumerate(RESOLUTION_NAMES):
            bars = candles(walk, market, resolution, 1)
            facts[f"{ticker} candle {name}"] = " ".join(bars[1].split()) if len(bars) > 1 else "-"
        row = engine.decoder.markets[market]
        for name in ("num", "dec", "whole", "status", "oracle_ns"):
            facts[f"{ticker} parameters {name}"] = str(row[name].tolist())
    return facts


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _time(ns: int) -> str:
    return f"{date(ns)} {clock_ms(ns)}"
