"""The whole state of the chain as bytes, and back.

MessagePack behind a name and a checksum. Lists keep the order in which dicts were filled, because that order is
part of the state: of queues at a price, of accounts that are walked, of expiries.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

import msgspec

from sniper.exchange.chain.book import Resting
from sniper.exchange.chain.core import Cancelling, Core, Moving, Placing, Stateful, Subaccount
from sniper.exchange.chain.market import Market
from sniper.exchange.facts import ChainOrder, Filled, OrderId, SubaccountId
from sniper.exchange.interfaces import Account, Purse
from sniper.exchange.terms import ChainTerms, Terms

NAME = b"sniper.chain/1\n"
CHECKSUM_BYTES = 16

K = TypeVar("K")
V = TypeVar("V")
Volumes = list[tuple[str, tuple[int, int]]]


class SavedMarket(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One market; orders in the order in which they came to rest."""

    terms: Terms
    oracle: int
    index: int
    open_interest: int
    funding_index: int
    low: int
    high: int
    votes: list[int]
    samples: list[int]
    orders: list[tuple[ChainOrder, int]]
    cancels: list[tuple[OrderId, int]]


class SavedSubaccount(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One subaccount: positions (perpetual, BQ, funding index), funding settled since the last block."""

    id: SubaccountId
    usdc: int
    positions: list[tuple[int, int, int]]
    settled: list[tuple[int, int]]


class Saved(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """`Core`, field by field."""

    terms: ChainTerms
    seed: int
    height: int
    now_ns: int
    clock_ns: int
    markets: list[SavedMarket]
    subaccounts: list[SavedSubaccount]
    wallets: list[tuple[str, int]]
    insurance: list[tuple[int, int]]
    collector: int
    clearing: int
    supply: int
    accounts: list[Account]
    days: list[tuple[int, Volumes]]
    volumes: Volumes
    filled: list[tuple[OrderId, int]]
    filled_until: list[tuple[OrderId, int]]
    forget_at: list[tuple[int, list[OrderId]]]
    stateful: list[Stateful]
    placed: int
    next_sample_ns: int
    next_tick_ns: int
    next_foreseen_ns: int
    negative_at: list[tuple[int, int]]
    outage_at: int
    committed: list[tuple[SubaccountId, Purse]]
    touched: list[SubaccountId]
    fills: list[Filled]
    matched: list[ChainOrder]
    removals: list[tuple[OrderId, int]]
    placing: list[tuple[int, Placing]]
    cancelling: list[tuple[int, Cancelling]]
    moving: list[tuple[int, Moving]]
    new_terms: list[Terms]
    new_prices: list[tuple[int, int]]
    block_volumes: Volumes


_decoder = msgspec.msgpack.Decoder(Saved)


def _pairs(of: dict[K, V]) -> list[tuple[K, V]]:
    return list(of.items())


def _numbered(core: Core, kind: type[V]) -> list[tuple[int, V]]:
    return [(number, message) for number, message in enumerate(core.pending) if isinstance(message, kind)]


def save(core: Core) -> bytes:
    """The state as bytes."""
    data = msgspec.msgpack.encode(
        Saved(
            core.terms,
            core.seed,
            core.height,
            core.now_ns,
            core.clock_ns,
            [_market(market) for market in core.markets.values()],
            [
                SavedSubaccount(
                    sub.id,
                    sub.usdc,
                    [(perpetual, held[0], held[1]) for perpetual, held in sub.positions.items()],
                    _pairs(sub.settled),
                )
                for sub in core.subaccounts.values()
            ],
            _pairs(core.wallets),
            _pairs(core.insurance),
            core.collector,
            core.clearing,
            core.supply,
            list(core.accounts.values()),
            [(day, _pairs(volumes)) for day, volumes in core.days],
            _pairs(core.volumes),
            _pairs(core.filled),
            _pairs(core.filled_until),
            _pairs(core.forget_at),
            list(core.stateful.values()),
            core.placed,
            core.next_sample_ns,
            core.next_tick_ns,
            core.next_foreseen_ns,
            _pairs(core.negative_at),
            core.outage_at,
            _pairs(core.committed),
            list(core.touched),
            core.fills,
            list(core.matched.values()),
            _pairs(core.removals),
            _numbered(core, Placing),
            _numbered(core, Cancelling),
            _numbered(core, Moving),
            list(core.new_terms.values()),
            _pairs(core.new_prices),
            _pairs(core.block_volumes),
        )
    )
    return NAME + blake2b(data, digest_size=CHECKSUM_BYTES).digest() + data


def _market(market: Market) -> SavedMarket:
    return SavedMarket(
        market.terms,
        market.oracle,
        market.index,
        market.open_interest,
        market.funding_index,
        market.low,
        market.high,
        market.votes,
        market.samples,
        [(resting.order, resting.remaining) for resting in market.book.orders.values()],
        _pairs(market.book.cancels),
    )


def load(saved: bytes) -> Core:
    """The state that `save` wrote. ValueError for anything else."""
    start = len(NAME) + CHECKSUM_BYTES
    data = saved[start:]
    if (
        not saved.startswith(NAME)
        or saved[len(NAME) : start] != blake2b(data, digest_size=CHECKSUM_BYTES).digest()
    ):
        raise ValueError("not a state of this chain, or damaged")
    try:
        said = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a state of this chain: {error}") from None
    return _core(said)


def _core(said: Saved) -> Core:
    core = Core(said.terms, said.seed, said.now_ns, said.height)
    core.clock_ns = said.clock_ns
    for market in said.markets:
        _restore(core.list_market(market.terms), market)
    for saved in said.subaccounts:
        sub = core.subaccounts[saved.id] = Subaccount(saved.id)
        sub.usdc = saved.usdc
        sub.positions = {perpetual: [quantums, index] for perpetual, quantums, index in saved.positions}
        sub.settled = dict(saved.settled)
    core.wallets = dict(said.wallets)
    core.insurance = dict(said.insurance)
    core.collector, core.clearing, core.supply = said.collector, said.clearing, said.supply
    core.accounts = {account.address: account for account in said.accounts}
    core.days = [(day, dict(volumes)) for day, volumes in said.days]
    core.volumes = dict(said.volumes)
    core.filled = dict(said.filled)
    core.filled_until = dict(said.filled_until)
    core.forget_at = dict(said.forget_at)
    core.stateful = {state.order.id: state for state in said.stateful}
    core.placed = said.placed
    for order_id in core.stateful:
        core.per_subaccount[order_id.subaccount] = core.per_subaccount.get(order_id.subaccount, 0) + 1
    core.next_sample_ns, core.next_tick_ns = said.next_sample_ns, said.next_tick_ns
    core.next_foreseen_ns = said.next_foreseen_ns
    core.negative_at = dict(said.negative_at)
    core.outage_at = said.outage_at
    core.committed = dict(said.committed)
    core.touched = dict.fromkeys(said.touched)
    core.fills = said.fills
    core.matched = {order.id: order for order in said.matched}
    core.removals = dict(said.removals)
    waiting: Iterable[tuple[int, Placing | Cancelling | Moving]] = [
        *said.placing,
        *said.cancelling,
        *said.moving,
    ]
    core.pending = [message for _, message in sorted(waiting, key=lambda entry: entry[0])]
    core.new_stateful = {message.order.id: message.order for _, message in said.placing}
    core.new_cancels = {message.order_id: message.good_til_s for _, message in said.cancelling}
    core.new_terms = {terms.clob_pair: terms for terms in said.new_terms}
    core.new_prices = dict(said.new_prices)
    core.block_volumes = dict(said.block_volumes)
    return core


def _restore(market: Market, saved: SavedMarket) -> None:
    market.oracle, market.index = saved.oracle, saved.index
    market.open_interest, market.funding_index = saved.open_interest, saved.funding_index
    market.low, market.high = saved.low, saved.high
    market.votes, market.samples = saved.votes, saved.samples
    for order, remaining in saved.orders:
        market.book.add(Resting(order, remaining))
    for order_id, good_til_block in saved.cancels:
        market.book.remember_cancel(order_id, good_til_block)
