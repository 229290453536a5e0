"""What goes where: one JSON document on standard output, all else on standard error, colour if wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO


def choose_color(choice: str, environ: MutableMapping[str, str]) -> None:
    """Make `--color` the environment's word, so that rich and we obey the same one."""
    if choice == "never":
        environ["NO_COLOR"] = "1"
        environ.pop("FORCE_COLOR", None)
    elif choice == "always":
        environ["FORCE_COLOR"] = "1"
        environ.pop("NO_COLOR", None)


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """NO_COLOR wins (no-color.org), then FORCE_COLOR, then whether it is a terminal that can."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def emit(document: Mapping[str, Any]) -> None:
    """The one JSON document of a command, on standard output."""
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
