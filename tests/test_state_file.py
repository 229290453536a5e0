"""state_file: what is not ours, not whole or too new is refused; migrations go forward and leave a copy."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import apsw
import pytest

from sniper import state_file
from sniper.errors import PermissionProblem
from sniper.state_file import LOG_BYTES, StateProblem, backup, beside, make_folder, name_of, open_database
from sniper.state_schema import MIGRATIONS

SECOND = "ALTER TABLE facts ADD COLUMN unit TEXT; CREATE TABLE more (x); INSERT INTO more VALUES (1)"
BROKEN = "CREATE TABLE half (x); INSERT INTO nothing VALUES (1)"


NOW = len(MIGRATIONS)


def made(path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    connection = open_database(path, migrations)
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('kept', 5)")
    connection.close()


def value(path: Path) -> object:
    return apsw.Connection(str(path)).execute("SELECT value FROM facts WHERE name = 'kept'").get


def test_a_name_cannot_lead_elsewhere() -> None:
    assert name_of("paper", "dydx1abc", 3) == "paper-dydx1abc-3"
    # the real chains have dashes in their names
    for chain in ("dydx-mainnet-1", "dydx-testnet-4"):
        assert name_of(chain, "dydx1abc", 0) == f"{chain}-dydx1abc-0"
    for network, address in (("../x", "a"), ("paper", "../../etc"), ("", "a"), ("paper", ""), ("a", "b/c"),
                             (".hidden", "a"), ("a", "b\n"), ("a" * 70, "b")):  # fmt: skip
        with pytest.raises(ValueError, match="name a file"):
            name_of(network, address, 0)


def test_a_new_database_is_for_the_user_alone_and_its_log_is_laid_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = open_database(path)
    other = beside(path)
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    assert (tmp_path / "a.sqlite-wal").stat().st_size >= LOG_BYTES
    assert connection.execute("PRAGMA journal_mode").get == "wal"
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'ballast'").get == 0
    other.close()
    connection.close()
    path.chmod(0o640)
    with pytest.raises(PermissionProblem, match="chmod 600"):
        open_database(path)


def opened_and_killed(path: Path, at: int) -> bool:
    """Open a database in another process that dies before its `at`-th statement. False: it had not so many."""
    child = os.fork()
    if child == 0:
        left = at

        def count(*_: object) -> bool:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return True

        apsw.connection_hooks.append(lambda connection: connection.set_exec_trace(count))
        open_database(path)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("old", [False, True])
def test_a_kill_at_any_statement_of_opening_does_no_harm(tmp_path: Path, old: bool) -> None:
    for at in range(100):
        path = tmp_path / f"{at}.sqlite"
        if old:
            open_database(path, MIGRATIONS[:1]).close()
            path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
        killed = opened_and_killed(path, at)
        connection = open_database(path)
        assert connection.execute("PRAGMA user_version").get == len(MIGRATIONS)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'ballast'").get == 0
        assert connection.execute("PRAGMA integrity_check").get == "ok"
        connection.close()
        if not killed:
            assert at > 10
            return
    raise AssertionError("opening takes more statements than this test kills at")


def test_the_folder_is_for_the_user_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert [(tmp_path / one).stat().st_mode & 0o777 for one in ("a", "a/b")] == [0o700, 0o700]
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(PermissionProblem, match="chmod 700"):
        make_folder(tmp_path / "open")
    (tmp_path / "file").touch()
    with pytest.raises(StateProblem, match="no folder"):
        make_folder(tmp_path / "file")
    with pytest.raises(PermissionProblem, match="cannot be opened"):
        make_folder(tmp_path / "file" / "below")


def test_migrations_go_forward_and_leave_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    made(path)
    connection = open_database(path, (*MIGRATIONS, SECOND))
    assert connection.execute("SELECT unit FROM facts WHERE name = 'kept'").get is None
    assert (connection.execute("PRAGMA user_version").get, connection.execute("SELECT x FROM more").get) == (
        NOW + 1,
        1,
    )
    connection.close()
    copy = tmp_path / f"a.schema-{NOW}.sqlite"
    assert copy.stat().st_mode & 0o777 == 0o600 and not (tmp_path / f"a.schema-{NOW}.sqlite.new").exists()
    assert value(copy) == value(path) == 5
    assert open_database(copy).execute("PRAGMA user_version").get == NOW  # the copy is a whole database
    open_database(path, (*MIGRATIONS, SECOND)).close()  # a second start migrates nothing
    with pytest.raises(StateProblem, match=rf"newer sniper \(schema {NOW + 1}, this one knows {NOW}\)"):
        open_database(path)


def test_a_migration_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    made(path)
    with pytest.raises(StateProblem, match="nothing"):
        open_database(path, (*MIGRATIONS, SECOND, BROKEN))
    connection = open_database(path)
    assert connection.execute("PRAGMA user_version").get == NOW
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('more', 'half')").get == 0
    connection.close()
    made(path, (*MIGRATIONS, SECOND))  # over the copy that is there


def test_a_copy_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    made(tmp_path / "a.sqlite")
    (tmp_path / "copy").write_bytes(b"old")
    (tmp_path / "copy.new").write_bytes(b"of a crash")
    connection = open_database(tmp_path / "a.sqlite")
    backup(connection, tmp_path / "copy")
    connection.close()
    assert value(tmp_path / "copy") == 5 and not (tmp_path / "copy.new").exists()


@pytest.mark.parametrize("where", [0, 100, 4096, -4096])
def test_a_damaged_database_is_refused(tmp_path: Path, where: int) -> None:
    path = tmp_path / "a.sqlite"
    connection = open_database(path)
    connection.executemany(
        "INSERT INTO fills (epoch, fill_id, ticker) VALUES (0, ?, ?)",
        [(str(i), "x" * 200) for i in range(40_000)],
    )
    connection.close()
    data = bytearray(path.read_bytes())
    at = where if where >= 0 else len(data) + where
    data[at : at + 64] = b"\xa5" * 64
    path.write_bytes(data)
    with pytest.raises(StateProblem, match=r"damaged|another program"):
        open_database(path)
    assert path.read_bytes() == bytes(data), "nothing is repaired silently"


def test_an_index_that_lacks_a_row_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    made(path)
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO intents VALUES (1, 1, 1, 1, 'cancel', 5, x'00')")
    connection.execute("PRAGMA writable_schema = on")
    whole = (
        "UPDATE sqlite_schema SET sql = substr(sql, 1, instr(sql, 'WHERE') - 1) WHERE name = 'intents_once'"
    )
    connection.execute(whole)  # now every row should be in it
    connection.close()
    with pytest.raises(StateProblem, match="damaged"):
        open_database(path)


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    path.chmod(0o600)
    with pytest.raises(StateProblem, match="another program"):
        open_database(path)
    again = apsw.Connection(str(path))
    assert again.pragma("journal_mode") == "delete", "its way of writing is not changed either"
    again.close()
    (tmp_path / "text.sqlite").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    (tmp_path / "text.sqlite").chmod(0o600)
    with pytest.raises(StateProblem, match="damaged"):
        open_database(tmp_path / "text.sqlite")


def test_a_database_that_somebody_writes_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "BUSY_MS", 10)
    path = tmp_path / "a.sqlite"
    made(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE; INSERT INTO facts VALUES ('x', 1)")
    with pytest.raises(PermissionProblem, match="held by another program"):
        open_database(path)
    other.close()


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    with pytest.raises(StateProblem, match=r"3\.40\.1 is too old"):
        open_database(tmp_path / "a.sqlite")


def test_a_large_one_is_checked_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "THOROUGH_BYTES_MAX", 0)
    made(tmp_path / "a.sqlite")
    made(tmp_path / "a.sqlite")
