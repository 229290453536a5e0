"""reconcile_rules: every rule by a case of its own; docs/state.md shows the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sniper.reconcile import reconcile
from sniper.reconcile_book import Execution, Held, Own, OwnOrder, Row, Venue
from sniper.reconcile_rules import FILL_RULES, ORDER_RULES, POSITION_RULES, TEXTS, order_row
from tests.books import fill, held, own, own_order, venue, venue_order

STATEFUL: dict[str, Any] = {"kind": "long_term", "good_til_block": 0, "good_til_s": 5_000}
ENTERING: dict[str, Any] = {"kind": "long_term", "good_til_s": 5_000, "seen": False}
FLAGS: dict[str, Any] = {"order_flags": 64, "good_til_block": 0}
FILLED: dict[str, Any] = {"state": "filled", "filled_steps": 10}
SHOWN: dict[str, Any] = {"status": "FILLED", "filled_steps": 10}
CANCELED: dict[str, Any] = {"status": "CANCELED"}
LOST: dict[str, Any] = {"status": "BEST_EFFORT_CANCELED"}

OURS: dict[str, Any] = {"status": "OPEN", "reduce_only": True}
"""Of a client id that is reserved here."""

ORDERS: list[tuple[str, str, OwnOrder | None, Any, Venue, OwnOrder | None]] = [
    ("behind", "wait", own_order(), None, venue(height=99), None),
    ("behind", "wait", own_order(), venue_order(**SHOWN), venue(height=99), None),
    ("stranger_open", "unexplained", None, venue_order(9), venue(), None),
    ("stranger_open", "unexplained", None, venue_order(9, order_flags=32, good_til_block=0), venue(), None),
    ("stranger_over", "leave", None, venue_order(9, **SHOWN), venue(), None),
    ("stranger_over", "leave", None, venue_order(9, good_til_block=90), venue(), None),
    ("stranger_open", "unexplained", None, venue_order(30), venue(), None),
    ("stranger_open", "unexplained", None, venue_order(9, reduce_only=True), venue(), None),
    ("stranger_open", "unexplained", None, venue_order(30, reduce_only=True, order_flags=128), venue(), None),
    ("stranger_open", "unexplained", None, venue_order(30, reduce_only=True, ticker=""), venue(), None),
    ("unproven", "wait", None, venue_order(30, **LOST), venue(), None),
    ("unproven", "wait", None, venue_order(30, **SHOWN), venue(height=99), None),
    ("unproven", "wait", None, venue_order(30, **OURS), venue(height=99), None),
    ("unproven", "wait", None, venue_order(30, **LOST, **FLAGS), venue(), None),
    ("unwritten", "adopt", None, venue_order(30, **SHOWN), venue(), own_order(30, **FILLED)),
    ("unwritten", "adopt", None, venue_order(39, **OURS), venue(), own_order(39)),
    ("unwritten", "adopt", None, venue_order(30, filled_steps=2, **OURS), venue(), own_order(30, filled_steps=2)),
    ("unwritten", "adopt", None, venue_order(30, **LOST, good_til_block=107), venue(),
     own_order(30, state="dead", good_til_block=107)),
    ("unwritten", "adopt", None, venue_order(30, **CANCELED, **FLAGS, good_til_s=5_000), venue(),
     own_order(30, **STATEFUL, state="dead")),
    ("unfilled_again", "unexplained", own_order(filled_steps=5), venue_order(filled_steps=4), venue(), None),
    ("same_end", "agree", own_order(**FILLED), venue_order(**SHOWN), venue(height=90), None),
    ("same_end", "agree", own_order(state="dead"), venue_order(**CANCELED), venue(), None),
    ("same_end", "agree", own_order(state="dead"), None, venue(height=90), None),
    ("filled", "finish", own_order(), venue_order(**SHOWN), venue(), own_order(**FILLED)),
    ("filled", "finish", own_order(state="unknown", seen=False), venue_order(**SHOWN), venue(), own_order(**FILLED)),
    ("filled", "finish", own_order(state="dead"), venue_order(**SHOWN), venue(), own_order(**FILLED)),
    ("risen", "unexplained", own_order(state="dead"), venue_order(), venue(), None),
    ("risen", "unexplained", own_order(**FILLED), venue_order(filled_steps=10), venue(), None),
    ("late_fill", "adopt", own_order(state="dead"), venue_order(filled_steps=3, **CANCELED), venue(),
     own_order(state="dead", filled_steps=3)),
    ("over", "agree", own_order(state="dead", good_til_block=100), venue_order(good_til_block=100), venue(), None),
    ("over", "agree", own_order(**FILLED), venue_order(**CANCELED, filled_steps=10), venue(), None),
    ("expired", "finish", own_order(good_til_block=107), None, venue(), own_order(good_til_block=107, state="dead")),
    ("expired", "finish", own_order(good_til_block=107), venue_order(good_til_block=107), venue(),
     own_order(good_til_block=107, state="dead")),
    ("expired", "finish", own_order(good_til_block=107, state="sent", seen=False), None, venue(),
     own_order(good_til_block=107, state="dead", seen=False)),
    ("cancelled", "finish", own_order(**STATEFUL), venue_order(**CANCELED, **FLAGS), venue(),
     own_order(**STATEFUL, state="dead")),
    ("grown", "adopt", own_order(filled_steps=1), venue_order(filled_steps=3), venue(), own_order(filled_steps=3)),
    ("open", "agree", own_order(), venue_order(), venue(), None),
    ("arrived", "adopt", own_order(state="sent", seen=False), venue_order(), venue(), own_order()),
    ("arrived", "adopt", own_order(state="unknown"), venue_order(status="UNTRIGGERED"), venue(), own_order()),
    ("fading", "wait", own_order(), venue_order(**LOST), venue(), None),
    ("fading", "wait", own_order(), venue_order(**CANCELED), venue(height=122), None),
    ("in_flight", "wait", own_order(state="sent", seen=False), None, venue(), None),
    ("in_flight", "wait", own_order(good_til_block=108), None, venue(), None),
    ("unlisted", "finish", own_order(**STATEFUL), None, venue(height=103), own_order(**STATEFUL, state="dead")),
    ("unlisted", "finish", own_order(**STATEFUL, seen=False), None, venue(block_s=5_030),
     own_order(**STATEFUL, seen=False, state="dead")),
    ("unlisted", "finish", own_order(**ENTERING, good_til_block=107), None, venue(),
     own_order(**ENTERING, good_til_block=107, state="dead")),
    ("maybe", "wait", own_order(**ENTERING, good_til_block=108), None, venue(), None),
    ("maybe", "wait", own_order(**STATEFUL), None, venue(height=102), None),
    ("maybe", "wait", own_order(**STATEFUL, seen=False), None, venue(block_s=5_029), None),
    ("maybe", "wait", own_order(**STATEFUL), venue_order(**LOST, **FLAGS), venue(), None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "resolution", "mine", "theirs", "told", "after"), ORDERS)
def test_orders(
    rule: str, resolution: str, mine: OwnOrder | None, theirs: Any, told: Venue, after: OwnOrder | None
) -> None:
    row = order_row(mine, theirs, own(reserved=((30, 39),)), told)
    assert (row.rule, row.resolution, row.after) == (rule, resolution, after)


def test_a_replacement_on_its_way_may_live_longer() -> None:
    row = order_row(own_order(good_til_block=90), venue_order(good_til_block=115), own(), venue())
    assert row.rule == "open"


FILLS: list[tuple[str, str, Execution | None, Execution | None, Own]] = [
    ("known", "agree", fill(), fill(quote=1), own()),
    ("changed", "unexplained", fill(), fill(size_quantums=5), own()),
    ("changed", "unexplained", fill(), fill(fee=0), own()),
    ("newer", "wait", fill(height=111), None, own()),
    ("older", "leave", fill(height=59), None, own()),
    ("vanished", "unexplained", fill(), None, own()),
    ("before_us", "leave", None, fill(order=7, height=50), own()),
    ("before_us", "leave", None, fill(order=7, height=110), own(base_height=0)),
    ("missed", "book", None, fill(), own()),
    ("forced", "book", None, fill(order=7, kind="LIQUIDATED"), own()),
    ("forced", "book", None, fill(order=7, kind="DELEVERAGED"), own()),
    ("stranger", "unexplained", None, fill(order=7), own()),
]


@pytest.mark.parametrize(("rule", "resolution", "mine", "theirs", "book"), FILLS)
def test_fills(rule: str, resolution: str, mine: Any, theirs: Any, book: Own) -> None:
    book = book._replace(orders=(own_order(state="dead"),), fills=(mine,) if mine else ())
    (row,) = rows("fill", book, venue(fills=(theirs,) if theirs else ()))
    assert (row.rule, row.resolution) == (rule, resolution)
    assert row.after == (theirs if resolution == "book" else None)


POSITIONS: list[tuple[str, str, Own, Venue, Held | None]] = [
    ("first_look", "adopt", Own(), venue(positions=(held(5, 110),)), held(5, 110)),
    ("lagging", "wait", own(positions=(held(5, 109),)), venue(position_height=108, positions=(held(5),)), None),
    ("same", "agree", own(positions=(held(5),)), venue(positions=(held(5, 110),)), None),
    ("same", "agree", own(positions=(held(0),)), venue(), None),
    ("by_fills", "adopt", own(), venue(positions=(held(4_000_000, 110),), fills=(fill(),)), held(4_000_000, 110)),
    ("by_fills", "adopt", own(positions=(held(4_000_000),)), venue(fills=(fill(side=1),)), held(0, 110)),
    ("by_fills", "adopt", own(fills=(fill(),)), venue(fills=(fill(),), positions=(held(4_000_000, 110),)),
     held(4_000_000, 110)),
    ("unclear", "wait", own(), venue(positions=(held(4_000_000, 110),), fills=(fill(order=7),)), None),
    ("adrift", "unexplained", own(positions=(held(5),)), venue(positions=(held(6, 110),)), None),
    ("adrift", "unexplained", own(positions=(held(5),)), venue(), None),
    ("adrift", "unexplained", own(), venue(position_height=104, positions=(held(4_000_000, 104),), fills=(fill(),)),
     None),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "resolution", "book", "told", "after"), POSITIONS)
def test_positions(rule: str, resolution: str, book: Own, told: Venue, after: Held | None) -> None:
    (row,) = rows("position", book._replace(orders=(own_order(state="dead"),)), told)
    assert (row.rule, row.resolution, row.after) == (rule, resolution, after)


def rows(what: str, book: Own, told: Venue) -> list[Row]:
    return [row for row in reconcile(book, told) if row.what == what]


def test_every_rule_has_a_case_and_a_line_in_the_document() -> None:
    cases = {case[0] for case in (*ORDERS, *FILLS, *POSITIONS)}
    assert cases == set(TEXTS) and len(TEXTS) == len(ORDER_RULES) + len(FILL_RULES) + len(POSITION_RULES)
    text = (Path(__file__).parent.parent / "docs" / "state.md").read_text(encoding="utf-8")
    for rule in (*ORDER_RULES, *FILL_RULES, *POSITION_RULES):
        assert f"| {rule.name} | {rule.text} | {rule.resolution} |" in text, rule.name
