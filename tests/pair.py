"""The kernels and their naive twins side by side: the same records in, equal rows and equal state out.

`Pair.feed(records)` runs one tick through both and compares every field of every row and every side-table
entry;
`Pair.compare_state()` compares books, trades, the market table and the counters. A difference is an assertion
that names what differs.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, REASON_NAMES, Tape
from sniper._ext.trades import Trades
from tests.reference_book import BooksTwin
from tests.reference_contents import CANDLE_NUMBERS
from tests.reference_decode import DecoderTwin, Record, Row
from tests.reference_markets import FIELDS, NUMS, WHOLES
from tests.reference_trades import TradesTwin
from tests.reference_values import id_words

KINDS = {name: number for number, name in enumerate(KIND_NAMES)}
REASONS = {
    "SYNTAX": 1,
    "DUPLICATE_KEY": 2,
    "MISSING_KEY": 3,
    "BAD_VALUE": 4,
    "OFF_GRID": 5,
    "UNKNOWN_MARKET": 6,
    "TOO_LARGE": 7,
    "TOO_DEEP": 8,
    "NON_ASCII": 9,
    "FULL": 10,
    "BAD_RECORD": 11,
    "HTTP": 12,
}
SHAPE = {
    REASONS[name]
    for name in ("DUPLICATE_KEY", "MISSING_KEY", "BAD_VALUE", "OFF_GRID", "NON_ASCII", "UNKNOWN_MARKET")
}
# Of several faults the kernel names the first it meets and the twin may not look at all of them, so any two
# of
# SHAPE are taken for equal here. That each fault alone gets its own name is what tests/test_reference.py
# checks.
CANDLE_FIELDS = ("open", "high", "low", "close", "volume", "usd_volume", "open_interest")
CANDLE_DECIMALS = ("open_dec", "high_dec", "low_dec", "close_dec", "volume_dec", "usd_dec", "interest_dec")
NOT_COUNTED = {
    "late_trades",
    "resubscribes",
    "reconnects",
    "candle_mismatch",
    "candle_match",
    "book_overflow",
    "fast_frames",
}


class Difference(AssertionError):
    """Kernel and twin disagree."""


def same(what: str, kernel: Any, twin: Any) -> None:
    """Raise where the two are not equal."""
    if kernel != twin:
        raise Difference(f"{what}: kernel {kernel!r}, twin {twin!r}")


def number(what: str, value: int, decimals: int, exact: tuple[int, int]) -> None:
    """`value` with so many decimals is the exact number, or its first 18 digits where it has more."""
    if value * 10 ** exact[1] == exact[0] * 10**decimals:
        return
    left = Fraction(abs(exact[0]), 10 ** exact[1]) - Fraction(abs(value), 10**decimals)
    if not (0 < left < Fraction(1, 10**decimals) and abs(value) >= 10**17 and value * exact[0] > 0):
        raise Difference(f"{what}: kernel {value} / 10^{decimals}, twin {exact[0]} / 10^{exact[1]}")


class Pair:
    """Fresh kernels and fresh twins."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.decoder, self.books, self.trades = Decoder(self.tape), Books(self.tape), Trades(self.tape)
        self.decoder_twin, self.books_twin, self.trades_twin = DecoderTwin(), BooksTwin(), TradesTwin()
        self.words: dict[tuple[int, int], str] = {}

    def feed(self, records: list[Record]) -> list[Row]:
        """One tick. Returns the twin's rows; raises Difference."""
        n = self.decoder.apply(records)
        self.books.apply(n)
        self.trades.apply(n)
        rows = self.decoder_twin.apply(records)
        self.books_twin.apply(rows)
        self.trades_twin.apply(rows)
        got = self.tape.rows[:n].tolist()
        for i, (mine, theirs) in enumerate(zip(got, rows, strict=False)):
            self.compare_row(i, mine, theirs)
        same("number of rows", n, len(rows))
        return rows

    def compare_row(self, i: int, got: tuple[int, ...], row: Row) -> None:
        """One row and what it refers to."""
        kind, ref, side = row["kind"], row["ref"], row["side"]
        if kind == "ERROR":
            names = {REASONS[name] for name in row["reasons"]}
            side = got[11] if got[11] in names or (names & SHAPE and got[11] in SHAPE) else -1
        if kind in ("TRADE", "CANDLE", "MARKET", "ORACLE"):
            ref = got[7]
        if kind in ("CANDLE", "ORACLE", "FUNDING"):  # any scale will do that says the same number
            row = self.rescaled(row, got)
        want = (
            row["recv_ns"],
            row["venue_ns"],
            row["price"],
            row["size"],
            row["bid"],
            row["ask"],
            row["frame"],
            ref,
            row["flags"],
            row["market"],
            KINDS[kind],
            side,
        )
        if got != want:
            names = self.tape.rows.dtype.names
            text = ", ".join(
                f"{name} {mine} / {theirs}"
                for name, mine, theirs in zip(names, got, want, strict=True)
                if mine != theirs
            )
            why = (
                f" reason {REASON_NAMES[got[11]]!r} / {row.get('reasons')}"
                if KIND_NAMES[got[10]] == "ERROR" or kind == "ERROR"
                else ""
            )
            raise Difference(f"row {i} kernel {KIND_NAMES[got[10]]} twin {kind}: {text}{why}")
        if kind == "TRADE":
            self.compare_trade(self.tape.trades[ref], row["trade"])
        elif kind == "CANDLE":
            self.compare_candle(self.tape.candles[ref], row["candle"])
        elif kind == "MARKET":
            self.compare_update(self.tape.markets[ref], row)
        elif kind == "ORACLE":
            same("ticker of the oracle update", ticker_of(self.tape.markets[ref]), row["update"])

    def rescaled(self, row: Row, got: tuple[int, ...]) -> Row:
        """The row with its exact decimals in the scale that the kernel chose."""
        made = dict(row)
        for field, at, shift in (("price", 2, 24), ("size", 3, 16)):
            if isinstance(row[field], tuple):
                decimals = got[8] >> shift & 0xFF
                number(field, got[at], decimals, row[field])
                made[field] = got[at]
                made["flags"] |= decimals << shift
        return made

    def compare_trade(self, got: Any, trade: dict[str, Any]) -> None:
        """Identity of a trade: exact for 24 hex digits, else one pair of words a text."""
        text = trade["id"]
        words = int(got["id_high"]), int(got["id_low"])
        exact = id_words(text)
        same("form of the id", int(got["id_form"]), 0 if exact else 1)
        same("height of the trade", int(got["height"]), trade["height"])
        same("length of the id", int(got["id_length"]), len(text))
        if exact:
            same("words of the id", words, exact)
        else:
            same("text of the id words", self.words.setdefault(words, text), text)

    def compare_candle(self, got: Any, candle: dict[str, Any]) -> None:
        """All numbers of a candle."""
        same("start of the candle", int(got["started_ns"]), candle["startedAt"])
        same("trades of the candle", int(got["trades"]), candle["trades"])
        same("resolution of the candle", int(got["resolution"]), candle["resolution"])
        for key, field, decimals in zip(CANDLE_NUMBERS, CANDLE_FIELDS, CANDLE_DECIMALS, strict=True):
            number(f"candle {key}", int(got[field]), int(got[decimals]), candle[key])

    def compare_update(self, got: Any, row: Row) -> None:
        """The fields that came with a MARKET row."""
        same("ticker of the update", ticker_of(got), row["update"]["ticker"])
        same("mask of the update", int(got["mask"]), row["update"]["mask"])
        for key, value in row["update"]["values"].items():
            self.compare_field(got, key, value)

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
        counters = dict(zip(COUNTER_NAMES, self.tape.counters.tolist(), strict=False))
        totals = dict(self.decoder_twin.counters)
        books = self.books_twin.books.values()
        tallies = self.trades_twin.markets.values()
        totals |= {
            "unknown_removes": sum(b.unknown_removes for b in books),
            "crossings": sum(b.crossings for b in books),
            "orphan_levels": sum(b.orphans for b in books),
            "snapshots": sum(b.snapshots for b in books),
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
