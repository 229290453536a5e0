"""What an earlier session left to this one: its open orders, round trips, the day's standing, the strategy's state.

It comes as one record before all others (`handover {..}`), so that a replay needs no database. Markets have names in
it: it waits for the market table. Orders enter the table of orders with all that they are, and go on from there like
any other; round trips go on with their first entry price. docs/state.md says where all of it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from sniper.account import Account
from sniper.order_adoption import LeftOrder, adopted, termed
from sniper.orders import Orders
from sniper.standing import Standing
from sniper.trading import Fill, Position
from sniper.trips import Trips
from sniper.trips_record import OpenTrip

SETTLE_NS: Final = 5_000_000_000
"""Round trips and positions may differ for so long after the first agreement with the venue: their news come apart."""


class Left(NamedTuple):
    """The record. height: up to which block every fill is in it; known: ids of fills above that which are, too.

    fills: those that no round trip has taken in yet, oldest first. tickers: the market table of the strategy's state.
    said: what was not handed over, and why.
    """

    height: int = 0
    known: tuple[str, ...] = ()
    orders: tuple[LeftOrder, ...] = ()
    trips: tuple[tuple[str, int, OpenTrip], ...] = ()
    fills: tuple[tuple[str, Fill], ...] = ()
    losses_in_row: int = 0
    standing: bytes = b""
    strategy: bytes = b""
    tickers: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def encoded(left: Left) -> bytes:
    """The record of the inbox."""
    return b"handover " + msgspec.json.encode(left)


class Handover:
    """Waits for the market table, hands over, and follows the round trips until they agree with the positions.

    resume: gives the strategy a state; why it was refused, "": it was not.
    """

    def __init__(
        self,
        decoder: Any,
        account: Account,
        orders: Orders,
        trips: Trips,
        standing: Standing,
        resume: Callable[[bytes], str],
    ) -> None:
        self._decoder, self._account, self._orders = decoder, account, orders
        self._trips, self._standing, self._resume = trips, standing, resume
        self.left: Left | None = None
        """Waits for the market table."""
        self.height = 0
        """What the venue says of an older height than this is behind what we know."""
        self.said: list[str] = []
        """What was handed over, and what was not and why, for people."""
        self._settling, self._agreed_ns = False, 0

    def hear(self, text: str) -> None:
        """The record came. A second one changes nothing."""
        if self.height:
            return
        try:
            self.left = left = msgspec.json.decode(text, type=Left)
        except msgspec.MsgspecError as problem:
            self.said.append(f"what the earlier session left is not understood: {problem}")
            return
        self.height, self._settling = left.height, True
        self._account.family.since(left.height, left.known)
        self.said += left.said

    def take(self, height: int, sequence: int) -> None:
        """Hand over, once the markets are known. height: newest block; sequence: the account's next one, or -1."""
        left, decoder = self.left, self._decoder
        if left is None or not self._ready(left):
            return
        self.left = None
        for order in left.orders:
            market = decoder.market(order.ticker)
            if market < 0:
                self.said.append(f"order {order.order.client_id}: {order.ticker} is not listed")
                continue
            try:
                held = adopted(order, market, decoder, self._orders.owner, max(left.height, height))
                self._orders.adopt(held)
            except ValueError as problem:
                self.said.append(f"order {order.order.client_id} of {order.ticker}: {problem}")
        self._orders.learn(sequence)
        self._take_trips(left)
        try:
            if left.standing:
                self._standing.resume(left.standing)
        except ValueError as problem:
            self.said.append(f"the day begins anew: {problem}")
        if left.strategy:
            self._take_strategy(left)
        self.said.append(
            f"handed over at height {left.height}: {len(left.orders)} orders, {len(left.trips)} round trips"
        )

    def _ready(self, left: Left) -> bool:
        """All markets in it are known; or the account is, before whose news no market that is listed can be missing."""
        tickers = {order.ticker for order in left.orders} | {ticker for ticker, _, _ in left.trips}
        known = [t for t in sorted(tickers) if termed(self._decoder, t)]
        return bool(self._decoder.markets_n) and (
            len(known) == len(tickers) or self._account.trust != "empty"
        )

    def _take_trips(self, left: Left) -> None:
        found = [(self._decoder.market(ticker), number, trip) for ticker, number, trip in left.trips]
        self._trips.take_over([row for row in found if row[0] >= 0], left.losses_in_row)
        for ticker, fill in left.fills:
            market = self._decoder.market(ticker)
            if market >= 0:
                self._trips.apply(fill._replace(market=market))

    def _take_strategy(self, left: Left) -> None:
        """Markets are numbers in a strategy's state: they must be the same ones."""
        tickers = tuple(self._decoder.tickers)
        if tickers[: len(left.tickers)] != left.tickers:
            self.said.append("the strategy begins anew: its state is of another market table")
        elif why := self._resume(left.strategy):
            self.said.append(f"the strategy begins anew: {why}")

    def follow(self, now_ns: int, settled: bool) -> None:
        """The account has news: round trips follow. settled: our books are known to agree with the venue's."""
        account, trips = self._account, self._trips
        if not self._settling:
            for position in account.adopted:
                trips.adopt(position)
        for fill in account.fills:
            trips.apply(fill)
        if account.payments:
            trips.pay(account.payments)
        if self._settling and settled:
            self._settle(now_ns)

    def _settle(self, now_ns: int) -> None:
        """What neither round trips nor fills explain begins with the position as it stands."""
        self._agreed_ns = self._agreed_ns or now_ns
        positions = self._positions()
        astray = self._trips.astray(positions)
        if astray and now_ns - self._agreed_ns < SETTLE_NS:
            return
        self._settling = False
        if astray:
            self._trips.begin_anew(astray, positions)
            tickers = sorted({self._decoder.ticker(market) for market, _ in astray})
            self.said.append(f"round trips begin anew with their positions: {', '.join(tickers)}")

    def _positions(self) -> list[Position]:
        account = self._account
        books = [account.positions, *account.children.values()]
        return [position for book in books for position in book.values()]

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.json.encode((self.left, self.height, self.said, self._settling, self._agreed_ns))

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            found = msgspec.json.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of a handover: {problem}") from None
        self.left, self.height, said, self._settling, self._agreed_ns = found
        self.said[:] = said


_State = tuple[Left | None, int, list[str], bool, int]
