"""state_schema: every statement fits its table."""

from __future__ import annotations

import apsw
import pytest

from sniper.state_schema import COLUMNS, MIGRATIONS, NUMBERED, TOLD_ONCE, WRITES


@pytest.fixture
def database() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for script in MIGRATIONS:
        connection.execute(script)
    return connection


def test_columns_are_those_of_the_tables(database: apsw.Connection) -> None:
    for table, count in COLUMNS.items():
        (found,) = database.execute("SELECT count(*) FROM pragma_table_info(?)", (table,)).fetchone()
        assert found == count + (table in NUMBERED), table


def test_every_write_is_a_statement_of_this_schema(database: apsw.Connection) -> None:
    for name, statement in WRITES.items():
        database.execute(f"EXPLAIN {statement}", (1,) * statement.count("?")).fetchall()
        assert statement.count("?") >= 1, name
    assert set(TOLD_ONCE) <= set(WRITES)


def test_the_same_news_twice_is_one_row(database: apsw.Connection) -> None:
    for table in ("fills", "transfers", "trips"):
        for last in (1, 2):
            database.execute(WRITES[table], (*"abcdefghijklmnopqrstuvwxyz"[: COLUMNS[table] - 1], last))
        (row,) = database.execute(f"SELECT * FROM {table}").fetchall()
        assert row[-1] == 1


def test_decisions_are_bounded(database: apsw.Connection) -> None:
    for at in range(50):
        database.execute(WRITES["decisions"], (at, *"bcdefghij"))
    database.execute(WRITES["pruned"], (20,))
    assert database.execute("SELECT min(run), max(run), count(*) FROM decisions").fetchone() == (30, 49, 20)


def test_an_id_is_placed_once(database: apsw.Connection) -> None:
    for verb in ("place", "replace", "cancel", "cancel"):
        database.execute(WRITES["intents_once"], (1, 1, 1, verb, 7, b""))
    with pytest.raises(apsw.ConstraintError):
        database.execute(WRITES["intents_once"], (1, 1, 1, "place", 7, b""))
    database.execute(WRITES["intents"], (1, 1, 1, "place", 7, b""))  # told late: no second one
    assert database.execute("SELECT count(*) FROM intents").get == 4
