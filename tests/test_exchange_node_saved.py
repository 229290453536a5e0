"""A node saved and loaded is the same node."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.facts import LONG_TERM
from sniper.exchange.node.saved import MAGIC, load, save
from sniper.exchange.node.transactions import CACHE_MAX, Node
from tests.chains import START_NS, AccountsChain
from tests.wallets import a_transfer, address, an_order, pair, signed, wallet

ME = address(0)
LONG = {"flags": LONG_TERM, "good_til_block_time": 1_767_300_000}


def busy() -> Node:
    """A node with something in every part of its state."""
    chain = AccountsChain()
    chain.open(ME)
    node = Node(chain)
    node.authenticators.add(ME, "SignatureVerification", pair(1).public_key_bytes)
    for tx in (
        signed(wallet(0), a_transfer(ME)),
        signed(wallet(0, 10, START_NS // 1_000_000), an_order(ME, **LONG), fee=0),
        signed(wallet(0), an_order(ME), fee=0),
    ):
        assert node.broadcast(tx, START_NS)[0].code == 0
    node.before_block(START_NS)
    chain.end_block(START_NS)
    node.after_block()
    assert node.broadcast(signed(wallet(0, 10, 1), a_transfer(ME)), START_NS)[0].code == 0
    return node


def test_there_and_back() -> None:
    first = busy()
    second = Node(first.chain)
    load(second, save(first))
    assert save(second) == save(first)
    assert second.authenticators.of(ME) == first.authenticators.of(ME)
    assert second.records == first.records and second.waiting == first.waiting and second.cache == first.cache
    assert second.limits.counts == first.limits.counts
    known = signed(wallet(0), an_order(ME), fee=0)
    assert second.broadcast(known, START_NS)[0].code == 19
    assert second.broadcast(signed(wallet(0, 10, 1), a_transfer(ME), memo="2"), START_NS)[0].code == 32


def test_what_is_not_its_own_is_refused_and_changes_nothing() -> None:
    node = busy()
    before = save(node)
    other = AccountsChain()
    other.terms = other.terms._replace(chain_id="dydx-testnet-4")
    state = msgspec.msgpack.decode(before[len(MAGIC) :])
    long = MAGIC + msgspec.msgpack.encode({**state, "cache": [str(n) for n in range(CACHE_MAX + 1)]})
    strange = MAGIC + msgspec.msgpack.encode({**state, "counts": {}})
    for bad in (b"", MAGIC, before[1:], before[:-1], before + b"x", save(Node(other)), long, strange):
        with pytest.raises(ValueError):
            load(node, bad)
    assert save(node) == before


@given(st.data())
def test_a_damaged_state_never_raises_anything_else(data: st.DataObject) -> None:
    node = busy()
    saved = bytearray(save(node))
    for _ in range(3):
        saved[data.draw(st.integers(0, len(saved) - 1))] = data.draw(st.integers(0, 255))
    try:
        load(node, bytes(saved))
    except ValueError:
        pass
    else:
        save(node)
