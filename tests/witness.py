"""A house that notes what became of one owner's orders, and kills a process in the middle of something."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from sniper.exchange.facts import ChainOrder, Filled, News, OrderOpened, Outcome, StatefulPlaced, SubaccountId
from sniper.exchange.house import House
from sniper.exchange.recorder import RecordedIndexer

WARM_PULSE_NS = 3_000_000_000
LATE_NS = 1_000_000_000


class Truth(NamedTuple):
    """What the chain knows of a subaccount. placed: every version of an order; fills: (order, quantums) of our side.

    resting: client ids on a book or among the stateful orders. positions: by ticker, in quantums.
    """

    owner: str
    subaccount: int
    height: int
    now_ns: int
    placed: tuple[ChainOrder, ...]
    fills: tuple[tuple[ChainOrder | None, int, int], ...]
    resting: frozenset[int]
    positions: dict[str, int]


class Asked(RecordedIndexer):
    """An Indexer that says when it is asked."""

    asked: Any = None

    def rest(self, path: str, query: str, client: str, now_ns: int) -> tuple[int, dict[str, str], bytes]:
        if self.asked is not None:
            self.asked()
        return super().rest(path, query, client, now_ns)


class Witness(House):
    """Knows what `watch` was told to."""

    owner = ""
    sprung = False
    _trap: tuple[str, int, int] | None = None  # what, how many more, process

    def __init__(self, settings: Any, scenario: Any, make_indexer: Any = Asked) -> None:
        super().__init__(settings._replace(pulse_ns=WARM_PULSE_NS), scenario, Asked)
        self.settings = settings
        while (
            now_ns := time.time_ns()
        ) - self.now_ns > LATE_NS:  # the years before it opened took their time
            self.advance(now_ns)
        self.start_ns = self.now_ns

    def watch(self, owner: str) -> None:
        """From now on."""
        self.owner = owner
        self.placed: list[ChainOrder] = []
        self.fills: list[tuple[SubaccountId, ChainOrder | None, int, int]] = []
        indexer = self.indexer
        assert isinstance(indexer, Asked)
        indexer.asked = lambda: self._step("asked")

    def set_trap(self, name: str, count: int, process: int) -> None:
        """Kill the process with the `count`th of what is named, before anybody is told."""
        self.sprung, self._trap = False, (name, count, process)

    def unset_trap(self) -> None:
        self.sprung, self._trap = False, None

    def _step(self, name: str) -> None:
        if self._trap is None or self._trap[0] != name:
            return
        _, left, process = self._trap
        self._trap = (name, left - 1, process)
        if left <= 1:
            self._trap, self.sprung = None, True
            os.kill(process, signal.SIGKILL)

    def broadcast(self, tx: bytes) -> tuple[Outcome, str]:
        found = super().broadcast(tx)
        self._step("wire")
        return found

    def _drain(self) -> None:
        if self.owner:
            self._note(self.chain.news)
        super()._drain()

    def _note(self, news: Sequence[News]) -> None:
        for one in news:
            if isinstance(one, OrderOpened | StatefulPlaced):
                if one.order.id.subaccount.owner == self.owner:
                    self.placed.append(one.order)
            elif isinstance(one, Filled):
                for party, order, side in (
                    (one.taker, one.taker_order, one.taker_side),
                    (one.maker, one.maker_order, 3 - one.taker_side),
                ):
                    if party.owner == self.owner:
                        self.fills.append((party, order, side, one.quantums))
                        self._step("fill")

    def truth(self, subaccount: int) -> Truth:
        """All of one subaccount."""
        who, core = SubaccountId(self.owner, subaccount), self.chain.core
        books = [key for market in core.markets.values() for key in market.book.orders]
        purse = self.chain.purse(who)
        tickers = {terms.perpetual: terms.ticker for terms in self.chain.markets().values()}
        return Truth(
            self.owner,
            subaccount,
            self.chain.height,
            self.now_ns,
            tuple(order for order in self.placed if order.id.subaccount == who),
            tuple((order, side, quantums) for party, order, side, quantums in self.fills if party == who),
            frozenset(key.client_id for key in (*books, *core.stateful) if key.subaccount == who),
            {
                tickers[one.perpetual]: one.quantums
                for one in (purse.holdings if purse else ())
                if one.quantums
            },
        )

    def counts(self, subaccount: int) -> dict[str, int]:
        """How much was done by a subaccount."""
        truth = self.truth(subaccount)
        found = Counter({"orders": len(truth.placed), "fills": len(truth.fills), "lives": 1})
        found["stateful"] = sum(order.id.flags != 0 for order in truth.placed)
        return dict(found)
