"""The list of running instances: who is there, who was, whose files are whose."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from sniper.heartbeat import Beat, Heartbeat
from sniper.instances import Instance, announce, died, folder, listed, places, runs, withdraw
from sniper.state_lock import started


def made(tmp_path: Path, name: str, pid: int, started_ns: int = 1) -> Instance:
    folder(tmp_path).mkdir(exist_ok=True)
    instance = Instance(name, pid, "paper", "sim", started_ns)
    announce(tmp_path, instance)
    return instance


def test_the_newest_comes_first_with_its_sign_of_life(tmp_path: Path) -> None:
    old, new = made(tmp_path, "a", 1, 1), made(tmp_path, "b", 2, 2)
    heart = Heartbeat(places(tmp_path, "b").beat, "paper")
    heart.beat(3, 4, 5)
    found = listed(tmp_path)
    assert [one[0] for one in found] == [new, old]
    assert found[0][2] is not None and found[0][2].tick == 3 and found[1][2] is None
    assert oct(places(tmp_path, "a").card.stat().st_mode)[-3:] == "600"


def test_cards_that_are_none_are_left_out(tmp_path: Path) -> None:
    assert listed(tmp_path) == []
    made(tmp_path, "a", 1)
    (folder(tmp_path) / "x.json").write_text("{")
    (folder(tmp_path) / "y.json").write_bytes(places(tmp_path, "a").card.read_bytes())  # under another's id
    assert [one[0].name for one in listed(tmp_path)] == ["a"]


def test_it_runs_while_its_process_is_there_and_has_not_ended(tmp_path: Path) -> None:
    here, gone = made(tmp_path, "a", os.getpid()), made(tmp_path, "b", 2**22 - 1)
    heart = Heartbeat(places(tmp_path, "a").beat, "paper")
    heart.beat(1, 2, 3)
    beat = listed(tmp_path)[0][2]
    assert runs(here, None) and runs(here, beat) and not runs(gone, None)
    heart.close()
    found = {one[0].name: one for one in listed(tmp_path)}
    assert not runs(here, found["a"][2])
    assert runs(Instance("c", 1, "", "", 0), None)  # somebody else's process is one, too


def test_what_is_withdrawn_is_gone_or_keeps_its_last_sign(tmp_path: Path) -> None:
    made(tmp_path, "a", 1)
    files = places(tmp_path, "a")
    files.socket.touch()
    withdraw(files, keep=True)
    assert files.card.exists() and not files.socket.exists()
    withdraw(files, keep=False)
    assert not files.card.exists() and listed(tmp_path) == []


def test_a_name_of_any_length_has_a_short_path(tmp_path: Path) -> None:
    assert len(places(Path("/s"), "x" * 500).socket.name) < 20


def test_only_a_live_one_that_did_not_say_so_died(tmp_path: Path) -> None:
    gone = Instance("a", 2**22 - 1, "live", "ws://x", 1)
    assert died(gone, None) and died(gone, Beat(1, 2, 3, "live", 4))
    assert not died(gone, Beat(1, 2, 3, "ended", 4))
    assert not died(gone._replace(pid=os.getpid()), None) and not died(gone._replace(mode="paper"), None)


def test_a_number_that_another_process_has_by_now_is_not_its_own(tmp_path: Path) -> None:
    here = made(tmp_path, "a", os.getpid())
    assert here.start == 0 and runs(here, None), "not known: a card of an earlier version"
    assert runs(here._replace(start=started(os.getpid())), None)
    assert not runs(here._replace(start=started(os.getpid()) + 1), None)
    old = [here.name, here.pid, here.mode, here.source, here.started_ns]
    places(tmp_path, "a").card.write_bytes(msgspec.json.encode(old))
    assert listed(tmp_path)[0][0] == here
