"""`sniper risk`: margin and liquidation, worked out from what one has at hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sniper.cli.options import json_option
from sniper.cli.terminal import emit
from sniper.errors import UsageError


@click.group()
def command() -> None:
    """Work out margin and liquidation prices."""


@command.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def margin(path: Path, as_json: bool) -> None:
    """Margin of accounts, one a line, as the chain computes it.

    \b
    In:  {"usdc_quantums":int,"markets":{TICKER:{the Indexer's market object}},
          "positions":[{"market":TICKER,"size_quantums":int}]}
    Out: {"net_collateral":int,"imr":int,"mmr":int,"free_collateral":int,
          "positions":[{"market":..,"notional":int,"liquidation_price":"decimal" or null}]}

    Amounts in quote quantums (10^-6 USDC). One object a line comes out, with and without --json. FILE may be -
    for standard input.
    """
    from sniper.cli.margin_lines import document, measured, read

    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    account = read(line)
                except ValueError as error:
                    raise UsageError(f"{path} line {number}: {error}") from None
                emit(document(account, measured(account)))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{path} cannot be read: {reason}") from None
