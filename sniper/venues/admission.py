"""Which commands the node refuses, with the chain's own codes (orders.md 1-3, 6, 7).

`malformed` looks at a command alone. `Memory` is what nodes remember of ids: fills and cancels until their block has
passed. `Budget` counts commands a block.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec

from sniper.trading import Cancel, Place
from sniper.venues.order import FLAGS, Key, PaperOrder
from sniper.venues.terms import Terms

TIMES = ("gtt", "ioc", "post_only")
GOOD_TIL_MAX_S = 95 * 86_400
WORD = (1 << 64) - 1
REMEMBERED_MAX = 1 << 16

CODES = {
    4: "invalid quantums",
    5: "invalid goodTilBlock",
    6: "invalid subticks",
    7: "order already cancelled",
    8: "invalid clob pair",
    9: "a cancel with the same or a later goodTilBlock exists",
    10: "next height is above goodTilBlock",
    11: "goodTilBlock is beyond the window of short-term orders",
    20: "replacement failed",
    24: "order fully filled",
    29: "goodTilBlockTime of the cancel is before that of the order",
    30: "order was already processed",
    32: "a cancel of this order waits for its block",
    34: "conflicts with the market's status",
    44: "invalid time in force",
    47: "no block was seen yet",
    48: "fill-or-kill is deprecated",
    2001: "reduce-only order would increase the position",
    2003: "post-only order would cross",
    2004: "immediate-or-cancel order was already filled in part",
    2005: "isolated markets do not share a subaccount",
    3000: "invalid order flags",
    3001: "invalid goodTilBlockTime",
    3002: "long-term order with immediate-or-cancel",
    3003: "goodTilBlockTime is in the past",
    3004: "goodTilBlockTime is more than 95 days ahead",
    3005: "stateful order exists",
    3006: "stateful order does not exist",
    3007: "collateral does not suffice for the stateful order",
    3009: "stateful order was removed in this block",
    3010: "cancel of a stateful order that was removed in this block",
    5001: "block rate limit",
    6000: "condition type does not fit the order flags",
    6001: "trigger does not fit the order flags",
    9003: "reduce-only needs immediate-or-cancel",
    10001: "equity tier allows no more stateful orders",
}
"""Codes that the paper venue gives, in the chain's clob codespace."""

Rule = tuple[int, Callable[[Place], bool]]

SHAPE: tuple[Rule, ...] = (
    (3000, lambda p: p.kind not in FLAGS),
    (4, lambda p: p.size_steps <= 0),
    (6, lambda p: p.price_ticks <= 0),
    (48, lambda p: p.time_in_force == "fok"),
    (44, lambda p: p.time_in_force not in TIMES),
    (5, lambda p: p.kind == "short_term" and p.good_til_block <= 0),
    (3001, lambda p: p.kind != "short_term" and p.good_til_s <= 0),
    (3002, lambda p: p.kind == "long_term" and p.time_in_force == "ioc"),
    (9003, lambda p: p.reduce_only and p.time_in_force != "ioc"),
    (6000, lambda p: (p.kind == "conditional") != (p.trigger in ("stop_loss", "take_profit"))),
    (6001, lambda p: (p.kind == "conditional") != (p.trigger_ticks > 0)),
)
"""What a placement alone must not be, in the order of checking."""


def malformed(place: Place, terms: Terms) -> int:
    """The code of what is wrong with a placement by itself, 0: nothing."""
    for code, wrong in SHAPE:
        if wrong(place):
            return code
    if place.size_steps * terms.step_quantums > WORD:
        return 4
    if max(place.price_ticks, place.trigger_ticks) * terms.subticks > WORD:
        return 6
    return 0


def out_of_window(good_til_block: int, height: int, window: int) -> int:
    """Whether a short-term order or cancel comes too late (10) or too early (11), 0: neither."""
    if good_til_block < height + 1:
        return 10
    return 11 if good_til_block > height + 1 + window else 0


def out_of_time(good_til_s: int, block_ns: int) -> int:
    """The same for stateful orders: 3003 or 3004."""
    block_s = block_ns // 1_000_000_000
    if good_til_s <= block_s:
        return 3003
    return 3004 if good_til_s > block_s + GOOD_TIL_MAX_S else 0


def fingerprint(order: PaperOrder | Place) -> bytes:
    """Decides between two orders of one id and one goodTilBlock, as arbitrarily as the chain's hash does."""
    size = order.size_steps if isinstance(order, Place) else order.size
    price = order.price_ticks if isinstance(order, Place) else order.price
    said = (order.client_id, order.market, order.side, size, price, order.kind, order.time_in_force)
    return sha256(repr((*said, order.reduce_only, order.good_til_block)).encode()).digest()


def replaces(new: Place, old: PaperOrder) -> int:
    """Whether a short-term order may take the place of another with its id: 0, 20 or 30."""
    same = (new.side, new.time_in_force, new.reduce_only) == (old.side, old.time_in_force, old.reduce_only)
    if new.good_til_block == old.good_til_block:
        mine, other = fingerprint(new), fingerprint(old)
        if mine == other:
            return 30
        return 0 if same and mine > other else 20
    return 0 if same and new.good_til_block > old.good_til_block else 20


class Memory(msgspec.Struct):
    """What nodes remember of ids: of short-term orders steps filled and cancels, each until a height, of stateful
    orders at which height they went."""

    filled: dict[Key, tuple[int, int]] = {}
    cancelled: dict[Key, int] = {}
    removed: dict[Key, int] = {}
    height: int = 0

    def reach(self, height: int) -> None:
        """Forget what does not count any more at a height."""
        if height > self.height:
            self.height = height
            if not (self.filled or self.cancelled or self.removed):
                return
            self.filled = {key: item for key, item in self.filled.items() if item[1] >= height}
            self.cancelled = {key: until for key, until in self.cancelled.items() if until > height}
            self.removed = {key: at for key, at in self.removed.items() if at >= height}

    def keep_filled(self, order: PaperOrder) -> None:
        """A short-term order has fills: its id is remembered until its last block."""
        self.filled[order.key] = (order.filled, order.good_til_block)
        _bound(self.filled)

    def keep_cancel(self, key: Key, good_til_block: int) -> None:
        """A short-term cancel: it also stops what comes after it."""
        self.cancelled[key] = good_til_block
        _bound(self.cancelled)

    def keep_removed(self, key: Key) -> None:
        """A stateful order went: its id has to wait for the next block."""
        self.removed[key] = self.height
        _bound(self.removed)


def _bound(remembered: dict[Key, tuple[int, int]] | dict[Key, int]) -> None:
    if len(remembered) > REMEMBERED_MAX:
        del remembered[next(iter(remembered))]


class Budget(msgspec.Struct):
    """Counts attempts in windows of blocks. limits: (most attempts, blocks)."""

    limits: tuple[tuple[int, int], ...]
    blocks: list[tuple[int, int]] = []

    def spend(self, height: int) -> bool:
        """Count one attempt in the block after `height`. False: that was one too many for some window."""
        longest = max((blocks for _, blocks in self.limits), default=0)
        if self.blocks and self.blocks[-1][0] == height:
            self.blocks[-1] = (height, self.blocks[-1][1] + 1)
        else:
            self.blocks = [item for item in self.blocks if item[0] > height - longest]
            self.blocks.append((height, 1))
        return all(
            sum(count for at, count in self.blocks if at > height - blocks) <= most
            for most, blocks in self.limits
        )


def short_cancel_refused(cancel: Cancel, memory: Memory, key: Key, height: int, window: int) -> int:
    """The code of a short-term cancel, 0: accepted."""
    if cancel.good_til_block <= 0:
        return 5
    code = out_of_window(cancel.good_til_block, height, window)
    if not code and memory.cancelled.get(key, 0) >= cancel.good_til_block:
        code = 9
    return code
