"""How far a long piece of work is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sniper.cli.terminal import note

LINE_EVERY_S = 5.0
BAR_AFTER_S = 0.5
"""What is done sooner shows no bar."""


@contextmanager
def progress(
    what: str, total: int | None, every_s: float = LINE_EVERY_S, after_s: float = BAR_AFTER_S
) -> Iterator[Callable[[int], None]]:
    """Gives a function to call with how much is done of `total` (None: unknown). Calls may be frequent."""
    if sys.stderr.isatty():
        with _bar(what, total, after_s) as tell:
            yield tell
    else:
        yield _lines(what, total, every_s)


@contextmanager
def _bar(what: str, total: int | None, after_s: float) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # No refresh thread: the bar moves when it is told to.
    bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    task = bar.add_task(what, total=total)
    due_s = time.monotonic() + after_s

    def tell(done: int) -> None:
        nonlocal due_s
        if (now_s := time.monotonic()) >= due_s:
            due_s = now_s + 0.1
            bar.start()
            bar.update(task, completed=done, refresh=True)

    try:
        yield tell
    finally:
        bar.stop()


def _lines(what: str, total: int | None, every_s: float) -> Callable[[int], None]:
    said_s = time.monotonic()

    def tell(done: int) -> None:
        nonlocal said_s
        if (now_s := time.monotonic()) - said_s >= every_s:
            said_s = now_s
            note(f"{what}: {done:,}" + (f" of {total:,} ({100 * done // total} %)" if total else ""))

    return tell
