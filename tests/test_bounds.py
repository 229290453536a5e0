"""bounds: settings out of bounds are named, field by field."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import pytest
from msgspec import Meta

from sniper.bounds import checked, problems


class Inner(NamedTuple):
    share: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5


class Outer(NamedTuple):
    count: Annotated[int, Meta(ge=1)] = 1
    free: int = 0
    inner: Inner = Inner()
    pairs: tuple[int, ...] = (1,)


def test_good_settings_have_no_problems() -> None:
    checked(Outer(5, -3, Inner(1.0)))


def test_each_problem_names_its_field() -> None:
    found = list(problems(Outer(0, inner=Inner(0.0))))
    assert found == ["count: 0, at least 1", "inner.share: 0.0, more than 0.0"]
    with pytest.raises(ValueError, match=r"Outer: count: 0, at least 1; inner\.share: 2\.0, at most 1\.0"):
        checked(Outer(0, inner=Inner(2.0)))


def test_nan_is_out_of_bounds() -> None:
    assert len(list(problems(Inner(float("nan"))))) == 2
