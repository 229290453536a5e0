"""What must outlive the program: client ids, what was sent, what became of it, latches, the state of bots.

One SQLite database an account and network, one writer. An intent is on the disk before it leaves for the venue, a
block of client ids before its first is used; a kill goes there at once, everything else within parts of a second
(`state_thread`). The engine reads none of it: what a session begins with stands in its opening (docs/state.md).
Nothing that the loop calls raises: what cannot be written is said in `problem`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import apsw
import msgspec

from sniper import __version__, kill_file
from sniper.client_ids import BLOCK, COUNTER_END, ClientIds
from sniper.errors import EXIT_RISK_LATCH, PermissionProblem, SniperError
from sniper.state_file import (
    SUFFIX,
    Standing,
    StateProblem,
    beside,
    explained,
    make_folder,
    name_of,
    open_database,
)
from sniper.state_lock import Lock
from sniper.state_schema import WRITES
from sniper.state_thread import Row, StateThread, grouped
from sniper.trading import Cancel, Place

__all__ = ["Latched", "State", "StateProblem", "Withheld"]

Command = Place | Cancel
KEPT_DAYS: Final = 90
"""Intents and answers of orders that are over are kept for so long; fills, round trips and transfers for good."""
DAY_NS: Final = 86_400 * 10**9
ENCODE: Final = msgspec.msgpack.encode
OPEN: Final = "state NOT IN ('filled', 'dead')"
HOLDING: Final = "SELECT reason FROM latches WHERE verb = 'kill' AND lifted_ns IS NULL"
HIGHEST: Final = "SELECT client_id >> 30, max(client_id) FROM intents WHERE verb = 'place' GROUP BY 1"
PLACED: Final = f"""
SELECT run, body, EXISTS (SELECT 1 FROM orders AS o WHERE o.client_id = intents.client_id AND {OPEN})
FROM intents WHERE verb = 'place' AND client_id = ?"""
OVER: Final = f"UPDATE orders SET state = 'dead', cause = ? WHERE {OPEN}"
FORGET: Final = tuple(
    f"DELETE FROM {table} WHERE run IN (SELECT run FROM runs WHERE started_ns < ?)"
    f" AND client_id NOT IN (SELECT client_id FROM orders WHERE {OPEN})"
    for table in ("intents", "answers")
)


class Wanted(Protocol):
    """A command with what a sender knows of it."""

    @property
    def command(self) -> Command: ...


class Latched(SniperError):
    """A kill holds from an earlier run: nothing is opened before somebody lifts it."""

    exit_code = EXIT_RISK_LATCH


class Withheld(NamedTuple):
    """A command that must not leave, and why."""

    command: Command
    why: str


class State:
    """The open database of an account. `intents` may be called by one thread, the rest by another.

    network: "paper", or the name of a chain. reborn: the venue begins anew with every run (paper), so what was open
    in it is over. also: another lock, in a place that every process knows whatever its folder. PermissionProblem while
    another process has one of the two, StateProblem where the database is not sound.
    """

    def __init__(
        self,
        folder: Path,
        network: str,
        address: str,
        subaccount: int,
        *,
        reborn: bool = False,
        journal: str = "",
        also: Path | None = None,
    ) -> None:
        name = name_of(network, address, subaccount)
        make_folder(folder)
        self.path = folder / f"{name}{SUFFIX}"
        self.kill_file = folder / f"{name}{kill_file.ENDING}"
        self._ids_folder = folder
        self.lock = Lock(folder / f"{name}.lock")
        self._locks = (self.lock, *(() if also is None else (Lock(also),)))
        with contextlib.ExitStack() as undo, explained(self.path):
            for lock in self._locks:
                lock.take()
                undo.callback(lock.release)
            self._connection = open_database(self.path)
            undo.callback(self._connection.close)
            self._log = beside(self.path)
            undo.callback(self._log.close)
            self._mutex = threading.Lock()
            self.run, self.epoch = self._begin(network, address, subaccount, reborn, journal)
            self._stands = Standing(self.path)
            self._high = {int(writer): int(high) for writer, high in self.all(HIGHEST)}
            undo.pop_all()
        self.thread = StateThread(self._write, self._log, self._look)

    def _begin(
        self, network: str, address: str, subaccount: int, reborn: bool, journal: str
    ) -> tuple[int, int]:
        """Enter the new run; what belongs to a venue that is no more is over."""
        owner = (("network", network), ("address", address), ("subaccount", subaccount))
        now_ns = time.time_ns()
        with self._transaction(True) as execute:
            execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", owner)
            started = (os.getpid(), now_ns, __version__, journal)
            execute("INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, NULL, NULL)", [started])
            run = self._connection.last_insert_rowid()
            if reborn:
                execute(OVER, [("the venue of that run is no more",)])
                execute("DELETE FROM positions", [()])
                execute("DELETE FROM facts WHERE name IN ('height', 'base_height')", [()])
            for statement in FORGET:
                execute(statement, [(now_ns - KEPT_DAYS * DAY_NS,)])
            killed = kill_file.left(self.kill_file)
            holding = [reason for (reason,) in self._connection.execute(HOLDING)]
            if killed and killed not in holding and not (holding and killed == kill_file.UNTOLD):
                execute(WRITES["latched"], [("kill", killed, now_ns, run)])
        with contextlib.suppress(OSError):  # it is known by now, and not taken twice
            kill_file.lift(self.kill_file)
        return run, run if reborn else 0

    # ---- before use, before the wire --------------------------------------------------------------------------

    def reserve(self, writer: int = 0, count: int = BLOCK) -> tuple[int, int]:
        """The first and last of `count` client ids that nobody had, on the disk before they are known to anybody.

        Two counters agree on them: the file that all accounts share, and this database; if one of them was lost or
        set back, the other keeps the ids from coming twice. ClientIdsProblem or PermissionProblem.
        """
        low, high = writer << 30, writer + 1 << 30
        with explained(self.path):
            used = self.one("SELECT max(last) FROM client_ids WHERE first BETWEEN ? AND ?", (low, high - 1))
        first, last = ClientIds(self._ids_folder, writer).reserve(
            count, 0 if used is None else used % COUNTER_END + 1
        )
        try:
            self._write([("client_ids", (first, last, writer, self.run, time.time_ns()))], True)
        except apsw.Error as problem:
            raise StateProblem(f"no client ids can be noted in {self.path}: {problem}") from None
        return first, last

    def intents(
        self, tick: int, now_ns: int, commands: Sequence[Command]
    ) -> tuple[list[Command], list[Withheld]]:
        """Put commands on the disk, all with one flush. Returns those that may leave, and those that must not.

        A disk that refuses withholds what may add risk. Cancels and reduce-only orders leave all the same (closing
        must always be possible, and neither can do twice what it does once) and are written when that is possible
        again. A client id that had another order withholds its command in any case.
        """
        leaving: list[Command] = []
        withheld: list[Withheld] = []
        rows: list[Row] = []
        fresh: dict[int, Place] = {}
        for command in commands:
            verb = self._verb(command, fresh)
            if verb:
                leaving.append(command)
                values = (self.run, tick, now_ns, verb, command.client_id, ENCODE(command))
                rows.append(("intents", values))
            else:
                withheld.append(Withheld(command, f"client id {command.client_id} had another order"))
        try:
            self._write([("intents_once", values) for _, values in rows], True)
        except apsw.Error as problem:
            self.thread.fail(str(problem))
            safe = [isinstance(command, Cancel) or command.reduce_only for command in leaving]
            self.thread.put([row for row, fit in zip(rows, safe, strict=True) if fit])
            held = [command for command, fit in zip(leaving, safe, strict=True) if not fit]
            withheld += [Withheld(command, f"not written: {problem}") for command in held]
            leaving = [command for command, fit in zip(leaving, safe, strict=True) if fit]
        return leaving, withheld

    def note(self, wanted: Sequence[Wanted]) -> None:
        """The same for a sender that asks only whether it may (`venues/live_sender.py`). OSError where it may not
        send what brings new risk."""
        _, withheld = self.intents(0, time.time_ns(), [one.command for one in wanted])
        if withheld:
            raise OSError("; ".join(sorted({one.why for one in withheld})))

    def _verb(self, command: Command, fresh: dict[int, Place]) -> str:
        """place, replace or cancel; "" for an id that must not be used. Ids are given out in rising order, so one
        that is not above all others must be that of an order which this one replaces. fresh: placed in this call."""
        if isinstance(command, Cancel):
            return "cancel"
        client_id, writer = command.client_id, command.client_id >> 30
        if client_id > self._high.get(writer, -1):
            self._high[writer] = client_id
            fresh[client_id] = command
            return "place"
        before, run, open_still = fresh.get(client_id), self.run, False
        if before is None:
            found = self.all(PLACED, (client_id,))
            if not found:
                return ""
            run, body, open_still = found[0]
            before = msgspec.msgpack.decode(body, type=Place)
        same = before.ticker == command.ticker and before.side == command.side and before.kind == command.kind
        return "replace" if same and (run == self.run or open_still) else ""

    # ---- soon after -------------------------------------------------------------------------------------------

    def put(self, rows: Sequence[Row], urgent: bool = False) -> bool:
        """Have rows written soon, or at once. False: the queue is full, they are lost, and `problem` says so."""
        return self.thread.put(rows, urgent)

    def write(self, rows: Sequence[Row]) -> None:
        """Have rows on the disk when this returns. apsw.Error where that failed."""
        self._write(rows, True)

    @property
    def problem(self) -> str:
        """Why nothing can be written now: no new risk. "": all is well."""
        return self.thread.problem

    # ---- latches ----------------------------------------------------------------------------------------------

    @property
    def killed(self) -> str:
        """The reason of the kill that holds, "": none does."""
        found: str | None = self.one(f"{HOLDING} ORDER BY seq DESC LIMIT 1")
        return found or ""

    def kill(self, reason: str) -> None:
        """Set the latch, on the disk when this returns. apsw.Error where that failed."""
        self._write([("latched", ("kill", reason, time.time_ns(), self.run))], True)

    def lift(self, reason: str) -> str:
        """Lift every latch, on the disk when this returns. Gives the reason of the kill that was lifted.

        ValueError without a reason. apsw.Error where it cannot be written, PermissionProblem for a kill in a file that
        cannot be taken away.
        """
        reason = " ".join(reason.split())
        if not reason:
            raise ValueError("to lift a kill wants a reason")
        killed = self.killed
        self._write([("lifted", (time.time_ns(), reason))], True)
        try:
            kill_file.lift(self.kill_file)
        except OSError as problem:
            raise PermissionProblem(
                f"{self.kill_file} holds a kill and cannot be taken away: {problem.strerror}", "Remove it."
            ) from None
        return killed

    @staticmethod
    def clock_ns() -> int:
        """The time of the rows that people set: unix, in nanoseconds."""
        return time.time_ns()

    # ---- reading, and the end ---------------------------------------------------------------------------------

    def all(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._mutex:
            return self._connection.execute(query, values).fetchall()

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        """The first value of the first row of a query, None without one."""
        found = self.all(query, values)
        return found[0][0] if found else None

    def bot(self, name: str) -> bytes | None:
        """What was last kept of a bot (a strategy, the standing of the day) by `put(("bots", ...))`."""
        found: bytes | None = self.one("SELECT state FROM bots WHERE name = ?", (name,))
        return found

    def close(self, ended: str = "closed") -> bool:
        """Write what waits, close the database and let the lock go. False: something could not be written."""
        self.thread.put([("ended", (time.time_ns(), ended, self.run))], urgent=True)
        whole = self.thread.close()
        if self._mutex.acquire(timeout=1.0):  # a disk that does not answer holds it
            with contextlib.suppress(apsw.Error):
                self._log.close()
                self._connection.close()
            self._mutex.release()
        for lock in self._locks:
            lock.release()
        return whole

    # ---- the connection ---------------------------------------------------------------------------------------

    def _look(self) -> None:
        """apsw.Error where what is written would be lost with the file, or another process may take the account to be
        free, since lock files were removed."""
        self._stands.check()
        try:
            for lock in self._locks:
                lock.keep()
        except (OSError, PermissionProblem) as problem:
            raise apsw.PermissionsError(f"the account's lock cannot be kept: {problem}") from None

    def _write(self, rows: Sequence[Row], flush: bool) -> None:
        """Rows in one transaction; none of them: a trial whether anything can be written."""
        self._stands.check()
        with self._transaction(flush) as execute:
            for statement, values in grouped(rows or [("facts", ("trial_ns", time.time_ns()))]):
                execute(statement, values)

    @contextlib.contextmanager
    def _transaction(self, flush: bool) -> Iterator[Callable[[str, Sequence[Sequence[Any]]], object]]:
        """All or nothing; flush: on the disk when it ends, with all that was written before."""
        connection = self._connection
        with self._mutex:
            if flush:
                connection.execute("PRAGMA synchronous = full")
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection.executemany
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if flush:
                    connection.execute("PRAGMA synchronous = normal")
