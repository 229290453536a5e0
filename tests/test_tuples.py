"""tuples: what takes the place of a NamedTuple's constructor makes the same tuples."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any, NamedTuple

import msgspec
import pytest

from sniper._ext.tuples import new_finding, new_reason
from sniper.risk_candidate import Finding
from sniper.trading import Reason


class Plain(NamedTuple):
    name: str
    found: float
    needed: float
    passed: bool


def test_a_reason_is_what_its_class_would_make() -> None:
    one = Reason("gate.x", 1.5, 2.0, False)
    assert (
        one == Plain("gate.x", 1.5, 2.0, False) == Reason(name="gate.x", found=1.5, needed=2.0, passed=False)
    )
    assert type(one) is Reason and (one.name, one.found, one.needed, one.passed) == tuple(one)
    assert repr(one) == "Reason(name='gate.x', found=1.5, needed=2.0, passed=False)"
    assert hash(one) == hash(Plain(*one))
    for same in (one._replace(), Reason._make(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert same == one and type(same) is Reason
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Reason) == one


def test_the_garbage_collector_sees_what_may_be_part_of_a_circle() -> None:
    assert not gc.is_tracked(Reason("gate.x", 1.5, 2.0, False)) and not gc.is_tracked(Finding(1, 2, True))
    circle: list[Any] = []
    for place in range(4):
        fields = ["x", 1.0, 2.0, True]
        fields[place] = circle
        assert gc.is_tracked(Reason(*fields))  # type: ignore[arg-type]
    circle.append(Reason("x", circle, 0.0, True))  # type: ignore[arg-type]
    del circle
    assert gc.collect() >= 2


def test_a_finding_needs_no_detail() -> None:
    assert Finding(1.0, 2.0, True) == Finding(1.0, 2.0, True, "") == (1.0, 2.0, True, "")
    assert Finding(1.0, 2.0, True, detail="x").detail == "x" and Finding._field_defaults == {"detail": ""}


@pytest.mark.parametrize("arguments", [(), ("x", 1.0, 2.0), ("x", 1.0, 2.0, True, 5)])
def test_other_numbers_of_fields_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        Reason(*arguments)


@pytest.mark.parametrize("shape", [int, 5, None])
def test_only_tuples_are_made(shape: Any) -> None:
    for new in (new_reason, new_finding):
        with pytest.raises(TypeError, match="class of tuples"):
            new(shape, 1.0, 2.0, True, "x")


def test_nothing_is_lost_or_kept_too_long() -> None:
    import sys

    found = object()
    before = sys.getrefcount(found)
    made = [new_reason(Reason, "x", found, found, True) for _ in range(100)]
    assert sys.getrefcount(found) == before + 200
    made.clear()
    assert sys.getrefcount(found) == before
