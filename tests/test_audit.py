"""audit: every line chained to the one before, torn lines mended and named, one chain over files and processes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from sniper.audit import BEGINNING, LINE_BYTES_MAX, Audit, Head, parse
from sniper.audit_check import verify
from sniper.errors import DifferencesFound, PermissionProblem
from sniper.keys.secret import Secret

ROOT = Path(__file__).parent.parent
FIRST = "audit-000000000001.jsonl"


def filled(folder: Path, lines: int = 5) -> Path:
    with Audit(folder, clock=iter(range(10**6)).__next__) as audit:
        for number in range(lines):
            audit.write("operator.pause", {"reason": f"reason {number}"})
    return folder / FIRST


def reading(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def test_a_line_is_chained_as_the_document_says(tmp_path: Path) -> None:
    """Written from the module's text alone: SHA-256 of the bytes before ,"hash"; previous is the hash before."""
    raw = filled(tmp_path / "log").read_bytes().splitlines()
    previous = "0" * 64
    for number, line in enumerate(raw, 1):
        found = json.loads(line)
        assert list(found) == ["seq", "time_ns", "kind", "facts", "previous", "hash"]
        assert (found["seq"], found["kind"]) == (number, "operator.pause")
        assert found["facts"] == {"reason": f"reason {number - 1}"}
        assert found["previous"] == previous
        previous = found["hash"]
        assert hashlib.sha256(line[: line.rindex(b',"hash"')]).hexdigest() == previous


def test_folder_and_files_are_for_the_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = filled(tmp_path / "log")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file.parent, file)] == [0o700, 0o600]
    file.chmod(0o640)
    with Audit(file.parent) as audit, pytest.raises(PermissionProblem, match="open to others"):
        audit.write("a", {})
    file.chmod(0o600)
    file.parent.chmod(0o755)
    with Audit(file.parent) as audit, pytest.raises(PermissionProblem, match="open to others"):
        audit.write("a", {})


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    file = filled(tmp_path / "log")
    with Audit(file.parent) as audit:
        head = audit.write("key.open", {})
    lines = reading(file)
    assert head == Head(6, lines[-1]["hash"])
    assert lines[-1]["previous"] == lines[-2]["hash"]


def test_wherever_the_last_line_tore_the_next_one_mends_it_and_says_so(tmp_path: Path) -> None:
    file = filled(tmp_path / "log")
    whole = file.read_bytes()
    last = len(whole) - whole[:-1].rindex(b"\n") - 1
    for cut in (1, 2, *range(3, last, 7), last - 1):
        file.write_bytes(whole[:-cut])
        torn = verify(file.parent)
        assert (torn.broken, torn.lines) == (None, 4)
        with Audit(file.parent) as audit:
            audit.write("operator.resume", {})
        found = verify(file.parent)
        assert found.broken is None, found
        assert (found.mended, found.torn_bytes) == (1, 0)
        assert file.read_bytes().startswith(whole[:-cut]), "nothing is ever taken away"
        assert [reading_of(file)[-2], reading_of(file)[-1]] == ["audit.mended", "operator.resume"]
        # A line that lacks but its line break is no torn line.
        assert found.lines == (7 if cut == 1 else 6)


def reading_of(file: Path) -> list[str]:
    return [json.loads(line)["kind"] for line in file.read_bytes().splitlines()[-2:]]


def test_a_mending_that_tore_is_mended_too(tmp_path: Path) -> None:
    file = filled(tmp_path / "log")
    begun = file.read_bytes()[:-30]
    file.write_bytes(begun)
    with Audit(file.parent) as audit:
        audit.write("operator.resume", {})
    mended = file.read_bytes()
    for end in (*range(len(begun), len(mended), 11), len(mended) - 2, len(mended) - 1):
        file.write_bytes(mended[:end])
        assert verify(file.parent).broken is None
        with Audit(file.parent) as audit:
            audit.write("operator.resume", {})
        found = verify(file.parent)
        assert found.broken is None, (end, found)
        assert found.mended >= 1


def test_nothing_is_chained_to_a_line_that_was_changed(tmp_path: Path) -> None:
    file = filled(tmp_path / "log")
    file.write_bytes(file.read_bytes().replace(b"reason 4", b"reason 9"))
    with (
        Audit(file.parent) as audit,
        pytest.raises(DifferencesFound, match="its hash is not that of its content"),
    ):
        audit.write("a", {})


def test_files_are_turned_and_the_chain_is_carried_over(tmp_path: Path) -> None:
    with Audit(tmp_path / "log", file_bytes_max=900, files_max=3) as audit:
        for number in range(60):
            head = audit.write("order.place", {"number": number})
    files = sorted((tmp_path / "log").iterdir())
    assert len(files) == 3
    first = [reading(file)[0] for file in files]
    assert {line["kind"] for line in first} == {"audit.carried"}
    assert [int(file.stem[6:]) for file in files] == [line["seq"] for line in first]
    assert first[1]["previous"] == reading(files[0])[-1]["hash"]
    assert first[1]["facts"]["from"] == files[0].name
    assert first[2]["facts"]["dropped"] and all(
        not (tmp_path / "log" / name).exists() for name in first[2]["facts"]["dropped"]
    )
    found = verify(tmp_path / "log")
    assert (found.broken, found.head, found.first_seq) == (None, head, first[0]["seq"])


def test_a_file_that_was_begun_and_never_written_is_no_end(tmp_path: Path) -> None:
    """Killed between making the next file and its first line."""
    file = filled(tmp_path / "log")
    (file.parent / "audit-000000000006.jsonl").touch(mode=0o600)
    with Audit(file.parent) as audit:
        assert audit.write("a", {}).seq == 6
    found = verify(file.parent)
    assert found.broken is None and found.lines == 6


def test_a_file_that_ends_torn_with_another_behind_it_is_refused(tmp_path: Path) -> None:
    file = filled(tmp_path / "log")
    file.write_bytes(file.read_bytes()[:-3])
    (file.parent / "audit-000000000006.jsonl").touch(mode=0o600)
    with Audit(file.parent) as audit, pytest.raises(DifferencesFound, match="torn, and another file follows"):
        audit.write("a", {})


def test_secrets_in_facts_are_hidden(tmp_path: Path) -> None:
    secret = Secret(b"correct horse battery staple")
    key = "c4" * 32
    with Audit(tmp_path / "log") as audit:
        head = audit.write(
            "a",
            {"secret": secret, "said": "it was correct horse battery staple", "list": [key, 7, None, True]},
        )
    line = reading(tmp_path / "log" / FIRST)[0]
    assert line["facts"] == {"secret": "***", "said": "it was ***", "list": ["***", 7, None, True]}
    assert line["hash"] == head.hash


def test_what_is_no_audit_line_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with Audit(tmp_path / "log") as audit:
        for kind in ("", "Key", "key open", "key.", ".key", "ключ"):
            with pytest.raises(ValueError, match="no kind"):
                audit.write(kind, {})
        with pytest.raises(ValueError, match="is the most"):
            audit.write("a", {"long": "abc " * (LINE_BYTES_MAX // 4)})
        with pytest.raises(ValueError):
            audit.write("a", {"not a number": float("nan")})
        assert audit.write("a", {}).seq == 1
    assert verify(tmp_path / "log").lines == 1


def test_a_full_disk_leaves_a_whole_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Audit(tmp_path / "log") as audit:
        audit.write("a", {})
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, line: write(fd, line[:20]))
        with pytest.raises(OSError, match="only 20 of"):
            audit.write("a", {})
        monkeypatch.setattr(os, "write", write)
        assert audit.write("a", {}).seq == 2
    found = verify(tmp_path / "log")
    assert (found.broken, found.lines, found.mended) == (None, 2, 0)


def test_only_orders_may_wait_for_the_disk_and_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [10**18]
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (synced.append(now[0]), real(fd))[1])
    with Audit(tmp_path / "log", clock=lambda: now[0]) as audit:
        audit.write("operator.kill", {})
        assert len(synced) == 1
        now[0] += 1
        audit.write("order.place", {})
        assert len(synced) == 1
        audit.sync()
        audit.sync()
        assert len(synced) == 2
        now[0] += 999_999_999
        audit.write("order.place", {})
        assert len(synced) == 2
        now[0] += 1
        audit.write("order.place", {})
        assert len(synced) == 3
        audit.write("order.place", {})
    assert len(synced) == 4, "closed"


def write_some(folder: Path, name: str) -> None:
    with Audit(folder) as audit:
        for number in range(40):
            audit.write("order.place", {"of": name, "number": number})


def test_threads_and_processes_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=write_some, args=(tmp_path / "log", f"process {n}")) for n in range(2)]
    with Audit(tmp_path / "log") as audit:

        def some(name: str) -> None:
            for number in range(40):
                audit.write("order.place", {"of": name, "number": number})

        threads = [threading.Thread(target=some, args=(f"thread {n}",)) for n in range(2)]
        for one in (*others, *threads):
            one.start()
        for one in (*others, *threads):
            one.join(60)
    found = verify(tmp_path / "log")
    assert (found.broken, found.lines) == (None, 160)
    facts = [line["facts"] for line in reading(tmp_path / "log" / FIRST)]
    for name in ("process 0", "process 1", "thread 0", "thread 1"):
        assert [one["number"] for one in facts if one["of"] == name] == list(range(40))


FOREVER = """
import sys
from pathlib import Path
from sniper.audit import Audit
with Audit(Path(sys.argv[1]), file_bytes_max=40_000) as audit:
    while True:
        audit.write("order.place", {"size": "0.01", "reason": "x" * 300})
"""


def test_a_writer_that_is_killed_leaves_a_chain_that_goes_on(tmp_path: Path) -> None:
    for turn in range(1, 6):
        ran = subprocess.Popen([sys.executable, "-c", FOREVER, str(tmp_path / "log")], cwd=ROOT)
        while not (tmp_path / "log").exists() or verify(tmp_path / "log").lines < turn * 60:
            assert ran.poll() is None
        ran.kill()
        ran.wait()
        assert verify(tmp_path / "log").broken is None
    with Audit(tmp_path / "log") as audit:
        head = audit.write("operator.resume", {})
    found = verify(tmp_path / "log")
    assert (found.broken, found.torn_bytes, found.head) == (None, 0, head) and found.files > 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda line: line[:-5], "no JSON"),
        (lambda line: b"[]", "keys are not those"),
        (lambda line: line.replace(b'"seq"', b'"number"'), "keys are not those"),
        (lambda line: line.replace(b"reason", b"season"), "not that of its content"),
        (lambda line: b"[" * 100_000, "no JSON"),
    ],
)
def test_a_line_is_parsed_strictly(tmp_path: Path, change: Any, problem: str) -> None:
    line = filled(tmp_path / "log", 1).read_bytes()[:-1]
    assert parse(line).seq == 1 and parse(line).previous == BEGINNING
    with pytest.raises(ValueError, match=problem):
        parse(change(line))


def test_types_count_even_with_a_right_hash() -> None:
    begun = b'{"seq":"1","time_ns":1,"kind":"a","facts":{},"previous":""'
    with pytest.raises(ValueError, match="wrong type"):
        parse(begun + f',"hash":"{hashlib.sha256(begun).hexdigest()}"}}'.encode())
