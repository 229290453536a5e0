"""What the venue says of an account, in our units: the facts that `account_messages` reads and `account` keeps.

QQ: quote quantums, 10^-6 USDC. BQ: base quantums. height 0: the message did not say.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.trading import Fill, OrderNews


class Refusal(ValueError):
    """A message about the account that is not believed; the text says why."""


class Holding(NamedTuple):
    """What the venue says of one position. size signed BQ; entry_quote: its value in QQ at the venue's entry price.

    open: False says that position `position_id` ("": not named) is closed. net_funding: QQ received.
    height 0: not said.
    """

    subaccount: int
    market: int
    size_quantums: int
    entry_quote: int
    net_funding: int
    position_id: str
    open: bool
    opened_ns: int
    height: int


class Balance(NamedTuple):
    """The venue's word on the USDC of a subaccount, QQ."""

    subaccount: int
    usdc: int
    height: int


class Whole(NamedTuple):
    """A subaccount seen as a whole at a height: what is not among the holdings is closed.

    usdc includes the funding that is not settled yet (rest.md 3), unlike that of a Balance.
    """

    subaccount: int
    usdc: int
    holdings: tuple[Holding, ...]
    height: int


class Transfer(NamedTuple):
    """USDC that moved into (quote > 0) or out of one subaccount of ours. key: tells two transfers apart."""

    subaccount: int
    quote: int
    kind: str
    height: int
    venue_ns: int
    key: str


class Message(NamedTuple):
    """One message in our units, in the order of the text. wholes: a snapshot. height: the newest in it.

    family: a snapshot of a parent and all its children, so that a child which is not in it is empty.
    """

    wholes: tuple[Whole, ...] = ()
    family: bool = False
    holdings: tuple[Holding, ...] = ()
    balances: tuple[Balance, ...] = ()
    orders: tuple[OrderNews, ...] = ()
    fills: tuple[Fill, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    height: int = 0


class Queried(NamedTuple):
    """A REST answer about our account came. ids: of the orders and fills in it.

    height: up to which block REST had been known to be, by `height` and `subaccount` answers, when it came.
    """

    endpoint: str
    status: int
    query: str
    ids: tuple[str, ...]
    height: int
