"""Proves what a key may do on a chain, without placing an order."""

from __future__ import annotations

from typing import Any, NamedTuple

from sniper.errors import DifferencesFound
from sniper.keys.chain import Node, Standing
from sniper.keys.keyfile import Grant
from sniper.keys.pair import identity, wallet
from sniper.keys.permission import TRADING, Reach, Rule, beyond, mentions, passes, reach, trade_only
from sniper.keys.probes import Probe, denied, probes
from sniper.keys.ring import Key


class Examination(NamedTuple):
    """What was found: for a JSON document, to be printed, and what is not as it should be."""

    document: dict[str, Any]
    lines: list[str]
    problems: list[str]


def prove_identity(key: Key) -> None:
    """DifferencesFound unless address and public key of the file are those of its private key."""
    if identity(key.secret) != (key.header.address, key.header.public_key):
        raise DifferencesFound(
            f"the file of {key.name} names an address that is not that of its key", "Import the key again."
        )


def examine(key: Key, node: Node) -> Examination:
    """An owner key: who else may act on its account. A trader key: all that it may do on its owner's."""
    return _owner(key, node) if key.may_withdraw else _trader(key, node)


def _owner(key: Key, node: Node) -> Examination:
    """Its own signature may do everything; the rest of the risk is what was permitted to others."""
    number, sequence = node.account(key.header.address)
    standing = node.authenticators(key.header.address)
    lines = [f"  {node.chain_id}: account {number}, everything is allowed to this key, withdrawals too"]
    others: list[dict[str, Any]] = []
    problems: list[str] = []
    for one in standing:
        keys = _keys(one.rule) if one.rule else []
        found = {public_key: reach([one.rule], public_key) for public_key in keys} if one.rule else {}
        lines += [
            f"  permission {one.id}: key {public_key[:18]} {_said(all_of)}"
            for public_key, all_of in found.items()
        ]
        wide = [public_key for public_key, all_of in found.items() if beyond(all_of)]
        others.append({"authenticator": one.id, "keys": keys, "problem": one.problem})
        if one.rule is None:
            problems.append(f"permission {one.id} cannot be judged: {one.problem}")
        elif not keys and _anybody(one.rule):
            problems.append(f"permission {one.id} needs no signature of a certain key: anybody may use it")
        problems += [
            f"permission {one.id} lets key {public_key[:18]} do more than trade" for public_key in wide
        ]
    account = {
        "chain_id": node.chain_id,
        "account_number": number,
        "sequence": sequence,
        "permissions": others,
    }
    return Examination({"account": account}, lines, problems)


def _trader(key: Key, node: Node) -> Examination:
    grant = key.header.grant(node.chain_id)
    if grant is None:
        problem = f"the file knows no permission on {node.chain_id}: 'sniper keys authorize' gives one"
        return Examination({"reach": None, "probes": []}, [], [problem])
    standing = node.authenticators(grant.owner)
    judged = [one for one in standing if one.rule is not None]
    found = reach([one.rule for one in judged if one.rule], key.header.public_key)
    problems = _compare(key, grant, standing, found)
    lines = [f"  {node.chain_id}, by the rules on the chain: {_said(found)}"]
    asked = []
    own = next((one for one in judged if one.id == grant.authenticator), None)
    for probe in _probes(grant, node) if own else ():
        row = _ask(key, node, grant, own.rule, probe) if own and own.rule else {}
        asked.append(row)
        where = f"{row['label']} (subaccount {row['subaccount']}, market {row['market']})"
        lines.append(f"  {where}: {'allowed' if row['allowed'] else 'refused'}")
        if row["allowed"] != row["expected"]:
            problems.append(
                f"the node {'allows' if row['allowed'] else 'refuses'} what the rules do not: {where}"
            )
    shown = found._asdict() if judged else None
    return Examination({"owner": grant.owner, "reach": shown, "probes": asked}, lines, problems)


def _compare(key: Key, grant: Grant, standing: list[Standing], found: Reach) -> list[str]:
    """What the chain allows this key and the file does not say, and the other way round."""
    public_key = key.header.public_key
    expected = reach([trade_only(public_key, grant.markets, grant.subaccounts)], public_key)
    problems = [
        f"permission {one.id} cannot be judged: {one.problem}" for one in standing if one.rule is None
    ]
    mine = [one.id for one in standing if one.rule is not None and mentions(one.rule, public_key)]
    if grant.authenticator not in mine:
        problems.append(
            f"permission {grant.authenticator} of the file is not on the chain: it was revoked, or never was"
        )
    if extra := [one for one in mine if one != grant.authenticator]:
        problems.append(f"the key has permissions that the file does not know: {', '.join(map(str, extra))}")
    if not found.messages:
        return problems
    if more := beyond(found):
        problems.append(f"the key may do more than trade: {', '.join(more)}")
    for what, there, wanted in (
        ("messages", tuple(one for one in found.messages if one in TRADING), expected.messages),
        ("subaccounts", found.subaccounts, expected.subaccounts),
        ("markets", found.markets, expected.markets),
    ):
        if there != wanted:
            problems.append(
                f"the chain allows other {what} than the file says: {_listed(there)}, not {_listed(wanted)}"
            )
    return problems


def _probes(grant: Grant, node: Node) -> list[Probe]:
    """Everything within the grant's first subaccount and market, and an order outside of each."""
    subaccount, market = grant.subaccounts[0], grant.markets[0]
    denom = node.client.builder.denomination
    within = probes(grant.owner, subaccount, market, denom)
    other_subaccount = next(n for n in range(len(grant.subaccounts) + 1) if n not in grant.subaccounts)
    other_market = next(n for n in range(len(grant.markets) + 1) if n not in grant.markets)
    return [
        *within,
        probes(grant.owner, subaccount, other_market, denom)[0],
        probes(grant.owner, other_subaccount, market, denom)[0],
    ]


def _ask(key: Key, node: Node, grant: Grant, rule: Rule, probe: Probe) -> dict[str, Any]:
    """One simulated message beside what the rules say of it."""
    answer = node.simulate(wallet(key.secret), probe.message, node.account(grant.owner), grant.authenticator)
    return {
        "label": probe.label,
        "message": probe.asks.type,
        "subaccount": probe.asks.subaccount,
        "market": probe.asks.market,
        "expected": passes(rule, key.header.public_key, probe.asks),
        "allowed": not denied(answer),
        "answer": answer[:300],
    }


def _keys(rule: Rule) -> list[str]:
    """Every public key whose signature a rule asks for."""
    if rule.type == "SignatureVerification":
        return list(rule.allowed)
    return sorted({one for part in rule.parts for one in _keys(part)})


def _anybody(rule: Rule) -> bool:
    return bool(reach([rule], "").messages)


def _said(found: Reach) -> str:
    if not found.messages:
        return "may do nothing"
    orders = f"orders in markets {_listed(found.markets)} of subaccounts {_listed(found.subaccounts)}"
    more = beyond(found)
    return f"may place and cancel {orders}" + (f", AND {', '.join(more)}" if more else ", and nothing else")


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join("any other" if one is None else str(one) for one in values) or "none"
