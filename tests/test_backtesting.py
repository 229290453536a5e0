"""backtesting: recorded ticks through the engine with a fresh paper venue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.bench_backtest import decider, made_bars
from sniper.backtesting import Result, backtest, without_venue
from sniper.engine import Engine
from sniper.errors import UsageError
from sniper.feed.bars import BarFeed, grid_of
from sniper.feed.replay import ticks_of
from sniper.journal_reader import JournalReader
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_FRAME, REC_OPERATOR, REC_REST, REC_VENUE, Record
from sniper.venues.paper import Paper
from tests import paper_run
from tests.eager import EAGER, entries, settings


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "session.mcap"
    paper_run.run(75.0, journal=path, markets=8)
    return path


def run(path: Path, **others: int) -> Result:
    engine = paper_run.engine()
    with JournalReader(path) as reader:
        return backtest(engine, paper_run.paper(engine), without_venue(ticks_of(path, reader)), **others)


def test_what_a_venue_said_is_left_out_and_ticks_stay() -> None:
    market, word = (1, 0, REC_FRAME, b"{}"), (1, 0, REC_OPERATOR, b"pause x")
    ticks = [
        (1, [market, (1, VENUE_CONNECTION, REC_FRAME, b"{}"), word]),
        (2, [(2, VENUE_CONNECTION, REC_VENUE, b"place 1 0")]),
    ]
    assert list(without_venue(ticks)) == [(1, [market, word]), (2, [])]


def test_the_same_input_gives_the_same_result(journal: Path) -> None:
    assert run(journal) == run(journal)


def test_the_curve_is_sampled_in_tape_time(journal: Path) -> None:
    result = run(journal, sample_ns=10_000_000_000)
    times = [sample.now_ns for sample in result.curve]
    assert times == sorted(set(times)) and times[-1] == result.last_ns
    assert len(times) >= 7 and all(sample.net > 0 for sample in result.curve)
    assert result.score.first_net == result.curve[0].net and result.liquidations == 0
    assert result.decisions


def test_an_input_that_values_nothing_is_refused() -> None:
    engine = paper_run.engine()
    with pytest.raises(UsageError, match="price"):
        backtest(engine, paper_run.paper(engine), [])


@pytest.mark.parametrize("strategy", EAGER)
def test_a_paper_session_gives_the_same_decisions_with_every_strategy(strategy: str, tmp_path: Path) -> None:
    path = tmp_path / "session.mcap"
    ran, _ = paper_run.run(200.0, journal=path, markets=8, **settings(strategy))
    assert ran.desk is not None
    engine = paper_run.engine(**settings(strategy))
    with JournalReader(path) as reader:
        result = backtest(engine, paper_run.paper(engine), without_venue(ticks_of(path, reader)))
    made = list(ran.desk.decisions)
    assert entries(made), "nothing to compare"
    assert result.decisions[-len(made) :] == made and len(result.decisions) == ran.desk.decided
    assert result.digest == ran.digest
    other = paper_run.engine(**settings(next(name for name in EAGER if name != strategy)))
    with JournalReader(path) as reader:
        ticks = without_venue(ticks_of(path, reader))
        assert backtest(other, paper_run.paper(other), ticks).decisions != result.decisions


def test_news_of_accounts_are_left_out_wherever_they_came_from() -> None:
    book = (1, 0, REC_FRAME, b'{"type":"channel_data","channel":"v4_orderbook","id":"BTC-USD"}')
    funding = (1, 0, REC_REST, b"historicalFunding 200 ticker=BTC-USD\n{}")
    records = [
        book,
        (1, 0, REC_FRAME, b'{"type":"subscribed","channel":"v4_subaccounts","id":"dydx1me/0"}'),
        (1, 3, REC_FRAME, b'{"type":"channel_data","channel": "v4_parent_subaccounts"}'),
        (1, 0, REC_REST, b"fills 200 address=dydx1me&subaccountNumber=0\n[]"),
        funding,
        (1, VENUE_CONNECTION, REC_FRAME, b"{}"),
        (1, 0, REC_VENUE, b"place 1 0 accepted"),
    ]
    assert list(without_venue([(1, records), (2, [])])) == [(1, [book, funding]), (2, [])]


def test_what_an_account_at_rest_is_spared_changes_nothing() -> None:
    """The same bars with every shortcut of a flat account and an idle venue, and without any."""
    seen, found = [0, 0], []
    for spared in (True, False):
        engine, venue = decider("macd", fill="bars")
        bars = made_bars(8_000)
        feed = BarFeed([(grid_of("BTC-USD", bars, None)[0], bars)])

        def ticks(
            feed: BarFeed = feed, engine: Engine = engine, venue: Paper = venue, spared: bool = spared
        ) -> Iterator[tuple[int, list[Record]]]:
            assert engine.desk is not None
            for tick in feed.ticks(venue.due):
                seen[0] += engine.desk._at_rest and spared
                seen[1] += venue.idle and spared
                engine.desk._at_rest = engine.desk._at_rest and spared
                venue.idle = venue.idle and spared
                yield tick

        result = backtest(engine, venue, ticks(), sample_ns=3600 * 10**9)
        found.append((result, engine.save(), venue.save()))
    assert found[0] == found[1] and len(found[0][0].trips) > 5
    assert min(seen) > 5_000
