"""`sniper inspect`: what is in a recording, and how good the feed was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import json_option
from sniper.cli.progress import progress
from sniper.cli.terminal import emit, note, say
from sniper.errors import PermissionProblem, UsageError

if TYPE_CHECKING:
    from sniper.inspection import Report

TELL_TICKS = 1 << 12


@click.command()
@click.argument("path", metavar="JOURNAL|FRAMES", type=click.Path(path_type=Path, readable=False))
@click.option("--markets", metavar="FILE", help="A perpetualMarkets answer where the input has no markets.")
@click.option("--dump-books", metavar="PATH", help="Write the raw books at the end of the input as JSON.")
@json_option
def command(path: Path, markets: str | None, dump_books: str | None, as_json: bool) -> None:
    """Say what is in a journal or in a file of frames, and grade the quality of the feed from A to F.

    FRAMES has one WebSocket message a line or {"recv_ms":..,"msg":{..}} lines, plain or gzip.
    """
    from sniper.bookdump import books
    from sniper.inspection import Inspection

    inspection = Inspection(path, markets)
    try:
        with progress(
            "inspecting, ticks" if inspection.reader is None else "inspecting", _total(inspection)
        ) as tell:
            for count, part in enumerate(inspection.run(), 1):
                if not count % TELL_TICKS:
                    tell(count if part is None else int(1000 * part))
        report = inspection.report()
    finally:
        inspection.close()
    if report.torn:
        note(f"the end of the journal is torn, what is there was read: {report.torn}")
    if dump_books:
        write(dump_books, books(inspection.engine))
    if as_json:
        emit(document(report))
    else:
        for line in lines(report):
            say(line)


def _total(inspection: Any) -> int | None:
    return None if inspection.reader is None else 1000


def write(path: str, dump: dict[str, Any]) -> None:
    """Write the books to `path`. PermissionProblem or UsageError where that cannot be."""
    try:
        Path(path).write_text(json.dumps(dump) + "\n", encoding="ascii")
    except PermissionError:
        raise PermissionProblem(f"{path} may not be written", "Give another path to --dump-books.") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(
            f"{path} cannot be written: {reason}", "Give another path to --dump-books."
        ) from None


def document(report: Report) -> dict[str, Any]:
    """The report as JSON. Times in nanoseconds are whole numbers."""
    quality = report.quality
    return {
        "schema": "sniper.inspect/1",
        **report._asdict(),
        "journal_gaps": [gap._asdict() for gap in report.journal_gaps],
        "messages": {name: {"messages": n, "bytes": size} for name, (n, size) in report.messages.items()},
        "quality": {
            "grade": quality.grade,
            "reasons": quality.reasons,
            "measures": {one.name: {"value": one.value, "grade": one.grade} for one in quality.measures},
        },
    }


def lines(report: Report) -> list[str]:
    """The report for people."""
    counters = report.counters
    span_s = (report.last_ns - report.first_ns) / 1e9
    said = [
        f"{report.path}: {report.kind}, {report.ticks:,} ticks over {span_s:,.3f} s, "
        f"{counters['frames']:,} frames, {counters['bytes']:,} bytes",
        f"from {_time(report.first_ns)} to {_time(report.last_ns)}, longest silence {report.silence_ns / 1e9:.3f} s",
        "",
        *_table(
            ("messages", "count", "bytes"),
            [(name, f"{n:,}", f"{size:,}") for name, (n, size) in report.messages.items()],
        ),
        "",
        *_table(
            ("connection", "frames", "bytes", "missing ids", "height"),
            [
                tuple("-" if value is None else f"{value:,}" for value in one.values())
                for one in report.connections
            ],
        ),
        "",
        *_table(
            ("market", "trust", "bids", "asks", "crossings", "crossed s", "unknown removes", "trades"),
            [
                (
                    ticker,
                    one["trust"],
                    f"{one['bids']:,}",
                    f"{one['asks']:,}",
                    f"{one['crossings']:,}",
                    f"{one['crossed_ns'] / 1e9:,.3f}",
                    f"{one['unknown_removes']:,}",
                    f"{one['trades']:,}",
                )
                for ticker, one in report.markets.items()
            ],
        ),
        "",
        f"gaps: {counters['gaps']:,} with {counters['gap_records']:,} records; "
        f"missing message ids: {counters['missing_ids']:,}; unknown messages: {counters['unknown']:,}",
        f"rejected: {counters['rejected']:,} messages with {counters['rejected_levels']:,} levels"
        + "".join(f"; {reason}: {n:,}" for reason, n in report.rejections.items()),
        "doubts: " + ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in report.doubts.items()),
        *(f"not journalled: ticks {gap.ticks}: {gap.cause}" for gap in report.journal_gaps),
        "",
        f"quality of the feed: {report.quality.grade}",
        *(f"  {reason}" for reason in report.quality.reasons),
    ]
    return said


def _time(ns: int) -> str:
    from sniper.panels.row import clock_ms, date

    return f"{date(ns)} {clock_ms(ns)} UTC"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Aligned columns: the first at the left, numbers at the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
