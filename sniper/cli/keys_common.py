"""What the verbs of `sniper keys` share: their options, the folder of keys, passphrases, the audit log, the words."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sniper.cli.audit import audit_folder
from sniper.cli.folders import state_folder
from sniper.errors import NetworkUnavailable, PermissionProblem, UsageError

if TYPE_CHECKING:
    from sniper.keys.keyfile import Header
    from sniper.keys.ring import Key
    from sniper.keys.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])
FINGERPRINT_DIGITS = 16
REPEATED = ("network", "node", "chain_id", "ca_file", "folder", "audit")
"""Options that say which chain and which folders: what a hint repeats of them."""


def folder_option(command: F) -> F:
    """--folder PATH."""
    return click.option(
        "--folder", metavar="PATH", help="The folder of keys. Default: keys in the state folder."
    )(command)


def key_options(command: F) -> F:
    """--folder PATH, --audit PATH and --passphrase-fd N, for verbs that open or write a key."""
    command = click.option(
        "--passphrase-fd",
        type=click.IntRange(0, 1 << 20),
        metavar="N",
        help="Read passphrases from this descriptor, a line each, in the order in which they are needed.",
    )(command)
    command = click.option(
        "--audit", metavar="PATH", help="The folder of the audit log. Default: audit in the state folder."
    )(command)
    return folder_option(command)


def yes_option(command: F) -> F:
    """--yes."""
    return click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")(command)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is changed on the chain. UsageError where nobody can be asked; Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question}: nobody to ask", "Give --yes to mean it.")
    click.confirm(question, abort=True, err=True)


def typed(verb: str, *words: str) -> str:
    """`sniper keys VERB WORDS` for the chain and the folders of the present call, as it can be typed."""
    params = click.get_current_context().params
    given = [(f"--{name.replace('_', '-')}", params[name]) for name in REPEATED if params.get(name)]
    return shlex.join(["sniper", "keys", verb, *words, *(word for pair in given for word in pair)])


@contextmanager
def shown_by(owner: str) -> Iterator[None]:
    """A change that may or may not have been carried out names the command that shows which."""
    from sniper.keys.chain import Unconfirmed

    try:
        yield
    except Unconfirmed as error:
        raise NetworkUnavailable(
            error.message,
            f"See whether it was with '{typed('check', owner)}', or run the same command again: "
            "it goes on where this one ended.",
        ) from None


def keys_folder(given: str | None) -> Path:
    """The folder of keys: the one given, or `keys` in the state folder."""
    return Path(given).expanduser() if given else state_folder(os.environ) / "keys"


class Desk:
    """The keys of one call: the folder, where passphrases come from, and the log that every use goes into."""

    def __init__(self, folder: str | None, audit: str | None, passphrase_fd: int | None) -> None:
        from sniper.audit import Audit
        from sniper.keys.passphrase import Passphrases
        from sniper.keys.ring import Ring

        self.ring = Ring(keys_folder(folder))
        self.passphrases = Passphrases(passphrase_fd, os.environ)
        self.audit = Audit(audit_folder(audit))

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *caught: object) -> None:
        self.audit.close()

    def tell(self, kind: str, facts: dict[str, object]) -> None:
        """Into the audit log."""
        self.audit.write(kind, facts)

    def ask(self, name: str) -> Secret:
        """The passphrase of a key that is there and may be read; before that, nothing is asked for."""
        self.ring.header(name)
        return self.passphrases.of(name)

    def unlock(self, name: str, purpose: str) -> Key:
        """The key of this name, opened with the passphrase that is asked for."""
        with self.ask(name) as passphrase:
            return self.open(name, purpose, passphrase)

    def open(self, name: str, purpose: str, passphrase: Secret) -> Key:
        """The key of this name, opened; that it was, or was not, is in the audit log."""
        with self.refusals(name, purpose):
            key = self.ring.unlock(name, passphrase)
        self.tell("key.open", {"key": name, "purpose": purpose, "address": key.header.address})
        return key

    @contextmanager
    def refusals(self, name: str, purpose: str) -> Iterator[None]:
        """A key that may not be used within it is in the audit log."""
        try:
            yield
        except PermissionProblem as error:
            self.tell("key.refused", {"key": name, "purpose": purpose, "why": error.message})
            raise


def fingerprint(header: Header) -> str:
    """Sixteen digits of the SHA-256 of the public key: to compare by eye."""
    return hashlib.sha256(bytes.fromhex(header.public_key)).hexdigest()[:FINGERPRINT_DIGITS]


def facts_of(name: str, header: Header) -> dict[str, Any]:
    """A key as a JSON document shows it. Nothing in it is secret."""
    from sniper.keys.keyfile import may_withdraw

    return {
        "name": name,
        "kind": header.kind,
        "may_withdraw": may_withdraw(header),
        "address": header.address,
        "fingerprint": fingerprint(header),
        "created_s": header.created_s,
        "grants": [
            {
                "chain_id": one.chain_id,
                "owner": one.owner,
                "authenticator": one.authenticator,
                "markets": list(one.markets),
                "subaccounts": list(one.subaccounts),
            }
            for one in header.grants
        ],
    }


def lines_of(name: str, header: Header) -> list[str]:
    """A key as it is printed."""
    what = (
        "owner key: may withdraw" if header.kind == "owner" else "trader key: its own account holds nothing"
    )
    lines = [f"{name}  {header.address}  fingerprint {fingerprint(header)}  {what}"]
    for one in header.grants:
        lines.append(
            f"  {one.chain_id}: permission {one.authenticator} of {one.owner}, markets {listed(one.markets)}, "
            f"subaccounts {listed(one.subaccounts)}"
        )
    return lines


def listed(numbers: tuple[int | None, ...]) -> str:
    """Numbers with commas; None stands for any other."""
    return ", ".join("any other" if one is None else str(one) for one in numbers) or "none"
