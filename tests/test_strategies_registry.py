"""strategies.registry: built-in names, installed packages, files, and settings as they come from a config."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sniper._ext.signals import SIGNAL_TABLE
from sniper._ext.signals import SIGNALS as SIGNAL_NAMES
from sniper.config_section import section, settings
from sniper.errors import ConfigError
from sniper.strategies.macd_study import MacdSettings
from sniper.strategies.registry import BUILT_IN, build, find, names, resolutions, settings_of
from sniper.strategies.sniper import Sniper, SniperSettings
from sniper.strategies.starter import Starter
from sniper.strategies.weighing import Filter
from tests.handview import KINDS, SIGNALS

REAL, REAL_KINDS = SIGNAL_NAMES, tuple(row[1] for row in SIGNAL_TABLE)

GOOD = """
from typing import NamedTuple

class Settings(NamedTuple):
    speed: float = 1.0

class Mine:
    name = "mine"
    Settings = Settings
    def __init__(self, signals, kinds, settings): self.got = signals, kinds, settings
    def decide(self, view): return ()
    def explain(self, view, market): return ()
    def save(self): return b""
    def load(self, state): pass
"""


def installed(path: Path, package: str, entry: str, source: str = GOOD) -> None:
    """A package as an installer leaves it: a module, its metadata and its entry point."""
    module = entry.partition("=")[2].partition(":")[0].strip()
    (path / f"{module}.py").write_text(source)
    folder = path / f"{package}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[sniper.strategies]\n{entry}\n")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def refused(name: str, options: Any = "{}") -> str:
    with pytest.raises(ConfigError) as error:
        build(name, SIGNALS, KINDS, options)
    return str(error.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_strategy_is_made_with_its_defaults(name: str) -> None:
    strategy = build(name, REAL, REAL_KINDS, "{}")
    assert strategy.name == name and find(name).__module__ == f"sniper.strategies.{name}"
    assert build(name, REAL, REAL_KINDS, "").save() == strategy.save()


def test_the_starting_point_fits_the_signals_there_are() -> None:
    assert Starter(REAL, REAL_KINDS).name == "starter"


def test_a_strategy_may_say_which_bars_it_needs() -> None:
    assert resolutions(build("macd", SIGNALS, KINDS, {"confirm": ["1HOUR", "15MINS"]})) == (1, 2, 4)
    assert resolutions(build("funding", SIGNALS, KINDS, "{}")) == ()


def test_the_names_begin_with_the_built_in_ones(place: Path) -> None:
    installed(place, "theirs", "mine = their_module:Mine")
    assert names() == ["sniper", "macd", "funding", "cross_market", "mine"]


def test_an_unknown_name_says_what_there_is_and_what_may_have_been_meant() -> None:
    assert "there is no strategy snipper. Did you mean sniper? There are sniper, macd" in refused("snipper")
    assert "Did you mean" not in refused("zzz")


def test_an_installed_strategy_is_found_and_made(place: Path) -> None:
    installed(place, "theirs", "mine = their_good:Mine")
    made: Any = build("mine", SIGNALS, KINDS, '{"speed": 2}')
    assert made.got == (SIGNALS, KINDS, (2.0,))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "mine"', 'name = "other"', 'it calls itself "other", not "mine"'),
        ('name = "mine"', "name = 5", "its attribute name is not a text"),
        ("def decide(self, view)", "def decides(self, view)", "it has no method decide"),
        (
            "def explain(self, view, market)",
            "def explain(self)",
            "its method explain does not take 2 arguments",
        ),
        ("def save(self)", "def save(self, where)", "its method save does not take 0 arguments"),
        (
            "def __init__(self, signals, kinds, settings): self.got = signals, kinds, settings",
            "",
            "no method __init__",
        ),
        ("Settings = Settings", "Settings = dict", "its attribute Settings is not a NamedTuple"),
        ("speed: float = 1.0", "speed: float", "its Settings have no default for speed"),
        ("class Mine:", "def Mine(): pass\nclass Other:", "it is not a class"),
    ],
)
def test_a_class_that_is_no_strategy_is_refused_with_what_it_lacks(
    place: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    module = f"their_{abs(hash_of(new)):x}"
    installed(place, "theirs", f"mine = {module}:Mine", GOOD.replace(old, new))
    text = refused("mine")
    assert said in text and f"{module}:Mine of package theirs is not a strategy" in text


def hash_of(text: str) -> int:
    """A number for a module's name: modules are imported once, and each case needs its own."""
    return int.from_bytes(text.encode()[:40].ljust(1, b"x"), "little")


def test_a_package_that_cannot_be_imported_is_named(place: Path) -> None:
    installed(place, "theirs", "mine = their_broken:Mine", "import nothing_of_that_name\n")
    assert (
        "the strategy mine of package theirs cannot be loaded: ModuleNotFoundError: No module named"
        in refused("mine")
    )


@pytest.mark.parametrize("name", ["mine", "sniper"])
def test_a_name_that_is_there_twice_is_refused(place: Path, name: str) -> None:
    installed(place, "theirs", f"{name} = their_one:Mine")
    if name == "mine":
        installed(place, "others", f"{name} = their_two:Mine")
    text = refused(name)
    assert f"there are 2 strategies {name}" in text and "package theirs" in text
    assert ("sniper itself" in text) == (name == "sniper") and ("package others" in text) == (name == "mine")
    with pytest.raises(ConfigError, match="there are 2 strategies"):
        names()


def test_a_file_is_a_strategy(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(GOOD)
    made: Any = build(str(file), SIGNALS, KINDS, {"speed": 3.0})
    assert (made.name, made.got[2].speed) == ("mine", 3.0)
    assert build(f"{file}:Mine", SIGNALS, KINDS, "{}").name == "mine"


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    assert f"there is no file {file} with a strategy" in refused(str(file))
    for source, said in (
        ("def broken(:", "cannot be loaded: SyntaxError: invalid syntax"),
        ("x = 1", "has 0 classes with a method decide, not 1"),
        (GOOD + GOOD.replace("class Mine", "class Yours"), "has 2 classes with a method decide, not 1"),
        (GOOD.replace('"mine"', '"sniper"'), 'calls its strategy "sniper" like a built-in one'),
        (GOOD.replace("def load(self, state)", "def loads(self)"), "it has no method load"),
    ):
        file.write_text(source)
        assert said in refused(str(file))
    file.write_text(GOOD + GOOD.replace("class Mine", "class Yours").replace('"mine"', '"yours"'))
    assert build(f"{file}:Yours", SIGNALS, KINDS, "{}").name == "yours"
    assert "has 0 classes Nobody" in refused(f"{file}:Nobody")


def test_settings_as_a_config_gives_them() -> None:
    given = {
        "weights": {"momentum": 1, "trend": 2.5},
        "filters": [["volume", 20.0, 100.0, 5.0], {"signal": "depth", "at_least": 10.0}],
        "enter_score": 70,
        "terms": {"entry": "post_only", "positions_max": 2},
    }
    for options in (given, json.dumps(given)):
        chosen = settings_of(Sniper, options)
        assert isinstance(chosen, SniperSettings)
        assert chosen.weights == (("momentum", 1.0), ("trend", 2.5))
        assert chosen.filters == (Filter("volume", 20.0, 100.0, 5.0), Filter("depth", 10.0))
        assert (chosen.enter_score, chosen.terms.entry, chosen.terms.weight_max) == (70.0, "post_only", 0.25)
        assert settings_of(Sniper, chosen) is chosen
        assert build("sniper", REAL, REAL_KINDS, options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("{", "are not JSON"),
        ("[]", "are not a table"),
        ('{"enter_scor": 1}', "has no setting enter_scor. Did you mean enter_score?"),
        ('{"terms": {"entr": 1}}', "has no setting terms.entr"),
        ('{"enter_score": "high"}', "enter_score of the strategy sniper: Input should be a valid number"),
        ('{"enter_score": true}', "enter_score of the strategy sniper"),
        ('{"enter_score": 101}', "enter_score = 101.0: Expected `float` <= 100.0"),
        ('{"terms": {"entry": "market"}}', "terms.entry of the strategy sniper"),
        ('{"weights": {"nothing": 1}}', "the signal nothing, which does not exist"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options: str, said: str) -> None:
    assert said in refused("sniper", options)


@pytest.mark.parametrize("kind", [SniperSettings, MacdSettings])
def test_settings_can_be_sections_of_a_config(kind: Any) -> None:
    assert settings(kind, section(kind)()) == kind()


def test_the_registry_alone_imports_no_strategy_and_nothing_slow() -> None:
    code = (
        "import sys, sniper.strategies.registry as r\n"
        "assert r.BUILT_IN\n"
        "print([m for m in sys.modules if m in ('pydantic', 'numpy', 'sniper.strategies.sniper')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
