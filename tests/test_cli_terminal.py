"""cli.terminal: what goes where, and when in colour."""

from __future__ import annotations

import io
import json

import pytest

from sniper.cli.terminal import choose_color, emit, note, say, wants_color


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_color_obeys_the_environment_and_the_terminal(
    stream: io.StringIO, environ: dict[str, str], wanted: bool
) -> None:
    assert wants_color(stream, environ) is wanted


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}),
        ("always", {"FORCE_COLOR": "1"}),
        ("never", {"NO_COLOR": "1"}),
    ],
)
def test_the_option_becomes_the_environments_word(choice: str, wanted: dict[str, str]) -> None:
    environ = {"NO_COLOR": "1", "FORCE_COLOR": "1"}
    choose_color(choice, environ)
    assert environ == wanted


def test_a_document_is_one_line_of_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"schema": "sniper.x/1", "price": "0.10", "none": None})
    out, err = capsys.readouterr()
    assert out.endswith("\n") and out.count("\n") == 1 and err == ""
    assert json.loads(out) == {"schema": "sniper.x/1", "price": "0.10", "none": None}
    with pytest.raises(ValueError, match="JSON"):
        emit({"price": float("nan")})


def test_a_note_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    note("a line")
    assert capsys.readouterr() == ("", "a line\n")


def test_a_note_passes_on_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    note("a\x1b[31m\x07b\nc\x9b", "\x1b[31m>\x1b[0m ")
    assert capsys.readouterr().err == "\x1b[31m>\x1b[0m a·[31m·b·c·\n"


def test_a_stream_that_takes_nothing_does_not_stop_us(monkeypatch: pytest.MonkeyPatch) -> None:
    full = io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)
    monkeypatch.setattr("sys.stderr", full)
    note("lost")
    note("lost, too")
    monkeypatch.undo()
    full.detach().close()


def test_an_answer_holds_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    say("score \x1b[2J61\r\n\x07 µ ± é")
    assert capsys.readouterr().out == "score ·[2J61··· µ ± é\n"
