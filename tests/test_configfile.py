"""configfile: where each value comes from, and one line that says what is wrong and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from sniper import configfile
from sniper.config import Config
from sniper.configfile import Value, find, flatten, leaves, load, plain, statements, validate
from sniper.errors import ConfigError, PermissionProblem
from tests.permission import obeyed


def write(text: str, path: str = "config.toml") -> Path:
    Path(path).write_text(text, encoding="utf-8")
    return Path(path)


# what wins


def test_without_any_file_all_is_default(alone: Path) -> None:
    loaded = load()
    assert loaded.config == Config()
    assert loaded.path is None
    assert set(loaded.origins.values()) == {"default"}
    assert list(loaded.origins) == list(leaves(Config()))


def test_what_is_too_large_to_be_a_config_is_not_read_to_its_end(alone: Path) -> None:
    with Path("huge.toml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigError, match="larger than 1048576 bytes"):
        load("huge.toml")


def test_lines_may_end_as_on_windows(alone: Path) -> None:
    Path("windows.toml").write_bytes(b"seed = 3\r\nx = 1\r\n")
    with pytest.raises(ConfigError, match=r"windows\.toml:2"):
        load("windows.toml")


def test_set_beats_environment_beats_file_beats_default(alone: Path) -> None:
    write("seed = 2\n[feed]\nspeed = 2.0\nping_s = 2\nsilence_s = 9.0\n")
    loaded = load(
        sets=["feed.speed=4"],
        environ={"SNIPER__FEED__SPEED": "3", "SNIPER__FEED__PING_S": "3", "SNIPER_X": "1"},
    )
    feed = loaded.config.feed
    assert (loaded.config.seed, feed.speed, feed.ping_s, feed.silence_s) == (2, 4.0, 3.0, 9.0)
    assert loaded.origins["feed.speed"] == "--set"
    assert loaded.origins["feed.ping_s"] == "env SNIPER__FEED__PING_S"
    assert loaded.origins["feed.silence_s"] == "config.toml:5"
    assert loaded.origins["seed"] == "config.toml:1"
    assert loaded.origins["feed.source"] == "default"


def test_the_last_set_of_one_key_wins(alone: Path) -> None:
    assert load(sets=["seed=1", "seed=2"]).config.seed == 2


def test_the_first_file_that_applies_is_taken(alone: Path) -> None:
    xdg = alone / "xdg"
    (xdg / "sniper").mkdir(parents=True)
    assert find(None, {"XDG_CONFIG_HOME": str(xdg)}) is None
    far = write("seed = 4", str(xdg / "sniper" / "config.toml"))
    assert find(None, {"XDG_CONFIG_HOME": str(xdg)}) == far
    (alone / ".config" / "sniper").mkdir(parents=True)
    home = write("seed = 5", str(alone / ".config" / "sniper" / "config.toml"))
    assert find(None, {"HOME": str(alone)}) == home
    write("seed = 3")
    assert find(None, {"XDG_CONFIG_HOME": str(xdg)}) == Path("config.toml")
    named = write("seed = 2", "named.toml")
    assert find(None, {"SNIPER_CONFIG": "named.toml"}) == named
    assert find("config.toml", {"SNIPER_CONFIG": "named.toml"}) == Path("config.toml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("2.5", 2.5),
        ("true", True),
        ('"2"', "2"),
        ("testnet", "testnet"),
        (" wss://a/b ", "wss://a/b"),
        ('["A-USD"]', ["A-USD"]),
        ("", ""),
        ("1\nother = 2", "1\nother = 2"),
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_text_is_read_as_toml_reads_a_value(text: str, value: Any) -> None:
    assert plain(text) == value


def test_a_list_can_be_set_without_brackets(alone: Path) -> None:
    assert load(sets=["feed.markets=BTC-USD, ETH-USD"]).config.feed.markets == ("BTC-USD", "ETH-USD")
    assert load(sets=["sim.markets=SOL-USD"]).config.sim.markets == ("SOL-USD",)
    assert load(sets=["sim.markets=3"]).config.sim.markets == 3
    assert load(sets=["feed.candles=1MIN,1DAY"]).config.feed.candles == ("1MIN", "1DAY")


# lines


def test_every_statement_has_the_line_it_begins_on() -> None:
    text = '''# a comment
seed = 1
a.b = 2   # dotted

[feed] # a section
markets = [
    "A",  # [not a section]
    "B",
]
text = """
[not a section]
x = 1
"""
[ feed . batched ]
trades = true
inline = {x = 1, y = {z = 2}}
[empty]
[[list]]
deep = 1
["odd.name"]
k = 1
'''
    assert list(statements(text)) == [
        (2, "seed", 1),
        (3, "a.b", 2),
        (5, "feed", {}),
        (6, "feed.markets", ["A", "B"]),
        (10, "feed.text", "[not a section]\nx = 1\n"),
        (14, "feed.batched", {}),
        (15, "feed.batched.trades", True),
        (16, "feed.batched.inline.x", 1),
        (16, "feed.batched.inline.y.z", 2),
        (17, "empty", {}),
        (18, "list", [{}]),
        (19, "list.deep", 1),
        (20, '"odd.name"', {}),
        (21, '"odd.name".k', 1),
    ]


tables = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=5) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.text('abc." é', min_size=1, max_size=4), inner, min_size=1, max_size=3),
    max_leaves=8,
)


@example({"a": {'"': {'"': 0}, ".": 1}})
@given(st.dictionaries(st.text("abcd", min_size=1, max_size=3), tables, max_size=4))
def test_the_statements_are_what_the_file_says(tree: dict[str, Any]) -> None:
    text = tomli_w.dumps(tree)
    found = {key: value for _, key, value in statements(text) if value != {}}
    assert found == dict(flatten(tree))


# the errors: one line, the place, what to do next


@pytest.fixture
def digits() -> Iterator[None]:
    """Python's own limit on the digits of a number, which the naive twins lift for all."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(4300)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[feed]\nsorce = 'sim'",
            "c.toml:2: unknown key feed.sorce. Did you mean feed.source? Run 'sniper config show'",
        ),
        ("\nsped = 1", "c.toml:2: unknown key sped. Did you mean seed? Run"),
        ("speed = 1", "c.toml:1: unknown key speed. Did you mean feed.speed?"),
        ("[feed]\n[fed]", "c.toml:2: unknown key fed. Did you mean feed?"),
        ("[sim.fault]\ndrop = 0.1", "c.toml:1: unknown key sim.fault. Did you mean sim.faults?"),
        ('"feed.source" = "sim"', 'c.toml:1: unknown key "feed.source". Did you mean feed.source?'),
        ("feed = 3", "c.toml:1: feed is a section, not a value. Set one of its keys: feed.source, feed.path"),
        ("[[feed]]\nspeed = 1", "c.toml:1: feed is a section"),
        ("seed = 'x'", 'c.toml:1: seed: should be a whole number (it is "x")'),
        ("seed = true", "c.toml:1: seed: should be a whole number (it is true)"),
        ("\n\n[feed]\n\nspeed = 'fast'", 'c.toml:5: feed.speed: should be a number (it is "fast")'),
        (
            "[feed]\nmarkets = [\n 1,\n 2]",
            "c.toml:2: feed.markets: should be 'all', or should be text in quotes",
        ),
        ("[feed]\nmarkets = 1", "c.toml:2: feed.markets: should be 'all', or should be a list (it is 1)"),
        ("[feed]\nmarkets = []", "c.toml:2: feed.markets: is an empty list"),
        ("[feed]\ncandles = ['1M']", "c.toml:2: feed.candles: should be '1MIN', '5MINS'"),
        ("[feed]\nsource = 'mars'", 'c.toml:2: feed.source: "mars" is not one of sim, replay'),
        ("[feed.batched]\ntrades = 1", "c.toml:2: feed.batched.trades: should be true or false (it is 1)"),
        ("[sim]\nstart = 2026-01-01", "c.toml:2: sim.start: should be a time such as 2026-01-01T00:00:00Z"),
        ("[sim]\nstart = 2026-01-01T00:00:00", "c.toml:2: sim.start: should have timezone info"),
        ("[journal]\nfile_mb_max = 9\ntotal_mb_max = 8", "c.toml:3: journal.total_mb_max = 8 is less than"),
        ("feed.source = 'replay'", 'c.toml:1: feed.source = "replay" needs feed.path'),
        ("seed = 'x'\n[feed]\nspeed = 'y'\nping_s = 'z'", "(and 2 more)"),
        ("seed = 1\n\n[feed", "c.toml is not valid TOML: Expected ']'"),
        ("seed = 1\n\n[feed", "line 1 is the last good one"),
        ("seed = ", "c.toml is not valid TOML: Invalid value (at"),
        ("seed = 1\nseed = 2", "c.toml is not valid TOML: Cannot overwrite a value"),
        ("x = " + "[" * 10_000, "c.toml is not valid TOML: "),
        ("seed = " + "9" * 10_000, "c.toml is not valid TOML: Exceeds the limit"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(alone: Path, text: str, said: str) -> None:
    write(text, "c.toml")
    with pytest.raises(ConfigError) as caught:
        load("c.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.advice
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("sets", "environ", "said"),
    [
        (["feed.speed"], {}, '--set "feed.speed" has not the form key=value'),
        (["=3"], {}, "has not the form key=value"),
        (["feed.sped=3"], {}, "--set: unknown key feed.sped. Did you mean feed.speed?"),
        (["feed=3"], {}, "--set: feed is a section"),
        (["seed=x"], {}, '--set: seed: should be a whole number (it is "x")'),
        ([], {"SNIPER__SED": "3"}, "env SNIPER__SED: unknown key sed. Did you mean seed?"),
        (
            [],
            {"SNIPER__SEED": "-1"},
            "env SNIPER__SEED: seed: should be greater than or equal to 0 (it is -1)",
        ),
    ],
)
def test_a_fault_elsewhere_is_named_with_its_place(
    alone: Path, sets: list[str], environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(sets=sets, environ=environ)
    assert said in str(caught.value)


def test_a_file_that_was_named_must_exist(alone: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"--config: there is no file c.toml. Write one with 'sniper config init c.toml'"
    ):
        load("c.toml")
    with pytest.raises(ConfigError, match=r"SNIPER_CONFIG: there is no file c\.toml"):
        load(environ={"SNIPER_CONFIG": "c.toml"})
    with pytest.raises(ConfigError, match="there is no file"):
        load(alone)


def test_a_file_that_may_not_be_read_is_a_permission_problem(alone: Path) -> None:
    write("seed = 2", "c.toml").chmod(0)
    with obeyed(), pytest.raises(PermissionProblem, match=r"c\.toml may not be read. Allow it with 'chmod u"):
        load("c.toml")


def test_a_file_that_is_no_text_is_refused(alone: Path) -> None:
    Path("c.toml").write_bytes(b"seed = \xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        load("c.toml")


# round trip

probabilities = st.floats(0.0, 1.0)
paths = st.text(max_size=20).filter(str.isprintable)
tickers = st.lists(st.from_regex(r"[A-Z0-9]{1,8}-USD", fullmatch=True), min_size=1, max_size=4, unique=True)
configs = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**63 - 1),
        "feed.source": st.sampled_from(["sim", "testnet", "mainnet", "ws://127.0.0.1:8/v4/ws"]),
        "feed.path": paths,
        "feed.speed": st.floats(0.0, 1e6),
        "feed.markets": st.just("all") | tickers,
        "feed.candles": st.lists(st.sampled_from(["1MIN", "1HOUR", "1DAY"]), max_size=3),
        "feed.batched.trades": st.booleans(),
        "sim.markets": st.integers(1, 60) | tickers,
        "sim.start": st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
        "sim.faults.drop": probabilities,
        "sim.faults.oracle_jump": probabilities,
        "loop.tick_ms": st.integers(1, 10_000),
        "journal.folder": paths,
        "dashboard.market": st.sampled_from(["BTC-USD", "LINK-USD"]),
    },
)


@given(configs)
def test_what_show_prints_loads_to_the_same_config(chosen: dict[str, Any]) -> None:
    from sniper.cli.config import as_toml

    config = validate({key: Value(value, "test") for key, value in chosen.items()})
    origins = dict.fromkeys(leaves(config), "a place")
    for with_origins in (False, True):
        text = as_toml(configfile.Loaded(config, origins, None), with_origins)
        again = validate({key: Value(value, f"line {line}") for line, key, value in statements(text)})
        assert again == config
