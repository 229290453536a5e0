"""Transactions taken apart, and bytes that are none."""

from __future__ import annotations

from typing import Any

import pytest
from dydx_v4_client.node.builder import as_any
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.cosmos.crypto.ed25519.keys_pb2 import PubKey as OtherKey
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_LEGACY_AMINO_JSON
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, Tx, TxBody, TxRaw

from sniper.exchange.facts import Outcome
from sniper.exchange.node.envelope import MESSAGES_MAX, Transaction, hash_of, opened
from sniper.exchange.node.fees import USDC
from sniper.exchange.node.messages import PLACE, TRANSFER
from tests.wallets import a_transfer, address, an_order, options, pair, signed, wallet

ME = address(0)


def refused(data: bytes) -> Outcome:
    found = opened(data)
    assert isinstance(found, Outcome), found
    return found


def changed(change: Any, *messages: Any) -> bytes:
    tx = Tx.FromString(signed(wallet(0), *(messages or (a_transfer(ME),))))
    change(tx)
    data: bytes = tx.SerializeToString()
    return data


def test_what_the_client_builds() -> None:
    data = signed(wallet(0, 10, 5), a_transfer(ME), fee=25_000)
    found = opened(data)
    assert isinstance(found, Transaction)
    assert [url for url, _ in found.messages] == [TRANSFER]
    assert (found.signer, found.sequence, found.public_key) == (ME, 5, pair(0).public_key_bytes)
    assert (found.short_term, found.clob, found.authenticators) == (False, False, ())
    assert (found.gas_limit, found.fee) == (1_000_000, ((USDC, "25000"),))
    raw = TxRaw.FromString(data)
    assert (found.body, found.auth, found.signature) == (
        raw.body_bytes,
        raw.auth_info_bytes,
        raw.signatures[0],
    )
    assert len(hash_of(data)) == 64
    short = opened(signed(wallet(0), an_order(ME), fee=0))
    assert isinstance(short, Transaction) and short.short_term and short.clob
    assert short.messages[0].url == PLACE


def test_authenticators_are_named_in_the_extension() -> None:
    found = opened(signed(wallet(1), an_order(ME), tx_options=options(wallet(0), 4)))
    assert isinstance(found, Transaction) and found.authenticators == (4,)
    mismatch = refused(signed(wallet(1), an_order(ME), tx_options=options(wallet(0), 4, 5)))
    assert (mismatch.code, mismatch.text) == (
        18,
        "Mismatch between the number of selected authenticators and messages, msg count 1, "
        "got 2 selected authenticators: invalid request",
    )


def test_refusals() -> None:
    two = (a_transfer(ME), a_transfer(address(1)))

    def key(message: Any) -> Any:
        return lambda tx: tx.auth_info.signer_infos[0].public_key.CopyFrom(as_any(message))

    def mode(tx: Any) -> None:
        tx.auth_info.signer_infos[0].mode_info.single.mode = SIGN_MODE_LEGACY_AMINO_JSON

    for change, code in (
        (lambda tx: tx.body.ClearField("messages"), 18),
        (lambda tx: tx.body.messages.extend([as_any(a_transfer(ME))] * MESSAGES_MAX), 18),
        (lambda tx: setattr(tx.body.messages[0], "value", b"\xff"), 2),
        (lambda tx: setattr(tx.body.messages[0], "value", b"\xa0\x06\x01"), 2),
        (lambda tx: setattr(tx.body.messages[0], "type_url", "/no.such.Msg"), 2),
        (lambda tx: setattr(tx.body.messages[0], "type_url", "/cosmos.staking.v1beta1.MsgDelegate"), 6),
        (lambda tx: tx.body.extension_options.append(as_any(a_transfer(ME))), 31),
        (lambda tx: setattr(tx.body, "memo", "x" * 257), 12),
        (lambda tx: tx.ClearField("signatures"), 15),
        (lambda tx: tx.signatures.append(b"x" * 64), 4),
        (lambda tx: tx.auth_info.ClearField("signer_infos"), 4),
        (mode, 4),
        (lambda tx: setattr(tx.auth_info.fee, "granter", address(1)), 4),
        (lambda tx: setattr(tx.auth_info.fee, "payer", address(1)), 4),
        (key(OtherKey(key=b"x" * 32)), 8),
        (key(PubKey(key=b"x" * 32)), 8),
        (lambda tx: setattr(tx.auth_info.signer_infos[0].public_key, "value", b"\xff"), 2),
        (lambda tx: tx.auth_info.MergeFromString(b"\xa0\x06\x01"), 2),
    ):
        assert refused(changed(change)).code == code
    assert refused(signed(wallet(0), *two)).code == 4, "two signers"
    assert refused(signed(wallet(0), a_transfer("dydx1nobody"))).code == 7


def test_a_damaged_extension() -> None:
    tx = Tx.FromString(signed(wallet(1), an_order(ME), tx_options=options(wallet(0), 4)))
    tx.body.non_critical_extension_options[0].value = b"\xff"
    assert refused(tx.SerializeToString()).code == 2


@pytest.mark.parametrize("part", [TxRaw(body_bytes=b"\xff"), TxRaw(auth_info_bytes=b"\xff")])
def test_parts_that_are_no_protobuf(part: Any) -> None:
    assert refused(part.SerializeToString()).code == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    assert refused(data).code in (2, 4, 15, 18)


@given(st.data())
def test_a_mutated_transaction_never_raises(data: st.DataObject) -> None:
    good = bytearray(signed(wallet(0), an_order(ME), fee=0))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(opened(bytes(good)), Outcome | Transaction)


def test_nesting_is_bounded() -> None:
    body = TxBody(memo="x").SerializeToString()
    deep = b"\x0a\x00"
    for _ in range(200):
        size = len(deep)
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
        deep = b"\x12" + length + deep  # mode_info.multi.mode_infos, again and again
    nested = AuthInfo().SerializeToString() + deep
    assert refused(TxRaw(body_bytes=body, auth_info_bytes=nested).SerializeToString()).code in (2, 18)
