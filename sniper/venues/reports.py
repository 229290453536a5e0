"""What is told of orders and fills, and when: news of a node at once, news of a block with its block.

What a command causes has its times drawn when the command was sent, so that they are a function of that and of the
generator alone. What the market causes (a fill of a resting order, an expiry, a trigger) has its time drawn then, from
a generator of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from sniper.trading import SELL
from sniper.venues.account_frames import (
    Item,
    Match,
    Owner,
    asset_item,
    fill_item,
    in_block,
    order_item,
    position_item,
    removal,
)
from sniper.venues.chance import Chance
from sniper.venues.ledger import ACCOUNT, Holding, Ledger
from sniper.venues.models import Latency
from sniper.venues.order import PaperOrder
from sniper.venues.outbox import Outbox
from sniper.venues.terms import Markets, Price

FILLS_MAX = 256
"""Fills in one message; positions and balance come with the last of them."""


class Plan(NamedTuple):
    """When what one event causes is told: by the node, and with the block that holds it."""

    news_ns: int
    block_ns: int


class Events(msgspec.Struct):
    """Numbers the events of blocks, as the chain does. Heights never go back, whoever tells of them."""

    height: int = 0
    event: int = 0

    def reach(self, height: int) -> int:
        """The height of the next news of a block that should be of `height`."""
        if height > self.height:
            self.height, self.event = height, 0
        return self.height

    def next(self, height: int) -> str:
        """The id of the next event: height, transaction index + 2, event index, 8 hex digits each."""
        self.reach(height)
        self.event += 1
        return f"{self.height:08x}{2:08x}{self.event:08x}"


class Reports:
    """Writes the news of one subaccount into the outbox."""

    def __init__(self, owner: Owner, markets: Markets, ledger: Ledger, latency: Latency) -> None:
        self._owner, self._id = owner, owner.id
        self._markets, self._latency = markets, latency
        self.ledger = ledger
        self.events = Events()
        self.chance = Chance(0)
        self.outbox = Outbox("", "")

    def plan(self, now_ns: int) -> Plan:
        """The times of what the market causes now, before it is in a block."""
        news, block = self._latency.news, self._latency.block
        return Plan(now_ns + self.chance.between(*news), now_ns + self.chance.between(*block))

    def plan_block(self, now_ns: int) -> Plan:
        """The times of what a block did that the feed has told of."""
        at_ns = now_ns + self.chance.between(*self._latency.chain)
        return Plan(at_ns, at_ns)

    def opened(self, order: PaperOrder, plan: Plan) -> None:
        """A node took a short-term order."""
        terms = self._markets.known(order.market)
        self._tell(order, plan.news_ns, order_item(self._id, terms, order, "BEST_EFFORT_OPENED"))

    def removed(self, order: PaperOrder, reason: str, plan: Plan) -> None:
        """A node took a short-term order off."""
        terms = self._markets.known(order.market)
        self._tell(order, plan.news_ns, removal(self._id, terms, order, reason))

    def changed(
        self, order: PaperOrder, status: str, reason: str, height: int, at_ns: int, plan: Plan
    ) -> None:
        """A block changed a stateful order without a fill."""
        height = self.events.reach(height)
        terms = self._markets.known(order.market)
        item = in_block(self._id, terms, order, status, reason, height, at_ns)
        self.outbox.tell_block(plan.block_ns, {"orders": [item], "blockHeight": str(height)})

    def traded(
        self,
        matches: Sequence[Match],
        ended: Sequence[Holding],
        plan: Plan,
        order: PaperOrder | None = None,
        status: str = "",
        reason: str = "",
    ) -> None:
        """Fills of one market in one block, with the order, the positions and the balance as they are after it."""
        last = matches[-1]
        height = self.events.reach(last.height)
        terms, oracle = (
            self._markets.known(last.market),
            self._markets.oracle.get(last.market, Price(0, 0)),
        )
        positions = [
            position_item(self._owner, terms, holding, oracle, last.side == SELL) for holding in ended
        ]
        holding = self.ledger.holdings.get(last.market)
        if holding is not None:
            positions.append(position_item(self._owner, terms, holding, oracle, holding.base > 0))
        contents: Item = {
            "perpetualPositions": positions,
            "assetPositions": [asset_item(self._owner, self.ledger.usdc[ACCOUNT])],
        }
        if order is not None:
            contents["orders"] = [in_block(self._id, terms, order, status, reason, height, last.at_ns)]
        for start in range(0, len(matches), FILLS_MAX):
            fills = [fill_item(self._id, terms, match) for match in matches[start : start + FILLS_MAX]]
            rest = contents if start + FILLS_MAX >= len(matches) else {}
            said = rest | {"fills": fills, "blockHeight": str(height)}
            self.outbox.tell_block(plan.block_ns, said)

    def _tell(self, order: PaperOrder, due_ns: int, item: Item) -> None:
        order.news_ns = max(order.news_ns, due_ns)
        self.outbox.tell(order.news_ns, {"orders": [item]})
