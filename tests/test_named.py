"""named: settings to plain values and back."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest

from sniper.named import from_plain, to_plain


class Inner(NamedTuple):
    share: float = 0.5
    names: tuple[str, ...] = ("a",)


class Outer(NamedTuple):
    count: int = 1
    inner: Inner = Inner()
    other: Inner | None = None
    pairs: tuple[tuple[str, int], ...] = (("x", 1),)


@pytest.mark.parametrize("value", [Outer(), Outer(other=Inner(0.25, ())), Outer(3, Inner(names=("b", "c")))])
def test_there_and_back_by_way_of_json(value: Outer) -> None:
    text = msgspec.json.encode(to_plain(value))
    assert from_plain(Outer, msgspec.json.decode(text)) == value


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({}, "other fields: count, inner, other, pairs"),
        (to_plain(Outer()) | {"count": "1"}, "Outer.count"),
        (to_plain(Outer()) | {"inner": {"share": 1.0}}, "Outer.inner: Inner has other fields: names"),
        (to_plain(Outer()) | {"inner": [0.5, []]}, "Inner expected, not list"),
        (7, "Outer expected, not int"),
    ],
)
def test_anything_else_is_refused_by_name(plain: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_plain(Outer, plain)
