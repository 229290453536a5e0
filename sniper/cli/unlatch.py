"""`sniper unlatch`: lifts the latch that a kill left behind, with a reason."""

from __future__ import annotations

import os

import click

from sniper.cli import live, wiring
from sniper.cli.folders import accounts_folder
from sniper.cli.options import config_options, json_option
from sniper.cli.recover import missed
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_OK, UsageError


@click.command()
@config_options
@click.option(
    "--reason", required=True, metavar="WHY", help="Why trading may go on; it is kept with the kill."
)
@json_option
def command(config_path: str | None, sets: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Lift the kill that holds for the configured account, so that the next run may open positions again.

    The latch outlives the program. While a run has the database, 'sniper resume' lifts it.
    """
    from sniper.configfile import load

    config = live.of_key(load(config_path, sets).config)
    if not reason.strip():
        raise UsageError("an empty reason lifts nothing", "Say with --reason why trading may go on.")
    killed = ""
    whose = f"{wiring.network_of(config)}, {wiring.owner_of(config)}, subaccount {config.trade.subaccount}"
    path = wiring.state_path(config, accounts_folder(config.state.folder, os.environ))
    if not path.exists():
        missed(path)
    else:
        state = wiring.open_state(config)
        try:
            killed = state.lift(reason)
        finally:
            state.close("unlatch")
    if as_json:
        emit({"schema": "sniper.unlatch/1", "lifted": killed or None, "reason": " ".join(reason.split())})
    note(f"lifted: {killed}" if killed else f"no kill holds for {whose}")
    return EXIT_OK
