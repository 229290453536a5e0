"""order_ids: the Indexer's own ids, computed here."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sniper.order_ids import NAMESPACE, fill_uuid, indexer_uuid, order_uuid, position_uuid, subaccount_uuid

ADDRESS = "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7"


def test_a_recorded_subaccount_and_order() -> None:
    subaccount = subaccount_uuid(ADDRESS, 0)
    assert subaccount == "5113b9c6-885f-5f80-a2cc-ae0d93795419"
    assert order_uuid(subaccount, 1700756032, 0, 0) == "0f0981cb-152e-57d3-bea9-4d8e0dd5ed35"


@given(st.text(max_size=80))
def test_the_library_gives_the_same(name: str) -> None:
    assert indexer_uuid(name) == str(uuid.uuid5(uuid.UUID(bytes=NAMESPACE), name))


def test_the_names_of_positions_and_fills() -> None:
    subaccount, event = subaccount_uuid(ADDRESS, 0), "03f89a550000000200000002"
    assert position_uuid(subaccount, event) == indexer_uuid(f"{subaccount}-{event}")
    assert fill_uuid(event, "TAKER") != fill_uuid(event, "MAKER")
