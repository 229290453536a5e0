"""look_desk: the decision panels show what the decision half holds."""

from __future__ import annotations

import re

import pytest

from sniper.account_document import coins
from sniper.engine import Engine
from sniper.look_desk import DeskLook, _moves, coarse, dollars
from sniper.panels.view import View, Want
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


@pytest.mark.parametrize(
    ("quantums", "unit", "plus", "said"),
    [
        (0, 10_000, True, "0.00"),
        (4_999, 10_000, True, "0.00"),
        (5_000, 10_000, True, "+0.01"),
        (-5_000, 10_000, False, "-0.01"),
        (-4_999, 10_000, False, "0.00"),
        (12_345_678_995_000, 10_000, False, "12,345,679.00"),
        (-1_000_049, 100, False, "-1.0000"),
        (2_450, 100, True, "+0.0025"),
    ],
)
def test_quantums_as_dollars(quantums: int, unit: int, plus: bool, said: str) -> None:
    assert dollars(quantums, unit, plus) == said


def test_an_age_in_whole_seconds() -> None:
    assert coarse(1_999_999_999) == 1_000_000_000


def test_why_something_was_wanted(engine: Engine) -> None:
    rows = look(engine).decisions.rows
    entry = next(row for row in rows if row.purpose == "entry")
    assert re.fullmatch(r"score \d+ of 65(: \w+ [+-]\d+\.\d( \w+ [+-]\d+\.\d){3})?", entry.why), entry.why
    assert "protection stop on the chain" in {row.why for row in rows if row.purpose == "protect"}


def test_a_stress_in_words() -> None:
    assert _moves((("BTC-USD", -80_000), ("*", 155_000))) == "BTC-USD -8%, others +15.5%"
