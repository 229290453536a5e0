"""Rows, what every panel draws: tuples of (text, style) cells that together are exactly as wide as the
panel.

A style is a name of `palette.STYLES`. Text that came from outside goes through `clean` first: one
character, one cell of the terminal, never a control code. Times are nanoseconds.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import get_character_cell_size

from sniper._ext.cells import bar, ends, left, line, right

__all__ = [
    "bar",
    "clean",
    "clock",
    "clock_ms",
    "count",
    "date",
    "duration",
    "ends",
    "filled",
    "fitting",
    "left",
]
__all__ += ["line", "micros", "number", "right"]

Cell = tuple[str, str]
Row = tuple[Cell, ...]

SECOND_NS = 1_000_000_000
CROSS = "\N{MULTIPLICATION SIGN}"
KEPT_MAX = 200
"""Longest text whose clean form is kept: a line. A frame's raw text is longer, and never the same again."""
UNKNOWN = "·"  # in the place of a character that must not reach the terminal


def clean(text: str) -> str:
    """The text with everything but plain one-cell characters replaced: control codes, escapes, line ends,
    direction marks, combining and wide characters."""
    if text.isascii() and text.isprintable():
        return text
    return _clean(text) if len(text) <= KEPT_MAX else _cleaned(text)


@lru_cache(maxsize=1024)
def _clean(text: str) -> str:
    return _cleaned(text)


def _cleaned(text: str) -> str:
    return "".join(c if c.isprintable() and get_character_cell_size(c) == 1 else UNKNOWN for c in text)


def fitting(width: int, *cells: Cell) -> Row:
    """A row of those first cells that fit as a whole; of the rest nothing shows, so that nothing is cut."""
    room = width
    for at, (text, _) in enumerate(cells):
        room -= len(text)
        if room < 0:
            return line(width, *cells[:at])
    return line(width, *cells)


def number(text: str, width: int) -> str:
    """A decimal number in at most `width` cells: with fewer decimals or as a rough count where it must."""
    if len(text) <= width:
        return text
    whole = text.partition(".")[0]
    if len(whole) <= width:
        return text[:width].rstrip(".")
    return count(int(whole)) if whole.isdecimal() and width >= 5 else left(text, width)


def filled(rows: list[Row], width: int, height: int) -> list[Row]:
    """Exactly `height` rows: cut, or filled with blank ones."""
    del rows[height:]
    while len(rows) < height:
        rows.append(((" " * width, ""),))
    return rows


def count(number: int) -> str:
    """A count in at most five characters: 999, 1.23k, 45.6M."""
    if number < 1000:
        return str(number)
    for unit in "kMGT":
        if number < 999_500:
            return _three(number) + unit
        number //= 1000
    return _three(number) + "P"


def duration(ns: int) -> str:
    """A length of time in at most six characters: 210ns, 1.40µs, 12.3ms, 450ms, 3.20s, 75m, 12h."""
    if ns < 1000:
        return f"{ns}ns"
    if ns < 999_500:
        return _three(ns) + "µs"
    if ns < 999_500_000:
        return _three(ns // 1000) + "ms"
    if ns < 99_950_000_000:
        return _three(ns // 1_000_000) + "s"
    minutes = ns // (60 * SECOND_NS)
    return f"{minutes}m" if minutes < 600 else f"{minutes // 60}h"


def age(ns: int) -> str:
    """How long ago, in at most four characters: 0s, 38s, 75m, 12h."""
    seconds = ns // SECOND_NS
    return f"{seconds}s" if seconds < 100 else duration(ns)


def micros(ns: int) -> str:
    """Microseconds in at most four characters: 0.21, 12.3, 450, 4200; beyond that 12ms, 0.4s, 12s."""
    if ns < 999_500:
        return _three(ns)
    if ns < 9_999_500:
        return str((ns + 500) // 1000)
    if ns < 99_500_000:
        return f"{(ns + 500_000) // 1_000_000}ms"
    if ns < 9_950_000_000:
        return f"{ns / 1e9:.1f}s"
    return f"{min(999, ns // SECOND_NS)}s"


def _three(thousandths: int) -> str:
    """A number given in thousandths with three digits that count: 0.21, 1.40, 12.3, 450."""
    if thousandths < 9_995:
        return f"{thousandths / 1000:.2f}"
    if thousandths < 99_950:
        return f"{thousandths / 1000:.1f}"
    return str((thousandths + 500) // 1000)


def clock(ns: int) -> str:
    """The time of day, UTC: 13:42:01."""
    seconds = ns // SECOND_NS % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def clock_ms(ns: int) -> str:
    """The time of day, UTC, with milliseconds: 13:42:01.250."""
    return f"{clock(ns)}.{ns // 1_000_000 % 1000:03d}"


def date(ns: int) -> str:
    """The day, UTC: 2026-11-21 (proleptic Gregorian calendar, by the days-from-civil arithmetic)."""
    days = ns // (86_400 * SECOND_NS) + 719_468
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return f"{year_of_era + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"
