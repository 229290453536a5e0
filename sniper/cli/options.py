"""Options that several verbs share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def config_options(command: F) -> F:
    """--config PATH and --set KEY=VALUE."""
    command = click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set one value, e.g. feed.speed=2. Repeatable.",
    )(command)
    return click.option(
        "--config", "config_path", metavar="PATH", help="The config file. Default: the first one found."
    )(command)


class Seconds(click.FloatRange):
    """A length of time above 0, at most a century: what a clock in nanoseconds can hold and more than is meant."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(0.0, 100 * 366 * 86_400.0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As a range, which NaN passes because no comparison with it holds."""
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no length of time", param, ctx)
        return seconds


def markets_option(command: F) -> F:
    """--markets FILE, for what runs on frames."""
    return click.option(
        "--markets",
        "markets_file",
        metavar="FILE",
        help="The same as --set feed.markets_file=FILE: the market table of recorded frames without one.",
    )(command)


def overrides(sets: tuple[str, ...], **given: object) -> tuple[str, ...]:
    """`--set` and, behind them, the options that stand for one: `seed=3` (None: not given)."""
    return (
        *sets,
        *(f"{key.replace('__', '.')}={value}" for key, value in given.items() if value is not None),
    )


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        command
    )
