"""Drives kernels and twins with generated and mutated frames until they disagree.

python -m tests.differential --frames 1000000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.frames import Messages
from tests.mutate import mutated, written
from tests.pair import Difference, Pair
from tests.reference_decode import Record


def other_record(messages: Messages, r: random.Random) -> tuple[int, bytes]:
    """A record that is not a WebSocket message: (kind, data)."""
    draw = r.random()
    if draw < 0.2:
        return 2, r.choice((b"12 3400", b"0 0", b"1", b"x y", b"-1 2", b"", b"3 4 5"))
    if draw < 0.4:
        state = r.choice(
            (b"connecting", b"open", b"closed", b"silent", b"limited", b"refused", b"stopped", b"odd", b"")
        )
        return 3, state + r.choice((b" 1006 gone", b"", b" 1000", b" 0 ", b" x", b" -1 "))
    if draw < 0.5:
        return 4, r.choice((b"pause now", b"go", b""))
    market = messages.pick(messages.markets)
    make, query = r.choice(
        (
            (lambda: {"markets": {m.ticker: messages.market_object(m) for m in messages.markets}}, ""),
            (lambda: messages.book_snapshot(market)["contents"], f"ticker={market.ticker}"),
            (
                lambda: {"trades": [messages.trade(market, True) for _ in range(messages.below(4))]},
                f"ticker={market.ticker}&limit=4",
            ),
            (
                lambda: {"candles": [messages.candle(market, "5MINS")]},
                f"ticker={market.ticker}&resolution=5MINS",
            ),
            (
                lambda: {"historicalFunding": [messages.funding(market) for _ in range(3)]},
                f"ticker={market.ticker}",
            ),
            (lambda: [{"id": "0f0981cb", "size": "1"}], "address=x"),
            (lambda: {"height": "12", "time": "2026-11-21T00:00:00.000Z"}, ""),
        )
    )
    body = make()
    names = {"markets": "perpetualMarkets", "bids": "orderbook", "historicalFunding": "historicalFunding"}
    first = next(iter(body)) if isinstance(body, dict) else "orders"
    name = names.get(first, first) if r.random() < 0.97 else "fills"
    status = r.choice((200, 200, 200, 200, 200, 200, 429, 0, 404))
    text = mutated(body, r, b"{}") if r.random() < 0.3 and isinstance(body, dict) else written(body, r)
    return 1, f"{name} {status} {query}\n".encode() + text


def stream(r: random.Random, spoiled: float = 0.4) -> Iterator[Record]:
    """Endless records: messages in both styles, a share of them mutated, some repeated, other kinds between."""
    messages = Messages(r)
    last = b"{}"
    recv_ns = 1_700_000_000_000_000_000
    while True:
        connection, message = messages.next()
        recv_ns += int(r.random() ** 4 * 500_000_000)
        data = (
            mutated(message, r, last) if r.random() < spoiled and not messages.plan else written(message, r)
        )
        last = data
        yield recv_ns, connection, 0, data
        draw = r.random()
        if draw < 0.01:
            yield recv_ns, connection, 0, data
        elif draw < 0.03 and not messages.plan:
            yield recv_ns, connection, *other_record(messages, r)


def run(frames: int, seed: int, every: int = 2000, pair: Pair | None = None) -> Pair:
    """Feed so many frames in ticks of 1-64; compare the whole state now and then. Raises Difference."""
    r = random.Random(seed ^ 0x5EED)
    pair = pair or Pair()
    source = stream(random.Random(seed))
    done = since = 0
    while done < frames:
        size = min(1 if r.random() < 0.3 else 1 + int(r.random() * 64), frames - done)
        records = [next(source) for _ in range(size)]
        pair.feed(records)
        done += size
        since += size
        if since >= every:
            since = 0
            pair.compare_state()
    pair.compare_state()
    return pair


def run_file(path: Path) -> Pair:
    """Feed the lines of a file, 64 a tick; compare the state at the end. Raises Difference."""
    pair = Pair()
    records: list[Record] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            records.append((number * 1_000_000, 0, 0, line.rstrip(b"\n")))
            if len(records) == 64:
                pair.feed(records)
                records = []
    pair.feed(records)
    pair.compare_state()
    return pair


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=20_000, help="frames before both sides start afresh")
    parser.add_argument("--file", type=Path, help="feed the lines of this file instead")
    options = parser.parse_args()
    if options.file:
        try:
            frames = run_file(options.file).decoder_twin.counters["frames"]
        except Difference as difference:
            print(f"{options.file}: {difference}", file=sys.stderr)
            return 8
        print(f"{frames} frames, no difference", file=sys.stderr)
        return 0
    start, done = time.perf_counter(), 0
    while done < options.frames:
        seed = options.seed * 1_000_003 + done
        count = min(options.chunk, options.frames - done)
        try:
            run(count, seed)
        except Difference as difference:
            print(f"seed {seed}: {difference}", file=sys.stderr)
            return 8
        done += count
        rate = done / (time.perf_counter() - start)
        print(f"{done} frames, {rate:.0f}/s, no difference", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
