"""A structure-aware fuzzer of the kernels: no crash, no hang, no change of state by a refused frame.

    python -m tests.fuzz --frames 10000000 --seed 1

Frames are valid messages of every kind cut into JSON tokens; a variant replaces, repeats,
swaps or drops tokens,
splices two messages, or changes bytes. Two sets of kernels run side by side: one takes every frame, the other
only those that the first accepted. Their books, trades and market tables must stay equal to the last bit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tests.frames import Messages
from tests.mutate import PIECES, VALUES, written

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-z]+|[\[\]{},:]', re.DOTALL)


class Corpus:
    """Valid frames with the places of their tokens, and the tokens themselves as a dictionary."""

    def __init__(self, seed: int, frames: int = 3000) -> None:
        from tests.frames import compact

        r = random.Random(seed)
        messages = Messages(seed)
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
            if frame[a] == 0x22 and draw() < 0.9:
                word = texts[int(draw() * n_texts)]
            else:
                word = words[int(draw() * n_words)]
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
