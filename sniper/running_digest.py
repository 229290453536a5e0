"""A running digest of 128 bits for the stages that are written in Python."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from sniper._ext.tape import STAGE_NAMES, Tape


class RunningDigest:
    """Folds byte strings one after the other and publishes the result on the tape.

    stage: a name of STAGE_NAMES. Every fold hashes the digest so far together with the bytes (BLAKE2b), so that
    two runs agree only if they folded the same bytes in the same order.
    """

    def __init__(self, tape: Tape, stage: str) -> None:
        at = 2 * STAGE_NAMES.index(stage)
        digests: Any = tape.digests
        self._words = memoryview(digests)[at : at + 2].cast(
            "B"
        )  # little-endian, as every machine that this runs on
        self.value = bytes(16)
        self.publish()

    def fold(self, data: bytes) -> None:
        """Take in what a stage applied or decided."""
        self.value = value = blake2b(self.value + data, digest_size=16).digest()
        self._words[:] = value

    def publish(self) -> None:
        """Write the digest onto the tape (after a load)."""
        self._words[:] = self.value

    def words(self) -> tuple[int, int]:
        """The digest as two integers."""
        return int.from_bytes(self.value[:8], "little"), int.from_bytes(self.value[8:], "little")

    def load(self, value: bytes) -> None:
        """Take over a digest that was saved. ValueError if it is not 16 bytes."""
        if len(value) != 16:
            raise ValueError("a running digest has 16 bytes")
        self.value = value
        self.publish()
