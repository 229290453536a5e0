"""Commands as messages: exact for every size and price, and one message for many cancels."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.trading import BUY, SELL, Cancel, Place
from sniper.venues.live_messages import BATCH_MAX, Owner, Wanted, order_id, parcels, place, wanted
from sniper.venues.terms import Terms

NAMESPACE = UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")  # rest.md 3
OWNER = Owner("dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz", 0)
BTC = Terms(0, "BTC-USD", 0, "ACTIVE", False, -10, -9, 1_000_000, 100_000, 1, 0, 1, 4)


def made(**changes: Any) -> Place:
    whole = Place(1, 0, "BTC-USD", BUY, 3, 90_000, "short_term", "gtt", False, 120, 0, "", 0, "entry", "test")
    return whole._replace(**changes)


def back(client_id: int, **changes: Any) -> Cancel:
    return Cancel(client_id, 0, "BTC-USD", "short_term", 120, 0, "test")._replace(**changes)


@given(steps=st.integers(1, 1 << 40), ticks=st.integers(1, 1 << 40), side=st.sampled_from((BUY, SELL)))
def test_sizes_and_prices_lose_nothing(steps: int, ticks: int, side: int) -> None:
    try:
        one = wanted(made(size_steps=steps, price_ticks=ticks, side=side), BTC)
    except ValueError:
        assert max(steps * BTC.step_quantums, ticks * BTC.subticks) >= 1 << 64
        return
    order = place(OWNER, one).order
    assert (order.quantums, order.subticks) == (steps * 1_000_000, ticks * 100_000)
    assert order.side == (1 if side == BUY else 2)


@pytest.mark.parametrize(
    "changes", [{"size_steps": 0}, {"price_ticks": 0}, {"client_id": 1 << 32}, {"trigger_ticks": -1}]
)
def test_what_the_chain_cannot_take_is_refused_here(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        wanted(made(**changes), BTC)


def test_a_market_without_a_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="not known"):
        wanted(made(), BTC._replace(step_quantums=0))


@pytest.mark.parametrize(("kind", "flags"), [("short_term", 0), ("conditional", 32), ("long_term", 64)])
def test_the_identity_is_the_one_that_the_indexer_will_name(kind: str, flags: int) -> None:
    number = order_id(OWNER, wanted(made(kind=kind), BTC))
    assert number.order_flags == flags
    owner = number.subaccount_id
    told = uuid5(NAMESPACE, f"{uuid5(NAMESPACE, f'{owner.owner}-{owner.number}')}-1-0-{number.order_flags}")
    assert order_uuid(subaccount_uuid(*OWNER), 1, 0, flags) == str(told)


def test_many_cancels_are_few_messages_and_each_is_in_one() -> None:
    many = [wanted(back(n), BTC) for n in range(BATCH_MAX + 5)]
    stateful = wanted(back(900, kind="long_term", good_til_block=0, good_til_s=1_800_000_000), BTC)
    new = wanted(made(client_id=901), BTC)
    found = parcels(OWNER, [*many, stateful, new])
    assert [parcel.verb for parcel in found] == ["cancel", "cancel", "cancel", "place"]
    assert [len(parcel.wanted) for parcel in found] == [BATCH_MAX, 5, 1, 1]
    carried = [one.command.client_id for parcel in found for one in parcel.wanted]
    assert sorted(carried) == [*range(BATCH_MAX + 5), 900, 901]
    assert found[2].stateful and not found[0].stateful


def test_cancels_of_several_markets_share_a_message() -> None:
    some: list[Wanted] = [wanted(back(n), BTC._replace(clob_pair=n % 2)) for n in range(4)]
    (parcel,) = parcels(OWNER, some)
    batches: Any = parcel.message
    told = [(batch.clob_pair_id, list(batch.client_ids)) for batch in batches.short_term_cancels]
    assert told == [(0, [0, 2]), (1, [1, 3])]
