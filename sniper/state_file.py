"""The database file of an account: opened, checked, brought to the newest schema, its write-ahead log laid out.

SQLite in WAL mode by its own current library (apsw): the log of older ones can be damaged when a checkpoint meets
a writer. A file that is not ours, not whole, or newer than this program is refused; nothing is repaired silently.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from sniper.errors import EXIT_RECONCILIATION, PermissionProblem, SniperError
from sniper.state_schema import APPLICATION_ID, MIGRATIONS

SQLITE_MIN: Final = (3, 51, 3)
"""The first version whose log a checkpoint beside a writer cannot damage."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[A-Za-z0-9]{1,90}-[0-9]{1,6}")
SUFFIX: Final = ".sqlite"
LOG_BYTES: Final = 4 << 20
"""So much of the log is written once at the start: overwriting it later costs one flush, while a file that grows
costs several."""
CHECKPOINT_PAGES: Final = 256
THOROUGH_BYTES_MAX: Final = 256 << 20
"""Up to this size every index is compared with its table at the start; beyond it only the pages are looked at."""
BUSY_MS: Final = 2000


class StateProblem(SniperError):
    """The database cannot be trusted or not be written: trading is refused."""

    exit_code = EXIT_RECONCILIATION


def name_of(network: str, address: str, subaccount: int) -> str:
    """The name of an account's files. ValueError for parts that cannot stand in a file name."""
    name = f"{network}-{address}-{subaccount}"
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a file: network and address are letters, digits and dashes")
    return name


def make_folder(folder: Path) -> None:
    """The folder and what is missing above it, for the user alone. PermissionProblem where that cannot be."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    with explained(folder):
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            one.chmod(0o700)  # whatever the umask
        if not folder.is_dir():
            raise StateProblem(f"{folder} is no folder", "Set another state.folder.")
        if folder.stat().st_mode & 0o077:
            raise PermissionProblem(f"{folder} may be entered by others", f"Run 'chmod 700 {folder}'.")


def open_database(path: Path, migrations: Sequence[str] = MIGRATIONS) -> apsw.Connection:
    """The only writing connection of a database, made if it is not there, checked and up to date.

    StateProblem where it is damaged, foreign, newer than this program, or cannot be written.
    """
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < SQLITE_MIN:
        raise StateProblem(
            f"SQLite {apsw.sqlite_lib_version()} is too old to keep orders safe", "Run 'pip install -U apsw'."
        )
    with explained(path):
        _make(path)
        connection = apsw.Connection(str(path))
        try:
            connection.set_busy_timeout(BUSY_MS)
            _ours(connection, path)  # before anything is changed in it
            connection.execute(
                "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 0"
            )
            _check(connection, path)
            _migrate(connection, path, migrations)
            _lay_out(connection, path)
            connection.execute("PRAGMA synchronous = normal")
        except BaseException:
            with contextlib.suppress(apsw.Error):
                connection.close()
            raise
    return connection


def beside(path: Path) -> apsw.Connection:
    """Another connection to an open database, for checkpoints and for readers."""
    with explained(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(BUSY_MS)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


class Standing:
    """The files of an open database as they lie: once moved or removed they are written as before, for nobody.

    OSError where they cannot be looked at.
    """

    def __init__(self, path: Path) -> None:
        files = (path, path.with_name(f"{path.name}-wal"))
        self._found = {one: one.stat() for one in files if one.exists()}

    def check(self) -> None:
        """apsw.IOError where a path leads to the file no more."""
        for path, found in self._found.items():
            try:
                if os.path.samestat(path.stat(), found):
                    continue
            except FileNotFoundError:
                pass
            except OSError as problem:
                raise apsw.IOError(f"{path} cannot be looked at: {problem.strerror}") from None
            raise apsw.IOError(f"{path} is gone or was replaced: what is written now nobody would find")


def _make(path: Path) -> None:
    """The file, for the user alone. Never opened again but by SQLite: closing it would drop SQLite's locks."""
    if not path.exists():
        _create(path)
    elif path.stat().st_mode & 0o077:
        raise PermissionProblem(f"{path} may be read by others", f"Run 'chmod 600 {path}'.")


def _create(path: Path) -> None:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    os.fchmod(file, 0o600)  # whatever the umask
    os.close(file)


def _ours(connection: apsw.Connection, path: Path) -> None:
    """That it is a database of this program, or an empty one."""
    version, mark = number(connection, "PRAGMA user_version"), number(connection, "PRAGMA application_id")
    tables = number(connection, "SELECT count(*) FROM sqlite_schema")
    if mark != APPLICATION_ID and (tables or version or mark):
        raise StateProblem(f"{path} is a database of another program", "Set another state.folder.")


def _check(connection: apsw.Connection, path: Path) -> None:
    """That it is whole."""
    thorough = path.stat().st_size <= THOROUGH_BYTES_MAX
    found = [row[0] for row in connection.execute(f"PRAGMA {'integrity' if thorough else 'quick'}_check(3)")]
    if found != ["ok"]:
        raise _damaged(path, str(found[0]).splitlines()[-1])


def _migrate(connection: apsw.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Step by step to the newest schema, in one transaction, after a copy was put aside."""
    version = number(connection, "PRAGMA user_version")
    if version > len(migrations):
        raise StateProblem(
            f"{path} was written by a newer sniper (schema {version}, this one knows {len(migrations)})",
            "Use the newer version, or set another state.folder.",
        )
    if version == len(migrations):
        return
    if version:
        backup(connection, path.with_name(f"{path.stem}.schema-{version}{SUFFIX}"))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in migrations[version:]:
            connection.execute(script)
        connection.execute(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {len(migrations)}"
        )
        connection.execute("COMMIT")
    except apsw.Error:
        with contextlib.suppress(apsw.Error):  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise


def backup(connection: apsw.Connection, target: Path) -> None:
    """A whole copy of a database at `target`, on the disk before it gets its name."""
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    _create(fresh)
    connection.execute("VACUUM INTO ?", (str(fresh),))
    for one in (fresh, fresh.parent):
        handle = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if one is fresh:
            os.replace(fresh, target)


def _lay_out(connection: apsw.Connection, path: Path) -> None:
    """Write the log once at full length, and empty it: what comes overwrites it."""
    connection.execute("DROP TABLE IF EXISTS ballast")  # of a process that was killed before its own DROP
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size >= LOG_BYTES:
        return
    connection.execute("BEGIN IMMEDIATE; CREATE TABLE ballast (bytes)")
    connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (LOG_BYTES,))
    connection.execute("COMMIT; DROP TABLE ballast")
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def number(connection: apsw.Connection, query: str) -> int:
    """The one number that a query gives."""
    found = connection.execute(query).get
    return int(found or 0)


def _damaged(path: Path, what: str) -> StateProblem:
    return StateProblem(
        f"{path} is damaged ({what}): what was sent and filled cannot be known from it, so trading is refused",
        "Move it away with its -wal file and keep both. A kill that it held is gone with it: look at the orders "
        "and positions at the venue yourself before a new run.",
    )


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite or the system says into one line."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as problem:
        raise _damaged(path, str(problem)) from None
    except (apsw.BusyError, apsw.LockedError) as problem:
        raise PermissionProblem(f"{path} is held by another program: {problem}", "Close it first.") from None
    except apsw.Error as problem:
        raise StateProblem(
            f"{path} cannot be written: {problem}", "Make room on the disk, or set another state.folder."
        ) from None
    except OSError as problem:
        raise PermissionProblem(
            f"{path} cannot be opened: {problem.strerror or problem}",
            "Give sniper a state folder that it may write to.",
        ) from None
