"""A node's state as bytes: sequences, authenticators, rate limits, what waits for a block and what blocks held."""

from __future__ import annotations

from typing import Final

import msgspec

from sniper.exchange.facts import Outcome
from sniper.exchange.node.authenticators import Authenticator
from sniper.exchange.node.transactions import CACHE_MAX, RECORDS_MAX, Node, Record, Waiting

MAGIC: Final = b"sniper-node/1\n"


class _State(msgspec.Struct, forbid_unknown_fields=True):
    chain_id: str
    next_id: int
    kept: dict[str, dict[int, Authenticator]]
    used: dict[str, int]
    nonces: dict[str, list[int]]
    ejected: dict[str, int]
    counts: dict[str, dict[str, dict[int, int]]]
    cache: list[str]
    waiting: list[Waiting]
    executed: list[tuple[Waiting, Outcome]]
    records: dict[str, Record]


def save(node: Node) -> bytes:
    """Everything that the node remembers, its chain left out."""
    state = _State(
        node.chain.terms.chain_id,
        node.authenticators.next_id,
        node.authenticators.kept,
        node.sequences.used,
        node.sequences.nonces,
        node.sequences.ejected,
        node.limits.counts,
        list(node.cache),
        node.waiting,
        node.executed,
        node.records,
    )
    return MAGIC + msgspec.msgpack.encode(state)


def load(node: Node, saved: bytes) -> None:
    """Make this node what the saved one was. ValueError, and nothing changed, for anything that `save` did not give."""
    if not saved.startswith(MAGIC):
        raise ValueError("not the state of a node")
    try:
        state = msgspec.msgpack.decode(saved[len(MAGIC) :], type=_State)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"a damaged state of a node: {error}") from None
    if state.chain_id != node.chain.terms.chain_id:
        raise ValueError(f"the state of a node of {state.chain_id}")
    if (
        len(state.cache) > CACHE_MAX
        or len(state.records) > RECORDS_MAX
        or set(state.counts) != set(node.limits.counts)
    ):
        raise ValueError("not a state that a node can have")
    node.authenticators.next_id, node.authenticators.kept = state.next_id, state.kept
    node.sequences.used = state.used
    node.sequences.nonces, node.sequences.ejected = state.nonces, state.ejected
    node.limits.counts = state.counts
    node.cache = dict.fromkeys(state.cache)
    node.waiting, node.executed, node.records = state.waiting, state.executed, state.records
