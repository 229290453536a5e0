"""decode: bytes of frames to rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest

from bench.contest import Case, Contender, play
from bench.streams import FRAMES, calls, stream
from sniper._ext.decode import Decoder
from sniper._ext.tape import Tape


def fresh(batch: int, style: str) -> tuple[Any, ...]:
    return Decoder(Tape()).apply, calls(batch, style)


def each(apply: Any, batches: Any) -> None:
    for records in batches:
        apply(records)


def rows(load: Any, number: Any) -> list[tuple[Any, ...]]:
    """What a Python program would make of the frames: a tuple a level and a trade."""
    out: list[tuple[Any, ...]] = []
    for frame in stream():
        message = load(frame)
        ticker, contents = message.get("id"), message["contents"]
        if message["channel"] == "v4_trades":
            out += [(ticker, t["side"], number(t["price"]), number(t["size"])) for t in contents["trades"]]
        elif message["type"] == "channel_batch_data":
            for entry in contents:
                for side, levels in entry.items():
                    out += [(ticker, side, number(price), number(size)) for price, size in levels]
    return out


def library(name: str, load: Any) -> Contender:
    return Contender(name, lambda: (load, float), rows, FRAMES)


CASES = [
    Case(
        "decode",
        "frame",
        Contender("64 frames a call", lambda: fresh(64, "server"), each, FRAMES),
        Contender("json + Decimal", lambda: (json.loads, Decimal), rows, FRAMES),
        (library("orjson", orjson.loads), library("msgspec", msgspec.json.Decoder().decode)),
    ),
    Case(
        "decode, one call a frame", "frame", Contender("1 a call", lambda: fresh(1, "server"), each, FRAMES)
    ),
    Case("decode, loose frames", "frame", Contender("loose", lambda: fresh(64, "loose"), each, FRAMES)),
]


@pytest.mark.parametrize("contender", [c for case in CASES for c in case.contenders], ids=lambda c: c.name)
def test_decode(benchmark: Any, contender: Contender) -> None:
    play(benchmark, contender)
