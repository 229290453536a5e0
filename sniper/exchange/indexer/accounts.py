"""Subaccounts as the Indexer keeps them: balance, positions, fills, transfers, funding payments, hourly profit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer import positions
from sniper.exchange.indexer.fills import Fill, Moved, Payment
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.orders import owner_uuid
from sniper.exchange.indexer.positions import Position
from sniper.exchange.indexer.topics import parent_of
from sniper.exchange.indexer.writing import ZERO, Item, coins, dollars, minus, plain, plus, times
from sniper.feed.sim.text import iso
from sniper.order_ids import indexer_uuid


class Profit(NamedTuple):
    """An hourly look at a subaccount, in USDC. net: all transfers in, less those out."""

    equity: Decimal
    net: int
    height: int
    at_ns: int

    def total(self) -> Decimal:
        """What it has won or lost."""
        return minus(self.equity, dollars(self.net))


class Holder:
    """One subaccount. positions: open ones by perpetual; over: those that are closed, the newest last."""

    def __init__(self, subaccount: SubaccountId, rows_max: int) -> None:
        self.subaccount = subaccount
        self.id = owner_uuid(subaccount.owner, subaccount.number)
        self.usdc = self.net_transfers = self.updated_height = 0
        self.positions: dict[int, Position] = {}
        self.over: deque[Position] = deque(maxlen=rows_max)
        self.fills: deque[Fill] = deque(maxlen=rows_max)
        self.transfers: deque[Moved] = deque(maxlen=rows_max)
        self.payments: deque[Payment] = deque(maxlen=rows_max)
        self.profits: deque[Profit] = deque(maxlen=rows_max)

    def unsettled(self, markets: Mapping[int, Market]) -> Decimal:
        """Funding in USDC that fell due and is not in the balance yet. markets: by perpetual."""
        total = ZERO
        for perpetual, held in self.positions.items():
            total = plus(total, held.unsettled(markets[perpetual].index, markets[perpetual].terms))
        return total

    def equity(self, markets: Mapping[int, Market]) -> tuple[Decimal, Decimal]:
        """Equity, and free collateral under the base margin fractions, in USDC."""
        equity, margin = plus(dollars(self.usdc), self.unsettled(markets)), ZERO
        for perpetual, held in self.positions.items():
            market = markets[perpetual]
            value = times(coins(held.size, market.terms), market.price)
            equity = plus(equity, value)
            fraction = Decimal(market.terms.initial_margin_ppm).scaleb(-6)
            margin = plus(margin, times(value.copy_abs(), fraction))
        return equity, minus(equity, margin)

    def balance_item(self, unsettled: Decimal) -> Item | None:
        """The USDC balance with unsettled funding, in an answer; None while it is exactly 0."""
        balance = plus(dollars(self.usdc), unsettled)
        if not balance:
            return None
        return {
            "size": plain(balance.copy_abs()),
            "symbol": "USDC",
            "side": "LONG" if balance > 0 else "SHORT",
            "assetId": "0",
            "subaccountNumber": self.subaccount.number,
        }

    def balance_stream_item(self) -> Item:
        """The USDC balance in an update: as settled; 0 counts as short there."""
        return {
            "address": self.subaccount.owner,
            "subaccountNumber": self.subaccount.number,
            "positionId": indexer_uuid(f"{self.id}-0"),
            "assetId": "0",
            "symbol": "USDC",
            "side": "LONG" if self.usdc > 0 else "SHORT",
            "size": plain(dollars(abs(self.usdc))),
        }

    def position_item(self, held: Position, markets: Mapping[int, Market]) -> Item:
        """One of its positions in an answer."""
        market = markets[held.perpetual]
        number = self.subaccount.number
        return positions.rest_item(held, number, market.terms, market.price, market.index)

    def item(self, markets: Mapping[int, Market], height: int) -> Item:
        """The subaccount in an answer."""
        equity, free = self.equity(markets)
        balance = self.balance_item(self.unsettled(markets))
        held = [(markets[perpetual].ticker, each) for perpetual, each in sorted(self.positions.items())]
        return {
            "address": self.subaccount.owner,
            "subaccountNumber": self.subaccount.number,
            "equity": plain(equity),
            "freeCollateral": plain(free),
            "openPerpetualPositions": {ticker: self.position_item(each, markets) for ticker, each in held},
            "assetPositions": {"USDC": balance} if balance else {},
            "marginEnabled": True,
            "updatedAtHeight": str(self.updated_height),
            "latestProcessedBlockHeight": str(height),
        }


def parent_item(
    owner: str, parent: int, holders: Iterable[Holder], markets: Mapping[int, Market], height: int
) -> Item:
    """A parent subaccount in an answer: its children, and the sums over them."""
    equity = free = ZERO
    children = []
    for holder in holders:
        one, other = holder.equity(markets)
        equity, free = plus(equity, one), plus(free, other)
        children.append(holder.item(markets, height))
    return {
        "address": owner,
        "parentSubaccountNumber": parent,
        "equity": plain(equity),
        "freeCollateral": plain(free),
        "childSubaccounts": children,
    }


def profit_item(row: Profit) -> Item:
    """A tick of historical-pnl."""
    return {
        "equity": plain(row.equity),
        "totalPnl": plain(row.total()),
        "netTransfers": plain(dollars(row.net)),
        "createdAt": iso(row.at_ns),
        "blockHeight": str(row.height),
        "blockTime": iso(row.at_ns),
    }


class Accounts:
    """All subaccounts."""

    def __init__(self, rows_max: int) -> None:
        self._rows_max = rows_max
        self.of: dict[str, dict[int, Holder]] = {}

    def get(self, subaccount: SubaccountId) -> Holder | None:
        """A subaccount, None while it was never funded."""
        return self.of.get(subaccount.owner, {}).get(subaccount.number)

    def at(self, subaccount: SubaccountId) -> Holder:
        """A subaccount, which begins now if it is new."""
        family = self.of.setdefault(subaccount.owner, {})
        holder = family.get(subaccount.number)
        if holder is None:
            holder = family[subaccount.number] = Holder(subaccount, self._rows_max)
        return holder

    def children(self, owner: str, parent: int) -> list[Holder]:
        """The subaccounts of a parent, itself among them, by number."""
        family = self.of.get(owner, {})
        return [family[number] for number in sorted(family) if parent_of(number) == parent]

    def every(self) -> Iterable[Holder]:
        """All of them."""
        for family in self.of.values():
            yield from family.values()
