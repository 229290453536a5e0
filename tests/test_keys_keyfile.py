"""keys.keyfile: opens with its passphrase and with nothing else; no word of it can be changed; no downgrade."""

from __future__ import annotations

import base64
import hmac
import json
import resource
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.errors import PermissionProblem
from sniper.keys import keyfile
from sniper.keys.keyfile import Grant, Header, may_withdraw, new_kdf, read_header, seal, unseal
from sniper.keys.secret import Secret
from tests.vectors import PASSPHRASE, QUICK

KEY = bytes(range(1, 33))
OWNER = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
HEADER = Header(
    "trader", OWNER, "02" + "ab" * 32, 1_700_000_000, QUICK, "0" * 24,
    (Grant("dydx-testnet-4", OWNER, 7, (0, 1), (0,)),),
)  # fmt: skip
SEALED = seal(HEADER, Secret(KEY), Secret(PASSPHRASE))


def test_it_opens_with_its_passphrase() -> None:
    header, key = unseal(SEALED, Secret(PASSPHRASE))
    assert bytes(key.reveal()) == KEY
    assert (header.kind, header.address, header.grants) == ("trader", OWNER, HEADER.grants)
    assert header.grant("dydx-testnet-4") == HEADER.grants[0] and header.grant("dydx-mainnet-1") is None
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0, "and a crash leaves no image of it"


def test_it_is_what_the_document_says() -> None:
    """Opened by hand, from the module's text alone."""
    first, second, third, rest = SEALED.split(b"\n")
    assert (first, rest) == (b"sniper.key/1", b"")
    header = json.loads(second)
    kdf = header["kdf"]
    assert kdf["name"] == "argon2id"
    keys = Argon2id(
        salt=bytes.fromhex(kdf["salt"]), length=64, iterations=kdf["passes"], lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    ).derive(PASSPHRASE)  # fmt: skip
    authenticated, body = first + b"\n" + second + b"\n", base64.b64decode(third)
    assert hmac.digest(keys[32:], authenticated + body[:48], "sha256") == body[48:]
    assert AESGCM(keys[:32]).decrypt(bytes.fromhex(header["nonce"]), body[:48], authenticated) == KEY


def test_salt_and_nonce_are_fresh_each_time() -> None:
    again = seal(HEADER, Secret(KEY), Secret(PASSPHRASE))
    one, two = read_header(SEALED), read_header(again)
    assert one.kdf.salt != two.kdf.salt and one.nonce != two.nonce
    assert KEY not in SEALED and KEY.hex().encode() not in SEALED and PASSPHRASE not in SEALED


@settings(max_examples=25)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, by: int) -> None:
    changed = SEALED[:at] + bytes([SEALED[at] ^ by]) + SEALED[at + 1 :]
    with pytest.raises(PermissionProblem):
        unseal(changed, Secret(PASSPHRASE))


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "kind": lambda h: h.update(kind="owner"),
    "address": lambda h: h.update(address="dydx1fudl4c8efhw59sddukjwztd7th77tnqyvs7wal"),
    "grants": lambda h: h.update(grants=[]),
    "market": lambda h: h["grants"][0].update(markets=[0, 1, 2]),
    "time": lambda h: h.update(created_s=1),
    "salt": lambda h: h["kdf"].update(salt="11" * 16),
    "memory": lambda h: h["kdf"].update(memory_kib=keyfile.MEMORY_KIB_FLOOR + 1),
    "nonce": lambda h: h.update(nonce="11" * 12),
}


def rewritten(change: Callable[[dict[str, Any]], Any]) -> bytes:
    first, second, third, rest = SEALED.split(b"\n")
    header = json.loads(second)
    change(header)
    return b"\n".join([first, json.dumps(header, separators=(",", ":")).encode(), third, rest])


@pytest.mark.parametrize("name", CHANGES)
def test_no_word_of_the_header_can_be_changed(name: str) -> None:
    changed = rewritten(CHANGES[name])
    assert read_header(changed) != read_header(SEALED), "it still reads as a header"
    with pytest.raises(PermissionProblem, match="does not open"):
        unseal(changed, Secret(PASSPHRASE))


def test_a_wrong_passphrase_and_a_changed_file_are_told_apart_by_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Same type, same text, same exit code, and the same calls: one derivation, one HMAC, one decryption."""
    calls: list[str] = []
    body_changed = SEALED[:-20] + (b"A" if SEALED[-20:-19] != b"A" else b"B") + SEALED[-19:]
    mac_changed = SEALED[:-4] + (b"A" if SEALED[-4:-3] != b"A" else b"B") + SEALED[-3:]

    class Counted:
        def __init__(self, key: Any) -> None:
            self.real = AESGCM(key)

        def decrypt_into(self, *args: Any) -> Any:
            calls.append("decrypt")
            return self.real.decrypt_into(*args)

    monkeypatch.setattr("cryptography.hazmat.primitives.ciphers.aead.AESGCM", Counted)
    for name in ("_derive", "_mac"):
        real = getattr(keyfile, name)
        monkeypatch.setattr(keyfile, name, lambda *a, real=real, name=name: (calls.append(name), real(*a))[1])
    seen = set()
    for content, passphrase in (
        (SEALED, b"wrong passphrase"),
        (SEALED, b""),
        (body_changed, PASSPHRASE),
        (mac_changed, PASSPHRASE),
        (rewritten(CHANGES["kind"]), PASSPHRASE),
        (rewritten(CHANGES["kind"]), b"wrong passphrase"),
    ):
        calls.clear()
        with pytest.raises(PermissionProblem) as caught:
            unseal(content, Secret(passphrase))
        assert caught.value.__cause__ is None
        seen.add((str(caught.value), caught.value.exit_code, tuple(calls)))
    assert len(seen) == 1
    assert seen.pop()[1:] == (4, ("_derive", "_mac", "decrypt"))


def test_a_file_that_decrypts_under_another_passphrase_does_not_open() -> None:
    """GCM alone would let a forger make one; the HMAC commits to one passphrase."""
    first, second, third, rest = SEALED.split(b"\n")
    header = json.loads(second)
    keys = Argon2id(
        salt=bytes.fromhex(header["kdf"]["salt"]), length=64, iterations=3, lanes=4,
        memory_cost=header["kdf"]["memory_kib"],
    ).derive(b"another one")  # fmt: skip
    forged = AESGCM(keys[:32]).encrypt(bytes.fromhex(header["nonce"]), KEY, first + b"\n" + second + b"\n")
    body = forged + base64.b64decode(third)[48:]
    with pytest.raises(PermissionProblem, match="does not open"):
        unseal(b"\n".join([first, second, base64.b64encode(body), rest]), Secret(b"another one"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"memory_kib": keyfile.MEMORY_KIB_FLOOR - 1}, "a downgrade"),
        ({"memory_kib": 8}, "a downgrade"),
        ({"memory_kib": -1}, "a downgrade"),
        ({"passes": 2}, "a downgrade"),
        ({"passes": 0}, "a downgrade"),
        ({"memory_kib": keyfile.MEMORY_KIB_MAX + 1}, "damaged"),
        ({"passes": 17}, "damaged"),
        ({"lanes": 0}, "damaged"),
        ({"lanes": 17}, "damaged"),
        ({"lanes": "4"}, "damaged"),
        ({"name": "pbkdf2"}, "damaged"),
        ({"name": "scrypt"}, "damaged"),
        ({"salt": "00"}, "damaged"),
        ({"salt": "00" * 2000}, "damaged"),
        ({"pepper": 1}, "damaged"),
    ],
)
def test_a_downgrade_and_what_would_exhaust_us_are_refused_before_any_work(
    change: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfile, "_derive", lambda *_: pytest.fail("there was work"))
    with pytest.raises(PermissionProblem, match=problem):
        unseal(rewritten(lambda h: h["kdf"].update(change)), Secret(PASSPHRASE))


def test_a_downgrade_is_not_written_either() -> None:
    weak = msgspec.structs.replace(HEADER, kdf=new_kdf(keyfile.MEMORY_KIB_FLOOR - 1))
    with pytest.raises(PermissionProblem, match="a downgrade"):
        seal(weak, Secret(KEY), Secret(PASSPHRASE))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"sniper.key/2\n{}\n\n",
        b"sniper.key/1\n{}\nAAAA\n",
        SEALED + b"\n",
        SEALED[:-1],
        SEALED.replace(b"\n", b"\r\n"),
        b"sniper.key/1\n" + b"[" * 10_000 + b"\nAAAA\n",
        b"sniper.key/1\n" + b" " * 20_000 + b"\nAAAA\n",
        SEALED[:-2] + b"!\n",
        SEALED[: SEALED.rindex(b"\n", 0, -1) + 1] + base64.b64encode(bytes(79)) + b"\n",
        b"\xff" * 100,
    ],
)
def test_what_is_no_key_file_is_said_before_any_work(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "_derive", lambda *_: pytest.fail("there was work"))
    with pytest.raises(PermissionProblem):
        unseal(content, Secret(PASSPHRASE))
    with pytest.raises(PermissionProblem):
        read_header(content)


def test_an_owner_key_may_withdraw_and_a_trader_key_may_not() -> None:
    assert not may_withdraw(HEADER)
    assert may_withdraw(msgspec.structs.replace(HEADER, kind="owner"))


def test_what_is_derived_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytearray] = []
    real = keyfile._derive

    def kept(*args: Any) -> bytearray:
        seen.append(real(*args))
        return seen[-1]

    monkeypatch.setattr(keyfile, "_derive", kept)
    unseal(SEALED, Secret(PASSPHRASE))
    seal(HEADER, Secret(KEY), Secret(PASSPHRASE))
    with pytest.raises(PermissionProblem):
        unseal(SEALED, Secret(b"wrong passphrase"))
    assert [bytes(one) for one in seen] == [bytes(64)] * 3


def test_a_machine_without_the_memory_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import cryptography.hazmat.primitives.kdf.argon2 as library

    class Small:
        def __init__(self, **parameters: Any) -> None:
            pass

        def derive_into(self, material: Any, into: Any) -> None:
            raise MemoryError

    monkeypatch.setattr(library, "Argon2id", Small)
    with pytest.raises(PermissionProblem, match="MiB of memory"):
        unseal(SEALED, Secret(PASSPHRASE))
