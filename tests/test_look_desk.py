"""look_desk: the decision panels show what the decision half holds."""

from __future__ import annotations

import pytest

from sniper.account_document import coins, usdc
from sniper.engine import Engine
from sniper.look_desk import DeskLook, _moves
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
    assert len(view.signals.rows) == 8 and view.signals.rows[0].ticker == "BTC-USD"
    scores = desk.signals.row(0)
    assert [s for s in view.signals.rows[0].scores if s is not None] == [
        round(score) for i, score in enumerate(scores) if desk.signals.ready(0) >> i & 1
    ]
    assert view.decisions.total == desk.decided == len(view.decisions.rows)
    assert {row.outcome for row in view.decisions.rows} <= {"placed", "refused", "withdrawn"}
    assert view.risk.equity == view.positions.equity == usdc(desk.view.account.net)
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


def test_a_stress_in_words() -> None:
    assert _moves((("BTC-USD", -80_000), ("*", 155_000))) == "BTC-USD -8%, others +15.5%"
