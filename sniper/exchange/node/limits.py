"""Block rate limits: so many attempts of an owner in so many blocks, refused ones counted too.

Source: chain x/clob/rate_limit/multi_block_rate_limiter.go; which limits: orders.md, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sniper.exchange.facts import Outcome
from sniper.exchange.node.codes import RATE_LIMIT

SHORT: Final = "MaxShortTermOrdersAndCancelsPerNBlocks"
STATEFUL: Final = "MaxStatefulOrdersPerNBlocks"
Limits = Sequence[tuple[int, int]]


class RateLimits:
    """Attempts of each owner, by kind and block. limits: (attempts, blocks) of short-term and stateful orders."""

    def __init__(self, short: Limits, stateful: Limits) -> None:
        self._limits = {SHORT: tuple(short), STATEFUL: tuple(stateful)}
        self._blocks_max = {kind: max((n for _, n in own), default=0) for kind, own in self._limits.items()}
        self.counts: dict[str, dict[str, dict[int, int]]] = {SHORT: {}, STATEFUL: {}}

    def attempt(self, kind: str, owner: str, weight: int, height: int) -> Outcome | None:
        """Count an attempt at this height (of the last block); the refusal if that is one too many."""
        counts = self.counts[kind].setdefault(owner, {})
        counts[height] = counts.get(height, 0) + weight
        for limit, blocks in sorted(self._limits[kind], key=lambda one: one[1]):
            rate = sum(count for at, count in counts.items() if at > height - blocks)
            if rate > limit:
                return RATE_LIMIT.of(
                    f"Rate of {rate} exceeds configured block rate limit of {{NumBlocks:{blocks} Limit:{limit}}} "
                    f"for {kind} and {owner}"
                )
        return None

    def forget(self, height: int) -> None:
        """Drop what no limit looks at any more now that this height is the last."""
        for kind, owners in self.counts.items():
            oldest = height - self._blocks_max[kind]
            for owner in list(owners):
                counts = owners[owner]
                for at in [at for at in counts if at <= oldest]:
                    del counts[at]
                if not counts:
                    del owners[owner]
