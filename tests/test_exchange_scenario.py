"""Schedules read, refused, drawn and written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import UsageError
from sniper.exchange import scenario
from sniper.exchange.faults import FAULTS
from sniper.exchange.scenario import CALM, Event, Scenario, dumps, generated, parsed, read

MARKETS = ["BTC-USD", "ETH-USD"]
EXAMPLE = """
name = "a bad minute"
seed = 7
tls = "self-signed"

[[event]]
at_s = 10.5
for_s = 5
fault = "answer_lost"
share = 0.5
methods = ["*"]

[[event]]
at_block = 16
fault = "height_jump"
"""


def test_an_example() -> None:
    assert parsed(EXAMPLE) == Scenario(
        "a bad minute",
        7,
        "self-signed",
        (
            Event(10_500_000_000, -1, 5_000_000_000, "answer_lost", {"share": 0.5, "methods": ("*",)}),
            Event(0, 16, 0, "height_jump", {"blocks": 50}),
        ),
    )
    assert parsed("") == CALM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "unknown key x; at the top there are event, name, seed, tls"),
        ("name = 1", "name is not a text"),
        ("seed = -1", "seed is not a whole number from 0 on"),
        ("seed = true", "seed is not a whole number"),
        ('tls = "none"', "tls = 'none' is not '' or 'self-signed'"),
        ("event = 3", "event is not a list"),
        ("event = [3]", "event 1 is not a table"),
        ("[[event]]\nat_s = 1", "event 1: fault is missing or not a text"),
        ('[[event]]\nfault = "gap"', "event 1 (gap): one of at_s and at_block says when"),
        ('[[event]]\nfault = "gap"\nat_s = 1\nat_block = 2', "event 1 (gap): one of at_s and at_block"),
        ('[[event]]\nfault = "gap"\nat_s = -1', "event 1 (gap): at_s = -1 is not a time of 0 to"),
        ('[[event]]\nfault = "gap"\nat_s = nan', "event 1 (gap): at_s = nan is not a time"),
        (
            '[[event]]\nfault = "gap"\nat_block = 1.5',
            "event 1 (gap): at_block = 1.5 is not a number of blocks",
        ),
        (
            '[[event]]\nfault = "gap"\nat_s = 1\nfor_s = 0',
            "event 1 (gap): for_s = 0 is not a time of 0.001 to",
        ),
        ('[[event]]\nfault = "restart"\nat_s = 1\nfor_s = 1', "event 1 (restart): it happens once"),
        (
            '[[event]]\nfault = "gap"\nat_s = 1\nshare = 2',
            "event 1 (gap): gap: share: 2 is not between 0 and 1",
        ),
        (
            '[[event]]\nfault = "gap"\nat_s = 1\n[[event]]\nfault = "no"',
            "event 2 (no): there is no fault 'no'",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        parsed(text)
    assert str(raised.value).startswith(said)


def test_a_file_is_named(tmp_path: Path) -> None:
    good, bad, huge = tmp_path / "good.toml", tmp_path / "bad.toml", tmp_path / "huge.toml"
    good.write_text(EXAMPLE)
    assert read(good) == parsed(EXAMPLE)
    for content in (b"x", b"\xff", b"a = " + b"[" * 50_000):
        bad.write_bytes(content)
        with pytest.raises(UsageError, match=r"bad.toml is not valid"):
            read(bad)
    huge.write_bytes(b" " * (scenario.BYTES_MAX + 1))
    with pytest.raises(UsageError, match="is larger than"):
        read(huge)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read(tmp_path / "none.toml")


@given(st.integers(0, 10**6), st.floats(1, 5000))
def test_a_drawn_schedule_reads_back_and_comes_again(seed: int, duration_s: float) -> None:
    drawn = generated(seed, duration_s, MARKETS)
    assert drawn == generated(seed, duration_s, MARKETS)
    assert parsed(dumps(drawn)) == drawn
    assert 1 <= len(drawn.events) <= 8
    assert all(0 <= event.at_ns <= duration_s * 1e9 for event in drawn.events)
    assert list(drawn.events) == sorted(drawn.events, key=lambda event: event.at_ns)
    assert all(bool(event.for_ns) == FAULTS[event.fault].lasts for event in drawn.events)


def test_drawn_schedules_have_everything_but_the_canary() -> None:
    seen = {event.fault for seed in range(400) for event in generated(seed, 60.0, MARKETS).events}
    assert seen == FAULTS.keys() - {"double_fill"}


def test_what_is_written_keeps_every_kind_of_parameter() -> None:
    every = Scenario(
        "", 3, "self-signed", tuple(Event(0, 4, 0, name, scenario.checked(name, {})) for name in FAULTS)
    )
    assert parsed(dumps(every)) == every
    assert parsed(dumps(CALM)) == CALM
