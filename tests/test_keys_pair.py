"""keys.pair: known answers of public vectors through the official KeyPair and Wallet, and an independent verifier."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from dydx_v4_client.node.builder import Builder
from dydx_v4_client.node.message import add_authenticator
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc, Tx

from sniper.errors import UsageError
from sniper.keys import pair
from sniper.keys.pair import ORDER, identity, key_pair, new_private_key, private_key, wallet
from sniper.keys.secret import Secret
from tests import reference_keys
from tests.vectors import ABANDON, PHRASES

# Public: the first Cosmos account of the phrases, with the prefix of this chain (the same 20 bytes as cosmos19rl4...).
KNOWN_ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
KNOWN_KEY = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
# Public: RFC 6979 on secp256k1 with SHA-256, private key 1 (the vectors of Bitcoin's wallets).
SIGNED = (
    (
        b"Satoshi Nakamoto",
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
    ),
    (
        b"All those moments will be lost in time, like tears in rain. Time to die...",
        "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
        "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21",
    ),
)


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """By `cryptography` (OpenSSL), which shares no code with the client's coincurve."""
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def test_the_known_address_of_the_best_known_phrase() -> None:
    secret = private_key(Secret(ABANDON.encode()))
    assert bytes(secret.reveal()).hex() == KNOWN_KEY
    assert identity(secret)[0] == KNOWN_ADDRESS
    assert wallet(secret, 7, 3).address == KNOWN_ADDRESS
    assert (wallet(secret, 7, 3).account_number, wallet(secret, 7, 3).sequence) == (7, 3)


@pytest.mark.parametrize("phrase", PHRASES)
def test_key_address_and_signature_are_those_of_the_documents(phrase: str) -> None:
    expected = reference_keys.private_key(phrase)
    secret = private_key(Secret(phrase.encode()))
    assert bytes(secret.reveal()) == expected
    assert identity(secret) == (
        reference_keys.address(expected),
        reference_keys.public_key(expected).hex(),
    )
    assert key_pair(secret).sign(b"message") == reference_keys.sign(expected, b"message")


@pytest.mark.parametrize(("message", "signature"), SIGNED)
def test_known_signatures(message: bytes, signature: str) -> None:
    one = (1).to_bytes(32)
    assert key_pair(Secret(one)).sign(message).hex() == signature
    assert reference_keys.sign(one, message).hex() == signature


def test_a_signed_transaction_is_verified_by_another_library() -> None:
    secret = private_key(Secret(ABANDON.encode()))
    made = wallet(secret, 12, 34)
    message = add_authenticator(made.address, "MessageFilter", b"/cosmos.bank.v1beta1.MsgSend")
    tx = Tx.FromString(Builder("dydx-testnet-4", "usdc").build(made, message).SerializeToString())

    def doc(chain_id: str = "dydx-testnet-4", number: int = 12, tx: Tx = tx) -> bytes:
        body, auth = tx.body.SerializeToString(), tx.auth_info.SerializeToString()
        signed = SignDoc(body_bytes=body, auth_info_bytes=auth, chain_id=chain_id, account_number=number)
        return bytes(signed.SerializeToString())

    public_key, signature = made.key.public_key_bytes, tx.signatures[0]
    assert tx.auth_info.signer_infos[0].sequence == 34
    assert verifies(public_key, doc(), signature)
    assert not verifies(public_key, doc("dydx-mainnet-1"), signature)
    assert not verifies(public_key, doc(number=13), signature)
    assert not verifies(wallet(new_private_key()).key.public_key_bytes, doc(), signature)
    tampered = Tx.FromString(tx.SerializeToString())
    tampered.body.memo = "another"
    assert not verifies(public_key, doc(tx=tampered), signature)


@pytest.mark.parametrize("form", [KNOWN_KEY, KNOWN_KEY.upper(), f"0x{KNOWN_KEY}"])
def test_hexadecimal_keys(form: str) -> None:
    assert bytes(private_key(Secret(form.encode())).reveal()).hex() == KNOWN_KEY


@pytest.mark.parametrize("form", [f"  {ABANDON}\t", ABANDON.upper(), ABANDON.replace(" ", "  ")])
def test_phrases_as_people_write_them(form: str) -> None:
    assert bytes(private_key(Secret(form.encode())).reveal()).hex() == KNOWN_KEY


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"abandon",
        " ".join(["abandon"] * 12).encode(),  # a wrong checksum
        ABANDON.replace("about", "aboutt").encode(),
        " ".join(["abandon"] * 11).encode(),
        KNOWN_KEY[:-1].encode(),
        f"{KNOWN_KEY}00".encode(),
        "0" * 64,
        f"{ORDER:064x}",
        "f" * 64,
        "ä" * 12,
        b"\xff" * 32,
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(given: str | bytes) -> None:
    raw = given if isinstance(given, bytes) else given.encode()
    with pytest.raises(UsageError, match="nothing was written") as caught:
        private_key(Secret(raw))
    shown = str(caught.value)
    assert not raw or raw.decode("latin-1") not in shown
    assert "abandon" not in shown and "aboutt" not in shown


def test_fresh_keys_differ_and_are_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [new_private_key() for _ in range(20)]
    found = {bytes(key.reveal()) for key in keys}
    assert len(found) == 20
    assert all(0 < int.from_bytes(one) < ORDER for one in found)
    assert reference_keys.N == ORDER
    drawn = iter([bytes(32), ORDER.to_bytes(32), b"\xff" * 32, (7).to_bytes(32)])

    class Source:
        def __enter__(self) -> Source:
            return self

        def __exit__(self, *_: object) -> None: ...

        def readinto(self, held: bytearray) -> int:
            held[:] = next(drawn)
            return 32

    monkeypatch.setattr(pair, "open", lambda *_, **__: Source(), raising=False)
    drawn_again = new_private_key()
    assert bytes(drawn_again.reveal()) == (7).to_bytes(32), "what is no key is drawn again"


def test_a_fingerprint_is_no_address() -> None:
    address, public_key = identity(private_key(Secret(ABANDON.encode())))
    assert hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:8] not in address
