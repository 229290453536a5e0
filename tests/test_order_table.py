"""order_table: the table is whole, and the document shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.order_table import (
    CANCEL_CODES,
    EVENTS,
    FINAL,
    OUTCOMES,
    PLACE_CODES,
    REPLACE_CODES,
    STATES,
    STATUS_EVENTS,
    TRANSITIONS,
    diagram,
    misfit,
    transition_rows,
)
from tests.ordering import STOP, intent

DOCUMENT = Path(__file__).parent.parent / "docs" / "orders.md"


def test_the_table_speaks_of_known_states_and_events_only() -> None:
    assert {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values()) == set(STATES)
    assert {event for _, event in TRANSITIONS} == set(EVENTS)
    meanings = (PLACE_CODES, REPLACE_CODES, CANCEL_CODES, STATUS_EVENTS)
    assert {event for meaning in meanings for event in meaning.values() if event} <= set(EVENTS)
    assert set(OUTCOMES) == set(STATES) and {*OUTCOMES.values()} == {"", "acked", "filled", "dead", "unknown"}


def test_every_open_state_leads_to_an_end_and_a_fill_ends_any() -> None:
    for state in STATES:
        reached = {state}
        while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
            reached |= more
        assert "filled" in reached and (state in FINAL or "dead" in reached)
        assert state == "filled" or TRANSITIONS[state, "filled"] == "filled"


def test_what_is_dead_never_comes_back_and_best_effort_is_not_final() -> None:
    assert [event for state, event in TRANSITIONS if state == "dead"] == ["filled"]
    assert not [event for state, event in TRANSITIONS if state == "filled"]
    assert all(
        TRANSITIONS[state, "removed"] == "fading" for state, event in TRANSITIONS if event == "removed"
    )
    into_dead = {event for (state, event), after in TRANSITIONS.items() if after == "dead"}
    assert into_dead == {"refused", "ended", "proven"}


def test_the_document_shows_the_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```" in text
    assert transition_rows() in text
    for name, meaning in (STATES | EVENTS).items():
        assert f"| {name} | {meaning} |" in text


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, ""),
        (STOP, ""),
        ({"kind": "long_term"}, ""),
        ({"time_in_force": "ioc", "reduce_only": True}, ""),
        ({"kind": "conditional", "trigger": "take_profit", "trigger_ticks": 1}, ""),
        ({"kind": "conditional", "trigger": "take_profit", "trigger_ticks": 1 << 63}, "6001"),
        ({"kind": "long_term", "time_in_force": "ioc"}, "3002"),
        ({"price_ticks": 1 << 63}, "(6)"),
        ({"size_steps": 1 << 63}, "(4)"),
        ({"reduce_only": True, "time_in_force": "gtt"}, "9003"),
        ({"trigger": "stop_loss"}, "6000"),
    ],
)
def test_rules_of_the_kinds(fields: dict[str, object], rule: str) -> None:
    found = misfit(intent(**fields))
    assert rule in found and bool(found) == bool(rule)
