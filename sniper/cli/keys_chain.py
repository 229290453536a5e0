"""`sniper keys check|authorize|revoke|rotate`: what a key may do on the chain, and changes of that."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from sniper.cli.keys_common import (
    Desk,
    confirm,
    facts_of,
    key_options,
    lines_of,
    listed,
    shown_by,
    typed,
    yes_option,
)
from sniper.cli.options import json_option
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_DIFFERENCES, DifferencesFound, UsageError

if TYPE_CHECKING:
    from sniper.keys.chain import Node

F = TypeVar("F", bound=Callable[..., Any])
NETWORK_NAMES: Final = ("mainnet", "testnet", "local")


def node_options(command: F) -> F:
    """--network, --node, --chain-id, --ca-file: which chain, and who answers for it."""
    command = click.option(
        "--ca-file", metavar="FILE", help="PEM certificates to believe instead of the system's."
    )(command)
    command = click.option("--chain-id", metavar="ID", help="The chain, where it is not the network's.")(
        command
    )
    command = click.option(
        "--node", metavar="URL", help="https://host:port of a node's gRPC; http:// on this machine only."
    )(command)
    return click.option(
        "--network",
        type=click.Choice(NETWORK_NAMES),
        default="testnet",
        show_default=True,
        help="The network.",
    )(command)


def quiet() -> None:
    """Before the client is imported: gRPC writes lines of its own, and the client warns of its own constants."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    logging.getLogger("dydx_v4_client.network").setLevel(logging.ERROR)


def connect(network: str, node: str | None, chain_id: str | None, ca_file: str | None) -> Node:
    """The node that the options name."""
    quiet()
    from sniper.keys.chain import Node
    from sniper.keys.networks import NETWORKS, Network

    preset = NETWORKS[network]
    roots = None
    if ca_file:
        try:
            roots = Path(ca_file).read_bytes()
        except OSError as error:
            raise UsageError(f"{ca_file} cannot be read: {error.strerror}", "Give a PEM file.") from None
    return Node(Network(chain_id or preset.chain_id, node or preset.node), roots)


@click.command()
@click.argument("name")
@node_options
@key_options
@click.option("--offline", is_flag=True, help="Only open the file; ask no node.")
@json_option
def check(
    name: str,
    network: str,
    node: str | None,
    chain_id: str | None,
    ca_file: str | None,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    offline: bool,
    as_json: bool,
) -> int | None:
    """Prove what the key NAME may do, without placing an order; exit 8 where chain and file differ.

    Opens the file (so its header is true), compares its address with its private key, reads the permissions of the
    owner's account and works out all that they allow this key, and lets the node simulate messages of each kind.
    """
    quiet()
    from sniper.keys.examination import examine, prove_identity

    with Desk(folder, audit, passphrase_fd) as desk, desk.unlock(name, "check") as key:
        prove_identity(key)
        document: dict[str, Any] = {"schema": "sniper.key_check/1", **facts_of(name, key.header)}
        lines = lines_of(name, key.header)
        problems: list[str] = []
        if not offline:
            with connect(network, node, chain_id, ca_file) as chain:
                found = examine(key, chain)
            problems = found.problems
            document |= found.document
            lines += found.lines
        desk.tell("key.check", {"key": name, "offline": offline, "problems": problems})
    if as_json:
        emit({**document, "ok": not problems, "problems": problems})
        return EXIT_DIFFERENCES if problems else None
    for line in lines:
        click.echo(line)
    for problem in problems:
        note(problem)
    if not problems:
        note("the file opens and its address is that of its key" if offline else "chain and file agree")
    return EXIT_DIFFERENCES if problems else None


@click.command()
@click.argument("name")
@click.option("--owner", required=True, metavar="NAME", help="The owner's key, which signs the permission.")
@click.option(
    "--market", "markets", multiple=True, metavar="TICKER", help="A market, or its clob pair id. Repeatable."
)
@click.option(
    "--subaccount",
    "subaccounts",
    type=click.IntRange(0, 128_000),
    multiple=True,
    metavar="N",
    help="Repeatable.",
)
@node_options
@key_options
@yes_option
@json_option
def authorize(
    name: str,
    owner: str,
    markets: tuple[str, ...],
    subaccounts: tuple[int, ...],
    network: str,
    node: str | None,
    chain_id: str | None,
    ca_file: str | None,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Permit the trader key NAME to place and cancel orders in these markets and subaccounts, and nothing else.

    It cannot withdraw, transfer, send or permit. Needs the owner's passphrase first, then the trader's. The chain takes
    a small fee from the owner's wallet.
    """
    from sniper.keys.granting import authorize as permit
    from sniper.keys.granting import check_owner, other_permissions, scope
    from sniper.keys.keyfile import NUMBERS_MAX

    if not markets or not subaccounts or max(len(markets), len(subaccounts)) > NUMBERS_MAX:
        raise UsageError(
            "a trader key needs at least one market and one subaccount", "Give --market and --subaccount."
        )
    with (
        Desk(folder, audit, passphrase_fd) as desk,
        connect(network, node, chain_id, ca_file) as chain,
        shown_by(owner),
    ):
        wanted = scope(_numbers(chain, markets), subaccounts)
        confirm(
            f"permit {name} to trade markets {listed(wanted.markets)} of subaccounts {listed(wanted.subaccounts)} "
            f"on {chain.chain_id}",
            yes,
        )
        with desk.unlock(owner, "authorize") as owner_key:
            check_owner(owner_key)
            with desk.ask(name) as passphrase, desk.open(name, "authorize", passphrase) as trader:
                grant = permit(desk.ring, chain, owner_key, trader, passphrase, wanted, desk.tell)
                header = trader.header
                others = other_permissions(chain, grant.owner, header.public_key, grant)
    if as_json:
        emit({"schema": "sniper.key_grant/1", **facts_of(name, header), "others": others})
        return
    for line in lines_of(name, header):
        click.echo(line)
    if others:
        note(
            f"{name} has other permissions, which still count: {listed(tuple(others))}; "
            f"take one away with '{typed('revoke', '--owner', owner, '--number', str(others[0]))}'"
        )
    note(f"{name} may trade; prove it with '{typed('check', name)}'")


@click.command()
@click.argument("name", required=False)
@click.option("--owner", required=True, metavar="NAME", help="The owner's key, which signs.")
@click.option(
    "--number", type=click.IntRange(0), metavar="N", help="Instead of NAME: the permission with this number."
)
@node_options
@key_options
@yes_option
@json_option
def revoke(
    name: str | None,
    owner: str,
    number: int | None,
    network: str,
    node: str | None,
    chain_id: str | None,
    ca_file: str | None,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Take away every permission of the key NAME on the owner's account. Needs the owner's passphrase alone.

    Which key is meant comes from the file of NAME, which is not proven without its passphrase: read what was taken
    away. Keys that an unfinished rotation keeps beside it lose theirs too.
    Where that file is lost or in doubt, 'sniper keys check OWNER' shows the numbers for --number.
    Exit 4 where the file names another owner on this chain, or none; 8 for a number that is not there.
    """
    from sniper.keys.granting import revoke_all, revoke_number

    if (name is None) == (number is None):
        raise UsageError(
            "what to revoke is a key's name or a permission's number", "Give NAME or --number N."
        )

    with (
        Desk(folder, audit, passphrase_fd) as desk,
        connect(network, node, chain_id, ca_file) as chain,
        shown_by(owner),
    ):
        if name is None:
            assert number is not None
            confirm(f"revoke permission {number} on {chain.chain_id}", yes)
            with desk.unlock(owner, "revoke") as owner_key:
                removed = revoke_number(chain, owner_key, number, desk.tell)
            if not removed:
                raise DifferencesFound(
                    f"nothing was revoked: {owner} has no permission {number} on {chain.chain_id}",
                    f"It was revoked before, or never was: '{typed('check', owner)}' shows those that there are.",
                )
        else:
            header = desk.ring.header(name)
            confirm(f"revoke every permission of {name} ({header.address}) on {chain.chain_id}", yes)
            with desk.unlock(owner, "revoke") as owner_key:
                removed = revoke_all(desk.ring, chain, owner_key, name, desk.tell)
    if as_json:
        emit({"schema": "sniper.key_revoke/1", "name": name, "removed": removed})
    elif removed:
        note(f"revoked {listed(tuple(removed))} on the account of {owner}")
    else:
        note(f"{name} was revoked before: it has no permission left on the account of {owner}")


@click.command()
@click.argument("name")
@click.option("--owner", required=True, metavar="NAME", help="The owner's key, which signs.")
@click.option(
    "--keep-old", is_flag=True, help="Leave the old key its permission; the next rotate takes it away."
)
@node_options
@key_options
@yes_option
@json_option
def rotate(
    name: str,
    owner: str,
    keep_old: bool,
    network: str,
    node: str | None,
    chain_id: str | None,
    ca_file: str | None,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Put a new key in the place of the trader key NAME, with the same permission and the same passphrase.

    A running sniper still holds the old key: rotate with --keep-old, restart it, rotate again. That second call, and
    one after a rotation that died, finishes what was begun. Needs the owner's passphrase first, then the trader's.
    """
    from sniper.keys.granting import rotate as replace

    with (
        Desk(folder, audit, passphrase_fd) as desk,
        connect(network, node, chain_id, ca_file) as chain,
        shown_by(owner),
    ):
        before = desk.ring.header(name)
        confirm(f"replace {name} ({before.address}) on {chain.chain_id}", yes)
        with (
            desk.unlock(owner, "rotate") as owner_key,
            desk.ask(name) as passphrase,
            desk.refusals(name, "rotate"),
        ):
            header, revoked = replace(desk.ring, chain, owner_key, name, passphrase, keep_old, desk.tell)
    if as_json:
        emit({"schema": "sniper.key_rotate/1", "old_revoked": revoked, **facts_of(name, header)})
        return
    for line in lines_of(name, header):
        click.echo(line)
    note(
        "the old key may do nothing any more"
        if revoked
        else "the old key still trades: rotate again when it is unused"
    )


def _numbers(chain: Node, markets: tuple[str, ...]) -> list[int]:
    """Clob pair ids of tickers and numbers. UsageError for a market that the chain does not have."""
    known = chain.markets()
    numbers = {str(number): number for number in known.values()}
    for one in markets:
        if one not in known and one not in numbers:
            import difflib

            close = difflib.get_close_matches(one, known, n=1)
            raise UsageError(
                f"{chain.chain_id} has no market {one}", f"Did you mean {close[0]}?" if close else ""
            )
    return [known[one] if one in known else numbers[one] for one in markets]
