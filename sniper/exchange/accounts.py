"""Accounts that everybody may use: the first mnemonics of BIP-39's own test vectors, funded at the start.

They are public, so whatever they hold on a real network belongs to whoever comes first: use them here alone. The
addresses stand here because deriving them takes a third of a second.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class PublicAccount(NamedTuple):
    """A public test account: where it stands at the path m/44'/118'/0'/0/0, and the mnemonic."""

    address: str
    mnemonic: str


ACCOUNTS: Final = (
    PublicAccount(
        "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    ),
    PublicAccount(
        "dydx1avgyh77ycn997ja45q5q8ss8y9mr424jfrvh4k",
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
    ),
    PublicAccount(
        "dydx16ns2f3vrquy0vpyvkg92dxhymmran5f7d9ttzl",
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    ),
    PublicAccount(
        "dydx1am058pdux3hyulcmfgj4m3hhrlfn8nzmw7jr0h", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
    ),
)
