"""Rewards, affiliates, vaults, traders: shapes, and their own errors."""

from __future__ import annotations

import pytest

from sniper.exchange.indexer.rest_others import username
from tests.exchange_chain import US, paid_in
from tests.exchange_indexing import Desk


@pytest.fixture(scope="module")
def desk() -> Desk:
    found = Desk()
    found.block(paid_in(1))
    return found


def test_names_stay_and_lead_back(desk: Desk) -> None:
    name = username(US)
    assert desk.ok("/v4/affiliates/metadata", address=US)["referralCode"] == name
    assert desk.ok("/v4/affiliates/address", referralCode=name) == {"address": US}
    found = desk.ok("/v4/trader/search", searchParam=name)["result"]
    assert (found["address"], found["username"]) == (US, name)
    assert found["subaccountId"] == "5113b9c6-885f-5f80-a2cc-ae0d93795419"
    assert desk.ok("/v4/trader/search", searchParam="nobody") == {}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("affiliates/metadata", {"address": "nobody"}, 404),
        ("affiliates/total_volume", {"address": "nobody"}, 404),
        ("affiliates/address", {"referralCode": "nobody"}, 404),
        ("affiliates/address", {}, 400),
        ("affiliates/snapshot", {"offset": -1}, 400),
        ("affiliates/snapshot", {"offset": 5}, 200),
        ("trader/search", {}, 400),
        ("vault/v1/megavault/historicalPnl", {"resolution": "minute"}, 400),
        ("vault/v1/vaults/historicalPnl", {}, 200),
        (f"historicalTradingRewardAggregations/{US}", {}, 400),
        (f"historicalTradingRewardAggregations/{US}", {"period": "YEARLY"}, 400),
        (f"historicalTradingRewardAggregations/{US}", {"period": "WEEKLY"}, 200),
        (f"historicalBlockTradingRewards/{US}", {"startingBeforeOrAt": "x"}, 400),
    ],
)
def test_answers(desk: Desk, path: str, query: dict[str, object], status: int) -> None:
    assert desk.rest(f"/v4/{path}", **query)[0] == status
