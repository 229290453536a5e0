"""risk_operator: pause, reduce, kill; a kill wants a reason, and one to be lifted."""

from __future__ import annotations

from sniper.risk_operator import Latch, Operator


def test_pause_and_reduce_are_lifted_without_much_ado() -> None:
    operator = Operator()
    for verb in ("pause", "reduce", "pause"):
        assert operator.obey(verb, "  lunch \n time ") == ""
        assert operator.latch == Latch(verb, "lunch time")
    assert operator.obey("resume", "") == "" and operator.latch == Latch()


def test_a_kill_needs_a_reason_and_holds_until_one_lifts_it() -> None:
    operator = Operator()
    assert operator.obey("kill", " ") == "kill wants a reason" and operator.latch == Latch()
    assert operator.obey("kill", "fat finger") == ""
    assert operator.obey("resume", "") == "resume wants a reason"
    assert "killed (fat finger)" in operator.obey("pause", "x") and "killed" in operator.obey("reduce", "")
    assert operator.latch == Latch("kill", "fat finger")
    assert operator.obey("kill", "worse") == "" and operator.latch.reason == "worse"
    assert operator.obey("resume", "checked") == "" and operator.latch == Latch()
    assert operator.lifted == "checked"
    operator.obey("kill", "again")
    assert operator.lifted == ""


def test_a_kill_of_an_earlier_run_holds() -> None:
    assert Operator("power cut").latch == Latch("kill", "power cut")


def test_the_journal_is_noted_and_other_words_are_not_understood() -> None:
    operator = Operator()
    operator.obey("journal", "stopped: disk full")
    assert operator.journal_stopped and operator.journal_why == "disk full"
    operator.obey("journal", "writing")
    assert not operator.journal_stopped
    operator.obey("state", "stopped: disk full")
    assert operator.state_stopped and not operator.journal_stopped
    assert (operator.journal_why, operator.state_why) == ("", "disk full")
    operator.obey("state", "stopped")
    assert operator.state_why == "no reason given"
    operator.obey("state", "writing")
    assert not operator.state_stopped and operator.state_why == ""
    assert "unknown word" in operator.obey("explode", "now")
