"""look_desk: the decision panels show what the decision half holds."""

from __future__ import annotations

import re

import pytest

from sniper.account_document import coins
from sniper.engine import Engine
from sniper.look_desk import DeskLook
from sniper.look_risk import dollars
from sniper.panels.view import View, Want
from sniper.reconciling import ReconcileSettings
from sniper.resilience import ResilienceSettings, Signs
from tests import paper_run

WANT = Want(scores=20, decisions=20, risk=20, positions=20, orders=20, fundings=20)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return paper_run.run(95.0, markets=8)[0]


def look(engine: Engine, want: Want = WANT) -> View:
    parts = DeskLook(engine).parts(want, engine.now_ns)
    return View(
        signals=parts[0],
        decisions=parts[1],
        risk=parts[2],
        positions=parts[3],
        orders=parts[4],
        funding=parts[5],
    )


def test_every_part_has_the_facts_of_the_desk(engine: Engine) -> None:
    desk, view = engine.desk, look(engine)
    assert desk is not None and desk.account.positions
    assert sorted(row.ticker for row in view.signals.rows) == sorted(engine.decoder.tickers)
    for row in view.signals.rows:
        market = engine.decoder.tickers.index(row.ticker)
        ready = desk.signals.ready(market)
        assert row.scores == tuple(
            round(score) if ready >> i & 1 else None for i, score in enumerate(desk.signals.row(market))
        )
    assert view.decisions.total == desk.decided == len(view.decisions.rows)
    assert {row.outcome for row in view.decisions.rows} <= {"placed", "refused", "withdrawn"}
    assert view.risk.equity == view.positions.equity == dollars(desk.view.account.net)
    assert len(view.risk.stresses) == 2 and all(danger is not None for _, danger in view.risk.stresses)
    held = {
        engine.decoder.ticker(m): coins(desk, m, p.size_quantums) for m, p in desk.account.positions.items()
    }
    assert (
        {row.ticker: row.size for row in view.positions.rows}
        == held
        == {r.ticker: r.size for r in view.risk.rows}
    )
    assert view.orders.total == len(desk.orders.all_open()) == len(view.orders.rows)
    assert view.funding.rows[0].ticker in held and view.funding.rows[0].due
    assert 0 < view.funding.left_ns <= 3_600_000_000_000 and view.positions.curve


def test_what_is_not_wanted_is_not_built(engine: Engine) -> None:
    assert look(engine, Want()) == View()


def test_looking_changes_nothing(engine: Engine) -> None:
    before = engine.digest, engine.save()
    look(engine)
    assert (engine.digest, engine.save()) == before


def test_without_a_decision_half_there_is_nothing_to_show() -> None:
    assert look(Engine()) == View()


def test_what_is_held_comes_first_then_the_order_that_is_asked_for(engine: Engine) -> None:
    desk = engine.desk
    assert desk is not None
    held = [engine.decoder.ticker(market) for market in desk.account.positions]
    order = [5, 4, 3, 2, 1, 0, 7, 6]
    signals, _, _, _, _, funding = DeskLook(engine).parts(WANT, engine.now_ns, order)
    tickers = [row.ticker for row in signals.rows]
    others = [engine.decoder.ticker(market) for market in order]
    assert held and tickers == [*held, *(ticker for ticker in others if ticker not in held)]
    assert [row.ticker for row in funding.rows] == tickers
    shown = next(market for market in order[3:] if market not in desk.account.positions)
    ticker = engine.decoder.ticker(shown)
    signals = DeskLook(engine).parts(WANT._replace(ticker=ticker), engine.now_ns, order)[0]
    assert signals.ticker == ticker and [row.ticker for row in signals.rows][: len(held) + 1] == [
        *held,
        ticker,
    ]
    assert len(set(signals.rows)) == 8
    nowhere = DeskLook(engine).parts(WANT._replace(ticker="NO-SUCH"), engine.now_ns, order)[0]
    assert nowhere.rows == DeskLook(engine).parts(WANT, engine.now_ns, order)[0].rows
    assert len(DeskLook(engine).parts(WANT._replace(scores=3), engine.now_ns, order)[0].rows) == 3


def test_the_session_in_short(engine: Engine) -> None:
    desk = engine.desk
    assert desk is not None
    found = DeskLook(engine, "live").session()
    assert found is not None and DeskLook(Engine()).session() is None
    assert (found.mode, found.strategy, found.trust) == ("live", "sniper", "live")
    assert found.equity == dollars(desk.view.account.net) and found.rung == desk.risk.rung == 0
    assert found.positions == len(desk.account.positions) and found.orders == len(desk.orders.all_open())


def test_why_something_was_wanted(engine: Engine) -> None:
    rows = look(engine).decisions.rows
    entry = next(row for row in rows if row.purpose == "entry")
    assert re.fullmatch(r"score \d+ of 65(: \w+ [+-]\d+\.\d( \w+ [+-]\d+\.\d){3})?", entry.why), entry.why
    assert "protection stop on the chain" in {row.why for row in rows if row.purpose == "protect"}


def test_protection_stands_with_each_position(engine: Engine) -> None:
    desk, rows = engine.desk, look(engine).positions.rows
    assert desk is not None and rows
    for row in rows:
        assert (row.cover, row.stop == "") in (("NONE", True), ("sent", True), ("100%", False))
    assert [row for row in rows if row.cover == "100%" and row.blocks is not None]


def test_what_the_venue_was_asked_stands_with_the_orders(engine: Engine) -> None:
    desk = engine.desk
    assert desk is not None
    assert not look(engine).orders.asks, "the paper venue's frames are complete"
    settings = desk.reconcile.settings
    desk.reconcile.settings = ReconcileSettings()
    try:
        found = look(engine).orders
    finally:
        desk.reconcile.settings = settings
    assert (found.asks, found.agreed, found.missing, found.questions) == (True, 0, (), 0)


def test_the_state_of_the_way_to_the_venue_in_the_header() -> None:
    engine = paper_run.engine(resilience=ResilienceSettings(on=True))
    session = DeskLook(engine).session()
    assert session is not None and (session.state, session.cause, session.since_ns) == ("normal", "", 0)
    assert session.equity == "", "an account of which nothing is known has no equity, not one of 0"
    desk = engine.desk
    assert desk is not None
    desk.resilience.apply(Signs(10**18, 10**18, "live", True, 0, 0))
    desk.resilience.apply(Signs(10**18 + 9 * 10**9, 10**18, "live", True, 0, 0))
    session = DeskLook(engine).session()
    assert session is not None
    assert (session.state, session.cause) == ("critical", "feed 9 s, limit 8 s")
    assert session.since_ns == 10**18 + 9 * 10**9
