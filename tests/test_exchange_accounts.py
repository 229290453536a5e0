"""The addresses that stand in the table are those of its mnemonics, which are public."""

from __future__ import annotations

from dydx_v4_client.key_pair import KeyPair

from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.node.signing import address_of
from tests.wallets import MNEMONICS


def test_addresses_are_derived() -> None:
    for account in ACCOUNTS:
        assert address_of(KeyPair.from_mnemonic(account.mnemonic).public_key_bytes) == account.address
    assert tuple(account.mnemonic for account in ACCOUNTS) == MNEMONICS
