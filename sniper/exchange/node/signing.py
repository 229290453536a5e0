"""Keys, addresses and signatures as the chain reckons with them: secp256k1, bech32 with the prefix dydx.

Source: cosmos-sdk crypto/keys/secp256k1 (64 bytes r || s, s in the lower half, over the SHA-256 of the SignDoc).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

import bech32
from coincurve import PublicKey
from coincurve.ecdsa import cdata_to_der, deserialize_compact
from Crypto.Hash import RIPEMD160
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc

PREFIX: Final = "dydx"
KEY_BYTES: Final = 33
SIGNATURE_BYTES: Final = 64
HALF_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


@lru_cache(4096)
def address_of(public_key: bytes) -> str:
    """The address of a compressed public key: bech32 of RIPEMD-160 of SHA-256."""
    digest = RIPEMD160.new(hashlib.sha256(public_key).digest()).digest()
    words = bech32.convertbits(digest, 8, 5)
    assert words is not None, "20 bytes are a whole number of words"
    made: str = bech32.bech32_encode(PREFIX, words)
    return made


@lru_cache(4096)
def is_address(text: str) -> bool:
    """Whether the text is an address of an account: dydx1 and 20 bytes, checksum right."""
    prefix, words = bech32.bech32_decode(text)
    if prefix != PREFIX or words is None:
        return False
    data = bech32.convertbits(words, 5, 8, False)
    return data is not None and len(data) == 20


def sign_bytes(body: bytes, auth: bytes, chain_id: str, account_number: int) -> bytes:
    """What is signed: body and auth info as they were sent, the chain and the number of the account."""
    document = SignDoc(
        body_bytes=body, auth_info_bytes=auth, chain_id=chain_id, account_number=account_number
    )
    signed: bytes = document.SerializeToString()
    return signed


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is this key's over the message. Anything malformed is simply not."""
    if len(public_key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    if int.from_bytes(signature[32:], "big") > HALF_ORDER:
        return False
    try:
        return PublicKey(public_key).verify(cdata_to_der(deserialize_compact(signature)), message)
    except ValueError:  # no point of the curve, or r or s beyond the order
        return False
