"""Proof that nothing looks ahead: whatever comes after tick T, decisions and scores up to T are the same.

Every strategy has entries before T to compare, and behind T decisions and every score differ, so that the other future
is one and a look ahead would show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sniper._ext.signals import SIGNALS
from sniper.backtesting import Result, backtest, without_venue
from sniper.desk import Decided
from sniper.engine import Engine
from sniper.feed.bars import BarFeed, Quoting, grid_of
from sniper.feed.replay import ticks_of
from sniper.feed.sim.feed import START_NS
from sniper.journal_reader import JournalReader
from sniper.types import Record
from tests import paper_run
from tests.candles import bars_of, walk
from tests.eager import EAGER, entries, settings

STRATEGIES = tuple(EAGER)
ON_CANDLES: dict[str, dict[str, Any]] = {"sniper": {}, "macd": {}, "cross_market": {"sample_s": 60.0}}
"""Strategies that candles can make trade, and their options there; candles have no funding."""
NEVER_ON_CANDLES = {
    "book_1", "book_3", "book_10", "funding", "funding_next", "basis", "liquidations", "replenished",
}  # fmt: skip
"""Scores that a bar's made-up book says nothing about."""
SECONDS, KNOWN = 480.0, 0.6
"""Of the session on frames, and the share of its ticks that both futures have in common."""
BEGINNING_NS = START_NS + 3270 * paper_run.SECOND_NS
"""So that an hour ends, and funding is paid, where the futures differ."""
TICKERS = ("BTC-USD", "ETH-USD")
TickRecords = tuple[int, list[Record]]


class Watched:
    """Ticks that also note the scores of every signal as they stood before each."""

    def __init__(self, engine: Engine, ticks: Iterable[TickRecords]) -> None:
        self.engine, self._ticks = engine, ticks
        self.scores: dict[int, list[tuple[float, ...]]] = {}

    def __iter__(self) -> Iterator[TickRecords]:
        desk = self.engine.desk
        assert desk is not None
        for now_ns, records in self._ticks:
            known = range(int(self.engine.decoder.markets_n))
            self.scores[self.engine.now_ns] = [tuple(desk.view.scores(market)) for market in known]
            yield now_ns, records


def until(decisions: list[Decided], last_ns: int) -> list[Decided]:
    return [one for one in decisions if one.now_ns <= last_ns]


def on_candles(strategy: str, futures: tuple[int, int], known: int, more: int) -> tuple[Result, Watched]:
    """Two markets: the same bars up to `known`, then those of the seeds `futures`."""
    engine = paper_run.engine(**settings(strategy, **ON_CANDLES.get(strategy, {})))
    venue = paper_run.paper(engine, fill="bars")
    files = []
    for place, ticker in enumerate(TICKERS):
        past = walk(known, seed=7 + place)
        bars = bars_of([*past, *walk(more, seed=futures[place], price=past[-1][3], volatility=200)])
        files.append((grid_of(ticker, bars, None)[0], bars))
    ticks = Watched(engine, BarFeed(files, Quoting()).ticks(venue.due))
    return backtest(engine, venue, ticks), ticks


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("known", [433, 700])
def test_candles(strategy: str, known: int) -> None:
    (one, one_seen), (other, other_seen) = (
        on_candles(strategy, futures, known, 120) for futures in ((100, 101), (200, 201))
    )
    last_ns = one.first_ns + known * 60 * 10**9
    assert one.digest != other.digest, "the futures differ"
    moved = same(one_seen, other_seen, last_ns)
    assert moved == set(SIGNALS) - NEVER_ON_CANDLES
    if strategy in ON_CANDLES:
        decided(one, other, last_ns)


def decided(one: Result, other: Result, last_ns: int) -> None:
    """The same decisions up to then, entries among them; others behind."""
    before = until(one.decisions, last_ns)
    assert entries(before) and before == until(other.decisions, last_ns)
    assert one.decisions[len(before) :] != other.decisions[len(before) :]


def same(one: Watched, other: Watched, last_ns: int) -> set[str]:
    """Asserts that every signal's score is the same up to then; returns the signals with other scores behind."""
    times = [now_ns for now_ns in one.scores if now_ns <= last_ns]
    assert len(times) > 10
    for now_ns in times:
        assert one.scores[now_ns] == other.scores[now_ns], now_ns
    behind = [now_ns for now_ns in one.scores if now_ns > last_ns and now_ns in other.scores]
    return {
        name
        for now_ns in behind
        for a, b in zip(one.scores[now_ns], other.scores[now_ns], strict=False)
        for name, x, y in zip(SIGNALS, a, b, strict=True)
        if x != y
    }


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> list[TickRecords]:
    """The market of a simulated session."""
    path = tmp_path_factory.mktemp("ahead") / "session.mcap"
    paper_run.run(SECONDS, journal=path, markets=8, start_ns=BEGINNING_NS)
    with JournalReader(path) as reader:
        return list(without_venue(ticks_of(path, reader)))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_frames(strategy: str, recording: list[TickRecords]) -> None:
    """The second future lacks most of its frames: other books, other trades, missing messages."""
    at = round(len(recording) * KNOWN)
    other = [*recording[:at], *((now_ns, records[1::3]) for now_ns, records in recording[at:])]
    results = []
    for ticks in (recording, other):
        engine = paper_run.engine(**settings(strategy))
        seen = Watched(engine, ticks)
        results.append((backtest(engine, paper_run.paper(engine), seen), seen))
    last_ns = recording[at - 1][0]
    (one, one_seen), (two, two_seen) = results
    assert one.digest != two.digest
    decided(one, two, last_ns)
    assert same(one_seen, two_seen, last_ns) == set(SIGNALS)
