"""The look on a fixed journal: the whole dashboard at three sizes, and that looking changes nothing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sniper import layout
from sniper.dashboard import page_want
from sniper.feed.replay import Replay
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.journal import JournalStatus
from sniper.look import Look
from sniper.panels.view import View, Want
from sniper.picture import Picture
from sniper.resilience import ResilienceSettings, Signs
from sniper.timing import Costs
from tests import paper_run
from tests.captures import SIZES, compare
from tests.runs import ALL, Hand, Run, fixed_journal, steady
from tests.test_panels_view import plain

SOL = ALL._replace(ticker="SOL-USD")
"""The market that crosses in the fixed journal."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run over the fixed journal, at its end."""
    made = Run(Replay(fixed_journal(tmp_path_factory.mktemp("journal"))))
    made.loop(SOL)
    return made


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_dashboard_on_a_fixed_journal_looks_as_captured(run: Run, size: tuple[int, int]) -> None:
    for number, page in enumerate(layout.pages(*size)):
        view = steady(run.look(page_want(page, "SOL-USD")))
        console = Console(file=StringIO(), record=True, width=size[0], force_terminal=True)
        console.print(Picture(view, *size, number), end="")
        text = "".join(line.rstrip() + "\n" for line in console.export_text().splitlines())
        compare(f"dashboard_{size[0]}x{size[1]}_page{number + 1}", text)


def test_every_part_of_the_view_has_facts(run: Run) -> None:
    view = run.look(ALL)
    assert plain(view)
    assert view.header.tick == 261 and view.header.digest == run.engine.digest
    assert view.header.trust == (("live", 5),)
    assert len(view.book.bids) == len(view.book.asks) == 10
    assert view.trades.total > 0 and len(view.candles.bars) == 40 and view.candles.bars[-1].trades > 0
    assert view.markets.tickers[0] == view.markets.rows[0].ticker and view.markets.total == 5
    assert view.feed.links[0].height > 0
    assert view.events.rows[0].number > 0


def test_what_is_not_wanted_is_not_built(run: Run) -> None:
    nothing = Want("BTC-USD", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    view, empty = run.look(nothing), View()
    for name in ("book", "trades", "candles", "markets", "pipeline", "feed"):
        assert getattr(view, name) == getattr(empty, name)
    assert view.events.rows == () and view.header.tick == 261


def test_an_unknown_ticker_shows_the_first_of_the_table(run: Run) -> None:
    view = run.look(ALL._replace(ticker="NOPE-USD"))
    assert view.header.ticker == view.book.ticker == view.markets.ticker == view.markets.tickers[0]


@pytest.mark.parametrize("ticker", ["BTC-USD", "PEPE-USD"])
def test_two_looks_of_one_moment_are_equal(run: Run, ticker: str) -> None:
    want = ALL._replace(ticker=ticker)
    assert steady(run.look(want)) == steady(run.look(want))


def test_looking_changes_no_digest_and_no_state(tmp_path: Path) -> None:
    journal = fixed_journal(tmp_path)
    seen, blind = Run(Replay(journal)), Run(Replay(journal))
    blind.look = None  # type: ignore[assignment]
    blind.loop()
    seen.loop(ALL, ALL._replace(ticker="ETH-USD", resolution=3), ALL._replace(ticker="", depth=99))
    assert seen.engine.digests() == blind.engine.digests()
    assert seen.engine.save() == blind.engine.save()


def test_an_engine_that_knows_nothing_yet_can_be_looked_at() -> None:
    hand = Hand.__new__(Hand)
    run = Run(hand)
    view = run.look(ALL)
    assert view.header.ticker == "" and view.book.ticker == "" and view.markets.rows == ()
    assert view.header.state == "none"


def test_the_journals_state_is_an_event_when_it_changes() -> None:
    class Stub:
        status = JournalStatus("writing", "x.mcap", 1, 5000, 0, 0, "")

    journal: Any = Stub()
    run = Run(Hand.__new__(Hand), journal)
    assert run.look(ALL).feed.journal_files == 1
    journal.status = JournalStatus("stopped", "x.mcap", 1, 5000, 0, 7, "no space\x1b[2J left")
    view = run.look(ALL)
    view = run.look(ALL)
    assert view.feed.journal_state == "stopped" and view.feed.journal_error == "no space·[2J left"
    assert [(event.severity, event.text) for event in view.events.rows] == [
        ("critical", "journal stopped: no space·[2J left"),
        ("info", "journal writing"),
    ]


def test_the_databases_state_is_an_event_when_it_changes() -> None:
    engine = paper_run.engine()
    assert engine.desk is not None
    look = Look(engine, source="sim", feed=Sim(seed=1), inbox=Inbox(16, 1024), costs=Costs(engine.stages))
    assert look(Want()).events.rows == ()
    engine.desk.risk.operator("state", "stopped disk I/O error")
    look(Want())
    look(Want())
    engine.desk.risk.operator("state", "writing")
    assert [(row.severity, row.text, row.times) for row in look(Want()).events.rows] == [
        ("info", "database writing again", 1),
        ("critical", "database stopped: disk I/O error", 1),
    ]


def test_a_change_of_mode_is_an_event_once() -> None:
    engine = paper_run.engine(resilience=ResilienceSettings(on=True))
    assert engine.desk is not None
    look = Look(engine, source="sim", feed=Sim(seed=1), inbox=Inbox(16, 1024), costs=Costs(engine.stages))
    assert look(Want()).events.rows == ()
    for now_s, feed_s in ((100, 100), (104, 100), (109, 100)):
        engine.desk.resilience.apply(Signs(now_s * 10**9, feed_s * 10**9, "live", True, 0, 0))
    for _ in range(2):
        assert [(row.severity, row.text) for row in look(Want()).events.rows] == [
            ("critical", "mode degraded -> critical: feed 9, limit 8"),
            ("warning", "mode normal -> degraded: feed 4, limit 3"),
        ]
