"""debugger: scripted sessions, every command, every way to mistype one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sniper.debugger import VERBS, Debugger
from sniper.debugger_source import FeedSource, JournalSource
from sniper.debugger_walk import Walk
from sniper.engine import Engine
from sniper.inbox import Inbox
from sniper.journal_reader import JournalReader
from tests import played
from tests.tamper import rewrite_frame
from tests.test_debugger_source import Busy

TICKS = played.turns(played.frames(700), 2)
Session = Callable[..., list[str]]


@pytest.fixture
def debugger(tmp_path: Path) -> Debugger:
    """At the beginning of a journal."""
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=60)
    source = JournalSource(JournalReader(tmp_path / "a.mcap"))
    return Debugger(lambda announce: Walk(source, announce))


@pytest.fixture
def said(debugger: Debugger) -> Session:
    """What a script of commands prints."""
    return lambda *lines: list(debugger.run(lines))


def digest(ticks: int) -> str:
    engine = Engine(played.SETTINGS)
    for tick in TICKS[:ticks]:
        engine.tick(*tick)
    return engine.digest


def test_the_first_line_of_state_is_tick_and_digest(said: Session) -> None:
    assert said("state")[0] == f"tick=0 digest={digest(0)}"
    assert said("next 250", "state")[1] == f"tick=250 digest={digest(250)}"
    assert said("back 100", "next 100", "state")[2] == f"tick=250 digest={digest(250)}"
    assert said("goto 7", "state")[1] == f"tick=7 digest={digest(7)}"


def test_for_a_person_an_empty_line_repeats_the_last_command(debugger: Debugger) -> None:
    person = Debugger(lambda announce: Walk(debugger.walk.source, announce), repeats=True)
    assert [line[:7] for line in person.run(("next", "", "# no command", ""))] == [
        "tick 1,",
        "tick 2,",
        "tick 3,",
    ]


def test_while_it_moves_it_says_how_far_it_is(debugger: Debugger) -> None:
    told: list[list[int]] = []

    @contextmanager
    def progress() -> Iterator[Callable[[int], None]]:
        told.append([])
        yield told[-1].append

    watched = Debugger(lambda announce: Walk(debugger.walk.source, announce), progress=progress)
    list(watched.run(("state", "next 3", "until tick() == 5", "goto 2")))
    assert told == [[1, 2, 3], [4, 5], [1, 2]]
    watched.walk.step()
    assert told[-1] == [1, 2], "only while a command moves it"


def test_moving_says_where_it_stands(said: Session) -> None:
    assert said("next") == ["tick 1, 2026-01-01 00:00:00.020: 2 records, 6 rows, 1 command"]
    assert said("next", "", "  ", "next", "") == [
        "tick 2, 2026-01-01 00:00:00.040: 2 records, 24 rows",
        "tick 3, 2026-01-01 00:00:00.060: 2 records, 2 rows",
    ]
    assert said("back 2")[0].startswith("tick 1, ")
    assert said("back 9") == [
        "there is no tick -8 to stand at: the earliest is 0",
        "tick 0, 1970-01-01 00:00:00.000: the state before the first tick",
    ]
    end = f"tick {len(TICKS)}, "
    moved = said("goto 99999", "next 5")
    assert moved[0] == f"there is no tick 99999 to stand at: the nearest is {len(TICKS)}"
    assert moved[1].startswith(end) and moved[2] == "there are no more ticks" and moved[3].startswith(end)


def test_until_and_breakpoints(said: Session, debugger: Debugger) -> None:
    until = said("until rejected() >= 3", "print rejected()", "back", "print rejected()")
    assert until[0] == "until rejected() >= 3" and until[1].startswith(f"tick {debugger.walk.number + 1}, ")
    assert (until[2], until[4]) == ("3", "2")
    script = said(
        "goto 0", "break", "break tick() == 20", "break trades('BTC-USD') >= 9", "break", "continue"
    )
    assert script[1:6] == [
        "no breakpoints",
        "breakpoint 1: tick() == 20",
        "breakpoint 2: trades('BTC-USD') >= 9",
        "1  tick() == 20",
        "2  trades('BTC-USD') >= 9",
    ]
    assert script[6] == "breakpoint 1: tick() == 20" and debugger.walk.number == 20
    assert said("until tick() == 30 or 1 > 2")[0] == "until tick() == 30 or 1 > 2"
    assert said("delete 1", "goto 0", "continue")[2] == "breakpoint 2: trades('BTC-USD') >= 9"
    assert said("delete 7") == ["there is no breakpoint 7. break lists them."]
    assert said("delete", "continue")[:2] == ["all breakpoints deleted", "there are no more ticks"]


def test_a_script_prints_what_is_asked_for(said: Session) -> None:
    assert said("next 2", "frames 40")[1].startswith(
        '0 frame/0 00:00:00.039 {"connection_id":"c-1","message_id":2,'
    )
    rows = said("rows")
    assert rows[0].split()[:8] == ["row", "frame", "kind", "market", "side", "price", "size", "venue"]
    assert [row.split()[2] for row in rows[1:4]] == ["SUBSCRIBED", "BOOK", "LEVEL"]
    assert said("rows 1")[-1] == "… 23 more: rows 24"
    assert said("book BTC-USD 1") == [
        "BTC-USD live, 0 crossings, 0 unknown removes",
        "     price    size",
        "ask  97001  0.5000",
        "bid  96999  1.5000",
    ]
    assert said("goto 0", "rows", "frames", "diff")[1:] == ["no rows", "no records", "no tick was run yet"]


def test_differences_are_announced_on_the_way(tmp_path: Path) -> None:
    played.journalled(tmp_path / "a.mcap", TICKS, snapshot_every=1000)
    rewrite_frame(tmp_path / "a.mcap", tmp_path / "b.mcap", 44, b'{"type":"pong"}')
    source = JournalSource(JournalReader(tmp_path / "b.mcap"))
    debugger = Debugger(lambda announce: Walk(source, announce))
    told = list(debugger.run(["next 43", "next", "next"]))
    assert told[1] == "tick 44 differs from the journal: stage decode"
    assert [line[:7] for line in (told[0], told[2], told[3])] == ["tick 43", "tick 44", "tick 45"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("nexxt", "there is no command nexxt. Did you mean next? help lists them."),
        ("zzz", "there is no command zzz. help lists them."),
        ("b 5", "b may be back, break or book"),
        ("next many", "expected a whole number, found many"),
        ("next -1", "expected a whole number, found -1"),
        ("goto", "expected a whole number, found nothing"),
        ("goto 9999999999999999", "expected a whole number, found 9999999999999999"),
        ("until", "column 1: expected a value, found the end"),
        ("until bid('BTC-USD')", "column 1: this is a number, not a condition: compare it, as in ... > 5"),
        ("break spred('BTC-USD') > 1", "column 1: there is no spred; did you mean spread?"),
        ("print trust('BTC-USDT')", "column 7: unknown market BTC-USDT; did you mean BTC-USD?"),
        ("book", "it is book MARKET [depth]"),
        ("book BTC-USDT", "unknown market BTC-USDT. Did you mean BTC-USD? There are BTC-USD, ETH-USD"),
        ("trades DOGE-EUR x y", "it is trades MARKET [n]"),
        ("candles BTC-USD", "it is candles MARKET RES [n]"),
        (
            "candles BTC-USD 2MINS",
            "unknown resolution 2MINS. Use 1MIN, 5MINS, 15MINS, 30MINS, 1HOUR, 4HOURS, 1DAY.",
        ),
        ("state now", "expected nothing more, found now"),
        ("diff x", "expected nothing more, found x"),
        ("continue x", "expected nothing more, found x"),
    ],
)
def test_a_wrong_command_prints_one_line_and_it_goes_on(said: Session, line: str, answer: str) -> None:
    said("goto 10")
    assert said(line, "print tick()") == [answer, "10"]


def test_no_market_is_known_before_the_list_came(said: Session) -> None:
    assert said("book BTC-USD") == ["unknown market BTC-USD. No market came yet: try next."]
    assert said("print bid('BTC-USD')") == ["missing"]


def test_abbreviations_comments_quit_and_help(said: Session, debugger: Debugger) -> None:
    assert said("# a comment", "n", "n 2", "st")[1].startswith("tick 3, ")
    text = "\n".join(said("help"))
    assert all(name in text for name in VERBS) and "spread_ticks(market)" in text
    assert said("help next") == ["next [n]: run n ticks (1)"]
    assert said("", "q", "next") == [] and debugger.done


def test_a_feed_without_end_must_be_told_where_to_stop() -> None:
    source = FeedSource(Busy(), played.SETTINGS, Inbox(1000, 1 << 20), 10_000_000)
    debugger = Debugger(lambda announce: Walk(source, announce))
    told = list(
        debugger.run(["continue", "break tick() >= 5", "continue", "delete", "next 10000", "continue"])
    )
    assert told[0].startswith("this feed has no end: set a breakpoint first")
    assert told[2] == "breakpoint 1: tick() >= 5"
    assert told[5] == told[7] == "there are no more ticks"


def test_it_can_be_interrupted(said: Session, debugger: Debugger) -> None:
    debugger.walk.stopped = lambda: debugger.walk.number >= 50
    assert said("continue")[0] == "interrupted"
    assert debugger.walk.number == 50
