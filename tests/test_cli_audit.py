"""`sniper audit verify`: the answer, the exit code, the head that was noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.audit import Audit
from tests.commands import document, refused
from tests.test_audit import FIRST, filled


def test_a_whole_log(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = alone / ".local" / "state" / "sniper" / "audit"
    filled(folder)
    found = document(capsys, "audit", "verify", "--json")
    assert found["schema"] == "sniper.audit_verify/1"
    assert (found["ok"], found["lines"], found["files"], found["broken"]) == (True, 5, 1, None)
    assert set(found) == {
        "schema", "ok", "problem", "broken", "files", "lines", "first_seq", "head", "mended", "torn_bytes",
    }  # fmt: skip
    assert main(["audit", "verify", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert f"head 5:{found['head']['hash']}" in out
    assert err == "the chain is whole\n"


def test_an_empty_log_is_not_called_whole(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(alone / "log")
    head = document(capsys, "audit", "verify", "log", "--json")["head"]
    (alone / "log" / FIRST).unlink()
    assert main(["audit", "verify", "log"]) == 0
    assert "the log is empty" in capsys.readouterr().err
    document(capsys, "audit", "verify", "log", "--json", "--head", f"{head['seq']}:{head['hash']}", code=8)


def test_a_broken_log_names_its_first_broken_line(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = filled(alone / "log")
    file.write_bytes(file.read_bytes().replace(b"reason 2", b"reason 7"))
    found = document(capsys, "audit", "verify", "log", "--json", code=8)
    assert found["ok"] is False
    assert (found["broken"]["file"], found["broken"]["line"]) == (FIRST, 3)
    assert main(["audit", "verify", "log"]) == 8
    assert f"{FIRST} line 3" in capsys.readouterr().err


def test_a_log_written_anew_is_known_by_the_head_that_was_noted(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(alone / "log")
    head = document(capsys, "audit", "verify", "log", "--json")["head"]
    noted = f"{head['seq']}:{head['hash']}"
    document(capsys, "audit", "verify", "log", "--json", "--head", noted)
    document(capsys, "audit", "verify", "log", "--json", "--head", noted[:18])
    filled(alone / "other", 4)
    for forged in ("other", "longer"):
        if forged == "longer":
            filled(alone / forged, 4)
            file = alone / forged / FIRST
            file.unlink()
            filled(alone / forged, 3)
            filled(alone / forged, 3)
        found = document(capsys, "audit", "verify", forged, "--json", "--head", noted, code=8)
        assert "written anew" in found["problem"] and found["broken"] is None


def test_a_head_that_was_rotated_away_is_told_apart(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Audit(alone / "log", file_bytes_max=600, files_max=2) as audit:
        first = audit.write("operator.pause", {})
        for number in range(12):
            audit.write("order.place", {"number": number})
    noted = f"{first.seq}:{first.hash}"
    found = document(capsys, "audit", "verify", "log", "--json", "--head", noted, code=8)
    assert "rotated away" in found["problem"] and found["broken"] is None


def test_a_torn_tail_is_said_and_is_no_difference(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = filled(alone / "log")
    file.write_bytes(file.read_bytes()[:-9])
    assert main(["audit", "verify", "log"]) == 0
    assert "torn by a crash" in capsys.readouterr().err
    filled(alone / "log", 1)
    assert main(["audit", "verify", "log"]) == 0
    assert "mended, with a line that says so: 1" in capsys.readouterr().err


def test_wrong_calls(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be opened" in refused(capsys, 2, "audit", "verify", "none")
    filled(alone / "log")
    assert "no head" in refused(capsys, 2, "audit", "verify", "log", "--head", "5:xyz")
    (alone / "log").chmod(0o755)
    assert "chmod 700" in refused(capsys, 4, "audit", "verify", "log")
