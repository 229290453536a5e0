"""Finds the real recordings; the test is skipped where they are not there.

`real.path("dydx-abacus/ws/connected.json")` looks in `$SNIPER_REAL_DATA`, then in `../shared/data/real`
beside the repository. `read` and `lines` also open `.gz` files.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest


def folder() -> Path | None:
    """The folder of the recordings, or None."""
    named = os.environ.get("SNIPER_REAL_DATA")
    beside = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "real"
    for candidate in ([Path(named)] if named else []) + [beside]:
        if candidate.is_dir():
            return candidate.resolve()
    return None


def path(name: str) -> Path:
    """The file `name` (relative to the recordings), or skip the test."""
    root = folder()
    if root is None:
        pytest.skip("real recordings not found: set SNIPER_REAL_DATA")
    found = root / name
    if not found.exists():
        pytest.skip(f"real recording not found: {name}")
    return found


def read(name: str) -> bytes:
    """The bytes of the file `name`, unpacked when it ends in .gz."""
    data = path(name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def lines(name: str) -> list[bytes]:
    """The lines of the file `name` that are not blank."""
    return [line for line in read(name).splitlines() if line.strip()]


def messages(name: str) -> list[bytes]:
    """The WebSocket messages of the file: one a line in .jsonl files, else the whole file is one message."""
    return lines(name) if ".jsonl" in name else [read(name)]
