"""The answers of an instance: complete, plain, and equal to what the engine holds."""

from __future__ import annotations

import json

from sniper.engine import Engine
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.operating_documents import ANSWERS, document
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
    assert told["status"]["account"]["open_orders"] == len(told["orders"]["orders"])
    assert (told["status"]["session"], told["status"]["session_cause"]) == ("normal", None)
