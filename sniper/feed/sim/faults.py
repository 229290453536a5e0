"""What goes wrong between the market and the inbox, each by its own probability and counted.

The faults have a generator of their own and no way to touch the market: switching one on changes what is
heard of the market, never what happens in it. Probabilities are per message (drop, duplicate, reorder, gap,
malformed), per book update (crossed, unknown_remove), per connection and second (disconnect, silence), per
oracle price (oracle_jump).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

GAP_MAX = 16  # messages lost at once
GHOST_LIVES_NS = (200_000_000, 20_000_000_000)
NEVER_NS = 1 << 62
GHOST_STAYS = 0.25  # of the ghosts: no message ever takes them away, as when the Indexer itself uncrosses
SILENCE_NS = (3_000_000_000, 20_000_000_000)
AWAY_NS = (500_000_000, 4_000_000_000)
RESTART_SHARE = 0.3  # of the disconnects: a deploy closes all connections with 1012


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities of the faults, 0 to 1. All 0: a perfect feed."""

    drop: float = 0.0  # per message: lost; its id never comes
    duplicate: float = 0.0  # per message: comes twice
    reorder: float = 0.0  # per message: comes after the next one of its connection
    gap: float = 0.0  # per message: it and up to GAP_MAX - 1 after it are lost
    crossed: float = 0.0  # per book update: a ghost level that crosses the book comes with it
    unknown_remove: float = 0.0  # per book update: a level is removed that the book does not have
    malformed: float = 0.0  # per message: its bytes are damaged
    disconnect: float = 0.0  # per connection and second: closed with 1006 or 1012, and opened again
    silence: float = 0.0  # per connection and second: nothing comes for 3 to 20 s
    oracle_jump: float = 0.0  # per oracle price: far off, null or empty, once

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"the fault {field.name} is a probability, 0 to 1, not {value}")

    @property
    def any(self) -> bool:
        """Whether any fault is switched on."""
        return any(getattr(self, name) for name in FAULT_NAMES)


FAULT_NAMES = tuple(field.name for field in fields(Faults))


class Line:
    """The trouble that one connection is in. A new connection starts with a new line."""

    __slots__ = ("gap_left", "held", "silent_until_ns")

    def __init__(self) -> None:
        self.gap_left = 0
        self.held: bytes | None = None
        self.silent_until_ns = 0


class Mischief:
    """Draws the faults and counts them."""

    __slots__ = ("counts", "faults", "random")

    def __init__(self, faults: Faults, random: Callable[[], float]) -> None:
        self.faults = faults
        self.random = random
        self.counts = dict.fromkeys(FAULT_NAMES, 0)

    def strikes(self, name: str, probability: float) -> bool:
        """Whether a fault strikes now; counts it. A fault that is off draws nothing."""
        if not probability or self.random() >= probability:
            return False
        self.counts[name] += 1
        return True

    def between(self, limits: tuple[int, int]) -> int:
        """A whole number between two limits."""
        return limits[0] + int(self.random() * (limits[1] - limits[0]))

    def ghost_until_ns(self, now_ns: int) -> int:
        """When the message that takes a new ghost away will come; mostly within seconds, sometimes never."""
        if self.random() < GHOST_STAYS:
            return NEVER_NS
        return now_ns + self.between(GHOST_LIVES_NS)

    def carry(self, line: Line, now_ns: int, message: bytes) -> tuple[list[bytes], bool]:
        """What comes out of the line when the server sends `message`, and whether that arrives whole."""
        faults = self.faults
        if now_ns < line.silent_until_ns:
            return [], False
        if line.gap_left:
            line.gap_left -= 1
            return [], False
        if self.strikes("gap", faults.gap):
            line.gap_left = int(self.random() * GAP_MAX)
            return [], False
        if self.strikes("drop", faults.drop):
            return [], False
        whole = True
        if self.strikes("malformed", faults.malformed):
            message, whole = self.garble(message), False
        out = [message]
        if self.strikes("duplicate", faults.duplicate):
            out.append(message)
        if line.held is not None:
            out.append(line.held)
            line.held = None
        elif self.strikes("reorder", faults.reorder):
            line.held = out.pop()
        return out, whole

    def garble(self, message: bytes) -> bytes:
        """Damage a message in one of the ways that have been seen on sockets."""
        random = self.random
        way = int(random() * 7)
        at = int(random() * len(message))
        if way == 0:
            flipped = bytearray(message)
            for _ in range(1 + int(random() * 3)):
                flipped[int(random() * len(message))] ^= 1 << int(random() * 8)
            return bytes(flipped)
        if way == 1:
            return message[:at]
        if way == 2:
            return b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\r\n"
        if way == 3:
            return message[:at] + "\u00e9\u20ac".encode() + message[at:]
        if way == 4:
            depth = 65 + int(random() * 2000)
            return b'{"type":"channel_data","contents":' + b"[" * depth + b"]" * depth + b"}"
        if way == 5:
            return message[:at] + b"\x00\xff\xfe" + message[at + 3 :]
        return message + message[at:]

    def oracle(self) -> str | int | None:
        """None: the oracle price is left alone; a text: what is written for it; a number: its percentage."""
        if not self.strikes("oracle_jump", self.faults.oracle_jump):
            return None
        draw = self.random()
        if draw < 0.1:
            return "null"
        if draw < 0.2:
            return '""'
        away = 5 + int(self.random() * 45)
        return 100 + away if draw < 0.6 else 100 - away
