"""The state as bytes: everything comes back, nothing else is taken."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import Any

import msgspec
import pytest

from sniper.exchange.chain import saving
from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.core import Core
from tests.small_chain import ALICE, BOB, block, chain, order, put, subticks
from tests.test_exchange_chain import fresh, storm


def fields(core: Core) -> dict[str, Any]:
    """Every part of a state in a form that compares."""
    found: dict[str, Any] = {}
    for name, value in vars(core).items():
        if name == "rates":  # worked out anew when asked for
            continue
        if name in ("markets", "perpetuals", "by_oracle"):
            value = {
                number: [(slot, getattr(market, slot)) for slot in type(market).__slots__ if slot != "book"]
                + [
                    ("orders", [(held.order, held.remaining) for held in market.book.orders.values()]),
                    ("queue", [[held.order for held in market.book.walk(side)] for side in (1, 2)]),
                    ("cancels", market.book.cancels),
                    ("expiring", {height: list(ids) for height, ids in market.book.expiring.items()}),
                ]
                for number, market in value.items()
            }
        elif name == "subaccounts":
            value = [(sub.id, sub.usdc, sub.positions, sub.settled) for sub in value.values()]
        elif isinstance(value, dict) and name != "per_subaccount":  # whose order nobody sees
            value = list(value.items())
        found[name] = value
    return found


def busy() -> Chain:
    made = fresh()
    storm(made, Random(3), 2500)
    # Something of everything that waits for a block.
    put(made, ALICE, "buy", 0.01, 80_000, flags=64)
    stop = order(BOB, "sell", 0.01, 80_000, flags=32, condition=1, trigger_subticks=subticks(70_000))
    made.place(stop, "TX")
    made.cancel(stop.id, 0, stop.good_til_s, "TX")
    made.deposit(ALICE.owner, ALICE, 1, "TX")
    made.withdraw(BOB, BOB.owner, 1, "TX")
    made.set_oracle({1: 5})
    made.set_terms(made.markets()[1]._replace(initial_margin_ppm=40_000))
    made.news.clear()
    return made


def test_every_field_comes_back() -> None:
    made = busy()
    twin = Chain([])
    twin.load(made.save())
    before, after = fields(made.core), fields(twin.core)
    assert set(before) == set(after)
    for name, value in before.items():
        assert after[name] == value, name
    made.end_block(made.now_ns + 1)
    twin.end_block(twin.now_ns + 1)
    assert twin.news == made.news


@pytest.mark.parametrize("spoil", ["cut", "flip", "name", "empty", "longer"])
def test_damage_is_refused_and_changes_nothing(spoil: str) -> None:
    made = chain()
    saved = made.save()
    bad = {
        "cut": saved[:-1],
        "flip": saved[:60] + bytes([saved[60] ^ 1]) + saved[61:],
        "name": b"sniper.other/1\n" + saved[len(saving.NAME) :],
        "empty": b"",
        "longer": saved + b"x",
    }[spoil]
    block(made)
    before = made.digest()
    with pytest.raises(ValueError, match="not a state"):
        made.load(bad)
    assert made.digest() == before


@pytest.mark.parametrize(
    "data", [b"", b"\xc0", msgspec.msgpack.encode([1, 2]), msgspec.msgpack.encode({"a": 1})]
)
def test_whole_bytes_of_something_else_are_refused(data: bytes) -> None:
    checksum = blake2b(data, digest_size=saving.CHECKSUM_BYTES).digest()
    with pytest.raises(ValueError, match="not a state"):
        Chain([]).load(saving.NAME + checksum + data)
