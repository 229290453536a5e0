"""audit_check: names the first broken line, whatever was done to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sniper.audit import Audit
from sniper.audit_check import hash_at, verify
from sniper.errors import PermissionProblem, UsageError
from tests.test_audit import FIRST, filled

Lines = list[bytes]


def forged(line: bytes, **changes: object) -> bytes:
    """A line with other values and the right hash for them: what somebody who knows the format would write."""
    found = json.loads(line) | changes
    begun = json.dumps({key: found[key] for key in list(found)[:5]}, separators=(",", ":"))[:-1].encode()
    return begun + f',"hash":"{hashlib.sha256(begun).hexdigest()}"}}'.encode()


@pytest.mark.parametrize(
    ("change", "line", "seq", "problem"),
    [
        (lambda a: [*a[:2], a[2].replace(b"reason 2", b"reason 7"), *a[3:]], 3, 3, "not that of its content"),
        (lambda a: [*a[:2], *a[3:]], 3, 3, "it has the number 4"),
        (lambda a: [*a[:2], a[2], a[2], *a[3:]], 4, 4, "it has the number 3"),
        (lambda a: [*a[:2], a[3], a[2], a[4]], 3, 3, "it has the number 4"),
        (lambda a: [*a[:2], forged(a[2], facts={}), *a[3:]], 4, 4, "not the one it was chained to"),
        (lambda a: [*a[:2], b"", *a[2:]], 3, 3, "no JSON"),
        (lambda a: [*a[:2], b"\ttorn", *a[2:]], 4, 3, "was not mended"),
        (lambda a: [*a[:2], b"x" * 70_000, *a[2:]], 3, 3, "no JSON"),
        (lambda a: a[1:], 1, 1, "the file begins with line 2"),
        (lambda a: [forged(a[0], previous="1" * 64), *a[1:]], 1, 1, "has one before it"),
        (
            lambda a: [*a, forged(a[4], seq=6, kind="audit.mended", previous=json.loads(a[4])["hash"])],
            6,
            6,
            "mends",
        ),
        (lambda a: [*a[:4], a[4][:-9]], 5, 5, "no JSON"),
    ],
)
def test_the_first_broken_line_is_named(
    tmp_path: Path, change: Callable[[Lines], Lines], line: int, seq: int, problem: str
) -> None:
    file = filled(tmp_path / "log")
    assert verify(file.parent).broken is None
    file.write_bytes(b"\n".join([*change(file.read_bytes().splitlines()), b""]))
    found = verify(file.parent).broken
    assert found is not None
    assert (found.file, found.line, found.seq) == (FIRST, line, seq)
    assert problem in found.problem


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    file = filled(tmp_path / "log", 2)
    whole = file.read_bytes()
    for at in range(len(whole) - 1):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify(file.parent).broken is not None, at
    file.write_bytes(whole[:-1] + b"\x0b")
    assert verify(file.parent).torn_bytes, "and the last line break is a torn line"


def test_a_file_that_is_missing_in_the_middle_or_at_the_front(tmp_path: Path) -> None:
    with Audit(tmp_path / "log", file_bytes_max=600) as audit:
        for number in range(12):
            audit.write("order.place", {"number": number})
    files = sorted((tmp_path / "log").iterdir())
    assert verify(tmp_path / "log").files == len(files) > 3
    saved = files[1].read_bytes()
    files[1].unlink()
    found = verify(tmp_path / "log").broken
    assert found is not None and (found.file, found.line) == (files[2].name, 1)
    files[1].touch(mode=0o600)
    files[1].write_bytes(saved[:-4])
    found = verify(tmp_path / "log").broken
    assert found is not None and "ends within a line" in found.problem
    files[0].unlink()
    files[1].write_bytes(saved)
    assert verify(tmp_path / "log").broken is None, "the oldest may be rotated away"
    lines = files[1].read_bytes().splitlines(keepends=True)
    files[1].rename(files[1].with_name("audit-000000000099.jsonl"))
    assert verify(tmp_path / "log").broken is not None
    (tmp_path / "log" / "audit-000000000099.jsonl").unlink()
    files[1].with_name(f"audit-{json.loads(lines[1])['seq']:012d}.jsonl").touch(mode=0o600)
    files[1].with_name(f"audit-{json.loads(lines[1])['seq']:012d}.jsonl").write_bytes(b"".join(lines[1:]))
    found = verify(tmp_path / "log").broken
    assert found is not None and found.problem == "lines before it are missing"


def test_the_hash_of_a_line_by_its_number(tmp_path: Path) -> None:
    with Audit(tmp_path / "log", file_bytes_max=600) as audit:
        heads = [audit.write("order.place", {"number": number}) for number in range(12)]
    assert all(hash_at(tmp_path / "log", head.seq) == head.hash for head in heads)
    assert hash_at(tmp_path / "log", heads[-1].seq + 1) is None
    assert hash_at(tmp_path / "log", 0) is None


def test_a_log_of_nothing_and_one_that_is_open_to_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        verify(tmp_path / "none")
    file = filled(tmp_path / "log")
    file.chmod(0o644)
    with pytest.raises(PermissionProblem):
        verify(file.parent)
    file.unlink()
    assert verify(file.parent).lines == 0
