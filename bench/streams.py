"""The frames and rows that the suites share, made once a process."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from bench.frames import frames
from sniper._ext.decode import Decoder
from sniper._ext.tape import KIND_NAMES, Tape
from sniper.types import REC_FRAME, Record

FRAMES = 4000  # one call takes at most 4,096 records
BATCH = 64
LEVEL, TRADE, BOOK = (KIND_NAMES.index(name) for name in ("LEVEL", "TRADE", "BOOK"))


class Level(NamedTuple):
    """One level row, for those who have no tape. kind 0: the book starts anew."""

    market: int
    side: int
    price: int
    size: int


@cache
def stream(style: str = "server") -> list[bytes]:
    """The frames that every suite reads."""
    return frames(FRAMES, style=style)


@cache
def records(style: str = "server") -> list[Record]:
    """The same as inbox records."""
    return [(i, 0, REC_FRAME, frame) for i, frame in enumerate(stream(style))]


@cache
def calls(batch: int = BATCH, style: str = "server") -> list[list[Record]]:
    """The same, `batch` records a call."""
    every = records(style)
    return [every[i : i + batch] for i in range(0, len(every), batch)]


def decoded() -> tuple[Tape, int]:
    """A tape that holds the rows of the whole stream."""
    tape = Tape()
    return tape, Decoder(tape).apply(records())


@cache
def book_frames() -> list[tuple[bool, list[Level]]]:
    """For each frame of a book: is it a snapshot, and its levels in ticks and steps."""
    tape, n = decoded()
    out: dict[int, tuple[bool, list[Level]]] = {}
    rows = tape.rows[:n]
    for kind, frame, *level in zip(
        *(rows[name].tolist() for name in ("kind", "frame", "market", "side", "price", "size")), strict=True
    ):
        if kind == BOOK:
            out[frame] = (True, [])
        elif kind == LEVEL:
            out.setdefault(frame, (False, []))[1].append(Level(*level))
    return list(out.values())
