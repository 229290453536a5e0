"""Parameters of faults: defaults, bounds, and what is said of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange.faults import FAULTS, checked

ASKED = [
    "disconnect",
    "silence",
    "slow_reader",
    "duplicate",
    "reorder",
    "gap",
    "crossed",
    "malformed",
    "html",
    "rest_429",
    "rest_5xx",
    "unavailable",
    "hang",
    "answer_lost",
    "answer_late",
    "chain_halt",
    "height_jump",
    "replica_lag",
    "oracle_jump",
    "delisting",
    "margin_change",
    "double_fill",
]


def test_everything_that_was_asked_for_is_there() -> None:
    assert not set(ASKED) - FAULTS.keys()
    assert {fault.side for fault in FAULTS.values()} == {"stream", "rest", "node", "chain"}


@pytest.mark.parametrize("name", FAULTS)
def test_defaults_are_within_their_own_bounds(name: str) -> None:
    defaults = checked(name, {})
    assert checked(name, defaults) == defaults
    assert defaults.keys() == FAULTS[name].parameters.keys()


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("gapp", {}, "there is no fault 'gapp': one of disconnect, restart"),
        ("gap", {"shares": 1}, "gap does not take shares; it takes share"),
        ("chain_halt", {"share": 1}, "chain_halt does not take share; it takes no parameters"),
        ("gap", {"share": 1.5}, "gap: share: 1.5 is not between 0 and 1"),
        ("gap", {"share": float("nan")}, "gap: share: nan is not between 0 and 1"),
        ("gap", {"share": True}, "gap: share: True is not a number"),
        ("height_jump", {"blocks": 2.0}, "height_jump: blocks: 2.0 is not a whole number"),
        ("delisting", {"market": 3}, "delisting: market: 3 is not a text of at most 100 characters"),
        ("hang", {"methods": "BroadcastTx"}, "hang: methods: 'BroadcastTx' is not a list of texts"),
        ("hang", {"methods": [1]}, "hang: methods: [1] is not a list of texts"),
    ],
)
def test_what_is_wrong_is_said(name: str, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as raised:
        checked(name, given)
    assert str(raised.value).startswith(text)


def test_numbers_become_what_they_are() -> None:
    assert checked("gap", {"share": 1})["share"] == 1.0
    assert isinstance(checked("gap", {"share": 1})["share"], float)
    assert checked("hang", {"methods": ["*"]})["methods"] == ("*",)
