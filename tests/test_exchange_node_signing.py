"""Known answers: addresses and signatures of public mnemonics, checked by an independent library."""

from __future__ import annotations

import hashlib

import bech32
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import TxRaw

from sniper.exchange.node.signing import HALF_ORDER, address_of, is_address, sign_bytes, verifies
from tests.wallets import CHAIN_ID, address, an_order, pair, signed, wallet

ORDER = HALF_ORDER * 2 + 1


def independent(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """OpenSSL's opinion; it has none on the half in which s lies."""
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def test_the_address_of_the_best_known_mnemonic() -> None:
    prefix, words = bech32.bech32_decode(address_of(pair(0).public_key_bytes))
    assert prefix == "dydx" and words is not None
    assert bech32.bech32_encode("cosmos", words) == "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4"


@pytest.mark.parametrize("number", range(4))
def test_address_of_a_key_as_the_client_has_it(number: int) -> None:
    assert address_of(pair(number).public_key_bytes) == address(number)
    assert is_address(address(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dydx",
        "dydx1",
        "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4",
        address(0)[:-1],
        address(0)[:-1] + "x",
        "ä" * 40,
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_a_signed_transaction_is_verified_by_both() -> None:
    raw = TxRaw.FromString(signed(wallet(0), an_order(address(0)), fee=0))
    message = sign_bytes(raw.body_bytes, raw.auth_info_bytes, CHAIN_ID, 10)
    signature, key = raw.signatures[0], pair(0).public_key_bytes
    assert len(signature) == 64
    assert verifies(key, message, signature)
    assert independent(key, message, signature)
    assert not verifies(pair(1).public_key_bytes, message, signature)
    assert not verifies(key, message + b"\0", signature)
    assert not verifies(key, sign_bytes(raw.body_bytes, raw.auth_info_bytes, "dydx-mainnet-1", 10), signature)


def test_a_known_signature() -> None:
    """RFC 6979 makes it the same for ever."""
    digest = hashlib.sha256(pair(0).sign(b"sniper")).hexdigest()
    assert verifies(pair(0).public_key_bytes, b"sniper", pair(0).sign(b"sniper"))
    assert digest == "87589ceb0c1fcfbf08920fd042e7630ab487a69e563bd101c4d416eba072ce46"


@given(st.binary(min_size=1, max_size=80), st.integers(0, 63), st.integers(1, 255))
def test_one_changed_byte_is_enough(message: bytes, place: int, change: int) -> None:
    signature = bytearray(pair(0).sign(message))
    key = pair(0).public_key_bytes
    assert verifies(key, message, bytes(signature))
    signature[place] ^= change
    assert not verifies(key, message, bytes(signature))


@given(st.binary(max_size=40), st.binary(max_size=80), st.binary(max_size=40))
def test_nonsense_is_no_signature(key: bytes, signature: bytes, message: bytes) -> None:
    assert not verifies(key, message, signature)


def test_the_other_half_is_refused_though_openssl_would_take_it() -> None:
    signature, key = pair(0).sign(b"m"), pair(0).public_key_bytes
    high = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert independent(key, b"m", high)
    assert not verifies(key, b"m", high)
    for r, s in ((0, 1), (1, 0), (ORDER, 1)):
        assert not verifies(key, b"m", r.to_bytes(32, "big") + s.to_bytes(32, "big"))
