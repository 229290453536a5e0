"""What the verbs of `sniper keys` share."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click
import pytest

from sniper.cli.keys_common import Desk, confirm, facts_of, fingerprint, keys_folder, lines_of, listed
from sniper.errors import PermissionProblem, UsageError
from sniper.keys.ring import Ring
from tests.vectors import ABANDON, PASSPHRASE, kept


def audited(folder: Path) -> list[dict[str, object]]:
    return [
        json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]


def test_nobody_is_asked_where_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    confirm("permit it", True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="permit it: nobody to ask"):
        confirm("permit it", False)


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if goes_on:
        confirm("permit it", False)
    else:
        with pytest.raises(click.Abort):
            confirm("permit it", False)


def test_the_folder_of_keys(alone: Path) -> None:
    assert keys_folder(None) == alone / ".local/state/sniper/keys"
    assert keys_folder("~/k") == alone / "k"


def test_every_use_of_a_key_is_in_the_log_and_so_is_every_failure(alone: Path) -> None:
    kept(alone / "keys", "bot", ABANDON, "trader")
    (alone / "pass").touch(mode=0o600)
    for passphrase, kind in ((PASSPHRASE, "key.open"), (b"a wrong passphrase", "key.refused")):
        (alone / "pass").write_bytes(passphrase)
        with open(alone / "pass", "rb") as file, Desk("keys", "log", file.fileno()) as desk:
            if kind == "key.open":
                desk.unlock("bot", "a test").secret.wipe()
            else:
                with pytest.raises(PermissionProblem, match="does not open"):
                    desk.unlock("bot", "a test")
            with pytest.raises(UsageError, match="no key none"):
                desk.unlock("none", "a test")
    lines = audited(alone / "log")
    assert [(one["kind"], one["facts"]["key"], one["facts"]["purpose"]) for one in lines] == [  # type: ignore[index]
        ("key.open", "bot", "a test"),
        ("key.refused", "bot", "a test"),
    ]


def test_what_is_shown_of_a_key(tmp_path: Path) -> None:
    header = kept(tmp_path / "keys", "me", ABANDON, "owner")
    assert Ring(tmp_path / "keys").header("me").address == header.address
    facts = facts_of("me", header)
    assert (facts["kind"], facts["may_withdraw"], facts["address"], facts["grants"]) == (
        "owner", True, header.address, [],
    )  # fmt: skip
    assert len(fingerprint(header)) == 16 and facts["fingerprint"] == fingerprint(header)
    assert header.address in lines_of("me", header)[0] and "may withdraw" in lines_of("me", header)[0]
    assert listed((1, None)) == "1, any other" and listed(()) == "none"
