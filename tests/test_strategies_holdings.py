"""strategies.holdings: shares, exits, what is taken back, what others hold."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.handview import START_NS, HandView
from sniper.strategies.holdings import Holdings, cause, entered, under_way
from sniper.strategies.terms import Terms
from sniper.trading import BUY, SELL, Intent, Reason, Withdraw

SECOND = 1_000_000_000
TERMS = Terms(answer_s=5.0, retry_s=7.0, cooldown_s=60.0, exit_retry_s=1.0)
STAY = Reason("exit.mine", 1.0, 2.0, False)
GO = Reason("exit.mine", 3.0, 2.0, True)


class Case:
    """Holdings in one market, with a judge that says what it is told."""

    def __init__(self, terms: Terms = TERMS, hold_max_s: float = 600.0) -> None:
        self.view, self.holdings = HandView(3), Holdings("me", terms, hold_max_s)
        self.says: Reason = STAY
        self.asked: list[Any] = []

    def at(self, seconds: float, changed: tuple[int, ...] = (0,)) -> list[Intent | Withdraw]:
        return self.holdings.manage(
            self.view.at(START_NS + int(seconds * SECOND), changed), lambda *given: self.judge(*given)
        )

    def judge(self, *given: Any) -> tuple[Reason]:
        self.asked.append(given)
        return (self.says,)

    def enter(self, side: int = 1) -> None:
        self.holdings.take(0, side, 0.2, self.view.now_ns, 70.0)

    def gates(self) -> dict[str, bool]:
        return {r.name: r.passed for r in self.holdings.gates(self.view, 0)}


def only(wanted: list[Intent | Withdraw]) -> Intent:
    (intent,) = wanted
    assert isinstance(intent, Intent)
    return intent


def test_an_entry_that_leaves_nothing_behind_gives_its_share_back() -> None:
    case = Case()
    case.at(0)
    case.enter()
    assert not case.gates()["gate.flat"] and case.holdings.left(case.view)[0] == pytest.approx(0.8)
    assert not case.at(4.9) and case.holdings.held
    case.at(5.0, changed=())
    assert case.holdings.unmade == [(0, 0)] and not case.holdings.held
    assert case.gates() == {"gate.flat": True, "gate.orders": True, "gate.cooldown": False}
    case.at(12.0)
    assert not case.holdings.unmade and all(case.gates().values())


def test_an_entry_with_an_order_on_its_way_keeps_its_share() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.rest(0, BUY, 1000)
    case.at(500.0, changed=())
    assert case.holdings.held and not case.gates()["gate.orders"]


@pytest.mark.parametrize(
    ("side", "facts", "name"),
    [
        (BUY, {"bid_ticks": 990, "ask_ticks": 991}, "exit.stop"),
        (BUY, {"bid_ticks": 991, "ask_ticks": 992}, ""),
        (BUY, {"bid_ticks": 1020, "ask_ticks": 1021}, "exit.target"),
        (BUY, {"bid_ticks": 1019, "ask_ticks": 1020}, ""),
        (SELL, {"bid_ticks": 1019, "ask_ticks": 1020}, "exit.stop"),
        (SELL, {"bid_ticks": 1018, "ask_ticks": 1019}, ""),
        (SELL, {"bid_ticks": 989, "ask_ticks": 990}, "exit.target"),
        (SELL, {"bid_ticks": 990, "ask_ticks": 991}, ""),
        (BUY, {"bid_ticks": 900, "ask_ticks": 901, "trust": "stale"}, ""),
    ],
)
def test_stop_and_target_are_judged_by_the_price_one_could_leave_at(side: int, facts: Any, name: str) -> None:
    case = Case()
    case.at(0)
    case.enter(1 if side == BUY else -1)
    stop, target = (990, 1020) if side == BUY else (1020, 990)
    case.view.open(0, side, 10, 1005.0, "me", stop, target)
    case.view.set_facts(0, **facts)
    wanted = case.at(1.0)
    if not name:
        assert not wanted
    else:
        intent = only(wanted)
        assert cause(intent.reasons) == name and intent.strategy == "me"
        assert (intent.side, intent.size_steps) == (SELL if side == BUY else BUY, 10)


def test_a_stop_that_only_a_book_beyond_belief_has_reached_is_not_reached() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.open(0, BUY, 10, 1005.0, "me", 990, 1020)
    case.view.set_facts(0, bid_ticks=900, ask_ticks=901, trust="stale")
    assert not case.at(1.0)
    case.view.set_facts(0, bid_ticks=1000, ask_ticks=1001, trust="live")
    assert not case.at(3.0)


def test_a_position_is_left_when_its_time_is_up_even_if_nothing_changes() -> None:
    case = Case(hold_max_s=600.0)
    case.at(0)
    case.enter()
    case.view.at(START_NS + SECOND)
    case.view.open(0, BUY, 10, 1000.0, "me")
    case.at(2.0)
    assert not case.at(600.9, changed=())
    assert cause(only(case.at(601.0, changed=())).reasons) == "exit.time"


def test_an_exit_whose_end_is_not_known_is_not_asked_for_twice() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.open(0, BUY, 10, 1000.0, "me")
    case.says = GO
    sent = only(case.at(2.0))
    case.view.rest(0, sent.side, sent.price_ticks, purpose="exit")
    (order,) = case.view.orders(0)
    assert under_way((order,)) == order.size_steps >= 10
    assert not case.at(4.0), "all of it is on its way"
    case.view.resting.clear()
    assert only(case.at(4.1)), "it came to nothing: once more, at once"
    half = order._replace(size_steps=10, filled_steps=4)
    assert under_way((half, half._replace(purpose="protect"), half._replace(purpose="entry"))) == 6
    case.view.resting[0] = (half,)
    assert only(case.at(6.0)), "a part is left to close"


def test_once_leaving_it_leaves_and_is_tried_again_until_it_is_gone() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.open(0, BUY, 10, 1000.0, "me")
    assert not case.at(1.0)
    case.says = GO
    assert cause(only(case.at(2.0)).reasons) == "exit.mine"
    case.says = STAY
    assert not case.at(2.9), "not before exit_retry_s"
    intent = only(case.at(3.0, changed=()))
    assert intent.reasons[0] == Reason("exit.mine", 1.0, 1.0, True)
    case.view.set_facts(0, trust="stale")
    assert not case.at(4.5), "no price to leave at"
    case.view.set_facts(0, trust="live", status="PAUSED")
    assert not case.at(6.0)
    case.view.set_facts(0, status="ACTIVE")
    assert only(case.at(7.5))
    case.view.close(0)
    assert not case.at(8.0) and not case.holdings.held
    assert not case.gates()["gate.cooldown"]
    case.at(68.0)
    assert all(case.gates().values())


def test_a_resting_entry_is_taken_back_when_it_rested_too_long_or_the_market_went_away_or_the_reason_did() -> (
    None
):
    for side, change, says, said in (
        (BUY, {}, STAY, "rested too long"),
        (BUY, {"bid_ticks": 1001, "ask_ticks": 1002}, STAY, "the market went away"),
        (SELL, {"bid_ticks": 998, "ask_ticks": 999}, STAY, "the market went away"),
        (BUY, {}, GO, "exit.mine"),
    ):
        case = Case(TERMS._replace(entry="post_only", rest_s=10.0, chase_bps=5.0))
        case.at(0)
        case.enter(1 if side == BUY else -1)
        case.view.rest(0, side, 1000, client_id=77)
        if side == SELL:
            case.view.set_facts(0, ask_ticks=1000, bid_ticks=999)
        assert not case.at(1.0)
        case.view.set_facts(0, **change)
        case.says = says
        (back,) = case.at(10.0 if said == "rested too long" else 2.0)
        assert back == Withdraw(77, said)
        assert not case.at(10.5 if said == "rested too long" else 2.5), "not every tick"
        assert len(case.at(12.0)) == 1
        (order,) = case.view.resting[0]
        case.view.resting[0] = (order._replace(state="cancelling"),)
        assert not case.at(14.0), "it is going already"


def test_what_still_rests_when_part_of_it_is_filled_is_looked_after_too() -> None:
    case = Case(TERMS._replace(entry="post_only", rest_s=10.0))
    case.at(0)
    case.enter()
    case.view.rest(0, BUY, 1000, client_id=5)
    case.view.rest(0, SELL, 1100, client_id=6, purpose="protect")
    case.view.open(0, BUY, 10, 1000.0, "me")
    assert not case.at(1.0)
    assert case.at(10.0) == [Withdraw(5, "rested too long")]
    case.says = GO
    back, out = case.at(11.0)
    assert back == Withdraw(5, "exit.mine") and isinstance(out, Intent) and out.purpose == "exit"


def test_a_position_of_ours_that_the_state_does_not_know_is_taken_over_and_one_of_others_is_not() -> None:
    case = Case()
    case.view.open(0, SELL, 10, 1000.0, "me", stop_ticks=1001)
    case.view.open(1, BUY, 10, 1000.0, "other", stop_ticks=2000)
    case.view.open(2, BUY, 10, 1000.0, "other")
    case.view.trips.pop(2)
    assert not case.at(1.0, changed=()), "not before there are news of it"
    assert cause(only(case.at(2.0, changed=(0, 1, 2))).reasons) == "exit.stop"
    assert list(case.holdings.held) == [0] and case.holdings.used(case.view) == 3
    # One share of ours (short), two full ones of others (long).
    assert case.holdings.left(case.view) == pytest.approx((0.25, 0.25, 0.5))


def test_a_position_that_turned_round_is_not_the_one_that_was_opened() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.open(0, BUY, 10, 1000.0, "me")
    case.at(1.0)
    case.view.open(0, SELL, 10, 1000.0, "other")
    assert not case.at(2.0) and not case.holdings.held


def test_each_cap_holds_and_says_what_it_leaves() -> None:
    case = Case(
        Terms(weight_max=0.3, weight_side_max=0.5, weight_total_max=0.7, weight_min=0.05, positions_max=4)
    )
    case.at(0)
    holdings, view = case.holdings, case.view
    assert holdings.room(view, 1, 0.9)[0] == 0.3
    holdings.take(0, 1, 0.3, 0, 70.0)
    granted, reasons = holdings.room(view, 1, 0.3)
    assert granted == pytest.approx(0.2)
    assert [(r.name, r.passed) for r in reasons] == [
        ("room.total", True),
        ("room.side", False),
        ("gate.room", True),
    ]
    assert holdings.room(view, 1, 0.3, 0.45, 0.5)[0] == pytest.approx(0.05)
    assert holdings.room(view, 1, 0.3, 0.6, 0.5) == (0.0, holdings.room(view, 1, 0.3, 0.6, 0.5)[1])
    holdings.take(1, -1, 0.3, 0, 70.0)
    assert holdings.room(view, -1, 0.3)[0] == pytest.approx(0.1)
    granted, reasons = holdings.place(view, -1, 0.04, ahead=1)
    assert granted == 0.04 and not entered(reasons) and reasons[0] == Reason("gate.rank", 4.0, 4.0, True)
    assert not holdings.place(view, -1, 0.1, ahead=2)[1][0].passed


def test_state_as_rows_and_back() -> None:
    case = Case()
    case.at(0)
    case.enter()
    case.view.open(0, BUY, 10, 1000.0, "me")
    case.says = GO
    case.at(1.0)
    case.holdings.take(2, -1, 0.1, START_NS, 60.0, 9)
    state = case.holdings.save()
    again = Holdings("me", TERMS, 600.0)
    again.load(again.checked(state))
    assert again.save() == state
    assert again.held[0].closing == "exit.mine" and again.held[2].group == 9


def test_reasons_that_matter() -> None:
    told = Reason("score", 1.0, 2.0, False)
    assert entered((told, Reason("gate.x", 1.0, 1.0, True))) and not entered(
        (Reason("gate.x", 0.0, 1.0, False),)
    )
    assert cause((told, STAY)) == "" and cause((STAY, GO)) == "exit.mine"
