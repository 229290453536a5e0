"""What must hold after a rehearsal: the engine's books against the chain's own record of what became of our orders.

`Witnessed` is a house that notes the chain's news of one account before any fault of the Indexer touches them.
"""

from __future__ import annotations

from typing import Any

from sniper._ext.tape import COUNTER_NAMES
from sniper.engine import Engine
from sniper.exchange.chain.checks import faults
from sniper.exchange.facts import Filled, StatefulPlaced, SubaccountId
from sniper.exchange.house import House
from sniper.order_table import FINAL
from sniper.quantums import notional
from sniper.trading import Place

MILLION = 1_000_000


class Witnessed(House):
    """Notes what the chain made of one owner's orders."""

    watched_owner = ""

    def _drain(self) -> None:
        owner = self.watched_owner
        if owner:
            for one in self.chain.news:
                kind = type(one)  # nearly all of it is about orders of strangers
                if kind is Filled and owner in (one.taker.owner, one.maker.owner):
                    self.fills_there.append(one)
                elif kind is StatefulPlaced and one.order.id.subaccount.owner == owner:
                    self.placed_there.append(one.order.id.client_id)
        super()._drain()

    def watch(self, owner: str) -> None:
        """From now on."""
        self.watched_owner = owner
        self.fills_there: list[Filled] = []
        self.placed_there: list[int] = []


def calm(engine: Engine) -> bool:
    """Flat, nothing open, nothing doubtful, reconciled: what is to come cannot change anything of ours any more."""
    desk = engine.desk
    assert desk is not None
    return not desk.account.positions and not desk.orders.live and books_agree(engine)


def books_agree(engine: Engine) -> bool:
    """Whether the engine believes that its books are the venue's."""
    desk = engine.desk
    assert desk is not None
    return desk.account.trust == "live" and desk.reconcile.settled and not desk.account.differences


History = list[Place | int]
"""Orders as they were sent, and the client ids of those that were refused, when that was told."""


def judged(house: Witnessed, engine: Engine, history: History, owner: str) -> list[str]:
    """What must hold at the end, and does not."""
    known = _known(engine)
    return [
        *_money(house, engine, owner),
        *_ids(history, known),
        *_outcomes(house, engine, owner),
        *_there(house, engine, known, owner),
        *_counts(house, engine, owner),
        *(f"chain: {line}" for line in faults(house.chain.core)),
    ]


def _known(engine: Engine) -> dict[int, Any]:
    desk = engine.desk
    assert desk is not None
    return {order.client_id: order for order in (*desk.orders.finished, *desk.orders.all_open())}


def pairs(house: House, engine: Engine) -> dict[int, int]:
    """The engine's number of each market, by the chain's clob pair."""
    table = engine.decoder.markets
    return {int(table[market]["whole"][0]): market for market in range(engine.decoder.markets_n)}


def _money(house: Witnessed, engine: Engine, owner: str) -> list[str]:
    """Positions and USDC are the venue's."""
    desk = engine.desk
    assert desk is not None
    purse = house.chain.purse(SubaccountId(owner, 0))
    assert purse is not None
    numbers = pairs(house, engine)
    perpetuals = {terms.perpetual: numbers[pair] for pair, terms in house.chain.markets().items()}
    there = {perpetuals[held.perpetual]: held.quantums for held in purse.holdings if held.quantums}
    here = {market: position.size_quantums for market, position in desk.account.positions.items()}
    wrong = []
    if here != there:
        wrong.append(f"positions: {here} here, {there} at the venue")
    if desk.account.usdc.get(0) != purse.usdc:
        wrong.append(f"balance: {desk.account.usdc.get(0)} here, {purse.usdc} at the venue")
    return wrong


def _ids(history: History, known: dict[int, Any]) -> list[str]:
    """No id stands for two intents: only a resting short-term order is replaced, by its like and for longer.

    A replacement that was refused never stood: the next one only has to last longer than what it would replace.
    """
    wrong: list[str] = []
    stood: dict[int, list[Place]] = {}
    for place in history:
        if isinstance(place, int):
            if len(stood.get(place, ())) > 1:
                stood[place].pop()
            continue
        before = stood[place.client_id][-1] if place.client_id in stood else None
        if before is None:
            if place.client_id not in known:
                wrong.append(f"order {place.client_id}: forgotten")
        elif place.time_in_force == "ioc" or place.kind != "short_term":
            wrong.append(f"order {place.client_id}: sent twice")
        elif (place.market, place.side, place.purpose, place.time_in_force) != (
            before.market,
            before.side,
            before.purpose,
            before.time_in_force,
        ) or place.good_til_block <= before.good_til_block:
            wrong.append(f"order {place.client_id}: one id for two intents")
        stood.setdefault(place.client_id, []).append(place)
    return wrong


def _outcomes(house: Witnessed, engine: Engine, owner: str) -> list[str]:
    """No order without an outcome once its end can be proven; stops may rest as long as they protect something."""
    desk = engine.desk
    assert desk is not None
    wrong = []
    for order in desk.orders.all_open():
        resting = order.purpose == "protect" and order.state == "acked"
        held, account = desk.orders.live[order.client_id], house.chain.account(owner)
        if not held.short_term and account is not None and held.sequence >= account.sequence:
            continue  # its transaction may still arrive: nothing proves the contrary before its good-til time
        if order.state not in FINAL and not (resting and order.market in desk.account.positions):
            wrong.append(
                f"order {order.client_id} {order.kind} {order.purpose}: {order.state} ({order.cause})"
            )
    if not desk.reconcile.settled:
        wrong.append("books: not reconciled at the end")
    return wrong


def _there(house: Witnessed, engine: Engine, known: dict[int, Any], owner: str) -> list[str]:
    """Every order and fill of ours that the chain knows is known here, and to the quantum."""
    core, wrong = house.chain.core, []
    open_ids = {order.client_id for order in engine.desk.orders.all_open()} if engine.desk else set()
    resting = [key for market in core.markets.values() for key in market.book.orders]
    for key in sorted({*resting, *core.stateful}):
        if key.subaccount.owner == owner and key.client_id not in open_ids:
            wrong.append(f"order {key.client_id}: rests at the venue, and is over or unknown here")
    wrong += [
        f"order {one}: placed at the venue, unknown here" for one in house.placed_there if one not in known
    ]
    filled: dict[int, int] = {}
    numbers = pairs(house, engine)
    for one in house.fills_there:
        for party, order in ((one.taker, one.taker_order), (one.maker, one.maker_order)):
            if party.owner == owner and order is not None:
                filled[order.id.client_id] = filled.get(order.id.client_id, 0) + one.quantums
                if order.id.client_id not in known:
                    wrong.append(f"order {order.id.client_id}: filled at the venue, unknown here")
    steps = {pair: terms.step_base_quantums for pair, terms in house.chain.markets().items()}
    of_market = {market: steps[pair] for pair, market in numbers.items() if pair in steps}
    for client_id, order in known.items():
        here = order.filled_steps * of_market[order.market]
        if here != filled.get(client_id, 0):
            wrong.append(f"order {client_id}: {here} filled here, {filled.get(client_id, 0)} at the venue")
    return wrong


def _counts(house: Witnessed, engine: Engine, owner: str) -> list[str]:
    """Fills here and there, one by one; those without an order (settlement, deleveraging) are the only foreign ones."""
    desk = engine.desk
    assert desk is not None
    counts = desk.orders.counts
    parties = [
        order
        for one in house.fills_there
        for party, order in ((one.taker, one.taker_order), (one.maker, one.maker_order))
        if party.owner == owner
    ]
    expected = {"foreign_fills": parties.count(None), "late_fills": 0, "overfilled": 0}
    wrong = [
        f"{name}: {counts[name]}, expected {number}"
        for name, number in expected.items()
        if counts[name] != number
    ]
    here = int(engine.tape.counters[COUNTER_NAMES.index("fills")])
    if here != len(parties):
        wrong.append(f"fills: {here} here, {len(parties)} at the venue")
    if desk.account.differences:
        wrong.append(f"differences: {desk.account.differences}")
    return wrong


class Limits:
    """Looks at every tick: exposure of a market at the venue against its limit and what is in flight; bare positions.

    A position has its stop within `bare_blocks` of its being known here, or is being reduced.
    """

    def __init__(self, house: Witnessed, engine: Engine, owner: str, bare_blocks: int) -> None:
        self._house, self._engine, self._who = house, engine, SubaccountId(owner, 0)
        self._bare_blocks = bare_blocks
        self._bare: dict[int, int] = {}
        self._height = 0
        self.wrong: dict[str, None] = {}

    def look(self) -> None:
        """Once a block."""
        house, desk = self._house, self._engine.desk
        assert desk is not None
        if house.chain.height == self._height:
            return
        self._height = house.chain.height
        self._exposure(desk)
        self._protection(desk)

    def _exposure(self, desk: Any) -> None:
        house, numbers = self._house, pairs(self._house, self._engine)
        purse = house.chain.purse(self._who)
        terms_of = {terms.perpetual: (pair, terms) for pair, terms in house.chain.markets().items()}
        limit = desk.settings.risk.gates.exposure_market_usd_max * MILLION
        for held in purse.holdings if purse else ():
            pair, terms = terms_of[held.perpetual]
            market = numbers.get(pair)
            if market is None:
                continue
            price, exponent = house.chain.oracle(terms.market)
            worth = abs(notional(held.quantums, terms.atomic_resolution, price, -exponent))
            # Prices move after an order was judged: a fifth is what a schedule's jumps may add to what was in bounds.
            if worth > limit * 6 // 5:
                self.wrong[f"exposure: {worth / MILLION:.0f} USD in {terms.ticker}"] = None

    def _protection(self, desk: Any) -> None:
        orders = desk.orders.all_open()
        bare = {}
        for market in desk.risk.unprotected:
            reducing = any(
                order.market == market and order.purpose in ("exit", "reduce", "flatten", "protect")
                for order in orders
            )
            if market in desk.account.positions and not reducing:
                bare[market] = self._bare.get(market, self._height)
        self._bare = bare
        for market, since in bare.items():
            if desk.account.trust == "live" and self._height - since > self._bare_blocks:
                self.wrong[f"protection: market {market} bare since {since}"] = None
