"""The venue's own small generator: whole numbers from a seed, alike on every platform, saved as one number."""

from __future__ import annotations

import msgspec

WORD = (1 << 64) - 1


class Chance(msgspec.Struct):
    """SplitMix64 (Steele, Lea, Flood 2014). Not for secrets."""

    state: int

    def draw(self) -> int:
        """The next whole number below 2 ** 64."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & WORD
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return z ^ (z >> 31)

    def between(self, low: int, high: int) -> int:
        """The next whole number of low..high, both included."""
        return low + (self.draw() * (high - low + 1) >> 64)


def named(seed: int, name: str) -> Chance:
    """A generator of its own for each use: the same seed and name give the same numbers."""
    state = seed & WORD
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & WORD
    return Chance(Chance(state).draw())
