"""The kernels and their naive twins side by side: the same records in, equal rows and equal state out.

`Pair.feed(records)` runs one tick through both and compares every field of every row and every side-table
entry;
`Pair.compare_state()` compares books, trades, the market table and the counters. A difference is an assertion
that names what differs.
"""

from __future__ import annotations

from typing import Any

from sniper._ext.candles import Candles
from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import KIND_NAMES, REASON_NAMES, Tape
from sniper._ext.trades import Trades
from tests import reference_candles
from tests.reference_book import BooksTwin
from tests.reference_contents import CANDLE_NUMBERS
from tests.reference_decode import DecoderTwin, Record, Row
from tests.reference_trades import TradesTwin
from tests.reference_values import id_words
from tests.state import Difference, State, number, same, ticker_of

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
# Of several faults the kernel names the first it meets and the twin may not look at all of them, so any two of
# SHAPE are taken for equal here. That each fault alone gets its own name is what tests/test_reference.py
# checks.
CANDLE_FIELDS = ("open", "high", "low", "close", "volume", "usd_volume", "open_interest")
CANDLE_DECIMALS = ("open_dec", "high_dec", "low_dec", "close_dec", "volume_dec", "usd_dec", "interest_dec")
BARS = 16  # kept of each resolution
DUPLICATE, LATE, SNAPSHOT, INEXACT = 2, 4, 1, 1024


class Pair(State):
    """Fresh kernels and fresh twins."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.decoder, self.books, self.trades = Decoder(self.tape), Books(self.tape), Trades(self.tape)
        self.candles = Candles(self.tape, 1024, BARS)
        self.candles_twin = reference_candles.Candles(1024, BARS)
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
        self.candles.apply(n)
        told = [i for i, row in enumerate(rows) if row["kind"] != "LEVEL"]
        late = self.candles_twin.apply([self.candle_row(got[i], rows[i]) for i in told])
        flags = self.tape.rows["flags"][:n].tolist()
        same(
            "late rows", [i for i in range(n) if flags[i] & LATE], [told[i] for i, x in enumerate(late) if x]
        )
        return rows

    def candle_row(self, got: tuple[int, ...], row: Row) -> reference_candles.Row:
        """The row as the candles' own twin wants it. The scale of an Indexer's candle is the decoder's choice."""
        flags, view = got[8], None
        if row["kind"] == "CANDLE":
            candle = self.tape.candles[got[7]]
            pairs = [
                (int(candle[n]), int(candle[d]))
                for n, d in zip(CANDLE_FIELDS[:6], CANDLE_DECIMALS, strict=False)
            ]
            view = reference_candles.View(int(candle["started_ns"]), *pairs, int(candle["trades"]))
        return reference_candles.Row(
            row["kind"],
            row["market"],
            got[11],
            got[2],
            got[3],
            flags >> 24,
            flags >> 16 & 0xFF,
            got[1],
            got[7],
            bool(flags & DUPLICATE),
            bool(flags & SNAPSHOT),
            bool(flags & INEXACT),
            view,
        )

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
