"""`sniper audit verify`: is the audit log whole, and does it still end where it was noted to end."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sniper.cli.folders import state_folder
from sniper.cli.options import json_option
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_DIFFERENCES, UsageError

if TYPE_CHECKING:
    from sniper.audit_check import Verdict


def audit_folder(given: str | None) -> Path:
    """The folder of the audit log: the one given, or `audit` in the state folder."""
    return Path(given).expanduser() if given else state_folder(os.environ) / "audit"


@click.group()
def command() -> None:
    """The log of key use, orders and operator commands."""


@command.command()
@click.argument("folder", required=False)
@click.option(
    "--head",
    "noted",
    metavar="SEQ:HASH",
    help="A head that was noted before: its line must still be there. HASH may be its first 16 digits or more.",
)
@json_option
def verify(folder: str | None, noted: str | None, as_json: bool) -> int | None:
    """Read the whole log and name the first line that is broken (exit 8).

    Note the head that this prints in another place: a chain shows that it was changed, not that all of it was
    written anew.
    """
    from sniper.audit_check import hash_at
    from sniper.audit_check import verify as read

    path = audit_folder(folder)
    wanted = _noted(noted) if noted else None
    found = read(path)
    problem = ""
    if found.broken:
        one = found.broken
        problem = f"{one.file} line {one.line}, where number {one.seq} was due: {one.problem}"
    elif wanted and not (hash_at(path, wanted[0]) or "").startswith(wanted[1]):
        gone = wanted[0] < found.first_seq
        problem = f"line {wanted[0]} " + (
            "is not in the log any more: rotated away, or cut off"
            if gone
            else "is not the one whose hash was noted: the log was written anew, or cut off"
        )
    if as_json:
        emit(_document(found, problem))
    else:
        _say(found, problem)
    return EXIT_DIFFERENCES if problem else None


def _noted(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d{1,15}):([0-9a-f]{16,64})", text, re.ASCII)
    if not found:
        raise UsageError(
            f"{text[:80]!r} is no head", "Give it as 'sniper audit verify' printed it: SEQ:HASH."
        )
    return int(found[1]), found[2]


def _document(found: Verdict, problem: str) -> dict[str, object]:
    return {
        "schema": "sniper.audit_verify/1",
        "ok": not problem,
        "problem": problem,
        "broken": found.broken._asdict() if found.broken else None,
        "files": found.files,
        "lines": found.lines,
        "first_seq": found.first_seq,
        "head": found.head._asdict(),
        "mended": found.mended,
        "torn_bytes": found.torn_bytes,
    }


def _say(found: Verdict, problem: str) -> None:
    """The facts on standard output, the judgement on standard error."""
    click.echo(f"{found.lines} lines in {found.files} files, from number {found.first_seq}")
    click.echo(f"head {found.head.seq}:{found.head.hash}")
    if found.mended:
        note(f"torn by a crash and mended, with a line that says so: {found.mended}")
    if found.torn_bytes:
        note(
            f"the last line was torn by a crash ({found.torn_bytes} bytes); the next line to be written mends it"
        )
    if not (found.lines or problem):
        note("the log is empty: nothing was written, or all of it was taken away; a noted --head tells which")
        return
    note(f"broken: {problem}" if problem else "the chain is whole")
