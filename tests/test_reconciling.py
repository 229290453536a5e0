"""Rounds of questions to the venue: when they are due, what they prove, how they fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.account import Queried
from sniper.order_record import NOTHING
from sniper.reconciling import (
    CACHED_BLOCKS,
    FILLS_MAX,
    NO_RECONCILING,
    SECOND_NS,
    Reconcile,
    ReconcileSettings,
    Seen,
)
from sniper.types import Ask, Resubscribe

ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
MINUTE = 60 * SECOND_NS


def stage(**changes: Any) -> Reconcile:
    return Reconcile(ReconcileSettings(every_ns=MINUTE)._replace(**changes), ADDRESS, 0)


def seen(now_s: float, *answers: Queried, **changes: Any) -> Seen:
    made = Seen(round(now_s * 1e9), "live", False, answers, 0, False, 2)
    return made._replace(**changes)


def answer(endpoint: str, height: int, *ids: str, status: int = 200) -> Queried:
    return Queried(endpoint, status, "", ids, height)


def whole_round(stage: Reconcile, now_s: float, height: int) -> None:
    """A round from its first question to its last answer."""
    (asked,) = stage.apply(seen(now_s))
    assert isinstance(asked, Ask) and asked.endpoint == "height"
    asked = stage.apply(seen(now_s + 0.1, answer("height", height)))
    assert [one.endpoint for one in asked if isinstance(one, Ask)] == ["subaccount", "orders", "fills"]
    answers = [answer(one, height, "a") for one in ("subaccount", "orders", "fills")]
    assert stage.apply(seen(now_s + 0.2, *answers)) == ()


def test_a_venue_with_complete_frames_is_asked_nothing() -> None:
    quiet = Reconcile(NO_RECONCILING, ADDRESS, 0)
    assert quiet.apply(seen(1, trust="doubtful", open_questions=True)) == () and quiet.settled


def test_nothing_is_opened_before_the_first_round_is_through() -> None:
    made = stage()
    assert not made.settled
    assert made.apply(seen(0.5, trust="empty")) == ()  # nobody to ask about yet
    whole_round(made, 1, 1000)
    assert made.settled and made.rounds == (1, 0)
    assert made.evidence.orders_height == 1000 - CACHED_BLOCKS
    assert made.evidence.fills_height == 1000 - CACHED_BLOCKS and made.evidence.listed == ("a",)
    assert made.apply(seen(2)) == () and made.evidence is NOTHING
    assert made.apply(seen(60)) == ()
    whole_round(made, 62, 1100)


def test_every_question_names_the_account() -> None:
    made = stage()
    made.apply(seen(1))
    for one in made.apply(seen(1.1, answer("height", 9))):
        assert isinstance(one, Ask) and dict(one.query)["address"] == ADDRESS


def test_a_new_snapshot_unsettles_until_the_venue_was_asked_again() -> None:
    made = stage()
    whole_round(made, 1, 1000)
    (asked,) = made.apply(seen(10, snapshot=True))
    assert isinstance(asked, Ask) and not made.settled
    made.apply(seen(11, answer("height", 1010)))
    made.apply(seen(12, answer("subaccount", 1010), answer("orders", 1010), answer("fills", 1010)))
    assert made.settled


def test_a_snapshot_within_a_round_makes_another_one_follow() -> None:
    made = stage()
    made.apply(seen(1))
    made.apply(seen(1.1, answer("height", 1000)))
    made.apply(seen(1.2, answer("subaccount", 1000), snapshot=True))
    made.apply(seen(1.3, answer("orders", 1000), answer("fills", 1000)))
    assert not made.settled
    whole_round(made, 7, 1010)
    assert made.settled


@pytest.mark.parametrize("endpoint", ["height", "subaccount", "orders", "fills"])
@pytest.mark.parametrize("status", [0, 404, 429, 500])
def test_a_failed_answer_fails_the_round_and_it_is_tried_again_later(endpoint: str, status: int) -> None:
    made = stage()
    made.apply(seen(1))
    if endpoint != "height":
        made.apply(seen(1.1, answer("height", 1000)))
    assert made.apply(seen(1.2, answer(endpoint, 1000, status=status))) == ()
    assert made.rounds == (0, 1) and not made.settled and made.evidence is NOTHING
    assert made.apply(seen(3)) == ()
    assert made.apply(seen(3.3)) != ()


def test_failures_wait_longer_each_time_up_to_a_limit() -> None:
    made, waits, began = stage(), [], 1.0
    for _ in range(8):
        assert made.apply(seen(began)) != ()
        made.apply(seen(began, answer("height", 1, status=500)))
        now = began
        while True:
            now += 1
            if made.save() and made._due(seen(now)):
                break
        waits.append(now - began)
        began = now
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_answers_that_do_not_come_fail_the_round() -> None:
    made = stage(answer_ns=5 * SECOND_NS)
    made.apply(seen(1))
    assert made.apply(seen(5.9)) == () and made.rounds == (0, 0)
    made.apply(seen(6.1))
    assert made.rounds == (0, 1)


def test_a_replica_that_is_behind_what_was_known_proves_nothing() -> None:
    made = stage()
    whole_round(made, 1, 1000)
    made.apply(seen(62))
    assert made.apply(seen(63, answer("height", 999))) == () and made.rounds == (1, 1)


def test_a_question_asks_at_once_but_not_too_often() -> None:
    made = stage()
    whole_round(made, 1, 1000)
    assert made.apply(seen(3, open_questions=True)) == ()
    assert made.apply(seen(6, open_questions=True)) != ()


def test_a_full_page_proves_nothing_unless_it_reaches_what_was_known() -> None:
    many = tuple(str(n) for n in range(FILLS_MAX))
    for new, proven in ((FILLS_MAX, 0), (FILLS_MAX - 1, 1000 - CACHED_BLOCKS)):
        made = stage()
        made.apply(seen(1))
        made.apply(seen(2, answer("height", 1000)))
        made.apply(seen(3, answer("orders", 1000, *many), answer("fills", 1000, *many), new_fills=new))
        made.apply(seen(4, answer("subaccount", 1000)))
        assert made.evidence.fills_height == proven and made.evidence.orders_height == 0


def test_nothing_is_proven_before_the_last_answer_of_a_round() -> None:
    made = stage()
    made.apply(seen(1))
    made.apply(seen(2, answer("height", 1000)))
    for at, endpoint in ((3, "orders"), (4, "subaccount")):
        made.apply(seen(at, answer(endpoint, 1000)))
        assert made.evidence is NOTHING
    made.apply(seen(5, answer("fills", 1000)))
    assert made.evidence.orders_height == made.evidence.fills_height == 1000 - CACHED_BLOCKS


def test_a_round_that_fails_proves_nothing_to_the_next() -> None:
    made = stage()
    made.apply(seen(1))
    made.apply(seen(2, answer("height", 1000)))
    made.apply(seen(3, answer("orders", 1000)))
    made.apply(seen(4, answer("fills", 1000, status=500)))
    made.apply(seen(7))
    made.apply(seen(8, answer("height", 1001)))
    many = tuple(str(n) for n in range(FILLS_MAX))
    made.apply(seen(9, answer("orders", 1001, *many), answer("fills", 1001), answer("subaccount", 1001)))
    assert made.evidence.orders_height == 0 and made.evidence.fills_height == 1001 - CACHED_BLOCKS


def test_lost_trust_unsettles_and_asks_for_the_channel_anew() -> None:
    made = stage()
    whole_round(made, 1, 1000)
    (asked,) = made.apply(seen(2, trust="doubtful"))
    assert asked == Resubscribe(2, "v4_subaccounts", f"{ADDRESS}/0", "account in doubt") and not made.settled
    assert made.apply(seen(3, trust="doubtful")) == ()
    assert len(made.apply(seen(13, trust="doubtful"))) == 1


def test_books_that_nobody_confirmed_for_long_are_not_believed() -> None:
    made = stage(old_ns=100 * SECOND_NS)
    whole_round(made, 1, 1000)
    made.apply(seen(61.5))
    made.apply(seen(90))
    assert made.settled
    made.apply(seen(102))
    assert not made.settled


@given(
    st.lists(
        st.tuples(st.sampled_from(("", "height", "subaccount", "orders", "fills")), st.booleans()),
        max_size=30,
    )
)
def test_saved_and_loaded_it_goes_on_the_same(steps: list[tuple[str, bool]]) -> None:
    one, other = stage(), stage()
    for at, (endpoint, snapshot) in enumerate(steps):
        answers = (answer(endpoint, 100 + at),) if endpoint else ()
        here = seen(at * 1.5, *answers, snapshot=snapshot)
        other.load(one.save())
        assert one.apply(here) == other.apply(here)
        assert one.save() == other.save() and one.evidence == other.evidence


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(ValueError, match="reconciling"):
        stage().load(b"\x93")


def test_the_last_agreement_and_what_is_missing_can_be_read() -> None:
    made = stage()
    assert (made.agreed, made.missing) == ((0, 0), ())
    made.apply(seen(1))
    assert made.missing == ("height",)
    made.apply(seen(1.1, answer("height", 1000)))
    assert made.missing == ("subaccount", "orders", "fills")
    made.apply(seen(1.2, answer("orders", 1000)))
    assert (made.agreed, made.missing) == ((0, 0), ("subaccount", "fills"))
    made.apply(seen(1.3, answer("subaccount", 1000), answer("fills", 1000)))
    assert (made.agreed, made.missing) == ((1000, 1_300_000_000), ())
