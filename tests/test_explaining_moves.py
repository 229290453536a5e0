"""explaining_moves: an account after moves, against arithmetic by hand."""

from __future__ import annotations

import pytest

from sniper.desk import Desk
from sniper.drill import Drill
from sniper.drill_market import SECOND_NS, Script
from sniper.explaining_moves import move
from tests.drills import Plan, paper, settings

SCRIPT = Script((("BTC-USD", -1), ("ETH-USD", 1)), 2 * SECOND_NS, SECOND_NS)
TICKERS = ["BTC-USD", "ETH-USD"]


@pytest.fixture(scope="module")
def desk() -> Desk:
    """60,000 USD of positions on 10,000: long BTC, short ETH."""
    one = Plan(1, "even", SCRIPT, 6_000_000, False, "usual")
    drill = Drill(SCRIPT, 1, settings(one), paper(one), one.leverage_ppm)
    drill.run()
    return drill.desk


def test_nothing_moves(desk: Desk) -> None:
    found = move(desk, {}, TICKERS)
    assert found is not None and found.before == found.after and not found.liquidated
    assert found.before[0] == desk.view.account.net and found.limit_percent is None
    assert [one.gain for one in found.positions] == [0, 0]


def test_gains_and_margin_by_hand(desk: Desk) -> None:
    found = move(desk, {"BTC-USD": -80_000, "*": -120_000}, TICKERS)
    assert found is not None
    btc, eth = found.positions
    assert btc.notional > 0 > eth.notional
    assert btc.gain == pytest.approx(-btc.notional * 0.08, abs=1)
    assert eth.gain == pytest.approx(-eth.notional * 0.12, abs=1) and eth.gain > 0
    assert found.after[0] == pytest.approx(found.before[0] + btc.gain + eth.gain, abs=4)
    wanted = (btc.notional * 0.92 - eth.notional * 0.88) * 0.012
    assert found.after[1] == pytest.approx(wanted, abs=10)
    assert not found.liquidated and found.rung == 0


def test_the_share_of_the_moves_at_which_it_is_liquidated(desk: Desk) -> None:
    moves = {"BTC-USD": -100_000, "ETH-USD": 100_000}
    found = move(desk, moves, TICKERS)
    assert found is not None and found.limit_percent is not None and not found.liquidated
    for percent, liquidated in ((found.limit_percent, True), (found.limit_percent - 1, False)):
        there = move(desk, {name: ppm * percent // 100 for name, ppm in moves.items()}, TICKERS)
        assert there is not None and there.liquidated is liquidated
    lost = move(desk, {"BTC-USD": -900_000}, TICKERS)
    assert lost is not None and lost.liquidated and lost.rung == 4 and lost.danger_ppm > 1_000_000


def test_an_unknown_market_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no market XYZ-USD"):
        move(desk, {"XYZ-USD": 1}, TICKERS)
