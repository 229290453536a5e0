"""Positions that the account begins with."""

from __future__ import annotations

import pytest

from sniper.venues.starting import Grants
from tests.papers import ALL, ETH, Bench


@pytest.mark.parametrize(
    "position",
    [("BTC-USD", "0", "1"), ("BTC-USD", "1", "0"), ("BTC-USD", "1", "-5"), ("BTC-USD", "1e3", "5")],
)
def test_a_position_that_makes_no_sense_is_refused(position: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match=r"BTC-USD|plain decimal"):
        Grants([position])


def test_one_market_has_one_position() -> None:
    with pytest.raises(ValueError, match="two start positions"):
        Grants([("BTC-USD", "1", "5"), ("BTC-USD", "-1", "5")])


def test_a_position_waits_for_its_market_and_its_oracle_price() -> None:
    markets = {"ETH-USD": ALL["ETH-USD"], "BTC-USD": ALL["BTC-USD"] | {"oraclePrice": None}}
    bench = Bench(markets=markets, start_positions=(("ETH-USD", "-2.5", "4000"), ("BTC-USD", "0.1", "90000")))
    bench.block()
    assert bench.ledger.base(0) == -2_500_000_000 and bench.ledger.base(1) == 0
    assert len(bench.messages) == 1 and bench.paper.due(bench.now_ns) is None
    bench.tick(bench.oracle_frame("91000").replace(b'"marketId":0', b'"marketId":7'))
    assert bench.paper.due(bench.now_ns) == bench.now_ns, "the answer to the subscription can come"
    bench.run(1)
    assert bench.ledger.base(1) == 1_000_000_000
    account = bench.messages[1]["contents"]["subaccount"]
    assert sorted(account["openPerpetualPositions"]) == ["BTC-USD", "ETH-USD"]
    assert account["openPerpetualPositions"]["ETH-USD"]["size"] == "-2.5"
    assert account["equity"] == "9100", "10,000 - 2.5 x 4,000 + 0.1 x 91,000"
    assert ETH == 1


def test_a_position_finer_than_a_base_quantum_is_refused() -> None:
    with pytest.raises(ValueError, match="not whole"):
        Bench(start_positions=(("BTC-USD", "0.00000000001", "5"),))
