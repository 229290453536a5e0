"""Keys once more, plainly: BIP-39, BIP-32, secp256k1, bech32, RFC 6979 and ECDSA from their documents.

Slow and not safe against timing: for tests alone.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from Crypto.Hash import RIPEMD160

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
Point = tuple[int, int] | None


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (
        3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    ) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k: int, point: Point = G) -> tuple[int, int]:
    found: Point = None
    while k:
        if k & 1:
            found = add(found, point)
        point = add(point, point)
        k >>= 1
    assert found is not None
    return found


def public_key(private: bytes) -> bytes:
    x, y = times(int.from_bytes(private))
    return bytes([2 + y % 2]) + x.to_bytes(32)


def child(key: bytes, chain: bytes, index: int) -> tuple[bytes, bytes]:
    start = b"\0" + key if index >= 2**31 else public_key(key)
    digest = hmac.digest(chain, start + index.to_bytes(4), "sha512")
    return ((int.from_bytes(digest[:32]) + int.from_bytes(key)) % N).to_bytes(32), digest[32:]


def private_key(phrase: str) -> bytes:
    """m/44'/118'/0'/0/0 of a phrase without a passphrase."""
    normal = unicodedata.normalize("NFKD", phrase).encode()
    seed = hashlib.pbkdf2_hmac("sha512", normal, b"mnemonic", 2048)
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    key, chain = digest[:32], digest[32:]
    for index in (2**31 + 44, 2**31 + 118, 2**31, 0, 0):
        key, chain = child(key, chain, index)
    return key


ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, word in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= word if top >> i & 1 else 0
    return check


def address(private: bytes, prefix: str = "dydx") -> str:
    digest = RIPEMD160.new(hashlib.sha256(public_key(private)).digest()).digest()
    bits = int.from_bytes(digest)
    words = [bits >> 155 - 5 * i & 31 for i in range(32)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod([*expanded, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [check >> 25 - 5 * i & 31 for i in range(6)]
    return prefix + "1" + "".join(ALPHABET[word] for word in words)


def sign(private: bytes, message: bytes) -> bytes:
    """r || s with the nonce of RFC 6979 and the lower s, as Cosmos wants it."""
    digest = hashlib.sha256(message).digest()
    reduced = (int.from_bytes(digest) % N).to_bytes(32)
    v, k = b"\1" * 32, b"\0" * 32
    for tag in (b"\0", b"\1"):
        k = hmac.digest(k, v + tag + private + reduced, "sha256")
        v = hmac.digest(k, v, "sha256")
    nonce = int.from_bytes(hmac.digest(k, v, "sha256"))
    assert 0 < nonce < N
    r = times(nonce)[0] % N
    s = pow(nonce, -1, N) * (int.from_bytes(digest) + r * int.from_bytes(private)) % N
    return r.to_bytes(32) + min(s, N - s).to_bytes(32)
