"""A forked process becomes a call of sniper. Imports little: every such process imports this anew."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def called(words: tuple[str, ...], env: dict[str, str], said: str, files: list[str]) -> None:
    """In the new process: be `sniper WORDS`."""
    os.environ.update(env)
    os.chdir(ROOT)
    for descriptor, path, flags in (
        (1, f"{said}.out", os.O_CREAT | os.O_WRONLY | os.O_TRUNC),
        (2, f"{said}.err", os.O_CREAT | os.O_WRONLY | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    moved = [os.open(path, os.O_RDONLY) for path in files]
    moved = [os.dup(one) if one < 3 + len(files) else one for one in moved]
    for number, one in enumerate(moved, 3):
        os.dup2(one, number)
    from sniper.__main__ import main as sniper

    code = sniper(list(words))
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
