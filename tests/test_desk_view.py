"""desk_view: what a strategy sees is what the stages hold."""

from __future__ import annotations

import pytest

from sniper._ext.signals import SIGNALS
from sniper._ext.tape import RESOLUTION_NAMES
from sniper.desk_view import DeskView
from sniper.engine import Engine
from sniper.viewing import Indicators
from tests import paper_run


@pytest.fixture(scope="module")
def engine() -> Engine:
    return paper_run.run(70.0, markets=4)[0]


@pytest.fixture
def view(engine: Engine) -> DeskView:
    assert engine.desk is not None
    return engine.desk.view


def test_markets_are_those_of_the_table(engine: Engine, view: DeskView) -> None:
    assert view.markets == 4 == len(engine.decoder.tickers)
    for market, ticker in enumerate(engine.decoder.tickers):
        assert view.index(ticker) == market
    assert view.index("NONE-USD") == -1


def test_facts_of_a_market(engine: Engine, view: DeskView) -> None:
    facts, row = view.market(0), engine.decoder.markets[0]
    levels = [engine.books.levels(0, side, 1)[0].tolist() for side in (0, 1)]
    assert [[facts.bid_ticks, facts.bid_steps], [facts.ask_ticks, facts.ask_steps]] == levels
    assert (facts.ticker, facts.status, facts.trust) == ("BTC-USD", "ACTIVE", "live")
    assert (facts.tick_usd, facts.step_coins, facts.isolated) == (1.0, 0.0001, False)
    assert facts.oracle_usd == int(row["num"][2]) / 10.0 ** int(row["dec"][2])
    assert (facts.initial_fraction, facts.maintenance_fraction) == (0.02, 0.012)
    assert facts.step_quantums == 1_000_000 and facts.oracle_ns == int(row["oracle_ns"])
    assert facts.sigma > 0.0 and abs(facts.mid_ticks * facts.tick_usd / facts.oracle_usd - 1.0) < 0.01


def test_scores_parts_indicators_and_funding(view: DeskView) -> None:
    scores = view.scores(0)
    assert len(scores) == len(SIGNALS) and all(0.0 <= score <= 100.0 for score in scores)
    assert view.ready(0) and view.parts(0)
    found = view.indicators(0, RESOLUTION_NAMES.index("1MIN"))
    assert isinstance(found, Indicators) and found.close > 0.0
    assert view.funding(0).next_ns % 3_600_000_000_000 == 0
    assert view.trip(3) is None or view.positions
    assert view.orders(0) == () or view.orders(0)[0].market == 0
