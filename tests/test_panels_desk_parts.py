"""desk_parts: what the decision panels show is empty until there is something."""

from __future__ import annotations

from sniper.panels import desk_parts
from sniper.panels.view import View


def test_a_view_without_a_decision_half_has_empty_parts() -> None:
    view = View()
    for name in ("Signals", "Decisions", "Risk", "Positions", "Orders", "Funding"):
        assert getattr(view, name.lower()) == getattr(desk_parts, name)()
        assert not getattr(view, name.lower()).rows
