"""client_ids: durable, never twice."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniper.client_ids import COUNTER_END, ORIGIN_S, ClientIds, ClientIdsProblem
from sniper.errors import PermissionProblem


def test_blocks_follow_each_other(tmp_path: Path) -> None:
    ids = ClientIds(tmp_path / "state")
    first, last = ids.reserve(10)
    assert last == first + 9
    assert ClientIds(tmp_path / "state").reserve(5) == (last + 1, last + 5)
    assert ids.path.read_bytes() == b"sniper.client-ids/1 writer 0 next %d\n" % (last + 6)


def test_the_writer_stands_in_the_two_highest_bits(tmp_path: Path) -> None:
    found = [ClientIds(tmp_path, writer).reserve(3) for writer in range(4)]
    assert [first >> 30 for first, _ in found] == [last >> 30 for _, last in found] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="writer"):
        ClientIds(tmp_path, 4)


def test_without_a_file_the_counter_begins_with_the_time(tmp_path: Path) -> None:
    before = int(time.time()) - ORIGIN_S
    assert before <= ClientIds(tmp_path).reserve(1)[0] <= int(time.time()) - ORIGIN_S


@pytest.mark.parametrize(
    "text",
    [b"", b"sniper.client-ids/1 writer 1 next 5\n", b"sniper.client-ids/1 writer 0 next 5", b"\0" * 37,
     b"sniper.client-ids/1 writer 0 next 1073741825\n", b"sniper.client-ids/2 writer 0 next 5\n"],
)  # fmt: skip
def test_a_file_that_is_not_the_counter_is_never_guessed_at(tmp_path: Path, text: bytes) -> None:
    ids = ClientIds(tmp_path)
    ids.path.write_bytes(text)
    with pytest.raises(ClientIdsProblem, match="not a counter"):
        ids.reserve()
    assert ids.path.read_bytes() == text


def test_a_used_up_counter_gives_nothing(tmp_path: Path) -> None:
    ids = ClientIds(tmp_path, 2)
    ids.path.write_bytes(b"sniper.client-ids/1 writer 2 next %d\n" % (COUNTER_END - 2))
    with pytest.raises(ClientIdsProblem, match="used up"):
        ids.reserve(3)
    assert ids.reserve(2) == ((2 << 30) + COUNTER_END - 2, (2 << 30) + COUNTER_END - 1)
    with pytest.raises(ClientIdsProblem, match="used up"):
        ids.reserve(1)


def test_only_a_sensible_number_can_be_reserved(tmp_path: Path) -> None:
    for count in (0, -1, COUNTER_END):
        with pytest.raises(ValueError, match="cannot reserve"):
            ClientIds(tmp_path).reserve(count)


def test_what_cannot_be_written_down_is_not_given_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(PermissionProblem, match="cannot be written"):
        ClientIds(tmp_path / "file").reserve()


def test_the_note_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file is synced before it replaces the old one, and the folder after that."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(target: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{target}')).name}")
        fsync(target)

    def replaced(source: Path, target: Path) -> None:
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    ClientIds(tmp_path).reserve()
    assert done == ["sync client-ids-0.new", "replace", f"sync {tmp_path.name}"]


def test_a_crash_before_the_replacement_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ClientIds(tmp_path)
    _, last = ids.reserve(4)

    def dies(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            ids.reserve(4)
    assert ids.reserve(4) == (last + 1, last + 4)


def test_counters_below_a_floor_are_known_to_be_used(tmp_path: Path) -> None:
    ids = ClientIds(tmp_path)
    _, last = ids.reserve(4)
    assert ids.reserve(4, last - 100) == (last + 1, last + 4)
    assert ids.reserve(4, last + 1000)[0] == last + 1000
    assert ids.reserve(4)[0] == last + 1004


def test_processes_take_turns(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from sniper.client_ids import ClientIds\n"
        "for _ in range(20): print(*ClientIds(Path(sys.argv[1])).reserve(7))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    blocks = [tuple(map(int, line.split())) for one in running for line in one.communicate()[0].splitlines()]
    blocks.sort()
    assert len(blocks) == 60
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(blocks))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(1, 100_000), min_size=1, max_size=10))
def test_no_id_comes_twice(tmp_path: Path, counts: list[int]) -> None:
    before = -1
    for count in counts:
        first, last = ClientIds(tmp_path).reserve(count)
        assert before < first and last - first + 1 == count
        before = last
