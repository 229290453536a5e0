"""Permits a trader key on the owner's account, takes that back, and replaces a trader key by another.

Each step is looked up on the chain before it is done, so that a command that died can be given again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sniper.errors import PermissionProblem, UsageError
from sniper.keys.keyfile import Grant, Header, new_kdf
from sniper.keys.permission import Rule, mentions, reach, trade_only
from sniper.keys.ring import NEXT, OLD, Key, Ring
from sniper.keys.secret import Secret

if TYPE_CHECKING:
    from sniper.keys.chain import Standing

Tell = Callable[[str, dict[str, object]], None]
"""(kind, facts): what was done; goes into the audit log and to the user."""


class Account(Protocol):
    """What is asked of the chain: `sniper.keys.chain.Node` is one."""

    @property
    def chain_id(self) -> str: ...
    def authenticators(self, address: str) -> list[Standing]: ...
    def add(self, wallet: Any, rule: Rule, seen: Callable[[Standing], bool]) -> int: ...
    def remove(self, wallet: Any, authenticator: int) -> None: ...


class Scope(NamedTuple):
    """What a trader key is for: clob pair ids and subaccount numbers, both ascending and not empty."""

    markets: tuple[int, ...]
    subaccounts: tuple[int, ...]


def scope(markets: Collection[int], subaccounts: Collection[int]) -> Scope:
    """A scope. UsageError for an empty one: an empty filter would mean none, and is never meant."""
    if not markets or not subaccounts:
        raise UsageError(
            "a trader key needs at least one market and one subaccount", "Give --market and --subaccount."
        )
    return Scope(tuple(sorted(set(markets))), tuple(sorted(set(subaccounts))))


def standing_for(node: Account, owner: str, public_key: str) -> list[Standing]:
    """The authenticators of the owner's account in which this key's signature counts."""
    return [
        one for one in node.authenticators(owner) if one.rule is not None and mentions(one.rule, public_key)
    ]


def authorize(
    ring: Ring,
    node: Account,
    owner: Key,
    trader: Key,
    passphrase: Secret,
    wanted: Scope,
    tell: Tell,
    stage: str = "",
) -> Grant:
    """Permit the trader key this scope, unless the chain has just that already; note it in the key's file.

    passphrase: the trader's, whose file is written. PermissionProblem for keys of the wrong kind.
    """
    check_kinds(owner, trader)
    public_key = trader.header.public_key
    rule = trade_only(public_key, *wanted)
    expected = reach([rule], public_key)

    def same(one: Standing) -> bool:
        return one.rule is not None and reach([one.rule], public_key) == expected

    there = [one.id for one in standing_for(node, owner.header.address, public_key) if same(one)]
    facts: dict[str, object] = {
        "key": trader.name,
        "owner": owner.name,
        "address": trader.header.address,
        "chain_id": node.chain_id,
        "markets": list(wanted.markets),
        "subaccounts": list(wanted.subaccounts),
    }
    if not there:
        tell("key.authorize.asked", facts)
    number = there[0] if there else node.add(_wallet(owner), rule, same)
    grant = Grant(node.chain_id, owner.header.address, number, *wanted)
    ring.record(trader, grant, passphrase, stage)
    tell("key.authorize", facts | {"authenticator": number, "new": not there})
    return grant


def other_permissions(node: Account, owner: str, public_key: str, grant: Grant) -> list[int]:
    """Permissions that the key has beside this one, such as those of an earlier scope: they still count."""
    return [one.id for one in standing_for(node, owner, public_key) if one.id != grant.authenticator]


def revoke(node: Account, owner: Key, header: Header, name: str, tell: Tell) -> list[int]:
    """Take away every permission in which the key of this header counts; their numbers. Nothing is done twice."""
    check_owner(owner)
    removed = []
    for one in standing_for(node, owner.header.address, header.public_key):
        _remove(node, owner, one.id, {"key": name, "address": header.address}, tell)
        removed.append(one.id)
    return removed


def revoke_all(ring: Ring, node: Account, owner: Key, name: str, tell: Tell) -> list[int]:
    """Take away every permission of this key, and of the keys that an unfinished rotation keeps beside it.

    None where they were taken away before. PermissionProblem where the file of the key names another owner on this
    chain, or none and nothing is there: the key may still trade, on another account or chain. What stands on this
    owner's account is gone by then.
    """
    removed: list[int] = []
    grant = ring.header(name).grant(node.chain_id)
    for stage in ("", NEXT, OLD):
        if not stage or ring.has(name, stage):
            removed += revoke(node, owner, ring.header(name, stage), f"{name}{stage}", tell)
    if (grant is None and not removed) or (grant is not None and grant.owner != owner.header.address):
        gone = f"only permission {', '.join(map(str, removed))}" if removed else "nothing"
        raise PermissionProblem(
            f"{gone} was revoked: by its file, key {name} was authorized on {node.chain_id} by "
            f"{grant.owner if grant else 'nobody'}, and {owner.name} is {owner.header.address}",
            f"See 'sniper keys show {name}' for the owner and the chain.",
        )
    return removed


def revoke_number(node: Account, owner: Key, number: int, tell: Tell) -> list[int]:
    """Take away the permission with this number, whosever it is: for a key whose file is lost. None: not there."""
    check_owner(owner)
    if all(one.id != number for one in node.authenticators(owner.header.address)):
        return []
    _remove(node, owner, number, {}, tell)
    return [number]


def _remove(node: Account, owner: Key, number: int, whose: dict[str, object], tell: Tell) -> None:
    """That it is asked for is told before: an answer may be lost, and what was asked for be done."""
    facts = whose | {"owner": owner.name, "chain_id": node.chain_id, "authenticator": number}
    tell("key.revoke.asked", facts)
    node.remove(_wallet(owner), number)
    tell("key.revoke", facts)


def rotate(
    ring: Ring, node: Account, owner: Key, name: str, passphrase: Secret, keep_old: bool, tell: Tell
) -> tuple[Header, bool]:
    """Put a new key in the place of a trader key: (its header, whether the old one was revoked).

    New key beside the old one, permission for it, swap of the files, and only then the old key's permission goes: at
    every moment the key in the file is a permitted one. A rotation that died, or kept the old key, is finished by the
    next call. The new file takes the passphrase of the old one.
    """
    check_owner(owner)
    if not ring.has(name, OLD):
        with ring.unlock(name, passphrase) as now:
            check_kinds(owner, now)
            grant = _granted(now, owner, node.chain_id)
            if not ring.has(name, NEXT):
                _make_next(ring, now, passphrase)
        with ring.unlock(name, passphrase, NEXT) as after:
            authorize(
                ring, node, owner, after, passphrase, Scope(grant.markets, grant.subaccounts), tell, NEXT
            )
        ring.swap(name)
        tell("key.rotate", {"key": name, "address": after.header.address, "chain_id": node.chain_id})
        if keep_old:
            return ring.header(name), False
    with ring.unlock(
        name, passphrase, OLD
    ) as old:  # its header must be true: it says which key loses its permission
        _granted(old, owner, node.chain_id)
        revoke(node, owner, old.header, f"{name}{OLD}", tell)
    ring.drop_old(name)
    return ring.header(name), True


def _granted(key: Key, owner: Key, chain_id: str) -> Grant:
    """What this owner granted to the key on this chain. PermissionProblem where that is nothing."""
    grant = key.header.grant(chain_id)
    if grant is None or grant.owner != owner.header.address:
        raise PermissionProblem(
            f"key {key.name} was not authorized by {owner.name} on {chain_id}, so there is nothing to rotate",
            f"See 'sniper keys show {key.name}'.",
        )
    return grant


def _make_next(ring: Ring, now: Key, passphrase: Secret) -> None:
    from sniper.keys.pair import identity, new_private_key

    with new_private_key() as secret:
        address, public_key = identity(secret)
        kdf = new_kdf(now.header.kdf.memory_kib)
        header = Header("trader", address, public_key, int(time.time()), kdf, "0" * 24)
        ring.stage(now.name, header, secret, passphrase)


def check_owner(key: Key) -> None:
    """PermissionProblem unless it is the owner's own key."""
    if key.header.kind != "owner":
        raise PermissionProblem(
            f"{key.name} is a trader key, and only the owner's key may permit or revoke", "Give --owner NAME."
        )


def check_kinds(owner: Key, trader: Key) -> None:
    """PermissionProblem unless one is an owner key and the other a trader key."""
    check_owner(owner)
    if trader.header.kind != "trader":
        raise PermissionProblem(
            f"{trader.name} is an owner key: it may do everything already",
            "Make one with 'sniper keys create NAME'.",
        )


def _wallet(owner: Key) -> Any:
    from sniper.keys.pair import wallet

    return wallet(owner.secret)
