"""What kernels and twins hold after the rows: market table, books, trades, candles, message ids, counters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from sniper._ext.candles import Candles
from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper._ext.trades import Trades
from tests import reference_candles
from tests.reference_book import BooksTwin
from tests.reference_decode import DecoderTwin
from tests.reference_markets import FIELDS, NUMS, WHOLES
from tests.reference_trades import TradesTwin

NOT_COUNTED = {"resubscribes", "reconnects", "book_overflow", "fast_frames"}


class Difference(AssertionError):
    """Kernel and twin disagree."""


def same(what: str, kernel: Any, twin: Any) -> None:
    """Raise where the two are not equal."""
    if kernel != twin:
        raise Difference(f"{what}: kernel {kernel!r}, twin {twin!r}")


def kept(books: Books) -> bytes:
    """All that a refused frame must leave alone of the books: everything but whether they are stale."""
    tops = books.tops.copy()
    tops["stale"] = tops["trust"] = 0
    used = np.flatnonzero(tops["snapshots"]).tolist()
    views = [(market, side, raw) for market in used for side in (0, 1) for raw in (False, True)]
    levels = [books.levels(market, side, raw=raw).tobytes() for market, side, raw in views]
    samples = [books.samples(market).tobytes() for market in used]
    return tops.tobytes() + b"".join(levels + samples)


def number(what: str, value: int, decimals: int, exact: tuple[int, int]) -> None:
    """`value` with so many decimals is the exact number, or its first 18 digits where it has more."""
    if value * 10 ** exact[1] == exact[0] * 10**decimals:
        return
    left = Fraction(abs(exact[0]), 10 ** exact[1]) - Fraction(abs(value), 10**decimals)
    if not (0 < left < Fraction(1, 10**decimals) and abs(value) >= 10**17 and value * exact[0] > 0):
        raise Difference(f"{what}: kernel {value} / 10^{decimals}, twin {exact[0]} / 10^{exact[1]}")


class State:
    """Kernels and twins that took the same records; `compare_state` raises Difference where they are not equal."""

    tape: Tape
    decoder: Decoder
    books: Books
    trades: Trades
    candles: Candles
    decoder_twin: DecoderTwin
    books_twin: BooksTwin
    trades_twin: TradesTwin
    candles_twin: reference_candles.Candles

    def compare_field(self, got: Any, key: str, value: Any) -> None:
        """One field of a market."""
        if key in NUMS:
            index = NUMS.index(key)
            number(key, int(got["num"][index]), int(got["dec"][index]), value)
        elif key in WHOLES:
            same(key, int(got["whole"][WHOLES.index(key)]), value)
        else:
            same(key, int(got["status" if key == "status" else "type"]), value)

    def compare_state(self) -> None:
        """Market table, books, trades, counters."""
        self.compare_markets()
        self.compare_books()
        self.compare_trades()
        self.compare_links()
        self.compare_candles()
        counters = dict(zip(COUNTER_NAMES, self.tape.counters.tolist(), strict=False))
        totals = dict(self.decoder_twin.counters)
        books = self.books_twin.books.values()
        tallies = self.trades_twin.markets.values()
        totals |= {
            "unknown_removes": sum(b.unknown_removes for b in books),
            "crossings": sum(b.crossings for b in books),
            "orphan_levels": sum(b.orphans for b in books),
            "snapshots": sum(b.snapshots for b in books),
            "late_trades": sum(m.counts.late for m in self.candles_twin.markets.values()),
            "candle_match": sum(m.counts.match for m in self.candles_twin.markets.values()),
            "candle_mismatch": sum(m.counts.mismatch for m in self.candles_twin.markets.values()),
            "trades": sum(t.count for t in tallies),
            "duplicate_trades": sum(t.duplicates for t in tallies),
        }
        for name, value in counters.items():
            if name not in NOT_COUNTED:
                same(f"counter {name}", value, totals.get(name, 0))

    def compare_markets(self) -> None:
        """Every field of every market."""
        table, twins = self.decoder.markets, self.decoder_twin.markets
        same("tickers", self.decoder.tickers, [m["ticker"] for m in twins])
        for got, market in zip(table[: len(twins)], twins, strict=True):
            same("ticker", ticker_of(got), market["ticker"])
            known = sum(1 << FIELDS.index(key) for key in market["known"])
            same(f"fields known of {market['ticker']}", int(got["known"]), known)
            for key, value in (market["num"] | market["whole"]).items():
                self.compare_field(got, key, value)
            same(
                "status and type", (int(got["status"]), int(got["type"])), (market["status"], market["type"])
            )
            same(
                "oracle time",
                (int(got["oracle_ns"]), int(got["oracle_height"])),
                (market["oracle_ns"], market["oracle_height"]),
            )

    def compare_books(self) -> None:
        """Raw books level by level, the view, what was counted, trust."""
        tops = self.books.tops
        for market in range(len(self.decoder_twin.markets)):
            book = self.books_twin.books.get(market)
            top = tops[market]
            if book is None:
                same(f"trust of book {market}", int(top["trust"]), 0)
                continue
            for side in (0, 1):
                raw = [(level.ticks, level.steps) for level in book.raw(side)]
                same(
                    f"raw levels {market}/{side}",
                    list(map(tuple, self.books.levels(market, side, raw=True).tolist())),
                    raw,
                )
                seen = [(level.ticks, level.steps) for level in book.view()[side]]
                same(
                    f"view {market}/{side}", list(map(tuple, self.books.levels(market, side).tolist())), seen
                )
            for name, value in (
                ("unknown_removes", book.unknown_removes),
                ("crossings", book.crossings),
                ("orphans", book.orphans),
                ("snapshots", book.snapshots),
                ("crossed_ns", book.crossed_ns),
                ("trust", book.trust),
                ("crossed", int(book.crossed)),
            ):
                same(f"{name} of book {market}", int(top[name]), value)
            same(f"raw top of book {market}", (int(top["raw_bid"]), int(top["raw_ask"])), book.raw_top())
            same(f"top of book {market}", (int(top["bid"]), int(top["ask"])), book.top())

    def compare_candles(self) -> None:
        """The last bars of every market and resolution, what the Indexer said last, what was counted."""
        twin = self.candles_twin
        same(
            "clock and rows skipped",
            (self.candles.clock_ns, self.candles.skipped),
            (twin.clock, twin.skipped),
        )
        for market, known in twin.markets.items():
            same(
                f"counts of {market}",
                tuple(self.candles.stats[market].tolist()),
                tuple(vars(known.counts).values()),
            )
            for r in range(7):
                same(
                    f"bars {market}/{r}", self.candles.bars(market, r, 20).tolist(), twin.bars(market, r, 20)
                )
                theirs = self.candles.theirs(market, r)
                told = None if theirs is None else tuple(theirs.tolist())
                same(f"the Indexer's candle {market}/{r}", told, twin.theirs(market, r))

    def compare_links(self) -> None:
        """What each connection has said: message ids, the last block."""
        for connection, link in self.decoder_twin.links.items():
            got = self.decoder.connections[connection]
            missing = sorted(got["missing_id"][: int(got["missing_n"])].tolist())
            want = (link.next_id, sorted(link.missing), link.lost)
            same(f"message ids of {connection}", (int(got["next_id"]), missing, int(got["lost_ids"])), want)
            block = self.decoder_twin.blocks.get(connection, (0, 0))
            same(f"height of {connection}", int(got["height"]), block[0])

    def compare_trades(self) -> None:
        """Counts, the last price and exact volumes."""
        for market, tally in self.trades_twin.markets.items():
            stat = self.trades.stats[market]
            same(
                f"trades of {market}",
                (int(stat["count"]), int(stat["duplicates"])),
                (tally.count, tally.duplicates),
            )
            if tally.last_price is not None:
                same(
                    f"last price of {market}",
                    Fraction(int(stat["last_price"]), 10 ** int(stat["last_dec"])),
                    tally.last_price,
                )
            buy, sell, decimals = self.trades.volumes(market)
            same(
                f"volumes of {market}",
                [Fraction(buy, 10**decimals), Fraction(sell, 10**decimals)],
                tally.volume,
            )


def ticker_of(market: Any) -> str:
    """The ticker of a row of a market table."""
    return bytes(np.asarray(market["ticker"])[: int(market["length"])]).decode("ascii")
