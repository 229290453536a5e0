"""Funding of every market: what is predicted, how much that is worth, what was paid, and the chain's index.

`nextFundingRate` comes about every 30 s. Just after the hour it is still the value of the hour before, until the
first sample at hh:00:30 and the first news behind that. At the first block at or after each hour the index moves
by the chain's integer formula with the last rate and the oracle price of that moment; the rate that was really
paid comes later with `historicalFunding` and corrects it. Everything is in tape time and block time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sniper._ext.tape import FIELD_NAMES, KIND_NAMES, Tape
from sniper.funding_rules import (
    HOUR_NS,
    PPM,
    SAMPLES_MAX,
    fewest_samples,
    index_change,
    likely_samples,
    payment,
    possible_samples,
    rate_ppm,
)
from sniper.quantums import Inexact, Scales, exact, lent
from sniper.running_digest import RunningDigest
from sniper.types import Record
from sniper.viewing import FundingFacts

MARKET, BLOCK, FUNDING = (KIND_NAMES.index(name) for name in ("MARKET", "BLOCK", "FUNDING"))
LOUD: Final = 1 << MARKET | 1 << BLOCK | 1 << FUNDING
OTHERS, KINDS = 0, 4  # of Tape.used
RATE, ORACLE = FIELD_NAMES.index("nextFundingRate"), FIELD_NAMES.index("oraclePrice")
DEFAULT = FIELD_NAMES.index("defaultFundingRate1H")
DOUBT: Final = 16
MISSED_MAX: Final = 24
"""At most so many hours before a block's own are charged with it: a clock that leaps costs no more."""
ENCODE = msgspec.json.encode


class FundingSettings(NamedTuple):
    """hours_max: so many hours of realised funding are kept of each market."""

    hours_max: int = 48


class Hour(NamedTuple):
    """Funding of one hour. change: of the index, at this price and rate; confirmed: by `historicalFunding`.

    index_after: the funding index then, counted from the first hour that this run saw.
    """

    hour_ns: int
    ppm: int
    change: int
    price: int
    price_decimals: int
    height: int
    confirmed: bool
    index_after: int = 0


class Charge(NamedTuple):
    """The index of a market changed at the end of block `height` (or is put right for that block)."""

    market: int
    height: int
    change: int


class _Row(msgspec.Struct, rename="camel"):
    price: str
    effective_at_height: str


class _History(msgspec.Struct, rename="camel"):
    historical_funding: list[_Row]


_HISTORY = msgspec.json.Decoder(_History)


class Funding:
    """Funding of all markets. `charges` are those of the last tick: the account has to be told."""

    def __init__(
        self,
        tape: Tape,
        decoder: Any,
        settings: FundingSettings = FundingSettings(),  # noqa: B008 - an immutable tuple
        digest: RunningDigest | None = None,
    ) -> None:
        self.settings = settings
        self._decoder = decoder
        self._rows, self._places = tape.rows, tape.others
        rows, updates = tape.rows, tape.markets
        self._used, self._others = lent(tape.used), lent(tape.others)
        self._kinds = self._used[KINDS : KINDS + 1]
        names = ("market", "ref", "size", "price", "venue_ns", "flags")
        self._kind, self._columns = lent(rows["kind"]), tuple(lent(rows[name]) for name in names)
        self._num, self._dec = lent(updates["num"][:, RATE]), lent(updates["dec"][:, RATE])
        self._scales = Scales(decoder)
        self.digest = digest or RunningDigest(tape, "account")
        self.charges: list[Charge] = []
        self.now_ns = 0
        self._hour = -1  # of the newest block
        self._first_hour = -1  # of the first block seen: later hours were ours to charge
        self._news: dict[int, tuple[int, int, int]] = {}  # market -> mantissa, decimals, when it came
        self._hours: dict[int, list[Hour]] = {}
        self._index: dict[int, int] = {}
        self._judged: dict[int, tuple[float, float, int, bool]] = {}  # what `facts` made of the news

    def apply(self, n: int, now_ns: int, records: Sequence[Record] = ()) -> None:
        """Take in this tick's rows. With the records the prices of `historicalFunding` are read, too."""
        self.now_ns = now_ns
        if self.charges:
            self.charges.clear()
        if not n or not self._kinds[0] & LOUD:
            return
        if self._kinds[0] & 1 << FUNDING:
            rows = self._rows[self._places[: self._used[OTHERS]]]
            self._confirm(rows[rows["kind"] == FUNDING], records)
        if self._kinds[0] & (1 << MARKET | 1 << BLOCK):
            self._walk(now_ns)
        if self.charges:
            self.digest.fold(ENCODE(self.charges))

    def facts(self, market: int, now_ns: int | None = None) -> FundingFacts:
        """Funding of one market as it stands."""
        now_ns = self.now_ns if now_ns is None else now_ns
        hour_ns = now_ns - now_ns % HOUR_NS
        hours = self._hours.get(market)
        realised = hours[-1].ppm / PPM if hours else 0.0
        news = self._news.get(market)
        if news is None:
            return FundingFacts(0.0, realised, now_ns, True, 0, realised, hour_ns + HOUR_NS)
        judged = self._judged.get(market)
        if judged is None:
            judged = self._judged[market] = self._judge(market, *news)
        predicted, expected, samples, fresh = judged
        at_ns = news[2]
        if not fresh or at_ns < hour_ns:
            expected = realised if hours else predicted
            return FundingFacts(predicted, expected, now_ns - at_ns, True, 0, realised, hour_ns + HOUR_NS)
        return FundingFacts(predicted, expected, now_ns - at_ns, False, samples, realised, hour_ns + HOUR_NS)

    def index(self, market: int) -> int:
        """The funding index of a market: ppm of QQ a BQ, counted from the first hour that this run saw."""
        return self._index.get(market, 0)

    def hours(self, market: int) -> tuple[Hour, ...]:
        """The hours that are known, oldest first, each with the index after it."""
        found = self._hours.get(market, [])
        index, told = self.index(market), []
        for hour in reversed(found):
            told.append(hour._replace(index_after=index))
            index -= hour.change
        return tuple(reversed(told))

    def due(self, market: int, size_quantums: int) -> int:
        """QQ that a position would receive (negative: pay) at the next hour: expected rate, oracle price of now."""
        price, decimals, atomic = self._oracle(market)
        if not price:
            return 0
        eighths = self.facts(market).expected * PPM
        ppm = -int(0.5 - eighths) if eighths < 0 else int(eighths + 0.5)
        return payment(index_change(ppm, price, decimals, atomic), size_quantums)

    def _walk(self, now_ns: int) -> None:
        """News of `nextFundingRate`, and blocks, in their order."""
        markets, refs, masks, heights, times, flags = self._columns
        told = []
        for at in range(self._used[OTHERS]):
            row = self._others[at]
            kind = self._kind[row]
            if kind == MARKET and masks[row] >> RATE & 1:
                market, ref = markets[row], refs[row]
                self._news[market] = news = self._num[ref], self._dec[ref], now_ns
                self._judged.pop(market, None)
                told.append((market, *news))
            elif kind == BLOCK:
                self._block(heights[row], times[row] // HOUR_NS, bool(flags[row] & DOUBT))
        if told:
            self.digest.fold(ENCODE(told))

    def _judge(self, market: int, mantissa: int, decimals: int, at_ns: int) -> tuple[float, float, int, bool]:
        """A published rate -> itself, what is expected, its samples, and whether it can be of its hour at all."""
        predicted = mantissa / 10**decimals
        known, _, _, _, num, dec, _ = self._decoder.numbers(market)
        own, own_decimals = mantissa, decimals
        if known >> DEFAULT & 1:  # the samples are without the default rate
            default, default_decimals = num[DEFAULT], dec[DEFAULT]
            own_decimals = max(decimals, default_decimals)
            own = mantissa * 10 ** (own_decimals - decimals) - default * 10 ** (
                own_decimals - default_decimals
            )
        possible = possible_samples(at_ns % HOUR_NS)
        fewest = fewest_samples(own, own_decimals)
        samples = likely_samples(fewest, possible)
        hours = self._hours.get(market)
        prior = hours[-1].ppm / PPM if hours else predicted
        expected = samples / SAMPLES_MAX * predicted + (SAMPLES_MAX - samples) / SAMPLES_MAX * prior
        return predicted, expected, samples, 0 < possible >= fewest - 1

    def _block(self, height: int, hour: int, doubted: bool) -> None:
        """A block: the first one at or after an hour charges it, and hours that passed without any block."""
        if self._hour < 0:
            self._first_hour = hour
        elif not doubted:
            for missed in range(max(self._hour + 1, hour - MISSED_MAX), hour + 1):
                for market, (mantissa, decimals, _) in self._news.items():
                    self._charge(market, missed * HOUR_NS, rate_ppm(mantissa, decimals), height)
        self._hour = hour

    def _charge(self, market: int, hour_ns: int, ppm: int, height: int) -> None:
        price, decimals, atomic = self._oracle(market)
        hours = self._hours.setdefault(market, [])
        if not price or _found(hours, hour_ns) is not None:
            return
        change = index_change(ppm, price, decimals, atomic)
        self._insert(market, Hour(hour_ns, ppm, change, price, decimals, height, False), True)

    def _confirm(self, rows: Any, records: Sequence[Record]) -> None:
        """Rows of `historicalFunding`: rates that were really paid."""
        prices: dict[tuple[int, int], tuple[int, int]] = {}
        for at in dict.fromkeys(rows["frame"].tolist()):
            if at < len(records):
                prices.update(((at, height), price) for height, price in _prices(records[at][3]))
        columns = ("market", "price", "flags", "size", "venue_ns", "frame")
        for market, rate, flags, height, at_ns, at in zip(*(rows[c].tolist() for c in columns), strict=True):
            hour_ns = at_ns - at_ns % HOUR_NS
            ppm = rate_ppm(rate, flags >> 24)
            hours = self._hours.setdefault(market, [])
            place = _found(hours, hour_ns)
            before = None if place is None else hours[place]
            if before is not None and before.confirmed:
                continue
            price, decimals, atomic = self._oracle(market)
            told = prices.get((at, height))
            if told is not None:
                price, decimals = told
            elif before is not None:
                price, decimals = before.price, before.price_decimals
            change = index_change(ppm, price, decimals, atomic)
            hour = Hour(hour_ns, ppm, change, price, decimals, height, told is not None)
            if before is None or place is None:
                self._insert(market, hour, 0 <= self._first_hour < hour_ns // HOUR_NS)
            else:
                hours[place] = hour
                same = before.height == height  # else another block's positions paid: take that back
                self._move(market, before.height, change - before.change if same else -before.change)
                self._move(market, height, 0 if same else change)
            self._judged.pop(market, None)
            self.digest.fold(ENCODE((market, hour)))

    def _insert(self, market: int, hour: Hour, ours: bool) -> None:
        """Put an hour in its place; if it fell into this run, the index moves."""
        hours = self._hours[market]
        if len(hours) == self.settings.hours_max:
            if hour.hour_ns < hours[0].hour_ns:
                return
            del hours[0]
        if not hours or hours[-1].hour_ns < hour.hour_ns:
            hours.append(hour)
        else:
            hours.insert(bisect_left([known.hour_ns for known in hours], hour.hour_ns), hour)
        self._judged.pop(market, None)
        if ours:
            self._move(market, hour.height, hour.change)

    def _move(self, market: int, height: int, change: int) -> None:
        if change:
            self._index[market] = self.index(market) + change
            self.charges.append(Charge(market, height, change))

    def _oracle(self, market: int) -> tuple[int, int, int]:
        """Oracle price, its decimals and the atomic resolution; price 0 while one of them is not known."""
        scale = self._scales.at(market)
        if scale is None:
            return 0, 0, 0
        _, _, _, _, num, dec, _ = self._decoder.numbers(market)
        return num[ORACLE], dec[ORACLE], scale.atomic

    def save(self) -> bytes:
        """The state as bytes."""
        return ENCODE(
            _State(
                self._hour,
                self._first_hour,
                [(market, *news) for market, news in self._news.items()],
                list(self._hours.items()),
                list(self._index.items()),
                self.digest.value,
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            found = msgspec.json.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of the funding: {problem}") from None
        self.digest.load(found.digest)
        self._hour, self._first_hour = found.hour, found.first_hour
        self._news = {market: (mantissa, decimals, ns) for market, mantissa, decimals, ns in found.news}
        self._hours, self._index = dict(found.hours), dict(found.index)
        self._judged.clear()
        self.charges.clear()


def _found(hours: list[Hour], hour_ns: int) -> int | None:
    """Where an hour stands in the list."""
    if not hours or hours[-1].hour_ns < hour_ns:
        return None
    at = bisect_left([known.hour_ns for known in hours], hour_ns)
    return at if at < len(hours) and hours[at].hour_ns == hour_ns else None


def _prices(data: bytes) -> list[tuple[int, tuple[int, int]]]:
    """Oracle prices by height out of a `historicalFunding` answer; those that cannot be read are left out."""
    try:
        found = _HISTORY.decode(data.partition(b"\n")[2])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    prices = []
    for row in found.historical_funding:
        try:
            height, _ = exact(row.effective_at_height)
            price = exact(row.price)
        except Inexact:
            continue
        if price[0] > 0:
            prices.append((height, price))
    return prices


class _State(msgspec.Struct, array_like=True):
    hour: int
    first_hour: int
    news: list[tuple[int, int, int, int]]
    hours: list[tuple[int, list[Hour]]]
    index: list[tuple[int, int]]
    digest: bytes
