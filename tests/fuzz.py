"""A structure-aware fuzzer of the kernels: no crash, no hang, no change of state by a refused frame.

    python -m tests.fuzz --frames 10000000 --seed 1

Frames are valid messages of every kind cut into JSON tokens; a variant replaces, repeats,
swaps or drops tokens,
splices two messages, or changes bytes. Two sets of kernels run side by side: one takes every frame, the other
only those that the first accepted. Their books, trades and market tables must stay equal to the last bit.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import re
import sys
import time
from collections.abc import Iterator
from itertools import islice

from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import KIND_NAMES, Tape
from sniper._ext.trades import Trades
from tests.frames import Messages, compact
from tests.mutate import PIECES, VALUES, written
from tests.state import kept

BATCH = 64
COUNTING = (
    "frames",
    "bytes",
    "last_ns",
    "next_id",
    "lost_ids",
    "given_up",
    "missing_id",
    "missing_ns",
    "missing_n",
)
ERROR = KIND_NAMES.index("ERROR")
Record = tuple[int, int, int, bytes]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[\[\]{},:]', re.DOTALL)


class Corpus:
    """Valid frames with the places of their tokens, and the tokens themselves as a dictionary."""

    def __init__(self, seed: int, frames: int = 3000) -> None:
        r = random.Random(seed)
        messages = Messages(random.Random(seed))
        self.frames = [written(messages.next()[1], r) for _ in range(frames)]
        self.spans = [[m.span() for m in _TOKEN.finditer(frame)] for frame in self.frames]
        words = {frame[a:b] for frame, spans in zip(self.frames, self.spans, strict=True) for a, b in spans}
        extra = {compact(value).encode("utf-8", "surrogatepass") for value in VALUES}
        self.words = sorted(words | extra | set(PIECES))
        self.texts = [word for word in self.words if word.startswith(b'"')]
        self.others = [word for word in self.words if not word.startswith(b'"')]
        self.commas = [
            [a for a, b in spans if frame[a] == 0x2C]
            for frame, spans in zip(self.frames, self.spans, strict=True)
        ]


def variants(corpus: Corpus, seed: int) -> Iterator[bytes]:
    """Endless frames: one in eight untouched, the rest spoiled in one to three places."""
    draw = random.Random(seed).random
    frames, spans, commas, words, texts = (
        corpus.frames,
        corpus.spans,
        corpus.commas,
        corpus.words,
        corpus.texts,
    )
    n_frames, n_words, n_texts = len(frames), len(words), len(texts)
    while True:
        index = int(draw() * n_frames)
        frame, span = frames[index], spans[index]
        n, what = len(span), draw()
        if what < 0.125:
            yield frame
            continue
        a, b = span[int(draw() * n)]
        if what < 0.50:  # another token, mostly of the same kind
            text = frame[a] == 0x22 and draw() < 0.9
            word = texts[int(draw() * n_texts)] if text else words[int(draw() * n_words)]
            frame = frame[:a] + word + frame[b:]
        elif what < 0.55:  # one more token
            frame = frame[:b] + words[int(draw() * n_words)] + frame[b:]
        elif what < 0.58:  # one token less
            frame = frame[:a] + frame[b:]
        elif what < 0.78:  # what stands between two commas twice, moved or gone: duplicate keys, lost values
            comma = commas[index]
            if len(comma) > 1:
                one = int(draw() * (len(comma) - 1))
                a, b = comma[one], comma[one + 1]
                c = comma[int(draw() * len(comma))]
                frame = frame[:c] + frame[a:b] + frame[c:] if draw() < 0.7 else frame[:a] + frame[b:]
        elif what < 0.82:  # a splice with another frame
            other = int(draw() * n_frames)
            frame = frame[:a] + frames[other][spans[other][int(draw() * len(spans[other]))][0] :]
        elif what < 0.90:  # one byte of a token
            at = a + int(draw() * (b - a))
            frame = frame[:at] + bytes((int(draw() * 256),)) + frame[at + 1 :]
        elif what < 0.94:
            frame = frame[:a]
        else:  # two tokens change places
            c, d = span[int(draw() * n)]
            if b <= c:
                frame = frame[:a] + frame[c:d] + frame[b:c] + frame[a:b] + frame[d:]
        yield frame


HEADS = (
    b"perpetualMarkets 200 \n",
    b"orderbook 200 ticker=BTC-USD\n",
    b"trades 200 ticker=ETH-USD&limit=5\n",
    b"candles 200 ticker=SOL-USD&resolution=1MIN\n",
    b"historicalFunding 200 ticker=BTC-USD\n",
    b"height 200 \n",
    b"trades 429 \n",
)


def record(frame: bytes, draw: float) -> tuple[int, bytes]:
    """The frame as a record (kind, data): one in thirty becomes a REST answer or a record of the feed's own."""
    if draw > 0.034:
        return 0, frame
    if draw < 0.003:
        return 2 + int(draw * 1000), frame[:40]
    return 1, HEADS[int(draw * 10_000) % len(HEADS)] + frame[frame.find(b'"contents":') + 11 : -1]


class Kernels:
    """Decoder, books and trades on a tape of their own."""

    def __init__(self) -> None:
        self.tape = Tape(bytes_max=1 << 20, records_max=BATCH)
        self.decoder, self.books, self.trades = Decoder(self.tape), Books(self.tape), Trades(self.tape)

    def apply(self, records: list[Record]) -> int:
        """One tick: the number of rows."""
        n = self.decoder.apply(records)
        self.books.apply(n)
        self.trades.apply(n)
        return n

    def state(self) -> list[bytes]:
        """Everything that a refused frame must leave alone: market table, connections, books, trades.

        Left out: what counts frames (and the digest over all of them), the message ids, because a message that
        was refused for its contents did come, and how far a book is trusted, because an update of it was lost.
        """
        links = self.decoder.connections[: self.decoder.connections_n].copy()
        for name in COUNTING:
            links[name] = 0
        markets = self.decoder.markets[: self.decoder.markets_n].tobytes()
        return [markets, links.tobytes(), kept(self.books), self.trades.save()]


class Changed(AssertionError):
    """A refused frame left a trace."""


def run(frames: int, seed: int, corpus: Corpus | None = None, every: int = 20_000) -> dict[str, int]:
    """Feed so many frames to both sets of kernels; raises Changed. Returns what was seen."""
    corpus = corpus or Corpus(seed)
    source = variants(corpus, seed)
    draw = random.Random(seed + 1).random
    everything, accepted = Kernels(), Kernels()
    seen = {"frames": 0, "refused": 0, "rows": 0}
    for data in corpus.frames[:20]:  # the market table and the first books
        everything.apply([(0, 0, 0, data)])
        accepted.apply([(0, 0, 0, data)])
    due = every
    while seen["frames"] < frames:
        size = min(BATCH, frames - seen["frames"])
        recv_ns = seen["frames"]
        records = [(recv_ns, 0, *record(data, draw())) for data in islice(source, size)]
        n = everything.apply(records)
        rows = everything.tape.rows[:n]
        bad = set(rows["frame"][rows["kind"] == ERROR].tolist())
        accepted.apply([record for i, record in enumerate(records) if i not in bad])
        seen["frames"] += size
        seen["refused"] += len(bad)
        seen["rows"] += n
        if seen["frames"] >= due:
            due += every
            compare(everything, accepted)
    compare(everything, accepted)
    return seen


def compare(everything: Kernels, accepted: Kernels) -> None:
    """Raise Changed where the two sets of kernels are not in the same state."""
    names = ("market table", "connections", "books", "trades")
    for name, mine, theirs in zip(names, everything.state(), accepted.state(), strict=True):
        if mine != theirs:
            at = next(i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b)
            raise Changed(f"a refused frame changed the {name} (byte {at} of {len(mine)})")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=500_000, help="frames before the kernels start afresh")
    parser.add_argument(
        "--hang", type=float, default=60.0, help="seconds a chunk may take for 100,000 frames"
    )
    options = parser.parse_args()
    start, done, refused = time.perf_counter(), 0, 0
    while done < options.frames:
        count = min(options.chunk, options.frames - done)
        seed = options.seed * 1_000_003 + done
        faulthandler.dump_traceback_later(
            options.hang * max(1, count / 100_000), exit=True, file=sys.__stderr__
        )
        try:
            refused += run(count, seed)["refused"]
        except Changed as change:
            print(f"seed {seed}: {change}", file=sys.stderr)
            return 8
        faulthandler.cancel_dump_traceback_later()
        done += count
        rate = done / (time.perf_counter() - start)
        print(f"{done} frames, {refused} refused, {rate:.0f}/s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
