"""debugger_desk: what step says of the decision half agrees with it, and is missing where there is none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from sniper._ext.signals import SIGNALS
from sniper.debugger import Debugger
from sniper.debugger_functions import functions
from sniper.debugger_source import JournalSource
from sniper.debugger_walk import Walk
from sniper.expression import ExpressionError, parse
from sniper.journal_reader import JournalReader
from sniper.quantums import atomic_resolution
from tests import played
from tests.paper_run import run
from tests.test_explaining import EAGER


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stepped") / "j"
    run(40, markets=6, journal=folder, strategy="sniper", options=EAGER)
    return folder


@pytest.fixture
def debugger(path: Path) -> Debugger:
    source = JournalSource(JournalReader(path))
    return Debugger(lambda announce: Walk(source, announce))


def value(debugger: Debugger, text: str) -> object:
    return parse(text, functions(debugger.walk)).value()


def held(debugger: Debugger) -> str:
    """Go to where something is held; its ticker."""
    (stopped, *_) = debugger.do("until decisions() > 0 and maintenance() > 0")
    assert stopped.startswith("until decisions()")
    desk = debugger.walk.engine.desk
    assert desk is not None
    return debugger.walk.engine.decoder.ticker(next(iter(desk.view.positions)))


def test_functions_agree_with_the_engine(debugger: Debugger) -> None:
    ticker = held(debugger)
    desk, decoder = debugger.walk.engine.desk, debugger.walk.engine.decoder
    assert desk is not None
    market, known = decoder.market(ticker), desk.view.account
    assert value(debugger, "net()") == Fraction(known.net, 10**6)
    assert value(debugger, "free()") == Fraction(known.free, 10**6)
    assert value(debugger, "maintenance()") == Fraction(known.maintenance, 10**6)
    assert float(value(debugger, "danger()")) == known.danger > 0  # type: ignore[arg-type]
    assert float(value(debugger, "leverage()")) == known.leverage  # type: ignore[arg-type]
    assert value(debugger, "rung()") == 0 and value(debugger, "trips()") == 0
    assert value(debugger, "decisions()") == desk.decided > 0
    assert value(debugger, f"open_orders('{ticker}')") == len(desk.view.orders(market))
    coin = Fraction(10) ** -atomic_resolution(desk.margin.markets, market)
    size = Fraction(desk.view.positions[market].size_quantums) / coin
    assert value(debugger, f"position('{ticker}')") == size != 0
    assert value(debugger, "position('BTC-USD') == 0 or position('BTC-USD') != 0") is True
    scores = desk.view.scores(market)
    for name in ("momentum", "book_3", "spread"):
        assert float(value(debugger, f"score('{ticker}', '{name}')")) == scores[SIGNALS.index(name)]  # type: ignore[arg-type]
    mid = desk.view.parts(market)["mid"]
    assert float(value(debugger, f"part('{ticker}', 'mid')")) == mid  # type: ignore[arg-type]


def test_until_and_break_stop_where_a_score_crosses(debugger: Debugger) -> None:
    said = list(debugger.do("until score('BTC-USD', 'book_3') > 60 and net() > 0"))
    assert said[0].startswith("until score(") and value(debugger, "score('BTC-USD', 'book_3') > 60") is True
    assert next(iter(debugger.do("break danger() > 0"))).startswith("breakpoint 1")
    said = list(debugger.do("continue"))
    assert said[0].startswith("breakpoint 1: danger()")


def test_what_is_not_there_is_missing_or_refused(debugger: Debugger) -> None:
    for text in ("score('BTC-USD', 'momentum')", "part('BTC-USD', 'mid')", "net()", "distance()", "danger()"):
        assert value(debugger, text) is None, text
    debugger.walk.goto(300)
    with pytest.raises(ExpressionError, match="unknown part nothing"):
        value(debugger, "part('BTC-USD', 'nothing')")
    assert "a market is missing" in next(iter(debugger.do("signals")))
    with pytest.raises(ExpressionError, match="unknown signal momentun; did you mean momentum"):
        value(debugger, "score('BTC-USD', 'momentun')")


def test_the_views(debugger: Debugger) -> None:
    ticker = held(debugger)
    lines = list(debugger.do(f"signals {ticker}"))
    assert len(lines) == len(SIGNALS) + 2 and lines[-1].startswith("parts: price ")
    lines = list(debugger.do("account"))
    assert (
        lines[0].startswith("trust live")
        and "equity" in lines[1]
        and any(ticker in line for line in lines[2:])
    )
    desk = debugger.walk.engine.desk
    market = debugger.walk.engine.decoder.market(ticker)
    assert desk is not None
    entry = next(line for line in lines if ticker in line).split()[2]
    assert float(entry) == pytest.approx(desk.view.market(market).oracle_usd, rel=0.02)
    lines = list(debugger.do("margin"))
    assert lines[0].startswith("net ") and any(ticker in line for line in lines)
    assert sum(line.startswith("after BTC-USD") for line in lines) == 2
    orders = list(debugger.do("orders"))
    assert orders == ["no open orders"] or ticker in "".join(orders)
    assert list(debugger.do("orders DOGE-USD"))
    lines = list(debugger.do("why"))
    assert sum(" of 56: " in line for line in lines) == 6
    assert len(list(debugger.do(f"why {ticker}"))) >= 1
    list(debugger.do("until decisions() > 1"))
    assert any(line.startswith("decided: ") or line.startswith("refused: ") for line in debugger.do("why"))


def test_an_engine_that_decides_nothing(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", played.turns(played.frames(50)))
    source = JournalSource(JournalReader(tmp_path / "a.mcap"))
    debugger = Debugger(lambda announce: Walk(source, announce))
    debugger.walk.goto(20)
    for verb in ("account", "orders", "margin", "why", "signals BTC-USD"):
        assert list(debugger.do(verb)) == [
            "this engine decides nothing: trade.mode is off. Step a run or a journal that trades."
        ]
    assert value(debugger, "net()") is None and value(debugger, "position('BTC-USD')") is None
    assert value(debugger, "score('BTC-USD', 'momentum')") is None
