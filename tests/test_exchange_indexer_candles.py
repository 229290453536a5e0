"""Candles against a naive account of the same blocks: empty ones, rewritten opens, final previous ones."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.indexer.candles import Candles
from sniper.exchange.indexer.topics import RESOLUTIONS
from tests.exchange_chain import BTC, START_NS, changed, filled, opened, order, rests
from tests.exchange_indexing import Desk, contents

SECOND_NS = 1_000_000_000


def trade(price: int, size: int = 1) -> tuple[Decimal, Decimal]:
    return Decimal(price), Decimal(size)


def test_nothing_before_the_first_trade_and_then_every_resolution() -> None:
    candles = Candles(10)
    assert candles.block(START_NS, [], "0", None) == [] and not candles.due(START_NS + 60 * SECOND_NS)
    told = candles.block(START_NS, [trade(10), trade(12), trade(9)], "5", "10.5")
    assert [each.resolution for each in told] == list(RESOLUTIONS)
    item = told[0].item("BTC-USD")
    assert item == {
        "startedAt": "2025-12-08T16:00:00.000Z",
        "ticker": "BTC-USD",
        "resolution": "1MIN",
        "low": "9",
        "high": "12",
        "open": "10",
        "close": "9",
        "baseTokenVolume": "3",
        "usdVolume": "31",
        "trades": 3,
        "startingOpenInterest": "5",
        "orderbookMidPriceOpen": "10.5",
        "orderbookMidPriceClose": "10.5",
    }


def test_a_quiet_interval_begins_empty_at_the_last_close_and_its_open_is_rewritten() -> None:
    candles = Candles(10)
    candles.block(START_NS, [trade(10), trade(12)], "0", "1")
    next_ns = START_NS + 60 * SECOND_NS
    assert candles.due(next_ns)
    told = candles.block(next_ns, [], "7", "2")
    assert [(each.resolution, each.start_s * SECOND_NS) for each in told] == [
        ("1MIN", START_NS),
        ("1MIN", next_ns),
    ]
    final, empty = (each.item("X") for each in told)
    assert (final["orderbookMidPriceOpen"], final["orderbookMidPriceClose"]) == ("1", "2")
    assert {empty[name] for name in ("open", "high", "low", "close")} == {"12"}
    assert (empty["trades"], empty["usdVolume"], empty["baseTokenVolume"]) == (0, "0", "0")
    assert empty["startingOpenInterest"] == "7"
    told = candles.block(next_ns + SECOND_NS, [trade(15)], "0", None)
    minute = told[0].item("X")
    assert (minute["open"], minute["low"], minute["close"], minute["trades"]) == ("15", "15", "15", 1)
    assert not candles.due(next_ns + SECOND_NS)


def test_a_candle_that_begins_with_trades_opens_at_the_first_of_them() -> None:
    candles = Candles(10)
    candles.block(START_NS, [trade(10)], "0", None)
    told = candles.block(START_NS + 61 * SECOND_NS, [trade(20), trade(18)], "0", None)
    assert [each.resolution for each in told][:2] == ["1MIN", "1MIN"]
    new = told[1].item("X")
    assert (new["open"], new["high"], new["low"], new["close"]) == ("20", "20", "18", "18")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400), st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9)), max_size=3)
        ),
        max_size=25,
    )
)
def test_bars_are_what_their_trades_say(blocks: list[tuple[int, list[tuple[int, int]]]]) -> None:
    candles, at_s, of = Candles(1000), START_NS // SECOND_NS, dict[int, list[tuple[int, int]]]()
    traded, last, expected_close = False, 0, dict[int, int]()
    for after_s, trades in blocks:
        at_s += after_s
        candles.block(at_s * SECOND_NS, [trade(*each) for each in trades], "0", None)
        traded = traded or bool(trades)
        if traded:
            of.setdefault(at_s // 300 * 300, []).extend(trades)
        last = trades[-1][0] if trades else last
        expected_close[at_s // 300 * 300] = last
    found = {each.start_s: each for each in candles.of["5MINS"]}
    assert sorted(found) == sorted(of)
    for start_s, trades in of.items():
        candle, prices = found[start_s], [price for price, _ in trades]
        assert candle.close == expected_close[start_s] and candle.trades == len(trades)
        assert candle.base == sum(size for _, size in trades)
        assert candle.usd == sum(price * size for price, size in trades)
        if trades:
            assert (candle.open, candle.high, candle.low) == (prices[0], max(prices), min(prices))


def test_the_ring_forgets() -> None:
    candles = Candles(3)
    for minute in range(10):
        candles.block(START_NS + minute * 60 * SECOND_NS, [trade(1)], "0", None)
    assert [len(ring) for ring in candles.of.values()][:2] == [3, 2]


def test_the_channel_tells_a_bare_candle_a_block_and_two_at_a_boundary() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe("v4_candles", "BTC-USD/1MIN")
    maker, taker = order(1, 1, 100), order(2, 2, 50)
    desk.take(opened(maker), rests(maker))
    each = filled(taker, maker, 50, 0)
    desk.block(each, changed(0, (0, 50 * BTC.step_base_quantums, 0)))
    (first,) = contents(desk.read(), "v4_candles")
    assert first["trades"] == 1 and first["baseTokenVolume"] == "0.005" and first["close"] == "89900"
    desk.block()
    assert contents(desk.read(), "v4_candles") == []
    desk.block(after_ns=60 * SECOND_NS)
    final, empty = contents(desk.read(), "v4_candles")
    assert final["startedAt"] < empty["startedAt"] and empty["trades"] == 0
    assert (first["startingOpenInterest"], empty["startingOpenInterest"]) == ("0", "0.005")
    found = desk.ok("/v4/candles/perpetualMarkets/BTC-USD", resolution="1MIN")["candles"]
    assert found == [empty, final]
