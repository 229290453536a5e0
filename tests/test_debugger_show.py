"""debugger_show: what is printed agrees with the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sniper import debugger_show as show
from sniper.debugger_source import JournalSource
from sniper.debugger_walk import Walk
from sniper.journal import Journal
from sniper.journal_reader import JournalReader
from sniper.types import REC_FRAME, REC_LINK, REC_REST, Record
from tests import played


def walk_over(path: Path, ticks: list[tuple[int, list[Record]]]) -> Walk:
    played.journalled(path / "a.mcap", ticks)
    return Walk(JournalSource(JournalReader(path / "a.mcap")), [].append)


def frame(**message: object) -> Record:
    return (played.BEGIN_NS, 0, REC_FRAME, json.dumps(message).encode())


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """A walk over one message a tick, at the end of the books."""
    found = walk_over(tmp_path, played.turns(played.frames(900)))
    found.goto(4)
    return found


def test_diff_names_levels_best_prices_and_counts(walk: Walk) -> None:
    for _ in range(300):
        assert walk.step()
        if walk.tick is None or not walk.tick.records or b'"bids":[' not in walk.tick.records[0][3]:
            continue
        said = json.loads(walk.tick.records[0][3])
        price, size = said["contents"]["bids"][0]
        before = walk.number, walk.engine.digest
        changes = show.diff(walk)
        assert (walk.number, walk.engine.digest) == before and walk.rows_n
        if size == "x":
            assert "count rejected: " in "".join(changes) and not any("bid" in line for line in changes)
            continue
        level = [line for line in changes if line.split(":")[0].split()[:2] == [said["id"], "bid"]]
        assert len(level) <= 1 and "count levels" in "".join(changes)
        if level and size != "0":
            assert float(level[0].split()[-1]) == float(size) and price in level[0]
        if level and size == "0":
            assert level[0].endswith("-> -")


def test_diff_of_a_tick_that_changed_nothing(walk: Walk) -> None:
    while walk.tick is None or walk.tick.records:
        walk.step()
    assert show.diff(walk) == ["nothing"]


def test_diff_of_the_first_tick_and_of_a_trade(walk: Walk) -> None:
    while walk.tick is None or not walk.tick.records or b'"v4_trades"' not in walk.tick.records[0][3]:
        walk.step()
    text = "\n".join(show.diff(walk))
    ticker = json.loads(walk.tick.records[0][3])["id"]
    assert f"{ticker} trades: 0 -> 1" in text and f"{ticker} candle 1MIN: - -> 2026-01-01" in text
    walk.goto(2)
    changes = show.diff(walk)
    assert "BTC-USD trust: - -> empty" in changes and "count oracles: 0 -> 2" in changes


def test_masked_levels_are_marked(walk: Walk) -> None:
    while not walk.engine.books.tops["crossed"][0]:
        walk.step()
    lines = show.book(walk, 0, 8)
    assert "crossed" in lines[0] and any(line.endswith("  x") for line in lines)
    assert any(not line.endswith("x") for line in lines[2:])


def test_rows_name_what_they_are(tmp_path: Path) -> None:
    rest = b"height 500 \nnothing"
    walk = walk_over(
        tmp_path,
        [
            (
                1,
                [
                    frame(
                        type="subscribed",
                        channel="v4_markets",
                        message_id=1,
                        contents={"markets": played.MARKETS},
                    )
                ],
            ),
            (
                2,
                [
                    (2, 0, REC_REST, rest),
                    (2, 3, REC_LINK, b"closed 1012 restart\x1b[31m"),
                    (2, 0, REC_FRAME, b"{"),
                    (2, 0, REC_FRAME, b'{"type":"what"}' + b" " * 400),
                ],
            ),
        ],
    )
    walk.goto(1)
    rows = show.rows(walk)
    assert any("ORACLE" in row and "97120.5" in row and "BTC-USD" in row for row in rows)
    assert any("MARKET" in row and row.endswith("new") for row in rows)
    walk.goto(2)
    text = "\n".join(show.rows(walk))
    assert "LINK" in text and "closed" in text and "ERROR" in text and "syntax" in text and "UNKNOWN" in text
    frames = show.frames(walk, 30)
    assert frames[0].startswith("0 rest/0 ") and "\x1b" not in "".join(frames)
    assert frames[3].endswith("… 415 bytes")


def test_empty_books_candles_and_trades_say_so(walk: Walk) -> None:
    walk.goto(2)
    assert show.book(walk, 0)[1:] == ["no levels"]
    assert show.candles(walk, 0, 1) == ["no candles of 5 minutes"]
    assert show.trades(walk, 0) == ["BTC-USD 0 trades, 0 duplicates, bought 0, sold 0"]


def test_candles_and_trades_are_exact(walk: Walk) -> None:
    walk.goto(900)
    engine = walk.engine
    buy, sell, decimals = engine.trades.volumes(0)
    said = show.trades(walk, 0, 5)
    assert len(said) == 7 and f"bought {buy / 10**decimals:g}, sold {sell / 10**decimals:g}" in said[0]
    said = show.candles(walk, 0, 6, 5)
    assert len(said) == 2 and said[1].split()[-1] == str(int(engine.trades.stats[0]["count"]))


def test_state_tells_commands_and_connections(walk: Walk) -> None:
    walk.goto(2)
    said = show.state(walk)
    assert said[0] == f"tick=2 digest={walk.engine.digest}"
    assert any(line.startswith("link   0: 2 frames") for line in said)
    assert said[-1] == "asked  Watch(('BTC-USD', 'ETH-USD'),)"


def test_an_unfinished_tick_is_marked(tmp_path: Path) -> None:
    from sniper.engine import Engine

    with Journal(tmp_path / "b.mcap", played.HEADER) as journal:
        journal.snapshot(0, 0, Engine(played.SETTINGS).save())
        journal.tick(1, 5, [])
    walk = Walk(JournalSource(JournalReader(tmp_path / "b.mcap")), [].append)
    walk.step()
    assert show.summary(walk).endswith("0 records, 0 rows (the run ended in this tick)")
