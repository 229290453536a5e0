"""`sniper explain order`: the mechanism behind an order, its limits, and what a crash means for it."""

from __future__ import annotations

import click

from sniper.cli.options import json_option
from sniper.cli.terminal import emit
from sniper.errors import EXIT_OK

LABEL_WIDTH = 14


@click.group("explain")
def command() -> None:
    """Explain what an order is at the exchange before it is sent."""


@command.command("order")
@click.option(
    "--kind",
    type=click.Choice(["short_term", "conditional", "long_term"]),
    default="short_term",
    show_default=True,
)
@click.option(
    "--time-in-force", type=click.Choice(["ioc", "gtt", "post_only"]), default="ioc", show_default=True
)
@click.option("--reduce-only", is_flag=True, help="It may only make a position smaller.")
@click.option("--trigger", type=click.Choice(["stop_loss", "take_profit"]), help="Of a conditional order.")
@json_option
def order(kind: str, time_in_force: str, reduce_only: bool, trigger: str | None, as_json: bool) -> int:
    """Say which mechanism an order uses, what bounds it, and what is left of it after a crash."""
    from sniper.explaining_orders import explained

    rows = explained(kind, time_in_force, reduce_only, trigger or "")
    if as_json:
        emit({"schema": "sniper.explain.order/1"} | {label.replace(" ", "_"): text for label, text in rows})
    else:
        for label, text in rows:
            click.echo(f"{label:<{LABEL_WIDTH}} {text}")
    return EXIT_OK
