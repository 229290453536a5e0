"""keys.passphrase: a descriptor, a credential, a file, the terminal; in that order, and never anything else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sniper.errors import PermissionProblem, UsageError
from sniper.keys.passphrase import SECRET_BYTES_MAX, Passphrases, ask, first_line, read_line
from sniper.keys.secret import Secret

ROOT = Path(__file__).parent.parent


@contextmanager
def pipe(content: bytes) -> Iterator[int]:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


def held(secret: Secret | None) -> bytes | None:
    return None if secret is None else bytes(secret.reveal())


def test_lines_are_read_one_by_one_and_no_byte_more() -> None:
    with pipe(b"first one\nsecond\r\n\n  spaces \nlast") as fd:
        assert [held(read_line(fd)) for _ in range(3)] == [b"first one", b"second", b""]
        assert os.read(fd, 3) == b"  s"
        assert [held(read_line(fd)) for _ in range(3)] == [b"paces ", b"last", None]


def test_a_line_is_bounded() -> None:
    with pipe(b"x" * SECRET_BYTES_MAX + b"\n") as fd:
        assert held(read_line(fd)) == b"x" * SECRET_BYTES_MAX
    with pipe(b"x" * (SECRET_BYTES_MAX + 1)) as fd, pytest.raises(UsageError, match="more than 1024"):
        read_line(fd)


def test_the_descriptor_answers_in_the_order_of_the_questions() -> None:
    with pipe(b"of the owner\nof the trader\n") as fd:
        passphrases = Passphrases(fd, {"SNIPER_PASSPHRASE_FILE": "/none"})
        os.set_inheritable(fd, True)
        assert held(passphrases.of("owner")) == b"of the owner"
        assert not os.get_inheritable(fd), "no child can read on"
        assert held(passphrases.new("trader")) == b"of the trader"
        with pytest.raises(PermissionProblem, match="no line for the passphrase of key third"):
            passphrases.of("third")


def test_a_descriptor_that_cannot_be_read(tmp_path: Path) -> None:
    with open(tmp_path / "x", "wb") as file, pytest.raises(UsageError, match="cannot be read"):
        Passphrases(file.fileno(), {}).of("bot")


def test_a_descriptor_that_is_not_open() -> None:
    with pytest.raises(UsageError, match="cannot be read: Bad file descriptor"):
        Passphrases(9999, {}).of("bot")


def test_credentials_come_before_the_file_and_the_keys_own_before_the_common_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o600)
    (tmp_path / "file").write_bytes(b"from the file\nmore\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SNIPER_PASSPHRASE_FILE": str(tmp_path / "file")}
    assert held(Passphrases(None, environ).of("bot")) == b"from the file"
    (tmp_path / "sniper.passphrase").write_bytes(b"common credential\n")
    (tmp_path / "sniper.passphrase").chmod(
        0o440
    )  # systemd: readable by an ACL, which shows as the group's right
    assert held(Passphrases(None, environ).of("bot")) == b"common credential"
    (tmp_path / "sniper.bot.passphrase").write_bytes(b"its own credential")
    assert held(Passphrases(None, environ).of("bot")) == b"its own credential"
    assert held(Passphrases(None, environ).of("other")) == b"common credential"
    assert (
        held(Passphrases(None, environ | {"CREDENTIALS_DIRECTORY": "relative"}).of("bot")) == b"from the file"
    )


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "file").write_bytes(b"from the file")
    (tmp_path / "file").chmod(mode)
    with pytest.raises(PermissionProblem, match="open to others"):
        Passphrases(None, {"SNIPER_PASSPHRASE_FILE": str(tmp_path / "file")}).of("bot")


def test_a_file_without_a_passphrase(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("empty", "folder", "pipe"):
        with pytest.raises(PermissionProblem, match="holds no passphrase"):
            first_line(tmp_path / name, True)
    with pytest.raises(PermissionProblem, match="cannot be read"):
        first_line(tmp_path / "none", True)


@pytest.mark.parametrize("given", [b"", b"short", b"eleven char"])
def test_a_new_passphrase_has_a_length(given: bytes) -> None:
    with pipe(given + b"\n") as fd, pytest.raises(UsageError, match="fewer than 12 bytes"):
        Passphrases(fd, {}).new("bot")


def test_nothing_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(PermissionProblem, match="no terminal") as caught:
        ask("passphrase of key bot")
    assert "--passphrase-fd" in caught.value.advice


ASKING = """
import sys
from sniper.errors import SniperError
from sniper.keys.passphrase import Passphrases
try:
    secret = Passphrases(None, {}).%s("bot")
    print("got", len(secret.reveal()), secret)
except SniperError as error:
    print("refused", error)
"""


def on_a_terminal(verb: str, typed: bytes) -> str:
    """What a terminal shows while this is typed: a process of its own with a terminal of its own."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", ASKING % verb])
    shown = b""
    try:
        for line in typed.splitlines(keepends=True):
            while not shown.endswith(b": "):
                shown += os.read(fd, 1024)
            os.write(fd, line)
            shown += b"|"
        while True:
            try:
                more = os.read(fd, 1024)
            except OSError:
                break
            if not more:
                break
            shown += more
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
    return shown.decode()


def test_the_terminal_is_asked_without_echo() -> None:
    shown = on_a_terminal("of", b"typed-by-a-person\n")
    assert "passphrase of key bot: " in shown and "got 17 ***" in shown
    assert "typed" not in shown


def test_a_new_passphrase_is_typed_twice() -> None:
    shown = on_a_terminal("new", b"typed-by-a-person\ntyped-by-a-person\n")
    assert "the same again: " in shown and "got 17 ***" in shown and "typed" not in shown
    shown = on_a_terminal("new", b"typed-by-a-person\ntyped-by-a-persom\n")
    assert "refused the two passphrases differ" in shown and "typed-" not in shown


def test_the_end_of_input_is_no_passphrase() -> None:
    assert "refused passphrase of key bot: no answer" in " ".join(on_a_terminal("of", b"\x04").split())


def test_the_terminal_echoes_again_afterwards() -> None:
    import termios

    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        ran = subprocess.Popen(
            [sys.executable, "-c", ASKING % "of"], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT,
            preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0)),
        )  # fmt: skip
        shown = b""
        while not shown.endswith(b": "):
            shown += os.read(master, 1024)
        assert not termios.tcgetattr(slave)[3] & termios.ECHO
        os.write(master, b"typed-by-a-person\n")
        ran.wait(30)
        assert termios.tcgetattr(slave)[3] == before[3]
    finally:
        os.close(master)
        os.close(slave)
