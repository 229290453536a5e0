"""Our decode, book and trades against plain C, in the same run on one core.

    python -m bench.limit [--frames 200000] [--rounds 5] [--seed 7] [--json]

`limit.c` is compiled for this machine (gcc -O3 -march=native); our kernels stay as they were built. Both
read the same server-style frames; C gets them in one buffer, we get separate bytes objects. `loose` frames
are the same messages as another server might write them; C cannot read those, so they are set against its
server-style time. At the end the books and trades of everybody must be equal, level by level. Times are
processor time: on a quiet machine that is wall time, on a busy one it disturbs less.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time_ns
from typing import Any

from bench.contest import pin
from bench.frames import MARKETS, frames
from bench.peers import Naive, Sorted, SortedMsgspec, Summary
from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import Tape
from sniper._ext.trades import Trades
from sniper.types import REC_FRAME, Record

SOURCE = Path(__file__).with_name("limit.c")
DECIMALS = {spec.ticker: (spec.tick_dec, spec.step_dec) for spec in MARKETS}
PEERS_SHARE = 10  # the Python peers get a tenth of the frames: they are slow, and steady


def calls(stream: list[bytes], batch: int) -> list[list[Record]]:
    """The frames as records, `batch` a call."""
    records: list[Record] = [(i, 0, REC_FRAME, frame) for i, frame in enumerate(stream)]
    return [records[i : i + batch] for i in range(0, len(records), batch)]


def our_ns(batches: list[list[Record]]) -> float:
    """ns a frame of our kernels from fresh state."""
    tape = Tape()
    decode, book, trade = Decoder(tape).apply, Books(tape).apply, Trades(tape).apply
    gc.collect()
    gc.disable()
    begun = thread_time_ns()
    for records in batches:
        n = decode(records)
        book(n)
        trade(n)
    ns = thread_time_ns() - begun
    gc.enable()
    return ns / sum(map(len, batches))


def ours(stream: list[bytes]) -> Summary:
    """Final state of our kernels, untimed."""
    tape = Tape()
    decoder, books, trades = Decoder(tape), Books(tape), Trades(tape)
    for call in calls(stream, 64):
        n = decoder.apply(call)
        books.apply(n)
        trades.apply(n)
    out: Summary = {}
    for spec in MARKETS:
        market = decoder.market(spec.ticker)
        sides = []
        for side in (0, 1):
            levels = books.levels(market, side, 1 << 16, True).tolist()
            sides.append([(ticks * spec.tick, steps * spec.step) for ticks, steps in levels])
        stat = trades.stats[market]
        p, s = spec.tick_dec, spec.step_dec
        buy, sell, dec = trades.volumes(market)
        last = scaled(int(stat["last_price"]), int(stat["last_dec"]), p)
        counted = (int(stat["count"]), last, scaled(buy, dec, s), scaled(sell, dec, s))
        out[spec.ticker] = {"bids": sides[0], "asks": sides[1], "trades": counted}
    return out


def scaled(value: int, decimals: int, wanted: int) -> int:
    """A decimal at another scale, exactly."""
    if wanted >= decimals:
        return value * 10 ** (wanted - decimals)
    quotient, rest = divmod(value, 10 ** (decimals - wanted))
    assert rest == 0
    return quotient


class PlainC:
    """The compiled reference and its input, in a folder."""

    def __init__(self, folder: Path, stream: list[bytes]) -> None:
        compiler = os.environ.get("CC", "gcc").split()
        if shutil.which(compiler[-1]) is None:
            raise SystemExit(f"{compiler[-1]} not found: the reference needs a C compiler (or set CC)")
        self.program, self.frames, self.table = (
            folder / "limit",
            folder / "frames.ndjson",
            folder / "table.txt",
        )
        subprocess.run([*compiler, "-O3", "-march=native", "-o", self.program, SOURCE], check=True)
        self.frames.write_bytes(b"".join(frame + b"\n" for frame in stream))
        self.table.write_text("".join(f"{t} {p} {s}\n" for t, (p, s) in DECIMALS.items()))

    def run(self, repeat: int) -> tuple[float, Summary]:
        """Best ns a frame of `repeat` passes, and the final state."""
        command = [str(self.program), str(self.frames), str(self.table), str(repeat)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        state = {
            ticker: {
                "bids": [tuple(level) for level in market["bids"]],
                "asks": [tuple(level) for level in market["asks"]],
                "trades": tuple(market["trades"]),
            }
            for ticker, market in said["markets"].items()
        }
        return min(said["ns_per_frame"]), state


def peer_ns(kind: type[Naive], stream: list[bytes]) -> tuple[float, Summary]:
    """ns a frame of one of the Python peers, and its final state."""
    peer = kind()
    gc.collect()
    gc.disable()
    begun = thread_time_ns()
    peer.run(stream)
    ns = thread_time_ns() - begun
    gc.enable()
    return ns / len(stream), peer.summary(DECIMALS)


def compare(count: int, rounds: int, seed: int) -> dict[str, Any]:
    """All figures, best of the rounds; the contenders take turns, so that noise hits all of them."""
    core = pin()
    server, loose = frames(count, seed), frames(count, seed, "loose")
    few = server[: max(1000, count // PEERS_SHARE)]
    ways = {
        "sniper, 64 frames a call": calls(server, 64),
        "sniper, one call a frame": calls(server, 1),
        "sniper, loose frames, 64 a call": calls(loose, 64),
    }
    peers = {
        "msgspec + sortedcontainers": SortedMsgspec,
        "orjson + sortedcontainers": Sorted,
        "json + Decimal": Naive,
    }
    best: dict[str, float] = {}

    def note(name: str, ns: float) -> None:
        best[name] = min(best.get(name, ns), ns)

    states: list[Summary] = []
    few_states: list[Summary] = []
    with TemporaryDirectory() as folder:
        plain = PlainC(Path(folder), server)
        for _ in range(rounds):
            ns, state = plain.run(2)
            note("plain C", ns)
            for name, batches in ways.items():
                note(name, our_ns(batches))
        states.append(state)
        for _ in range(2):
            for name, kind in peers.items():
                ns, state = peer_ns(kind, few)
                note(name, ns)
                few_states.append(state)
    states += [ours(server), ours(loose)]
    few_states.append(ours(few))
    equal = all(s == states[0] for s in states) and all(s == few_states[0] for s in few_states)
    return {
        "schema": "sniper.bench.limit/1",
        "frames": count,
        "seed": seed,
        "rounds": rounds,
        "core": core,
        "ns_per_frame": {name: round(ns, 1) for name, ns in best.items()},
        "ratio": {name: round(ns / best["plain C"], 2) for name, ns in best.items()},
        "equal": equal,
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The result for people."""
    how = f"best of {result['rounds']} rounds, processor time, core {result['core']}"
    yield f"{result['frames']:,} frames, {how}"
    yield f"{'':34}{'ns/frame':>10}{'x C':>9}"
    for name, ns in result["ns_per_frame"].items():
        yield f"{name:34}{ns:>10,.1f}{result['ratio'][name]:>9.2f}"
    yield f"books and trades equal: {'yes' if result['equal'] else 'NO'}"


def main() -> None:
    """Print the comparison; exit code 8 if the books differ."""
    parser = argparse.ArgumentParser(description="Decode, book and trades against plain C.")
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    result = compare(asked.frames, asked.rounds, asked.seed)
    print(json.dumps(result) if asked.json else "\n".join(lines(result)))
    sys.exit(0 if result["equal"] else 8)


if __name__ == "__main__":
    main()
