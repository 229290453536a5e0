"""The answers of an instance: complete, plain, and equal to what the engine holds."""

from __future__ import annotations

import json

from sniper.account_document import usdc
from sniper.cli.operate import say_stopped
from sniper.engine import Engine
from sniper.exposure import exposure, protections
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.operating_documents import ANSWERS, document
from sniper.reconciling import ReconcileSettings
from sniper.resilience import ResilienceSettings, Signs
from tests.paper_run import engine as made_engine
from tests.paper_run import paper


def test_an_engine_that_only_watches_has_no_account() -> None:
    for question in ANSWERS:
        answer = document(Engine(), question)
        assert answer["account"] is None and answer["schema"] == f"sniper.{question}/1"


def test_orders_and_positions_are_all_told() -> None:
    engine = made_engine()
    venue = paper(engine, start_positions=(("BTC-USD", "0.02", "90000"), ("ETH-USD", "-0.5", "3100")))
    inbox = Inbox(1 << 16, 64 << 20)
    venue.start(inbox)
    Loop(engine, Sim(seed=1, markets=3), inbox, speed=0, venue=venue).run(None, 8_000_000_000)
    desk = engine.desk
    assert desk is not None
    told = json.loads(json.dumps({question: document(engine, question) for question in ANSWERS}))
    assert [row["client_id"] for row in told["orders"]["orders"]] == [
        order.client_id for order in desk.orders.all_open()
    ]
    assert len(told["positions"]["positions"]) == len(desk.account.positions) > 0
    assert told["orders"]["orders"], "the run holds a protective order"
    for row in told["positions"]["positions"]:
        assert float(row["size"]) != 0 and row["notional"]
        order = next(one for one in told["orders"]["orders"] if one["market"] == row["market"])
        assert row["protection"] == {
            "state": "resting",
            "trigger": row["protection"]["trigger"],
            "covered": row["size"].removeprefix("-"),
            "checked_height": desk.height,
            "bare_since_height": None,
        }
        assert order["purpose"] == "protect" and float(row["protection"]["trigger"]) > 0
    assert told["status"]["account"]["open_orders"] == len(told["orders"]["orders"])
    found = exposure(desk, engine.decoder, protections(desk, engine.decoder))
    assert told["status"]["exposure"] == {
        "held": usdc(found.held),
        "without_stop": "0",
        "markets_without_stop": 0,
        "loss_at_stops": usdc(found.at_stops),
        "loss_in_stress": usdc(found.stressed),
        "may_open": usdc(found.entries),
        "orders_that_may_open": found.entry_orders,
        "blocks_until_they_end": found.entry_blocks if found.entry_orders else None,
        "orders_that_stay": 2,
        "first_of_them_ends_s": found.staying_s,
    }
    assert (told["status"]["session"], told["status"]["session_cause"]) == ("normal", None)
    assert told["status"]["session_since_ns"] is None and told["status"]["reconciling"] is None, (
        "not on paper"
    )


def test_what_stopped_writing_is_said_with_why() -> None:
    engine = made_engine()
    assert engine.desk is not None
    told = document(engine, "status")
    assert (told["journal_stopped"], told["state_stopped"]) == (None, None)
    engine.desk.risk.operator("journal", "stopped File too large")
    engine.desk.risk.operator("state", "stopped disk I/O error")
    told = document(engine, "status")
    assert (told["journal_stopped"], told["state_stopped"]) == ("File too large", "disk I/O error")
    assert say_stopped(told) == ["journal STOPPED: File too large", "database STOPPED: disk I/O error"]
    engine.desk.risk.operator("state", "writing")
    engine.desk.risk.operator("journal", "writing")
    assert say_stopped(document(engine, "status")) == []


def test_a_live_account_says_its_mode_and_what_was_agreed() -> None:
    engine = made_engine(resilience=ResilienceSettings(on=True), reconcile=ReconcileSettings())
    desk = engine.desk
    assert desk is not None
    for now_ns in (10**18, 10**18 + 9 * 10**9):
        desk.resilience.apply(Signs(now_ns, 10**18, "live", True, 0, 0))
    told = json.loads(json.dumps(document(engine, "status")))
    assert (told["session"], told["session_cause"]) == ("critical", "feed 9 s, limit 8 s")
    assert told["session_since_ns"] == 10**18 + 9 * 10**9
    assert told["reconciling"] == {
        "height": None,
        "at_ns": None,
        "rounds": 0,
        "failed": 0,
        "missing": [],
        "questions": 0,
    }
