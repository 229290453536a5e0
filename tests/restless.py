"""A strategy that does everything that can be done to an exchange, all the time, out of a generator of its own.

It has no opinion: it enters both sides, rests, takes, moves what rests, takes it back, leaves. For rehearsals, where
what counts is that nothing is ever lost or done twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from sniper.trading import BUY, SELL, Intent, Reason, Withdraw
from sniper.viewing import View

SECOND_NS = 1_000_000_000
MASK = (1 << 64) - 1


class RestlessSettings(NamedTuple):
    """How often it acts."""

    seed: int = 1
    every_ms: int = 400
    markets: int = 3
    quiet_after_s: int = 0  # since its first look; then it only leaves


class _State(msgspec.Struct, array_like=True):
    random: int
    due_ns: int = 0
    begun_ns: int = 0


class Restless:
    """Acts at random, the same way for the same seed and views."""

    name = "restless"
    Settings = RestlessSettings

    def __init__(self, signals: Sequence[str], kinds: Sequence[str], settings: RestlessSettings) -> None:
        self.settings = settings
        self.resolutions = (0,)
        self._state = _State(settings.seed * 0x9E3779B97F4A7C15 & MASK or 1)

    def _draw(self, below: int) -> int:
        state = self._state.random
        state ^= state << 13 & MASK
        state ^= state >> 7
        state ^= state << 17 & MASK
        self._state.random = state
        return (state >> 11) % below

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """One thing at a time, when its time has come."""
        state = self._state
        state.begun_ns = state.begun_ns or view.now_ns
        if view.now_ns < state.due_ns:
            return ()
        state.due_ns = view.now_ns + (self.settings.every_ms * 1_000_000 * (1 + self._draw(1000))) // 500
        market = self._draw(self.settings.markets)
        facts = view.market(market)
        if not facts.bid_ticks or not facts.ask_ticks:
            return ()
        quiet = self.settings.quiet_after_s
        position = view.positions.get(market)
        if (quiet and view.now_ns - state.begun_ns > quiet * SECOND_NS) or (position and self._draw(3) == 0):
            return self._leave(market, facts, position)
        mine = [order for order in view.orders(market) if order.purpose == "entry"]
        what = self._draw(10)
        if mine and what < 3:
            return [Withdraw(mine[self._draw(len(mine))].client_id, "restless")]
        if mine and what < 5 and mine[0].state == "acked" and mine[0].time_in_force != "ioc":
            old = mine[0]
            moved = self._entry(market, facts, old.side, old.time_in_force)
            return [Withdraw(old.client_id, "moved"), moved]
        entry = self._entry(market, facts, self._draw(2), ("ioc", "gtt", "post_only")[self._draw(3)])
        stays = entry.time_in_force != "ioc" and self._draw(4) == 0
        return [entry._replace(kind="long_term") if stays else entry]

    def _entry(self, market: int, facts: Any, side: int, time_in_force: str) -> Intent:
        away = self._draw(4)
        if time_in_force == "ioc":
            price = facts.ask_ticks + 2 if side == BUY else facts.bid_ticks - 2
        else:
            price = facts.bid_ticks - away if side == BUY else facts.ask_ticks + away
        far = max(facts.ask_ticks // 50, 2)
        stop = price - far if side == BUY else price + far
        return Intent(
            market,
            side,
            price,
            purpose="entry",
            time_in_force=time_in_force,
            stop_ticks=stop,
            weight=0.2 + self._draw(8) / 10,
            score=80.0,
            strategy="restless",
            reasons=(Reason("dice", float(away), 0.0, True),),
        )

    def _leave(self, market: int, facts: Any, position: Any) -> Sequence[Intent | Withdraw]:
        if position is None:
            return ()
        side = SELL if position.size_quantums > 0 else BUY
        price = facts.bid_ticks - 20 if side == SELL else facts.ask_ticks + 20
        steps = abs(position.size_quantums) // max(facts.step_quantums, 1)
        return [
            Intent(
                market,
                side,
                price,
                steps,
                purpose="exit",
                time_in_force="ioc",
                reduce_only=True,
                strategy="restless",
                reasons=(Reason("dice", 1.0, 0.0, True),),
            )
        ]

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """There is nothing to explain."""
        return (Reason("dice", 0.0, 0.0, True),)

    def save(self) -> bytes:
        """The generator."""
        return msgspec.msgpack.encode(self._state)

    def load(self, state: bytes) -> None:
        """Take it over."""
        self._state = msgspec.msgpack.decode(state, type=_State)
