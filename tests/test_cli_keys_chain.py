"""`sniper keys check|authorize|revoke|rotate` against the stand-in exchange's node, over real gRPC."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main
from sniper.exchange.node.authenticators import Authenticator
from sniper.exchange.node.server import Certificate
from sniper.exchange.node.servicers import LOST, Treatment
from sniper.keys import chain
from sniper.keys.permission import Rule
from tests.commands import document, refused
from tests.keynode import OWNER, Peer, running
from tests.loopback import certificate
from tests.test_cli_keys import given
from tests.test_cli_keys_common import audited
from tests.test_keys_permission import encoded
from tests.vectors import ABANDON, LEGAL, LETTER, PASSPHRASE, kept

OWNERS, TRADERS = b"canary-of-the-owner", b"canary-of-the-trader"
BOTH = OWNERS + b"\n" + TRADERS + b"\n"
TRADE = ("--owner", "me", "--market", "BTC-USD", "--market", "1", "--subaccount", "0")


class Line:
    """The command line of one test: folders, node, passphrases."""

    def __init__(self, capsys: pytest.CaptureFixture[str], peer: Peer) -> None:
        self.capsys, self.peer = capsys, peer

    def words(self, verb: str, name: str, more: tuple[str, ...], fd: str) -> list[str]:
        return [
            "keys",
            verb,
            name,
            *self.peer.options,
            "--folder",
            "k",
            "--audit",
            "log",
            "--passphrase-fd",
            fd,
            *more,
        ]

    def answers(self, passphrases: bytes, verb: str, name: str, *more: str, code: int = 0) -> dict[str, Any]:
        with given(passphrases) as (fd,):
            return document(self.capsys, *self.words(verb, name, more, fd), "--json", code=code)

    def refuses(self, code: int, passphrases: bytes, verb: str, name: str, *more: str) -> str:
        with given(passphrases) as (fd,):
            return refused(self.capsys, code, *self.words(verb, name, more, fd))

    def says(self, passphrases: bytes, verb: str, name: str, *more: str, code: int = 0) -> str:
        with given(passphrases) as (fd,):
            assert main(self.words(verb, name, more, fd)) == code
        return "".join(self.capsys.readouterr())


@pytest.fixture
def line(
    alone: Path, cheap: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Line]:
    monkeypatch.setattr(chain, "POLL_S", 0.01)
    kept(alone / "k", "me", ABANDON, "owner", OWNERS)
    kept(alone / "k", "bot", LEGAL, "trader", TRADERS)
    with running() as peer:
        yield Line(capsys, peer)


def test_the_life_of_a_trader_key(line: Line, alone: Path) -> None:
    granted = line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    assert granted["schema"] == "sniper.key_grant/1"
    (grant,) = granted["grants"]
    assert (grant["owner"], grant["markets"], grant["subaccounts"]) == (OWNER, [0, 1], [0])
    assert line.peer.kept() == [grant["authenticator"]]

    checked = line.answers(TRADERS, "check", "bot")
    assert (checked["schema"], checked["ok"], checked["problems"]) == ("sniper.key_check/1", True, [])
    assert checked["reach"]["markets"] == [0, 1] and len(checked["probes"]) == 9
    assert "chain and file agree" in line.says(TRADERS, "check", "bot")

    rotated = line.answers(BOTH, "rotate", "bot", "--owner", "me", "--yes", "--keep-old")
    assert (rotated["schema"], rotated["old_revoked"]) == ("sniper.key_rotate/1", False)
    assert rotated["address"] != granted["address"] and len(line.peer.kept()) == 2
    assert line.answers(BOTH, "rotate", "bot", "--owner", "me", "--yes")["old_revoked"] is True
    assert line.answers(TRADERS, "check", "bot")["ok"] and len(line.peer.kept()) == 1

    number = line.peer.kept()[0]
    revoked = line.answers(OWNERS, "revoke", "bot", "--owner", "me", "--yes")
    assert revoked == {"schema": "sniper.key_revoke/1", "name": "bot", "removed": [number]}
    assert line.peer.kept() == []
    checked = line.answers(TRADERS, "check", "bot", code=8)
    assert any("revoked" in problem for problem in checked["problems"])
    assert "sniper: " not in line.says(TRADERS, "check", "bot", code=8)

    kinds = [one["kind"] for one in audited(alone / "log")]
    assert [kind for kind in kinds if kind not in ("key.open", "key.check")] == [
        "key.authorize.asked",
        "key.authorize",
        "key.authorize.asked",
        "key.authorize",
        "key.rotate",
        "key.revoke.asked",
        "key.revoke",
        "key.revoke.asked",
        "key.revoke",
    ]
    assert document(line.capsys, "audit", "verify", "log", "--json")["ok"]


def test_an_earlier_permission_still_counts_and_is_said(line: Line) -> None:
    line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    narrow = ("--owner", "me", "--market", "0", "--subaccount", "0", "--yes")
    assert "other permissions, which still count: 0" in line.says(BOTH, "authorize", "bot", *narrow)
    assert line.answers(BOTH, "authorize", "bot", *narrow)["others"] == [0]
    assert "does not know: 0" in line.says(TRADERS, "check", "bot", code=8)


def test_an_owner_key_shows_what_was_permitted_to_others(line: Line) -> None:
    line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    checked = line.answers(OWNERS, "check", "me")
    assert checked["may_withdraw"] is True and len(checked["account"]["permissions"]) == 1
    everything = Rule("SignatureVerification", (checked["account"]["permissions"][0]["keys"][0],))
    line.peer.counter.node.authenticators.kept[OWNER][9] = Authenticator(
        9, everything.type, encoded(everything)
    )
    said = line.says(OWNERS, "check", "me", code=8)
    assert "permission 9 lets key" in said


def test_what_is_said_to_people(line: Line) -> None:
    said = line.says(BOTH, "authorize", "bot", *TRADE, "--yes")
    assert "permission 0 of dydx1" in said and "markets 0, 1" in said
    assert "the old key may do nothing any more" in line.says(BOTH, "rotate", "bot", "--owner", "me", "--yes")
    said = line.says(BOTH, "rotate", "bot", "--owner", "me", "--yes", "--keep-old")
    assert "the old key still trades" in said
    assert "revoked 2, 1 on the account of me" in line.says(OWNERS, "revoke", "bot", "--owner", "me", "--yes")


def test_a_hint_can_be_typed_as_it_stands(line: Line) -> None:
    """It asks the chain that the call asked, in the folders of the call."""

    def hinted(said: str, start: str) -> list[str]:
        return shlex.split(said.partition(f"{start} with '")[2].partition("'")[0])[1:]

    check = hinted(line.says(BOTH, "authorize", "bot", *TRADE, "--yes"), "prove it")
    assert check == ["keys", "check", "bot", *line.peer.options, "--folder", "k", "--audit", "log"]
    with given(TRADERS) as (fd,):
        assert document(line.capsys, *check, "--passphrase-fd", fd, "--json")["ok"]
    narrow = ("--owner", "me", "--market", "0", "--subaccount", "0", "--yes")
    revoke = hinted(line.says(BOTH, "authorize", "bot", *narrow), "take one away")
    with given(OWNERS) as (fd,):
        assert document(line.capsys, *revoke, "--passphrase-fd", fd, "--yes", "--json")["removed"] == [0]


def test_a_file_alone_can_be_proven_without_a_node(line: Line) -> None:
    assert line.answers(TRADERS, "check", "bot", "--offline", "--node", "http://127.0.0.1:9")["ok"]
    assert "its address is that of its key" in line.says(TRADERS, "check", "bot", "--offline")


def test_a_wrong_passphrase_is_exit_4_and_in_the_log(line: Line, alone: Path) -> None:
    said = line.refuses(4, b"wrong-passphrase\n", "check", "bot", "--offline")
    assert "does not open" in said and "wrong-passphrase" not in said
    for passphrases, verb, more, name in (
        (b"wrong-passphrase\nx\n", "authorize", TRADE, "me"),
        (OWNERS + b"\nwrong-passphrase\n", "authorize", TRADE, "bot"),
        (OWNERS + b"\nwrong-passphrase\n", "rotate", ("--owner", "me"), "bot"),
    ):
        said = line.refuses(4, passphrases, verb, "bot", *more, "--yes")
        assert f"key {name}: the key file does not open: the passphrase is wrong, or the file was" in said
    uses = [(one["kind"], one["facts"]["key"]) for one in audited(alone / "log")]  # type: ignore[index]
    refusals = [key for kind, key in uses if kind == "key.refused"]
    assert refusals == ["bot", "me", "bot", "bot"]
    assert line.peer.kept() == [] and not line.peer.counter.sent


def test_a_permission_is_revoked_by_its_number_where_the_file_is_lost(line: Line, alone: Path) -> None:
    line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    (alone / "k" / "bot.key").unlink()

    def revoke(*more: str) -> list[str]:
        return [
            "keys",
            "revoke",
            *line.peer.options,
            "--folder",
            "k",
            "--audit",
            "log",
            "--owner",
            "me",
            "--yes",
            *more,
        ]

    with given(OWNERS) as (fd,):
        found = document(line.capsys, *revoke("--number", "0", "--passphrase-fd", fd, "--json"))
    assert found["removed"] == [0] and line.peer.kept() == []
    with given(OWNERS) as (fd,):
        said = refused(line.capsys, 8, *revoke("--number", "0", "--passphrase-fd", fd))
    assert "nothing was revoked: me has no permission 0" in said
    assert f"'sniper keys check me {' '.join(line.peer.options)} --folder k --audit log' shows" in said
    assert "NAME or --number" in refused(line.capsys, 2, *revoke())
    assert "NAME or --number" in refused(line.capsys, 2, *revoke("bot", "--number", "1"))


def test_what_was_not_revoked_is_no_success(line: Line, alone: Path) -> None:
    """A script in an emergency sees the exit code alone."""
    kept(alone / "k", "wrong", LETTER, "owner", OWNERS)
    wrong, right = (("--owner", name, "--yes") for name in ("wrong", "me"))
    assert "authorized on localdydxprotocol by nobody" in line.refuses(4, OWNERS, "revoke", "bot", *right)
    line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    said = line.refuses(4, OWNERS, "revoke", "bot", *wrong, "--json")
    assert "nothing was revoked" in said and f"by {OWNER}, and wrong is dydx1" in said
    assert line.peer.kept() == [0]
    assert line.answers(OWNERS, "revoke", "bot", *right)["removed"] == [0]
    assert "bot was revoked before" in line.says(OWNERS, "revoke", "bot", *right)
    assert line.answers(OWNERS, "revoke", "bot", *right)["removed"] == []


def test_what_changes_the_chain_is_asked_for(line: Line) -> None:
    for verb, more in (("authorize", TRADE), ("revoke", ("--owner", "me")), ("rotate", ("--owner", "me"))):
        assert "--yes" in line.refuses(2, BOTH, verb, "bot", *more)
    assert not line.peer.counter.sent


def test_wrong_calls(line: Line) -> None:
    assert "Did you mean BTC-USD" in line.refuses(
        2, BOTH, "authorize", "bot", "--owner", "me", "--market", "BTCUSD", "--subaccount", "0", "--yes"
    )
    assert "has no market 99" in line.refuses(
        2, BOTH, "authorize", "bot", "--owner", "me", "--market", "99", "--subaccount", "0", "--yes"
    )
    assert "at least one market" in line.refuses(
        2, BOTH, "authorize", "bot", "--owner", "me", "--market", "0", "--yes"
    )
    assert "at least one market" in line.refuses(
        2, BOTH, "authorize", "bot", "--owner", "me", "--subaccount", "0", "--yes"
    )
    assert "bot is a trader key" in line.refuses(
        4,
        TRADERS + b"\n",
        "authorize",
        "bot",
        "--owner",
        "bot",
        "--market",
        "0",
        "--subaccount",
        "0",
        "--yes",
    )
    assert "me is an owner key" in line.refuses(
        4,
        OWNERS + b"\n" + OWNERS,
        "authorize",
        "me",
        "--owner",
        "me",
        "--market",
        "0",
        "--subaccount",
        "0",
        "--yes",
    )
    assert "no key none" in line.refuses(2, BOTH, "revoke", "none", "--owner", "me", "--yes")
    assert "nothing to rotate" in line.refuses(4, BOTH, "rotate", "bot", "--owner", "me", "--yes")
    assert "cannot be read" in line.refuses(2, TRADERS, "check", "bot", "--ca-file", "none")
    assert "not this machine" in line.refuses(2, TRADERS, "check", "bot", "--node", "http://a.example:1")
    assert not line.peer.counter.sent


def test_a_node_that_is_not_there_is_exit_5(line: Line) -> None:
    line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    assert "did not answer" in line.refuses(5, TRADERS, "check", "bot", "--node", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("verb", "more", "kind"),
    [
        ("authorize", TRADE, "key.authorize"),
        ("revoke", ("--owner", "me"), "key.revoke"),
        ("rotate", ("--owner", "me"), "key.authorize"),
    ],
)
def test_a_change_whose_answer_is_lost(
    line: Line, alone: Path, verb: str, more: tuple[str, ...], kind: str
) -> None:
    """It was carried out: what is said and what is audited leave that open, and the command that is named shows it."""
    if verb != "authorize":
        line.answers(BOTH, "authorize", "bot", *TRADE, "--yes")
    before, log = line.peer.kept(), len(audited(alone / "log")) if verb != "authorize" else 0
    line.peer.counter.suffers["BroadcastTx"] = Treatment(LOST)
    said = line.refuses(5, BOTH, verb, "bot", *more, "--yes")
    line.peer.counter.suffers.clear()
    assert "did not answer (UNAVAILABLE" in said and "may have been carried out" in said
    assert "Check the address" not in said
    assert audited(alone / "log")[log:][-1]["kind"] == f"{kind}.asked"
    command = shlex.split(said.partition("See whether it was with '")[2].partition("'")[0])[1:]
    assert command == ["keys", "check", "me", *line.peer.options, "--folder", "k", "--audit", "log"]
    with given(OWNERS) as (fd,):
        found = document(line.capsys, *command, "--passphrase-fd", fd, "--json")
    assert [one["authenticator"] for one in found["account"]["permissions"]] == line.peer.kept() != before
    assert not line.says(BOTH, verb, "bot", *more, "--yes").count("may have been"), "and again: it goes on"


def test_a_self_signed_certificate_is_refused_unless_it_is_given(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(alone / "k", "me", ABANDON, "owner", PASSPHRASE)
    files = certificate(alone)
    with running(Certificate(*files)) as peer:
        line = Line(capsys, peer)
        assert "did not answer" in line.refuses(5, PASSPHRASE, "check", "me")
        assert line.answers(PASSPHRASE, "check", "me", "--ca-file", str(files[0]))["ok"]
