"""cli.progress: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from sniper.cli.progress import progress


def test_elsewhere_it_is_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading", 2000, every_s=0.0) as tell:
        tell(1000)
    with progress("reading", None, every_s=0.0) as tell:
        tell(1000)
    with progress("reading", 2000, every_s=60.0) as tell:
        tell(1000)
    assert capsys.readouterr() == ("", "reading: 1,000 of 2,000 (50 %)\nreading: 1,000\n")


def test_on_a_terminal_it_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Screen())
    with progress("reading", 2000, after_s=0.0) as tell:
        tell(500)
        tell(501)
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "reading" in shown and "500/2000" in shown
    assert "501" not in shown, "it is drawn at most ten times a second"


def test_what_is_done_at_once_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Screen())
    with progress("reading", 2000, after_s=60.0) as tell:
        tell(500)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
