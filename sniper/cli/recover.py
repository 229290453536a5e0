"""`sniper recover`: our book against the venue's, row by row, and what becomes of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli import live, wiring
from sniper.cli.folders import accounts_folder, state_folder
from sniper.cli.options import config_options, json_option
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from sniper.config import Config
    from sniper.reconcile_book import Row
    from sniper.recovery import Recovered

QUIET = ("agree", "leave")
HEADS = ("what", "which", "local", "venue", "resolution", "rule")


@click.command()
@config_options
@click.option(
    "--explain", is_flag=True, help="Show every row, also where both books agree, and what each rule says."
)
@click.option("--url", metavar="URL", help="The Indexer's REST to ask, without /v4; default: the config's.")
@click.option("--network", metavar="NAME", help="The network whose database is meant; default: the config's.")
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(0.0, 3600.0),
    default=60.0,
    metavar="S",
    help="Wait so long for what needs time. [60]",
)
@json_option
def command(
    config_path: str | None,
    sets: tuple[str, ...],
    explain: bool,
    url: str | None,
    network: str | None,
    patience_s: float,
    as_json: bool,
) -> int:
    """Compare orders, fills and positions with the venue, write down what is proven, and show the table.

    Running it twice changes nothing. Exit code 6 while something cannot be explained: then nothing may be traded.
    A paper venue ends with its run, so there is nothing to ask.
    """
    from sniper.configfile import load

    config = live.of_key(load(config_path, sets).config)
    own = wiring.network_of(config)
    if own == wiring.PAPER and not network and not config.trade.address:
        named()
    network = network or own
    path = wiring.state_path(config, accounts_folder(config.state.folder, os.environ), network)
    if not path.exists():
        missed(path)
        note(
            f"there is no database of {network}, {wiring.owner_of(config)}, subaccount {config.trade.subaccount}: "
            "nothing to recover"
        )
        return EXIT_OK
    url = url or (config.feed.indexer_url if network == own else "")
    if network == wiring.PAPER:
        wiring.open_state(config).close("recover")
        note("the paper venue ended with its run: its orders and positions are over")
        return EXIT_OK
    if not url:
        raise UsageError(f"nobody to ask about {network}", "Name the Indexer's REST with --url.")
    found = compared(config, network, url, patience_s)
    return show(config, network, found, explain, as_json)


def named() -> None:
    """No account was given, so paper is meant. UsageError where a live session died: who asks means that one."""
    from sniper.instances import died, listed

    dead = [one for one, _, beat in listed(state_folder(os.environ)) if died(one, beat)]
    if dead:
        network, address, subaccount = dead[0].name.rsplit("-", 2)
        others = f", and {len(dead) - 1} more" if len(dead) > 1 else ""
        raise UsageError(
            f"no account was given, and {dead[0].name} (pid {dead[0].pid}, {dead[0].source}){others} died in a live "
            "session: what it left may still fill",
            f"Give the --config and --set of that run, or --network {network} --set trade.address={address} "
            f"--set trade.subaccount={subaccount} --url URL; --network paper means paper.",
        )


def missed(path: Path) -> None:
    """There is no database. StateProblem if a live session died with it, PermissionProblem while one runs without."""
    from sniper.instances import died, listed, runs
    from sniper.state_file import StateProblem
    from sniper.state_lock import in_use

    for instance, _, beat in listed(state_folder(os.environ)):
        if instance.name == path.stem and runs(instance, beat):
            raise in_use(instance.name, f"process {instance.pid}")
        if instance.name == path.stem and died(instance, beat):
            raise StateProblem(
                f"{path} is gone, and {instance.name} (pid {instance.pid}) died in a live session: what it left may "
                "still fill, and a kill would not be known",
                "Move the database back with its -wal file, or correct state.folder; without it look at the orders "
                "and positions at the venue yourself.",
            )


def compared(config: Config, network: str, url: str, patience_s: float) -> Recovered:
    """Open the database and bring it up to what the venue says."""
    from sniper.recovery import recover
    from sniper.recovery_rest import IndexerBook

    number = config.trade.subaccount
    source = IndexerBook(url, wiring.owner_of(config), number, config.feed.ca_file)
    state = wiring.open_state(config, network)
    try:
        return recover(state, source, number, patience_s=patience_s)
    finally:
        state.close("recover")


def show(config: Config, network: str, found: Recovered, explain: bool, as_json: bool) -> int:
    """The table, and the exit code: Unexplained while there is something that trading must wait for."""
    from sniper.reconcile import refused
    from sniper.reconcile_rules import TEXTS
    from sniper.recovery import Unexplained

    open_rows = refused(found.rows)
    if as_json:
        emit(document(config, network, found))
    else:
        shown = [row for row in found.rows if explain or row.resolution not in QUIET]
        for line in table(shown):
            click.echo(line)
        if explain:
            for name in sorted({row.rule for row in shown}):
                click.echo(f"{name}: {TEXTS[name]}")
    note(f"{len(found.rows)} compared, {found.changed} corrected, {len(open_rows)} not explained")
    if open_rows:
        first = open_rows[0]
        raise Unexplained(
            f"{first.what} {first.key}: {TEXTS[first.rule]}; {len(open_rows)} such, so nothing may be traded",
            "Look at 'sniper recover --explain'; what waits is asked again by running it again.",
        )
    return EXIT_OK


def table(rows: list[Row]) -> list[str]:
    """Rows as aligned columns."""
    if not rows:
        return []
    cells = [HEADS, *((row.what, row.key, row.own, row.venue, row.resolution, row.rule) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    return [
        "  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def document(config: Config, network: str, found: Recovered) -> dict[str, Any]:
    """The table as one object."""
    from sniper.reconcile import refused

    fields = ("what", "key", "own", "venue", "resolution", "rule")
    return {
        "schema": "sniper.recover/1",
        "network": network,
        "address": wiring.owner_of(config),
        "subaccount": config.trade.subaccount,
        "rows": [{name: getattr(row, name) for name in fields} for row in found.rows],
        "corrected": found.changed,
        "unexplained": len(refused(found.rows)),
    }
