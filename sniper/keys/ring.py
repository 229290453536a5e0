"""The folder of keys: `NAME.key` files of one user, found by name, written as a whole."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from sniper.errors import PermissionProblem, UsageError
from sniper.keys import private
from sniper.keys.keyfile import (
    FILE_BYTES_MAX,
    Grant,
    Header,
    Kdf,
    Kind,
    may_withdraw,
    read_header,
    seal,
    unseal,
)
from sniper.keys.secret import Secret

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
NEXT, OLD = ".next", ".old"  # stages of a rotation: a name of the user's has no full stop
KEYS_MAX: Final = 256


class Key:
    """An opened key: its proven header and its private key, wiped at the end of the `with`."""

    def __init__(self, name: str, header: Header, secret: Secret) -> None:
        self.name = name
        self.header = header
        self.secret = secret

    @property
    def may_withdraw(self) -> bool:
        """Whether it can take money out (an owner key can)."""
        return may_withdraw(self.header)

    def __enter__(self) -> Key:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.secret.wipe()


class Ring:
    """The keys of a folder. Reading does not make the folder, writing does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str, stage: str = "") -> Path:
        """Where the key of this name is kept. UsageError for a name that could be a path."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name[:40]!r} is no name for a key", "Take small letters, digits, - and _, at most 32."
            )
        return self.folder / f"{name}{stage}.key"

    def names(self) -> list[str]:
        """Every key there is, sorted; at most KEYS_MAX of them."""
        if not self.folder.exists():
            return []
        with private.opened(self.folder) as folder:
            found = (entry.removesuffix(".key") for entry in os.listdir(folder) if entry.endswith(".key"))
            return sorted(name for name in found if _NAME.fullmatch(name))[:KEYS_MAX]

    def has(self, name: str, stage: str = "") -> bool:
        """Whether there is such a key."""
        return os.path.lexists(self.path(name, stage))

    def header(self, name: str, stage: str = "") -> Header:
        """What the file says of itself, not proven."""
        content = self._content(name, stage)
        with _named(name, stage):
            return read_header(content)

    def unlock(self, name: str, passphrase: Secret, stage: str = "") -> Key:
        """The key, opened. PermissionProblem as `unseal`, and for wide permissions; UsageError without such a key."""
        content = self._content(name, stage)
        with _named(name, stage):
            header, secret = unseal(content, passphrase)
        return Key(name, header, secret)

    def create(
        self,
        name: str,
        kind: Kind,
        address: str,
        public_key: str,
        secret: Secret,
        passphrase: Secret,
        kdf: Kdf,
    ) -> Header:
        """Seal a new key. UsageError when there is one of this name: nothing is ever overwritten by this."""
        header = Header(kind, address, public_key, int(time.time()), kdf, "0" * 24)
        self._write(name, "", seal(header, secret, passphrase), replace=False)
        return header

    def stage(self, name: str, header: Header, secret: Secret, passphrase: Secret) -> None:
        """Keep the key that will follow this one, beside it."""
        self._write(name, NEXT, seal(header, secret, passphrase), replace=True)

    def record(self, key: Key, grant: Grant, passphrase: Secret, stage: str = "") -> None:
        """Write into the key's file what was granted to it; of grants on one chain the newest counts."""
        others = tuple(one for one in key.header.grants if one.chain_id != grant.chain_id)
        key.header = msgspec.structs.replace(key.header, grants=(*others, grant))
        self._write(key.name, stage, seal(key.header, key.secret, passphrase), replace=True)

    def swap(self, name: str) -> None:
        """The next key takes the place of this one, which is kept as the old one. At no moment is there none."""
        now, after, old = self.path(name), self.path(name, NEXT), self.path(name, OLD)
        with private.opened(self.folder, exclusive=True) as folder:
            with suppress(FileExistsError):  # of a swap that was interrupted: the same file
                os.link(now.name, old.name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
            os.replace(after.name, now.name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def drop_old(self, name: str) -> None:
        """Delete the key that was replaced."""
        with private.opened(self.folder, exclusive=True) as folder:
            with suppress(FileNotFoundError):
                os.unlink(self.path(name, OLD).name, dir_fd=folder)
            os.fsync(folder)

    def _content(self, name: str, stage: str) -> bytes:
        path = self.path(name, stage)
        missing = UsageError(f"there is no key {name} in {self.folder}", "See 'sniper keys show'.")
        if not self.folder.exists():
            raise missing
        with private.opened(self.folder) as folder:
            try:
                return private.read(folder, path, FILE_BYTES_MAX)
            except FileNotFoundError:
                raise missing from None

    def _write(self, name: str, stage: str, content: bytes, replace: bool) -> None:
        path = self.path(name, stage)
        private.make_folder(self.folder)
        with private.opened(self.folder, exclusive=True) as folder:
            try:
                private.write(folder, path, content, replace)
            except FileExistsError:
                raise UsageError(
                    f"there is a key {name} already, and it is not overwritten", "Take another name."
                ) from None
            except PermissionError:
                raise PermissionProblem(
                    f"{path} may not be written", f"Allow it with 'chmod 700 {self.folder}'."
                ) from None


@contextmanager
def _named(name: str, stage: str) -> Iterator[None]:
    """What is wrong with the file of a key says whose it is: a call may open two."""
    try:
        yield
    except PermissionProblem as error:
        raise PermissionProblem(f"key {name}{stage}: {error.message}", error.advice) from None
