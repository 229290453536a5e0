"""Frames to measure with: a seeded stream in the Indexer's wire format, the same bytes on every machine.

    python -m bench.frames OUT.ndjson --frames 200000 --seed 7 --style server

One WebSocket message a line: a `v4_markets` snapshot with the markets below, a `v4_orderbook` snapshot of
each (100 levels a side), then batches of one to six entries with one to three levels each, and about 15 %
`v4_trades` messages of one to three trades. About 36 % of the level changes remove a level; changes gather
near the touch; the book is not crossed at the end of a message, and a removed level was there.

Style `server` writes as JSON.stringify does. `loose` writes the same messages with keys shuffled, blanks and
an unknown key in every object (the market table excepted: there an unknown key is a market).
"""

from __future__ import annotations

import argparse
import json
from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

CONNECTION_ID = "5b1c7f0e-93d4-4b6a-8a55-0c2f6f0de1a7"
STYLES = ("server", "loose")
DEPTH = 100


class Spec(NamedTuple):
    """A market: a price is ticks * tick * 10 ** -tick_dec, a size steps * step * 10 ** -step_dec."""

    ticker: str
    tick: int
    tick_dec: int
    step: int
    step_dec: int
    start_ticks: int
    share: float


MARKETS = (
    Spec("BTC-USD", 1, 0, 1, 4, 91_304, 0.33),
    Spec("ETH-USD", 1, 1, 1, 3, 31_877, 0.27),
    Spec("SOL-USD", 1, 2, 1, 1, 14_112, 0.18),
    Spec("DOGE-USD", 1, 5, 10, 0, 14_550, 0.12),
    Spec("PEPE-USD", 1, 9, 1_000_000, 0, 6_231, 0.10),
)


def decimal(mantissa: int, dec: int) -> str:
    """mantissa * 10 ** -dec as the shortest plain decimal."""
    if dec == 0 or mantissa == 0:
        return str(mantissa)
    digits = str(mantissa).zfill(dec + 1)
    return f"{digits[:-dec]}.{digits[-dec:]}".rstrip("0").rstrip(".")


class Market:
    """One market's book as it wanders: two sorted lists of ticks around a gap at `mid`."""

    def __init__(self, random: Random, spec: Spec) -> None:
        self.random, self.spec, self.mid = random, spec, spec.start_ticks
        self.sides: tuple[list[int], list[int]] = ([], [])
        for sign, ticks in zip((-1, 1), self.sides, strict=True):
            at = self.mid
            for _ in range(DEPTH):
                at += sign * random.choice((1, 1, 1, 2, 3, 5))
                ticks.append(at)
            ticks.sort()

    def price(self, ticks: int) -> str:
        return decimal(ticks * self.spec.tick, self.spec.tick_dec)

    def size(self) -> str:
        return decimal(int(10 ** (self.random.random() * 4.6)) * self.spec.step, self.spec.step_dec)

    def snapshot(self) -> dict[str, list[dict[str, str]]]:
        bids, asks = self.sides[0][::-1], self.sides[1]
        sides = {"bids": bids, "asks": asks}
        return {
            name: [{"price": self.price(t), "size": self.size()} for t in ticks]
            for name, ticks in sides.items()
        }

    def change(self, side: int) -> list[str]:
        """One level set or removed: [price, size]."""
        ticks, random = self.sides[side], self.random
        near = int(random.expovariate(0.12)) % len(ticks)
        place = near if side else len(ticks) - 1 - near
        draw = random.random()
        if len(ticks) > 60 and draw < 0.36 + (len(ticks) - DEPTH) * 0.005:
            return [self.price(ticks.pop(place)), "0"]
        if draw < 0.72:
            sign = 1 if side else -1
            at = self.mid + sign * (1 + near)
            while (found := bisect_left(ticks, at)) < len(ticks) and ticks[found] == at:
                at += sign
            insort(ticks, at)
            return [self.price(at), self.size()]
        return [self.price(ticks[place]), self.size()]

    def step(self) -> tuple[int, list[str]] | None:
        """The mid moves a tick; what stood there goes. Returns (side, [price, "0"]) or None."""
        side = self.random.randrange(2)
        self.mid += 1 if side else -1
        ticks = self.sides[side]
        if ticks[0 if side else -1] != self.mid:
            return None
        ticks.pop(0 if side else -1)
        return side, [self.price(self.mid), "0"]


def table() -> dict[str, Any]:
    """The `markets` object of a `v4_markets` snapshot."""
    markets = {}
    for number, spec in enumerate(MARKETS):
        markets[spec.ticker] = {
            "clobPairId": str(number),
            "ticker": spec.ticker,
            "status": "ACTIVE",
            "oraclePrice": decimal(spec.start_ticks * spec.tick * 10 + 3, spec.tick_dec + 1),
            "priceChange24H": "-12.5",
            "volume24H": "1830455.0122",
            "trades24H": 2042,
            "nextFundingRate": "0.0000125",
            "initialMarginFraction": "0.05",
            "maintenanceMarginFraction": "0.03",
            "openInterest": "228.41",
            "atomicResolution": -10,
            "quantumConversionExponent": -9,
            "tickSize": decimal(spec.tick, spec.tick_dec),
            "stepSize": decimal(spec.step, spec.step_dec),
            "stepBaseQuantums": 1_000_000,
            "subticksPerTick": 100_000,
            "marketType": "CROSS",
            "openInterestLowerCap": "0",
            "openInterestUpperCap": "0",
            "baseOpenInterest": "228.41",
            "defaultFundingRate1H": "0",
        }
    return markets


def messages(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """The stream as objects: `count` messages, the first is the market table."""
    random = Random(seed)
    markets = [Market(random, spec) for spec in MARKETS]
    shares = [spec.share for spec in MARKETS]
    height, ms, event = 66_622_979, 0, 0
    head: dict[str, Any] = {"connection_id": CONNECTION_ID, "message_id": 0}
    start: list[dict[str, Any]] = [{"channel": "v4_markets", "contents": {"markets": table()}}]
    start += [{"channel": "v4_orderbook", "id": m.spec.ticker, "contents": m.snapshot()} for m in markets]
    for number in range(count):
        head["message_id"] = number + 1
        if number < len(start):
            yield {"type": "subscribed", **head, **start[number]}
            continue
        market = random.choices(markets, shares)[0]
        ms += random.randrange(9)
        if random.random() < 0.15:
            event = 0 if random.random() < 0.3 else event + 12
            height += event == 0
            clock = f"{ms // 3_600_000 % 24:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
            trades = []
            for fill in range(random.randint(1, 3)):
                buys = random.randrange(2)
                trades.append(
                    {
                        "id": f"{height:08x}00000002{number << 2 | fill:08x}",
                        "size": market.size(),
                        "price": market.price(market.mid + (1 if buys else -1)),
                        "side": "BUY" if buys else "SELL",
                        "createdAt": f"2026-11-21T{clock}Z",
                        "type": "LIMIT",
                    }
                )
            contents: Any = {"trades": trades}
            kind, channel, version = "channel_data", "v4_trades", "2.1.0"
        else:
            contents = []
            moved = market.step() if random.random() < 0.08 else None
            if moved:
                contents.append({("bids", "asks")[moved[0]]: [moved[1]]})
            for _ in range(random.randint(1, 6)):
                side = random.randrange(2)
                levels = [market.change(side) for _ in range(random.randint(1, 3))]
                contents.append({("bids", "asks")[side]: levels})
            kind, channel, version = "channel_batch_data", "v4_orderbook", "1.0.0"
        yield {
            "type": kind,
            **head,
            "id": market.spec.ticker,
            "channel": channel,
            "version": version,
            "contents": contents,
        }


def three_levels(count: int, seed: int = 7) -> list[bytes]:
    """One market: its table, its snapshot, then updates of three entries with one level each."""
    random = Random(seed)
    market = Market(random, MARKETS[0])
    text = json.JSONEncoder(separators=(",", ":")).encode
    head = {"type": "subscribed", "connection_id": CONNECTION_ID}
    book = {"channel": "v4_orderbook", "id": market.spec.ticker}
    tables = {
        "channel": "v4_markets",
        "contents": {"markets": {market.spec.ticker: table()[market.spec.ticker]}},
    }
    out = [
        {**head, "message_id": 1, **tables},
        {**head, "message_id": 2, **book, "contents": market.snapshot()},
    ]
    for number in range(3, count + 1):
        contents = [{("bids", "asks")[side]: [market.change(side)]} for side in random.choices((0, 1), k=3)]
        ours = {"message_id": number, "id": market.spec.ticker, "channel": "v4_orderbook", "version": "1.0.0"}
        out.append({**head, "type": "channel_batch_data", **ours, "contents": contents})
    return [text(message).encode() for message in out]


def loosely(value: Any, random: Random) -> str:
    """JSON text as another server might write it."""
    if isinstance(value, dict):
        items = [f"{json.dumps(key)} : {loosely(each, random)}" for key, each in value.items()]
        items.append('"note" : {"n": [-1.5e3, "a \\"b\\"", null, true]}')
        random.shuffle(items)
        return "{ " + " ,  ".join(items) + " }"
    if isinstance(value, list):
        return "[ " + " , ".join(loosely(each, random) for each in value) + "]"
    return json.dumps(value)


def frames(count: int, seed: int = 7, style: str = "server") -> list[bytes]:
    """The stream as `count` separate bytes objects."""
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style}")
    random = Random(seed + 1)
    stream = messages(count, seed)
    text = json.JSONEncoder(separators=(",", ":")).encode
    table_first = [text(message).encode() for message in islice(stream, 1)]
    if style == "loose":
        return table_first + [loosely(message, random).encode() for message in stream]
    return table_first + [text(message).encode() for message in stream]


def main() -> None:
    """Write a stream to a file."""
    parser = argparse.ArgumentParser(description="Write a seeded stream of frames, one a line.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--style", choices=STYLES, default="server")
    asked = parser.parse_args()
    asked.out.write_bytes(b"".join(f + b"\n" for f in frames(asked.frames, asked.seed, asked.style)))


if __name__ == "__main__":
    main()
