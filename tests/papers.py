"""A paper venue on a market that the test makes up: blocks, books, trades and prices, one tick at a time.

Prices in ticks and sizes in steps. BTC-USD: tick 1 USD, step 0.0001 coins (1,000,000 BQ), so that one step at 100,000
ticks is worth 10 USDC. What the venue says is kept as it came and decoded with json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import Tape
from sniper._ext.trades import Trades
from sniper.account import Account, AccountSettings
from sniper.feed.sim.text import iso
from sniper.funding import Funding
from sniper.paper_settings import PaperSettings
from sniper.trading import BUY, SELL, VENUE_CONNECTION, Cancel, Place
from sniper.types import REC_FRAME, REC_VENUE, Record
from sniper.venues.ledger import Ledger
from sniper.venues.order import FLAGS, PaperOrder
from sniper.venues.paper import Paper
from tests import messages as m
from tests.ordering import MARKETS

MS, SECOND, HOUR = 1_000_000, 1_000_000_000, 3_600_000_000_000
START_NS = 1_767_225_600 * SECOND + HOUR // 2  # half past an hour
BTC, ETH, TINY = 0, 1, 2
TICKERS = ("BTC-USD", "ETH-USD", "TINY-USD")
TINY_MARKET = MARKETS["ETH-USD"] | {
    "clobPairId": "2",
    "marketType": "ISOLATED",
    "initialMarginFraction": "0.05",
    "maintenanceMarginFraction": "0.03",
    "oraclePrice": "400",
}
ALL = {
    ticker: fields | {"nextFundingRate": "0.000002375"}
    for ticker, fields in (MARKETS | {"TINY-USD": TINY_MARKET}).items()
}
UNIT = {"BTC-USD": (Decimal(1), Decimal("0.0001"))} | dict.fromkeys(
    TICKERS[1:], (Decimal("0.1"), Decimal("0.001"))
)
Levels = Sequence[tuple[int, int]]

BIDS = [(99_990, 50), (99_980, 100)]
ASKS = [(100_010, 30), (100_020, 100)]
"""The book that `ready` begins with, of BTC-USD, whose oracle price is 100,000."""
IOC: dict[str, Any] = {"time_in_force": "ioc"}
POST: dict[str, Any] = {"time_in_force": "post_only"}
LONG: dict[str, Any] = {"kind": "long_term"}
STOP: dict[str, Any] = {"kind": "conditional", "trigger": "stop_loss", "trigger_ticks": 99_000}
OPENED = "BEST_EFFORT_OPENED"
WOULD_REST = "BEST_EFFORT_CANCELED IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"
USER = "BEST_EFFORT_CANCELED USER_CANCELED"


def plain(value: Decimal) -> str:
    return f"{value:f}"


class Sink:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        assert connection == VENUE_CONNECTION
        self.records.append((recv_ns, connection, kind, data))
        return True


class Bench:
    """One venue and its market. `news` are the contents of account messages, `answers` (verb, client id, code)."""

    def __init__(
        self, markets: dict[str, dict[str, Any]] | None = None, height: int = 100, **settings: Any
    ) -> None:
        self.tape = Tape(1 << 20, 1024)
        self.decoder = Decoder(self.tape, 16)
        self.books = Books(self.tape, 16)
        self.trades = Trades(self.tape, 16)
        self.settings = PaperSettings(
            **{"latency": "instant", "fee": "entry", "cancel_share_ppm": 0} | settings
        )
        self.paper = Paper(self.tape, self.decoder, self.books, self.settings)
        self.account = Account(self.tape, self.decoder, AccountSettings())
        self.funding = Funding(self.tape, self.decoder)
        self.sink = Sink()
        self.now_ns, self.height = START_NS, height
        self.message_id = 0
        self.trade_number = 0
        self.sums: Any = None
        self.taken = 0
        self.paper.start(self.sink)
        rows = [m.market(ticker, **fields) for ticker, fields in (markets or ALL).items()]
        self.tick(m.connected(), m.markets(*rows))
        if height:
            self.block(0)

    # --- the market -----------------------------------------------------------------------------------------------

    def tick(self, *frames: bytes, ms: int = 1) -> None:
        """One tick of the loop, `ms` later, that takes these frames and what the venue has to say."""
        self.now_ns += ms * MS
        before = len(self.sink.records)
        self.paper.pull(self.now_ns, self.sink)
        records: list[Record] = [(self.now_ns, 0, REC_FRAME, frame) for frame in frames]
        records += self.sink.records[before:]
        n = self.decoder.apply(records)
        self.books.apply(n)
        self.trades.apply(n)
        self.account.apply(n, records, self.now_ns)
        self.funding.apply(n, self.now_ns)
        if self.funding.charges:
            self.account.charge(self.funding.charges)
        self.paper.observe(self.now_ns, n)
        self.conserved()
        assert not self.account.refusals, "the engine's own account stage believes all that the venue says"

    def next_id(self) -> int:
        self.message_id += 1
        return self.message_id + 1

    def run(self, seconds: float = 0.1) -> None:
        """Let the venue do and say what is due within so much time, and no block come."""
        end_ns = self.now_ns + int(seconds * SECOND)
        while (due := self.paper.due(self.now_ns)) is not None and due <= end_ns:
            self.now_ns = max(self.now_ns, due)
            self.tick(ms=0)
        self.now_ns = max(self.now_ns, end_ns)

    def block_frame(self, at_ns: int) -> bytes:
        self.height += 1
        return m.block(self.height, iso(at_ns), self.next_id())

    def block(self, ms: int = 600, *frames: bytes, at_ns: int = 0) -> None:
        """A block, with other news of the same tick behind it."""
        self.tick(self.block_frame(at_ns or self.now_ns + ms * MS), *frames, ms=ms)

    def blocks(self, count: int) -> None:
        for _ in range(count):
            self.block()

    def levels(self, market: int, levels: Levels) -> list[tuple[str, str]]:
        tick, step = UNIT[TICKERS[market]]
        return [(plain(ticks * tick), plain(steps * step)) for ticks, steps in levels]

    def book(self, bids: Levels, asks: Levels, market: int = BTC) -> None:
        """A snapshot of a book."""
        self.tick(self.book_frame(bids, asks, market))

    def book_frame(self, bids: Levels, asks: Levels, market: int = BTC) -> bytes:
        return m.snapshot(
            TICKERS[market], self.levels(market, bids), self.levels(market, asks), self.next_id()
        )

    def level_frame(self, side: int, ticks: int, steps: int, market: int = BTC) -> bytes:
        one = self.levels(market, [(ticks, steps)])
        return m.book(TICKERS[market], self.next_id(), *(((), one) if side else (one, ())))

    def level(self, side: int, ticks: int, steps: int, market: int = BTC) -> None:
        self.tick(self.level_frame(side, ticks, steps, market))

    def trade_frame(
        self, side: int, price: int | str, steps: int, kind: str = "LIMIT", market: int = BTC, at_ns: int = 0
    ) -> bytes:
        """A trade of the market in the newest block; side: of the taker. A price that is text is in USD."""
        tick, step = UNIT[TICKERS[market]]
        self.trade_number += 1
        trade = {
            "id": f"{self.height:08x}00000002{self.trade_number:08x}",
            "size": plain(steps * step),
            "price": price if isinstance(price, str) else plain(price * tick),
            "side": ("BUY", "SELL")[side],
            "createdAt": iso(at_ns or self.now_ns),
            "type": kind,
        }
        return m.data("v4_trades", TICKERS[market], self.next_id(), {"trades": [trade]})

    def trade(self, side: int, price: int | str, steps: int, **more: Any) -> None:
        self.tick(self.trade_frame(side, price, steps, **more))

    def oracle_frame(self, price: str, market: int = BTC) -> bytes:
        entry = {
            "oraclePrice": price,
            "effectiveAt": iso(self.now_ns),
            "effectiveAtHeight": str(self.height),
            "marketId": market,
        }
        return m.data("v4_markets", None, self.next_id(), {"oraclePrices": {TICKERS[market]: entry}})

    def oracle(self, price: str, market: int = BTC) -> None:
        self.tick(self.oracle_frame(price, market))

    def trading_frame(self, market: int = BTC, **fields: Any) -> bytes:
        return m.data("v4_markets", None, self.next_id(), {"trading": {TICKERS[market]: fields}})

    def trading(self, market: int = BTC, **fields: Any) -> None:
        self.tick(self.trading_frame(market, **fields))

    # --- our commands ---------------------------------------------------------------------------------------------

    def order(self, client_id: int, side: int, steps: int, ticks: int, **more: Any) -> Place:
        market = more.pop("market", BTC)
        place = Place(
            client_id=client_id,
            market=market,
            ticker=TICKERS[market],
            side=side,
            size_steps=steps,
            price_ticks=ticks,
            kind="short_term",
            time_in_force="gtt",
            reduce_only=False,
            good_til_block=self.height + 20,
            good_til_s=0,
            trigger="",
            trigger_ticks=0,
            purpose="entry",
            cause="test",
        )
        if more.get("kind", "short_term") != "short_term":
            place = place._replace(good_til_block=0, good_til_s=self.now_ns // SECOND + 3600)
        return place._replace(**more)

    def send(self, *commands: Place | Cancel) -> None:
        """Commands that have arrived and were answered when this returns."""
        self.paper.send(self.now_ns, commands)
        self.run(0.001)

    def place(self, client_id: int, side: int, steps: int, ticks: int, **more: Any) -> int:
        """Place and wait for the answer, whose code this returns."""
        self.send(self.order(client_id, side, steps, ticks, **more))
        self.run()
        verb, answered, code = self.answers[-1]
        assert (verb, answered) == ("place", client_id)
        return code

    def buy(self, client_id: int, steps: int, ticks: int, **more: Any) -> int:
        return self.place(client_id, BUY, steps, ticks, **more)

    def sell(self, client_id: int, steps: int, ticks: int, **more: Any) -> int:
        return self.place(client_id, SELL, steps, ticks, **more)

    def cancel(self, client_id: int, good_til: int, kind: str = "short_term", market: int = BTC) -> int:
        """Cancel and wait for the answer, whose code this returns."""
        short = kind == "short_term"
        command = Cancel(
            client_id,
            market,
            TICKERS[market],
            kind,
            good_til if short else 0,
            0 if short else good_til,
            "test",
        )
        self.send(command)
        self.run()
        verb, answered, code = self.answers[-1]
        assert (verb, answered) == ("cancel", client_id)
        return code

    # --- what the venue said --------------------------------------------------------------------------------------

    @property
    def answers(self) -> list[tuple[str, int, int]]:
        words = [data.decode().split(" ", 3) for _, _, kind, data in self.sink.records if kind == REC_VENUE]
        return [(verb, int(client_id), int(code)) for verb, client_id, code, _ in words]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(data) for _, _, kind, data in self.sink.records if kind == REC_FRAME]

    @property
    def news(self) -> list[dict[str, Any]]:
        return [message["contents"] for message in self.messages if message["type"] == "channel_data"]

    def items(self, key: str, client_id: int | None = None) -> list[dict[str, Any]]:
        """The items of all messages so far under one key, if wanted those of one order."""
        found: Iterable[dict[str, Any]] = (item for contents in self.news for item in contents.get(key, ()))
        return [item for item in found if client_id is None or item["clientId"] == str(client_id)]

    @property
    def fills(self) -> list[dict[str, Any]]:
        return self.items("fills")

    def told(self, client_id: int) -> list[str]:
        """What was told of an order: its statuses, each with the reason of a removal if there was one."""
        return [
            " ".join(
                (item["status"], item.get("removalReason", "").removeprefix("ORDER_REMOVAL_REASON_"))
            ).strip()
            for item in self.items("orders", client_id)
        ]

    def fresh(self) -> list[dict[str, Any]]:
        """Fills that came since this was asked last."""
        fills = self.fills
        found, self.taken = fills[self.taken :], len(fills)
        return found

    # --- what it holds --------------------------------------------------------------------------------------------

    def live(self, client_id: int, kind: str = "short_term", market: int = BTC) -> PaperOrder | None:
        return self.paper.floor.orders.get((client_id, FLAGS[kind], market))

    def booked(self) -> None:
        """What the account stage made of the messages is what the ledger holds."""
        self.run(5)
        account, ledger = self.account, self.ledger
        held = {market: position.size_quantums for market, position in account.positions.items()}
        assert held == {market: holding.base for market, holding in ledger.holdings.items()}
        assert account.usdc[0] == ledger.usdc["account"] + ledger.unsettled()
        account.apply(0, [], self.now_ns + 60 * SECOND)
        assert not account.differences

    @property
    def ledger(self) -> Ledger:
        return self.paper.ledger

    @property
    def usdc(self) -> int:
        return self.ledger.usdc["account"]

    def steps(self, market: int = BTC) -> int:
        return self.ledger.base(market) // 1_000_000

    def conserved(self) -> None:
        """QQ over all parties never change, BQ over all parties are 0 (proof 4)."""
        quote, bases = self.ledger.sums()
        assert not any(bases.values())
        assert self.ledger.usdc["dust"] >= 0
        if self.sums is None:
            self.sums = quote
        assert quote == self.sums


def ready(**settings: Any) -> Bench:
    """A bench with a book."""
    bench = Bench(**settings)
    bench.book(BIDS, ASKS)
    return bench
