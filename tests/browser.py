"""A page in headless Chromium, without a network: its elements after scripts ran, and a screenshot."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OFFLINE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=15000",
)


def binary() -> str:
    """The browser; the test is skipped where there is none."""
    found = os.environ.get("SNIPER_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium here: install it (apt-get install chromium) or name it in SNIPER_CHROMIUM")
    return found


def opened(page: Path, folder: Path, *options: str) -> str:
    """Open a page with a fresh profile; returns what the browser writes on standard output."""
    words = [binary(), *OFFLINE, f"--user-data-dir={folder / 'profile'}", *options, page.resolve().as_uri()]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=300).stdout


def pixels(png: Path) -> list[bytes]:
    """The rows of a screenshot (8 bits a channel, not interlaced), three bytes a pixel."""
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, width, channels = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, _, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and color in (2, 6) and not interlaced
            channels = 3 if color == 2 else 4
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    raw, stride, before, rows = zlib.decompress(packed), width * channels, bytearray(width * channels), []
    for start in range(0, len(raw), stride + 1):
        row = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, channels)
        rows.append(bytes(byte for i, byte in enumerate(row) if i % channels < 3))
        before = row
    return rows


def unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    """One row of a PNG without its filter (PNG specification, 9.2)."""
    for i in range(len(row)):
        left, up = row[i - step] if i >= step else 0, above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            row[i] = (row[i] + left) & 255
        elif kind == 2:
            row[i] = (row[i] + up) & 255
        elif kind == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        elif kind == 4:
            guess = left + up - corner
            near = min(
                (abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner)
            )
            row[i] = (row[i] + near[2]) & 255
    return row


def colors(rows: list[bytes]) -> dict[bytes, int]:
    """How many pixels have each colour."""
    found: dict[bytes, int] = {}
    for row in rows:
        for i in range(0, len(row), 3):
            color = row[i : i + 3]
            found[color] = found.get(color, 0) + 1
    return found
