"""The encrypted key file: three lines of text, `sniper.key/1`.

1. The format and its version.
2. The header, one JSON object: what the key is (owner or trader, address, public key), what was granted to it on the
   chain, and how the passphrase becomes a key (Argon2id with its parameters and salt; the nonce).
3. Base64 of: the private key under AES-256-GCM (32 + 16 bytes), then an HMAC-SHA-256 of everything before (32).

Lines 1 and 2 are authenticated byte for byte (GCM's additional data, and the HMAC), so no word of the header can be
changed. Argon2id gives 64 bytes: one half is the cipher's key, the other the HMAC's, which makes the file commit to
one passphrase (GCM alone lets a forger build a file that opens under many, and learn from which one opened).

A wrong passphrase and a changed file give the same error after the same work; what is refused before any work
depends on the file alone, never on the passphrase. Parameters below the floor are refused as a downgrade, above the
ceiling as an attack on our memory.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from typing import Annotated, Final, Literal

import msgspec

from sniper.errors import PermissionProblem
from sniper.keys.core_dumps import forbid_core_dumps
from sniper.keys.secret import Secret, wipe

FORMAT: Final = b"sniper.key/1"
FILE_BYTES_MAX: Final = 16 * 1024
KEY_BYTES: Final = 32
GRANTS_MAX: Final = 16

# RFC 9106 recommends 64 MiB, 3 passes, 4 lanes where memory is scarce: the floor. OWASP's floor is below it.
MEMORY_KIB_FLOOR: Final = 64 * 1024
MEMORY_KIB_DEFAULT: Final = 256 * 1024
MEMORY_KIB_MAX: Final = 1024 * 1024
PASSES: Final = 3
LANES: Final = 4

Kind = Literal["owner", "trader"]
Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
NUMBERS_MAX: Final = 256
Numbers = Annotated[tuple[Number, ...], msgspec.Meta(min_length=1, max_length=NUMBERS_MAX)]
Address = Annotated[str, msgspec.Meta(pattern="^dydx1[02-9ac-hj-np-z]{38}$")]


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key."""

    name: Literal["argon2id"]
    memory_kib: Annotated[int, msgspec.Meta(le=MEMORY_KIB_MAX)]
    passes: Annotated[int, msgspec.Meta(le=16)]
    lanes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    salt: Hex32


def new_kdf(memory_kib: int = MEMORY_KIB_DEFAULT) -> Kdf:
    """The parameters for a new file; the salt comes with `seal`."""
    return Kdf("argon2id", memory_kib, PASSES, LANES, "0" * 32)


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an owner allowed a trader key on one chain: the authenticator's number and its bounds."""

    chain_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    owner: Address
    authenticator: Annotated[int, msgspec.Meta(ge=0)]
    markets: Numbers  # clob pair ids, ascending
    subaccounts: Numbers  # ascending


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key file says of its key in the clear. True only once the file was opened with its passphrase."""

    kind: Kind
    address: Address
    public_key: Annotated[str, msgspec.Meta(pattern="^0[23][0-9a-f]{64}$")]  # compressed secp256k1
    created_s: Annotated[int, msgspec.Meta(ge=0)]
    kdf: Kdf
    nonce: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{24}$")]
    grants: Annotated[tuple[Grant, ...], msgspec.Meta(max_length=GRANTS_MAX)] = ()

    def grant(self, chain_id: str) -> Grant | None:
        """What was granted on this chain."""
        return next((one for one in self.grants if one.chain_id == chain_id), None)


def may_withdraw(header: Header) -> bool:
    """Whether the key can take money out: an owner key can, a trader key cannot. Ask it of an opened file."""
    return header.kind == "owner"


def seal(header: Header, key: Secret, passphrase: Secret) -> bytes:
    """The content of a key file; salt and nonce of the header are replaced by fresh ones."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    kdf = msgspec.structs.replace(header.kdf, salt=os.urandom(16).hex())
    header = msgspec.structs.replace(header, kdf=kdf, nonce=os.urandom(12).hex())
    check_floor(kdf)
    authenticated = FORMAT + b"\n" + msgspec.json.encode(header) + b"\n"
    keys = _derive(kdf, passphrase)
    try:
        view = memoryview(keys)
        body = AESGCM(view[:32]).encrypt(bytes.fromhex(header.nonce), key.reveal(), authenticated)
        return authenticated + base64.b64encode(body + _mac(view[32:], authenticated, body)) + b"\n"
    finally:
        wipe(keys)


def read_header(content: bytes) -> Header:
    """The header without the passphrase: good for showing, not proven. PermissionProblem for what is no key file."""
    return _parse(content)[0]


def unseal(content: bytes, passphrase: Secret) -> tuple[Header, Secret]:
    """The proven header and the private key.

    PermissionProblem: no key file, parameters below the floor, or (one text, one amount of work) a wrong passphrase
    or a changed file.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, authenticated, body, mac = _parse(content)
    check_floor(header.kdf)
    forbid_core_dumps()
    keys, plain = _derive(header.kdf, passphrase), bytearray(KEY_BYTES)
    try:
        view = memoryview(keys)
        good = hmac.compare_digest(_mac(view[32:], authenticated, body), mac)
        try:
            AESGCM(view[:32]).decrypt_into(bytes.fromhex(header.nonce), body, authenticated, plain)
        except InvalidTag:
            good = False
        if not good:
            raise PermissionProblem(
                "the key file does not open: the passphrase is wrong, or the file was changed",
                "Try the passphrase again, or take the file from a backup.",
            )
        return header, Secret.take(plain)
    finally:
        wipe(keys)
        wipe(plain)


def check_floor(kdf: Kdf) -> None:
    """PermissionProblem for parameters that make guessing cheap."""
    if kdf.memory_kib < MEMORY_KIB_FLOOR or kdf.passes < PASSES or kdf.memory_kib < 8 * kdf.lanes:
        raise PermissionProblem(
            f"the key file asks for {kdf.memory_kib} KiB and {kdf.passes} passes, below the floor of "
            f"{MEMORY_KIB_FLOOR} and {PASSES}: a downgrade, so it is refused",
            "Take the file from a backup, or import the key again.",
        )


def _parse(content: bytes) -> tuple[Header, bytes, bytes, bytes]:
    """(header, authenticated bytes, ciphertext, HMAC), sizes and types checked; nothing is derived yet."""
    lines = content.split(b"\n")
    if len(content) > FILE_BYTES_MAX or len(lines) != 4 or lines[0] != FORMAT or lines[3]:
        shown = lines[0][:32].decode("ascii", "replace")
        raise PermissionProblem(
            f"this is no key file of this version of sniper (it begins with {shown!r})",
            "Give a file that 'sniper keys create' or 'sniper keys import' wrote.",
        )
    try:
        header = msgspec.json.decode(lines[1], type=Header)
        sealed = base64.b64decode(lines[2], validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error) as error:
        raise PermissionProblem(
            f"the key file is damaged: {error}", "Take the file from a backup, or import the key again."
        ) from None
    if len(sealed) != KEY_BYTES + 16 + 32:
        raise PermissionProblem("the key file is damaged: its last line has a wrong length", "Take a backup.")
    return header, lines[0] + b"\n" + lines[1] + b"\n", sealed[:-32], sealed[-32:]


def _derive(kdf: Kdf, passphrase: Secret) -> bytearray:
    """64 bytes of Argon2id: the cipher's key, then the HMAC's. To be wiped by the caller."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    keys = bytearray(64)
    salt = bytes.fromhex(kdf.salt)
    try:
        Argon2id(
            salt=salt, length=64, iterations=kdf.passes, lanes=kdf.lanes, memory_cost=kdf.memory_kib
        ).derive_into(passphrase.reveal(), keys)  # type: ignore[arg-type]  # any buffer; a copy could not be wiped
    except MemoryError:
        raise PermissionProblem(
            f"the key file takes {kdf.memory_kib // 1024} MiB of memory to open, and this machine does not give it",
            "Make room, or make the key anew with a smaller --memory-mib.",
        ) from None
    return keys


def _mac(key: memoryview, authenticated: bytes, body: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.hmac import HMAC

    made = HMAC(
        key, hashes.SHA256()
    )  # the standard library's hmac takes no memoryview, so it would need a copy
    made.update(authenticated)
    made.update(body)
    return made.finalize()
