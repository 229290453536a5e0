"""The check of the invariants finds every kind of fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from tests.small_chain import ALICE, BOB, chain, put


def busy() -> Chain:
    made = chain()
    put(made, BOB, "sell", 0.2, 90_000, client_id=1)
    put(made, ALICE, "buy", 0.1, 90_000)
    put(made, ALICE, "buy", 0.1, 80_000, client_id=2)
    put(made, ALICE, "buy", 0.1, 80_000, client_id=3, flags=64)
    made.end_block(made.now_ns + 1)
    assert faults(made.core) == []
    return made


def spoil_order(made: Chain, name: str) -> None:
    book = made.core.markets[0].book
    resting = next(held for order_id, held in book.orders.items() if order_id.client_id == 2)
    if name == "size":
        resting.remaining -= 1
    else:
        resting.order = resting.order._replace(good_til_block=1)


def conjure(made: Chain) -> None:
    made.core.subaccounts[ALICE].usdc += 1


def overdraw(made: Chain) -> None:
    made.core.wallets[ALICE.owner] -= 10**15
    made.core.supply -= 10**15


def lengthen(made: Chain) -> None:
    made.core.subaccounts[ALICE].positions[0][0] += 1


def hold_nothing(made: Chain) -> None:
    made.core.subaccounts[ALICE].positions[1] = [0, 0]


def mix(made: Chain) -> None:
    made.core.subaccounts[ALICE].positions[70] = [5, 0]


def forget_state(made: Chain) -> None:
    made.core.stateful.clear()


def lose_order(made: Chain) -> None:
    made.core.markets[0].book.orders.popitem()


def cross(made: Chain) -> None:
    made.core.markets[0].book.keys[1][-1] = 10**15


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (conjure, "USDC"),
        (overdraw, "negative"),
        (lengthen, "open interest"),
        (hold_nothing, "holds 0"),
        (mix, "isolated"),
        (forget_state, "chain's state"),
        (lose_order, "in levels"),
        (cross, "meets ask"),
        (lambda made: spoil_order(made, "size"), "rests with"),
        (lambda made: spoil_order(made, "age"), "expired"),
    ],
)
def test_it_finds(spoil: Callable[[Chain], None], said: str) -> None:
    made = busy()
    spoil(made)
    assert any(said in fault for fault in faults(made.core))
