"""venues.live_limits: what the stand-in exchange's node says is what it goes by, and what it does not serve is None."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import grpc
import pytest

from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.terms import EQUITY_TIERS
from sniper.live_settings import LiveSettings
from sniper.risk_limits import ChainLimits, understood
from sniper.venues import live_limits
from sniper.venues.live_limits import _whole, encoded, latest, limits, watch
from tests.venues import venue


def test_a_node_that_serves_all() -> None:
    async def asked(at: str) -> tuple[ChainLimits, int]:
        async with grpc.aio.insecure_channel(at) as channel:
            return await limits(channel, ACCOUNTS[0].address), await latest(channel)

    with venue(start_ns=time.time_ns()) as exchange:
        found, height = asyncio.run(asked(exchange.grpc))
        terms = exchange.house.chain.terms
        assert 0 < height <= exchange.on(lambda: exchange.house.chain.height)
    assert found.short_term == tuple(terms.short_term_per_blocks)
    assert found.stateful == tuple(terms.stateful_per_blocks)
    assert found.equity_tiers == tuple((tier.from_quote, tier.orders_max) for tier in EQUITY_TIERS)
    assert found.taker_fee_ppm is not None and found.taker_fee_ppm > 0 and found.maker_fee_ppm is not None
    verb, _, text = encoded(found).decode().partition(" ")
    assert verb == "limits" and understood(text) == found and json.loads(text)


class Dumb:
    """A channel to a node that serves nothing of it."""

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        async def call(request: Any) -> Any:
            raise grpc.RpcError

        return call


def test_what_a_node_does_not_serve_is_not_made_up() -> None:
    assert asyncio.run(limits(Dumb(), "x")) == ChainLimits()
    assert asyncio.run(latest(Dumb())) == 0


def test_limits_are_told_when_they_are_new_and_kept_while_nobody_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [ChainLimits(taker_fee_ppm=500), ChainLimits(), ChainLimits(stateful=((2, 1),))]
    heights, told = [5, 0, 7], list[bytes]()

    async def asked(channel: Any, address: str) -> ChainLimits:
        assert address == "me"
        return answers.pop(0)

    async def block(channel: Any) -> int:
        if not heights:
            raise EOFError
        return heights.pop(0)

    monkeypatch.setattr(live_limits, "limits", asked)
    monkeypatch.setattr(live_limits, "latest", block)
    settings = LiveSettings(address="me", limits_s=0.0, height_s=0.001)
    with pytest.raises(EOFError):
        asyncio.run(watch(Dumb(), settings, told.append))
    assert told == [
        b"height 5",
        encoded(ChainLimits(taker_fee_ppm=500)),
        b"height 7",
        encoded(ChainLimits(None, ((2, 1),), None, 500)),
    ]


def test_numbers_of_the_chain() -> None:
    assert [_whole(data) for data in (b"\x02", b"\x02\x01\x00", b"\x03\x05", b"", b"\x01")] == [
        0,
        256,
        -5,
        -1,
        -1,
    ]
