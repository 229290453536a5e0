"""`sniper new`: begin something of your own."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from pathlib import Path

import click

from sniper.cli.terminal import note
from sniper.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

TEST = '''"""STARTER: what it enters, what it leaves, and that it is repeatable."""

from __future__ import annotations

import pytest
from STARTER import CLASS

from sniper.handview import START_NS, HandView
from sniper.trading import BUY, SELL, Intent

SECOND = 1_000_000_000
SIGNALS, KINDS = ("momentum", "volume"), ("directional", "intensity")


def fresh() -> CLASS:
    return CLASS(SIGNALS, KINDS, CLASS.Settings(signal="momentum", enter_score=70.0))


def test_it_enters_on_a_high_score_and_says_why() -> None:
    view = HandView(2, signals=2)
    view.set_scores(1, 90.0)
    (intent,) = fresh().decide(view.at(START_NS))
    assert isinstance(intent, Intent)
    assert (intent.market, intent.side, intent.purpose) == (1, BUY, "entry")
    assert intent.stop_ticks < intent.price_ticks < intent.target_ticks
    assert all(reason.passed for reason in intent.reasons if reason.name.startswith("gate."))


def test_it_sells_on_a_low_score_and_does_nothing_in_between() -> None:
    view = HandView(2, signals=2)
    view.set_scores(0, 10.0)
    (intent,) = fresh().decide(view.at(START_NS))
    assert isinstance(intent, Intent) and (intent.market, intent.side) == (0, SELL)


@pytest.mark.parametrize(
    "facts", [{"trust": "stale"}, {"status": "PAUSED"}, {"bid_ticks": 0}, {"oracle_usd": 0.0}]
)
def test_it_enters_no_market_that_is_not_fit(facts: dict[str, object]) -> None:
    view = HandView(1, signals=2)
    view.set_scores(0, 90.0)
    view.set_facts(0, **facts)
    assert not fresh().decide(view.at(START_NS))


def test_it_leaves_when_the_score_is_gone() -> None:
    view, strategy = HandView(1, signals=2), fresh()
    view.set_scores(0, 90.0)
    strategy.decide(view.at(START_NS))
    view.open(0, BUY, steps=10, entry_ticks=1001.0, strategy="STARTER")
    assert not strategy.decide(view.at(START_NS + SECOND))
    view.set_scores(0, 40.0)
    (intent,) = strategy.decide(view.at(START_NS + 2 * SECOND))
    assert isinstance(intent, Intent)
    assert (intent.purpose, intent.side, intent.size_steps, intent.reduce_only) == ("exit", SELL, 10, True)


def test_what_is_saved_goes_on_as_if_nothing_had_happened() -> None:
    view, one, two = HandView(1, signals=2), fresh(), fresh()
    view.set_scores(0, 90.0)
    one.decide(view.at(START_NS))
    two.load(one.save())
    for second in range(1, 10):
        assert one.decide(view.at(START_NS + second * SECOND)) == two.decide(view)
    assert one.save() == two.save()
    with pytest.raises(ValueError):
        two.load(b"of somebody else")
'''

PROJECT = """# `pip install -e .` in this folder; then strategy.name = "STARTER" in the config of sniper.
# Without installing it, the config may name the file: strategy.name = "path/to/STARTER.py".

[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "sniper-strategy-DASHED"
version = "0.1.0"
dependencies = []  # but for sniper itself, which is on no package index: install into its environment

[project.entry-points."sniper.strategies"]
STARTER = "STARTER:CLASS"

[tool.setuptools]
py-modules = ["STARTER"]
"""


@click.group()
def command() -> None:
    """Begin something of your own."""


@command.command()
@click.argument("name")
@click.option("--folder", metavar="PATH", help="Where to write it. Default: a folder NAME here.")
def strategy(name: str, folder: str | None) -> None:
    """Write a strategy NAME with its test and its package, to be changed at will."""
    check_name(name)
    target = Path(folder if folder is not None else name)
    texts = starting_point(name)
    there = [file for file in texts if (target / file).exists()]
    if there:
        raise UsageError(
            f"{target / there[0]} exists, nothing was written", "Take another name, or another --folder."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with open(target / file, "x", encoding="utf-8") as out:
                out.write(text)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", "Take another --folder.") from None
    for file in texts:
        click.echo(str(target / file))
    note(f'try it: python -m pytest {target}; use it: strategy.name = "{target / name}.py" in the config')


def check_name(name: str) -> None:
    """UsageError unless a module and a strategy may be called so."""
    from sniper.strategies.registry import BUILT_IN

    wrong = ""
    if not NAME.fullmatch(name):
        wrong = "is not lower-case letters, digits and _, a letter first, at most 40"
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name):
        wrong = "is a word of Python"
    elif name in BUILT_IN:
        wrong = "is a built-in strategy"
    elif name in sys.stdlib_module_names or name.startswith("test_"):
        wrong = "is the name of another module"
    if wrong:
        raise UsageError(f"{name!r} {wrong}", "Take another name, for example: sniper new strategy my_first.")


def starting_point(name: str) -> dict[str, str]:
    """The files of a new strategy by their names. The strategy itself is sniper's own starter under another name."""
    title = "".join(part.capitalize() for part in name.split("_"))
    source = files("sniper.strategies").joinpath("starter.py").read_text(encoding="utf-8")
    words = {
        "StarterSettings": f"{title}Settings",
        "Starter": f"{title.removesuffix('Strategy')}Strategy",
        "starter": name,
        "CLASS": f"{title.removesuffix('Strategy')}Strategy",
        "STARTER": name,
        "DASHED": name.replace("_", "-"),
    }

    def named(text: str, *known: str) -> str:
        return re.sub("|".join(known), lambda found: words[found[0]], text)

    ours = ("CLASS", "STARTER", "DASHED")
    return {
        f"{name}.py": named(source, "StarterSettings", "Starter", "starter"),
        f"test_{name}.py": named(TEST, *ours),
        "pyproject.toml": named(PROJECT, *ours),
    }
