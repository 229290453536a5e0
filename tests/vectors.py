"""Secrets for tests: recovery phrases that are public (BIP-39's own test vectors), passphrases, quick parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sniper.keys.keyfile import MEMORY_KIB_FLOOR, Header, Kind, new_kdf
from sniper.keys.pair import identity, private_key
from sniper.keys.ring import Ring
from sniper.keys.secret import Secret

# https://github.com/trezor/python-mnemonic/blob/master/vectors.json (entropies 00.., 7f.., 80.., ff..)
ABANDON: Final = " ".join(["abandon"] * 11 + ["about"])
LEGAL: Final = "legal winner thank year wave sausage worth useful legal winner thank yellow"
LETTER: Final = "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
ZOO: Final = " ".join(["zoo"] * 11 + ["wrong"])
ABANDON_24: Final = " ".join(["abandon"] * 23 + ["art"])
PHRASES: Final = (ABANDON, LEGAL, LETTER, ZOO, ABANDON_24)

PASSPHRASE: Final = b"canary-passphrase-of-a-test"
QUICK: Final = new_kdf(MEMORY_KIB_FLOOR)


def kept(folder: Path, name: str, phrase: str, kind: Kind, passphrase: bytes = PASSPHRASE) -> Header:
    """A key of a public phrase in a folder of keys."""
    secret = private_key(Secret(phrase.encode()))
    return Ring(folder).create(name, kind, *identity(secret), secret, Secret(passphrase), QUICK)
