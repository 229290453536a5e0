"""Risk: the liquidation cockpit. Ladder rung, margin use, stress results, and each position's distance as a bar."""

from __future__ import annotations

from sniper.panels.desk_parts import Danger, PowerCut, Risk
from sniper.panels.palette import RUNGS
from sniper.panels.row import (
    SECOND_NS,
    Cell,
    Row,
    bar,
    clean,
    duration,
    ends,
    filled,
    fitting,
    left,
    line,
    right,
)
from sniper.panels.view import View

TITLE = "Risk"
END = " liquidation"
BAR_PERCENT = 50
"""A liquidation price this far away fills the bar."""
DAY_NS = 86_400 * SECOND_NS
NEAR_PERCENT, CLOSE_PERCENT = 10.0, 4.0


def draw(view: View, width: int, height: int) -> list[Row]:
    """State, margin, stress, then a line a position."""
    part = view.risk
    latch = f"{part.latch}: {clean(part.reason)}" if part.latch else ""
    rows = [
        ends(
            width,
            (("rung ", "label"), (f"{part.rung} {RUNGS[part.rung][0]}", RUNGS[part.rung][1])),
            ((latch, "critical"),) if latch else ((f"account {part.trust}", _trust(part)),),
        ),
        _gauge("danger", part.danger_permille, part.rungs_permille, width),
        ends(
            width,
            (("equity ", "label"), (f"{part.equity} USD", "strong"), ("  free ", "label"), (part.free, "")),
            (
                ("margin ", "label"),
                (f"{part.usage_permille / 10:.1f}%", ""),
                (f"  {part.leverage}x", ""),
            ),
        ),
    ]
    rows += [_stress(name, danger, width) for name, danger in part.stresses]
    if part.cut.markets or part.cut.entry_orders or part.cut.staying:
        rows += _cut(part.cut, width)
    if part.unprotected:
        rows.append(line(width, (f"{part.unprotected} positions without a protective stop", "critical")))
    room = max(0, height - len(rows))
    rows += [_position(row, width) for row in part.rows[:room]]
    if len(part.rows) > room > 1:
        rows[-1] = line(width, (f"and {len(part.rows) - room + 1} more, farther away", "dim"))
    return filled(rows, width, height)


def _trust(part: Risk) -> str:
    return "good" if part.trust == "live" else "warning"


def _gauge(name: str, permille: int, rungs: tuple[int, ...], width: int) -> Row:
    """Maintenance margin over equity up to liquidation, and where the rungs stand."""
    room = max(4, width - 16 - len(END))
    filled_bar = list(bar(max(0, min(permille, 1000)), 1000, room))
    for rung in rungs:
        at = min(room - 1, room * rung // 1000)
        if filled_bar[at] == " ":
            filled_bar[at] = "┊"
    style = RUNGS[sum(permille >= rung for rung in rungs)][1]
    head: tuple[Cell, ...] = (
        (left(name, 8), "label"),
        (right(f"{permille / 10:.1f}%", 7), style),
        (" ", ""),
    )
    return line(width, *head, ("".join(filled_bar), style), (END, "dim"))


def _stress(name: str, danger: int | None, width: int) -> Row:
    said = "not computable" if danger is None else f"danger {danger / 10:.1f}%"
    style = "critical" if danger is None or danger >= 1000 else "warning" if danger >= 500 else "good"
    return ends(width, (("stress ", "label"), (clean(name), "")), ((said, style),))


def _cut(cut: PowerCut, width: int) -> list[Row]:
    """What is at stake if the power were lost now, then what of it still stands."""
    ways = (
        ("power lost ", f"{cut.at_stops} USD at the stops", f"  {cut.stressed} in stress"),
        ("power cut ", f"{cut.at_stops} at stops", f" {cut.stressed} stressed"),
    )
    label, stops, stressed = next((way for way in ways if len("".join(way)) <= width), ways[1])
    losses = ((label, "label"), (stops, "strong"), (stressed, "warning"))
    told: list[Cell] = [
        (f"no stop for {cut.bare} USD in {cut.bare_markets} of {cut.markets}", "critical")
        if cut.bare_markets
        else ("all positions have stops" if cut.markets else "nothing held", "good")
    ]
    if cut.entry_orders:
        ends_in = f", gone in {cut.entry_blocks} blk" if cut.entry_blocks > 0 else ""
        told.append((f"  may open {cut.entries} USD{ends_in}", "warning"))
    if cut.staying:
        told.append((f"  {cut.staying} stay{'s' if cut.staying == 1 else ''} {_long(cut.staying_ns)}", "dim"))
    return [fitting(width, *losses), fitting(width, *told)]


def _long(ns: int) -> str:
    """A time that may be days."""
    days = ns // DAY_NS
    return f"{days} d" if days >= 2 else duration(ns)


def _position(row: Danger, width: int) -> Row:
    head: tuple[Cell, ...] = (
        (left(row.ticker, 10), "strong"),
        (right(row.size, 11), "bid" if row.size[:1] != "-" else "ask"),
    )
    if row.percent is None:
        return line(width, *head, ("  no price liquidates it", "good"))
    style = "critical" if row.percent < CLOSE_PERCENT else "warning" if row.percent < NEAR_PERCENT else "good"
    sigmas = "" if row.sigmas is None else f" {_rough(row.sigmas)}\N{GREEK SMALL LETTER SIGMA}"
    percent = f" {_rough(row.percent)}%"
    ways = (f"{percent}{sigmas} liq {row.liquidation}", f"{percent} liq {row.liquidation}")
    said = next((way for way in ways if len(way) + 25 <= width), percent)
    room = max(3, width - 22 - len(said))
    length = round(min(row.percent, float(BAR_PERCENT)) * 100)
    return line(width, *head, (" ", ""), (bar(length, BAR_PERCENT * 100, room), style), (said, ""))


def _rough(number: float) -> str:
    """A distance: with a decimal where it matters, and no more than "far" where it does not."""
    return f"{number:.1f}" if number < 100.0 else f"{number:.0f}" if number < 1000.0 else ">999"


if __name__ == "__main__":
    from sniper.demo import main

    main("risk")
