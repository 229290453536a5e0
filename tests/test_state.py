"""state: what is reported durable is there after kill -9, ids never come twice, a full disk takes no new risk."""

from __future__ import annotations

import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import apsw
import msgspec
import pytest

from sniper.client_ids import ClientIds
from sniper.errors import PermissionProblem
from sniper.state import KEPT_DAYS, State, StateProblem
from sniper.state_thread import BATCH_MAX
from sniper.trading import Place
from tests.durable import cancel, opened, place

ROOT = Path(__file__).parent.parent


def verbs(state: State) -> list[tuple[str, int]]:
    return [(str(verb), int(i)) for verb, i in state.all("SELECT verb, client_id FROM intents ORDER BY seq")]


def test_what_was_reported_durable_is_there_after_kill_9(tmp_path: Path) -> None:
    seed = int(os.environ.get("SNIPER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    dice = random.Random(seed)
    reported: list[int] = []
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.durable", str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        reported.append(int(writer.stdout.readline()))
        time.sleep(dice.random() * 0.3)
        writer.send_signal(signal.SIGKILL)
        reported += [
            int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")
        ]
        writer.wait()
        state = opened(tmp_path)
        assert state.lock.tookover is not None and state.lock.tookover.pid == writer.pid
        kept = [i for verb, i in verbs(state) if verb == "place"]
        state.close()
        assert set(reported) <= set(kept), (seed, set(reported) - set(kept))
        assert len(set(kept)) == len(kept)
    assert len(reported) == len(set(reported)) > 8, seed


def test_ids_never_come_twice_whichever_of_the_two_counters_is_lost(tmp_path: Path) -> None:
    state = opened(tmp_path)
    blocks = [state.reserve(count=10), state.reserve(count=10)]
    state.close()
    ClientIds(tmp_path).path.unlink()
    state = opened(tmp_path)
    blocks.append(state.reserve(count=10))
    path = state.path
    state.close()
    path.unlink()
    state = opened(tmp_path)
    blocks.append(state.reserve(count=10))
    high = state.reserve(writer=3, count=10)
    state.close()
    assert all(one[1] < two[0] for one, two in itertools.pairwise(blocks))
    assert high[0] >> 30 == high[1] >> 30 == 3


def test_a_counter_that_was_set_back_does_not_lead_back(tmp_path: Path) -> None:
    state = opened(tmp_path)
    _, last = state.reserve(count=1000)
    ClientIds(tmp_path).path.write_bytes(b"sniper.client-ids/1 writer 0 next 5\n")
    assert state.reserve(count=10)[0] == last + 1
    state.close()


def test_intents_are_told_apart_and_an_id_has_one_order(tmp_path: Path) -> None:
    state = opened(tmp_path)
    sent = [place(7), place(8), place(7, price_ticks=99), cancel(8)]
    assert state.intents(1, 10, sent) == (sent, [])
    assert verbs(state) == [("place", 7), ("place", 8), ("replace", 7), ("cancel", 8)]
    (body,) = state.all("SELECT body FROM intents WHERE verb = 'replace'")[0]
    assert msgspec.msgpack.decode(body, type=Place) == sent[2]
    for odd in (place(7, ticker="ETH-USD"), place(7, side=1), place(7, kind="long_term"), place(3)):
        leaving, withheld = state.intents(2, 20, [odd, cancel(7)])
        assert leaving == [cancel(7)]
        assert [(one.command, "had another order" in one.why) for one in withheld] == [(odd, True)]
    state.close()


def test_an_order_of_an_earlier_run_can_be_replaced_only_while_it_is_open(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.intents(1, 1, [place(5), place(6)])
    for client_id, fate in ((5, "acked"), (6, "dead")):
        state.put(
            [("orders", (client_id, f"id{client_id}", 0, "BTC-USD", 0, 5, 0, 1, "short_term", "gtt", 0, 9, 0, "", 0,
                         "entry", fate, 1, "", 1, 0, 0, ""))]
        )  # fmt: skip
    state.close()
    state = opened(tmp_path)
    assert state.run == 2
    leaving, withheld = state.intents(1, 1, [place(5), place(6)])
    assert leaving == [place(5)] and [one.command for one in withheld] == [place(6)]
    state.close()


def test_the_latch_outlives_the_program_and_wants_a_reason(tmp_path: Path) -> None:
    state = opened(tmp_path)
    assert state.killed == ""
    state.kill("fat finger")
    state.close()
    state = opened(tmp_path)
    assert state.killed == "fat finger"
    with pytest.raises(ValueError, match="reason"):
        state.lift("  ")
    assert state.killed == "fat finger"
    assert state.lift("looked\n at it") == "fat finger" and state.killed == ""
    assert state.all("SELECT reason, lifted FROM latches") == [("fat finger", "looked at it")]
    assert state.lift("again") == ""
    state.close()


def test_a_venue_that_begins_anew_ends_what_was_open_in_it(tmp_path: Path) -> None:
    for run in (1, 2):
        state = opened(tmp_path, "paper", reborn=True)
        assert (state.run, state.epoch) == (run, run)
        assert (
            state.all("SELECT * FROM positions")
            == state.all("SELECT * FROM facts WHERE name = 'height'")
            == []
        )
        assert state.all("SELECT state FROM orders ORDER BY client_id") == [("dead",)] * (run - 1)
        state.put(
            [
                ("positions", ("BTC-USD", 0, 5, 1, 0, 0, 0, 1, 7)),
                ("facts", ("height", 7)),
                ("orders", (run, "a", run, "BTC-USD", 0, 5, 0, 1, "short_term", "gtt", 0, 9, 0, "", 0, "entry",
                            "acked", 1, "", 1, 0, 0, "")),
            ]
        )  # fmt: skip
        state.close()


def test_old_intents_are_forgotten_but_not_those_of_open_orders(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state.intents(1, 1, [place(5), place(6)])
    state.put(
        [("orders", (6, "six", 0, "BTC-USD", 0, 5, 0, 1, "long_term", "gtt", 0, 0, 9, "", 0, "entry", "acked", 1,
                     "", 1, 0, 0, ""))]
    )  # fmt: skip
    state.close()
    connection = apsw.Connection(str(state.path))
    connection.execute("UPDATE runs SET started_ns = started_ns - ?", ((KEPT_DAYS + 1) * 86_400 * 10**9,))
    connection.close()
    state = opened(tmp_path)
    assert verbs(state) == [("place", 6)]
    state.close()


def test_what_is_put_is_written_soon_and_reads_back(tmp_path: Path) -> None:
    state = opened(tmp_path)
    fill = (0, "f", "o", "BTC-USD", 0, 1, 5, 1, 0, 7, -1, 1, "LIMIT", 9, 10)
    assert state.put([("fills", fill), ("bots", ("strategy x", b"\0state", 1, 2, 3))])
    assert state.put([("fills", (*fill[:-1], 11))])  # the same fill again is no news
    assert state.thread.settle(10)
    assert state.all("SELECT * FROM fills") == [fill]
    assert state.bot("strategy x") == b"\0state" and state.bot("other") is None
    assert state.problem == ""
    path = state.path
    assert state.close("done")
    found = apsw.Connection(str(path)).execute("SELECT run, ended FROM runs").fetchall()
    assert found == [(1, "done")]
    assert path.stat().st_mode & 0o777 == 0o600


LIMIT = """
import resource, signal, sys
from pathlib import Path
from tests.durable import cancel, opened, place

state = opened(Path(sys.argv[1]))
first, _ = state.reserve(count=1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, resource.RLIM_INFINITY))  # the log is overwritten from its start
sent = 0
while True:  # until the log reaches the limit
    leaving, withheld = state.intents(1, 1, [place(first + sent), cancel(first + sent)])
    if withheld:
        break
    assert leaving == [place(first + sent), cancel(first + sent)] and sent < 100
    sent += 1
    state.thread.settle(0)
refused = first + sent
assert leaving == [cancel(refused)], leaving
assert withheld[0].command == place(refused) and "not written" in withheld[0].why
assert state.problem, "loud"
leaving, withheld = state.intents(2, 2, [place(refused + 1, reduce_only=True), place(refused + 2)])
assert [one.client_id for one in leaving] == [refused + 1], "what reduces leaves all the same"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert state.thread.settle(60) and not state.problem, "it goes on by itself"
kept = [i for (i,) in state.all("SELECT client_id FROM intents WHERE verb = 'place'")]
assert kept[-1] == refused + 1 and len(kept) == sent + 1, "what left is written when it can be"
assert state.intents(3, 3, [place(refused + 3)])[0]
assert state.close()
print("held")
"""


def test_a_full_disk_takes_no_new_risk_and_ends_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMIT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_it_does_not_open_where_nothing_can_be_written(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(StateProblem, match="cannot be written"):
            opened(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    opened(tmp_path).close()  # and the lock was let go


def test_ids_that_cannot_be_noted_are_not_given_out(tmp_path: Path) -> None:
    state = opened(tmp_path)
    state._connection.execute(
        "DROP TABLE client_ids; CREATE TABLE client_ids (first, last, writer, run, at CHECK (0))"
    )
    with pytest.raises(StateProblem, match="client ids"):
        state.reserve()
    state.close()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    state = opened(tmp_path)
    with pytest.raises(PermissionProblem, match=f"process {os.getpid()}"):
        opened(tmp_path)
    opened(tmp_path, "other").close()
    state.close()
    opened(tmp_path).close()


def test_many_rows_go_in_order(tmp_path: Path) -> None:
    state = opened(tmp_path)
    for at in range(3 * BATCH_MAX):
        state.put([("facts", ("last", at))])
    assert state.thread.settle(20)
    assert state.one("SELECT value FROM facts WHERE name = 'last'") == 3 * BATCH_MAX - 1
    state.close()


SYSTEM = str(apsw.vfs_names()[0])


class Syncs(apsw.VFS):  # type: ignore[misc]  # its base is a C type
    """The system's files, with every flush of a log counted."""

    def __init__(self) -> None:
        self.count = 0
        super().__init__("counting", SYSTEM, makedefault=True)

    def xOpen(self, name: object, flags: list[int]) -> apsw.VFSFile:
        return Counted(self, name, flags)


class Counted(apsw.VFSFile):  # type: ignore[misc]
    def __init__(self, counter: Syncs, name: object, flags: list[int]) -> None:
        self.counter, self.log = counter, bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__(SYSTEM, name, flags)

    def xSync(self, flags: int) -> None:
        self.counter.count += self.log
        super().xSync(flags)


def test_an_intent_costs_one_flush_and_a_batch_none(tmp_path: Path) -> None:
    counter = Syncs()
    try:
        state = opened(tmp_path)
        costs = []
        for act in (
            lambda: state.intents(1, 1, [place(1), place(2), cancel(1)]),
            lambda: state.put([("answers", (1, 1, 1, "place", 1, 0, ""))]) and state.thread.settle(10),
            lambda: state.kill("why"),
            lambda: state.put([("latched", ("kill", "more", 1, 1))], urgent=True) and state.thread.settle(10),
        ):
            before = counter.count
            act()
            costs.append(counter.count - before)
        state.close()
    finally:
        counter.unregister()
    assert costs == [1, 0, 1, 1]


def test_what_fails_while_the_run_is_entered_undoes_the_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sniper.state.FORGET", ("DELETE FROM nowhere WHERE ?",))
        with pytest.raises(StateProblem, match="nowhere"):
            opened(tmp_path)
    opened(tmp_path).close()


def test_a_disk_that_does_not_answer_does_not_hold_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(tmp_path)
    monkeypatch.setattr(state.thread, "close", lambda: False)
    with state._mutex:
        assert not state.close()
    again = opened(tmp_path)  # the lock was let go
    again.close()
