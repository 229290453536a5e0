"""Our orders: their ids, states and commands, and the proof that one of them is dead.

Every change of state is a row of the table in `order_table` and carries its cause. Nothing that the venue or the
Indexer says is an exception: what does not fit is counted. `docs/orders.md` explains the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from sniper._ext.tape import FIELD_NAMES
from sniper.bounds import checked
from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.order_intake import NUMS, Intake
from sniper.order_proof import question
from sniper.order_record import (
    NOTHING,
    WINDOW,
    Evidence,
    Held,
    OrdersSettings,
    Question,
    Terms,
    cancel_of,
    cause,
    command_of,
)
from sniper.order_shelf import Shelf
from sniper.order_table import ORDER_FLAGS, SHORT_TERM, UNKNOWN, Transition, misfit
from sniper.running_digest import RunningDigest
from sniper.trading import Answer, Approved, Cancel, Fill, Intent, Order, OrderNews, Place, Refused, Withdraw

__all__ = ["Evidence", "Orders", "OrdersSettings", "Question"]

CLOB_PAIR, STEP_QUANTUMS = FIELD_NAMES.index("clobPairId"), FIELD_NAMES.index("stepBaseQuantums")
SECOND_NS: Final = 1_000_000_000
GRACE_NS: Final = 2 * SECOND_NS
"""A height may be this old before time is taken to tell how far the chain has come since."""
BLOCKS_OF_IDS_MAX: Final = 4


class Orders:
    """The orders of one subaccount. `apply` what came in, `submit` what risk approved; read the rest at any time.

    digest: the running digest of the stage, shared with strategy and risk. ValueError for settings out of bounds.
    """

    def __init__(self, decoder: Any, settings: OrdersSettings, digest: RunningDigest) -> None:
        checked(settings)
        self.settings = settings
        self._decoder, self._digest = decoder, digest
        self.owner = subaccount_uuid(settings.address, settings.subaccount)
        self._ids: list[tuple[int, int]] = []
        self.new_ids(settings.first_client_id, settings.last_client_id)
        self._shelf = Shelf(digest, settings.finished_max)
        self._intake = Intake(self._shelf, decoder, settings)
        self.live = self._shelf.live
        """Open orders by our id, to look at only. While there are none, `reach` is all that heights call for."""
        self.open, self.all_open, self.claims = self._shelf.open, self._shelf.all_open, self._shelf.claims
        self.seen = self._shelf.seen
        self.height = self.indexer_height = self.height_ns = 0
        self.dropped: tuple[Refused, ...] = ()
        """Intents of the last `submit` that could not be sent, and why."""

    # ---- what is known ----------------------------------------------------------------------------------------

    def of(self, client_id: int) -> Order | None:
        """An order by our id; finished ones as long as they are remembered."""
        held = self._shelf.of(client_id)
        return held.order if held else None

    def by_order_id(self, order_id: str) -> Order | None:
        """An order by the Indexer's id."""
        held = self._shelf.by_order_id(order_id)
        return held.order if held else None

    def origin(self, order_id: str) -> Intent | None:
        """The intent that an order came of: its stop, target, strategy and reasons."""
        held = self._shelf.by_order_id(order_id)
        return held.intent if held else None

    def unknown(self, market: int) -> int:
        """How many orders of a market are of unknown fate: while there are any it takes no new risk."""
        return [order.state for order in self.open(market)].count(UNKNOWN)

    @property
    def finished(self) -> tuple[Order, ...]:
        """Orders that are over, the oldest first, as many as are remembered."""
        return tuple(held.order for held in self._shelf.finished.values())

    @property
    def counts(self) -> dict[str, int]:
        """What did not fit, by kind (COUNTS of `order_shelf`)."""
        return self._shelf.counts

    def questions(self) -> tuple[Question, ...]:
        """What has to be asked so that an end can be proven (rule "query" only)."""
        reach = self.settings.proof, self.indexer_height, self.height
        return tuple(one for held in self.live.values() if (one := question(held, *reach)) is not None)

    @property
    def due_ns(self) -> int:
        """When the next order runs out of time: `apply` has to be called then, news or not."""
        return self._intake.due_ns

    @property
    def ids_left(self) -> int:
        """How many client ids are left of the blocks that were reserved."""
        left = 0
        for first, last in self._ids:
            left += last - first + 1
        return left

    def new_ids(self, first: int, last: int) -> None:
        """Another block of reserved client ids. ValueError for one that is not the writer's, or not a later one."""
        if not 0 <= first <= last < 1 << 32 or not first >> 30 == last >> 30 == self.settings.writer:
            raise ValueError(f"client ids {first}..{last} are no block of writer {self.settings.writer}")
        if (self._ids and first <= self._ids[-1][1]) or len(self._ids) == BLOCKS_OF_IDS_MAX:
            raise ValueError(f"client ids {first}..{last}: not later than those reserved, or too many blocks")
        self._ids.append((first, last))

    def adopt(self, held: Held) -> None:
        """An order of an earlier session is one of these. ValueError: there is one of its id."""
        if self._shelf.of(held.order.client_id) is not None:
            raise ValueError("there is an order of that id already")
        self._shelf.add(held)
        self._digest.fold(repr(("adopted", tuple(held.order), held.fill_steps, held.ahead)).encode())

    def learn(self, sequence: int) -> None:
        """The account's next sequence: by now, what an earlier session signed has at most so many more than it."""
        for held in self.live.values():
            if held.ahead >= 0 <= sequence:
                held.sequence, held.ahead = sequence + held.ahead, -1
                held.doubt_height = max(held.doubt_height, self.height)

    # ---- what came in -----------------------------------------------------------------------------------------

    def apply(
        self,
        news: Sequence[OrderNews],
        fills: Sequence[Fill],
        answers: Sequence[Answer],
        now_ns: int,
        height: int,
        indexer_height: int,
        evidence: Evidence = NOTHING,
    ) -> Sequence[Transition]:
        """Take in answers, fills (each once) and order news; then see whose time is up and whose end is proven.

        height: newest block. indexer_height: block up to which the account's frames have come. Going back is
        ignored. Returns the steps that orders took.
        """
        intake, shelf = self._intake, self._shelf
        higher = height > self.height or indexer_height > self.indexer_height
        if not (higher or news or fills or answers or evidence is not NOTHING) and now_ns < intake.due_ns:
            return ()
        self.reach(height, now_ns)
        intake.begin(now_ns)
        self.indexer_height = max(self.indexer_height, indexer_height)
        for answer in answers:
            intake.answer(answer)
        for fill in fills:
            intake.fill(fill)
        for item in news:
            intake.news(item)
        if now_ns >= intake.due_ns:
            intake.time_out(now_ns)
        if self.live and (higher or evidence is not NOTHING):
            intake.look(self.indexer_height, evidence)
        return shelf.changes

    def reach(self, height: int, at_ns: int) -> None:
        """The newest block, and when it came."""
        if height > self.height:
            self.height, self.height_ns = self._intake.height, self._intake.height_ns = height, at_ns

    # ---- what goes out ----------------------------------------------------------------------------------------

    def submit(
        self, approved: Iterable[Approved], withdraws: Iterable[Withdraw], now_ns: int, height: int
    ) -> list[Place | Cancel]:
        """Commands for what risk approved, cancels first. height: newest block, 0 if none is known.

        A withdrawal and an intent of the same kind become one replacement where the chain allows it
        (`replaceable`), each order and intent at most once, in the order in which they are given. What could not be
        sent is in `dropped`.
        """
        self._shelf.begin()
        places: list[Place] = []
        dropped: list[Refused] = []
        leaving = {withdraw.client_id: withdraw for withdraw in withdraws}
        for one in approved:
            intent = one.intent
            old = next((i for i in leaving if self.replaceable(i, intent, now_ns, height)), -1)
            why = "" if old >= 0 else self._obstacle(intent, height)
            if old >= 0:
                places.append(self._replace(self.live[old], leaving.pop(old), intent, now_ns, height))
            elif not why:
                places.append(self._place(intent, now_ns, height))
            else:
                dropped.append(Refused(intent, "orders", 0.0, 0.0, why))
                self.counts["dropped"] += 1
        cancels = [self._cancel(withdraw, now_ns, height) for withdraw in leaving.values()]
        commands: list[Place | Cancel] = [cancel for cancel in cancels if cancel is not None]
        commands += places
        self.dropped = tuple(dropped)
        for command in commands:
            self._digest.fold(repr(tuple(command)).encode())
        return commands

    def replaceable(self, client_id: int, intent: Intent, now_ns: int, height: int) -> bool:
        """Whether this intent can replace that order instead of standing beside it.

        Short-term orders only, with the same side, time in force and purpose, and a later good-til-block. An IOC
        never: once it has fills its id is used up.
        """
        held = self.live.get(client_id)
        if held is None or held.order.state != "acked" or not held.short_term or intent.kind != SHORT_TERM:
            return False
        order = held.order
        return (
            intent.time_in_force != "ioc"
            and intent.size_steps > 0
            and height > 0
            and (order.market, order.side, order.time_in_force, order.reduce_only, order.purpose)
            == (intent.market, intent.side, intent.time_in_force, intent.reduce_only, intent.purpose)
            and self._good_til_block(intent, now_ns, height) > order.good_til_block
            and not misfit(intent)
        )

    def _obstacle(self, intent: Intent, height: int) -> str:
        """Why an intent cannot be sent, "": it can."""
        if why := misfit(intent):
            return why
        if intent.size_steps == 0:
            return "size of 0 steps (4)"
        if not self._ids:
            return "no client ids are left"
        if len(self.live) >= self.settings.open_max:
            return f"{len(self.live)} orders are open already"
        if intent.kind == SHORT_TERM and height <= 0:
            return "no block height is known yet"
        if not 0 <= intent.market < self._decoder.markets_n:
            return f"no market {intent.market}"
        known = self._decoder.numbers(intent.market)[0]
        if not (known >> CLOB_PAIR & 1 and known >> STEP_QUANTUMS & 1):
            return "the market table lacks what an order needs"
        return ""

    def guess_height(self, now_ns: int, height: int) -> int:
        """The chain's height by now: blocks go on while no news of them come."""
        silent_ns = now_ns - self.height_ns - GRACE_NS
        if height != self.height or silent_ns <= 0 or height <= 0:
            return height
        return height + silent_ns // self.settings.block_ns

    def _good_til_block(self, intent: Intent, now_ns: int, height: int) -> int:
        ioc = intent.time_in_force == "ioc"
        blocks = self.settings.ioc_good_til_blocks if ioc else self.settings.good_til_blocks
        return min(self.guess_height(now_ns, height) + blocks, height + WINDOW)

    def _next_id(self) -> int:
        first, last = self._ids[0]
        if first == last:
            self._ids.pop(0)
        else:
            self._ids[0] = (first + 1, last)
        return first

    def _place(self, intent: Intent, now_ns: int, height: int) -> Place:
        client_id, market, short = self._next_id(), intent.market, intent.kind == SHORT_TERM
        pair, by_now = self._decoder.numbers(market)[6][CLOB_PAIR - NUMS], self.guess_height(now_ns, height)
        order = Order(
            client_id,
            order_uuid(self.owner, client_id, pair, ORDER_FLAGS[intent.kind]),
            market,
            intent.side,
            intent.size_steps,
            0,
            intent.price_ticks,
            intent.kind,
            intent.time_in_force,
            intent.reduce_only,
            self._good_til_block(intent, now_ns, height) if short else self.settings.last_entry(by_now),
            0 if short else now_ns // SECOND_NS + self.settings.long_term_s,
            intent.trigger,
            intent.trigger_ticks,
            intent.purpose,
            "sent",
            now_ns,
            cause(intent),
        )
        self._shelf.add(Held(order, intent, self._intake.come_to(now_ns)))
        self._intake.wait(now_ns)
        return self._command(order, intent)

    def _replace(self, held: Held, withdraw: Withdraw, intent: Intent, now_ns: int, height: int) -> Place:
        """A replacement counts its size from the beginning, so what is filled already comes on top."""
        held.pending = Terms(
            held.order.filled_steps + intent.size_steps,
            intent.price_ticks,
            self._good_til_block(intent, now_ns, height),
        )
        held.intent, held.sent_height = intent, self._intake.come_to(now_ns)
        held.order = held.order._replace(sent_ns=now_ns)
        self._shelf.step(held, "replaced", withdraw.cause, held.sent_height)
        self._intake.wait(now_ns)
        return self._command(held.order._replace(**held.pending._asdict()), intent)

    def _command(self, order: Order, intent: Intent) -> Place:
        return command_of(order, self._decoder.ticker(order.market), cause(intent))

    def _cancel(self, withdraw: Withdraw, now_ns: int, height: int) -> Cancel | None:
        """A cancel with the order's own good-til, None if there is nothing (more) to cancel."""
        held = self.live.get(withdraw.client_id)
        if held is None or held.order.state == "fading":
            self.counts["not_open"] += 1
            return None
        order, last = held.order, held.last_block()
        under_way = held.cancel_ns and now_ns - held.cancel_ns < self.settings.answer_timeout_ns
        if under_way or (held.short_term and height > 0 and self.guess_height(now_ns, height) >= last):
            return None  # wait for the answer, or for the block that ends it
        held.cancel_ns, held.cancel_height = now_ns, self._intake.come_to(now_ns)
        self._shelf.step(held, "withdrawn", withdraw.cause, held.cancel_height)
        return cancel_of(held, self._decoder.ticker(order.market), withdraw.cause)

    # ---- state ------------------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """The state as bytes. The digest is the desk's to save."""
        heights = (self.height, self.indexer_height, self.height_ns)
        return msgspec.msgpack.encode([heights, self._ids, self._intake.due_ns, self._shelf.save()])

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else, and nothing is changed."""
        try:
            heights, ids, due_ns, shelf = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of orders: {problem}") from None
        self._shelf.load(shelf)
        self.live = self._shelf.live
        self._ids = ids
        self.height, self.indexer_height, self.height_ns = heights
        self._intake.height, self._intake.height_ns, self._intake.due_ns = self.height, self.height_ns, due_ns


_State = tuple[tuple[int, int, int], list[tuple[int, int]], int, bytes]
