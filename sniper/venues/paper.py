"""The paper venue: takes orders, keeps the exchange's rules against the market of the feed, answers in wire format.

It needs no market data of its own: after every tick of the engine it reads the rows of that tick and the books. What
it has to say are records of connection VENUE_CONNECTION: broadcast answers (REC_VENUE) and the frames of a
`v4_subaccounts` subscription. The same ticks, rows, commands and seed give the same bytes at the same times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sniper._ext.tape import KIND_NAMES, Tape
from sniper.paper_settings import PaperSettings
from sniper.quantums import lent
from sniper.trading import Cancel, Place
from sniper.venues.account_frames import Owner, snapshot, snapshot_order, snapshot_position
from sniper.venues.admission import Memory
from sniper.venues.arrivals import NEVER, Arrivals, ArrivalsState
from sniper.venues.blocks import Blocks, BlockState
from sniper.venues.chance import Chance, named
from sniper.venues.collateral import Collateral
from sniper.venues.floor import Floor
from sniper.venues.hearing import Hearing
from sniper.venues.ledger import ACCOUNT, Ledger, opened
from sniper.venues.liquidating import Liquidating
from sniper.venues.matching import Depth, Level
from sniper.venues.models import LATENCIES, checked
from sniper.venues.order import WAITING, PaperOrder
from sniper.venues.outbox import Inbox, Outbox
from sniper.venues.reports import Events, Reports
from sniper.venues.starting import Grants
from sniper.venues.terms import Markets, Price

BLOCKS = 1 << KIND_NAMES.index("BLOCK")
TERMS = 1 << KIND_NAMES.index("ORACLE") | 1 << KIND_NAMES.index("MARKET")
KINDS = 4  # of Tape.used: bits of the kinds of all rows but levels
VERSION = 1


class Paper:
    """A venue of the loop: `observe` after every tick, `send` commands, `due` and `pull` what it says.

    tape, decoder, books: those of the engine, read only. ValueError: settings that make no sense.
    """

    def __init__(self, tape: Tape, decoder: Any, books: Any, settings: PaperSettings) -> None:
        self.settings = checked(settings)
        self._decoder, self._books = decoder, books
        self._kinds = lent(tape.used)[KINDS : KINDS + 1]
        self._owner = Owner(settings.address, settings.subaccount)
        self.markets = Markets(decoder)
        self.ledger = opened(settings.usdc_quantums, settings.insurance_quantums)
        self.reports = Reports(self._owner, self.markets, self.ledger, LATENCIES[settings.latency])
        self.reports.chance = named(settings.seed, "events")
        self.outbox = Outbox(f"paper-{settings.seed}", f"{settings.address}/{settings.subaccount}")
        self.reports.outbox = self.outbox
        self.depth = Depth(books)
        self.collateral = Collateral(tape, decoder, settings.liquidation)
        self.collateral.keep(self.ledger)
        self.floor = Floor(
            settings, self.markets, self.depth, self.ledger, self.collateral, Memory(), self.reports
        )
        self.liquidating = Liquidating(self.floor, named(settings.seed, "liquidation"))
        self.blocks = Blocks(self.floor, self.liquidating)
        self.arrivals = Arrivals(settings, self.floor, self.blocks, named(settings.seed, "commands"))
        self.hearing = Hearing(tape, self.floor, self.blocks)
        self.grants = Grants(settings.start_positions)
        self._connected = self._subscribed = False
        self._awake = bool(self.grants.waiting)
        self._next_ns = NEVER
        self._followed: list[int] = []
        self.idle = False
        """Nothing has to be said, nothing is due, and we have no business anywhere: until `send` a tick tells the venue
        nothing, and neither `pull` nor `observe` would do anything."""

    # --- what the loop calls ----------------------------------------------------------------------------------

    def start(self, inbox: Inbox) -> None:
        """Open a connection, with the next `pull`; its frames bear the time of that."""
        self._connected = self._subscribed = self.idle = False

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        """Commands leave for the node. When each arrives and is answered is decided here."""
        self.arrivals.send(now_ns, commands)
        self._next_ns, self.idle = self.arrivals.next_ns, False

    def due(self, now_ns: int) -> int | None:
        """When something of the venue next happens or is said, None while nothing will."""
        if self.idle or (self._subscribed and self._next_ns == NEVER and not self.outbox.waiting):
            return None
        says_ns = self.outbox.due() if self._subscribed else None
        if self._connected and not self._subscribed and not self.grants.waiting:
            says_ns = now_ns
        acts_ns = self._next_ns
        if acts_ns != NEVER and (says_ns is None or acts_ns < says_ns):
            return acts_ns
        return says_ns

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Hand over what is due."""
        outbox = self.outbox
        if self._subscribed and not (outbox.waiting or outbox.lost):
            return
        if not self._connected or outbox.lost:
            outbox.connect(until_ns, inbox)
            self._connected, self._subscribed = True, False
        if not self._subscribed:
            if self.grants.waiting:
                return
            outbox.subscribe(until_ns, self.snapshot(), inbox)
            self._subscribed = True
        outbox.pull(until_ns, inbox)
        self._rest()

    def observe(self, now_ns: int, rows: int) -> None:
        """A tick was run and wrote so many rows: the market moved, and what is due happens."""
        if self._awake or now_ns >= self._next_ns:
            self._work(now_ns, rows)

    # --- one tick ---------------------------------------------------------------------------------------------

    def _work(self, now_ns: int, rows: int) -> None:
        kinds = self._kinds[0]
        if not self._awake:
            self.collateral.restart(self.ledger)
        elif kinds & TERMS:
            self.collateral.apply(rows)
            if self.grants.waiting:
                self.grants.book(self.markets, self.ledger, self.reports.events)
                self.collateral.keep(self.ledger, *self.ledger.holdings)
                self._follow()
                self.hearing.quiet.changed()
        if kinds & BLOCKS and now_ns < self._next_ns and self.hearing.passed():
            return
        self.hearing.quiet.changed()
        changed = self.hearing.hear(now_ns, rows) if self._awake else None
        arrives = now_ns >= self._next_ns
        for market in changed or ():
            self.floor.crossed(market, self.hearing.height + 1, now_ns)
        if arrives:
            height = max(self.hearing.height, int(self._books.height))
            self.arrivals.arrive(now_ns, height, self._decoder.block_ns)
            self._next_ns = self.arrivals.next_ns
        if arrives or (changed is not None and self._moved()):
            self._follow()
        self._rest()

    def _rest(self) -> None:
        said = self._subscribed and not (self.outbox.waiting or self.outbox.lost)
        self.idle = said and not self._awake and self._next_ns == NEVER

    def _moved(self) -> bool:
        """Whether we have business elsewhere than before."""
        if bool(self.ledger.holdings) != bool(self.blocks.state.hour_ns):
            return True
        return self._business() != self._followed

    def _business(self) -> list[int]:
        """Markets in which we have orders, positions or taken levels, some of them several times."""
        found = [order.market for order in self.floor.orders.values()]
        found += self.ledger.holdings
        if self.depth.taken:
            found += [market for market, _, _ in self.depth.taken]
        return found

    def _follow(self) -> None:
        """Have an ear for the markets in which we have business."""
        self._followed = wanted = self._business()
        self.hearing.follow(wanted)
        if bool(self.ledger.holdings) != bool(self.blocks.state.hour_ns):
            self.blocks.watch_hours(self._decoder.block_ns)
        awake = bool(wanted or self.grants.waiting)
        if awake and not self._awake:
            self.hearing.height = max(self.hearing.height, int(self._books.height))
        self._awake = awake

    # --- the account as it is ---------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The contents of `subscribed`."""
        totals = self.collateral.totals()
        positions = {
            self.markets.known(market).ticker: snapshot_position(
                self._owner, self.markets.known(market), holding, self.markets.oracle[market]
            )
            for market, holding in self.ledger.holdings.items()
        }
        orders = (
            snapshot_order(self._owner, self.markets.known(order.market), order)
            for order in self.floor.orders.values()
            if order.state != WAITING
        )
        usdc = self.ledger.usdc[ACCOUNT] + self.ledger.unsettled()
        height = self.reports.events.reach(self.hearing.height)
        return snapshot(self._owner, usdc, totals.net, totals.net - totals.initial, height, positions, orders)

    @property
    def digest(self) -> bytes:
        """Over everything that left, with its time: equal for two venues that answered the same."""
        return self.outbox.digest

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(
            _State(
                VERSION,
                repr(self.settings),
                self.ledger,
                list(self.floor.orders.values()),
                self.floor.memory,
                list(self.depth.taken.items()),
                self.outbox,
                self.reports.events,
                self.reports.chance,
                self.liquidating.chance,
                self.blocks.state,
                self.arrivals.save(),
                self.grants.waiting,
                sorted(self.markets.oracle.items()),
                sorted(self.markets.rate.items()),
                self.hearing.height,
                self._connected,
                self._subscribed,
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote with the same settings, on an engine in the same state.

        ValueError on anything else; then nothing is changed.
        """
        try:
            found = msgspec.msgpack.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of the paper venue: {problem}") from None
        if found.version != VERSION or found.settings != repr(self.settings):
            raise ValueError("not a state of the paper venue with these settings")
        self.ledger = self.floor.ledger = self.reports.ledger = found.ledger
        self.outbox = self.reports.outbox = found.outbox
        self.reports.events, self.reports.chance = found.events, found.chance
        self.liquidating.chance, self.blocks.state = found.liquidation, found.blocks
        self.floor.memory = found.memory
        self.floor.restore(found.orders)
        self.depth.taken = dict(found.taken)
        self.arrivals.load(found.arrivals)
        self.grants.waiting = found.grants
        self.collateral.restart(self.ledger)
        self.markets.clear()
        self.hearing.follow(())
        self.hearing.quiet.changed()
        self._awake = False
        self._follow()
        self.markets.oracle.update(found.oracle)
        self.markets.rate.update(found.rate)
        self.hearing.height = found.height
        self._connected, self._subscribed = found.connected, found.subscribed
        self._next_ns, self.idle = self.arrivals.next_ns, False


class _State(msgspec.Struct, array_like=True):
    version: int
    settings: str
    ledger: Ledger
    orders: list[PaperOrder]
    memory: Memory
    taken: list[tuple[Level, int]]
    outbox: Outbox
    events: Events
    chance: Chance
    liquidation: Chance
    blocks: BlockState
    arrivals: ArrivalsState
    grants: list[tuple[str, str, str]]
    oracle: list[tuple[int, Price]]
    rate: list[tuple[int, Price]]
    height: int
    connected: bool
    subscribed: bool
