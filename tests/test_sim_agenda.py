"""What is due when."""

from __future__ import annotations

from sniper.feed.sim.agenda import Agenda


def test_acts_come_on_the_grid_in_their_order() -> None:
    agenda = Agenda(1000, 10)
    done: list[tuple[str, int]] = []
    agenda.put(1021, lambda now_ns: done.append(("late", now_ns)))
    agenda.put(1001, lambda now_ns: done.append(("first", now_ns)))
    agenda.put(1010, lambda now_ns: done.append(("second", now_ns)))
    assert agenda.next_ns == 1010
    agenda.run(1009)
    assert not done and agenda.now_ns == 1009
    agenda.run(1010)
    assert done == [("first", 1010), ("second", 1010)]
    agenda.run(5000)
    assert done[2:] == [("late", 1030)]
    assert agenda.next_ns is None and agenda.now_ns == 5000
    agenda.run(4000)
    assert agenda.now_ns == 5000, "time never goes back"


def test_an_act_may_put_another_down() -> None:
    agenda = Agenda(0, 10)
    times: list[int] = []

    def again(now_ns: int) -> None:
        times.append(now_ns)
        agenda.put(now_ns + 25, again)

    agenda.put(0, again)
    agenda.run(100)
    assert times == [0, 30, 60, 90]
    agenda.clear()
    assert agenda.next_ns is None
