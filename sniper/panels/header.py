"""Header: where the data comes from, whether it comes, what each stage costs. Painted without a border."""

from __future__ import annotations

from sniper.panels.palette import LINK, TRUST
from sniper.panels.row import Cell, Row, clock_ms, count, date, ends, filled, line, micros
from sniper.panels.view import Header, Latency, View

TITLE = "sniper"
WIDE = 110
"""From this width on the costs take one row."""


def draw(view: View, width: int, height: int) -> list[Row]:
    """Two rows where there is room for all costs in one, else three."""
    header = view.header
    rows = [_first(header, width)]
    if width >= WIDE:
        lead = ((" µs p50 p99 max ", "label"), *_cost("decode", header.decode), *_cost("book", header.book))
        rows.append(
            _second(header, width, (*lead, *_cost("tick", header.tick_cost), *_cost("draw", header.draw)))
        )
    else:
        label = " µs p50 p99 max " if width >= 64 else " "
        rows.append(
            line(width, (label, "label"), *_cost("decode", header.decode), *_cost("book", header.book))
        )
        lead = ((" " * len(label), ""), *_cost("  tick", header.tick_cost), *_cost("draw", header.draw))
        rows.append(_second(header, width, lead))
    return filled(rows, width, height)


def height(width: int) -> int:
    """Rows the header takes at this width."""
    return 2 if width >= WIDE else 3


def _first(header: Header, width: int) -> Row:
    state_style = "bar" if LINK.get(header.state) in ("good", "dim") else "critical"
    start: list[Cell] = [
        (" sniper ", "bar strong"),
        (f" {header.source} ", "bar"),
        (f" {header.state} ", state_style),
        (f" tick {header.tick:,} ", "bar"),
    ]
    room = width - sum(len(text) for text, _ in start)
    end: list[Cell] = []
    if header.frozen:
        end.append((" FROZEN ", "critical"))
        room -= 8
    for text in (f" {clock_ms(header.now_ns)} ", f" {count(header.frames_per_s)} frames/s "):
        if len(text) <= room:
            start.append((text, "bar"))
            room -= len(text)
    if room >= 12 + len(date(header.now_ns)) + 14:
        start[4] = (f" {date(header.now_ns)} {clock_ms(header.now_ns)} ", "bar")
        room -= 11
    for label, digits in ((" digest ", 32), (" digest ", 16), (" digest ", 8), (" ", 8)):
        if room > len(label) + digits:
            start.append((f"{label}{header.digest[:digits]} ", "bar"))
            room -= len(start[-1][0])
            break
    if room > 0:
        start.append((" " * room, "bar"))
    return line(width, *start, *end)


def _second(header: Header, width: int, start: tuple[Cell, ...]) -> Row:
    """Costs at the left; the books' trust at the right, in full or only how many are live."""
    books = sum(number for _, number in header.trust)
    live = dict(header.trust).get("live", 0)
    full = tuple((f"{number} {name} ", TRUST[name]) for name, number in header.trust if number)
    used = sum(len(text) for text, _ in start)
    if books and used + 1 + sum(len(text) for text, _ in full) <= width:
        return ends(width, start, full)
    worst = "critical" if "stale" in dict(header.trust) else "good" if live == books else "warning"
    return ends(width, start, ((f"{live}/{books} live ", worst),))


def _cost(name: str, latency: Latency) -> tuple[Cell, ...]:
    p50, p99, most = latency
    return (
        (f" {name} ", "label"),
        (f"{micros(p50):>4} {micros(p99):>4} ", ""),
        (f"{micros(most):>4} ", "dim"),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("header")
