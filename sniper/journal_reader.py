"""Reads journals: ticks in order and fast, from any tick on, and the snapshots to start from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from sniper._ext.ticks import TickReader
from sniper.errors import JournalError, PermissionProblem
from sniper.journal_folder import SUFFIX
from sniper.journal_format import Gap, Tick
from sniper.journal_part import ADVICE, JournalPart, Marked, NotOurs

AHEAD_BYTES_MIN = 1 << 14
"""A chunk smaller than this (compressed) is not worth the way to another thread and back."""


class JournalReader:
    """A journal: one file, or all files of the newest run in a folder.

    Iterating yields every `Tick` in order, as often as wanted; a chunk at a time is in memory. Where a tick's
    number does not follow the one before (the journal has a gap), the engine must be loaded with
    `state_before(tick.number)`, as at the beginning. Of a run that was killed, the last tick may have no
    commands and digests (None).
    JournalError says why something cannot be read; it may come while iterating.
    """

    def __init__(self, path: Path | str) -> None:
        self._parts = _open(Path(path))
        self.progress = 0.0
        """How much of the journal the last iteration has read, 0 to 1."""

    @property
    def header(self) -> dict[str, str]:
        """What the writer said of the run: config, seed and versions."""
        return self._parts[0].header

    @property
    def torn(self) -> str | None:
        """What is missing at the end of a file that was not closed; None when all were."""
        cut = [f"{part.path.name}: {part.torn}" for part in self._parts if part.torn]
        return "; ".join(cut) or None

    @property
    def files(self) -> list[Path]:
        """The files, in order."""
        return [part.path for part in self._parts]

    @property
    def size(self) -> int:
        """Their size in bytes."""
        return sum(part.size for part in self._parts)

    @property
    def span_ns(self) -> tuple[int, int]:
        """now_ns of the first and of the last tick (or snapshot)."""
        used = [part for part in self._parts if part.chunks] or self._parts
        return used[0].first_ns, used[-1].last_ns

    @property
    def gaps(self) -> list[Gap]:
        """Ticks that were not journalled because writing had stopped. A file that writing stopped in does not know
        when it went on; the next file does."""
        last = self._parts[-1]
        return [gap for part in self._parts for gap in part.gaps if part is last or gap.last_tick is not None]

    @property
    def snapshots(self) -> list[tuple[int, int]]:
        """(tick, now_ns) of each snapshot: the state after that tick."""
        return [(mark.number, mark.now_ns) for part in self._parts for mark in part.snapshots]

    def state_before(self, tick: int) -> tuple[int, bytes]:
        """The newest snapshot that does not contain `tick` yet: (its number, the engine's state)."""
        place = self._mark_before(tick)
        if place is None:
            first = f"the first one is of tick {self.snapshots[0][0]}" if self.snapshots else "it has none"
            raise JournalError(
                f"{self.files[0]} has no snapshot before tick {tick}: {first}", "Go to a later tick."
            )
        index, mark = place
        return mark.number, self._parts[index].state(mark)

    def seek(self, tick: int) -> Iterator[Tick]:
        """The ticks from number `tick` on. Reads from the newest snapshot before it."""
        place = self._mark_before(tick)
        return self._ticks(tick, *(0, 0) if place is None else (place[0], place[1].chunk))

    def __iter__(self) -> Iterator[Tick]:
        return self._ticks(0, 0, 0)

    def close(self) -> None:
        """Close the files. May be called twice."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _mark_before(self, tick: int) -> tuple[int, Marked] | None:
        """(index of the part, snapshot) of the newest one with a number below `tick`."""
        for index in range(len(self._parts) - 1, -1, -1):
            for mark in reversed(self._parts[index].snapshots):
                if mark.number < tick:
                    return index, mark
        return None

    def _ticks(self, floor: int, first_part: int, first_chunk: int) -> Iterator[Tick]:
        """The ticks of number >= floor, from a chunk of a part on."""
        reader = TickReader(Tick)
        total = sum(len(part.chunks) for part in self._parts) or 1
        before = sum(len(part.chunks) for part in self._parts[:first_part])
        # Another thread reads and decompresses one chunk ahead: that is half of the work.
        with ThreadPoolExecutor(1, "journal-reader") as ahead:
            for part in self._parts[first_part:]:
                reader.restart(floor)
                for channel, topic in part.channels.items():
                    reader.declare(channel, topic)
                coming: Future[bytes] | None = None
                for index in range(first_chunk, len(part.chunks)):
                    reader.feed(coming.result() if coming else part.load(index))
                    following = index + 1
                    large = following < len(part.chunks) and part.lengths[following] >= AHEAD_BYTES_MIN
                    coming = ahead.submit(part.load, following) if large else None
                    try:
                        yield from reader
                    except ValueError as problem:
                        raise JournalError(
                            f"{part.path} is damaged in the chunk at byte {part.chunks[index]}: {problem}",
                            "Copy it again from where it came.",
                        ) from problem
                    self.progress = (before + following) / total
                last = reader.finish()
                if last is not None:
                    yield last
                before += len(part.chunks)
                first_chunk = 0


def _open(path: Path) -> list[JournalPart]:
    """The parts of a journal, in order."""
    if not path.is_dir():
        return [JournalPart(path)]
    parts: list[JournalPart] = []
    problem: JournalError | None = None
    try:
        names = sorted(name for name in path.iterdir() if name.suffix == SUFFIX)
    except PermissionError as refused:
        raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod u+rx {path}'.") from refused
    for name in names:
        try:
            parts.append(JournalPart(name))
        except NotOurs as refused:  # but a damaged journal is reported: it may be a part of this run
            problem = problem or refused
    if not parts:
        raise problem or JournalError(f"there is no journal in {path}", ADVICE)
    newest = max(parts, key=lambda part: (part.header.get("created", ""), part.path.name))
    run = [part for part in parts if part.header.get("run") == newest.header.get("run")]
    for part in parts:
        if part not in run:
            part.close()
    return sorted(run, key=lambda part: _file_number(part))


def _file_number(part: JournalPart) -> int:
    text = part.header.get("file", "")
    return int(text) if text.isascii() and text.isdecimal() else 0
