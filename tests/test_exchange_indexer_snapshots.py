"""Snapshots are what REST says."""

from __future__ import annotations

import pytest

from sniper.exchange.indexer.sessions import Blocked, Failed
from sniper.exchange.indexer.snapshots import Snapshots
from sniper.exchange.indexer.topics import BLOCKS, SUBACCOUNTS
from tests import exchange_shapes as shape
from tests.exchange_chain import US
from tests.exchange_indexing import NOW, Desk
from tests.exchange_play import Play


def test_each_snapshot_has_its_shape_and_is_the_answer_of_rest() -> None:
    desk = Desk()
    play = Play(desk, 1)
    for _ in range(40):
        play.block()
    desk.connect()
    for channel, name, of, path, query in (
        ("v4_orderbook", "BTC-USD", shape.BOOK, "/v4/orderbooks/perpetualMarket/BTC-USD", {}),
        ("v4_trades", "BTC-USD", shape.TRADES, "/v4/trades/perpetualMarket/BTC-USD", {}),
        ("v4_markets", None, shape.MARKETS, "/v4/perpetualMarkets", {}),
        (
            "v4_candles",
            "ETH-USD/5MINS",
            shape.CANDLES,
            "/v4/candles/perpetualMarkets/ETH-USD",
            {"resolution": "5MINS"},
        ),
        ("v4_block_height", None, shape.HEIGHT, "/v4/height", {}),
    ):
        found = desk.subscribe(channel, name)["contents"]
        shape.check(found, of)
        assert found == desk.ok(path, **query)
    found = desk.subscribe("v4_subaccounts", f"{US}/0")["contents"]
    shape.check(found, shape.SNAPSHOT)
    assert found["subaccount"] == desk.ok(f"/v4/addresses/{US}/subaccountNumber/0")["subaccount"]
    found = desk.subscribe("v4_parent_subaccounts", f"{US}/0")["contents"]
    shape.check(found, shape.PARENT_SNAPSHOT)
    assert found["subaccount"] == desk.ok(f"/v4/addresses/{US}/parentSubaccountNumber/0")["subaccount"]
    assert {each["status"] for each in found["orders"]} <= {
        "OPEN",
        "BEST_EFFORT_OPENED",
        "BEST_EFFORT_CANCELED",
    }


def test_what_rest_refuses_is_told_apart() -> None:
    state = Desk().indexer.store.state
    answers = {404: b"", 403: b'{"errors":[{"msg":"no"}]}', 500: b""}
    for status, raised in ((403, Blocked), (500, Failed)):
        snapshots = Snapshots(
            NOW, lambda: state, lambda path, query, status=status: (status, answers[status])
        )
        with pytest.raises(raised):
            snapshots.read(SUBACCOUNTS, f"{US}/0")
    snapshots = Snapshots(NOW, lambda: state, lambda path, query: (404, b""))
    assert snapshots.read(SUBACCOUNTS, f"{US}/0") is None and snapshots.read(BLOCKS, "x") is None
