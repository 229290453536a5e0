"""Schedules of faults as data: at this time, or so many blocks after the start, for so long, this fault.

    name = "a bad minute"
    seed = 7                 # of whatever a fault leaves to chance
    tls = "self-signed"      # absent: plain sockets

    [[event]]
    at_s = 10.0              # or at_block = 16
    for_s = 5.0              # absent: until the end, where the fault lasts
    fault = "answer_lost"
    share = 0.5              # the fault's own parameters, see `faults.FAULTS`

`generated` draws a schedule from a seed; `dumps` writes any schedule down so that it reads back the same.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import tomli_w

from sniper.errors import UsageError
from sniper.exchange.faults import FAULTS, SECOND_NS, checked

EVENTS_MAX: Final = 10_000
BYTES_MAX: Final = 1 << 20
AT_S_MAX: Final = 366 * 86_400.0
TLS: Final = ("", "self-signed")
HEAD: Final = {"name", "seed", "tls", "event"}
TIMES: Final = {"at_s", "at_block", "for_s", "fault"}
ADVICE: Final = "docs/exchange.md shows one; 'sniper venue --faults' lists every fault and what it takes."


class Event(NamedTuple):
    """One fault: at_ns after the start, or at_block blocks after it (-1: not by blocks). for_ns 0: without an end."""

    at_ns: int
    at_block: int
    for_ns: int
    fault: str
    parameters: dict[str, Any]


class Scenario(NamedTuple):
    """A schedule, its events in the order of the file."""

    name: str = ""
    seed: int = 1
    tls: str = ""
    events: tuple[Event, ...] = ()


CALM: Final = Scenario()


def read(path: str | Path) -> Scenario:
    """The scenario of a file. UsageError with what is wrong and where."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"the scenario {path} cannot be read: {error.strerror}", ADVICE) from None
    if len(data) > BYTES_MAX:
        raise UsageError(f"the scenario {path} is larger than {BYTES_MAX} bytes", ADVICE)
    try:
        return parsed(data.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the scenario {path} is not valid: {error}", ADVICE) from None


def parsed(text: str) -> Scenario:
    """The scenario of a TOML text. ValueError with what is wrong."""
    document = tomllib.loads(text)
    unknown = sorted(document.keys() - HEAD)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]}; at the top there are {', '.join(sorted(HEAD))}")
    name, seed, tls = document.get("name", ""), document.get("seed", 1), document.get("tls", "")
    if not isinstance(name, str):
        raise ValueError("name is not a text")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError("seed is not a whole number from 0 on")
    if tls not in TLS:
        raise ValueError(f"tls = {tls!r} is not {' or '.join(map(repr, TLS))}")
    entries = document.get("event", [])
    if not isinstance(entries, list) or len(entries) > EVENTS_MAX:
        raise ValueError(f"event is not a list of at most {EVENTS_MAX} tables")
    return Scenario(name, seed, tls, tuple(_event(number, entry) for number, entry in enumerate(entries, 1)))


def _event(number: int, entry: Any) -> Event:
    if not isinstance(entry, dict):
        raise ValueError(f"event {number} is not a table")
    fault = entry.get("fault")
    try:
        if not isinstance(fault, str):
            raise ValueError("fault is missing or not a text")
        parameters = checked(fault, {key: value for key, value in entry.items() if key not in TIMES})
        if ("at_s" in entry) == ("at_block" in entry):
            raise ValueError("one of at_s and at_block says when")
        at_ns = _seconds("at_s", entry["at_s"], 0.0) if "at_s" in entry else 0
        at_block = entry.get("at_block", -1)
        if isinstance(at_block, bool) or not isinstance(at_block, int) or not -1 <= at_block < 1 << 31:
            raise ValueError(f"at_block = {at_block!r} is not a number of blocks")
        for_ns = _seconds("for_s", entry["for_s"], 0.001) if "for_s" in entry else 0
        if for_ns and not FAULTS[fault].lasts:
            raise ValueError("it happens once: it takes no for_s")
    except ValueError as error:
        raise ValueError(
            f"event {number}{f' ({fault})' if isinstance(fault, str) else ''}: {error}"
        ) from None
    return Event(at_ns, at_block, for_ns, fault, parameters)


def _seconds(name: str, value: Any, least: float) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= AT_S_MAX:
        raise ValueError(f"{name} = {value!r} is not a time of {least:g} to {AT_S_MAX:g} seconds")
    return round(value * SECOND_NS)


def dumps(scenario: Scenario) -> str:
    """A text from which `parsed` gives this scenario again."""
    entries = []
    for event in scenario.events:
        entry: dict[str, Any] = (
            {"at_s": event.at_ns / SECOND_NS} if event.at_block < 0 else {"at_block": event.at_block}
        )
        if event.for_ns:
            entry["for_s"] = event.for_ns / SECOND_NS
        entry["fault"] = event.fault
        entry |= {
            key: list(value) if isinstance(value, tuple) else value for key, value in event.parameters.items()
        }
        entries.append(entry)
    head: dict[str, Any] = {"name": scenario.name, "seed": scenario.seed}
    if scenario.tls:
        head["tls"] = scenario.tls
    return tomli_w.dumps({**head, "event": entries} if entries else head)


# How a drawn schedule is made: weight of each fault, its duration in seconds, and what its parameters may be.
_DRAWN: Final[dict[str, tuple[int, tuple[float, float], dict[str, tuple[float, float]]]]] = {
    "disconnect": (4, (0, 0), {}),
    "restart": (2, (0, 0), {}),
    "silence": (3, (2, 25), {}),
    "slow_reader": (1, (2, 15), {"bytes_per_s": (2_000, 60_000)}),
    "duplicate": (2, (1, 20), {"share": (0.01, 0.3)}),
    "reorder": (2, (1, 20), {"share": (0.01, 0.2)}),
    "gap": (2, (1, 20), {"share": (0.005, 0.1)}),
    "crossed": (2, (1, 20), {"share": (0.01, 0.2)}),
    "malformed": (1, (1, 10), {"share": (0.001, 0.05)}),
    "html": (1, (1, 10), {"share": (0.001, 0.05)}),
    "snapshot_error": (2, (1, 20), {"share": (0.1, 1.0)}),
    "snapshot_late": (2, (1, 20), {"late_s": (0.5, 15)}),
    "height_told": (1, (1, 10), {"share": (0.01, 0.2), "blocks": (1, 200)}),
    "stream_lag": (2, (1, 15), {"lag_s": (0.2, 6)}),
    "replica_lag": (2, (1, 30), {"lag_s": (0.2, 10)}),
    "rest_html": (1, (1, 20), {"share": (0.05, 1.0)}),
    "rest_429": (2, (1, 20), {"share": (0.05, 1.0)}),
    "rest_5xx": (2, (1, 20), {"share": (0.05, 1.0)}),
    "unavailable": (3, (0.5, 20), {"share": (0.1, 1.0)}),
    "hang": (3, (0.5, 15), {"share": (0.1, 1.0), "wait_s": (1, 30)}),
    "answer_lost": (5, (0.5, 20), {"share": (0.1, 1.0)}),
    "answer_hangs": (3, (0.5, 15), {"share": (0.1, 1.0), "wait_s": (1, 30)}),
    "answer_late": (4, (0.5, 20), {"share": (0.1, 1.0), "wait_s": (0.1, 8)}),
    "chain_halt": (2, (1, 30), {}),
    "height_jump": (2, (0, 0), {"blocks": (1, 60)}),
    "oracle_jump": (2, (1, 15), {"ppm": (-150_000, 150_000)}),
    "margin_change": (1, (5, 30), {"initial_ppm": (20_000, 300_000)}),
    "delisting": (1, (0, 0), {}),
}


def generated(seed: int, duration_s: float, markets: Sequence[str], events_max: int = 8) -> Scenario:
    """A schedule of 1 to `events_max` faults within `duration_s`, drawn from the seed alone; never the canary."""
    draw = Random(f"{seed}/exchange/scenario")
    names = [name for name, (weight, _, _) in _DRAWN.items() for _ in range(weight)]
    events = []
    for _ in range(1 + int(draw.random() * events_max)):
        name = names[int(draw.random() * len(names))]
        _, (shortest, longest), ranges = _DRAWN[name]
        at_ns = int(draw.random() * duration_s * 1000) * 1_000_000
        for_ns = int((shortest + draw.random() * (longest - shortest)) * 1000) * 1_000_000
        given: dict[str, Any] = {}
        for key, (least, most) in ranges.items():
            value = least + draw.random() * (most - least)
            parameter = FAULTS[name].parameters[key]
            whole = getattr(parameter, "whole", False)
            given[key] = int(value) if whole else int(value * 1000) / 1000
        if "market" in FAULTS[name].parameters:
            given["market"] = markets[int(draw.random() * len(markets))]
        events.append(Event(at_ns, -1, for_ns, name, checked(name, given)))
    events.sort(key=lambda event: event.at_ns)
    return Scenario(f"seed {seed}", seed, "", tuple(events))
