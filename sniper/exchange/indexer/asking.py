"""One REST request: its parameters, checked as the Indexer checks them, with the bodies of its errors.

Parameters that nobody asks for are ignored. What is wrong is collected, so that one answer names all of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer.accounts import Holder
from sniper.exchange.indexer.markets import Market
from sniper.exchange.indexer.state import State
from sniper.exchange.indexer.topics import PARENTS, SUBACCOUNTS_MAX
from sniper.exchange.indexer.writing import Item

if TYPE_CHECKING:
    from sniper.exchange.indexer.screening import Screening

ADDRESS: Final = re.compile(r"[a-zA-Z0-9]{0,90}")
WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
NUMBER: Final = re.compile(
    r"([-+]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})(e[-+]?[0-9]{1,2})?)?", re.IGNORECASE
)
TIME: Final = re.compile(
    r"\d{4}(-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TRUE_OR_FALSE: Final = ("true", "false", "1", "0")


class Invalid(Exception):
    """400: what is wrong, in the words of the Indexer's validator."""

    def __init__(self, errors: list[Item]) -> None:
        super().__init__("invalid")
        self.errors = errors


class Missing(Exception):
    """404: the text says what is not there."""


class Asked:
    """A request. path: what its route names in braces; query: as sent, of a repeated key the last."""

    def __init__(
        self,
        state: State,
        live: State,
        screening: Screening,
        path: Mapping[str, str],
        query: Mapping[str, str],
        now_ns: int,
    ) -> None:
        self.state = state
        self.screening = screening
        self.live = live
        """The state without replica lag: what the Indexer holds in its cache."""
        self.now_ns = now_ns
        self._path, self._query = path, query
        self._errors: list[Item] = []

    def text(self, name: str) -> str | None:
        """A parameter of path or query as it was sent."""
        return self._path.get(name, self._query.get(name))

    def wrong(self, name: str, text: str) -> None:
        """Note that a parameter is wrong."""
        sent = self.text(name)
        location = "params" if name in self._path or sent is None else "query"
        item: Item = {} if sent is None else {"value": sent}
        self._errors.append(item | {"msg": text, "param": name, "location": location})

    def checked(self) -> None:
        """Raise Invalid where anything was wrong."""
        if self._errors:
            raise Invalid(self._errors)

    def refuse(self, text: str) -> Invalid:
        """What to raise where the request as a whole is wrong."""
        return Invalid([{"msg": text}])

    def whole(self, name: str, least: int, most: int, text: str, needed: bool = False) -> int | None:
        """A whole number in a range."""
        sent = self.text(name)
        if sent is None:
            if needed:
                self.wrong(name, text)
            return None
        if not WHOLE.fullmatch(sent) or not least <= int(sent) <= most:
            self.wrong(name, text)
            return None
        return int(sent)

    def height(self, name: str) -> int | None:
        """A block height."""
        return self.whole(name, 0, 10**18, f"{name} must be a non-negative integer")

    def limit(self) -> int:
        """How many rows at most."""
        most = self.state.settings.page_max
        text = f"limit must be a positive integer that is not greater than max: {most}"
        sent = self._query.get("limit")
        if sent is None:
            return most
        # The server turns it into a number before it looks at it; what is none shows as null.
        value = float(sent or 0) if NUMBER.fullmatch(sent.strip()) else None
        if value is None or not 0 < value <= most or value != int(value):
            shown = value if value is None or value != int(value) else int(value)
            self._errors.append({"value": shown, "msg": text, "param": "limit", "location": "query"})
            return most
        return int(value)

    def page(self) -> int | None:
        """The page, from 1."""
        return self.whole("page", 1, 10**9, "page must be a non-negative integer")

    def when(self, name: str) -> int | None:
        """A time in ISO 8601, as nanoseconds since 1970; without an offset it is UTC."""
        sent = self._query.get(name)
        if sent is None:
            return None
        try:
            if not TIME.fullmatch(sent):
                raise ValueError(sent)
            if len(sent) < 10:
                sent = (sent + "-01-01")[:10]
            parts = datetime.fromisoformat(sent.replace(",", "."))
        except ValueError:
            self.wrong(name, "Invalid value")
            return None
        if parts.tzinfo is None:
            parts = parts.replace(tzinfo=UTC)
        since = parts - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000

    def one_of(self, name: str, allowed: Collection[str], text: str = "") -> str | None:
        """One word of these."""
        sent = self.text(name)
        if sent is not None and sent not in allowed:
            self.wrong(name, text or f"{name} must be one of {','.join(allowed)}")
            return None
        return sent

    def some_of(self, name: str, allowed: Collection[str]) -> list[str] | None:
        """Words of these, with commas between them."""
        sent = self.text(name)
        if sent is None:
            return None
        words = sent.split(",")
        if not all(word in allowed for word in words):
            self.wrong(name, f"{name} must be one of {','.join(allowed)}")
        return words

    def flag(self, name: str) -> str | None:
        """A truth value, as text: that is all that the Indexer makes of it, too."""
        sent = self._query.get(name)
        if sent is not None and sent not in TRUE_OR_FALSE:
            self.wrong(name, "Invalid value")
        return sent

    def address(self, name: str = "address", text: str = "address must be a valid dydx address") -> str:
        """An address: what looks like one."""
        sent = self.text(name)
        if sent is None or not ADDRESS.fullmatch(sent):
            self.wrong(name, text)
            return ""
        return sent

    def subaccount(self) -> SubaccountId:
        """The subaccount that is asked about."""
        address = self.address()
        text = "subaccountNumber must be a non-negative integer less than 128001"
        number = self.whole("subaccountNumber", 0, SUBACCOUNTS_MAX, text, needed=True)
        return SubaccountId(address, number or 0)

    def parent(self) -> SubaccountId:
        """The parent subaccount that is asked about."""
        address = self.address()
        text = "parentSubaccountNumber must be a non-negative integer less than 128"
        number = self.whole("parentSubaccountNumber", 0, PARENTS - 1, text, needed=True)
        return SubaccountId(address, number or 0)

    def family(self, parents: bool) -> tuple[SubaccountId, list[Holder]]:
        """What is asked about and the subaccounts that it means; raises Invalid."""
        asked = self.parent() if parents else self.subaccount()
        self.checked()
        if parents:
            return asked, self.state.accounts.children(asked.owner, asked.number)
        holder = self.state.accounts.get(asked)
        return asked, [] if holder is None else [holder]

    def market(self, name: str = "ticker", needed: bool = True) -> Market | None:
        """A market by its ticker, in the path or (`needed` False) in the query."""
        sent = self._path.get(name) if needed else self._query.get(name)
        if sent is None:
            return None
        if sent not in self.state.tickers:
            self.wrong(name, f"{name} must be a valid ticker (BTC-USD, etc)")
            return None
        return self.state.by_ticker[sent]

    def path_market(self) -> Market:
        """The market named in the path; raises Invalid."""
        market = self.market()
        self.checked()
        if market is None:
            raise Missing("market not found")
        return market
