"""Options that several verbs share."""

from __future__ import annotations

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


def json_option(command: F) -> F:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(
        command
    )
