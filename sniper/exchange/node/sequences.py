"""Which sequence a transaction must carry.

The node counts up with every transaction that it accepts; what `Query/Account` tells is the count of the last block.
Two transactions in one block therefore need two sequences, although a query between them gives the same one twice.
A sequence of 2^40 or more is a time in unix milliseconds instead (chain: x/accountplus/keeper/timestampnonce.go).
"""

from __future__ import annotations

from typing import Final

from sniper.exchange.facts import Outcome
from sniper.exchange.node.codes import WRONG_SEQUENCE

TIMESTAMP_FROM: Final = 1 << 40
NONCES_KEPT: Final = 20
WINDOW_MS: Final = 30_000


class Sequences:
    """Sequences that were used since the last block, and the timestamp nonces of each account."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}  # of each account: transactions accepted since the last block
        self.nonces: dict[str, list[int]] = {}
        self.ejected: dict[str, int] = {}  # the highest nonce that is no more in the list

    def check(self, address: str, committed: int, given: int, block_ms: int) -> Outcome | None:
        """Why this sequence is refused, None if it is right. committed: the account's at the last block."""
        if given < TIMESTAMP_FROM:
            wanted = committed + self.used.get(address, 0)
            if given == wanted:
                return None
            return WRONG_SEQUENCE.of(f"account sequence mismatch, expected {wanted}, got {given}")
        if not block_ms - WINDOW_MS <= given <= block_ms + WINDOW_MS:
            return WRONG_SEQUENCE.of(f"timestamp nonce {given} not within valid time window")
        kept = [nonce for nonce in self.nonces.get(address, []) if nonce >= block_ms - WINDOW_MS]
        stale = [nonce for nonce in self.nonces.get(address, []) if nonce < block_ms - WINDOW_MS]
        ejected = max([self.ejected.get(address, 0), *stale])
        full = len(kept) == NONCES_KEPT and given <= min(kept)
        if given <= ejected or given in kept or full:
            return WRONG_SEQUENCE.of(f"timestamp nonce {given} rejected")
        return None

    def use(self, address: str, given: int, block_ms: int) -> None:
        """A transaction with this sequence was accepted."""
        if given < TIMESTAMP_FROM:
            self.used[address] = self.used.get(address, 0) + 1
            return
        nonces = self.nonces.setdefault(address, [])
        stale = [nonce for nonce in nonces if nonce < block_ms - WINDOW_MS]
        nonces[:] = [nonce for nonce in nonces if nonce >= block_ms - WINDOW_MS]
        if len(nonces) == NONCES_KEPT:
            lowest = min(nonces)
            nonces.remove(lowest)
            stale.append(lowest)
        nonces.append(given)
        self.ejected[address] = max([self.ejected.get(address, 0), *stale])

    def take(self) -> dict[str, int]:
        """What was used since the last block, for the block that ends; forgotten here."""
        used, self.used = self.used, {}
        return used
