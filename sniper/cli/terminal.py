"""What goes where: one JSON document on standard output, all else on standard error, colour if wanted."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import click

from sniper.keys.redaction import REDACTOR

UNPRINTABLE = "·"


def open_streams() -> None:
    """Give the standard streams that the caller closed to the null device.

    Otherwise the next file to be opened, the journal say, would get the number of standard error.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


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
    """The one JSON document of a command, on standard output, without any secret that this process holds."""
    sys.stdout.write(REDACTOR.clean_registered(json.dumps(document, allow_nan=False)) + "\n")
    sys.stdout.flush()


def plain(text: str) -> str:
    """One line without control characters, which a name or a reason from outside may hold."""
    return text if text.isprintable() else "".join(c if c.isprintable() else UNPRINTABLE for c in text)


def say(text: str) -> None:
    """One line of an answer on standard output, without control characters: they could rule the terminal."""
    click.echo(plain(text))


def note(text: str, before: str = "") -> None:
    """One line on standard error, `before` untouched in front of it. Control characters, which a name or a
    message from outside may hold, are not passed on, nor is what looks like a key.

    A stream that takes nothing (a full disk, a terminal that is gone) is no reason to stop what is running.
    """
    text = REDACTOR.clean(text)
    shown = plain(text)
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{before}{shown}\n")
        sys.stderr.flush()
