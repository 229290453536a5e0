"""The venue's book by the Indexer's REST, asked through the official client.

The height is asked for first, and the positions name their own: what is compared is at least as new as that. A
replica that lags shows as a height below our own, and the rules wait for it.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from sniper import account_messages as messages
from sniper._ext.decode import Decoder
from sniper._ext.tape import FIELD_NAMES, Tape
from sniper.account_facts import Message, Refusal
from sniper.errors import NetworkUnavailable
from sniper.feed.pages import Query, fill_pages
from sniper.feed.rest import CONNECTION, Rest
from sniper.inbox import Inbox
from sniper.quantums import Inexact, Scales, iso_ns
from sniper.reconcile_book import Execution, Held, Venue, VenueOrder
from sniper.trading import Fill, OrderNews
from sniper.types import REC_REST

ANSWER_S: Final = 30.0
MARKETS_MAX: Final = 1024
RECORDS_MAX: Final = 64
BYTES_MAX: Final = 64 << 20
NOT_FOUND: Final = 404
HEIGHTS_APART: Final = 20
"""So far positions may be ahead of the last height that was told: a few blocks, and some more."""
TRIGGERS: Final = (("STOP", "stop_loss"), ("TAKE_PROFIT", "take_profit"))
"""Types of conditional orders begin so; the rest of their names says how they are priced."""
CLOB_PAIR: Final = FIELD_NAMES.index("clobPairId") - 12


class _Height(msgspec.Struct):
    height: str
    time: str


class _Terms(msgspec.Struct, rename="camel"):
    """What of an order only recovery asks for."""

    id: str
    reduce_only: bool | None = None
    type: str | None = None


class IndexerBook:
    """The book of a subaccount and its children (isolated markets: + 128 k). url: of the Indexer, without /v4.

    ca_file: authorities, "" the system's.
    """

    def __init__(self, url: str, address: str, subaccount: int, ca_file: str = "") -> None:
        self._url, self._address, self._subaccount, self._ca_file = url, address, subaccount, ca_file
        self._tape = Tape(4 << 20, RECORDS_MAX)
        self._decoder = Decoder(self._tape, MARKETS_MAX)
        self._scales = Scales(self._decoder)

    def clob_pair(self, ticker: str) -> int | None:
        """The id of a market on the chain."""
        market = self._decoder.market(ticker)
        return int(self._decoder.markets[market]["whole"][CLOB_PAIR]) if market >= 0 else None

    def ask(self, since_height: int) -> Venue:
        """The book now. NetworkUnavailable where the Indexer does not answer, or answers what cannot be believed."""
        inbox = Inbox(RECORDS_MAX, BYTES_MAX)
        rest = Rest(self._url, ca_file=self._ca_file)
        rest.start(inbox)
        try:
            return self._ask(rest, inbox, since_height)
        except (
            Refusal,
            Inexact,
            msgspec.MsgspecError,
            ValueError,
        ) as problem:  # a height of letters, a 13th month
            raise NetworkUnavailable(f"{self._url} answered what cannot be believed: {problem}") from None
        finally:
            rest.stop()

    def _ask(self, rest: Rest, inbox: Inbox, since_height: int) -> Venue:
        head, body = self._answer(rest, inbox, "perpetualMarkets", {})
        self._decoder.apply([(0, CONNECTION, REC_REST, head + b"\n" + body)])
        self._scales.clear()
        height = msgspec.json.decode(self._answer(rest, inbox, "height", {})[1], type=_Height)
        parent: Query = {"address": self._address, "parentSubaccountNumber": self._subaccount}
        _, body = self._answer(rest, inbox, "parentSubaccount", parent)
        wholes = self._read("parentSubaccount", body, self._subaccount).wholes if body else ()
        numbers = sorted({self._subaccount, *(whole.subaccount for whole in wholes)})
        orders: list[VenueOrder] = []
        for number in numbers:
            owner: Query = {"address": self._address, "subaccountNumber": number}
            _, body = self._answer(rest, inbox, "orders", owner)
            terms = {one.id: one for one in msgspec.json.decode(body, type=list[_Terms])}
            orders += [
                self._order(one, terms[one.order_id]) for one in self._read("orders", body, number).orders
            ]
        fills: dict[str, Fill] = {}  # asked for last: every one that is in the positions is among them
        for number in numbers:
            fills |= self._fills(rest, inbox, number, since_height)
        later = int(msgspec.json.decode(self._answer(rest, inbox, "height", {})[1], type=_Height).height)
        first = int(height.height)
        known = min(first, later)  # one of the two may be false: of what is too low nothing follows
        held = [whole.height for whole in wholes] or [known]
        if max(held) > max(first, later) + HEIGHTS_APART:
            told = f"height {first}, then {later}, and positions of {max(held)}"
            raise NetworkUnavailable(f"{self._url} contradicts itself: {told}", "Try again.")
        return Venue(
            known,
            min(held),
            tuple(orders),
            tuple(self._execution(fill) for fill in fills.values() if fill.height >= since_height),
            tuple(
                Held(self._decoder.ticker(item.market), item.subaccount, item.size_quantums, whole.height)
                for whole in wholes
                for item in whole.holdings
                if item.open
            ),
            since_height,
            iso_ns(height.time) // 10**9,
        )

    def _fills(self, rest: Rest, inbox: Inbox, number: int, since_height: int) -> dict[str, Fill]:
        """Every fill of a subaccount from a height on, by id."""
        found: dict[str, Fill] = {}
        walk = fill_pages(self._address, number, since_height)
        query = next(walk)
        try:
            while True:
                _, body = self._answer(rest, inbox, "fills", query)
                found |= {fill.fill_id: fill for fill in self._read("fills", body, number).fills}
                query = walk.send(body)
        except StopIteration:
            return found

    def _read(self, endpoint: str, body: bytes, number: int) -> Message:
        return messages.rest(endpoint, body, number, self._scales)

    def _answer(
        self, rest: Rest, inbox: Inbox, endpoint: str, query: dict[str, str | int]
    ) -> tuple[bytes, bytes]:
        """Head and body of the answer to one request; failures that may pass are tried again by the thread."""
        rest.request(endpoint, **query)
        end_s = time.monotonic() + ANSWER_S
        said = b"no answer"
        while (left_s := end_s - time.monotonic()) > 0:
            inbox.wait(left_s)
            for _, _, _, data in inbox.drain(BYTES_MAX, RECORDS_MAX):
                head, _, body = data.partition(b"\n")
                status = int(head.split(b" ", 2)[1])
                if 200 <= status < 300:
                    return head, body
                if status == NOT_FOUND and endpoint == "parentSubaccount":
                    return head, b""  # never funded: it holds nothing
                said = b"%d %s" % (status, body[:200])
                if status and status != 429 and status < 500:
                    end_s = 0.0
        text = said.decode("utf-8", "replace")
        raise NetworkUnavailable(f"{self._url} did not answer {endpoint}: {text}", "Run 'sniper doctor'.")

    def _order(self, item: OrderNews, terms: _Terms) -> VenueOrder:
        kind = terms.type or ""
        return VenueOrder(
            item.order_id,
            item.client_id,
            self._ticker(item.market),
            item.side,
            item.status,
            item.size_steps,
            item.filled_steps,
            item.order_flags,
            max(0, item.good_til_block),
            max(0, item.good_til_ns // 10**9),
            bool(terms.reduce_only),
            max(0, item.price_ticks),
            next((trigger for name, trigger in TRIGGERS if kind.startswith(name)), ""),
            max(0, item.trigger_ticks),
        )

    def _execution(self, fill: Fill) -> Execution:
        return Execution(
            fill.fill_id,
            fill.order_id,
            self._ticker(fill.market),
            fill.subaccount,
            fill.side,
            fill.size_quantums,
            fill.quote,
            fill.fee,
            fill.kind,
            fill.height,
            fill.price,
            fill.price_decimals,
            fill.taker,
            fill.venue_ns,
        )

    def _ticker(self, market: int) -> str:
        return str(self._decoder.ticker(market)) if market >= 0 else ""
