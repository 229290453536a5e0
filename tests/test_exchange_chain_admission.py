"""Every refusal that an order or cancel meets before any book, with its code of orders.md 7."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import (
    CONDITIONAL,
    FILL_OR_KILL,
    IOC,
    LONG_TERM,
    POST_ONLY,
    STOP_LOSS,
    TAKE_PROFIT,
    TWAP,
    OrderId,
    SubaccountId,
)
from sniper.exchange.terms import FINAL_SETTLEMENT, INITIALIZING
from tests.small_chain import ALICE, BTC, START_S, block, chain, order, put

NEXT = 102  # the next height of a fresh chain
WINDOW = 40
NINETY_FIVE_DAYS = 95 * 86_400

CONDITION = {"flags": CONDITIONAL, "condition": STOP_LOSS, "trigger_subticks": BTC.subticks_per_tick * 90_000}
BAD: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("no side", {"side": 0}, 3),
    ("a side of its own", {"side": 3}, 3),
    ("no size", {"quantums": 0}, 4),
    ("half a step", {"quantums": BTC.step_base_quantums * 3 // 2}, 4),
    ("no good-til-block", {"good_til_block": 0}, 5),
    ("no price", {"subticks": 0}, 6),
    ("half a tick", {"subticks": BTC.subticks_per_tick * 3 // 2}, 6),
    ("an old height", {"good_til_block": NEXT - 1}, 10),
    ("a far height", {"good_til_block": NEXT + WINDOW + 1}, 11),
    ("an unknown time in force", {"time_in_force": 4}, 44),
    ("fill or kill", {"time_in_force": FILL_OR_KILL}, 48),
    ("a builder without a fee", {"builder": "dydx1builder"}, 50),
    ("a greedy builder", {"builder": "dydx1builder", "builder_fee_ppm": 10_001}, 50),
    ("unknown flags", {"flags": 1}, 3000),
    ("a TWAP", {"flags": TWAP}, 49),
    ("a long-term order without a time", {"flags": LONG_TERM, "good_til_s": 0}, 3001),
    ("a long-term IOC", {"flags": LONG_TERM, "time_in_force": IOC}, 3002),
    ("a time in the past", {"flags": LONG_TERM, "good_til_s": START_S}, 3003),
    ("a time too far off", {"flags": LONG_TERM, "good_til_s": START_S + NINETY_FIVE_DAYS + 2}, 3004),
    ("reduce-only that rests", {"reduce_only": True}, 9003),
    ("reduce-only post-only", {"reduce_only": True, "time_in_force": POST_ONLY}, 9003),
    ("a long-term reduce-only", {"flags": LONG_TERM, "reduce_only": True}, 9003),
    ("a condition of its own", CONDITION | {"condition": 3}, 6000),
    ("conditional without a condition", CONDITION | {"condition": 0}, 6000),
    ("conditional without a trigger", CONDITION | {"trigger_subticks": 0}, 6001),
    ("a trigger off the grid", CONDITION | {"trigger_subticks": 12_345}, 6001),
    ("a condition on a short-term order", {"condition": TAKE_PROFIT}, 6000),
    ("a trigger on a short-term order", {"trigger_subticks": BTC.subticks_per_tick}, 6001),
)


@pytest.mark.parametrize(("fields", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_refused(fields: dict[str, Any], code: int) -> None:
    made = chain()
    before = made.digest()
    outcome = made.place(order(ALICE, "buy", 0.01, 80_000, **fields), "TX")
    assert (outcome.code, outcome.codespace) == (code, "clob")
    assert outcome.text
    assert made.digest() == before and not made.news


def test_what_is_just_good_enough() -> None:
    made = chain()
    for fields in (
        {"good_til_block": NEXT},
        {"good_til_block": NEXT + WINDOW},
        {"flags": LONG_TERM, "good_til_s": START_S + 1},
        {"flags": LONG_TERM, "good_til_s": START_S + NINETY_FIVE_DAYS},
        {"builder": "dydx1builder", "builder_fee_ppm": 10_000},
        {"time_in_force": IOC},
        CONDITION,
        CONDITION | {"time_in_force": IOC},
    ):
        assert put(made, ALICE, "buy", 0.01, 80_000, **fields) == 0, fields


def test_texts_are_the_chains() -> None:
    made = chain()
    told = made.place(order(ALICE, "buy", 0.01, 80_000, good_til_block=7), "TX").text
    assert told == (
        "GoodTilBlock 7 is less than the current blockHeight 102: "
        "The next block height is greater than the GoodTilBlock of the message"
    )


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (SubaccountId("dydx1alice", 128_001), 200),
        (SubaccountId("dydx1alice", -1), 200),
        (SubaccountId("", 0), 201),
    ],
)
def test_impossible_subaccounts(who: SubaccountId, code: int) -> None:
    made = chain()
    for outcome in (
        made.place(order(who, "buy", 0.01, 80_000), "TX"),
        made.cancel(OrderId(who, 1, 0, 0), 110, 0, "TX"),
        made.batch_cancel(who, [(0, (1,))], 110, "TX"),
    ):
        assert (outcome.code, outcome.codespace) == (code, "subaccounts")


def test_an_unknown_market() -> None:
    made = chain()
    wrong = order(ALICE, "buy", 0.01, 80_000)
    wrong = wrong._replace(id=wrong.id._replace(clob_pair=99))
    assert made.place(wrong, "TX").code == 8
    assert made.cancel(wrong.id, 110, 0, "TX").code == 8


def test_cancels_that_can_never_be_valid() -> None:
    made = chain()
    assert made.cancel(OrderId(ALICE, 1, 0, 0), 0, 0, "TX").code == 5
    assert made.cancel(OrderId(ALICE, 1, 0, 0), NEXT - 1, 0, "TX").code == 10
    assert made.cancel(OrderId(ALICE, 1, 0, 0), NEXT + WINDOW + 1, 0, "TX").code == 11
    assert made.cancel(OrderId(ALICE, 1, 3, 0), 110, 0, "TX").code == 3000
    assert made.cancel(OrderId(ALICE, 1, LONG_TERM, 0), 0, 0, "TX").code == 3001
    assert made.cancel(OrderId(ALICE, 1, LONG_TERM, 0), 0, START_S, "TX").code == 3003
    assert made.cancel(OrderId(ALICE, 1, LONG_TERM, 0), 0, START_S + NINETY_FIVE_DAYS + 9, "TX").code == 3004


def test_an_initializing_market_takes_post_only_on_the_right_side_of_the_oracle_price() -> None:
    made = chain(markets=(BTC._replace(status=INITIALIZING),))
    for code, side, price, fields in (
        (34, "buy", 90_000, {}),
        (34, "buy", 90_000, {"time_in_force": IOC}),
        (34, "buy", 90_000, {"flags": LONG_TERM, "time_in_force": POST_ONLY}),
        (34, "buy", 90_001, {"time_in_force": POST_ONLY}),
        (34, "sell", 89_999, {"time_in_force": POST_ONLY}),
        (0, "buy", 89_999, {"time_in_force": POST_ONLY}),
        (0, "sell", 90_001, {"time_in_force": POST_ONLY}),
    ):
        assert put(made, ALICE, side, 0.01, price, **fields) == code  # type: ignore[arg-type]


def test_a_market_without_an_oracle_price_takes_nothing() -> None:
    made = Chain((BTC,), prices={}, now_ns=START_S * 10**9, height=101)
    refused = made.place(order(ALICE, "buy", 0.01, 80_000), "TX")
    assert refused.code == 34 and "no oracle price" in refused.text
    made.set_oracle({0: 90_000 * 10**5})
    block(made)
    assert put(made, ALICE, "buy", 0.01, 80_000) == 0


def test_a_market_in_final_settlement_takes_nothing() -> None:
    made = chain()
    made.set_terms(BTC._replace(status=FINAL_SETTLEMENT))
    block(made)
    assert put(made, ALICE, "buy", 0.01, 80_000) == 34
    assert put(made, ALICE, "buy", 0.01, 80_000, time_in_force=POST_ONLY) == 34
    assert put(made, ALICE, "buy", 0.01, 80_000, flags=LONG_TERM) == 34
