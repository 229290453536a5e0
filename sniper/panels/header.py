"""Header: where the data comes from, how the session trades, what each stage costs. Painted without a border."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.desk_parts import Session
from sniper.panels.palette import LINK, MODE, RUNGS, STATE, TRUST, sign
from sniper.panels.row import Cell, Row, clean, clock, clock_ms, count, date, ends, filled, line, micros
from sniper.panels.view import Header, Latency, View

TITLE = "sniper"
WIDE = 110
"""From this width on the costs take one row."""


def draw(view: View, width: int, height: int) -> list[Row]:
    """Where the data comes from, then the session if it trades, then the costs in one row or two."""
    header = view.header
    rows = [_first(header, width)]
    if header.session is not None:
        rows.append(_session(header.session, width))
    costs = (header.decode, header.book, header.tick_cost, header.draw)
    return filled([*rows, *_costs(costs, header.trust, width)], width, height)


@lru_cache(maxsize=16)
def _costs(costs: tuple[Latency, ...], trust: tuple[tuple[str, int], ...], width: int) -> list[Row]:
    """What each stage costs and how far the books can be trusted, in one row or in two."""
    decode, book, tick, drawn = costs
    if width >= WIDE:
        lead = ((" µs p50 p99 max ", "label"), *_cost("decode", decode), *_cost("book", book))
        return [_second(trust, width, (*lead, *_cost("tick", tick), *_cost("draw", drawn)))]
    label = " µs p50 p99 max " if width >= 64 else " "
    lead = ((" " * len(label), ""), *_cost("  tick", tick), *_cost("draw", drawn))
    return [
        line(width, (label, "label"), *_cost("decode", decode), *_cost("book", book)),
        _second(trust, width, lead),
    ]


def height(width: int, desk: bool = False) -> int:
    """Rows the header takes at this width. desk: whether the session trades."""
    return (2 if width >= WIDE else 3) + desk


def _first(header: Header, width: int) -> Row:
    state_style = "bar" if LINK.get(header.state) in ("good", "dim") else "critical"
    mode = "off" if header.session is None else header.session.mode
    start: list[Cell] = [
        (" sniper ", "bar strong"),
        (f" {mode.upper()} ", MODE.get(mode, "critical")),
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
        start[5] = (f" {date(header.now_ns)} {clock_ms(header.now_ns)} ", "bar")
        room -= 11
    for label, digits in ((" digest ", 32), (" digest ", 16), (" digest ", 8), (" ", 8)):
        if room > len(label) + digits:
            start.append((f"{label}{header.digest[:digits]} ", "bar"))
            room -= len(start[-1][0])
            break
    if room > 0:
        start.append((" " * room, "bar"))
    return line(width, *start, *end)


@lru_cache(maxsize=16)
def _session(session: Session, width: int) -> Row:
    """The account in one row: what matters most comes first and is never cut."""
    word, style = RUNGS[session.rung]
    found: list[tuple[Cell, ...]] = [
        ((" equity ", "label"), (f"{session.equity or '?'} USD", "strong")),
        (("  rung ", "label"), (f"{session.rung} {word}", style)),
        ((_plural(session.positions, "position"), ""),),
    ]
    if session.trust != "live":
        found.insert(1, ((f"  account {session.trust}", "warning"),))
    if session.state == "normal":
        found.insert(1, (("  mode ", "label"), (session.state, STATE[session.state])))
    elif session.state:
        found.insert(1, (("  ", ""), (f" {session.state.upper()} ", STATE[session.state])))
        found.append(((f"  {session.cause}, since {clock(session.since_ns)}", "warning"),))
    if session.latch:
        found.insert(1, (("  ", ""), (f" {session.latch.upper()} ", "critical")))
    found += [
        (("  today ", "label"), (session.today, sign(session.today_sign))),
        ((_plural(session.orders, "order"), ""),),
        (("  danger ", "label"), (f"{session.danger_permille / 10:.1f}%", style)),
        (("  strategy ", "label"), (clean(session.strategy), "")),
    ]
    row: list[Cell] = []
    room = width
    for cells in found:
        needed = sum(len(text) for text, _ in cells)
        if needed <= room:
            row += cells
            room -= needed
    return line(width, *row)


def _plural(number: int, noun: str) -> str:
    return f"  {number} {noun}{'s' if number != 1 else ''}"


def _second(trust: tuple[tuple[str, int], ...], width: int, start: tuple[Cell, ...]) -> Row:
    """Costs at the left; the books' trust at the right, in full or only how many are live."""
    books = sum(number for _, number in trust)
    live = dict(trust).get("live", 0)
    full = tuple((f"{number} {name} ", TRUST[name]) for name, number in trust if number)
    used = sum(len(text) for text, _ in start)
    if books and used + 1 + sum(len(text) for text, _ in full) <= width:
        return ends(width, start, full)
    worst = "critical" if "stale" in dict(trust) else "good" if live == books else "warning"
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
