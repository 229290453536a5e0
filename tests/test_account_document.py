"""account_document: the account as plain values."""

from __future__ import annotations

import json

from sniper.account_document import account_document, coins, usdc
from sniper.quantums import atomic_resolution
from tests import paper_run


def test_amounts_are_plain_decimals() -> None:
    assert (usdc(1_500_000), usdc(-1), usdc(0)) == ("1.5", "-0.000001", "0")


def test_a_session_as_a_document() -> None:
    engine, _ = paper_run.run(80.0, markets=8)
    desk = engine.desk
    assert desk is not None
    found = account_document(desk, engine.decoder.tickers)
    assert json.loads(json.dumps(found)) == found
    assert found["equity"] == usdc(desk.view.account.net) and found["trust"] == "live"
    assert set(found["positions"]) == {engine.decoder.ticker(market) for market in desk.account.positions}
    for market, position in desk.account.positions.items():
        shown = found["positions"][engine.decoder.ticker(market)]["size"]
        resolution = atomic_resolution(desk.margin.markets, market)
        assert round(float(shown) * 10.0**-resolution) == position.size_quantums
        assert shown == coins(desk, market, position.size_quantums)
