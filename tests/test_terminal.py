"""The terminal is given back on every way out, and never blocks the one who writes.

Programs run as children on a pseudo-terminal of their own, as a shell would start them.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from sniper.terminal import Terminal

ENTER, LEAVE, HIDE, SHOW = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25l", "\x1b[?25h"
START = "import sys, os, time, signal; from sniper.terminal import Terminal; t = Terminal(1, 0)\n"
PATIENCE_S = 20.0
ROOT = Path(__file__).parent.parent


class Child:
    """A Python program with a terminal of its own."""

    def __init__(self, program: str) -> None:
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.execv(sys.executable, [sys.executable, "-c", START + program])
        self.text = ""
        self.status: int | None = None

    def until(self, mark: str) -> str:
        """Everything it wrote up to and with this mark."""
        before = len(self.text)
        deadline = time.monotonic() + PATIENCE_S
        while mark not in self.text[before:]:
            assert time.monotonic() < deadline, f"no {mark!r} in {self.text!r}"
            if select.select((self.terminal,), (), (), 0.1)[0]:
                try:
                    self.text += os.read(self.terminal, 65536).decode()
                except OSError:
                    break
        return self.text

    def end(self) -> int:
        """Read to the end; the exit code, negative for a signal."""
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                break
            if not data:
                break
            self.text += data.decode()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)

    def echoes(self) -> bool:
        """Whether the terminal is in its usual mode."""
        return bool(termios.tcgetattr(self.terminal)[3] & (termios.ECHO | termios.ICANON))


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("with t: pass", 0),
        ("with t: raise SystemExit(7)", 7),
        ("with t: raise RuntimeError('boom')", 1),
        ("t.open(); sys.exit(3)", 3),
        ("t.open(); raise RuntimeError('boom')", 1),
        ("t.open(); os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2),
        ("t.open(); t.close(); t.close()", 0),
        ("with t: t.write(b'x' * 50000)", 0),
    ],
)
def test_every_way_out_gives_the_terminal_back(program: str, code: int) -> None:
    child = Child(program)
    assert child.end() == code
    text = child.text
    assert text.count(ENTER) == text.count(LEAVE) == 1
    assert text.index(HIDE) < text.index(SHOW) and text.index(ENTER) < text.index(LEAVE)
    if "with t: raise RuntimeError" in program:
        assert "RuntimeError: boom" in text[text.index(LEAVE) :], "the traceback must stay to be read"


def test_stopping_gives_it_back_and_continuing_takes_it_again() -> None:
    child = Child("with t:\n  while not t.read_keys(): time.sleep(0.01)\n  print(t.resized, t.entered)")
    child.until(HIDE)
    assert not child.echoes()
    os.write(child.terminal, b"\x1a")
    child.until(LEAVE)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert child.echoes()
    os.kill(child.pid, signal.SIGCONT)
    child.until(ENTER)
    os.write(child.terminal, b"k")
    assert child.end() == 0
    assert "True True" in child.text
    assert child.text.count(ENTER) == child.text.count(LEAVE) == 2


def test_a_new_size_is_noticed() -> None:
    program = """
with t:
    t.resized = False
    t.write(b'ready')
    while not t.resized: time.sleep(0.01)
    size = t.size()
print(size)
"""
    child = Child(program)
    child.until("ready")
    termios.tcsetwinsize(child.terminal, (33, 101))
    assert child.end() == 0
    assert "(101, 33)" in child.text


@pytest.mark.parametrize("keys", ["0", "None"])
def test_in_the_background_it_leaves_the_terminal_alone(keys: str) -> None:
    program = f"""
if os.fork() == 0:
    os.setpgid(0, 0)
    t = Terminal(1, {keys})
    with t:
        ok = not t.entered and not t.foreground() and t.read_keys() == ''
    os._exit(0 if ok else 9)
print('code', os.waitstatus_to_exitcode(os.wait()[1]))
"""
    child = Child(program)
    assert child.end() == 0
    assert "code 0" in child.text and ENTER not in child.text


def test_keys_are_read_without_waiting() -> None:
    master, slave = os.openpty()
    try:
        with Terminal(slave, slave) as terminal:
            assert terminal.read_keys() == ""
            os.write(master, "aé\x1b[A".encode())
            time.sleep(0.05)
            assert terminal.read_keys() == "a\x1b[A"
            assert terminal.read_keys() == ""
        assert Terminal(slave, None).read_keys() == ""
    finally:
        os.close(master)
        os.close(slave)


def test_a_terminal_that_is_gone_is_no_error() -> None:
    master, slave = os.openpty()
    terminal = Terminal(slave, slave)
    terminal.open()
    os.close(master)
    terminal.write(b"nobody reads this")
    assert terminal.flush()
    assert terminal.read_keys() == ""
    assert terminal.size() == (80, 24)
    terminal.close()
    os.close(slave)


def test_output_is_not_looked_through_while_the_screen_is_ours() -> None:
    master, slave = os.openpty()
    try:
        before = termios.tcgetattr(slave)
        for keys in (slave, None):
            with Terminal(slave, keys):
                mode = termios.tcgetattr(slave)
                assert not mode[1] & termios.OPOST
                assert bool(mode[3] & termios.ECHO) is (keys is None)
            assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


def test_writes_never_wait() -> None:
    master, slave = os.openpty()
    try:
        terminal = Terminal(slave, None)
        terminal.open()
        for _ in range(50):
            terminal.write(b"x" * 10_000)
        assert not terminal.flush()
        while not terminal.flush():
            os.read(master, 65536)
        terminal.close()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux to drive")
@pytest.mark.parametrize("part", ["80x24", "120x40", "200x60", "signals"])
def test_the_whole_dashboard_in_a_real_terminal(part: str) -> None:
    """tests/drive_dashboard.py says what is looked at."""
    program = [sys.executable, "-m", "tests.drive_dashboard", part]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
