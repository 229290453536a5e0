"""From words or hexadecimal to a private key, and from it to the official KeyPair, Wallet and address.

The official client derives with immutable `str` and `bytes`, which Python cannot wipe; they live until the memory is
used again. So it happens in the verbs `import` and `create` and where a wallet is made, nowhere else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sniper.errors import UsageError
from sniper.keys.keyfile import KEY_BYTES
from sniper.keys.secret import Secret

if TYPE_CHECKING:
    from dydx_v4_client.key_pair import KeyPair
    from dydx_v4_client.wallet import Wallet

_HEX: Final = re.compile(rb"(?:0x)?([0-9A-Fa-f]{64})")
PATH: Final = "m/44'/118'/0'/0/0"


def private_key(given: Secret) -> Secret:
    """The private key of a recovery phrase (BIP-39, English, the path of the official client) or of 64 hex digits.

    UsageError for anything else; its text holds nothing of what was given.
    """
    if found := _HEX.fullmatch(given.reveal()):
        held = bytearray.fromhex(bytes(found[1]).decode())
        return _checked(Secret.take(held))
    try:
        words = bytes(given.reveal()).decode("ascii").split()
    except UnicodeDecodeError:
        words = []
    from bip_utils import Bip39Languages, Bip39MnemonicValidator

    phrase = " ".join(words).lower()
    if not Bip39MnemonicValidator(Bip39Languages.ENGLISH).IsValid(phrase):
        raise UsageError(
            "that is neither a recovery phrase (12 to 24 English words with the right checksum) nor 64 hexadecimal "
            "digits, so nothing was written",
            "Check every word and their order.",
        )
    from dydx_v4_client.key_pair import KeyPair

    return Secret(KeyPair.from_mnemonic(phrase).key.secret)


def new_private_key() -> Secret:
    """A fresh private key from the system's generator, read into a buffer that is wiped."""
    while True:
        held = bytearray(KEY_BYTES)
        with open("/dev/urandom", "rb", buffering=0) as source:
            assert source.readinto(held) == KEY_BYTES
        if 0 < int.from_bytes(held) < ORDER:
            return Secret.take(held)


ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""The order of secp256k1's group (SEC 2): a private key is above 0 and below it."""


def _checked(key: Secret) -> Secret:
    if not 0 < int.from_bytes(key.reveal()) < ORDER:
        raise UsageError(
            "these 64 digits are no private key of secp256k1, so nothing was written", "Check them."
        )
    return key


def key_pair(key: Secret) -> KeyPair:
    """The official key pair of a private key. coincurve keeps an immutable copy of it: drop it when done."""
    from coincurve import PrivateKey
    from dydx_v4_client.key_pair import KeyPair

    return KeyPair(PrivateKey(bytes(key.reveal())))


def wallet(key: Secret, account_number: int = 0, sequence: int = 0) -> Wallet:
    """The official wallet of a private key; the same holds for it."""
    from dydx_v4_client.wallet import Wallet

    return Wallet(key_pair(key), account_number, sequence)


def identity(key: Secret) -> tuple[str, str]:
    """(address, compressed public key as hexadecimal) of a private key."""
    made = wallet(key)
    return made.address, made.key.public_key_bytes.hex()
