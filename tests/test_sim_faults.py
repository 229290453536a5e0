"""Each fault does what it says, as often as it says, and can be counted."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random

import pytest

from sniper.feed.sim.faults import FAULT_NAMES, GAP_MAX, Faults, Line, Mischief

MESSAGE = b'{"type":"channel_data","connection_id":"x","message_id":%d,"contents":{}}'


def carry(faults: Faults, count: int = 2000, seed: int = 1) -> tuple[Mischief, list[bytes], list[bool]]:
    """`count` messages through one line: what came out, and which ones arrived whole."""
    mischief, line = Mischief(faults, Random(seed).random), Line()
    out: list[bytes] = []
    whole = []
    for number in range(count):
        arriving, fate = mischief.carry(line, 0, MESSAGE % number)
        out += arriving
        whole.append(fate)
    return mischief, out, whole


def ids(out: list[bytes]) -> list[int]:
    return [json.loads(data)["message_id"] for data in out]


def test_a_fault_is_a_probability() -> None:
    assert not Faults().any and Faults(gap=0.1).any
    assert len(FAULT_NAMES) == 10
    for name in FAULT_NAMES:
        for value in (-0.1, 1.1):
            with pytest.raises(ValueError, match=f"the fault {name} is a probability"):
                Faults(**{name: value})


def test_no_fault_no_draw() -> None:
    def draw() -> float:
        raise AssertionError("a fault that is off draws nothing")

    mischief = Mischief(Faults(), draw)
    assert mischief.carry(Line(), 0, b"x") == ([b"x"], True)
    assert mischief.oracle() is None
    assert not any(mischief.counts.values())


def test_drop() -> None:
    mischief, out, whole = carry(Faults(drop=0.1))
    dropped = mischief.counts["drop"]
    assert 150 < dropped < 250 and len(out) == 2000 - dropped == sum(whole)
    assert ids(out) == sorted(ids(out))


def test_duplicate() -> None:
    mischief, out, whole = carry(Faults(duplicate=0.1))
    assert 150 < mischief.counts["duplicate"] == len(out) - 2000 < 250
    assert all(whole) and ids(out) == sorted(ids(out))


def test_reorder() -> None:
    mischief, out, whole = carry(Faults(reorder=0.1))
    numbers = ids(out)
    swaps = sum(b < a for a, b in pairwise(numbers))
    assert mischief.counts["reorder"] - 1 <= swaps <= mischief.counts["reorder"]
    assert swaps > 120 and sorted(numbers) == list(range(len(numbers))) and all(whole)


def test_gap() -> None:
    mischief, out, whole = carry(Faults(gap=0.01))
    numbers = ids(out)
    holes = [b - a - 1 for a, b in pairwise(numbers) if b > a + 1]
    assert 5 <= len(holes) <= mischief.counts["gap"]
    assert max(holes) > 3 and sum(holes) == len(whole) - sum(whole)
    assert mischief.counts["gap"] * GAP_MAX >= sum(holes)


def test_malformed() -> None:
    mischief, out, whole = carry(Faults(malformed=0.2), 4000)
    damaged = [data for data, good in zip(out, whole, strict=True) if not good]
    assert 600 < mischief.counts["malformed"] == len(damaged) < 1000
    refused = 0
    for data in damaged:
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            refused += 1
    assert refused > 0.7 * len(damaged)
    assert any(data.startswith(b"<html>") for data in damaged)
    assert any(b"[" * 65 in data for data in damaged)
    assert any(any(byte >= 0x80 for byte in data) for data in damaged)
    assert any(len(data) < 40 for data in damaged) and any(data.count(b'"type"') == 2 for data in damaged)
    good = [data for data, fine in zip(out, whole, strict=True) if fine]
    assert ids(good) == [number for number, fine in enumerate(whole) if fine]


def test_silence() -> None:
    mischief, line = Mischief(Faults(silence=0.5), Random(1).random), Line()
    line.silent_until_ns = 100
    assert mischief.carry(line, 99, b"x") == ([], False)
    assert mischief.carry(line, 100, b"x") == ([b"x"], True)


def test_oracle_jump() -> None:
    mischief = Mischief(Faults(oracle_jump=0.5), Random(1).random)
    jumps = [mischief.oracle() for _ in range(2000)]
    struck = [jump for jump in jumps if jump is not None]
    assert 900 < len(struck) == mischief.counts["oracle_jump"] < 1100
    assert struck.count("null") > 50 and struck.count('""') > 50
    percents = [jump for jump in struck if isinstance(jump, int)]
    assert all(50 < percent < 150 and abs(percent - 100) >= 5 for percent in percents)
    assert min(percents) < 60 and max(percents) > 140


def test_the_worst_of_all_still_works() -> None:
    everything = Faults(**dict.fromkeys(FAULT_NAMES, 1.0))
    _, out, whole = carry(everything, 100)
    assert out == [] and not any(whole)
    _, out, whole = carry(Faults(duplicate=1.0, reorder=1.0, malformed=1.0), 100)
    assert len(out) == 200 and not any(whole)
