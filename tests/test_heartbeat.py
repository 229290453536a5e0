"""The sign of life: whole for whoever reads it, and for its owner alone."""

from __future__ import annotations

import mmap
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sniper.heartbeat import FORM, MAGIC, Beat, Heartbeat, read


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    heart = Heartbeat(path, "paper")
    assert read(path) is None  # not one beat yet
    heart.beat(7, 1_700_000_000_000_000_000, 900)
    assert read(path) == Beat(1, 7, 1_700_000_000_000_000_000, "paper", 900)
    heart.beat(8, 1_700_000_000_050_000_000, 901)
    assert read(path) == Beat(2, 8, 1_700_000_000_050_000_000, "paper", 901)
    heart.close()
    assert read(path) == Beat(3, 8, 1_700_000_000_050_000_000, "ended", 901)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_stays_behind_when_the_process_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    code = (
        "import os, pathlib, sys; from sniper.heartbeat import Heartbeat\n"
        "Heartbeat(pathlib.Path(sys.argv[1]), 'live').beat(5, 6, 7); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert read(path) == Beat(1, 5, 6, "live", 7)


def test_a_file_that_is_cut_short_ends_nobody_and_is_whole_at_the_next_beat(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    code = (
        "import os, pathlib, sys; from sniper.heartbeat import Heartbeat, read\n"
        "path = pathlib.Path(sys.argv[1]); heart = Heartbeat(path, 'live'); heart.beat(1, 1, 1)\n"
        "os.truncate(path, 0); assert read(path) is None; heart.beat(2, 3, 4); print(read(path))"
    )
    found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, f"{Beat(2, 2, 3, 'live', 4)}\n"), found.stderr


def test_a_beat_that_cannot_be_written_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "beat"
    heart = Heartbeat(path, "live")
    with monkeypatch.context() as full:
        full.setattr(heart, "_file", os.open(path, os.O_RDONLY))
        heart.beat(1, 2, 3)
    assert heart.missed == 1 and read(path) is None
    heart.beat(2, 3, 4)
    heart.close()
    assert heart.missed == 1 and read(path) == Beat(3, 2, 3, "ended", 4)


def test_the_word_of_an_earlier_run_goes_with_the_start(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    Heartbeat(path, "paper").close()
    assert read(path) == Beat(1, 0, 0, "ended", 0)
    Heartbeat(path, "live")
    assert read(path) is None


def test_who_maps_it_sees_whole_beats(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    heart = Heartbeat(path, "live")
    with path.open("rb") as file, mmap.mmap(file.fileno(), FORM.size, prot=mmap.PROT_READ) as seen:
        for tick in range(1, 4):
            heart.beat(tick, 10 * tick, 100 * tick)
            assert FORM.unpack(seen[:]) == (MAGIC, tick, tick, 10 * tick, 2, 100 * tick, tick)


def test_what_is_read_while_it_is_written_is_of_one_beat(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    code = (
        "import pathlib, sys; from sniper.heartbeat import Heartbeat\n"
        "heart = Heartbeat(pathlib.Path(sys.argv[1]), 'live')\n"
        "print(flush=True)\n"
        "for n in range(1, 100_000): heart.beat(n, n * 7, n * 3)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdout.readline()
    while writer.poll() is None:
        beat = read(path)
        assert beat is None or beat == Beat(beat.beats, beat.beats, 7 * beat.beats, "live", 3 * beat.beats)
    last = read(path)
    assert last is not None and last.beats == 99_999
    writer.communicate()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        FORM.pack(b"otherfil", 1, 2, 3, 1, 4, 1),
        FORM.pack(MAGIC, 1, 2, 3, 9, 4, 1),
        FORM.pack(MAGIC, 1, 2, 3, 1, 4, 2),  # torn, and nobody goes on writing
    ],
)
def test_what_is_no_beat_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "beat"
    path.write_bytes(content)
    assert read(path) is None


def test_a_torn_one_is_read_again_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "beat"
    path.write_bytes(FORM.pack(MAGIC, 2, 3, 4, 1, 5, 1))

    def torn(*_: object) -> bytes:
        monkeypatch.undo()
        found = path.read_bytes()
        path.write_bytes(FORM.pack(MAGIC, 2, 3, 4, 1, 5, 2))  # the writer has gone on
        return found

    monkeypatch.setattr(os, "pread", torn)
    assert read(path) == Beat(2, 3, 4, "paper", 5)


def test_a_missing_file_is_none_and_a_link_is_not_followed(tmp_path: Path) -> None:
    assert read(tmp_path / "missing") is None
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    with pytest.raises(OSError):
        Heartbeat(tmp_path / "link", "live")
    assert not (tmp_path / "elsewhere").exists()
