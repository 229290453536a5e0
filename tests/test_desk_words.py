"""desk_words: each word reaches what it is for, and every one is in the digest."""

from __future__ import annotations

from typing import Any

from sniper.desk_words import Words
from sniper.types import REC_FRAME, REC_OPERATOR
from tests.ordering import Scene


class Heard:
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []
        self.said: list[str] = ["from the handover"]

    def operator(self, verb: str, text: str) -> str:
        self.words.append((verb, text))
        return ""

    def learn(self, text: str) -> list[str]:
        if text == "nonsense":
            raise ValueError("makes no sense")
        return [f"learned {text}"]

    def hear(self, text: str) -> None:
        self.words.append((text,))


def told(scene: Scene, *records: tuple[int, bytes]) -> tuple[Words, Heard, Heard]:
    risk: Any = Heard()
    handover: Any = Heard()
    words = Words(scene.tape, scene.digest, scene.orders, risk, handover)
    taken = [(0, 63, kind, data) for kind, data in records]
    scene.decoder.apply(taken)
    words.obey(taken)
    return words, risk, handover


def test_each_word_goes_where_it_belongs() -> None:
    scene = Scene(first_client_id=1, last_client_id=100)
    words, risk, handover = told(
        scene,
        (REC_OPERATOR, b"ids 200 299"),
        (REC_FRAME, b'{"type":"pong"}'),
        (REC_OPERATOR, b"ids no numbers"),
        (REC_OPERATOR, b"sequence 12 90"),
        (REC_OPERATOR, b"sequence 12 80"),
        (REC_OPERATOR, b"sequence 12 0"),
        (REC_OPERATOR, b"sequence 11 70"),
        (REC_OPERATOR, b"sequence 7"),
        (REC_OPERATOR, b"sequence x"),
        (REC_OPERATOR, b'handover {"height": 1}'),
        (REC_OPERATOR, b"limits {}"),
        (REC_OPERATOR, b"limits nonsense"),
        (REC_OPERATOR, b"kill a reason"),
        (REC_OPERATOR, b"pause"),
    )
    assert scene.orders.ids_left == 200 and (words.sequence, words.sequence_height) == (12, 80)
    assert words.said == ["from the handover", "learned {}", "makes no sense"]
    assert handover.words == [('{"height": 1}',)]
    assert risk.words == [("kill", "a reason"), ("pause", "")]


def test_every_word_is_in_the_digest() -> None:
    values = []
    for word in (b"pause", b"sequence 1", b"handover {}"):
        scene = Scene()
        told(scene, (REC_OPERATOR, word))
        values.append(scene.digest.value)
    assert len(set(values)) == 3
