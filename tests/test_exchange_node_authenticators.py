"""Permissioned keys: what may be stored, and what each part lets through."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from dydx_v4_client.node.authenticators import Authenticator as Theirs
from dydx_v4_client.node.authenticators import AuthenticatorType, validate_authenticator
from dydx_v4_client.node.message import add_authenticator, batch_cancel
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.dydxprotocol.clob.tx_pb2 import OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.exchange.node import authenticators as module
from sniper.exchange.node import messages
from sniper.exchange.node.authenticators import Authenticators, Request
from tests.wallets import a_cancel, a_transfer, address, an_order, pair

ME = address(0)
KEY = pair(1).public_key_bytes
SIGNED = b"the sign bytes"
SIGNATURE = pair(1).sign(SIGNED)
ALL, ANY = AuthenticatorType.AllOf, AuthenticatorType.AnyOf


def tree(theirs: Theirs) -> tuple[str, bytes]:
    """Type and data as the client sends them."""
    message = add_authenticator(ME, theirs.type, theirs.config)
    return message.authenticator_type, message.data


def request(url: str, message: Any, signature: bytes = SIGNATURE, simulate: bool = False) -> Request:
    return Request(url, message, SIGNED, signature, simulate, 10, 3, "localdydxprotocol")


def batch(*pairs: int, subaccount: int = 0) -> Any:
    orders = [OrderBatch(clob_pair_id=pair, client_ids=[1]) for pair in pairs]
    return batch_cancel(SubaccountId(owner=ME, number=subaccount), orders, 110)


def code(theirs: Theirs, url: str, message: Any, **more: Any) -> int:
    """The code with which this tree refuses a message, 0 if it does not."""
    all_of = Authenticators()
    assert all_of.add(ME, *tree(theirs)) is None
    refused = all_of.check(ME, 0, 0, request(url, message, **more))
    return refused.code if refused else 0


def trader(pairs: list[int], subaccounts: list[int]) -> Theirs:
    """What `keys authorize` would store."""
    return Theirs.compose(
        ALL,
        [
            Theirs.signature_verification(KEY),
            Theirs.compose(
                ANY,
                [
                    Theirs.compose(ALL, [Theirs.signature_verification(KEY), Theirs.message_filter(url)])
                    for url in (messages.PLACE, messages.CANCEL)
                ],
            ),
            Theirs.clob_pair_id_filter(pairs),
            Theirs.subaccount_filter(subaccounts),
        ],
    )


def test_a_trade_only_key_trades_its_markets_and_subaccounts_and_no_more() -> None:
    key = trader([0, 1], [0, 129])
    assert validate_authenticator(key)
    assert code(key, messages.PLACE, an_order(ME)) == 0
    assert code(key, messages.PLACE, an_order(ME, subaccount=129, pair=1)) == 0
    assert code(key, messages.CANCEL, a_cancel(ME)) == 0
    for url, message in (
        (messages.PLACE, an_order(ME, pair=2)),
        (messages.PLACE, an_order(ME, subaccount=1)),
        (messages.CANCEL, a_cancel(ME, pair=7)),
        (messages.CANCEL, a_cancel(ME, subaccount=7)),
        (messages.BATCH_CANCEL, batch(0)),
        (messages.TRANSFER, a_transfer(ME)),
    ):
        assert code(key, url, message) == 104
    assert code(key, messages.PLACE, an_order(ME), signature=pair(0).sign(SIGNED)) == 104


@pytest.mark.parametrize(
    ("theirs", "url", "message", "wanted"),
    [
        (Theirs.signature_verification(KEY), messages.TRANSFER, a_transfer(ME), 0),
        (Theirs.signature_verification(pair(0).public_key_bytes), messages.TRANSFER, a_transfer(ME), 100),
    ],
)
def test_a_bare_key(theirs: Theirs, url: str, message: Any, wanted: int) -> None:
    assert code(theirs, url, message) == wanted


PARTS = (
    ("MessageFilter", f"{messages.PLACE},{messages.CANCEL}", messages.PLACE, an_order(ME), 0),
    ("MessageFilter", messages.CANCEL, messages.PLACE, an_order(ME), 101),
    ("MessageFilter", "", messages.PLACE, an_order(ME), 101),
    ("ClobPairIdFilter", "0,3", messages.BATCH_CANCEL, batch(0, 3), 0),
    ("ClobPairIdFilter", "0,3", messages.BATCH_CANCEL, batch(0, 4), 102),
    ("ClobPairIdFilter", "0", messages.TRANSFER, a_transfer(ME), 102),
    ("ClobPairIdFilter", "x", messages.PLACE, an_order(ME), 1),
    ("ClobPairIdFilter", "4294967296", messages.PLACE, an_order(ME), 1),
    ("SubaccountFilter", "0", messages.BATCH_CANCEL, batch(9), 0),
    ("SubaccountFilter", "0", messages.BATCH_CANCEL, batch(9, subaccount=1), 103),
    ("SubaccountFilter", "1", messages.PLACE, an_order(ME), 103),
    ("SubaccountFilter", "1", messages.TRANSFER, a_transfer(ME), 0),
    ("SubaccountFilter", "-1", messages.PLACE, an_order(ME), 1),
    ("SubaccountFilter", "1,", messages.PLACE, an_order(ME), 1),
)


@pytest.mark.parametrize(("kind", "config", "url", "message", "wanted"), PARTS)
def test_each_filter_alone(kind: str, config: str, url: str, message: Any, wanted: int) -> None:
    refused = module.authenticate(kind, config.encode(), "0", request(url, message))
    assert (refused.code if refused else 0) == wanted


def test_texts_are_the_chains() -> None:
    key = trader([1, 0], [0])
    all_of = Authenticators()
    all_of.add(ME, *tree(key))
    refused = all_of.check(ME, 0, 0, request(messages.PLACE, an_order(ME, pair=5)))
    assert refused is not None
    assert refused.text == (
        "authentication failed for message 0, authenticator id 0, type AllOf: order id 5 not in whitelist "
        "map[0:{} 1:{}]: Clob pair id verification failed: AllOf verification failed"
    )
    either = Theirs.compose(ANY, [Theirs.signature_verification(KEY)] * 2)
    all_of.add(ME, *tree(either))
    refused = all_of.check(ME, 1, 2, request(messages.TRANSFER, a_transfer(ME), signature=b""))
    assert refused is not None and refused.code == 105
    assert (
        "[SignatureVerification (id = 1.1)] signature verification failed; please verify account"
        in refused.text
    )
    missing = all_of.check(ME, 7, 0, request(messages.PLACE, an_order(ME)))
    assert missing is not None and missing.code == 1 and missing.codespace == "accountplus"
    assert missing.text.endswith(f"authenticator 7 not found for account {ME}: Authenticator is not found")


@given(
    st.integers(1, 4),
    st.lists(st.sampled_from(("key", "all", "any", "filter")), min_size=2, max_size=4),
    st.randoms(),
)
def test_a_tree_is_stored_if_every_way_through_it_asks_for_a_signature(
    depth: int, kinds: list[str], chance: Any
) -> None:
    def grow(level: int) -> tuple[dict[str, Any], bool]:
        kind = chance.choice(kinds) if level else chance.choice(("key", "filter"))
        if kind == "key":
            return {"type": "SignatureVerification", "config": KEY}, True
        if kind == "filter":
            return {"type": "SubaccountFilter", "config": b"0"}, False
        below = [grow(level - 1) for _ in range(2)]
        packed = [{**one, "config": base64.b64encode(one["config"]).decode()} for one, _ in below]
        safe = [safe for _, safe in below]
        name = "AllOf" if kind == "all" else "AnyOf"
        return {"type": name, "config": json.dumps(packed).encode()}, any(safe) if kind == "all" else all(
            safe
        )

    grown, safe = grow(depth)
    refused = Authenticators().judge(grown["type"], grown["config"])
    if len(grown["config"]) > module.DATA_BYTES_MAX:
        assert refused is not None and refused.code == 3
    else:
        assert (refused is None) == safe


@pytest.mark.parametrize(
    ("kind", "data", "wanted"),
    [
        ("SignatureVerification", b"x" * 32, 1),
        ("AllOf", b"", 1),
        ("AllOf", b"[]", 18),
        ("AnyOf", b"[" * 1000, 1),
        ("AllOf", b'[{"type":"MessageFilter","config":"!"},{}]', 1),
        ("AllOf", b'[{"type":"PartitionedAllOf"},{"type":"x"}]', 18),
        ("PartitionedAllOf", b"[]", 1),
        ("Cosmwasm", b"", 1),
        ("MessageFilter", b"x", 1),
        ("SignatureVerification", b"x" * 1025, 3),
        ("AllOf", b'[{"type":"SignatureVerification","config":"AA=="},{"type":"MessageFilter"}]', 1),
    ],
)
def test_what_may_not_be_stored(kind: str, data: bytes, wanted: int) -> None:
    kept = Authenticators()
    refused = kept.add(ME, kind, data)
    assert refused is not None and refused.code == wanted
    assert kept.of(ME) == [] and kept.next_id == 0


def test_ids_are_never_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Authenticators()
    for owner in (ME, address(1), ME):
        assert kept.add(owner, "SignatureVerification", KEY) is None
    assert [one.id for one in kept.of(ME)] == [0, 2]
    assert kept.remove(ME, 2) is None
    again = kept.remove(ME, 2)
    assert again is not None and again.code == 1
    assert kept.remove(ME, 1) is not None, "that is another's"
    assert kept.remove(ME, 0) is None and ME not in kept.kept
    assert kept.add(ME, "SignatureVerification", KEY) is None
    assert [one.id for one in kept.of(ME)] == [3]
    monkeypatch.setattr(module, "KEPT_MAX", 2)
    full = kept.add(ME, "SignatureVerification", KEY)
    assert full is not None and "keeps 2 authenticators" in full.text


def test_in_simulation_signatures_are_taken_for_right() -> None:
    assert (
        code(Theirs.signature_verification(KEY), messages.PLACE, an_order(ME), signature=b"", simulate=True)
        == 0
    )
