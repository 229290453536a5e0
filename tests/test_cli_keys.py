"""`sniper keys import|create|show`: what is written, what is shown, what is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.keys.ring import Ring
from sniper.keys.secret import Secret
from tests.commands import document, process, refused
from tests.test_cli_keys_common import audited
from tests.vectors import ABANDON, LEGAL, PASSPHRASE, kept

ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
QUICK = ("--memory-mib", "64")


@contextmanager
def given(*contents: bytes) -> Iterator[list[str]]:
    """Descriptors with these contents, as words of a command line."""
    fds = []
    for content in contents:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        fds.append(reading)
    try:
        yield [str(fd) for fd in fds]
    finally:
        for fd in fds:
            os.close(fd)


def test_a_phrase_is_imported_and_opens_again(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with given(ABANDON.encode() + b"\n", PASSPHRASE + b"\n") as (secret, passphrase):
        found = document(
            capsys,
            "keys",
            "import",
            "me",
            "--secret-fd",
            secret,
            "--passphrase-fd",
            passphrase,
            *QUICK,
            "--json",
        )
    assert found["schema"] == "sniper.key_written/1"
    assert (found["name"], found["kind"], found["may_withdraw"], found["address"]) == (
        "me",
        "owner",
        True,
        ADDRESS,
    )
    folder = alone / ".local/state/sniper/keys"
    assert found["file"] == str(folder / "me.key")
    assert stat.S_IMODE((folder / "me.key").stat().st_mode) == 0o600
    with Ring(folder).unlock("me", Secret(PASSPHRASE)) as key:
        assert key.header.address == ADDRESS
    (line,) = audited(alone / ".local/state/sniper/audit")
    assert (line["kind"], line["facts"]) == ("key.import", {"key": "me", "kind": "owner", "address": ADDRESS})


def test_a_key_in_hexadecimal_for_a_trader(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = b"c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"
    with given(key, PASSPHRASE) as (secret, passphrase):
        words = [
            "keys",
            "import",
            "bot",
            "--trader",
            "--secret-fd",
            secret,
            "--passphrase-fd",
            passphrase,
            *QUICK,
        ]
        assert main(words) == 0
    out, err = capsys.readouterr()
    assert ADDRESS in out and "trader key" in out and "wrote" in err
    assert key.decode() not in out + err


def test_a_new_key_is_a_trader_key_unless_it_is_asked_for(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = set()
    for name, more, kind in (("bot", (), "trader"), ("bot2", (), "trader"), ("me", ("--owner",), "owner")):
        with given(PASSPHRASE) as (passphrase,):
            found = document(
                capsys, "keys", "create", name, "--passphrase-fd", passphrase, *QUICK, *more, "--json"
            )
        assert found["kind"] == kind and found["may_withdraw"] == (kind == "owner")
        addresses.add(found["address"])
    assert len(addresses) == 3
    with given(PASSPHRASE) as (passphrase,):
        assert main(["keys", "create", "me2", "--owner", "--passphrase-fd", passphrase, *QUICK]) == 0
    assert "there is no recovery phrase" in capsys.readouterr().err


def test_what_is_shown_needs_no_passphrase_and_shows_no_secret(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(alone / "k", "me", ABANDON, "owner")
    kept(alone / "k", "bot", LEGAL, "trader")
    found = document(capsys, "keys", "show", "--folder", "k", "--json")
    assert (found["schema"], found["proven"]) == ("sniper.keys/1", False)
    assert [one["name"] for one in found["keys"]] == ["bot", "me"]
    assert set(found["keys"][0]) == {
        "name", "kind", "may_withdraw", "address", "fingerprint", "created_s", "grants",
    }  # fmt: skip
    assert main(["keys", "show", "me", "--folder", "k"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and ADDRESS in out and "not proven" in err
    assert main(["keys", "show", "--folder", "none"]) == 0
    assert "there are no keys" in capsys.readouterr().err
    assert not (alone / "none").exists()


def test_nothing_is_overwritten_and_nothing_is_asked_for_before_that_is_known(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(alone / "k", "me", ABANDON, "owner")
    before = (alone / "k" / "me.key").read_bytes()
    for verb in ("import", "create"):
        assert "not overwritten" in refused(capsys, 2, "keys", verb, "me", "--folder", "k")
    assert (alone / "k" / "me.key").read_bytes() == before


def test_wide_permissions_are_exit_4(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(alone / "k", "me", ABANDON, "owner")
    (alone / "k" / "me.key").chmod(0o640)
    assert "chmod 600" in refused(capsys, 4, "keys", "show", "me", "--folder", "k")
    (alone / "k" / "me.key").chmod(0o600)
    (alone / "k").chmod(0o755)
    assert "chmod 700" in refused(capsys, 4, "keys", "show", "--folder", "k")
    with given(PASSPHRASE) as (passphrase,):
        assert "chmod 700" in refused(
            capsys, 4, "keys", "create", "bot", "--folder", "k", "--passphrase-fd", passphrase, *QUICK
        )


def test_wrong_calls(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("../x", "a/b", "A", ""):
        assert "no name for a key" in refused(capsys, 2, "keys", "create", name)
    with given(b"seven words are not twelve of the list\n", PASSPHRASE) as (secret, passphrase):
        said = refused(
            capsys, 2, "keys", "import", "me", "--secret-fd", secret, "--passphrase-fd", passphrase
        )
        assert "neither a recovery phrase" in said and "seven" not in said
    with given(b"") as (secret,):
        assert "holds nothing" in refused(capsys, 4, "keys", "import", "me", "--secret-fd", secret)
        assert "are the same" in refused(
            capsys, 2, "keys", "import", "me", "--secret-fd", secret, "--passphrase-fd", secret
        )
    assert "cannot be read" in refused(capsys, 2, "keys", "import", "me", "--secret-fd", "9999")
    with given(ABANDON.encode(), b"short\n") as (secret, passphrase):
        said = refused(
            capsys, 2, "keys", "import", "me", "--secret-fd", secret, "--passphrase-fd", passphrase, *QUICK
        )
        assert "fewer than 12" in said
    assert not list((alone / ".local/state/sniper").rglob("*.key"))
    refused(capsys, 2, "keys", "create", "me", "--memory-mib", "63")
    refused(capsys, 2, "keys", "create", "me", "--passphrase", "x")
    assert "there is no key none" in refused(capsys, 2, "keys", "show", "none")


def test_nothing_is_asked_without_a_terminal(alone: Path) -> None:
    for verb in (("create", "bot"), ("import", "me")):
        ran = process("keys", *verb, stdin=-3)
        out, err = ran.communicate(timeout=60)
        assert (ran.returncode, out) == (4, "") and "no terminal" in err and "--passphrase-fd" in err


def test_the_help_imports_nothing_of_the_exchange() -> None:
    code = (
        "import sys; from sniper.__main__ import main; main(sys.argv[1:]); "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'dydx_v4_client', 'v4_proto', 'grpc', 'bip_utils', 'cryptography', 'coincurve'}))"
    )
    for verb in (("--help",), ("keys", "--help"), ("keys", "show"), ("audit", "--help")):
        ran = process(*verb, python=("-c", code))
        out, err = ran.communicate(timeout=60)
        assert out.splitlines()[-1] == "[]", (verb, out, err)
