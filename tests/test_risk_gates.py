"""risk_gates: the table is whole, and the document shows it."""

from __future__ import annotations

from pathlib import Path

from sniper.risk_gates import GATES, OPENING, REDUCTION
from sniper.risk_gates_account import ACCOUNT_GATES
from sniper.risk_settings import GateSettings, RiskSettings, SizingSettings

DOCUMENT = Path(__file__).parent.parent / "docs" / "risk.md"


def test_names_and_limits_are_those_of_the_settings_and_the_document_lists_them() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    names = [gate.name for gate in (*ACCOUNT_GATES, *GATES)]
    assert len(set(names)) == len(names)
    table = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    first = table.index(names[0])
    assert table[first : first + len(names)] == names, "the document lists them as they are asked"
    for account_gate in ACCOUNT_GATES:
        limit = f"`{account_gate.limit}`" if account_gate.limit else ""
        assert f"| {account_gate.name} | entries | {limit} |" in text, account_gate.name
        assert account_gate.limit in {*GateSettings._fields, *RiskSettings._fields, ""}
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
