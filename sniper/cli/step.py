"""`sniper step`: walk through a journal, or through a simulated run, tick by tick, forward and back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sniper.cli.options import config_options, markets_option, overrides
from sniper.cli.progress import progress
from sniper.cli.terminal import note, say
from sniper.errors import EXIT_OK

if TYPE_CHECKING:
    from sniper.debugger_source import JournalSource, Source

PROMPT = "(sniper) "


@click.command()
@click.argument("journal", required=False, type=click.Path(path_type=Path, readable=False))
@config_options
@markets_option
def command(
    journal: Path | None, config_path: str | None, sets: tuple[str, ...], markets_file: str | None
) -> int:
    """Walk through JOURNAL tick by tick; without one, through a fresh run on the config's feed.

    Commands come from standard input, one a line: next, back, goto, until, break, book .. and help. With a
    journal, every tick that is run is compared with it, and a difference is announced.
    """
    from sniper.debugger import Debugger
    from sniper.debugger_walk import Walk

    sets = overrides(sets, feed__markets_file=markets_file)
    source = journal_source(journal) if journal else feed_source(config_path, sets)
    try:
        person = sys.stdin.isatty()
        debugger = Debugger(
            lambda announce: Walk(source, announce), repeats=person, progress=lambda: progress("tick", None)
        )
        if not person:
            for line in debugger.run(sys.stdin):
                say(line)
            return EXIT_OK
        with interruptible() as stopped:
            debugger.walk.stopped = stopped
            for line in debugger.run(prompted(stopped)):
                say(line)
    finally:
        source.close()
    return EXIT_OK


def journal_source(path: Path) -> JournalSource:
    """The ticks of a journal."""
    from sniper.debugger_source import JournalSource
    from sniper.journal_reader import JournalReader

    reader = JournalReader(path)
    if reader.torn:
        note(f"the end of the journal is torn, what is there can be stepped: {reader.torn}")
    try:
        return JournalSource(reader)
    except BaseException:
        reader.close()
        raise


def feed_source(config_path: str | None, sets: tuple[str, ...]) -> Source:
    """The ticks that `sniper run` would take with this config."""
    from sniper.cli import wiring
    from sniper.configfile import load
    from sniper.debugger_source import FeedSource
    from sniper.inbox import Inbox

    config = load(config_path, sets).config
    inbox = Inbox(config.inbox.records_max, config.inbox.bytes_max)
    tick_ns = config.loop.tick_ms * 1_000_000
    return FeedSource(
        wiring.feed(config),
        wiring.settings(config),
        inbox,
        tick_ns,
        lambda engine: wiring.venue(config, engine, inbox),
    )


def prompted(stopped: Callable[[], bool]) -> Iterator[str]:
    """Lines from a person at a terminal, with history; Ctrl-C drops the line, Ctrl-D ends."""
    import readline  # noqa: F401 - input() edits and remembers lines with it

    while True:
        stopped()
        try:
            yield input(PROMPT)
        except EOFError:
            click.echo()
            return


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C stops what runs between two ticks, never within one. Gives what asks, once, whether it came."""
    came: list[int] = []

    def stopped() -> bool:
        if not came:
            return False
        came.clear()
        return True

    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
