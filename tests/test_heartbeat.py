"""The sign of life: whole for whoever reads it, and for its owner alone."""

from __future__ import annotations

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


def test_a_missing_file_is_none_and_a_link_is_not_followed(tmp_path: Path) -> None:
    assert read(tmp_path / "missing") is None
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    with pytest.raises(OSError):
        Heartbeat(tmp_path / "link", "live")
    assert not (tmp_path / "elsewhere").exists()
