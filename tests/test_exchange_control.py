"""Faucet and control over HTTP: the official faucet client, faults by hand, and requests that are wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from dydx_v4_client.faucet_client import FaucetClient

from sniper.errors import NetworkUnavailable
from sniper.exchange.control import BODY_BYTES_MAX, Control, faults_document
from sniper.exchange.facts import SubaccountId
from sniper.exchange.faults import FAULTS
from tests.loopback import until
from tests.venues import Venue, venue
from tests.wallets import address

YOU = address(2)


@pytest.fixture(scope="module")
def here() -> Iterator[Venue]:
    with venue(quiet=True, subaccount_quote=0, wallet_quote=0) as found:
        yield found


def post(here: Venue, path: str, **more: Any) -> httpx.Response:
    return httpx.post(f"{here.control}{path}", timeout=10, **more)


def test_the_official_faucet_client(here: Venue) -> None:
    faucet = FaucetClient(here.control, api_timeout=10)
    assert asyncio.run(faucet.fill(YOU, 3, 250.5)).status_code == 202
    assert asyncio.run(faucet.fill_native(YOU)).status_code == 202
    purse = until(lambda: here.on(lambda: here.house.chain.purse(SubaccountId(YOU, 3))))
    assert purse.usdc == 250_500_000
    assert here.on(lambda: here.house.chain.bank(YOU)) == 10_000_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "address is missing or not a text"),
        ({"address": "dydx1", "amount": 1}, "'dydx1' is not an address"),
        ({"address": YOU}, "amount is missing or not a number of USDC"),
        ({"address": YOU, "amount": True}, "amount is missing or not a number of USDC"),
        ({"address": YOU, "amount": "much"}, "amount 'much' is not a number of USDC"),
        ({"address": YOU, "amount": "NaN"}, "amount 'NaN' is out of bounds"),
        ({"address": YOU, "amount": 10**13}, "amount '10000000000000' is out of bounds"),
        ({"address": YOU, "amount": -1}, "an amount must be above 0"),
        ({"address": YOU, "amount": 0.0000001}, "an amount must be above 0"),
        ({"address": YOU, "amount": 1, "subaccountNumber": "0"}, "subaccountNumber is not a whole number"),
        (
            {"address": YOU, "amount": 1, "subaccountNumber": 128_001},
            "128001 is not the number of a subaccount",
        ),
        ([], "the body is not a JSON object"),
    ],
)
def test_what_the_faucet_refuses(here: Venue, body: Any, said: str) -> None:
    answer = post(here, "/faucet/tokens", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)


def test_faults_by_hand(here: Venue) -> None:
    answer = post(here, "/faults", json={"fault": "answer_late", "share": 0.5, "for_s": 60})
    assert answer.status_code == 200
    number = answer.json()["id"]
    state = httpx.get(f"{here.control}/state").json()
    (on,) = state["faults"]
    assert (on["id"], on["fault"], on["share"], on["methods"]) == (
        number,
        "answer_late",
        0.5,
        ["BroadcastTx"],
    )
    assert 50 < on["ends_s"] <= 60
    assert (state["schema"], state["chain_id"], state["markets"]) == (
        "sniper.venue_state/1",
        "localdydxprotocol",
        {"BTC-USD": "ACTIVE"},
    )
    assert httpx.delete(f"{here.control}/faults/{number}").json() == {"stopped": [number]}
    assert httpx.delete(f"{here.control}/faults/{number}").status_code == 404
    for fault in ("gap", "html"):
        post(here, "/faults", json={"fault": fault})
    assert len(httpx.delete(f"{here.control}/faults").json()["stopped"]) == 2
    assert httpx.get(f"{here.control}/state").json()["faults"] == []
    assert post(here, "/faults", json={"fault": "height_jump", "blocks": 5}).json() == {
        "fault": "height_jump",
        "id": None,
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "fault is missing or not a text"),
        ({"fault": "none"}, "there is no fault 'none'"),
        ({"fault": "gap", "share": 2}, "gap: share: 2 is not between 0 and 1"),
        ({"fault": "gap", "for_s": -1}, "for_s = -1 is not a time in seconds"),
        ({"fault": "gap", "for_s": "x"}, "for_s = 'x' is not a time in seconds"),
        ({"fault": "restart", "for_s": 1}, "restart happens once"),
        ({"fault": "delisting", "market": "XYZ-USD"}, "there is no market 'XYZ-USD'"),
    ],
)
def test_what_control_refuses(here: Venue, body: Any, said: str) -> None:
    answer = post(here, "/faults", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)


def test_bodies_that_are_no_json_or_too_large(here: Venue) -> None:
    assert post(here, "/faults", content=b"{}").status_code == 415, "no web page can send it by accident"
    assert post(here, "/faults", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    json_type = {"content-type": "application/json"}
    for content in (b"", b"{", b"\xff", b"[" * 50_000):
        assert post(here, "/faults", content=content, headers=json_type).status_code == 400
    assert post(here, "/faults", content=b" " * (BODY_BYTES_MAX + 1), headers=json_type).status_code == 413
    assert httpx.get(f"{here.control}/faults/1").status_code in (404, 405)
    assert httpx.get(f"{here.control}/nothing").status_code == 404


def test_another_name_for_this_machine_is_refused(here: Venue) -> None:
    assert httpx.get(f"{here.control}/state", headers={"host": "evil.example:3004"}).status_code == 403
    port = here.ports.control
    assert httpx.get(f"{here.control}/state", headers={"host": f"localhost:{port}"}).status_code == 200


def test_the_list_of_faults(here: Venue) -> None:
    document = httpx.get(f"{here.control}/faults").json()
    assert document == faults_document() | {"faults": document["faults"]}
    assert [one["fault"] for one in document["faults"]] == list(FAULTS)
    late = next(one for one in document["faults"] if one["fault"] == "snapshot_late")
    assert late["parameters"] == {"late_s": {"default": 4.0, "least": 0.0, "most": 600.0}}


def test_a_taken_port_is_named(here: Venue) -> None:
    second = Control(here.house, lambda: 0, lambda: None, here.ports.control)
    with pytest.raises(NetworkUnavailable, match=f"cannot listen on 127.0.0.1:{here.ports.control}"):
        asyncio.run(second.start())
    asyncio.run(second.stop())
