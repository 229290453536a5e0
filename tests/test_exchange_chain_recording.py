"""A recording served as the market."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.checks import faults
from sniper.exchange.chain.recording import RecordedFlow, Recording, genesis_of, number, terms_of
from sniper.exchange.facts import BUY, SELL, Filled, OraclePriced
from sniper.exchange.terms import FINAL_SETTLEMENT
from sniper.feed.replay import ticks_of
from sniper.feed.sim import Sim
from sniper.feed.sim.feed import START_NS as SIM_START_NS
from sniper.types import REC_FRAME, REC_GAP, REC_REST, Record, Watch
from tests import real
from tests.small_chain import BTC

MS = 1_000_000
START_NS = 1_767_225_600_000 * MS

LISTED: dict[str, Any] = {
    "clobPairId": "0",
    "ticker": "BTC-USD",
    "status": "ACTIVE",
    "oraclePrice": "90000",
    "initialMarginFraction": "0.02",
    "maintenanceMarginFraction": "0.012",
    "atomicResolution": -10,
    "quantumConversionExponent": -9,
    "stepBaseQuantums": 1_000_000,
    "subticksPerTick": 100_000,
    "marketType": "CROSS",
    "openInterestLowerCap": "0",
    "openInterestUpperCap": "0",
    "defaultFundingRate1H": "0.0000125",
}


def frame(channel: str, contents: Any, kind: str = "channel_data", name: str = "BTC-USD") -> bytes:
    return json.dumps({"type": kind, "channel": channel, "id": name, "contents": contents}).encode()


def recording(*frames: bytes, every_ms: int = 100) -> Recording:
    body = b"perpetualMarkets 200 \n" + json.dumps({"markets": {"BTC-USD": LISTED}}).encode()
    records: list[Record] = [(START_NS, 0, REC_REST, body)]
    ticks = [(START_NS, records)]
    for number_of, data in enumerate(frames, 1):
        now_ns = START_NS + number_of * every_ms * MS
        ticks.append((now_ns, [(now_ns, 0, REC_FRAME, data)]))
    return Recording(ticks)


def play(*frames: bytes, blocks: int = 4) -> tuple[Chain, list[object]]:
    said = recording(*frames)
    made = Chain(said.genesis.markets, prices=said.genesis.prices, now_ns=said.start_ns, height=100)
    flow = RecordedFlow(made, said)
    flow.open()
    made.end_block(START_NS + 10 * MS)
    news: list[object] = []
    for _ in range(blocks):
        for _ in range(5):
            flow.pulse(made.core.clock_ns + 50 * MS)
        flow.block(made.core.clock_ns)
        made.end_block(made.core.clock_ns)
        news.extend(made.news)
        made.news.clear()
        assert faults(made.core) == []
    assert flow.exhausted
    return made, news


def shown(made: Chain) -> list[tuple[int, float, float]]:
    book = made.core.markets[0].book
    return [
        (side, resting.order.subticks / 1e5, resting.remaining / 1e10)
        for side in (BUY, SELL)
        for resting in book.walk(side)
    ]


SNAPSHOT = frame(
    "v4_orderbook",
    {
        "bids": [{"price": "89999", "size": "0.5"}, {"price": "89990", "size": "1"}],
        "asks": [{"price": "90001", "size": "0.25"}, {"price": "90010", "size": "2"}],
    },
    "subscribed",
)


def test_terms_come_from_the_list() -> None:
    terms, price = terms_of(LISTED)
    assert terms == BTC._replace(default_funding_ppm=100, impact_notional=5_000_000_000)
    assert price == 90_000 * 10**5
    settled, _ = terms_of(LISTED | {"status": "PAUSED"})
    assert settled.status == FINAL_SETTLEMENT


def test_what_is_no_market_is_left_out() -> None:
    bad = [
        LISTED | {"stepBaseQuantums": 0},
        LISTED | {"oraclePrice": "NaN"},
        {"ticker": "X"},
        LISTED | {"oraclePrice": "0"},
    ]
    found = genesis_of({"good": LISTED} | {str(at): entry for at, entry in enumerate(bad)})
    assert [terms.ticker for terms in found.markets] == ["BTC-USD"]
    with pytest.raises(ValueError, match="no market"):
        genesis_of({"bad": bad[0]})
    for text in ("1e400", "inf", "x", None, "1" * 50):
        with pytest.raises(ValueError, match="number"):
            number(text)


def test_a_recording_without_markets_is_refused() -> None:
    with pytest.raises(ValueError, match="no market"):
        Recording([(START_NS, [(START_NS, 0, REC_FRAME, SNAPSHOT), (START_NS, 0, REC_GAP, b"{}")])])


def test_a_book_and_its_changes_become_orders() -> None:
    made, _ = play(
        b"no json",
        SNAPSHOT,
        frame("v4_orderbook", {"bids": [["89999", "0"], ["89998", "0.3"]]}),
        frame(
            "v4_orderbook", [{"asks": [["90001", "0.2"]]}, {"asks": [["90010", "0"]]}], "channel_batch_data"
        ),
        frame("v4_orderbook", {"bids": [["junk", "1"]]}),
        frame("v4_orderbook", {"bids": [["1", "1"]]}, name="NONE-USD"),
    )
    assert shown(made) == [(BUY, 89_998.0, 0.3), (BUY, 89_990.0, 1.0), (SELL, 90_001.0, 0.2)]


def test_a_crossed_recording_is_quoted_uncrossed() -> None:
    made, _ = play(SNAPSHOT, frame("v4_orderbook", {"bids": [["90005", "0.1"]]}))
    assert shown(made) == [
        (BUY, 89_999.0, 0.5),
        (BUY, 89_990.0, 1.0),
        (SELL, 90_001.0, 0.25),
        (SELL, 90_010.0, 2.0),
    ]


def test_trades_become_takers() -> None:
    def trade(side: str, size: str, price: str) -> dict[str, str]:
        return {"side": side, "size": size, "price": price}

    _, news = play(
        SNAPSHOT,
        frame("v4_trades", {"trades": [trade("BUY", "9", "90001")]}, "subscribed"),
        frame("v4_trades", {"trades": [trade("BUY", "0.1", "90001"), trade("SELL", "0.2", "89999")]}),
        frame(
            "v4_trades", {"trades": [trade("BUY", "0.1", "89000"), trade("SELL", "0", "1"), {"side": "BUY"}]}
        ),
    )
    fills = [
        (item.taker_side, item.quantums / 1e10, item.subticks / 1e5)
        for item in news
        if isinstance(item, Filled)
    ]
    assert fills == [(BUY, 0.1, 90_001.0), (SELL, 0.2, 89_999.0), (BUY, 0.1, 90_001.0)]


def test_the_oracle_price_is_the_recorded_one_or_the_middle() -> None:
    made, _ = play(SNAPSHOT)
    assert made.oracle(0)[0] == 90_000 * 10**5
    made, _ = play(SNAPSHOT, frame("v4_orderbook", {"asks": [["90001", "0"]]}))
    assert made.oracle(0)[0] == 9_000_450_000
    priced = frame(
        "v4_markets", {"oraclePrices": {"BTC-USD": {"oraclePrice": "91234.5"}, "X": {}}}, name="v4_markets"
    )
    made, _ = play(SNAPSHOT, priced)
    assert made.oracle(0)[0] == 9_123_450_000


class Kept:
    """Keeps what a feed puts in."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.records.append((recv_ns, connection, kind, data))
        return True


def test_a_session_of_the_sim_is_served() -> None:
    sim, kept = Sim(seed=4, markets=2), Kept()
    sim.start(kept)
    ticks: list[tuple[int, list[Record]]] = []
    tickers = tuple(sim.markets)
    for number_of in range(240):
        now_ns = SIM_START_NS + number_of * 50 * MS
        if number_of == 10:
            sim.send(now_ns, [Watch(tickers)])
        sim.pull(now_ns, kept)
        ticks.append((now_ns, kept.records))
        kept.records = []
    said = Recording(ticks)
    assert {terms.ticker for terms in said.genesis.markets} == set(tickers)
    made = Chain(said.genesis.markets, prices=said.genesis.prices, now_ns=said.start_ns, height=100)
    flow = RecordedFlow(made, said)
    flow.open()
    made.end_block(made.now_ns)
    oracles = 0
    while not flow.exhausted:
        for _ in range(13):
            flow.pulse(made.core.clock_ns + 50 * MS)
        flow.block(made.core.clock_ns)
        made.end_block(made.core.clock_ns)
        oracles += sum(isinstance(item, OraclePriced) for item in made.news)
        made.news.clear()
        assert faults(made.core) == []
    assert oracles > 3
    assert all(len(market.book.orders) == 80 for market in made.core.markets.values())


def test_a_real_recording_is_served() -> None:
    path = real.path("dydx-fullnode-stream/derived/2024-12-19_t0.derived_indexer_ws.jsonl.gz")
    markets = real.path("dydx-perpetual-markets/market_info_2024-11.json.gz")
    said = Recording(ticks_of(path, None, markets))
    made = Chain(said.genesis.markets, prices=said.genesis.prices, now_ns=said.start_ns, height=100)
    flow = RecordedFlow(made, said)
    flow.open()
    made.end_block(made.now_ns + 650 * MS)
    fills = 0
    while not flow.exhausted:
        for _ in range(13):
            flow.pulse(made.core.clock_ns + 50 * MS)
        flow.block(made.core.clock_ns)
        made.end_block(made.core.clock_ns)
        fills += sum(isinstance(item, Filled) for item in made.news)
        made.news.clear()
    assert faults(made.core) == []
    assert fills >= 13
    book = made.core.markets[0].book
    assert 99_000e5 < book.best(BUY) < book.best(SELL) < 102_000e5
    assert len(book.orders) == 80
