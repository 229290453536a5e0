"""config_base: what all sections share."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sniper.config_base import Section


class One(Section):
    share: float = 0.5


def test_a_section_is_frozen_strict_and_knows_its_keys() -> None:
    for wrong in ({"shre": 1.0}, {"share": "1"}, {"share": float("nan")}):
        with pytest.raises(ValidationError):
            One.model_validate(wrong)
    with pytest.raises(ValidationError):
        One().share = 2.0  # type: ignore[misc]
