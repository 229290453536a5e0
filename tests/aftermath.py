"""What must hold of a recovered database: everything that the chain knows stands in it, once, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import msgspec

from sniper.exchange.facts import BUY, ChainOrder
from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.order_proof import PROOF_BLOCKS
from sniper.order_table import ORDER_FLAGS
from sniper.trading import Place
from tests.witness import Truth

OVER = ("filled", "dead")

__all__ = ["Truth", "compared"]


def compared(path: Path, truth: Truth, maybe: frozenset[int] | set[int] = frozenset()) -> list[str]:
    """What is wrong, a line each. maybe: stateful orders of which recovery says that nothing proves their end."""
    connection = apsw.Connection(str(path))
    try:
        return [
            *_fills(connection, truth),
            *_positions(connection, truth),
            *_orders(connection, truth, maybe),
        ]
    finally:
        connection.close()


def _fills(connection: apsw.Connection, truth: Truth) -> list[str]:
    """Every fill of ours is booked, once."""
    owner = subaccount_uuid(truth.owner, truth.subaccount)

    def named(order: ChainOrder | None) -> str:
        return order_uuid(owner, order.id.client_id, order.id.clob_pair, order.id.flags) if order else ""

    there = Counter((named(order), side - 1, quantums) for order, side, quantums in truth.fills)
    rows = connection.execute("SELECT order_id, side, size_quantums FROM fills").fetchall()
    here = Counter((name or "", side, quantums) for name, side, quantums in rows)
    wrong = [f"fill {one} is at the venue and not here ({count})" for one, count in (there - here).items()]
    return wrong + [
        f"fill {one} is here and not at the venue ({count})" for one, count in (here - there).items()
    ]


def _positions(connection: apsw.Connection, truth: Truth) -> list[str]:
    """Positions are the venue's, and so is the sum of the fills."""
    kept = dict(
        connection.execute("SELECT ticker, size_quantums FROM positions WHERE size_quantums != 0").fetchall()
    )
    sums: Counter[str] = Counter()
    for ticker, side, quantums in connection.execute("SELECT ticker, side, size_quantums FROM fills"):
        sums[ticker] += -quantums if side else quantums
    by_fills = {ticker: quantums for ticker, quantums in sums.items() if quantums}
    wrong = []
    if kept != truth.positions:
        wrong.append(f"positions: {kept} here, {truth.positions} at the venue")
    if by_fills != truth.positions:
        wrong.append(f"positions by fills: {by_fills} here, {truth.positions} at the venue")
    return wrong


def _orders(connection: apsw.Connection, truth: Truth, maybe: frozenset[int] | set[int]) -> list[str]:
    """What the chain saw was written before, each id for one intent; nothing rests unknown; ends are known."""
    intents: dict[int, list[Place]] = {}
    for verb, client_id, body in connection.execute("SELECT verb, client_id, body FROM intents ORDER BY seq"):
        if verb != "cancel":
            intents.setdefault(client_id, []).append(msgspec.msgpack.decode(body, type=Place))
    wrong = []
    for client_id, places in intents.items():
        if len({(one.ticker, one.side, one.kind, one.purpose) for one in places}) > 1:
            wrong.append(f"order {client_id}: one id for two intents")
    seen: dict[int, set[tuple[Any, ...]]] = {}
    for order in truth.placed:
        seen.setdefault(order.id.client_id, set()).add((order.id.clob_pair, order.id.flags, order.side))
        places = intents.get(order.id.client_id, [])
        if not any(_same(place, order) for place in places):
            wrong.append(f"order {order.id.client_id}: at the venue as it was never written here: {order}")
    wrong += [f"order {one}: several orders at the venue" for one, found in seen.items() if len(found) > 1]
    states = {
        row[0]: row[1:]
        for row in connection.execute("SELECT client_id, state, good_til_block, good_til_s, kind FROM orders")
    }
    for client_id in sorted(truth.resting):
        if client_id not in states or states[client_id][0] in OVER:
            wrong.append(f"order {client_id}: rests at the venue, here {states.get(client_id)}")
    wrong += [f"order {one}: it may come, says recovery, and it came" for one in maybe & seen.keys()]
    for client_id in sorted(intents.keys() - maybe):
        if client_id not in states:
            wrong.append(f"order {client_id}: an intent without an outcome")
            continue
        state, good_til_block, good_til_s, kind = states[client_id]
        if state in OVER or client_id in truth.resting:
            continue
        ended = good_til_block < truth.height if kind == "short_term" else good_til_s * 10**9 < truth.now_ns
        ended = ended or 0 < good_til_block < truth.height - PROOF_BLOCKS  # no block takes it any more
        if ended or client_id in seen:
            wrong.append(f"order {client_id} {kind}: {state}, and its end can be known")
    return wrong


def _same(place: Place, order: ChainOrder) -> bool:
    """Whether the chain's order is this intent, as far as both say so."""
    return (
        (place.side == 0) == (order.side == BUY)
        and ORDER_FLAGS[place.kind] == order.id.flags
        # of a stateful order it bounds the transaction, of which the order knows nothing
        and (place.good_til_block if place.kind == "short_term" else 0) == order.good_til_block
        and place.good_til_s == order.good_til_s
        and place.reduce_only == order.reduce_only
    )
