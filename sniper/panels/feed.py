"""Feed: each connection's health, then inbox, journal and process. A dead feed must not look alive."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.palette import LINK
from sniper.panels.row import Cell, Row, bar, count, duration, filled, fitting, line
from sniper.panels.table import Column, cells, titles
from sniper.panels.view import Feed, LinkRow, View

TITLE = "Feed"
COLUMNS = (
    Column("#", 2, 0),
    Column("state", 10, 1, leftmost=True),
    Column("frames/s", 8, 2),
    Column("bytes/s", 7, 6),
    Column("up", 6, 4),
    Column("reconn", 6, 5),
    Column("gaps", 5, 3),
    Column("missing", 7, 9),
    Column("height", 9, 8),
    Column("block", 6, 7),
    Column("silent", 6, 10),
    Column("name", 12, 11, leftmost=True),
)
SILENCE_NS = 10_000_000_000  # a block comes about once a second: ten without one are worth a colour


def draw(view: View, width: int, height: int) -> list[Row]:
    """Three rows of totals at the bottom, the connections above them."""
    feed = view.feed
    totals = [_inbox(feed, width), _journal(feed, width), _process(feed, width)]
    room = max(0, height - len(totals) - 1)
    rows = [titles(COLUMNS, width)]
    rows += [_link(link, width) for link in feed.links[:room]]
    if feed.total > room and room:
        rows[-1] = line(width, (f"and {feed.total - room + 1} more connections", "dim"))
    filled(rows, width, max(0, height - len(totals)))
    return filled(rows + totals, width, height)


@lru_cache(maxsize=64)
def _link(link: LinkRow, width: int) -> Row:
    return cells(
        COLUMNS,
        width,
        (
            (str(link.number), "strong"),
            (link.state, LINK.get(link.state, "")),
            (count(link.frames_per_s), ""),
            (count(link.bytes_per_s), ""),
            (f"{link.uptime_permille / 10:.1f}%", "good" if link.uptime_permille >= 999 else "warning"),
            (count(link.reconnects), "warning" if link.reconnects else "dim"),
            (count(link.gaps), "critical" if link.gaps else "dim"),
            (count(link.missing), "warning" if link.missing else "dim"),
            (str(link.height) if link.height else "-", ""),
            _age(link.block_age_ns),
            _age(link.silence_ns),
            (link.name, "dim"),
        ),
    )


def _age(ns: int | None) -> Cell:
    if ns is None:
        return ("-", "dim")
    return (duration(max(0, ns)), "warning" if ns > SILENCE_NS else "")


def _inbox(feed: Feed, width: int) -> Row:
    part = max(
        feed.inbox_records * 1000 // max(1, feed.inbox_records_max),
        feed.inbox_bytes * 1000 // max(1, feed.inbox_bytes_max),
    )
    return fitting(
        width,
        ("inbox   ", "label"),
        (bar(part, 1000, 8), "bid bar" if part < 500 else "ask bar"),
        (f"{part // 10:>3}% ", ""),
        (f"{count(feed.inbox_records)} records {count(feed.inbox_bytes)}B ", ""),
        (f" peak {feed.inbox_peak_permille // 10}% ", "dim"),
        (f" {count(feed.inbox_overflows)} overflows", "critical" if feed.inbox_overflows else "dim"),
    )


def _journal(feed: Feed, width: int) -> Row:
    good = feed.journal_state in ("writing", "off")
    cells_: list[Cell] = [
        ("journal ", "label"),
        (feed.journal_state, "good" if feed.journal_state == "writing" else "dim" if good else "critical"),
    ]
    if feed.journal_files:
        cells_.append(
            (
                f"  {count(feed.journal_bytes)}B in {feed.journal_files} file{'s'[: feed.journal_files > 1]}",
                "",
            )
        )
    if feed.journal_error:
        cells_.append((f"  {feed.journal_error}", "critical"))
    return line(width, *cells_)


def _process(feed: Feed, width: int) -> Row:
    cells_: list[Cell] = [("process ", "label")]
    if feed.resident_bytes:
        cells_.append((f"{feed.resident_bytes / 1e6:.1f} MB ", ""))
    style = "warning" if feed.rejected else "dim"
    cells_.append((f" refused {count(feed.rejected)} messages", style))
    cells_.append((f", {count(feed.rejected_levels)} levels", style))
    if feed.growth_bytes_per_min is not None:
        steep = feed.growth_bytes_per_min > 1_000_000
        cells_.append((f"  {feed.growth_bytes_per_min / 1e6:+.2f} MB/min", "warning" if steep else "dim"))
    return fitting(width, *cells_)


if __name__ == "__main__":
    from sniper.demo import main

    main("feed")
