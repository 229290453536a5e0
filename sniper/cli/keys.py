"""`sniper keys`: import, create and show; what asks the chain lies in `keys_chain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from sniper.cli.keys_chain import authorize, check, revoke, rotate
from sniper.cli.keys_common import Desk, facts_of, folder_option, key_options, keys_folder, lines_of
from sniper.cli.options import json_option
from sniper.cli.terminal import emit, note
from sniper.errors import PermissionProblem, UsageError

if TYPE_CHECKING:
    from sniper.keys.keyfile import Kind
    from sniper.keys.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])
UNPROVEN: Final = "as the file says, not proven without its passphrase: 'sniper keys check NAME' does that"


@click.group()
def command() -> None:
    """Keys in encrypted files, and what they may do on the chain.

    A passphrase is asked for on the terminal, or taken from --passphrase-fd, from systemd's credentials
    (sniper.NAME.passphrase, sniper.passphrase) or from the file that SNIPER_PASSPHRASE_FILE names. It is never an
    option, and no key is ever printed.
    """
    from sniper.keys.core_dumps import forbid_core_dumps

    forbid_core_dumps()


def memory_option(verb: F) -> F:
    """--memory-mib N: what guessing a passphrase costs."""
    return click.option(
        "--memory-mib",
        type=click.IntRange(64, 1024),
        default=256,
        show_default=True,
        help="Memory that each guess at the passphrase costs (Argon2id); opening the key costs the same.",
    )(verb)


@command.command("import")
@click.argument("name")
@click.option(
    "--trader", is_flag=True, help="A trade-only key, made elsewhere. Default: the key of an owner."
)
@click.option(
    "--secret-fd",
    type=click.IntRange(0, 1 << 20),
    metavar="N",
    help="Read the recovery phrase or the private key from this descriptor, one line. Default: ask on the terminal.",
)
@memory_option
@key_options
@json_option
def import_key(
    name: str,
    trader: bool,
    secret_fd: int | None,
    memory_mib: int,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Take in a recovery phrase (BIP-39) or a private key of 64 hexadecimal digits as the key NAME.

    Only the one private key is kept (path m/44'/118'/0'/0/0), not the phrase: keep that yourself, on paper.
    """
    from sniper.keys.pair import private_key

    with Desk(folder, audit, passphrase_fd) as desk:
        _must_be_new(desk, name)
        with _given(secret_fd, passphrase_fd) as given, private_key(given) as secret:
            _write(desk, name, "trader" if trader else "owner", secret, memory_mib, "key.import", as_json)


@command.command()
@click.argument("name")
@click.option("--owner", is_flag=True, help="An owner key, which may withdraw. Default: a trader key.")
@memory_option
@key_options
@json_option
def create(
    name: str,
    owner: bool,
    memory_mib: int,
    folder: str | None,
    audit: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Make a new random key NAME: a trader key, which may do nothing until 'sniper keys authorize'.

    There is no recovery phrase. A trader key that is lost is replaced; of an owner key keep a copy of its file.
    """
    from sniper.keys.pair import new_private_key

    with Desk(folder, audit, passphrase_fd) as desk:
        _must_be_new(desk, name)
        with new_private_key() as secret:
            _write(desk, name, "owner" if owner else "trader", secret, memory_mib, "key.create", as_json)
    if owner:
        note(
            f"there is no recovery phrase: whoever loses {name}.key or its passphrase loses what the key owns"
        )


@command.command()
@click.argument("name", required=False)
@folder_option
@json_option
def show(name: str | None, folder: str | None, as_json: bool) -> None:
    """Print address, fingerprint and permissions of the key NAME, or of all keys, without opening them."""
    from sniper.keys.ring import Ring

    ring = Ring(keys_folder(folder))
    found = {one: ring.header(one) for one in ([name] if name else ring.names())}
    if as_json:
        keys = [facts_of(one, header) for one, header in found.items()]
        emit({"schema": "sniper.keys/1", "folder": str(ring.folder), "proven": False, "keys": keys})
        return
    for one, header in found.items():
        for line in lines_of(one, header):
            click.echo(line)
    note(UNPROVEN if found else f"there are no keys in {ring.folder}")


def _must_be_new(desk: Desk, name: str) -> None:
    """Before anything secret is asked for."""
    if desk.ring.has(name):
        raise UsageError(f"there is a key {name} already, and it is not overwritten", "Take another name.")


def _given(fd: int | None, passphrase_fd: int | None) -> Secret:
    """The recovery phrase or private key: from the descriptor, or asked for."""
    from sniper.keys.passphrase import ask, from_descriptor

    if fd is None:
        return ask("recovery phrase, or private key in hexadecimal")
    if fd == passphrase_fd:
        raise UsageError("--secret-fd and --passphrase-fd are the same", "Give two descriptors.")
    line = from_descriptor(fd)
    if line is None:
        raise PermissionProblem(f"descriptor {fd} holds nothing", "Write the phrase there, in one line.")
    return line


def _write(
    desk: Desk, name: str, kind: Kind, secret: Secret, memory_mib: int, said: str, as_json: bool
) -> None:
    """Seal the key and say what was made."""
    from sniper.keys.keyfile import new_kdf
    from sniper.keys.pair import identity

    address, public_key = identity(secret)
    with desk.passphrases.new(name) as passphrase:
        kdf = new_kdf(memory_mib * 1024)
        header = desk.ring.create(name, kind, address, public_key, secret, passphrase, kdf)
    desk.tell(said, {"key": name, "kind": kind, "address": address})
    if as_json:
        emit({"schema": "sniper.key_written/1", "file": str(desk.ring.path(name)), **facts_of(name, header)})
        return
    for line in lines_of(name, header):
        click.echo(line)
    note(f"wrote {desk.ring.path(name)}")


for verb in (check, authorize, revoke, rotate):
    command.add_command(verb)
