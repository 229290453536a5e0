"""A small recorded market to replay: frames from a seed, and journals that an engine wrote over them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sniper.engine import Engine, Settings
from sniper.journal import Journal
from sniper.journal_settings import header
from sniper.loop import NO_COMMANDS, encode
from sniper.types import REC_FRAME, Record

BEGIN_NS = 1_767_225_600_000_000_000  # 2026-01-01
STEP_NS = 20_000_000
MARKETS = {
    "BTC-USD": {"tickSize": "1", "stepSize": "0.0001", "oraclePrice": "97120.5", "status": "ACTIVE"},
    "ETH-USD": {"tickSize": "0.1", "stepSize": "0.001", "oraclePrice": "3301.23", "status": "ACTIVE"},
}
SETTINGS = Settings(markets_max=16, bytes_max=1 << 18, records_max=64, bars_max=32)
HEADER = header(SETTINGS, "{}", 1)


def frames(count: int, seed: int = 1) -> list[bytes]:
    """`count` messages of one connection: markets, books, then levels, trades, blocks and a few faults."""
    rng = random.Random(seed)
    messages: list[dict[str, Any]] = [
        {"type": "connected"},
        {"type": "subscribed", "channel": "v4_markets", "contents": {"markets": MARKETS}},
    ]
    for ticker, touch in (("BTC-USD", 97000), ("ETH-USD", 3300)):
        sides = {
            "bids": [{"price": str(touch - i), "size": "1.5"} for i in range(1, 6)],
            "asks": [{"price": str(touch + i), "size": "0.5"} for i in range(1, 6)],
        }
        messages.append({"type": "subscribed", "channel": "v4_orderbook", "id": ticker, "contents": sides})
    while len(messages) < count:
        messages.append(_update(rng, len(messages)))
    return [
        json.dumps({"connection_id": "c-1", "message_id": i} | message, separators=(",", ":")).encode()
        for i, message in enumerate(messages[:count])
    ]


def _update(rng: random.Random, number: int) -> dict[str, Any]:
    ticker, touch = rng.choice((("BTC-USD", 97000), ("ETH-USD", 3300)))
    what = rng.random()
    if what < 0.02:
        return {
            "type": "channel_data",
            "channel": "v4_orderbook",
            "id": ticker,
            "contents": {"bids": [["1", "x"]]},
        }
    if what < 0.2:
        time = f"2026-01-01T00:{number // 50 // 60 % 60:02d}:{number // 50 % 60:02d}.000Z"
        contents = {"blockHeight": str(1000 + number), "time": time}
        return {
            "type": "channel_data",
            "channel": "v4_block_height",
            "version": "1.0.0",
            "contents": contents,
        }
    if what < 0.35:
        trade = {
            "id": f"{number:024x}",
            "side": rng.choice(("BUY", "SELL")),
            "size": "0.25",
            "price": str(touch + rng.randint(-3, 3)),
            "type": "LIMIT",
            "createdAt": f"2026-01-01T00:{number // 50 // 60 % 60:02d}:{number // 50 % 60:02d}.000Z",
            "createdAtHeight": str(1000 + number),
        }
        return {"type": "channel_data", "channel": "v4_trades", "id": ticker, "contents": {"trades": [trade]}}
    side = rng.choice(("bids", "asks"))
    away = rng.randint(-1, 8) * (1 if side == "asks" else -1)
    level = [str(touch + away), rng.choice(("0", "1", "2.5"))]
    return {"type": "channel_data", "channel": "v4_orderbook", "id": ticker, "contents": {side: [level]}}


def turns(messages: Sequence[bytes], each: int = 1) -> list[tuple[int, list[Record]]]:
    """(now_ns, records) of ticks that take `each` messages; every tenth tick is empty."""
    made: list[tuple[int, list[Record]]] = []
    now_ns = BEGIN_NS
    at = 0
    while at < len(messages):
        now_ns += STEP_NS
        taken = messages[at : at + each] if len(made) % 10 != 9 else []
        at += len(taken)
        made.append((now_ns, [(now_ns - 1, 0, REC_FRAME, data) for data in taken]))
    return made


def journalled(
    path: Path,
    ticks: Iterable[tuple[int, list[Record]]],
    settings: Settings = SETTINGS,
    snapshot_every: int = 100,
    rotate_every: int = 0,
    close: bool = True,
) -> Engine:
    """Run an engine over the ticks and journal it as the loop does. Returns the engine."""
    engine = Engine(settings)
    journal = Journal(path, header(settings, "{}", 1), room_wait_s=30.0)
    journal.snapshot(0, 0, engine.save())
    for number, (now_ns, records) in enumerate(ticks, 1):
        if rotate_every and number % rotate_every == 0:
            journal.rotate(engine.ticks, engine.now_ns, engine.save())
        elif number % snapshot_every == 0:
            journal.snapshot(engine.ticks, engine.now_ns, engine.save())
        journal.tick(number, now_ns, records)
        commands = engine.tick(now_ns, records)
        journal.done(number, encode(commands) if commands else NO_COMMANDS, engine.digests())
    if close:
        journal.close()
    return engine
