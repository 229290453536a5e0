"""Canary secrets: every verb that meets one is run as a process, and they are nowhere but in the encrypted file.

Looked into: standard output and error (with --debug, so crash output too), JSON, logs, journals, the audit log, every
file below the state folder, the command line in /proc while it runs, its environment, and those of its children.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keynode import Peer, running
from tests.vectors import ABANDON, LEGAL

ROOT = Path(__file__).parent.parent
PASSPHRASE = 'canary-Grünspan-"quoted"-passphrase'
OWNER_KEY = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"  # of ABANDON, a public phrase
BOTH = f"{PASSPHRASE}\n{PASSPHRASE}\n"
TRADE = ("--owner", "me", "--market", "0", "--subaccount", "0", "--yes")

WATCHED = """
import os, sys
# A child of every run, started when the key is open: what it inherits is written down.
from sniper.keys import ring
unlock = ring.Ring.unlock
def watched(self, *args, **more):
    key = unlock(self, *args, **more)
    import subprocess
    for what in (["cat", "/proc/self/environ"], ["cat", f"/proc/{os.getpid()}/cmdline", f"/proc/{os.getpid()}/environ"],
                 ["sh", "-c", "for fd in $WATCHED_FDS; do eval \\"cat <&$fd\\" 2>/dev/null; done; true"]):
        done = subprocess.run(what, stdout=subprocess.PIPE, close_fds=False)
        open(os.environ["WATCHED"], "ab").write(done.stdout)
    return key
ring.Ring.unlock = watched
from sniper.__main__ import main
sys.exit(main())
"""
CRASHING = """
import hashlib, sys
from sniper.keys import keyfile
def cheap(kdf, passphrase):  # what trying costs is not the question here
    return bytearray(hashlib.sha512(bytes.fromhex(kdf.salt) + bytes(passphrase.reveal())).digest())
keyfile._derive = cheap
from sniper.keys import {module}
def crash(*args, **more):
    seen = [bytes(one.reveal()) for one in (*args, *more.values()) if type(one).__name__ == "Secret"]
    raise RuntimeError("with all it was given", args, more, seen, [one.decode("latin-1") for one in seen])
{module}.{name} = crash
from sniper.__main__ import main
sys.exit(main())
"""


def canaries() -> list[bytes]:
    """Every form in which the secrets could be written; the phrases word by word."""
    found: set[bytes] = set()
    for secret in (PASSPHRASE, ABANDON, LEGAL, OWNER_KEY):
        raw = secret.encode()
        found |= {raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")}
        found |= {json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode(), repr(raw)[2:-1].encode()}
    key = bytes.fromhex(OWNER_KEY)
    found |= {key, base64.b64encode(key), repr(key)[2:-1].encode(), str(int.from_bytes(key)).encode()}
    return [*found, b"nspan-", b"abandon abandon", b"legal winner"]


def clean(content: bytes, where: str) -> None:
    for canary in canaries():
        assert canary not in content, f"{where}: {canary!r}"


class Runs:
    """Runs of `sniper` in a folder of their own."""

    def __init__(self, home: Path, peer: Peer) -> None:
        self.home, self.peer = home, peer
        self.outputs = 0

    def run(
        self, *words: str, fds: tuple[str, ...], code: str = WATCHED, expected: tuple[int, ...] = (0,)
    ) -> bytes:
        """One run and what it said; the words fd0, fd1, ... become descriptors with the contents of `fds`."""
        pipes = []
        for content in fds:
            reading, writing = os.pipe()
            os.write(writing, content.encode())
            os.close(writing)
            pipes.append(reading)
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(ROOT), "PYTHONDEVMODE": "1",
            "WATCHED": str(self.home / "watched"), "WATCHED_FDS": " ".join(map(str, pipes)),
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        numbers = {f"fd{place}": str(fd) for place, fd in enumerate(pipes)}
        done = subprocess.run(
            [sys.executable, "-c", code, *(numbers.get(word, word) for word in words)], capture_output=True,
            env=environ, cwd=self.home, pass_fds=pipes, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        for fd in pipes:
            os.close(fd)
        said = done.stdout + done.stderr
        assert done.returncode in expected, said.decode()
        clean(said, " ".join(words[:3]))
        self.outputs += len(said)
        return said

    def keys(self, verb: str, name: str, *more: str, chain: bool = True) -> bytes:
        options = self.peer.options if chain else ()
        return self.run("keys", verb, name, "--passphrase-fd", "fd0", "--debug", *options, *more, fds=(BOTH,))


@pytest.fixture
def runs(alone: Path) -> Iterator[Runs]:
    with running() as peer:
        yield Runs(alone, peer)


def test_every_verb_leaves_no_trace_of_a_secret(runs: Runs) -> None:
    quick = ("--memory-mib", "64")
    imported = ("keys", "import", "me", "--secret-fd", "fd1", "--passphrase-fd", "fd0", "--debug", *quick)
    runs.run(*imported, fds=(PASSPHRASE + "\n", ABANDON + "\n"))
    runs.run(*imported, fds=(PASSPHRASE + "\n", ABANDON + "\n"), expected=(2,))
    hexadecimal = ("keys", "import", "raw", "--secret-fd", "fd1", "--passphrase-fd", "fd0", *quick, "--json")
    runs.run(*hexadecimal, fds=(PASSPHRASE + "\n", OWNER_KEY + "\n"))
    wrong = ("keys", "import", "no", "--secret-fd", "fd1", "--passphrase-fd", "fd0", "--debug", *quick)
    runs.run(*wrong, fds=(PASSPHRASE + "\n", ABANDON.replace("about", "abandon") + "\n"), expected=(2,))
    runs.run(*wrong, fds=("short\n", LEGAL + "\n"), expected=(2,))
    runs.keys("create", "bot", *quick, chain=False)
    runs.run("keys", "show", "--json", fds=())
    runs.keys("authorize", "bot", *TRADE, "--json")
    runs.keys("check", "bot")
    runs.keys("check", "me", "--json")
    runs.keys("rotate", "bot", "--owner", "me", "--yes")
    runs.keys("revoke", "bot", "--owner", "me", "--yes")
    refused = runs.run(
        "keys",
        "check",
        "me",
        "--offline",
        "--passphrase-fd",
        "fd0",
        "--debug",
        fds=(PASSPHRASE + "x\n",),
        expected=(4,),
    )
    assert b"Traceback" in refused and b"does not open" in refused
    runs.run("audit", "verify", "--json", fds=())
    assert runs.outputs > 2000

    watched = (runs.home / "watched").read_bytes()
    assert b"check" in watched and b"PYTHONPATH" in watched, "the watch saw command lines and environments"
    clean(watched, "children")
    seen = 0
    for file in runs.home.rglob("*"):
        if file.is_file():
            seen += 1
            clean(file.read_bytes(), file.name)
    assert seen >= 4, "three keys, the audit log, the watch"


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("keyfile", "_derive", ("check", "me", "--offline")),
        ("ring", "unseal", ("check", "me", "--offline")),
        ("examination", "prove_identity", ("check", "me", "--offline")),
        ("pair", "wallet", ("check", "me", "--offline")),
        ("granting", "_wallet", ("authorize", "bot", *TRADE)),
        ("granting", "authorize", ("authorize", "bot", *TRADE)),
        ("granting", "rotate", ("rotate", "bot", "--owner", "me", "--yes")),
    ],
)
def test_a_crash_in_the_middle_shows_no_secret(
    runs: Runs, cheap: None, module: str, name: str, words: tuple[str, ...]
) -> None:
    from tests.vectors import kept

    folder = runs.home / ".local/state/sniper/keys"
    kept(folder, "me", ABANDON, "owner", PASSPHRASE.encode())
    kept(folder, "bot", LEGAL, "trader", PASSPHRASE.encode())
    for debug in ((), ("--debug",)):
        said = runs.run(
            "keys", *words[:2], "--passphrase-fd", "fd0", *runs.peer.options, *words[2:], *debug,
            fds=(BOTH,), code=CRASHING.format(module=module, name=name), expected=(1,),
        )  # fmt: skip
        assert b"with all it was given" in said
        assert (b"Traceback" in said) == bool(debug)


def test_a_run_of_the_engine_with_a_secret_in_hand_writes_none_of_it(alone: Path) -> None:
    """A whole run with journal and JSON in a process that holds a secret, which its log lines and config name."""
    code = (
        "import logging, sys\n"
        "from sniper.keys.secret import Secret\n"
        f"held = Secret({PASSPHRASE.encode()!r})\n"
        f"logging.getLogger('x').error('given %s and {LEGAL}', bytes(held.reveal()).decode())\n"
        "from sniper.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--headless", "--json", "--ticks", "20", "--set", "feed.speed=0",
         "--journal", "journal"],
        capture_output=True, cwd=alone, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert b"given *** and ***" in done.stderr
    clean(done.stdout + done.stderr, "output")
    files = [file for file in (alone / "journal").rglob("*") if file.is_file()]
    assert files
    for file in files:
        clean(file.read_bytes(), file.name)


def test_the_canaries_would_be_seen(runs: Runs) -> None:
    """The search itself: a run that says a secret is caught."""
    with pytest.raises(AssertionError, match="canary"):
        runs.run("x", fds=(), code=f"print({PASSPHRASE!r})")
    with pytest.raises(AssertionError, match="abandon"):
        runs.run("x", fds=(), code=f"print({ABANDON!r})")
