"""What it costs to have an intent on the disk before it leaves, and to follow a tick that changed nothing.

    python -m bench.state [FOLDER]

FOLDER must lie on a disk: in memory a flush costs nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sniper.state import State
from sniper.state_news import News
from sniper.trading import Place
from tests import paper_run

COUNT = 500


def place(client_id: int) -> Place:
    """An order as strategies send them."""
    return Place(
        client_id,
        0,
        "BTC-USD",
        0,
        5,
        100_000,
        "short_term",
        "ioc",
        False,
        70,
        0,
        "",
        0,
        "entry",
        "sniper entry",
    )


def timed(name: str, act: Callable[[int], object], pause_s: float = 0.0, count: int = COUNT) -> None:
    """Print percentiles of `act(i)` in milliseconds."""
    found = []
    for i in range(count):
        if pause_s:
            time.sleep(pause_s)
        begun = time.perf_counter()
        act(i)
        found.append(time.perf_counter() - begun)
    found.sort()
    p50, p90, p99 = (1e3 * found[int(len(found) * part)] for part in (0.5, 0.9, 0.99))
    print(f"{name:44} p50 {p50:8.4f} ms   p90 {p90:8.4f} ms   p99 {p99:8.4f} ms")


def main() -> None:
    """Measure in a folder of its own below FOLDER."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else ".") as folder:
        state = State(Path(folder), "bench", "dydx1bench", 0)
        first, _ = state.reserve(count=100 * COUNT)
        timed("one intent, durable", lambda i: state.intents(1, 1, [place(first + i)]))
        timed(
            "one intent, durable, every 5 ms",
            lambda i: state.intents(1, 1, [place(first + COUNT + i)]),
            0.005,
        )
        many = first + 2 * COUNT
        timed("ten in one call", lambda i: state.intents(1, 1, [place(many + 10 * i + k) for k in range(10)]))
        timed("a batch of ten rows handed over", lambda i: state.put([("facts", ("n", i))] * 10))
        engine = paper_run.engine()
        assert engine.desk is not None
        news = News(state, engine.desk, engine.decoder)
        news.look(1, 1)
        timed("a tick that changed nothing", lambda i: news.look(i, 2), 0.0, 20_000)
        state.close()


if __name__ == "__main__":
    main()
