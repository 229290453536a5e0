"""Folders and files for the user alone: 0700 and 0600, ours, no links; refused where others may look in.

Everything goes through a descriptor of the folder, so nobody can put another folder in its place between the check
and the use. A file is replaced as a whole: written aside, synced, renamed, the folder synced.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sniper.errors import PermissionProblem, UsageError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(path: Path) -> None:
    """Make the folder and what is missing above it, mode 0700 whatever the umask. UsageError where it cannot be."""
    try:
        for one in reversed([one for one in (path, *path.parents) if not one.exists()]):
            one.mkdir(mode=0o700, exist_ok=True)
            one.chmod(0o700)
    except OSError as error:
        raise UsageError(f"{path} cannot be made a folder: {_said(error)}", "Give another one.") from None


@contextmanager
def opened(path: Path, exclusive: bool = False) -> Iterator[int]:
    """The descriptor of a private folder; `exclusive`: with a lock, so that writers come one after the other.

    PermissionProblem where others may look in, UsageError where there is no such folder.
    """
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except PermissionError:
        raise PermissionProblem(f"{path} may not be read", "Run it as the user whose folder it is.") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be opened as a folder: {_said(error)}", "Give its real path."
        ) from None
    try:
        check(os.fstat(folder), path, "700")
        if exclusive:
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def check(found: os.stat_result, path: Path, wanted: str) -> None:
    """PermissionProblem unless it is ours and nobody else may read, write or enter it."""
    if found.st_uid != os.geteuid():
        raise PermissionProblem(
            f"{path} belongs to another user, so it is not used", f"Give a path of your own, or chown {path}."
        )
    if found.st_mode & OTHERS:
        raise PermissionProblem(
            f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o}), so it is not used",
            f"Close it with 'chmod {wanted} {path}'; if others were on this machine, change the key too.",
        )


def read(folder: int, path: Path, bytes_max: int) -> bytes:
    """A private file of the opened folder, by the last part of its path.

    FileNotFoundError; PermissionProblem as `check`, or where it is no plain file of at most `bytes_max`.
    """
    try:
        file = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionProblem(f"{path} is a link, so it is not followed", "Give the file.") from None
        if isinstance(error, PermissionError):
            raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod 600 {path}'.") from None
        raise
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > bytes_max:
            raise PermissionProblem(
                f"{path} is no file of at most {bytes_max} bytes, so it is not read", "Look what it is."
            )
        check(found, path, "600")
        return os.read(file, bytes_max)
    finally:
        os.close(file)


def write(folder: int, path: Path, content: bytes, replace: bool) -> None:
    """Write a private file of the opened folder as a whole, synced; FileExistsError unless it may be replaced.

    After a crash the old content is there or the new one, never a part. The caller holds the folder's lock.
    """
    aside = f".{path.name}.new"
    with suppress(FileNotFoundError):
        os.unlink(aside, dir_fd=folder)  # of a writer that died: not in use, or it would hold the lock
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(aside, flags, 0o600, dir_fd=folder), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(aside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(aside, path.name, src_dir_fd=folder, dst_dir_fd=folder)  # which never overwrites
    finally:
        with suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=folder)
    os.fsync(folder)


def _said(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
