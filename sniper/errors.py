"""Errors by whose fault they are, and the exit code that each one gives.

* Ours: an assertion or any exception that is not a `SniperError`. Nothing catches it before the command line;
  the loop stops and the program ends with `EXIT_UNEXPECTED`.
* The user's (a wrong option, a wrong config, a file that is not what it was said to be): a `SniperError` that
  says in one line what is wrong, what follows from it and what to do next. A traceback only with `--debug`.
* Theirs (a malformed frame, a gap, a crossed book): never an exception; a row and a counter in the engine.
* Diverged: `ReplayDiverged` names tick, stage and field.
"""

from __future__ import annotations

import shlex
import sys

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_CONFIG = 3
EXIT_PERMISSION = 4
EXIT_NETWORK = 5
EXIT_RECONCILIATION = 6
EXIT_RISK_LATCH = 7
EXIT_DIFFERENCES = 8
EXIT_SIGHUP = 129
EXIT_SIGINT = 130
EXIT_SIGTERM = 143

EXIT_MEANINGS: dict[int, str] = {
    EXIT_OK: "done",
    EXIT_UNEXPECTED: "unexpected: a fault of sniper itself, or of a strategy",
    EXIT_USAGE: "usage: a wrong option, argument or input file",
    EXIT_CONFIG: "the config is not valid",
    EXIT_PERMISSION: "a key or a permission is missing",
    EXIT_NETWORK: "the venue or the network is not available",
    EXIT_RECONCILIATION: "reconciliation refused to start",
    EXIT_RISK_LATCH: "a risk latch is set",
    EXIT_DIFFERENCES: "a check found differences",
    EXIT_SIGHUP: "ended by SIGHUP",
    EXIT_SIGINT: "ended by SIGINT",
    EXIT_SIGTERM: "ended by SIGTERM",
}


class SniperError(Exception):
    """A problem that the user can solve.

    message: the cause and what follows from it, one line, no full stop at the end.
    advice: what to do next, best as a command that can be typed.
    """

    exit_code = EXIT_UNEXPECTED

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message, advice)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        """One line: every run of white space, line breaks included, becomes one space."""
        text = f"{self.message}. {self.advice}" if self.advice else self.message
        return " ".join(text.split())


def installing(package: str) -> str:
    """The command that puts a package into the environment that we run in: sniper itself is on no index."""
    return f"{shlex.quote(sys.executable)} -m pip install {package}"


class UsageError(SniperError):
    """A wrong option, argument or input file."""

    exit_code = EXIT_USAGE


class JournalError(UsageError):
    """A file that is no journal of ours, or of a version that this program cannot read."""


class ConfigError(SniperError):
    """The config is not valid: nothing was started."""

    exit_code = EXIT_CONFIG


class StrategyFault(SniperError):
    """A strategy raised something, or returned what is no decision. The run ended: its state cannot be relied on."""


class PermissionProblem(SniperError):
    """A folder, a file or a key that we are not allowed to use."""

    exit_code = EXIT_PERMISSION


class NetworkUnavailable(SniperError):
    """The venue or the network cannot be reached."""

    exit_code = EXIT_NETWORK


class DifferencesFound(SniperError):
    """A check ran to its end and found differences."""

    exit_code = EXIT_DIFFERENCES


class ReplayDiverged(DifferencesFound):
    """A replay that differs from its journal: names the tick, the stage and, where known, the field."""

    def __init__(self, tick: int, stage: str, field: str | None = None, advice: str = "") -> None:
        where = f"tick {tick}, stage {stage}" + (f", field {field}" if field else "")
        super().__init__(f"the replay differs from the journal at {where}", advice)
        self.tick = tick
        self.stage = stage
        self.field = field
