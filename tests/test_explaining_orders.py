"""Every order that can be asked for is explained, and the verdict is the one that would be given."""

from __future__ import annotations

import pytest

from sniper.explaining_orders import KINDS, TIMES, TRIGGERS, explained
from sniper.order_table import ORDER_FLAGS, TIMES_IN_FORCE
from sniper.order_table import TRIGGERS as KNOWN_TRIGGERS


def test_nothing_that_orders_know_is_left_out() -> None:
    assert set(KINDS) == set(ORDER_FLAGS) and set(TIMES) == set(TIMES_IN_FORCE)
    assert set(TRIGGERS) == set(KNOWN_TRIGGERS)


@pytest.mark.parametrize(
    ("kind", "time_in_force", "reduce_only", "trigger", "code"),
    [
        ("short_term", "ioc", False, "", ""),
        ("short_term", "post_only", False, "", ""),
        ("short_term", "gtt", True, "", "9003"),
        ("long_term", "ioc", False, "", "3002"),
        ("long_term", "gtt", False, "", ""),
        ("conditional", "ioc", True, "stop_loss", ""),
        ("conditional", "ioc", True, "", "6000"),
    ],
)
def test_the_verdict(kind: str, time_in_force: str, reduce_only: bool, trigger: str, code: str) -> None:
    rows = dict(explained(kind, time_in_force, reduce_only, trigger))
    assert code in rows["verdict"] and ("refuses" in rows["verdict"]) == bool(code)
    assert rows["if we die now"] and rows["mechanism"] and all(rows.values())
    assert ("trigger" in rows) == bool(trigger) and ("reduce-only" in rows) == reduce_only


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="twap"):
        explained("twap", "ioc", False, "")
