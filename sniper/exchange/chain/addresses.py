"""Addresses of accounts that nobody has a key for: the exchange's own makers, takers and treasury.

Bech32 (BIP-173) with the prefix of dYdX, over the hash of a name.
"""

from __future__ import annotations

from hashlib import sha256

PREFIX = "dydx"
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check ^ 1


def bech32(prefix: str, data: bytes) -> str:
    """The Bech32 text of some bytes, a multiple of 5 of them."""
    bits = int.from_bytes(data, "big")
    count = len(data) * 8 // 5
    values = [bits >> 5 * (count - 1 - at) & 31 for at in range(count)]
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = _checksum(expanded + values + [0] * 6)
    values += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(_LETTERS[value] for value in values)


def address_of(name: str) -> str:
    """The address that belongs to a name, like any other in form."""
    return bech32(PREFIX, sha256(name.encode()).digest()[:20])
