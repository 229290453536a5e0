"""What a key may do in an owner's name: the chain's authenticators read, judged and written.

An authenticator is a rule that a transaction must satisfy; a trader key signs and names the rule's number. Rules
form a tree of six types (dYdX v4-chain, protocol/x/accountplus/authenticator). Two of them are read here in the wider
of the ways in which versions of the chain read them: a SubaccountFilter and a ClobPairIdFilter say nothing about
messages that are not of the clob (newer chains refuse such messages in a ClobPairIdFilter). So a rule is believed to
forbid something only when every version forbids it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

PLACE: Final = "/dydxprotocol.clob.MsgPlaceOrder"
CANCEL: Final = "/dydxprotocol.clob.MsgCancelOrder"
BATCH_CANCEL: Final = "/dydxprotocol.clob.MsgBatchCancel"
TRADING: Final = (PLACE, CANCEL, BATCH_CANCEL)
WITHDRAW: Final = "/dydxprotocol.sending.MsgWithdrawFromSubaccount"
TRANSFER: Final = "/dydxprotocol.sending.MsgCreateTransfer"
SEND: Final = "/cosmos.bank.v1beta1.MsgSend"
ADD_AUTHENTICATOR: Final = "/dydxprotocol.accountplus.MsgAddAuthenticator"
BEYOND_TRADING: Final = (WITHDRAW, TRANSFER, SEND, ADD_AUTHENTICATOR)
ANYTHING_ELSE: Final = "any other message"

CONFIG_BYTES_MAX: Final = 1024  # the chain's own limit on what MsgAddAuthenticator carries
DEPTH_MAX: Final = 8
NUMBER_MAX: Final = 2**32 - 1

Leaf = tuple[str, ...]


class Rule(NamedTuple):
    """A node of the tree. `allowed`: what a filter lets through, or the one public key in hexadecimal."""

    type: str
    allowed: Leaf = ()
    parts: tuple[Rule, ...] = ()


class Message(NamedTuple):
    """What a rule looks at. Subaccount and market count for messages of TRADING only."""

    type: str
    subaccount: int = 0
    market: int = 0


class Reach(NamedTuple):
    """All that a key may do: message types, and subaccounts and markets of its orders. None among them: any other."""

    messages: tuple[str, ...]
    subaccounts: tuple[int | None, ...]
    markets: tuple[int | None, ...]


def trade_only(public_key: str, markets: Iterable[int], subaccounts: Iterable[int]) -> Rule:
    """The rule for a trader key: orders and cancels of these markets and subaccounts, nothing else."""
    return Rule(
        "AllOf",
        parts=(
            Rule("SignatureVerification", (public_key,)),
            Rule("MessageFilter", TRADING),
            Rule("SubaccountFilter", tuple(str(n) for n in sorted(set(subaccounts)))),
            Rule("ClobPairIdFilter", tuple(str(n) for n in sorted(set(markets)))),
        ),
    )


def read(kind: str, config: bytes, depth: int = 0) -> Rule:
    """The tree of an authenticator as the chain keeps it. ValueError for one that we cannot judge."""
    if depth > DEPTH_MAX or len(config) > CONFIG_BYTES_MAX:
        raise ValueError("deeper or longer than the chain allows")
    if kind == "SignatureVerification":
        return Rule(kind, (config.hex(),))
    if kind in ("MessageFilter", "SubaccountFilter", "ClobPairIdFilter"):
        found = tuple(config.decode("utf-8").split(","))
        if kind == "MessageFilter":
            return Rule(kind, found)
        if not all(_is_number(one) for one in found):
            raise ValueError(f"a {kind} of something else than numbers")
        return Rule(kind, tuple(str(int(one)) for one in found))
    if kind in ("AllOf", "AnyOf"):
        return Rule(kind, parts=tuple(read(*_part(one), depth + 1) for one in _list(config)))
    raise ValueError(f"an authenticator of the unknown type {kind[:40]!r}")


def passes(rule: Rule, public_key: str, message: Message) -> bool:
    """Whether a transaction with this message, signed by this key, satisfies the rule."""
    match rule.type:
        case "AllOf":
            return all(passes(part, public_key, message) for part in rule.parts)
        case "AnyOf":
            return any(passes(part, public_key, message) for part in rule.parts)
        case "SignatureVerification":
            return public_key in rule.allowed
        case "MessageFilter":
            return message.type in rule.allowed
        case "SubaccountFilter":
            return message.type not in TRADING or str(message.subaccount) in rule.allowed
        case _:
            return message.type not in TRADING or str(message.market) in rule.allowed


def reach(rules: Sequence[Rule], public_key: str) -> Reach:
    """All that the key may do by any of the rules, by asking for everything that they name and one thing they do not.

    Filters only compare with names, so whatever is not named is judged alike. Of orders the subaccounts and markets
    are listed apart; two rules that differ in both are thereby shown wider than they are, never narrower.
    """
    types = {*TRADING, *BEYOND_TRADING, *_named(rules, "MessageFilter"), ANYTHING_ELSE}
    subaccounts = _numbers(rules, "SubaccountFilter")
    markets = _numbers(rules, "ClobPairIdFilter")
    found: set[Message] = set()
    for kind in types:
        places = [(s, m) for s in subaccounts for m in markets] if kind in TRADING else [(0, 0)]
        asked = (Message(kind, *place) for place in places)
        found.update(one for one in asked if any(passes(rule, public_key, one) for rule in rules))
    orders = [one for one in found if one.type in TRADING]
    known = (
        {int(n) for n in _named(rules, "SubaccountFilter")},
        {int(n) for n in _named(rules, "ClobPairIdFilter")},
    )
    return Reach(
        tuple(sorted({one.type for one in found})),
        _with_others({one.subaccount for one in orders}, known[0]),
        _with_others({one.market for one in orders}, known[1]),
    )


def beyond(found: Reach) -> tuple[str, ...]:
    """The messages of a reach that are not trading: each is one too many for a trader key."""
    return tuple(kind for kind in found.messages if kind not in TRADING)


def mentions(rule: Rule, public_key: str) -> bool:
    """Whether the rule lets this key's signature count."""
    if rule.type == "SignatureVerification":
        return public_key in rule.allowed
    return any(mentions(part, public_key) for part in rule.parts)


def _with_others(numbers: set[int], known: set[int]) -> tuple[int | None, ...]:
    """The known ones, ascending; None where one that no rule names is among them."""
    return (*sorted(numbers & known), *((None,) if numbers - known else ()))


def _numbers(rules: Sequence[Rule], kind: str) -> list[int]:
    """The numbers that filters of this type name, and one that none names."""
    named = {int(one) for one in _named(rules, kind)}
    return [*sorted(named), next(n for n in range(len(named) + 1) if n not in named)]


def _named(rules: Sequence[Rule], kind: str) -> set[str]:
    found: set[str] = set()
    for rule in rules:
        found |= set(rule.allowed) if rule.type == kind else set()
        found |= _named(rule.parts, kind)
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= NUMBER_MAX


def _list(config: bytes) -> list[Any]:
    try:
        found = json.loads(config)
    except (ValueError, RecursionError):
        raise ValueError("a composition that is no JSON") from None
    if not isinstance(found, list):
        raise ValueError("a composition that is no list")
    return found


def _part(one: Any) -> tuple[str, bytes]:
    """(type, config) of a part of a composition: config is base64 there."""
    exact = isinstance(one, dict) and one.keys() == {"type", "config"}  # Go would take "Type" as well
    if not exact or not all(isinstance(part, str) for part in one.values()):
        raise ValueError("a composition with a part that is no authenticator")
    try:
        return one["type"], base64.b64decode(one["config"], validate=True)
    except binascii.Error:
        raise ValueError("a composition with a part that is no base64") from None
