"""What a house begins with, and what it refuses to begin with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sniper.errors import UsageError
from sniper.exchange.chain.flow import Flow
from sniper.exchange.chain.recording import RecordedFlow
from sniper.exchange.genesis import START_HEIGHT, HouseSettings, Silence, opened
from tests.houses import S, asked, house, run

LISTED = {
    "clobPairId": "0",
    "ticker": "BTC-USD",
    "status": "ACTIVE",
    "oraclePrice": "90000",
    "initialMarginFraction": "0.02",
    "maintenanceMarginFraction": "0.012",
    "atomicResolution": -10,
    "quantumConversionExponent": -9,
    "stepBaseQuantums": 1000000,
    "subticksPerTick": 100000,
    "marketType": "CROSS",
}


def test_the_markets_of_the_universe() -> None:
    chain, flow = opened(HouseSettings(markets=3))
    assert [terms.ticker for terms in chain.markets().values()] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert chain.height == START_HEIGHT and isinstance(flow, Flow)
    chain, flow = opened(HouseSettings(markets=("SOL-USD",), quiet=True, chain_id="dydx-testnet-4"))
    assert chain.terms.chain_id == "dydx-testnet-4" and isinstance(flow, Silence)
    with pytest.raises(UsageError, match="no market 'XYZ-USD'"):
        opened(HouseSettings(markets=("XYZ-USD",)))
    with pytest.raises(UsageError, match="1 to 60 markets"):
        opened(HouseSettings(markets=0))


def test_a_recording_is_served_as_the_market(tmp_path: Path) -> None:
    file, table = tmp_path / "frames.ndjson", tmp_path / "markets.json"
    levels = {"bids": [{"price": "89990", "size": "1.5"}], "asks": [{"price": "90010", "size": "2"}]}
    frame = {
        "type": "subscribed",
        "connection_id": "c",
        "message_id": 1,
        "channel": "v4_orderbook",
        "id": "BTC-USD",
        "contents": levels,
    }
    file.write_text(json.dumps({"recv_ms": 5, "msg": frame}) + "\n")
    table.write_text(json.dumps({"markets": {"BTC-USD": LISTED}}))
    settings = HouseSettings(recording=str(file), markets_file=str(table), warm_up_ns=2 * S)
    assert isinstance(opened(settings)[1], RecordedFlow)
    one = house(recording=str(file), markets_file=str(table))
    run(one, 1.0)
    book = asked(one, "/v4/orderbooks/perpetualMarket/BTC-USD")
    assert book == {"bids": [{"price": "89990", "size": "1.5"}], "asks": [{"price": "90010", "size": "2"}]}
    with pytest.raises(UsageError, match=r"cannot be served as a market: the recording lists no market"):
        opened(HouseSettings(recording=str(file)))
