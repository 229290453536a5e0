"""Fills, trades, transfers and payments as rows: their ids and what they are called."""

from __future__ import annotations

import pytest

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer import fills
from sniper.order_ids import fill_uuid
from tests.exchange_chain import ME, OTHER, START_NS, TX, US

WALLET = SubaccountId(US, -1)


@pytest.mark.parametrize(
    ("sender", "recipient", "sent", "kind"),
    [
        (WALLET, ME, False, "DEPOSIT"),
        (ME, WALLET, True, "WITHDRAWAL"),
        (ME, OTHER, True, "TRANSFER_OUT"),
        (ME, OTHER, False, "TRANSFER_IN"),
    ],
)
def test_what_a_transfer_is_to_its_ends(
    sender: SubaccountId, recipient: SubaccountId, sent: bool, kind: str
) -> None:
    row = fills.moved(7, 0, sender, recipient, 120_000_000, TX, START_NS)
    item = fills.transfer_stream_item(row, sent)
    assert item["type"] == kind == fills.transfer_rest_item(row, sent)["type"]
    assert item["size"] == "120" and ("subaccountNumber" in item["sender"]) == (sender.number >= 0)


def test_transfers_differ_by_block_place_and_ends() -> None:
    rows = [
        fills.moved(7, 0, ME, OTHER, 1, TX, 0),
        fills.moved(7, 1, ME, OTHER, 1, TX, 0),
        fills.moved(8, 0, ME, OTHER, 1, TX, 0),
        fills.moved(7, 0, OTHER, ME, 1, TX, 0),
    ]
    assert len({row.id for row in rows}) == 4


def test_a_parent_is_named_by_its_number() -> None:
    row = fills.moved(7, 0, SubaccountId(US, 130), OTHER, 1, TX, 0)
    assert fills.transfer_rest_item(row, True, parents=True)["sender"] == {
        "address": US,
        "parentSubaccountNumber": 2,
    }


def test_the_sides_of_a_match_have_ids_of_their_own() -> None:
    event = "03f89a53000000020000000e"
    assert fill_uuid(event, "TAKER") != fill_uuid(event, "MAKER")


@pytest.mark.parametrize(
    ("rate", "text"), [(19, "0.000002375"), (3, "0.000000375"), (-8, "-0.000001"), (0, "0")]
)
def test_rates_of_eight_hours_are_shown_for_one(rate: int, text: str) -> None:
    assert fills.hourly(rate) == text
