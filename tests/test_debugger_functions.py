"""debugger_functions: each value agrees with the engine, and is missing where there is none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from sniper.debugger_functions import functions
from sniper.debugger_source import JournalSource
from sniper.debugger_walk import Walk
from sniper.expression import ExpressionError, parse
from sniper.journal_reader import JournalReader
from tests import played


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    played.journalled(tmp_path / "a.mcap", played.turns(played.frames(900)))
    return Walk(JournalSource(JournalReader(tmp_path / "a.mcap")), [].append)


def value(walk: Walk, text: str) -> object:
    return parse(text, functions(walk)).value()


def test_the_touch_of_a_fresh_book(walk: Walk) -> None:
    walk.goto(4)
    for text, wanted in {
        "bid('BTC-USD')": 96999,
        "ask('BTC-USD')": 97001,
        "raw_bid('ETH-USD')": 3299,
        "raw_ask('ETH-USD')": 3301,
        "mid('BTC-USD')": 97000,
        "spread('ETH-USD')": 2,
        "spread_ticks('ETH-USD')": 20,
        "bid_size('BTC-USD')": Fraction(3, 2),
        "ask_size('BTC-USD')": Fraction(1, 2),
        "depth('ETH-USD', 'bid', 3.5)": Fraction(0),
        "depth('ETH-USD', 'bid', 9)": Fraction(3),
        "trust('BTC-USD')": "live",
        "oracle('BTC-USD')": Fraction(971205, 10),
        "trades('BTC-USD')": 0,
        "crossings('BTC-USD')": 0,
        "unknown_removes('BTC-USD')": 0,
        "tick()": 4,
        "records()": 1,
        "commands()": 0,
        "frames()": 4,
        "rejected() + gaps() + missing_ids() + resubscribes() + reconnects()": 0,
        "now()": Fraction(played.BEGIN_NS + 4 * played.STEP_NS, 10**9),
    }.items():
        assert value(walk, text) == wanted, text


def test_candles_and_trades_agree_with_each_other(walk: Walk) -> None:
    walk.goto(900)
    market = "'BTC-USD'"
    engine = walk.engine
    assert value(walk, f"last({market}) == close({market}, '1DAY')") is True
    assert value(walk, f"low({market}, '1DAY') <= open({market}, '1DAY')") is True
    assert value(walk, f"high({market}, '1DAY') - low({market}, '1DAY')") == 6
    buy, sell, decimals = engine.trades.volumes(0)
    assert value(walk, f"volume({market}, '1DAY')") == Fraction(buy + sell, 10**decimals)
    assert value(walk, f"trades({market})") == int(engine.trades.stats[0]["count"])
    assert value(walk, "rejected()") == int(engine.tape.counters[4]) > 0


def test_what_is_not_there_is_missing(walk: Walk) -> None:
    calls = [
        f"{name}('BTC-USD')"
        for name in ("bid", "ask_size", "mid", "spread", "spread_ticks", "oracle", "last")
    ]
    calls += [
        "trust('BTC-USD')",
        "trades('BTC-USD')",
        "depth('BTC-USD', 'ask', 5)",
        "close('BTC-USD', '1MIN')",
    ]
    assert [value(walk, call) for call in calls] == [None] * len(calls)
    assert (value(walk, "records()"), value(walk, "tick()")) == (0, 0)
    walk.goto(2)
    assert value(walk, "bid_size('BTC-USD')") is None and value(walk, "close('BTC-USD', '1MIN')") is None
    assert value(walk, "depth('BTC-USD', 'ask', 5)") is None and value(walk, "last('BTC-USD')") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bid('BTC')", "unknown market BTC; did you mean BTC-USD?"),
        ("depth('BTC-USD', 'bids', 5)", "unknown side bids; did you mean bid?"),
        ("close('BTC-USD', '1M')", "unknown resolution 1M; did you mean 1MIN?"),
        ("close('BTC-USD')", "it is close(market, resolution)"),
    ],
)
def test_wrong_names_are_found_when_it_is_read(walk: Walk, text: str, said: str) -> None:
    walk.goto(4)
    with pytest.raises(ExpressionError) as caught:
        value(walk, text)
    assert said in str(caught.value)
