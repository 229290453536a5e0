"""keys.granting: authorize, revoke, rotate; wherever a rotation dies, the key in the file is a permitted one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sniper.errors import NetworkUnavailable, PermissionProblem, UsageError
from sniper.keys import chain, granting
from sniper.keys.chain import Node
from sniper.keys.granting import Scope, authorize, revoke, rotate, scope, standing_for
from sniper.keys.permission import reach, trade_only
from sniper.keys.ring import NEXT, OLD, Key, Ring
from sniper.keys.secret import Secret
from tests.keynode import OWNER, Peer, running
from tests.vectors import ABANDON, LEGAL, LETTER, PASSPHRASE, kept

WANTED = Scope((0, 1), (0, 2))


class Case:
    """An owner, a trader, a node, and what was told."""

    def __init__(self, folder: Path, peer: Peer, node: Node) -> None:
        self.ring = Ring(folder / "keys")
        kept(self.ring.folder, "owner", ABANDON, "owner")
        kept(self.ring.folder, "bot", LEGAL, "trader")
        self.peer, self.node = peer, node
        self.told: list[tuple[str, dict[str, object]]] = []
        self.owner = self.unlock("owner")

    def unlock(self, name: str) -> Key:
        return self.ring.unlock(name, Secret(PASSPHRASE))

    def tell(self, kind: str, facts: dict[str, object]) -> None:
        self.told.append((kind, facts))

    def authorize(self, wanted: Scope = WANTED) -> int:
        trader = self.unlock("bot")
        return authorize(
            self.ring, self.node, self.owner, trader, Secret(PASSPHRASE), wanted, self.tell
        ).authenticator

    def rotate(self, keep_old: bool = False) -> bool:
        return rotate(self.ring, self.node, self.owner, "bot", Secret(PASSPHRASE), keep_old, self.tell)[1]

    def may_trade(self, public_key: str) -> bool:
        """By what the node keeps and how the node judges it."""
        rules = [one.rule for one in self.node.authenticators(OWNER) if one.rule]
        return bool(reach(rules, public_key).messages)

    def works(self) -> bool:
        """Whether the key in the file is permitted, and by the number that the file says."""
        key = self.unlock("bot")
        grant = key.header.grant(self.node.chain_id)
        there = {one.id: one.rule for one in self.node.authenticators(OWNER)}
        rule = there.get(grant.authenticator) if grant else None
        expected = reach([trade_only(key.header.public_key, *WANTED)], key.header.public_key)
        return rule is not None and reach([rule], key.header.public_key) == expected


@pytest.fixture
def case(tmp_path: Path, cheap: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(chain, "POLL_S", 0.01)
    with running() as peer, Node(peer.network) as node:
        yield Case(tmp_path, peer, node)


def test_a_trader_key_is_permitted_and_its_file_says_so(case: Case) -> None:
    number = case.authorize()
    assert case.peer.kept() == [number] and case.works()
    grant = case.ring.header("bot").grant(case.node.chain_id)
    assert grant is not None
    assert (grant.owner, grant.authenticator, grant.markets, grant.subaccounts) == (
        OWNER,
        number,
        (0, 1),
        (0, 2),
    )
    (asked, wanted), (kind, facts), *rest = case.told
    assert (kind, facts["authenticator"], facts["new"], rest) == ("key.authorize", number, True, [])
    assert asked == "key.authorize.asked" and facts.items() > wanted.items()


def test_the_same_twice_is_one_permission(case: Case) -> None:
    assert case.authorize() == case.authorize()
    assert len(case.peer.kept()) == 1 and len(case.peer.counter.sent) == 1
    assert [kind for kind, _ in case.told] == ["key.authorize.asked", "key.authorize", "key.authorize"]
    assert case.told[-1][1]["new"] is False
    case.authorize(Scope((0,), (0,)))
    assert len(case.peer.kept()) == 2, "another scope is another permission"


def test_a_file_that_could_not_be_written_is_written_by_the_next_call(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(case.ring, "record", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
        case.authorize()
    assert len(case.peer.kept()) == 1 and not case.works()
    case.authorize()
    assert len(case.peer.kept()) == 1 and case.works()


def test_revoking_takes_every_permission_of_that_key_and_no_other(case: Case) -> None:
    first, second = case.authorize(), case.authorize(Scope((7,), (0,)))
    kept(case.ring.folder, "other", LETTER, "trader")
    with case.ring.unlock("other", Secret(PASSPHRASE)) as other:
        authorize(case.ring, case.node, case.owner, other, Secret(PASSPHRASE), WANTED, case.tell)
        left = case.peer.kept()[-1]
    header = case.ring.header("bot")
    assert revoke(case.node, case.owner, header, "bot", case.tell) == [first, second]
    assert case.peer.kept() == [left]
    assert not case.may_trade(header.public_key)
    assert revoke(case.node, case.owner, header, "bot", case.tell) == []
    for said in ("key.revoke.asked", "key.revoke"):
        assert [facts["authenticator"] for kind, facts in case.told if kind == said] == [first, second]


def test_a_key_whose_file_names_another_owner_is_not_said_to_be_revoked(case: Case) -> None:
    """What stands on the account of the owner that was given goes; that it may trade elsewhere is no success."""
    number = case.authorize()
    with case.unlock("bot") as bot:
        granted = bot.header.grant(case.node.chain_id)
        assert granted is not None
        elsewhere = msgspec.structs.replace(granted, owner=bot.header.address)
        case.ring.record(bot, elsewhere, Secret(PASSPHRASE))
    for what in (f"only permission {number} was", "nothing was"):
        with pytest.raises(PermissionProblem, match=f"^{what} revoked.*by {elsewhere.owner}, and owner is"):
            granting.revoke_all(case.ring, case.node, case.owner, "bot", case.tell)
        assert case.peer.kept() == []


def test_a_rotation_is_finished_by_the_owner_who_granted_alone(case: Case) -> None:
    """Another's account has no permission of the old key, which would be forgotten while it still trades."""
    case.authorize()
    old = case.ring.header("bot")
    assert case.rotate(keep_old=True) is False
    kept(case.ring.folder, "wrong", LETTER, "owner")
    with case.unlock("wrong") as wrong, pytest.raises(PermissionProblem, match="not authorized by wrong"):
        rotate(case.ring, case.node, wrong, "bot", Secret(PASSPHRASE), False, case.tell)
    assert case.ring.has("bot", OLD) and case.may_trade(old.public_key)
    assert case.rotate() is True and not case.may_trade(old.public_key)


def test_what_is_asked_of_the_chain_is_told_before(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the log has it whatever becomes of the answer."""

    def lost(*_: object) -> int:
        raise NetworkUnavailable("no answer")

    for verb, act in (
        ("add", case.authorize),
        ("remove", lambda: revoke(case.node, case.owner, case.ring.header("bot"), "bot", case.tell)),
        ("remove", lambda: granting.revoke_number(case.node, case.owner, case.peer.kept()[0], case.tell)),
    ):
        case.told.clear()
        with monkeypatch.context() as patch, pytest.raises(NetworkUnavailable):
            patch.setattr(case.node, verb, lost)
            act()
        ((kind, facts),) = case.told
        assert kind == f"key.{'authorize' if verb == 'add' else 'revoke'}.asked"
        assert (facts["owner"], facts["chain_id"]) == ("owner", case.node.chain_id)
        if verb == "add":
            case.authorize()


def test_keys_of_the_wrong_kind_are_refused_before_anything_is_sent(case: Case) -> None:
    bot = case.unlock("bot")
    arguments: Any = (case.ring, case.node)
    with pytest.raises(PermissionProblem, match="bot is a trader key"):
        authorize(*arguments, bot, bot, Secret(PASSPHRASE), WANTED, case.tell)
    with pytest.raises(PermissionProblem, match="owner is an owner key"):
        authorize(*arguments, case.owner, case.owner, Secret(PASSPHRASE), WANTED, case.tell)
    with pytest.raises(PermissionProblem, match="trader key"):
        revoke(case.node, bot, bot.header, "bot", case.tell)
    with pytest.raises(PermissionProblem, match="trader key"):
        rotate(*arguments, bot, "bot", Secret(PASSPHRASE), False, case.tell)
    assert not case.peer.counter.sent and not case.told


def test_a_rotation_puts_a_new_key_in_the_place_of_the_old_one(case: Case) -> None:
    case.authorize()
    old = case.ring.header("bot")
    assert case.rotate() is True
    new = case.ring.header("bot")
    assert new.address != old.address and new.kind == "trader"
    assert case.works() and not case.may_trade(old.public_key)
    assert len(case.peer.kept()) == 1
    assert not case.ring.has("bot", OLD) and not case.ring.has("bot", NEXT)
    assert [kind for kind, _ in case.told if not kind.endswith(".asked")] == [
        "key.authorize",
        "key.authorize",
        "key.rotate",
        "key.revoke",
    ]


def test_the_old_key_may_be_kept_until_it_is_unused(case: Case) -> None:
    case.authorize()
    old = case.ring.header("bot")
    assert case.rotate(keep_old=True) is False
    new = case.ring.header("bot")
    assert case.works() and case.may_trade(old.public_key) and new.address != old.address
    assert case.rotate() is True
    assert case.ring.header("bot").address == new.address, (
        "the second call finishes, it does not rotate again"
    )
    assert case.works() and not case.may_trade(old.public_key)


class Died(Exception):
    """Raised in the place of kill -9."""


def dying(case: Case, monkeypatch: pytest.MonkeyPatch, at: int) -> bool:
    """Rotate, and die before step `at` of those that change something; whether it did."""
    steps = 0

    def stepping(real: Any) -> Any:
        def act(*args: Any, **more: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Died
            return real(*args, **more)

        return act

    with monkeypatch.context() as patch:
        for owner, name in (
            (case.ring, "stage"), (case.node, "add"), (case.ring, "record"), (case.ring, "swap"),
            (case.node, "remove"), (case.ring, "drop_old"),
        ):  # fmt: skip
            patch.setattr(owner, name, stepping(getattr(owner, name)))
        try:
            case.rotate()
        except Died:
            return True
    return False


@pytest.mark.parametrize("again", [0, 1, 3])
def test_wherever_a_rotation_dies_there_is_a_working_key_and_the_next_call_finishes(
    case: Case, monkeypatch: pytest.MonkeyPatch, again: int
) -> None:
    """Six steps change something; it dies before each, and `again` more times on the way."""
    case.authorize()
    old = case.ring.header("bot")
    for at in range(1, 7):
        assert dying(case, monkeypatch, at) or at > 1
        assert case.works(), f"dead before step {at}"
        for _ in range(again):
            dying(case, monkeypatch, 1)
            assert case.works()
        assert case.rotate() is True or case.ring.header("bot").address != old.address
        assert case.works() and len(case.peer.kept()) == 1
        assert not case.may_trade(old.public_key)
        assert not case.ring.has("bot", OLD) and not case.ring.has("bot", NEXT)
        old = case.ring.header("bot")


def test_only_what_was_authorized_is_rotated(case: Case) -> None:
    with pytest.raises(PermissionProblem, match="nothing to rotate"):
        case.rotate()
    assert not case.ring.has("bot", NEXT)


@pytest.mark.parametrize(("markets", "subaccounts"), [([], [0]), ([0], []), ([], [])])
def test_an_empty_scope_is_none(markets: list[int], subaccounts: list[int]) -> None:
    with pytest.raises(UsageError, match="at least one"):
        scope(markets, subaccounts)
    assert scope([3, 1, 3], [2]) == Scope((1, 3), (2,))


def test_rules_that_cannot_be_judged_are_not_ours_to_remove(case: Case) -> None:
    from sniper.exchange.node.authenticators import Authenticator

    case.peer.counter.node.authenticators.kept[OWNER] = {3: Authenticator(3, "Unheard", b"")}
    assert standing_for(case.node, OWNER, case.ring.header("bot").public_key) == []
    assert granting.revoke(case.node, case.owner, case.ring.header("bot"), "bot", case.tell) == []
