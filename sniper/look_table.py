"""The look at all markets: the table's visible rows, its order, and the grids of the markets."""

from __future__ import annotations

from typing import Any

import numpy as np

from sniper._ext.tape import FIELD_NAMES, STATUS_NAMES, TRUST_NAMES
from sniper.decimals import Grid, fixed, text
from sniper.panels.row import SECOND_NS, clean, count
from sniper.panels.view import MarketRow, Markets

ORDER_EVERY_NS = SECOND_NS
TICK, STEP, ORACLE, CHANGE, VOLUME, FUNDING = (
    FIELD_NAMES.index(name)
    for name in ("tickSize", "stepSize", "oraclePrice", "priceChange24H", "volume24H", "nextFundingRate")
)
ACTIVE = STATUS_NAMES.index("ACTIVE")


class TableLook:
    """Reads the market table. The order, by 24-hour volume, is looked at anew once a second."""

    def __init__(self, engine: Any) -> None:
        self._decoder = engine.decoder
        markets = engine.decoder.markets
        self._markets = markets
        self._num, self._dec = markets["num"], markets["dec"]
        self._known, self._status = markets["known"], markets["status"]
        tops = engine.books.tops
        self._trust, self._bid, self._ask = tops["trust"], tops["bid"], tops["ask"]
        self.order: list[int] = []
        """The markets as they are shown."""
        self._order_due_ns = 0
        self._tickers: tuple[str, ...] = ()
        self._indexes: dict[str, int] = {}
        self._kept: dict[int, tuple[bytes, tuple[int, int, int], MarketRow]] = {}

    def refresh(self, at_ns: int) -> None:
        """Look at names and order again when they are due or markets came; `at_ns` is any clock that runs."""
        n = self._decoder.markets_n
        if n == len(self.order) and at_ns < self._order_due_ns:
            return
        self._order_due_ns = at_ns + ORDER_EVERY_NS
        volumes = self._num[:n, VOLUME] * 10.0 ** -self._dec[:n, VOLUME].astype(float)
        self.order = np.argsort(-volumes, kind="stable").tolist()
        names = [clean(ticker) for ticker in self._decoder.tickers]
        self._tickers = tuple(names[i] for i in self.order)
        self._indexes = {names[i]: i for i in self.order}

    def index(self, ticker: str) -> int:
        """The market's index in the decoder's table; for an unknown ticker the first row; -1: no markets."""
        return self._indexes.get(ticker, self.order[0] if self.order else -1)

    def ticker(self, market: int) -> str:
        """The name to show; empty for -1."""
        return str(clean(self._decoder.ticker(market))) if market >= 0 else ""

    def grid(self, market: int) -> Grid:
        """What a tick and a step of the market are worth now."""
        num, dec = self._num[market].tolist(), self._dec[market].tolist()
        return Grid(num[TICK], dec[TICK], num[STEP], dec[STEP])

    def trust(self) -> bytes:
        """One byte a market."""
        return bytes(self._trust[: self._decoder.markets_n].tobytes())

    def table(self, ticker: str, wanted: int) -> Markets:
        """The rows from the one that keeps `ticker` in sight."""
        at = self._tickers.index(ticker) if ticker in self._indexes else 0
        first = max(0, min(at - wanted // 2, len(self.order) - wanted))
        shown = self.order[first : first + wanted]
        rows = tuple([self._row(market) for market in shown])
        return Markets(ticker, rows, first, len(self.order), self._tickers)

    def _row(self, market: int) -> MarketRow:
        """One line; most lines of a draw are those of the last one."""
        book = self._trust.item(market), self._bid.item(market), self._ask.item(market)
        facts = self._markets[market].tobytes()
        kept = self._kept.get(market)
        if kept is None or kept[0] != facts or kept[1] != book:
            num, dec = self._num[market].tolist(), self._dec[market].tolist()
            known, status = self._known.item(market), self._status.item(market)
            row = _row(clean(self._decoder.ticker(market)), num, dec, known, status, *book)
            kept = self._kept[market] = (facts, book, row)
        return kept[2]


def _row(
    ticker: str,
    num: list[int],
    dec: list[int],
    known: int,
    status: int,
    trust: int,
    bid: int,
    ask: int,
) -> MarketRow:
    """One line of the table."""
    oracle = funding = change = volume = mid = ""
    funding_sign = change_sign = 0
    places = dec[TICK]
    if known >> ORACLE & 1 and num[ORACLE]:
        oracle = fixed(num[ORACLE], dec[ORACLE], min(dec[ORACLE], places + 1))
        if known >> CHANGE & 1:
            change_sign = num[CHANGE]
            now = num[ORACLE] / 10 ** dec[ORACLE]
            before = now - num[CHANGE] / 10 ** dec[CHANGE]
            change = f"{100 * (now / before - 1):+.2f}%" if before > 0 else ""
    if known >> FUNDING & 1:
        funding_sign = num[FUNDING]
        funding = f"{100 * num[FUNDING] / 10 ** dec[FUNDING]:+.5f}%"
    if known >> VOLUME & 1:
        volume = count(num[VOLUME] // 10 ** dec[VOLUME])
    if bid and ask:
        mid = text(5 * (bid + ask) * num[TICK], dec[TICK] + 1)
    return MarketRow(
        ticker,
        oracle,
        mid,
        ask - bid if bid and ask else None,
        funding,
        funding_sign,
        change,
        change_sign,
        volume,
        TRUST_NAMES[trust],
        "" if status in (0, ACTIVE) else STATUS_NAMES[status],
    )
