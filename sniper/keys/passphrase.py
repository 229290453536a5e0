"""Where a passphrase or another secret comes from: a file descriptor, a credential, a file, the terminal.

In this order, and the first that is there decides:

1. `--passphrase-fd N`: one line a question, in the order of the questions.
2. systemd's `$CREDENTIALS_DIRECTORY`: `sniper.NAME.passphrase`, else `sniper.passphrase`.
3. `$SNIPER_PASSPHRASE_FILE`: a private file; its first line.
4. The terminal, where standard input is one: not echoed, asked twice for a new one.

Never an option or the config (they are printed and journalled) and never the text in a variable (children inherit it).
Bytes are read into a buffer of ours and taken as they are, but for the end of the line.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sniper.errors import PermissionProblem, UsageError
from sniper.keys import private
from sniper.keys.secret import Secret, wipe

SECRET_BYTES_MAX: Final = 1024
PASSPHRASE_BYTES_MIN: Final = 12
ADVICE: Final = (
    "Give it by --passphrase-fd N, a credential, SNIPER_PASSPHRASE_FILE=PATH, or start it on a terminal."
)


def read_line(fd: int) -> Secret | None:
    """The next line of a descriptor without its end, or None at the end of the file.

    Byte by byte: what lies behind the line is somebody else's. UsageError beyond SECRET_BYTES_MAX.
    """
    held, n = bytearray(SECRET_BYTES_MAX + 1), 0
    try:
        with memoryview(held) as view:
            while os.readv(fd, [view[n : n + 1]]):
                if held[n] == 0x0A:
                    break
                n += 1
                if n > SECRET_BYTES_MAX:
                    raise UsageError(
                        f"a secret of more than {SECRET_BYTES_MAX} bytes", "Look what was given."
                    )
            else:
                if not n:
                    return None
            if n and held[n - 1] == 0x0D:
                n -= 1
            return Secret(view[:n])
    finally:
        wipe(held)


def from_descriptor(fd: int) -> Secret | None:
    """The next line of a descriptor that the user named. UsageError where nothing can be read from it."""
    try:
        os.set_inheritable(fd, False)  # no child of ours can read on
        return read_line(fd)
    except OSError as error:
        raise UsageError(
            f"descriptor {fd} cannot be read: {error.strerror}", "Open it for reading: 3<FILE."
        ) from None


def ask(text: str) -> Secret:
    """Ask on the terminal, without echo. PermissionProblem where standard input is none."""
    if not sys.stdin.isatty():
        raise PermissionProblem(f"{text}: nothing to ask on, standard input is no terminal", ADVICE)
    fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        before = termios.tcgetattr(fd)
        silent = [*before[:3], before[3] & ~termios.ECHO | termios.ECHONL, *before[4:]]
        try:
            termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
            os.write(fd, f"{text}: ".encode())
            answer = read_line(fd)
        finally:
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)
    finally:
        os.close(fd)
    if answer is None:
        raise PermissionProblem(f"{text}: no answer", ADVICE)
    return answer


class Passphrases:
    """Answers what the passphrase of a key is, by the sources of this module."""

    def __init__(self, fd: int | None, environ: Mapping[str, str]) -> None:
        self._fd = fd
        self._environ = environ

    def of(self, name: str, what: str = "passphrase of key") -> Secret:
        """The passphrase of an existing key. PermissionProblem where no source has one."""
        return self._given(name) or ask(f"{what} {name}")

    def new(self, name: str) -> Secret:
        """A passphrase for a new key: long enough, and on the terminal typed twice the same."""
        found = self._given(name)
        if found is None:
            found = ask(f"new passphrase for key {name}")
            if found != ask("the same again"):
                raise UsageError("the two passphrases differ, so nothing was written", "Try again.")
        if len(found.reveal()) < PASSPHRASE_BYTES_MIN:
            raise UsageError(
                f"the passphrase has fewer than {PASSPHRASE_BYTES_MIN} bytes, so nothing was written",
                "Take several words that nobody else would put together.",
            )
        return found

    def _given(self, name: str) -> Secret | None:
        if self._fd is not None:
            line = from_descriptor(self._fd)
            if line is None:
                raise PermissionProblem(
                    f"descriptor {self._fd} has no line for the passphrase of key {name}",
                    "Give one line a question: the owner's first, then the trader's.",
                )
            return line
        for path, strict in self._files(name):
            return first_line(path, strict)
        return None

    def _files(self, name: str) -> list[tuple[Path, bool]]:
        """The files that are there, with whether their permissions are judged (systemd judges its own)."""
        credentials = self._environ.get("CREDENTIALS_DIRECTORY", "")
        if os.path.isabs(credentials):
            for file in (f"sniper.{name}.passphrase", "sniper.passphrase"):
                if (path := Path(credentials, file)).exists():
                    return [(path, False)]
        given = self._environ.get("SNIPER_PASSPHRASE_FILE", "")
        return [(Path(given), True)] if given else []


def first_line(path: Path, strict: bool) -> Secret:
    """The first line of a file. PermissionProblem where it cannot be read or, if strict, others may read it."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PermissionProblem(
            f"the passphrase cannot be read from {path}: {error.strerror}", "Check SNIPER_PASSPHRASE_FILE."
        ) from None
    try:
        if strict:
            private.check(os.fstat(fd), path, "600")
        line = read_line(fd)
    except (IsADirectoryError, BlockingIOError):
        line = None
    finally:
        os.close(fd)
    if line is None:
        raise PermissionProblem(f"{path} holds no passphrase", "Write it there, in one line.")
    return line
