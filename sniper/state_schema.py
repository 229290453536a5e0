"""What the database of an account holds: its tables, one script a version of the schema.

A script is never changed once it was released: a newer schema is one more script at the end, which starts from
what the one before it left. Money in QQ, sizes in BQ or steps, times in ns since 1970. `epoch` tells the lives of a
venue apart: 0 for a chain, which has one; the number of the run for a venue that begins anew with each (paper), so
that its fills are not taken for those of an earlier life.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x736E7072
"""`snpr`: stands in the file's header and tells our databases from others."""

_FIRST: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, pid INTEGER, started_ns INTEGER, sniper TEXT, journal TEXT,
    ended_ns INTEGER, ended TEXT);
CREATE TABLE client_ids (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, writer INTEGER NOT NULL, run INTEGER, reserved_ns INTEGER);
CREATE TABLE intents (
    seq INTEGER PRIMARY KEY, run INTEGER, tick INTEGER, now_ns INTEGER, verb TEXT NOT NULL,
    client_id INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX intents_once ON intents (client_id) WHERE verb = 'place';
CREATE TABLE answers (
    seq INTEGER PRIMARY KEY, run INTEGER, tick INTEGER, now_ns INTEGER, verb TEXT, client_id INTEGER,
    code INTEGER, text TEXT);
CREATE TABLE orders (
    client_id INTEGER PRIMARY KEY, order_id TEXT, epoch INTEGER, ticker TEXT, side INTEGER, size_steps INTEGER,
    filled_steps INTEGER, price_ticks INTEGER, kind TEXT, time_in_force TEXT, reduce_only INTEGER,
    good_til_block INTEGER, good_til_s INTEGER, "trigger" TEXT, trigger_ticks INTEGER, purpose TEXT, state TEXT,
    sent_ns INTEGER, cause TEXT, seen INTEGER);
CREATE INDEX orders_open ON orders (client_id) WHERE state NOT IN ('filled', 'dead');
CREATE TABLE fills (
    epoch INTEGER, fill_id TEXT, order_id TEXT, ticker TEXT, subaccount INTEGER, side INTEGER,
    size_quantums INTEGER, price INTEGER, price_decimals INTEGER, quote INTEGER, fee INTEGER, taker INTEGER,
    kind TEXT, height INTEGER, venue_ns INTEGER, PRIMARY KEY (epoch, fill_id)) WITHOUT ROWID;
CREATE TABLE positions (
    ticker TEXT, subaccount INTEGER, size_quantums INTEGER, entry_quote INTEGER, funding INTEGER,
    realised INTEGER, fees INTEGER, opened_ns INTEGER, height INTEGER, PRIMARY KEY (ticker, subaccount)) WITHOUT ROWID;
CREATE TABLE trips (
    run INTEGER, position_id INTEGER, ticker TEXT, subaccount INTEGER, side INTEGER, size_quantums INTEGER,
    entry_ticks REAL, exit_ticks REAL, opened_ns INTEGER, closed_ns INTEGER, stop_ticks INTEGER,
    target_ticks INTEGER, strategy TEXT, entry_cause TEXT, exit_kind TEXT, exit_cause TEXT, realised INTEGER,
    fees INTEGER, funding INTEGER, best_ticks REAL, worst_ticks REAL,
    PRIMARY KEY (run, position_id)) WITHOUT ROWID;
CREATE TABLE transfers (
    epoch INTEGER, key TEXT, subaccount INTEGER, quote INTEGER, kind TEXT, height INTEGER, venue_ns INTEGER,
    PRIMARY KEY (epoch, key, subaccount)) WITHOUT ROWID;
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY, run INTEGER, tick INTEGER, now_ns INTEGER, outcome TEXT, ticker TEXT, purpose TEXT,
    gate TEXT, found REAL, needed REAL, text TEXT);
CREATE TABLE latches (
    seq INTEGER PRIMARY KEY, verb TEXT NOT NULL, reason TEXT NOT NULL, set_ns INTEGER NOT NULL, run INTEGER,
    lifted_ns INTEGER, lifted TEXT);
CREATE TABLE bots (name TEXT PRIMARY KEY, state BLOB NOT NULL, run INTEGER, tick INTEGER, saved_ns INTEGER)
    WITHOUT ROWID;
"""

_SECOND: Final = """
ALTER TABLE orders ADD COLUMN stop_ticks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN target_ticks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN strategy TEXT NOT NULL DEFAULT '';
CREATE TABLE untold (fill_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
"""What a session that takes over wants to know: what an entry was meant for, fills that no round trip has taken in."""

MIGRATIONS: Final = (_FIRST, _SECOND)
"""Script i takes a database from version i to i + 1; a new one begins at version 0."""

REPLACE: Final = "INSERT OR REPLACE INTO"
ONCE: Final = "INSERT OR IGNORE INTO"
COLUMNS: Final = {
    "answers": 7, "orders": 23, "fills": 15, "positions": 9, "trips": 21, "transfers": 7, "decisions": 10,
    "bots": 5, "facts": 2,
}  # fmt: skip
NUMBERED: Final = ("answers", "decisions")
"""Tables that number their rows themselves."""
TOLD_ONCE: Final = ("fills", "transfers", "trips")
"""A second row with the key of an earlier one is the same news again."""


def _written(table: str) -> str:
    values = ("NULL, " if table in NUMBERED else "") + ", ".join("?" * COLUMNS[table])
    return f"{ONCE if table in TOLD_ONCE else REPLACE} {table} VALUES ({values})"


WRITES: Final = {
    **{table: _written(table) for table in COLUMNS},
    "recovered": "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '', 0, ?, ?, '', 0, '', ?, 0, ?, ?, 0, 0, '')"
    " ON CONFLICT DO UPDATE SET filled_steps = excluded.filled_steps, state = excluded.state,"
    " cause = excluded.cause, seen = excluded.seen",
    "held": "INSERT INTO positions VALUES (?, ?, ?, 0, 0, 0, 0, 0, ?)"
    " ON CONFLICT DO UPDATE SET size_quantums = excluded.size_quantums, height = excluded.height",
    "base": f"{ONCE} facts VALUES ('base_height', ?)",
    "untold": f"{ONCE} untold VALUES (?)",
    "told": "DELETE FROM untold WHERE fill_id = ?",
    "journal": "UPDATE runs SET journal = ? WHERE run = ?",
    "latched": "INSERT INTO latches VALUES (NULL, ?, ?, ?, ?, NULL, NULL)",
    "lifted": "UPDATE latches SET lifted_ns = ?, lifted = ? WHERE lifted_ns IS NULL",
    "intents_once": "INSERT INTO intents VALUES (NULL, ?, ?, ?, ?, ?, ?)",
    "client_ids": "INSERT INTO client_ids VALUES (?, ?, ?, ?, ?)",
    "intents": f"{ONCE} intents VALUES (NULL, ?, ?, ?, ?, ?, ?)",
    "pruned": "DELETE FROM decisions WHERE seq <= (SELECT max(seq) FROM decisions) - ?",
    "ended": "UPDATE runs SET ended_ns = ?, ended = ? WHERE run = ?",
}
"""What may be written in a batch: name -> statement. The rows are tuples in its order."""
