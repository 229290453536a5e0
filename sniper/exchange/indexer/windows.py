"""REST rate limits: fixed windows for each client and bucket, as the Indexer counts them in its cache (rest.md 1)."""

from __future__ import annotations

from typing import Final, NamedTuple

MS = 1_000_000


class Bucket(NamedTuple):
    """So many points in a window."""

    name: str
    points: int
    window_ms: int = 10_000


DEFAULT: Final = Bucket("default", 100)
ORDERS: Final = Bucket("orders", 100)
FILLS: Final = Bucket("fills", 100)
CANDLES: Final = Bucket("candles", 1_000)
SPARKLINES: Final = Bucket("sparklines", 100)
HISTORICAL_PNL: Final = Bucket("historical-pnl", 100)
PNL: Final = Bucket("pnl", 100)
FUNDING: Final = Bucket("funding", 100)
SCREEN: Final = Bucket("screen provider", 2, 60_000)
SCREEN_GLOBAL: Final = Bucket("screen provider global", 100, 60_000)


class Spent(NamedTuple):
    """What a window has left after a request. over: the request was one too many."""

    left: int
    wait_ms: int
    over: bool


class Windows:
    """Open windows of all clients; the oldest is forgotten where there are too many."""

    def __init__(self, windows_max: int) -> None:
        self._windows_max = windows_max
        self._open: dict[tuple[str, str], tuple[int, int]] = {}  # (bucket, client) -> (end, points used)

    def spend(self, bucket: Bucket, client: str, points: int, now_ns: int) -> Spent:
        """Count a request."""
        key = (bucket.name, client)
        now_ms = now_ns // MS
        end_ms, used = self._open.get(key, (0, 0))
        if end_ms <= now_ms:
            self._open.pop(key, None)
            end_ms, used = now_ms + bucket.window_ms, 0
            if len(self._open) >= self._windows_max:
                del self._open[next(iter(self._open))]
        used += points
        self._open[key] = (end_ms, used)
        return Spent(max(bucket.points - used, 0), end_ms - now_ms, used > bucket.points)


def headers(bucket: Bucket, spent: Spent, now_ns: int) -> dict[str, str]:
    """What an answer says of its window. Reset: epoch milliseconds; Retry-After: milliseconds, not seconds."""
    found = {
        "RateLimit-Limit": str(bucket.points),
        "RateLimit-Remaining": str(spent.left),
        "RateLimit-Reset": str(now_ns // MS + spent.wait_ms),
    }
    return found | ({"Retry-After": str(spent.wait_ms)} if spent.over else {})


def cost(page: str | None, limit: str | None, page_max: int) -> int:
    """Points of a request: deep pages cost more."""
    try:
        number = float(page) if page is not None else 0.0
        rows = float(limit) if limit is not None else float(page_max)
    except ValueError:
        return 1
    if not 1 < number < 1e9 or not 0 < rows < 1e9:
        return 1
    return 1 + (int(number) - 1) * int(rows) // page_max
