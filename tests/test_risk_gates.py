"""risk_gates: the table is whole, and the document shows it."""

from __future__ import annotations

from pathlib import Path

from sniper.risk_gates import GATES, OPENING, REDUCTION
from sniper.risk_settings import GateSettings, RiskSettings, SizingSettings

DOCUMENT = Path(__file__).parent.parent / "docs" / "risk.md"


def test_names_and_limits_are_those_of_the_settings_and_the_document_lists_them() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    names = [gate.name for gate in GATES]
    assert len(set(names)) == len(names)
    known = {*GateSettings._fields, *SizingSettings._fields, *RiskSettings._fields, ""}
    for gate in GATES:
        assert gate.limit in known, gate.name
        asked = (
            "all" if gate.reductions and gate in OPENING else "reductions" if gate.reductions else "entries"
        )
        limit = f"`{gate.limit}`" if gate.limit else ""
        assert f"| {gate.name} | {asked} | {limit} |" in text, gate.name
    assert {gate.name for gate in REDUCTION} >= {"form", "status", "reduces", "order_rate"}
    sized = [gate.sized for gate in OPENING]
    assert sized == sorted(sized), "gates that look at the size stand behind the others"
