"""What several test files need."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sniper.keys.redaction import REDACTOR
from sniper.keys.secret import Secret

# Nothing here is judged by the clock: a machine may be busy.
settings.register_profile(
    "sniper", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("sniper")


# Processes are started beside channels that live: gRPC must not take part in a fork that only execs.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


@pytest.fixture
def hangups() -> Iterator[None]:
    """Processes that are started heed SIGHUP, though the tests may run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Secrets of one test are no secrets of the next: they would be hidden from what that one reads."""
    yield
    REDACTOR._digests.clear()
    REDACTOR._index = {}


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files whose passphrase costs nothing to try: for tests of what is done with keys, not of the files."""
    from sniper.keys import keyfile

    def derive(kdf: keyfile.Kdf, passphrase: Secret) -> bytearray:
        return bytearray(hashlib.sha512(bytes.fromhex(kdf.salt) + bytes(passphrase.reveal())).digest())

    monkeypatch.setattr(keyfile, "_derive", derive)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as working and home folder, and no variable that sniper or a terminal reads."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.setenv(name, "")  # so that what `--color` sets is undone, too
        monkeypatch.delenv(name)
    for name in list(os.environ):
        if name.startswith(("SNIPER", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)
    return tmp_path
