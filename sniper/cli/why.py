"""`sniper why`: what was decided at a tick of a journal, and what it would have taken."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import json_option
from sniper.cli.terminal import emit, say
from sniper.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from sniper.engine import Engine
    from sniper.explaining import Explanation, Why
    from sniper.journal_reader import JournalReader
    from sniper.trading import Reason

SECOND_NS = 1_000_000_000
TICKS = ("stop", "target")
"""Exits whose figures are prices in ticks."""


@click.command()
@click.argument("journal", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--at", required=True, metavar="TIME|TICK", help="A tick, or a time: 2026-01-01T00:01:30, 00:01:30 (UTC)."
)
@click.option("--market", "tickers", multiple=True, metavar="M", help="Only this market. Repeatable.")
@click.option(
    "--all", "everything", is_flag=True, help="Every market in full; else the nearest and what was decided."
)
@json_option
def command(journal: Path, at: str, tickers: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Explain tick AT of JOURNAL: scores and their parts, weights, thresholds, gates, and the nearest miss.

    At a time it is the last tick up to then. The engine is run to there from the journal, and asked in that very
    tick, before it decides.
    """
    from sniper.cli.step import journal_source
    from sniper.debugger_walk import Walk
    from sniper.explaining import why

    source = journal_source(journal)
    try:
        walk = Walk(source, lambda difference: None)
        tick = tick_at(source.reader, at)
        walk.goto(tick - 1)
        known = walk.engine.decoder.tickers
        for ticker in tickers:
            if ticker not in known:
                raise UsageError(
                    f"--market {ticker}: tick {tick} knows {', '.join(known[:8]) or 'no market'}"
                )
        try:
            found = why(walk, tick, [known.index(ticker) for ticker in tickers])
        except ValueError as problem:
            raise UsageError(str(problem), "Look at it with 'sniper inspect'.") from None
        if as_json:
            emit(document(found))
        else:
            for line in told(found, everything or bool(tickers), walk.engine):
                say(line)
    finally:
        source.close()
    return EXIT_OK


def tick_at(reader: JournalReader, at: str) -> int:
    """The tick that is meant. UsageError where there is none."""
    if at.isascii() and at.isdecimal() and len(at) < 16:
        return int(at)
    first_ns, last_ns = reader.span_ns
    if not first_ns:  # the state before all ticks knows no time
        first_ns = next((tick.now_ns for tick in reader), 0)
    ns = time_ns(at, first_ns)
    if not first_ns <= ns <= last_ns:
        raise UsageError(
            f"--at {at} is not in the journal, which goes from {clock(first_ns)} to {clock(last_ns)}"
        )
    first = reader.snapshots[0][0] if reader.snapshots else 0
    start = max((number for number, now_ns in reader.snapshots if now_ns <= ns), default=first)
    found = start
    for tick in reader.seek(start + 1):
        if tick.now_ns > ns:
            break
        found = tick.number
    if found == first:
        raise UsageError(f"there is no tick up to {at}, but for the state that the journal begins with")
    return found


def time_ns(text: str, first_ns: int) -> int:
    """A time as written, UTC unless it says otherwise; without a date: of the day on which the journal begins."""
    written = text if "T" in text else f"{clock(first_ns)[:10]}T{text}"
    try:
        moment = datetime.datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(f"--at {text} is neither a tick nor a time like 2026-01-01T00:01:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000


def clock(ns: int) -> str:
    """ns since 1970 as ISO 8601, UTC, milliseconds."""
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns // 1_000_000 % 1000:03d}Z"


def told(found: Why, everything: bool, engine: Engine) -> Iterator[str]:
    """The explanation as lines. engine: it stands behind that tick."""
    from sniper.account_document import RUNGS
    from sniper.trading import Approved, Withdraw
    from sniper.wording import UNBOUND, outcome_line

    yield f"tick {found.tick}, {clock(found.now_ns)}, strategy {found.strategy}, ladder {RUNGS[found.rung]}"
    if not found.asked:
        yield "the strategy was not asked: nothing was known of the account yet"
    for decided in found.decided:
        outcome = decided.outcome
        yield outcome_line(engine.decoder, outcome)
        if isinstance(outcome, Approved):
            yield from rows("size in steps, by rule", [one for one in outcome.notes if one.found < UNBOUND])
        if not isinstance(outcome, Withdraw):
            yield from rows("reason", outcome.intent.reasons)
    if found.asked and not found.decided:
        yield f"decided: nothing{lately(found, engine)}"
    nearest = found.nearest
    if nearest is not None:
        yield f"nearest miss: {nearest.ticker} {side(nearest)}: {nearest.taken}"
    for one in found.markets:
        if everything or one is nearest:
            yield from market_lines(one)


def lately(found: Why, engine: Engine) -> str:
    """The last decision ahead of this tick, for whoever named a moment and missed it."""
    earlier = (
        [one for one in engine.desk.decisions if one.tick < found.tick] if engine.desk is not None else []
    )
    if not earlier:
        return ""
    return f"; the last decision before was in tick {earlier[-1].tick}, {clock(earlier[-1].now_ns)}"


def side(one: Explanation) -> str:
    """The side that was looked at, in words."""
    return {1: "long", -1: "short"}.get(one.side, "either side")


def market_lines(one: Explanation) -> Iterator[str]:
    """One market in full."""
    from sniper.wording import UNBOUND, figure

    yield ""
    yield f"{one.ticker}, {side(one)}"
    signals, weights, points = one.of("signal"), one.of("weight"), one.of("points")
    if signals:
        yield f"  {'signal':<16} {'score':>8} {'weight':>8} {'points':>8}"
    for name, signal in signals.items():
        values = (signal, weights.get(name), points.get(name))
        yield f"  {name:<16} " + " ".join(f"{value.found:8.2f}" if value else f"{'-':>8}" for value in values)
    for reason in one.alone:
        yield f"  {reason.name:<16} {figure(reason.found):>8} needed {figure(reason.needed)}"
    costs = one.of("cost")
    for name, reason in one.of("filter").items():
        cost = costs.get(name)
        points_off = f", cost {cost.found:.3g} points" if cost is not None and cost.found else ""
        yield f"  filter {name:<9} {figure(reason.found):>8} needed {figure(reason.needed)}{points_off}"
    yield "  passed: " + (", ".join(gate(reason) for reason in one.passed) or "nothing")
    yield "  failed: " + (", ".join(gate(reason) for reason in one.failed) or "nothing")
    if one.sizing:
        yield (
            "  size:   "
            + ", ".join(f"{rule.name} {figure(rule.found)}" for rule in one.sizing if rule.found < UNBOUND)
            + " steps"
        )
    exits = one.of("exit")
    if exits:
        yield "  exits:  " + ", ".join(
            f"{name} {figure(reason.found)} at {figure(reason.needed)}{' ticks' * (name in TICKS)}"
            for name, reason in exits.items()
        )
    parts = one.of("part")
    if parts:
        yield "  parts:  " + ", ".join(f"{name} {figure(reason.found, 6)}" for name, reason in parts.items())


def gate(reason: Reason) -> str:
    """A gate with its figures."""
    from sniper.wording import figure

    return f"{reason.name.removeprefix('gate.')} {figure(reason.found)} ({figure(reason.needed)})"


def rows(what: str, reasons: Sequence[Reason]) -> Iterator[str]:
    """Reasons, indented; `!` marks one that speaks against it."""
    from sniper.wording import figure

    if reasons:
        yield f"    {what:<24} {'found':>12}  {'needed':>12}"
    for reason in reasons:
        mark = " " if reason.passed else "!"
        yield f"  {mark} {reason.name:<24} {figure(reason.found):>12}  {figure(reason.needed):>12}"


def reasons_document(reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    """Reasons for `--json`; what is no number is null."""
    return [
        {
            "name": one.name,
            "found": number(one.found),
            "needed": number(one.needed),
            "passed": bool(one.passed),
        }
        for one in reasons
    ]


def number(value: float) -> float | None:
    """A float that JSON can say."""
    return float(value) if abs(value) < float("inf") else None


def document(found: Why) -> dict[str, Any]:
    """The explanation for `--json`."""
    from sniper.trading import Approved, Refused

    decided: list[dict[str, Any]] = []
    for one in found.decided:
        outcome = one.outcome
        if isinstance(outcome, Approved | Refused):
            intent = outcome.intent
            said: dict[str, Any] = {
                "outcome": "approved" if isinstance(outcome, Approved) else "refused",
                "market": intent.market,
                "side": "sell" if intent.side else "buy",
                "purpose": intent.purpose,
                "strategy": intent.strategy,
                "size_steps": intent.size_steps,
                "price_ticks": intent.price_ticks,
                "reasons": reasons_document(intent.reasons),
            }
            if isinstance(outcome, Refused):
                said |= {"gate": outcome.gate, "text": outcome.text}
            decided.append(said)
        else:
            decided.append({"outcome": "withdrawn", "client_id": outcome.client_id, "cause": outcome.cause})
    nearest = found.nearest
    return {
        "schema": "sniper.why/1",
        "tick": found.tick,
        "now_ns": found.now_ns,
        "strategy": found.strategy,
        "asked": found.asked,
        "rung": found.rung,
        "decided": decided,
        "nearest": nearest.ticker if nearest is not None else None,
        "markets": {
            one.ticker: {
                "side": side(one),
                "taken": one.taken,
                "strategy": reasons_document(one.strategy),
                "risk": reasons_document(one.risk),
                "sizing": reasons_document(one.sizing),
            }
            for one in found.markets
        },
    }
