"""config_section: a section of the config out of a module's own settings."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec
import pytest
from pydantic import ValidationError

from sniper.config_section import section, settings


class Inner(NamedTuple):
    share: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.5


class Outer(NamedTuple):
    """What the outside is set to."""

    count: Annotated[int, msgspec.Meta(gt=0)] = 3
    name: str = "x"
    moves: tuple[tuple[str, float], ...] = (("BTC-USD", -0.08),)
    inner: Inner = Inner()


def test_defaults_and_values_travel_both_ways() -> None:
    made = section(Outer)
    assert made.__name__ == "OuterConfig" and made.__doc__ == Outer.__doc__
    assert settings(Outer, made()) == Outer()
    chosen = made.model_validate({"count": 7, "moves": [["*", -0.15]], "inner": {"share": 0.25}})
    assert settings(Outer, chosen) == Outer(7, "x", (("*", -0.15),), Inner(0.25))


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"count": "7"}, {"inner": {"share": 1.5}}, {"colour": 1}, {"moves": [["*"]]}]
)
def test_bounds_types_and_names_are_kept(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(Outer).model_validate(wrong)
