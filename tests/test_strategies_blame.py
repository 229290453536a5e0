"""strategies.blame: what anybody's strategy does wrong ends a run as its own fault, told with tick, method and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main
from sniper.errors import StrategyFault
from sniper.strategies.blame import blamed, resumed, wishes
from sniper.trading import Intent, Reason, Withdraw
from tests.commands import document, refused
from tests.paper_run import run

SOURCE = """
import sys
from typing import NamedTuple
from sniper.trading import Intent, Reason, Withdraw

class Own(NamedTuple):
    nothing: int = 0

class Anybody:
    name = "anybody"
    Settings = Own
    resolutions = (0,)

    def __init__(self, signals, kinds, settings=None):
        self.asked = 0

    def decide(self, view):
        self.asked += 1
        DECIDE
        return ()

    def explain(self, view, market):
        return ()

    def save(self):
        return b""

    def load(self, state):
        pass
"""
RUN = ("--ticks", "60", "--headless", "--set", "feed.speed=0", "--set", "sim.markets=2")


def anybody(decide: str = "pass", **changed: str) -> None:
    text = SOURCE.replace("DECIDE", decide)
    for old, new in [pair.split(" -> ") for pair in changed.values()]:
        assert old in text
        text = text.replace(old, new)
    Path("anybody.py").write_text(text)


@pytest.mark.parametrize(
    ("decide", "said"),
    [
        ("if self.asked > 20: raise KeyError('x')", "KeyError: 'x' at anybody.py:"),
        ("if self.asked > 20: sys.exit(0)", "SystemExit: 0"),
        ("return 'hello'", "returned 'h', neither Intent nor Withdraw"),
        ("return 7", "TypeError"),
        ("return [None]", "returned None"),
        ("return Intent(0, 0, 5)", "neither Intent nor Withdraw"),
        ("return [Intent(0, 0, 97_500.5, 1)]", "not all whole"),
        ("return [Intent(0, 0, 97_500, weight='all')]", "weight 'all'"),
        ("return [Intent(0, 0, 97_500, purpose=None)]", "not texts"),
        ("return [Intent(0, 0, 97_500, reasons=('x',))]", "not all of type Reason"),
        ("return [Withdraw('7', 'x')]", "neither Intent nor Withdraw"),
        ("view.positions.clear()", "AttributeError"),
    ],
)
def test_what_it_does_wrong_is_its_fault(
    alone: Path, capsys: pytest.CaptureFixture[str], decide: str, said: str
) -> None:
    anybody(decide)
    told = refused(capsys, 1, "run", *RUN, "--set", "strategy.name=anybody.py", "--journal", "j")
    assert "the strategy anybody failed in decide of tick " in told and said in told
    assert "fault of sniper" not in told
    assert refused(capsys, 1, "replay", "j") == told, (
        "the journal is in order, and it fails again in that tick"
    )


def test_a_generator_a_list_and_none_are_decisions(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = []
    for decide in ("return [Intent(0, 0, 97_500, 1)]", "yield Intent(0, 0, 97_500, 1)", "return None"):
        anybody(decide)
        if decide.startswith("yield"):
            Path("anybody.py").write_text(
                SOURCE.replace("DECIDE", decide).replace("        return ()\n\n    def ex", "\n    def ex")
            )
        ran = document(capsys, "run", *RUN, "--set", "strategy.name=anybody.py", "--no-journal", "--json")
        counts.append(ran["account"]["decisions"])
    assert counts[0] == counts[1] > 0 == counts[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("self.asked = 0 -> raise ValueError('no')", "cannot be made: ValueError: no"),
        ("import sys -> raise RuntimeError('at import')", "cannot be loaded: RuntimeError: at import"),
        ("import sys -> import nosuchmodule", "cannot be loaded: ModuleNotFoundError"),
        ("resolutions = (0,) -> resolutions = (99, 'x')", "asks for the resolutions (99, 'x')"),
        ("resolutions = (0,) -> resolutions = (9,)", "asks for the resolutions (9,)"),
    ],
)
def test_what_cannot_be_made_is_told_before_the_first_tick(
    alone: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    anybody(change=change)
    told = refused(capsys, 3, "run", *RUN, "--set", "strategy.name=anybody.py", "--no-journal")
    assert said in told


def test_a_state_that_is_none_is_told_when_it_is_saved(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anybody(change='return b"" -> return "text"')
    argv = ("--set", "strategy.name=anybody.py", "--journal", "j", "--set", "journal.snapshot_s=1")
    assert "failed in save of tick" in refused(capsys, 1, "run", *RUN, *argv)


def test_an_explanation_that_fails_is_told(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anybody(change="        return ()\n\n    def save ->         return 1 / 0\n\n    def save")
    assert main(["run", *RUN, "--set", "strategy.name=anybody.py", "--journal", "j"]) == 0
    assert "failed in explain of tick" in refused(capsys, 1, "why", "j", "--at", "40")


def test_what_it_says_cannot_rule_the_terminal(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "        return (Reason('gate.\\x1b[2J\\n', 1.0, 2.0, False),)\n\n    def save"
    anybody(change=f"        return ()\n\n    def save -> {evil}")
    assert main(["run", *RUN, "--set", "strategy.name=anybody.py", "--journal", "j"]) == 0
    capsys.readouterr()
    assert main(["why", "j", "--at", "40"]) == 0
    out = capsys.readouterr().out
    assert "·[2J·" in out and "\x1b" not in out


def test_wishes() -> None:
    intent = Intent(0, 0, 5, reasons=(Reason("x", 1.0, 2.0, True),))
    assert wishes([intent, Withdraw(1, "x")]) == (intent, Withdraw(1, "x"))
    for wrong in (
        [intent._replace(side=True)],
        [intent._replace(price_ticks="5")],
        [intent._replace(score=None)],
    ):
        with pytest.raises(TypeError):
            wishes(wrong)


def test_a_text_of_any_length_is_one_line() -> None:
    fault = blamed(type("X", (), {"name": "x"}), "decide", 7, ValueError("a\nb" * 1000))
    assert isinstance(fault, StrategyFault) and "\n" not in str(fault) and len(str(fault)) < 500


def test_what_is_lent_cannot_be_changed() -> None:
    engine, _ = run(2, markets=2)
    assert engine.desk is not None
    positions: Any = engine.desk.view.positions
    with pytest.raises(TypeError):
        positions[0] = None
    scores: Any = engine.desk.view.scores(0)
    with pytest.raises(TypeError):
        scores[0] = 99.0


class Refuses:
    """A strategy whose states nobody gets back."""

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem

    def load(self, state: bytes) -> None:
        if self.problem is not None:
            raise self.problem


def test_a_state_that_is_not_taken_back_is_no_fault() -> None:
    assert resumed(Refuses(None), b"") == ""
    assert resumed(Refuses(ValueError("of version 2")), b"") == "its state is refused: of version 2"
    assert resumed(Refuses(KeyError()), b"") == "its state is refused: KeyError"
