"""REST: subaccounts, positions, transfers, profit, funding payments (rest.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer import fills
from sniper.exchange.indexer.accounts import Holder, Profit, parent_item, profit_item
from sniper.exchange.indexer.asking import Asked, Missing
from sniper.exchange.indexer.paging import paged
from sniper.exchange.indexer.topics import SUBACCOUNTS_MAX, parent_of
from sniper.exchange.indexer.writing import ZERO, Item, dollars, minus, plain, plus
from sniper.feed.sim.text import iso

POSITION_STATUSES = ("OPEN", "CLOSED", "LIQUIDATED")
DAY_NS = 86_400_000_000_000


class Dated(Protocol):
    """A row with the block it is of."""

    @property
    def height(self) -> int: ...
    @property
    def at_ns(self) -> int: ...


D = TypeVar("D", bound=Dated)


def dated(asked: Asked, after: bool = False) -> Callable[[Dated], bool]:
    """The filter that createdBeforeOrAt(Height) and, `after`, createdOnOrAfter(Height) ask for."""
    height, at_ns = asked.height("createdBeforeOrAtHeight"), asked.when("createdBeforeOrAt")
    least = asked.height("createdOnOrAfterHeight") if after else None
    since_ns = asked.when("createdOnOrAfter") if after else None

    def wanted(row: Dated) -> bool:
        return (
            (height is None or row.height <= height)
            and (at_ns is None or row.at_ns <= at_ns)
            and (least is None or row.height >= least)
            and (since_ns is None or row.at_ns >= since_ns)
        )

    return wanted


def address(asked: Asked) -> Any:
    """All subaccounts of an address."""
    owner = asked.address(text="address must be a valid address")
    asked.checked()
    family = asked.state.accounts.of.get(owner)
    if not family:
        raise Missing(f"No subaccounts found for address {owner}")
    state = asked.state
    items = [family[number].item(state.by_perpetual, state.height) for number in sorted(family)]
    return {"subaccounts": items, "totalTradingRewards": "0"}


def subaccount(asked: Asked) -> Any:
    """One subaccount."""
    named = asked.subaccount()
    asked.checked()
    holder = asked.state.accounts.get(named)
    if holder is None:
        raise Missing(f"No subaccount found with address {named.owner} and subaccountNumber {named.number}")
    return {"subaccount": holder.item(asked.state.by_perpetual, asked.state.height)}


def parent_subaccount(asked: Asked) -> Any:
    """A parent with its children."""
    named, holders = asked.family(parents=True)
    if not holders:
        raise Missing(
            f"No subaccounts found for address {named.owner} and parentSubaccountNumber {named.number}"
        )
    state = asked.state
    return {"subaccount": parent_item(named.owner, named.number, holders, state.by_perpetual, state.height)}


def perpetual_positions(asked: Asked, parents: bool) -> Any:
    """Positions, those opened last first."""
    limit, wanted_status = asked.limit(), asked.some_of("status", POSITION_STATUSES)
    height, at_ns = asked.height("createdBeforeOrAtHeight"), asked.when("createdBeforeOrAt")
    _, holders = asked.family(parents)
    rows = [(held, holder) for holder in holders for held in (*holder.over, *holder.positions.values())]
    rows.sort(key=lambda row: row[0].event, reverse=True)
    found = [
        holder.position_item(held, asked.state.by_perpetual)
        for held, holder in rows
        if (wanted_status is None or held.status in wanted_status)
        and (height is None or held.created_height <= height)
        and (at_ns is None or held.created_ns <= at_ns)
    ]
    return {"positions": found[:limit]}


def asset_positions(asked: Asked, parents: bool) -> Any:
    """USDC balances with the funding that is not settled yet."""
    _, holders = asked.family(parents)
    items = [holder.balance_item(holder.unsettled(asked.state.by_perpetual)) for holder in holders]
    return {"positions": [item for item in items if item]}


def transfers(asked: Asked, parents: bool) -> Any:
    """Transfers, newest first; a parent's are those with the world outside of it."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked)
    named, holders = asked.family(parents)
    rows: dict[str, fills.Moved] = {}
    for holder in holders:
        rows |= {row.id: row for row in holder.transfers if wanted(row)}
    found = sorted(rows.values(), key=lambda row: row.height, reverse=True)
    if parents:
        found = [row for row in found if _sent(row, named, True) != _received(row, named, True)]
    chosen, extra = paged(found, limit, page)
    items = [fills.transfer_rest_item(row, _sent(row, named, parents), parents) for row in chosen]
    return {"transfers": items} | extra


def _is(party: SubaccountId, named: SubaccountId, parents: bool) -> bool:
    if party.number < 0 or party.owner != named.owner:
        return False
    return (parent_of(party.number) if parents else party.number) == named.number


def _sent(row: fills.Moved, named: SubaccountId, parents: bool) -> bool:
    return _is(row.sender, named, parents)


def _received(row: fills.Moved, named: SubaccountId, parents: bool) -> bool:
    return _is(row.recipient, named, parents)


def transfers_between(asked: Asked) -> Any:
    """Transfers between two subaccounts, and what they come to."""
    wanted = dated(asked)
    text = "subaccountNumber must be a non-negative integer less than 128001"
    ends = []
    for name in ("source", "recipient"):
        owner = asked.text(f"{name}Address")
        if owner is None:
            asked.wrong(f"{name}Address", "Invalid value")
        number = asked.whole(f"{name}SubaccountNumber", 0, SUBACCOUNTS_MAX, text, needed=True)
        ends.append(SubaccountId(owner or "", number or 0))
    asked.checked()
    source, other = ends
    holder = asked.state.accounts.get(source)
    rows = [
        row
        for row in (reversed(holder.transfers) if holder else ())
        if wanted(row) and other in (row.sender, row.recipient)
    ]
    net = ZERO
    for row in rows:
        change = dollars(row.quote)
        net = plus(net, change) if row.sender == source else minus(net, change)
    items = [fills.transfer_rest_item(row, row.sender == source) for row in rows[:100]]
    return {"transfersSubset": items, "totalNetTransfers": plain(net)}


def historical_pnl(asked: Asked, parents: bool) -> Any:
    """Hourly profit, newest first."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked, after=True)
    _, holders = asked.family(parents)
    chosen, extra = paged([row for row in _profits(holders) if wanted(row)], limit, page)
    return {"historicalPnl": [profit_item(row) for row in chosen]} | extra


def pnl(asked: Asked, parents: bool) -> Any:
    """The newer series of the same; `daily`: one a day, the first."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked, after=True)
    daily = asked.flag("daily") in ("true", "1")
    _, holders = asked.family(parents)
    rows = [row for row in _profits(holders) if wanted(row)]
    if daily:
        days = {
            row.at_ns // DAY_NS: row for row in rows
        }  # newest first, so the last one kept is the day's first
        rows = list(days.values())
    chosen, extra = paged(rows, limit, page)
    return {"pnl": [_pnl_item(row) for row in chosen]} | extra


def _pnl_item(row: Profit) -> Item:
    return {
        "equity": plain(row.equity),
        "netTransfers": plain(dollars(row.net)),
        "totalPnl": plain(row.total()),
        "createdAt": iso(row.at_ns),
        "createdAtHeight": str(row.height),
    }


def _profits(holders: list[Holder]) -> list[Profit]:
    """Hourly profits, newest first; those of several subaccounts are added up."""
    sums: dict[int, Profit] = {}
    for holder in holders:
        for row in holder.profits:
            found = sums.get(row.height)
            if found is not None:
                row = row._replace(equity=plus(found.equity, row.equity), net=found.net + row.net)
            sums[row.height] = row
    return [sums[height] for height in sorted(sums, reverse=True)]


def funding_payments(asked: Asked, parents: bool) -> Any:
    """Funding paid and received, newest first."""
    limit, page, wanted = asked.limit(), asked.page(), dated(asked, after=True)
    market = asked.market("ticker", needed=False)
    zeros = asked.flag("showZeroPayments") in ("true", "1")
    _, holders = asked.family(parents)
    rows = [
        (row, holder.subaccount.number)
        for holder in holders
        for row in holder.payments
        if wanted(row) and (market is None or row.ticker == market.ticker) and (zeros or row.payment)
    ]
    rows.sort(key=lambda each: each[0].height, reverse=True)
    chosen, extra = paged(rows, limit, page)
    by_perpetual = asked.state.by_perpetual
    items = [fills.payment_item(row, number, by_perpetual[row.perpetual].terms) for row, number in chosen]
    return {"fundingPayments": items} | extra
