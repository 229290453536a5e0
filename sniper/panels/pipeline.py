"""Pipeline: one frame on its way: its raw text, the rows it became, and what they changed, stage by stage."""

from __future__ import annotations

from sniper.panels.row import Cell, Row, duration, filled, left, line
from sniper.panels.view import Change, Pipeline, View

TITLE = "Pipeline"
NAME = 8


def draw(view: View, width: int, height: int) -> list[Row]:
    """The frame, then each stage with its cost in that tick and, before and after, what it changed."""
    pipeline = view.pipeline
    if not pipeline.bytes:
        return filled([line(width, ("waiting for a frame of this market", "dim"))], width, height)
    stages = [_stage(pipeline, name, cost_ns) for name, cost_ns in pipeline.stages]
    spare = height - 1 - len(stages)
    raw_lines = max(1, min(3, spare, -(-len(pipeline.raw) // width)))
    rows = [_frame(pipeline, width)]
    rows += [((text, "dim"),) for text in _wrapped(pipeline.raw, width, raw_lines)]
    spare = height - len(rows) - len(stages)
    quiet = [(name, cost) for name, cost, facts in stages if not facts] if spare < 0 else []
    if quiet:  # the stages that changed nothing share what is left
        stages = [stage for stage in stages if stage[2]]
        spare = 0
    for name, cost, facts in stages:
        more = min(max(0, spare), len(facts) - 1) if facts else 0
        spare -= more
        rows.append(line(width, (f"{name:<{NAME}}", "label"), (f"{cost:>6}  ", ""), *_fact(facts, 0)))
        rows += [line(width, (" " * (NAME + 8), ""), *_fact(facts, i + 1)) for i in range(more)]
    rows += _shared(quiet, width)
    return filled(rows, width, height)


def _shared(stages: list[tuple[str, str]], width: int) -> list[Row]:
    """Stages with their cost, as many in a row as fit."""
    rows: list[list[Cell]] = []
    room = 0
    for name, cost in stages:
        needed = len(name) + len(cost) + 3
        if needed > room:
            rows.append([])
            room = width + 2
        rows[-1] += [(f"{'  ' if rows[-1] else ''}{name} ", "label"), (cost, "")]
        room -= needed
    return [line(width, *cells) for cells in rows]


def _frame(pipeline: Pipeline, width: int) -> Row:
    cells: list[Cell] = [("frame   ", "label")]
    room = width - 8
    for text, style in (
        (f"{pipeline.frame + 1}/{pipeline.frames}", "strong"),
        (f" of tick {pipeline.tick:,}  ", "dim"),
        (f"{pipeline.bytes:,} bytes  ", "strong"),
        (f"conn {pipeline.connection}", "dim"),
    ):
        if len(text) <= room:
            cells.append((text, style))
            room -= len(text)
    return line(width, *cells)


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    room = width * lines
    if len(text) > room:
        text = text[: room - 1] + "…"
    return [left(text[i * width : (i + 1) * width], width) for i in range(lines)]


def _stage(pipeline: Pipeline, name: str, cost_ns: int) -> tuple[str, str, list[tuple[Cell, ...]]]:
    if name == "decode":
        facts = [_row(kind, text) for kind, text in pipeline.rows]
        if pipeline.rows_count > len(facts) and facts:
            facts[0] = (*facts[0], (f"  +{pipeline.rows_count - 1} rows", "dim"))
    else:
        facts = [_change(change) for change in pipeline.changes if change.stage == name]
    return name, duration(cost_ns), facts


def _row(kind: str, text: str) -> tuple[Cell, ...]:
    return ((f"{kind} ", "accent"), (text, ""))


def _change(change: Change) -> tuple[Cell, ...]:
    return (
        (f"{change.what} ", ""),
        (change.before or "none", "dim"),
        (" → ", "label"),
        (change.after or "none", "strong"),
    )


def _fact(facts: list[tuple[Cell, ...]], i: int) -> tuple[Cell, ...]:
    return facts[i] if i < len(facts) else (("-", "dim"),)


if __name__ == "__main__":
    from sniper.demo import main

    main("pipeline")
