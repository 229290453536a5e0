"""The decoder beside its rows: message ids, bounds, what the inbox cannot hand over, state.

What each message becomes is tested against the naive twin (test_differential.py) and against real recordings
(test_conformance.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.tape import COUNTER_NAMES, KIND_NAMES, REASON_NAMES, Tape
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_OPERATOR, REC_REST, REC_VENUE, Record
from tests import messages as m

SECOND = 1_000_000_000
INEXACT = 1024


class Desk:
    def __init__(self, bytes_max: int = 1 << 16, records_max: int = 64, markets_max: int = 16) -> None:
        self.tape = Tape(bytes_max, records_max)
        self.decoder = Decoder(self.tape, markets_max)
        self.now_ns = SECOND

    def read(self, *frames: bytes, kind: int = REC_FRAME, connection: int = 0) -> list[tuple[str, Any]]:
        """(kind, side) of the rows of one tick."""
        self.now_ns += SECOND
        n = self.decoder.apply([(self.now_ns, connection, kind, frame) for frame in frames])
        return [(KIND_NAMES[r["kind"]], int(r["side"])) for r in self.tape.rows[:n]]

    def refusal(self, frame: bytes, kind: int = REC_FRAME) -> str:
        rows = self.read(frame, kind=kind)
        assert [name for name, _ in rows] == ["ERROR"], rows
        return REASON_NAMES[rows[0][1]]

    def counter(self, name: str) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index(name)])


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.read(m.connected(), m.markets(m.market("BTC-USD")))
    return desk


def test_ids_out_of_turn_are_missing_until_they_come(desk: Desk) -> None:
    desk.read(m.book("BTC-USD", 5, [("99", "1")]))
    assert desk.decoder.overdue(desk.now_ns, 0) == []
    desk.read(m.book("BTC-USD", 3, [("99", "1")]))
    assert desk.decoder.overdue(desk.now_ns + 2 * SECOND, SECOND) == [(0, 2)]
    assert desk.decoder.overdue(desk.now_ns + 9 * SECOND, SECOND) == []
    assert desk.counter("missing_ids") == 2


def test_a_new_connection_starts_its_ids_anew(desk: Desk) -> None:
    desk.read(m.book("BTC-USD", 9, [("99", "1")]))
    desk.read(m.connected("11111111-0000-4000-8000-00000000000a"))
    assert desk.decoder.overdue(desk.now_ns + 9 * SECOND, SECOND) == []


def test_a_great_leap_of_ids_is_bounded(desk: Desk) -> None:
    desk.read(m.book("BTC-USD", 10**15, [("99", "1")]))
    desk.read(m.book("BTC-USD", 10**15 + 50, [("99", "1")]))
    lost = 10**15 - 2 + 49
    assert desk.decoder.overdue(desk.now_ns, SECOND) == [(0, lost - 256)]
    assert desk.decoder.overdue(desk.now_ns + 9 * SECOND, SECOND) == [(0, 256)]
    assert desk.counter("missing_ids") == int(desk.decoder.connections[0]["lost_ids"]) == lost


def test_a_refused_message_did_come_unless_it_was_no_message(desk: Desk) -> None:
    assert desk.refusal(m.book("BTC-USD", 2, [("99.5", "1")])) == "off tick or step"
    assert desk.refusal(m.book("BTC-USD", 3, [("99", "1")])[:-1]) == "syntax"
    desk.read(m.book("BTC-USD", 4, [("99", "1")]))
    assert desk.decoder.overdue(desk.now_ns + 9 * SECOND, SECOND) == [(0, 1)]


def test_one_frame_beyond_the_limit_of_a_tick_is_one_error_row(desk: Desk) -> None:
    assert desk.refusal(b"[" * (1 << 17)) == "too large"
    assert desk.counter("rejected") == 1


def test_too_many_markets_are_refused_whole() -> None:
    desk = Desk(markets_max=3)
    assert desk.refusal(m.markets(*(m.market(f"M{i}-USD") for i in range(4)))) == "table full"
    assert (desk.decoder.markets_n, desk.decoder.tickers) == (0, [])
    desk.read(m.markets(*(m.market(f"M{i}-USD") for i in range(3))))
    assert desk.decoder.tickers == ["M0-USD", "M1-USD", "M2-USD"]
    assert [desk.decoder.market(t) for t in ("M2-USD", "M3-USD", "")] == [2, -1, -1]


@pytest.mark.parametrize("depth,reason", [(63, ""), (64, "too deep"), (100_00, "too deep")])
def test_nesting_is_bounded(desk: Desk, depth: int, reason: str) -> None:
    frame = b'{"type":"pong","x":' + b"[" * depth + b"]" * depth + b"}"
    assert (desk.refusal(frame) if reason else desk.read(frame)[0][0]) == (reason or "PONG")


@pytest.mark.parametrize(
    "kind,data,rows",
    [
        (REC_GAP, b"5 1000", ["GAP"]),
        (REC_LINK, b"closed 1006 gone away", ["LINK"]),
        (REC_LINK, b"open", ["LINK"]),
        (REC_OPERATOR, b"pause because", ["OPERATOR"]),
        (REC_GAP, b"5", ["ERROR"]),
        (REC_GAP, b"-5 3", ["ERROR"]),
        (REC_LINK, b"gone 1", ["ERROR"]),
        (REC_LINK, b"closed soon", ["ERROR"]),
        (REC_OPERATOR, b"", ["ERROR"]),
        (REC_VENUE, b"place 7 0 accepted", ["ANSWER"]),
        (REC_VENUE, b"cancel 4294967295 -1", ["ANSWER"]),
        (REC_VENUE, b"place 4294967296 0", ["ERROR"]),
        (REC_VENUE, b"transfer 7 0", ["ERROR"]),
        (REC_VENUE, b"place 7", ["ERROR"]),
        (REC_REST, b"height 200 \n{}", ["REST"]),
        (REC_REST, b"orders 429 ticker=BTC-USD\n<html>", ["REST"]),
        (REC_REST, b"orders 200 ticker=BTC-USD\n<html>", ["ERROR"]),
        (REC_REST, b"nothing 200 \n{}", ["ERROR"]),
        (REC_REST, b"height 200", ["ERROR"]),
        (
            REC_REST,
            b'orderbook 200 ticker=BTC-USD\n{"bids":[{"price":"9","size":"1"}],"asks":[]}',
            ["REST", "BOOK", "LEVEL"],
        ),
        (REC_REST, b'orderbook 200 ticker=ETH-USD\n{"bids":[],"asks":[]}', ["ERROR"]),
    ],
)
def test_records_of_our_own(desk: Desk, kind: int, data: bytes, rows: list[str]) -> None:
    assert [name for name, _ in desk.read(data, kind=kind)] == rows


@pytest.mark.parametrize(
    "record",
    [
        (1, 0, REC_FRAME, "text"),
        (1, 0, REC_FRAME, bytearray(b"{}")),
        (1, -1, REC_FRAME, b"{}"),
        (1, 5000, REC_FRAME, b"{}"),
        (1, 0, 9, b"{}"),
        (1, 0, REC_FRAME),
        [1, 0, REC_FRAME, b"{}"],
        (None, 0, REC_FRAME, b"{}"),
        (1 << 70, 0, REC_FRAME, b"{}"),
    ],
)
def test_what_no_inbox_hands_over_is_our_own_fault(record: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        Desk().decoder.apply([record])


def test_too_many_records_are_our_own_fault() -> None:
    records: list[Record] = [(1, 0, REC_FRAME, b"{}")] * 65
    with pytest.raises(ValueError, match="at most 64"):
        Desk().decoder.apply(records)


@pytest.mark.parametrize("cut", [0, 30, 60, 500, -1])
def test_a_damaged_state_is_refused_and_changes_nothing(desk: Desk, cut: int) -> None:
    state = desk.decoder.save()
    for damaged in (state[:cut], state + b"x", b"nonsense" + state[8:]):
        with pytest.raises(ValueError, match="state"):
            desk.decoder.load(damaged)
    assert desk.decoder.save() == state


def test_a_loaded_decoder_goes_on(desk: Desk) -> None:
    other = Desk()
    other.decoder.load(desk.decoder.save())
    other.now_ns = desk.now_ns
    frame = m.book("BTC-USD", 2, [("99", "1")])
    assert other.read(frame) == desk.read(frame) == [("LEVEL", 0)]
    assert other.decoder.digest() == desk.decoder.digest()
    with pytest.raises(ValueError, match="does not fit"):
        Decoder(Tape(), 0 + 1).load(b"decode/1" + (2).to_bytes(8, "little") + bytes(32))


def test_names_and_bounds() -> None:
    desk = Desk()
    with pytest.raises(IndexError, match="no market"):
        desk.decoder.ticker(0)
    with pytest.raises(ValueError, match="markets_max"):
        Decoder(Tape(), 0)
    for wrong in ({"bytes_max": 10}, {"bytes_max": 5 << 20}, {"records_max": 0}):
        with pytest.raises(ValueError, match="must lie in"):
            Tape(**wrong)


def test_a_row_as_plain_numbers_is_the_row(desk: Desk) -> None:
    row = desk.decoder.markets[0]
    known, status, kind, oracle_ns, num, dec, whole = desk.decoder.numbers(0)
    assert (known, status, kind, oracle_ns) == tuple(
        int(row[name]) for name in ("known", "status", "type", "oracle_ns")
    )
    assert (list(num), list(dec), list(whole)) == tuple(
        row[name].tolist() for name in ("num", "dec", "whole")
    )
    assert not any(desk.decoder.numbers(1)[4]), "a row that nobody filled"
    for market in (-1, len(desk.decoder.markets)):
        with pytest.raises(IndexError):
            desk.decoder.numbers(market)


def test_the_newest_block_of_all_connections(desk: Desk) -> None:
    assert desk.decoder.block_ns == 0
    for message_id, time in enumerate(("16:00:01.000Z", "16:00:00.500Z"), 2):
        block = {"blockHeight": str(message_id), "time": f"2025-12-08T{time}"}
        desk.read(m.data("v4_block_height", "v4_block_height", message_id, block))
    newest = int(desk.decoder.connections["block_ns"].max())
    assert desk.decoder.block_ns == newest > 0


def test_a_price_that_a_division_made_is_cut_to_the_tick_and_said_to_be(desk: Desk) -> None:
    def deal(price: str) -> bytes:
        return m.trades("BTC-USD", 2, ("1", "BUY", "1", price, "2026-11-21T10:00:00.000Z"))

    assert desk.read(deal("42.12345678901234567891")) == [("TRADE", 0)]
    row = desk.tape.rows[0]
    assert (row["price"], row["flags"] >> 24, bool(row["flags"] & INEXACT)) == (42, 0, True)
    assert desk.refusal(deal("0.12345678901234567891")) == "bad value"
