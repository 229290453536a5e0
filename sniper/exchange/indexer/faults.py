"""What may go wrong between the Indexer and its clients, as data: how often, how much, and one seeded generator.

Everything is off by default. A scenario or a control endpoint hands a new `Faults` to `LocalIndexer.set_faults`, or
calls for one fault at once (`LocalIndexer.strike`). Shares are of the thing named; `_per_s` is the chance in each
second of each connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

MS = 1_000_000
SECOND_NS = 1_000 * MS

HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr><center>cloudflare</center></body></html>"
)
"""What a proxy in front of the Indexer says when the Indexer does not."""


class Faults(NamedTuple):
    """How often and how much; 0 is never.

    WebSocket, of each connection: disconnect_per_s (it breaks off), restart_per_s (all are closed with 1012),
    silence_per_s (nothing comes for silence_ns, then all of it at once), slow_bytes_per_s (no faster than that).
    Of each upstream message: duplicate (told twice), reorder (told after the next one of its channel and id).
    Of each frame: gap (lost; its id is gone with it), malformed (cut off or with wrong bytes), html.
    Of each book update: crossed (a level appears beyond the other side and stays). height_jump: of each block height
    told, one that is height_jump_blocks too high. Of each subscribe: snapshot_error, snapshot_late by snapshot_late_ns.
    stream_lag_ns: updates come so much later than what snapshots and REST know; replica_lag_ns: those know of blocks
    so much later than the stream. REST, of each request: rest_html, rest_too_many (429), rest_error (5xx).
    """

    disconnect_per_s: float = 0.0
    restart_per_s: float = 0.0
    silence_per_s: float = 0.0
    silence_ns: int = 8 * SECOND_NS
    slow_bytes_per_s: int = 0
    duplicate: float = 0.0
    reorder: float = 0.0
    gap: float = 0.0
    malformed: float = 0.0
    html: float = 0.0
    crossed: float = 0.0
    height_jump: float = 0.0
    height_jump_blocks: int = 100
    snapshot_error: float = 0.0
    snapshot_late: float = 0.0
    snapshot_late_ns: int = 4 * SECOND_NS
    stream_lag_ns: int = 0
    replica_lag_ns: int = 0
    rest_html: float = 0.0
    rest_too_many: float = 0.0
    rest_error: float = 0.0


NONE: Final = Faults()


class Mischief:
    """Decides what goes wrong. `struck` counts it by name."""

    def __init__(self, seed: int, faults: Faults = NONE) -> None:
        self._random = Random(f"indexer {seed}")
        self.struck: Counter[str] = Counter()
        self.set(faults)

    def set(self, faults: Faults) -> None:
        """From now on, these. `plain`: nothing happens to frames; `prompt`: nor to upstream messages."""
        self.faults = faults
        self.prompt = not (faults.stream_lag_ns or faults.reorder or faults.duplicate)
        self.plain = not (faults.gap or faults.malformed or faults.html or faults.slow_bytes_per_s)

    @property
    def random(self) -> Callable[[], float]:
        """The generator that everything of the Indexer draws from."""
        return self._random.random

    def strikes(self, name: str) -> bool:
        """Does the fault of this name happen now?"""
        share: float = getattr(self.faults, name)
        if not share or self._random.random() >= share:
            return False
        self.struck[name] += 1
        return True

    def spoilt(self, frame: bytes) -> bytes:
        """A frame with something wrong with it: cut off, a byte flipped, or bytes that are no UTF-8."""
        at = 1 + int(self._random.random() * max(len(frame) - 1, 1))
        kind = int(self._random.random() * 3)
        if kind == 0:
            return frame[:at]
        wrong = b"\xff\xfe" if kind == 1 else bytes([frame[min(at, len(frame) - 1)] ^ 0x11])
        return frame[:at] + wrong + frame[at + 1 :]

    def server_error(self) -> tuple[int, bytes]:
        """Status and body of a failed request."""
        if self._random.random() < 0.5:
            return 500, b'{"errors":[{"msg":"Internal Server Error"}]}'
        return 503, b'{"errors":[{"msg":"Service Unavailable"}]}'
