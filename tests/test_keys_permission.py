"""keys.permission: the chain's rules, read and judged; a second reading of them written from its Go files."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.keys.permission import (
    ANYTHING_ELSE,
    BEYOND_TRADING,
    CANCEL,
    PLACE,
    TRADING,
    WITHDRAW,
    Message,
    Reach,
    Rule,
    beyond,
    mentions,
    passes,
    reach,
    read,
    trade_only,
)

MINE, OTHER = "02" + "11" * 32, "03" + "22" * 32


def encoded(rule: Rule) -> bytes:
    """The config of a rule as the chain keeps it."""
    if rule.type == "SignatureVerification":
        return bytes.fromhex(rule.allowed[0])
    if rule.parts:
        parts = [{"type": p.type, "config": base64.b64encode(encoded(p)).decode()} for p in rule.parts]
        return json.dumps(parts).encode()
    return ",".join(rule.allowed).encode()


def go_says(kind: str, config: bytes, key: str, message: Message, newer: bool = False) -> bool:
    """Authenticate() of the chain, type by type. newer: the ClobPairIdFilter that refuses other messages."""
    parts = json.loads(config) if kind in ("AllOf", "AnyOf") else []
    inner = [go_says(p["type"], base64.b64decode(p["config"]), key, message, newer) for p in parts]
    if kind == "AllOf":
        return False not in inner
    if kind == "AnyOf":
        return True in inner
    if kind == "SignatureVerification":
        return config == bytes.fromhex(key)
    allowed = config.decode().split(",")
    if kind == "MessageFilter":
        return message.type in allowed
    if message.type not in (PLACE, CANCEL, "/dydxprotocol.clob.MsgBatchCancel"):
        return not (newer and kind == "ClobPairIdFilter")
    return (message.subaccount if kind == "SubaccountFilter" else message.market) in [
        int(one) for one in allowed
    ]


numbers = st.lists(st.integers(0, 6).map(str), min_size=1, max_size=3, unique=True).map(tuple)
leaves = st.one_of(
    st.sampled_from([Rule("SignatureVerification", (MINE,)), Rule("SignatureVerification", (OTHER,))]),
    st.lists(st.sampled_from([*TRADING, WITHDRAW, "/x.Msg"]), min_size=1, max_size=3).map(
        lambda types: Rule("MessageFilter", tuple(types))
    ),
    numbers.map(lambda some: Rule("SubaccountFilter", some)),
    numbers.map(lambda some: Rule("ClobPairIdFilter", some)),
)
rules = st.recursive(
    leaves,
    lambda inner: st.builds(
        Rule,
        st.sampled_from(["AllOf", "AnyOf"]),
        st.just(()),
        st.lists(inner, min_size=2, max_size=4).map(tuple),
    ),
    max_leaves=6,
)
messages = st.builds(
    Message,
    st.sampled_from([*TRADING, *BEYOND_TRADING, "/x.Msg", "/y.Msg"]),
    st.integers(0, 8),
    st.integers(0, 8),
)


@given(rules, messages, st.sampled_from([MINE, OTHER]))
def test_it_judges_as_the_chain_does(rule: Rule, message: Message, key: str) -> None:
    config = encoded(rule)
    ours = passes(rule, key, message)
    assert ours == go_says(rule.type, config, key, message)
    assert ours or not go_says(rule.type, config, key, message, newer=True), "never narrower than any version"
    if len(config) <= 1024:
        assert read(rule.type, config) == rule


@settings(max_examples=60)
@given(st.lists(rules, max_size=2), messages)
def test_a_reach_holds_everything_that_passes_and_no_type_that_does_not(
    found: list[Rule], message: Message
) -> None:
    all_of = reach(found, MINE)
    types = {kind for kind in all_of.messages if kind != ANYTHING_ELSE}
    named = {*TRADING, *BEYOND_TRADING, "/x.Msg"}
    if any(passes(rule, MINE, message) for rule in found):
        assert (
            message.type in types
            or (message.type not in named and ANYTHING_ELSE in all_of.messages)
            or (message.type == "/x.Msg" and ANYTHING_ELSE in all_of.messages)
        )
        if message.type in TRADING:
            assert message.subaccount in all_of.subaccounts or None in all_of.subaccounts
            assert message.market in all_of.markets or None in all_of.markets
    for kind in types:
        asked = [Message(kind, s, m) for s in range(9) for m in range(9)]
        assert any(passes(rule, MINE, one) for rule in found for one in asked)


def test_a_trade_only_rule_allows_trading_there_and_nothing_else() -> None:
    rule = trade_only(MINE, [5, 0], [1])
    assert reach([rule], MINE) == Reach(tuple(sorted(TRADING)), (1,), (0, 5))
    assert reach([rule], OTHER) == Reach((), (), ())
    assert beyond(reach([rule], MINE)) == ()
    assert mentions(rule, MINE) and not mentions(rule, OTHER)
    assert read(rule.type, encoded(rule)) == rule
    assert trade_only(MINE, [0, 5, 5], [1]) == rule


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        (Rule("SignatureVerification", (MINE,)), {*BEYOND_TRADING, ANYTHING_ELSE}),
        (trade_only(MINE, [0], [0])._replace(type="AnyOf"), {*BEYOND_TRADING, ANYTHING_ELSE}),
        (
            Rule(
                "AllOf",
                parts=(Rule("SignatureVerification", (MINE,)), Rule("MessageFilter", (PLACE, WITHDRAW))),
            ),
            {WITHDRAW},
        ),
        (
            # Older chains: the filter says nothing about messages that are not of the clob.
            Rule("AllOf", parts=(Rule("SignatureVerification", (MINE,)), Rule("ClobPairIdFilter", ("0",)))),
            {*BEYOND_TRADING, ANYTHING_ELSE},
        ),
        (Rule("MessageFilter", ("/x.Msg",)), {"/x.Msg"}),
    ],
)
def test_what_goes_beyond_trading_is_seen(rule: Rule, more: set[str]) -> None:
    assert set(beyond(reach([rule], MINE))) == more


def test_any_other_place_is_none() -> None:
    rule = Rule("AllOf", parts=(Rule("SignatureVerification", (MINE,)), Rule("MessageFilter", TRADING)))
    assert reach([rule], MINE) == Reach(tuple(sorted(TRADING)), (None,), (None,))
    assert reach([rule, trade_only(MINE, [3], [0])], MINE).markets == (3, None)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("PartitionedAllOf", b"[]"),
        ("", b""),
        ("AllOf", b""),
        ("AllOf", b"{}"),
        ("AllOf", b'[{"type":"MessageFilter"}]'),
        ("AllOf", b'[{"type":"MessageFilter","config":7}]'),
        ("AllOf", b'[{"Type":"MessageFilter","config":""}]'),
        ("AllOf", b'[{"type":"MessageFilter","config":"","Type":"SignatureVerification"}]'),
        ("AllOf", b'[{"type":"MessageFilter","config":"*"}]'),
        ("AllOf", b'[{"type":"MessageFilter","config":"/w=="}]'),
        ("AllOf", b"[" * 1000),
        ("AllOf", b"7"),
        ("SubaccountFilter", b"x"),
        ("SubaccountFilter", b""),
        ("SubaccountFilter", b"-1"),
        ("SubaccountFilter", b"1,"),
        ("SubaccountFilter", b"4294967296"),
        ("ClobPairIdFilter", "\N{ARABIC-INDIC DIGIT ONE}".encode()),
        ("ClobPairIdFilter", b"1" * 30),
        ("MessageFilter", b"x" * 1025),
        ("MessageFilter", b"\xff"),
    ],
)
def test_what_cannot_be_judged_is_no_rule(kind: str, config: bytes) -> None:
    with pytest.raises(ValueError):
        read(kind, config)


def test_depth_is_bounded() -> None:
    rule: Any = Rule("MessageFilter", ("a",))
    for _ in range(7):
        rule = Rule("AnyOf", parts=(rule,))
    config = encoded(rule)
    assert len(config) <= 1024 and read("AnyOf", config) == rule
    deeper = b'[{"type":"AnyOf","config":"' + base64.b64encode(config) + b'"}]'
    deepest = b'[{"type":"AnyOf","config":"' + base64.b64encode(deeper) + b'"}]'
    with pytest.raises(ValueError, match="deeper or longer"):
        read("AnyOf", deepest)


def test_numbers_are_compared_as_the_chain_reads_them() -> None:
    assert read("SubaccountFilter", b"007,1") == Rule("SubaccountFilter", ("7", "1"))
