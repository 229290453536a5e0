"""keys.core_dumps: whatever meets a secret has forbidden dumps of its memory before it reads the first byte of one."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sniper.state_lock import started
from tests.commands import process
from tests.live_config import live_config
from tests.vectors import ABANDON, PASSPHRASE, kept

linux = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
WATCHED = """
import ctypes, resource, sys
from sniper.keys import passphrase
read = passphrase.read_line
def watched(fd):
    print("read", resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3), file=sys.stderr)
    return read(fd)
passphrase.read_line = watched
from sniper.__main__ import main
sys.exit(main())
"""
FORBIDDEN = "read 0 0"
"""What WATCHED says at each secret that is read: no bytes of core, not dumpable."""


def dumps_allowed() -> None:
    """In a child that is about to start: dumps as large as the system allows."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@contextmanager
def pipes(*contents: bytes) -> Iterator[list[int]]:
    """Reading ends with these contents; the writing ends stay open, so that whoever wants more waits."""
    ends = [os.pipe() for _ in contents]
    for (_, writing), content in zip(ends, contents, strict=True):
        os.write(writing, content)
    try:
        yield [reading for reading, _ in ends]
    finally:
        for end in ends:
            for fd in end:
                os.close(fd)


@linux
@pytest.mark.parametrize(
    ("words", "secrets", "code"),
    [
        (("import", "new", "--secret-fd", "fd1", "--memory-mib", "64"), 2, 0),
        (("create", "new", "--memory-mib", "64"), 1, 0),
        (("check", "me", "--offline"), 1, 0),
        (("authorize", "me", "--owner", "me"), 0, 2),
    ],
)
def test_every_verb_of_keys_forbids_dumps_before_it_reads(
    alone: Path, words: tuple[str, ...], secrets: int, code: int
) -> None:
    kept(alone / "k", "me", ABANDON, "owner")
    with pipes(PASSPHRASE + b"\n", ABANDON.encode() + b"\n") as fds:
        given = [str(fds[1]) if word == "fd1" else word for word in words]
        ran = process("keys", *given, "--folder", "k", "--passphrase-fd", str(fds[0]), python=("-c", WATCHED),
                      pass_fds=fds, preexec_fn=dumps_allowed)  # fmt: skip
        err = ran.communicate(timeout=120)[1]
    assert ran.returncode == code, err
    assert [line for line in err.splitlines() if line.startswith("read")] == [FORBIDDEN] * secrets


@linux
def test_a_live_session_forbids_dumps_before_it_reads(alone: Path) -> None:
    kept(alone / "state/sniper/keys", "bot", ABANDON, "trader")
    (alone / "live.toml").write_text(
        live_config("ws://127.0.0.1:9", "http://127.0.0.1:9", "127.0.0.1:9", "", key="bot")
    )
    with pipes(b"a wrong passphrase\n") as (fd,):
        ran = process("run", "--config", "live.toml", "--headless", "--live", "--passphrase-fd", str(fd),
                      python=("-c", WATCHED), pass_fds=(fd,), preexec_fn=dumps_allowed,
                      env={"XDG_STATE_HOME": str(alone / "state")})  # fmt: skip
        err = ran.communicate(timeout=120)[1]
    assert ran.returncode == 4 and FORBIDDEN in err.splitlines(), err


def test_a_crash_while_a_phrase_is_in_hand_leaves_no_image(alone: Path) -> None:
    """SIGSEGV to an import that has read the phrase and waits for the passphrase."""
    with pipes(ABANDON.encode() + b"\n", b"") as fds:
        ran = subprocess.Popen(
            [sys.executable, "-m", "sniper", "keys", "import", "me", "--secret-fd", str(fds[0]),
             "--passphrase-fd", str(fds[1])],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            pass_fds=fds, preexec_fn=dumps_allowed, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end_s = time.monotonic() + 60
        while struct.unpack("i", fcntl.ioctl(fds[0], termios.FIONREAD, b"0000"))[0]:
            assert ran.poll() is None and time.monotonic() < end_s, "the phrase was not read"
            time.sleep(0.01)
        ran.send_signal(signal.SIGSEGV)
        status = os.waitpid(ran.pid, 0)[1]
        ran.returncode = os.waitstatus_to_exitcode(status)
    assert ran.returncode == -signal.SIGSEGV and not os.WCOREDUMP(status)
    assert not list(alone.glob("core*"))


@linux
def test_a_lock_still_knows_who_holds_it() -> None:
    code = (
        "import os\n"
        "from sniper.keys.core_dumps import forbid_core_dumps\n"
        "from sniper.state_lock import started\n"
        "forbid_core_dumps()\n"
        "print(started(os.getpid()), flush=True)\n"
        "input()\n"
    )
    ran = process(python=("-c", code), stdin=subprocess.PIPE)
    assert ran.stdout is not None
    told = int(ran.stdout.readline())
    assert told == started(ran.pid) > 0
    ran.communicate("\n", timeout=60)
    assert ran.returncode == 0
