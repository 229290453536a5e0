"""Permissioned keys: trees of authenticators that an owner puts on chain, and what they let through.

Source: chain x/accountplus (authenticator/*.go, keeper/authenticators.go, ante/ante.go). A tree may be added only if
every way through it asks for a signature. Filters are checked when used, not when added; a SubaccountFilter lets
every message pass that is not for the order book, a ClobPairIdFilter none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from sniper.exchange.facts import Outcome
from sniper.exchange.node import codes
from sniper.exchange.node.messages import BATCH_CANCEL, CANCEL, PLACE
from sniper.exchange.node.signing import KEY_BYTES, verifies

DATA_BYTES_MAX: Final = 1024
KEPT_MAX: Final = 65_536
"""Authenticators in all; the chain has no limit but what they cost."""
UINT32_MAX: Final = (1 << 32) - 1


class Authenticator(NamedTuple):
    """One tree as it is stored. config: as it was sent."""

    id: int
    type: str
    config: bytes


class Request(NamedTuple):
    """What is to be authenticated: one message, and the bytes and signature that stand for the transaction.

    simulate: signatures are taken for right.
    """

    url: str
    message: Any
    sign_bytes: bytes
    signature: bytes
    simulate: bool
    account_number: int
    sequence: int
    chain_id: str


class _Sub(msgspec.Struct):
    type: str = ""
    config: bytes = b""


def _subs(config: bytes) -> list[_Sub] | Outcome:
    """The parts of an AllOf or AnyOf: a JSON array with base64 in it."""
    try:
        found = msgspec.json.decode(config, type=list[_Sub])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return codes.undefined(f"failed to unmarshal sub-authenticator init data: {error}")
    if len(found) <= 1:
        return codes.INVALID_REQUEST.of("no sub-authenticators provided")
    return found


def check_new(kind: str, config: bytes, name: str) -> bool | Outcome:
    """Whether each way through a new tree asks for a signature; an Outcome where it cannot be stored at all."""
    if kind == "SignatureVerification":
        if len(config) != KEY_BYTES:
            return codes.undefined(
                f"invalid secp256k1 public key size, expected {KEY_BYTES}, got {len(config)}"
            )
        return True
    if kind not in ("AllOf", "AnyOf"):
        return False
    subs = _subs(config)
    if isinstance(subs, Outcome):
        return subs
    safe = []
    for place, sub in enumerate(subs):
        if sub.type not in _RULES:
            return codes.INVALID_REQUEST.of(
                "sub-authenticator failed to be added in function `OnAuthenticatorAdded` "
                "as type is not registered in manager"
            )
        found = check_new(sub.type, sub.config, f"{name}.{place}")
        if isinstance(found, Outcome):
            where = f"sub-authenticator `OnAuthenticatorAdded` failed (sub-authenticator id = {name}.{place})"
            return found._replace(text=f"{where}: {found.text}")
        safe.append(found)
    return any(safe) if kind == "AllOf" else all(safe)


def authenticate(kind: str, config: bytes, name: str, request: Request) -> Outcome | None:
    """None if the request passes this part of a tree, else why not."""
    return _RULES[kind](config, name, request)


def _signature(config: bytes, name: str, request: Request) -> Outcome | None:
    if request.simulate or verifies(config, request.sign_bytes, request.signature):
        return None
    return codes.WRONG_SIGNATURE.of(
        f"signature verification failed; please verify account number ({request.account_number}), "
        f"sequence ({request.sequence}) and chain-id ({request.chain_id})"
    )


def _message(config: bytes, name: str, request: Request) -> Outcome | None:
    allowed = config.decode("utf-8", "replace").split(",")
    if request.url in allowed:
        return None
    return codes.WRONG_MESSAGE.of(
        f"message types do not match. Got {request.url}, Expected {_listed(sorted(allowed))}"
    )


def _pair(config: bytes, name: str, request: Request) -> Outcome | None:
    allowed = _numbers(config)
    if isinstance(allowed, Outcome):
        return allowed
    message = request.message
    if request.url == PLACE:
        pairs = [message.order.order_id.clob_pair_id]
    elif request.url == CANCEL:
        pairs = [message.order_id.clob_pair_id]
    elif request.url == BATCH_CANCEL:
        pairs = [batch.clob_pair_id for batch in message.short_term_cancels]
    else:
        return codes.WRONG_PAIR.of(f"ClobPairIdFilter does not authorize message type {request.url}")
    for pair in pairs:
        if pair not in allowed:
            return codes.WRONG_PAIR.of(f"order id {pair} not in whitelist {_listed(allowed)}")
    return None


def _subaccount(config: bytes, name: str, request: Request) -> Outcome | None:
    allowed = _numbers(config)
    if isinstance(allowed, Outcome):
        return allowed
    message = request.message
    if request.url == PLACE:
        number = message.order.order_id.subaccount_id.number
    elif request.url == CANCEL:
        number = message.order_id.subaccount_id.number
    elif request.url == BATCH_CANCEL:
        number = message.subaccount_id.number
    else:
        return None
    if number in allowed:
        return None
    return codes.WRONG_SUBACCOUNT.of(f"subaccount number {number} not in whitelist {_listed(allowed)}")


def _all_of(config: bytes, name: str, request: Request) -> Outcome | None:
    subs = _subs(config)
    if isinstance(subs, Outcome):
        return subs
    for place, sub in enumerate(subs):
        wrong = authenticate(sub.type, sub.config, f"{name}.{place}", request)
        if wrong is not None:
            return codes.ALL_OF.of(wrong.text)
    return None


def _any_of(config: bytes, name: str, request: Request) -> Outcome | None:
    subs = _subs(config)
    if isinstance(subs, Outcome):
        return subs
    said = []
    for place, sub in enumerate(subs):
        wrong = authenticate(sub.type, sub.config, f"{name}.{place}", request)
        if wrong is None:
            return None
        said.append(f"[{sub.type} (id = {name}.{place})] {wrong.text}; ")
    return codes.ANY_OF.of(f"all sub-authenticators failed to authenticate: {'; '.join(said)}")


_RULES: Final[dict[str, Callable[[bytes, str, Request], Outcome | None]]] = {
    "SignatureVerification": _signature,
    "MessageFilter": _message,
    "SubaccountFilter": _subaccount,
    "ClobPairIdFilter": _pair,
    "AllOf": _all_of,
    "AnyOf": _any_of,
}


def _numbers(config: bytes) -> list[int] | Outcome:
    found = []
    for text in config.decode("utf-8", "replace").split(","):
        if not (text.isascii() and text.isdigit()):
            return codes.undefined(f'strconv.ParseUint: parsing "{text}": invalid syntax')
        if len(text) > 10 or int(text) > UINT32_MAX:
            return codes.undefined(f'strconv.ParseUint: parsing "{text}": value out of range')
        found.append(int(text))
    return sorted(found)


def _listed(allowed: list[int] | list[str]) -> str:
    """As Go prints a set: map[0:{} 1:{}]."""
    return f"map[{' '.join(f'{one}:{{}}' for one in dict.fromkeys(allowed))}]"


class Authenticators:
    """All accounts' trees. Ids are given out over all accounts, from 0 on, and never again."""

    def __init__(self) -> None:
        self.next_id = 0
        self.kept: dict[str, dict[int, Authenticator]] = {}

    def of(self, address: str) -> list[Authenticator]:
        """Those of one account, by id."""
        return list(self.kept.get(address, {}).values())

    def judge(self, kind: str, data: bytes) -> Outcome | None:
        """Why a tree may not be added, None if it may."""
        if len(data) > DATA_BYTES_MAX:
            return codes.AUTHENTICATOR_TOO_LONG.of("")
        if kind not in _RULES:
            return codes.undefined(f"authenticator type {kind} is not registered")
        safe = check_new(kind, data, str(self.next_id))
        if isinstance(safe, Outcome):
            what = f"`OnAuthenticatorAdded` failed on authenticator type {kind}"
            return safe._replace(text=f"{what}: {safe.text}")
        if not safe:
            return codes.undefined(
                "unsafe: authenticator tree does not require signature verification all possible paths, "
                f"type = {kind}"
            )
        if sum(len(own) for own in self.kept.values()) >= KEPT_MAX:
            return codes.undefined(f"this stand-in exchange keeps {KEPT_MAX} authenticators, not more")
        return None

    def add(self, address: str, kind: str, data: bytes) -> Outcome | None:
        """Store a tree under the next id; the refusal if it may not be."""
        wrong = self.judge(kind, data)
        if wrong is None:
            self.kept.setdefault(address, {})[self.next_id] = Authenticator(self.next_id, kind, data)
            self.next_id += 1
        return wrong

    def absent(self, address: str, number: int) -> Outcome | None:
        """The refusal to remove what is not there."""
        if number in self.kept.get(address, {}):
            return None
        return codes.NO_AUTHENTICATOR.of(
            f"RemoveAuthenticator: failed to get authenticator {number} for address {address}"
        )

    def remove(self, address: str, number: int) -> Outcome | None:
        """Take a tree away; the refusal if it is not there."""
        wrong = self.absent(address, number)
        if wrong is None:
            del self.kept[address][number]
            if not self.kept[address]:
                del self.kept[address]
        return wrong

    def check(self, address: str, number: int, place: int, request: Request) -> Outcome | None:
        """Whether this account's tree lets message `place` of a transaction through; the refusal if not."""
        tree = self.kept.get(address, {}).get(number)
        if tree is None:
            return codes.NO_AUTHENTICATOR.of(
                f"failed to get initialized authenticator (account = {address}, authenticator id = {number}, "
                f"msg index = {place}, msg type url = {request.url}): "
                f"authenticator {number} not found for account {address}"
            )
        wrong = authenticate(tree.type, tree.config, str(number), request)
        if wrong is None:
            return None
        where = f"authentication failed for message {place}, authenticator id {number}, type {tree.type}"
        return wrong._replace(text=f"{where}: {wrong.text}")
