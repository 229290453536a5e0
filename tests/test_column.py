"""column: kernels do their parts in turn, and say what Python has to look after."""

from __future__ import annotations

import gc

import pytest

from sniper._ext.candles import Candles
from sniper._ext.column import SAID_FACTS, SAID_HALT, Column
from sniper._ext.decode import Decoder
from sniper._ext.liquidation import Liquidation
from sniper._ext.notices import TO_ACCOUNT, TO_FUNDING, TO_ORDERS, Notices
from sniper._ext.orderbook import Books
from sniper._ext.signals import Signals
from sniper._ext.tape import STAGE_NAMES, Tape
from sniper._ext.trades import Trades
from sniper.engine import Engine, Settings
from sniper.types import REC_FRAME, Record
from tests import messages as m
from tests.ordering import MARKETS, known

SECOND = 10**9


class Kernels:
    """All kernels of one tape, and a first book."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.decoder: Decoder = known(self.tape, MARKETS)
        self.books, self.trades = Books(self.tape), Trades(self.tape)
        self.candles, self.notices = Candles(self.tape), Notices(self.tape)
        self.signals = Signals(self.tape, self.decoder.markets, self.books, self.candles)
        self.margin = Liquidation(self.tape, self.decoder.markets)
        self.decoder.allow(10 * SECOND, 30 * SECOND, 30 * SECOND)
        self.books.allow(15 * SECOND)
        self.market = Column(self.books, self.trades, self.candles, self.decoder)
        self.ticker = self.decoder.ticker(0)
        self.ids = 1
        self.feed(0)

    def snapshot(self, at_s: float) -> Record:
        self.ids = 2
        return int(at_s * SECOND), 0, REC_FRAME, m.snapshot(self.ticker, [("100", "1")], [("101", "2")])

    def frame(self, at_s: float, channel: str, name: str | None, contents: object) -> Record:
        self.ids += 1
        return int(at_s * SECOND), 0, REC_FRAME, m.data(channel, name, self.ids, contents)

    def oracle(self, at_s: float) -> Record:
        price = {"oraclePrice": "90000", "effectiveAt": "2025-12-08T16:00:00.000Z"}
        return self.frame(at_s, "v4_markets", None, {"oraclePrices": {self.ticker: price}})

    def feed(self, at_s: float, *records: Record) -> int:
        return self.decoder.apply(list(records))


def test_kernels_do_their_parts_in_turn() -> None:
    """A column does what calls from Python do, to the digest."""
    found = []
    for column in (True, False):
        one = Kernels()
        at_s = 1.0
        for records in (
            [one.snapshot(1)],
            [one.frame(2, "v4_orderbook", one.ticker, {"bids": [["100", "3"]]})],
            [one.oracle(3)],
        ):
            n = one.decoder.apply(records)
            if column:
                one.market.run(int(at_s * SECOND), n)
                Column(one.signals, one.margin).run(int(at_s * SECOND), n)
            else:
                for kernel in (one.books, one.trades, one.candles, one.signals):
                    kernel.apply(n)
                one.signals.update(int(at_s * SECOND))
                one.margin.apply(n)
                one.margin.update()
            at_s += 1.0
        found.append((one.tape.digests.tobytes(), one.books.tops.tobytes(), one.signals.scores.tobytes()))
    assert found[0] == found[1] and any(found[0][0])
    assert len(found[0][0]) == 16 * len(STAGE_NAMES)


def test_rows_that_concern_us_keep_the_kernels_behind_from_running() -> None:
    one = Kernels()
    column = Column(one.notices, one.margin)
    one.margin.set_usdc(0, 5_000_000)
    n = one.feed(1, one.frame(1, "v4_subaccounts", "dydx1me/0", {}))
    said = column.run(SECOND, n)
    assert said & SAID_HALT and said & TO_ACCOUNT and not said & SAID_FACTS
    n = one.feed(2, one.oracle(2))
    assert column.run(2 * SECOND, n) == SAID_FACTS, "the account is computed in the tick after"
    assert column.run(3 * SECOND, one.feed(3)) == 0
    block = {"blockHeight": "7", "time": "2025-12-08T16:00:00.000Z"}
    n = one.feed(4, one.frame(4, "v4_block_height", "v4_block_height", block))
    assert column.run(4 * SECOND, n) == TO_FUNDING | TO_ORDERS | SAID_HALT, "the first block of an hour"
    n = one.feed(5, one.frame(5, "v4_block_height", "v4_block_height", block | {"blockHeight": "8"}))
    assert column.run(5 * SECOND, n) == TO_ORDERS, "who follows orders is told, and nothing is held up"


def test_doubts_are_told_as_long_as_they_last() -> None:
    one = Kernels()
    assert one.market.run(SECOND, one.feed(1, one.oracle(1))) == 0
    assert one.market.run(40 * SECOND, one.feed(40)), "a connection that fell silent"
    one.decoder.expect((0,), False)
    assert not one.market.run(40 * SECOND, one.feed(40))
    one.decoder.expect((0,), True)
    assert one.market.run(40 * SECOND, one.feed(40))
    one.decoder.expect((), False)
    loud = one.feed(41, one.snapshot(41))
    assert one.market.run(41 * SECOND, loud), "a snapshot is for `Links` to read"
    crossing = one.feed(42, one.frame(42, "v4_orderbook", one.ticker, {"bids": [["102", "3"]]}))
    assert not one.market.run(42 * SECOND, crossing)
    assert not one.market.run(56 * SECOND, one.feed(56, one.oracle(56)))
    assert one.market.run(57 * SECOND, one.feed(57, one.oracle(57))), "crossed for too long"


def test_a_column_keeps_its_kernels_and_takes_nothing_else() -> None:
    column = Kernels().market
    gc.collect()
    assert column.run(SECOND, 0) == 0
    with pytest.raises(ValueError, match="1 to 8"):
        Column()
    with pytest.raises(ValueError, match="1 to 8"):
        Column(*[Kernels().books] * 9)
    with pytest.raises(AttributeError):
        Column(7)

    class Other:
        def __init__(self, step: object) -> None:
            self._step = step

        def step(self) -> object:
            return self._step

    with pytest.raises(ValueError, match="PyCapsule"):
        Column(Other(7))
    with pytest.raises(ValueError, match="another kernel"):
        Column(Other(Kernels().books.step()))


def test_what_a_kernel_raises_passes_through() -> None:
    one = Kernels()
    with pytest.raises(ValueError, match="the tape holds"):
        one.market.run(SECOND, 1 << 40)
    assert one.market.run(SECOND, 0) == 0


def test_an_engine_asks_links_only_where_something_is_amiss() -> None:
    engine = Engine(Settings(tickers=("BTC-USD",)))
    calls: list[int] = []
    decode, follow, link, decide = engine._work

    def counted(now_ns: int) -> tuple[object, ...]:
        calls.append(now_ns)
        return link(now_ns)

    engine._work = decode, follow, counted, decide  # type: ignore[assignment]
    engine.tick(SECOND, [(SECOND, 0, REC_FRAME, m.connected("one"))])
    assert calls == [SECOND]
    for second in range(2, 12):
        engine.tick(second * SECOND, [])
    assert calls == [SECOND]
    engine.tick(60 * SECOND, [])
    assert calls == [SECOND, 60 * SECOND] and engine.links.silent == {0: True}
    engine.tick(61 * SECOND, [])
    assert len(calls) == 2, "that it is silent is known"
