"""How many REST requests may be sent. Pure: time is passed in.

The Indexer counts requests per client address in fixed windows of 10 s that begin when it likes. Only a
limit on *any* window of that length is safe, so the times of the last requests are kept; a bucket that
refills while it is emptied would let nearly twice the number through.
"""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW_S: Final = 10.0

BUCKETS: Final[dict[str, int]] = {"default": 100, "orders": 100, "fills": 100, "candles": 1000}
"""Requests in 10 s that the Indexer allows (its source,
indexer/services/comlink/src/caches/rate-limiters.ts).
"""

BUCKET_OF: Final[dict[str, str]] = {"orders": "orders", "fills": "fills", "candles": "candles"}
"""The bucket of an endpoint; all others share "default"."""

SHARE: Final = 0.9
"""What we use of a limit: requests sent apart can arrive together, and others may share our address."""


class Budget:
    """At most `count` requests in any `window_s` seconds."""

    def __init__(self, count: int, window_s: float = WINDOW_S) -> None:
        if count < 1:
            raise ValueError(f"a budget of {count} requests")
        self._count = count
        self._window_s = window_s
        self._sent: deque[float] = deque()
        self._held_until_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next request is allowed; 0: now."""
        self._forget(now_s)
        free_s = self._sent[0] + self._window_s if len(self._sent) >= self._count else now_s
        return max(free_s, self._held_until_s, now_s) - now_s

    def take(self, now_s: float) -> None:
        """Count one request, sent now."""
        self._forget(now_s)
        self._sent.append(now_s)

    def hold(self, until_s: float) -> None:
        """The server said to wait: allow nothing before until_s."""
        self._held_until_s = max(self._held_until_s, until_s)

    def used(self, now_s: float) -> int:
        """Requests in the present window."""
        self._forget(now_s)
        return len(self._sent)

    def _forget(self, now_s: float) -> None:
        while self._sent and self._sent[0] + self._window_s <= now_s:
            self._sent.popleft()
