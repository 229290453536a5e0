"""Events: what happened, newest first, each with its severity as a word."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.palette import SEVERITY
from sniper.panels.row import CROSS, Row, clock, filled, line
from sniper.panels.view import Event, View

TITLE = "Events"
WORD = {"info": "info", "warning": "WARN", "critical": "CRIT"}


def draw(view: View, width: int, height: int) -> list[Row]:
    """One row an event."""
    rows = [_event(event, width) for event in view.events.rows[:height]]
    if not rows:
        rows.append(line(width, ("nothing yet", "dim")))
    return filled(rows, width, height)


@lru_cache(maxsize=64)
def _event(event: Event, width: int) -> Row:
    times = f" {CROSS}{event.times:,}" if event.times > 1 else ""
    room = max(0, width - 14 - len(times))
    text = event.text if len(event.text) <= room else event.text[: max(0, room - 1)] + "…"
    return line(
        width,
        (f"{clock(event.ns)} ", "dim"),
        (WORD[event.severity], SEVERITY[event.severity]),
        (f" {text}", "" if event.severity != "info" else "dim"),
        (times, "accent"),
    )


if __name__ == "__main__":
    from sniper.demo import main

    main("events")
