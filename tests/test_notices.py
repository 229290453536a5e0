"""notices: who has to look at a tick, and what is kept of every tick."""

from __future__ import annotations

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.notices import TO_ACCOUNT, TO_FUNDING, TO_OPERATOR, TO_ORDERS, Notices
from sniper._ext.tape import Tape
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_FRAME, REC_GAP, REC_OPERATOR, REC_VENUE
from tests import messages as m
from tests.ordering import MARKETS, known

HOUR_NS = 3_600 * 10**9


class Hearing:
    """A tape with a market table, and the notices of what comes in."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.decoder: Decoder = known(self.tape, MARKETS)
        self.notices = Notices(self.tape)
        self.ids = 100
        self.ticker = self.decoder.ticker(0)

    def hear(self, now_ns: int, *records: tuple[int, int, bytes]) -> int:
        self.decoder.apply([(now_ns, connection, kind, data) for connection, kind, data in records])
        return self.notices.hear(now_ns)

    def frame(self, channel: str, name: str | None, contents: object) -> tuple[int, int, bytes]:
        self.ids += 1
        return 0, REC_FRAME, m.data(channel, name, self.ids, contents)

    def block(self, height: int, time: str) -> tuple[int, int, bytes]:
        return self.frame("v4_block_height", "v4_block_height", {"blockHeight": str(height), "time": time})

    def oracle(self, ticker: str) -> tuple[int, int, bytes]:
        price = {"oraclePrice": "90000", "effectiveAt": "2025-12-08T16:00:00.000Z"}
        return self.frame("v4_markets", None, {"oraclePrices": {ticker: price}})

    def market(self, **fields: str) -> tuple[int, int, bytes]:
        return self.frame("v4_markets", None, {"trading": {self.ticker: fields}})


@pytest.fixture
def hearing() -> Hearing:
    return Hearing()


def test_a_tick_of_the_market_alone_concerns_nobody(hearing: Hearing) -> None:
    assert hearing.hear(1) == 0
    book = hearing.frame("v4_orderbook", hearing.ticker, {"bids": [["90000", "1"]]})
    trade = {"id": "a" * 24, "size": "1", "price": "90000", "side": "BUY", "type": "LIMIT"}
    trades = hearing.frame(
        "v4_trades", hearing.ticker, {"trades": [{**trade, "createdAt": "2025-12-08T16:00:00.000Z"}]}
    )
    assert hearing.hear(2, book, trades) == 0
    assert (hearing.notices.height, hearing.notices.feed_ns) == (0, 0)


def test_heights_rise_and_each_new_hour_concerns_funding(hearing: Hearing) -> None:
    assert hearing.hear(1, hearing.block(7, "2025-12-08T16:59:59.000Z")) == TO_ORDERS | TO_FUNDING
    assert hearing.hear(2, hearing.block(8, "2025-12-08T16:59:59.900Z")) == TO_ORDERS
    assert hearing.hear(3, hearing.block(8, "2025-12-08T16:59:59.950Z")) == 0, (
        "the same height by another way"
    )
    assert hearing.hear(4, hearing.block(6, "2025-12-08T16:59:58.000Z")) == 0
    assert hearing.notices.height == 8
    assert hearing.hear(5, hearing.block(9, "2025-12-08T17:00:00.000Z")) == TO_ORDERS | TO_FUNDING
    there_and_back = (
        hearing.block(10, "2025-12-08T18:00:00.000Z"),
        hearing.block(11, "2025-12-08T17:00:01.000Z"),
    )
    assert hearing.hear(6, *there_and_back) == TO_ORDERS | TO_FUNDING
    assert hearing.notices.height == 11


def test_oracle_prices_are_the_life_of_the_feed_and_rates_concern_funding(hearing: Hearing) -> None:
    assert hearing.hear(5, hearing.oracle(hearing.decoder.ticker(1))) == 0
    assert hearing.notices.feed_ns == 5
    assert hearing.hear(6, hearing.market(openInterest="12")) == TO_ACCOUNT
    assert hearing.notices.feed_ns == 5
    assert hearing.hear(7, hearing.market(nextFundingRate="0.0001")) == TO_ACCOUNT | TO_FUNDING


@pytest.mark.parametrize(
    ("record", "whom"),
    [
        ((VENUE_CONNECTION, REC_VENUE, b"place 7 0 accepted"), TO_ACCOUNT),
        ((0, REC_GAP, b"3 100"), TO_ACCOUNT),
        ((0, REC_FRAME, b"{"), TO_ACCOUNT),
        ((VENUE_CONNECTION, REC_OPERATOR, b"pause lunch"), TO_OPERATOR),
    ],
)
def test_who_is_told_of_what(hearing: Hearing, record: tuple[int, int, bytes], whom: int) -> None:
    assert hearing.hear(1, record) == whom


def test_it_goes_on_from_a_state(hearing: Hearing) -> None:
    hearing.hear(1, hearing.block(7, "2025-12-08T16:59:59.000Z"))
    hearing.notices.restart(5, 3)
    assert (hearing.notices.height, hearing.notices.feed_ns) == (5, 3)
    assert hearing.hear(2, hearing.block(6, "2025-12-08T16:59:59.000Z")) == TO_ORDERS | TO_FUNDING


def test_what_is_above_the_ceiling_is_no_height(hearing: Hearing) -> None:
    notices = hearing.notices
    hearing.hear(1, hearing.block(100, "2025-12-08T16:00:00.000Z"))
    notices.ceiling = 110
    told = hearing.hear(
        2, hearing.block(500, "2025-12-08T18:00:00.000Z"), hearing.block(110, "2025-12-08T16:00:01.000Z")
    )
    assert told == TO_ORDERS, "the hour of a block that is not believed has not come"
    assert (notices.height, notices.height_ns, notices.leap) == (110, 2, 500)
    hearing.hear(3, hearing.block(111, "2025-12-08T16:00:02.000Z"))
    assert (notices.height, notices.leap) == (110, 111)
    hearing.hear(4)
    assert notices.leap == 0
    notices.believe(500, 5)
    assert (notices.height, notices.height_ns) == (500, 5)
