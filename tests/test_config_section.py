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
    wait_ns: Annotated[int, msgspec.Meta(ge=0, le=10_000_000_000)] = 1_500_000_000
    inner: Inner = Inner()
    hidden: int = 0


def test_defaults_and_values_travel_both_ways() -> None:
    made = section(Outer)
    assert made.__name__ == "OuterConfig" and made.__doc__ == Outer.__doc__
    assert settings(Outer, made()) == Outer()
    assert set(section(Outer, ("hidden",)).model_fields) == {"count", "name", "moves", "wait_s", "inner"}
    assert settings(Outer, section(Outer, ("hidden",))(), hidden=4) == Outer(hidden=4)
    chosen = made.model_validate(
        {"count": 7, "moves": [["*", -0.15]], "inner": {"share": 0.25}, "wait_s": 0.25}
    )
    assert settings(Outer, chosen) == Outer(7, "x", (("*", -0.15),), 250_000_000, Inner(0.25))


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": "7"},
        {"inner": {"share": 1.5}},
        {"wait_s": 11.0},
        {"wait_ns": 5},
        {"colour": 1},
        {"moves": [["*"]]},
    ],
)
def test_bounds_types_and_names_are_kept(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        section(Outer).model_validate(wrong)
