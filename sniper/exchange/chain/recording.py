"""A recording served as the market: recorded levels become maker orders, recorded trades takers.

Reads what the Indexer sent: the markets (the answer of perpetualMarkets, or the v4_markets snapshot), books, trades
and oracle prices, from the ticks of a journal or of a file of frames (`sniper.feed.replay.ticks_of`). Where the
recording has no oracle prices, they follow the middle of its book.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

import msgspec

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.flow import FlowSettings, taker_order
from sniper.exchange.chain.genesis import Genesis
from sniper.exchange.chain.market import Market
from sniper.exchange.chain.purses import Purses
from sniper.exchange.chain.quoting import Level, Quoter, uncrossed
from sniper.exchange.facts import BUY, SELL
from sniper.exchange.terms import ACTIVE, CROSS, FINAL_SETTLEMENT, INITIALIZING, ISOLATED, Terms
from sniper.types import REC_FRAME, REC_REST, Record

MARKETS_HEAD = b"perpetualMarkets 200 "
MILLION = 1_000_000
SIGNIFICANT = 10  # digits of an oracle price
DIGITS_MAX = 40  # of a number in a recording
SIDES = {"bids": BUY, "asks": SELL}
STATUSES = (INITIALIZING, ACTIVE, FINAL_SETTLEMENT)
Ticks = Iterable[tuple[int, Sequence[Record]]]


def number(value: Any) -> Decimal:
    """A recorded number. ValueError for anything that is no finite decimal of sensible size."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not found.is_finite() or len(str(value)) > DIGITS_MAX or abs(found.adjusted()) > DIGITS_MAX:
        raise ValueError(f"{value!r} is no number of a market")
    return found


def terms_of(listed: dict[str, Any]) -> tuple[Terms, int]:
    """A market of the Indexer's list as the chain keeps it, and its oracle price. ValueError, KeyError: not one."""
    price = number(listed["oraclePrice"])
    decimals = max(0, SIGNIFICANT - 1 - price.adjusted()) if price else 0
    initial = int(number(listed["initialMarginFraction"]) * MILLION)
    maintenance = int(number(listed["maintenanceMarginFraction"]) * MILLION)
    pair = int(listed["clobPairId"])
    status = str(listed["status"])
    terms = Terms(
        clob_pair=pair,
        perpetual=pair,
        market=pair,
        ticker=str(listed["ticker"]),
        status=status if status in STATUSES else FINAL_SETTLEMENT,
        kind=ISOLATED if listed.get("marketType") == ISOLATED else CROSS,
        atomic_resolution=int(listed["atomicResolution"]),
        quantum_conversion_exponent=int(listed["quantumConversionExponent"]),
        step_base_quantums=int(listed["stepBaseQuantums"]),
        subticks_per_tick=int(listed["subticksPerTick"]),
        price_exponent=-decimals,
        initial_margin_ppm=initial,
        maintenance_fraction_ppm=maintenance * MILLION // max(1, initial),
        open_interest_lower_cap=int(number(listed.get("openInterestLowerCap") or "0") * MILLION),
        open_interest_upper_cap=int(number(listed.get("openInterestUpperCap") or "0") * MILLION),
        default_funding_ppm=int(number(listed.get("defaultFundingRate1H") or "0") * 8 * MILLION),
        min_price_change_ppm=0,
    )
    if terms.step_base_quantums <= 0 or terms.subticks_per_tick <= 0 or initial <= 0:
        raise ValueError(f"{terms.ticker} has no grid")
    return terms, int(price.scaleb(decimals))


def genesis_of(markets: dict[str, Any]) -> Genesis:
    """The markets of the Indexer's list that can be traded. ValueError where there is none."""
    known, prices = [], {}
    for listed in markets.values():
        try:
            terms, price = terms_of(listed)
        except (ValueError, KeyError, TypeError):
            continue
        if price:
            known.append(terms)
            prices[terms.market] = price
    if not known:
        raise ValueError("the recording lists no market")
    return Genesis(tuple(known), prices)


class Recording:
    """The messages of a recording in order, with the markets it lists.

    ValueError: it lists none. `genesis` is what a chain begins with; `start_ns` the time of its first message.
    """

    def __init__(self, ticks: Ticks) -> None:
        self._said = _messages(ticks)
        self._early: list[tuple[int, dict[str, Any]]] = []
        listed: dict[str, Any] | None = None
        for now_ns, message in self._said:
            self._early.append((now_ns, message))
            listed = _listed(message)
            if listed is not None:
                break
        if listed is None:
            raise ValueError("the recording lists no market")
        self.start_ns = self._early[0][0]
        self.genesis = genesis_of(listed)

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(time, message) of every message; once."""
        yield from self._early
        self._early = []
        yield from self._said


def _messages(ticks: Ticks) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for now_ns, records in ticks:
        for _, _, kind, data in records:
            if kind == REC_REST and data.startswith(MARKETS_HEAD):
                data = data.partition(b"\n")[2]
            elif kind != REC_FRAME:
                continue
            try:
                message = decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            yield now_ns, message


def _listed(message: dict[str, Any]) -> dict[str, Any] | None:
    contents = message.get("contents")
    for holder in (message, contents):
        if isinstance(holder, dict) and isinstance(holder.get("markets"), dict):
            listed: dict[str, Any] = holder["markets"]
            return listed
    return None


class Stand:
    """One recorded market: its levels and what its makers quote of them."""

    def __init__(self, chain: Chain, market: Market, place: int, purses: Purses) -> None:
        terms = market.terms
        self._chain = chain
        self._pair = terms.clob_pair
        self.place = place
        self.levels: dict[Level, int] = {}
        self.changed = False
        self.height = 0
        self.has_oracle = False
        self._size = -terms.atomic_resolution
        self._price = terms.atomic_resolution - terms.quantum_conversion_exponent + 6
        self.quoter = Quoter(chain, terms.clob_pair, purses.makers[place])

    @property
    def market(self) -> Market:
        """The market as the chain has it now; loading a state makes a new one."""
        return self._chain.core.markets[self._pair]

    def quantums(self, text: Any) -> int:
        """A recorded size in BQ, whole steps."""
        step = self.market.terms.step_base_quantums
        return int(number(text).scaleb(self._size)) // step * step

    def subticks(self, text: Any) -> int:
        """A recorded price in subticks, whole ticks."""
        tick = self.market.terms.subticks_per_tick
        return int(number(text).scaleb(self._price)) // tick * tick

    def set(self, side: int, price: Any, size: Any) -> None:
        """The new total of a level."""
        level, quantums = (side, self.subticks(price)), self.quantums(size)
        self.changed = True
        if quantums > 0 and level[1] > 0:
            self.levels[level] = quantums
        else:
            self.levels.pop(level, None)

    def best(self, count: int) -> dict[Level, int]:
        """The best levels of both sides that do not meet."""
        bids = sorted((level for level in self.levels if level[0] == BUY), reverse=True)[:count]
        asks = sorted(level for level in self.levels if level[0] == SELL)[:count]
        return uncrossed({level: self.levels[level] for level in (*bids, *asks)})

    def middle(self) -> int:
        """The middle of the book as an oracle price, 0 where a side is empty."""
        levels = self.best(1)
        if len(levels) != 2:
            return 0
        terms = self.market.terms
        total = Decimal(sum(subticks for _, subticks in levels)) / 2
        return int(total.scaleb(-self._price - terms.price_exponent))


class RecordedFlow:
    """A recording as the flow of a chain that began with its genesis: same calls as `flow.Flow`.

    The first message plays when the chain's time is what it was at `open`; `exhausted` when the last one has.
    """

    def __init__(
        self,
        chain: Chain,
        recording: Recording,
        *,
        seed: int = 1,
        settings: FlowSettings = FlowSettings(),  # noqa: B008
    ) -> None:
        self._chain = chain
        self._settings = settings
        self._random = Random(f"{seed}/exchange/recording").random
        self._messages = iter(recording)
        self._next = next(self._messages, None)
        self._shift_ns = chain.now_ns - recording.start_ns
        markets = [chain.core.markets[terms.clob_pair] for terms in recording.genesis.markets]
        self._purses = Purses(chain, len(markets))
        self.stands = {
            market.terms.ticker: Stand(chain, market, place, self._purses)
            for place, market in enumerate(markets)
        }
        self._prices: dict[int, int] = {}
        self._client_id = 0
        self._blocks = 0

    @property
    def exhausted(self) -> bool:
        """Whether the last message was played; the last book stays."""
        return self._next is None

    def open(self) -> None:
        """Money for everyone; it is there after the next block."""
        self._purses.open()

    def pulse(self, now_ns: int) -> None:
        """Play what was recorded up to now and let the makers follow."""
        self._chain.touch(now_ns)
        while self._next is not None and self._next[0] + self._shift_ns <= now_ns:
            self._play(self._next[1])
            self._next = next(self._messages, None)
        height = self._chain.height
        for stand in self.stands.values():
            if (stand.changed or stand.height != height) and stand.levels:
                stand.changed, stand.height = False, height
                if stand.market.terms.status == ACTIVE:
                    stand.quoter.quote(stand.best(self._settings.levels_max))

    def block(self, now_ns: int) -> None:
        """Oracle prices for the block; one market's accounts are looked after."""
        self._chain.touch(now_ns)
        for stand in self.stands.values():
            middle = 0 if stand.has_oracle else stand.middle()
            if middle:
                self._prices[stand.market.terms.market] = middle
        self._chain.set_oracle(self._prices)
        self._prices.clear()
        every = self._settings.refill_blocks
        for place in range(self._blocks % every, len(self.stands), every):
            self._purses.refill(place)
        self._blocks += 1

    def _play(self, message: dict[str, Any]) -> None:
        """One message; what cannot be read is left out."""
        channel, contents = message.get("channel"), message.get("contents")
        parts = contents if isinstance(contents, list) else [contents]
        stand = self.stands.get(str(message.get("id")))
        for part in parts:
            if not isinstance(part, dict):
                continue
            try:
                if channel == "v4_markets":
                    self._oracles(part.get("oraclePrices") or {})
                elif channel == "v4_orderbook" and stand is not None:
                    if message.get("type") == "subscribed":
                        stand.levels.clear()
                    _set_levels(stand, part)
                elif channel == "v4_trades" and stand is not None and message.get("type") != "subscribed":
                    for trade in part.get("trades") or ():
                        self._take(stand, trade)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def _oracles(self, prices: dict[str, Any]) -> None:
        for ticker, entry in prices.items():
            stand = self.stands.get(ticker)
            if stand is not None:
                stand.has_oracle = True
                price = int(number(entry["oraclePrice"]).scaleb(-stand.market.terms.price_exponent))
                if price > 0:
                    self._prices[stand.market.terms.market] = price

    def _take(self, stand: Stand, trade: dict[str, Any]) -> None:
        buys = trade["side"] == "BUY"
        quantums, subticks = stand.quantums(trade["size"]), stand.subticks(trade["price"])
        if quantums <= 0 or subticks <= 0 or stand.market.terms.status != ACTIVE:
            return
        taker = self._purses.taker(stand.place, stand.market.perpetual, buys, self._random())
        self._client_id += 1
        side = BUY if buys else SELL
        # The Indexer tells a trade up to a block after the level it took is gone, so it meets the book as it is.
        touch = stand.market.book.best(3 - side)
        if touch:
            subticks = max(subticks, touch) if buys else min(subticks, touch)
        order = taker_order(self._chain, taker, self._client_id, stand.market, side, quantums, subticks)
        self._chain.place(order, "")


def _set_levels(stand: Stand, part: dict[str, Any]) -> None:
    for name, side in SIDES.items():
        for level in part.get(name) or ():
            if isinstance(level, dict):
                stand.set(side, level["price"], level["size"])
            else:
                stand.set(side, level[0], level[1])
