"""errors: one line each, and the exit codes of the conventions."""

from __future__ import annotations

import inspect
import sys

import pytest

from sniper import errors


def test_the_exit_codes_are_those_that_the_readme_promises() -> None:
    codes = {
        name: value
        for name, value in vars(errors).items()
        if name.startswith("EXIT_") and name != "EXIT_MEANINGS"
    }
    assert codes == {
        "EXIT_OK": 0,
        "EXIT_UNEXPECTED": 1,
        "EXIT_USAGE": 2,
        "EXIT_CONFIG": 3,
        "EXIT_PERMISSION": 4,
        "EXIT_NETWORK": 5,
        "EXIT_RECONCILIATION": 6,
        "EXIT_RISK_LATCH": 7,
        "EXIT_DIFFERENCES": 8,
        "EXIT_SIGINT": 130,
        "EXIT_SIGHUP": 129,
        "EXIT_SIGTERM": 143,
    }
    assert set(errors.EXIT_MEANINGS) == set(codes.values())


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.SniperError, 1),
        (errors.UsageError, 2),
        (errors.JournalError, 2),
        (errors.ConfigError, 3),
        (errors.PermissionProblem, 4),
        (errors.NetworkUnavailable, 5),
        (errors.DifferencesFound, 8),
    ],
)
def test_an_error_is_one_line_with_what_to_do_next(kind: type[errors.SniperError], code: int) -> None:
    error = kind("the file\n is gone", "Write it anew.")
    assert str(error) == "the file is gone. Write it anew."
    assert error.exit_code == code
    assert str(kind("the file is gone")) == "the file is gone"


def test_a_divergence_names_tick_stage_and_field() -> None:
    error = errors.ReplayDiverged(17, "book", "ask")
    assert str(error) == "the replay differs from the journal at tick 17, stage book, field ask"
    assert (error.tick, error.stage, error.field, error.exit_code) == (17, "book", "ask", 8)
    assert "field" not in str(errors.ReplayDiverged(17, "book"))


def test_every_error_says_what_it_is_for() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.SniperError)
    ]
    assert len(kinds) == 9
    assert all(kind.__doc__ for kind in kinds)


def test_what_is_missing_is_installed_where_we_run() -> None:
    assert errors.installing("plotly") == f"{sys.executable} -m pip install plotly"
