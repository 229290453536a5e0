"""The whole exchange under one clock: market flow, blocks, Indexer, node and faults, as one plain object.

    house = House(HouseSettings(seed=7), scenario.read("bad-minute.toml"))
    house.advance(house.now_ns + 1_000_000_000)          # a second goes by
    house.connect(1); house.receive(1, b'{"type":"subscribe",...}'); house.outgoing()
    reply = house.send(tx_bytes)                          # as a gRPC client would, faults included

Time is what `advance` is told: virtual in tests, the wall's in `running`. Of the same settings, scenario and calls at
the same times come the same bytes. Matches become known with the next block: the chain sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, NamedTuple

from sniper.errors import UsageError
from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.facts import ACCEPTED, Filled, News, Outcome, SubaccountId
from sniper.exchange.faults import FAULTS, checked
from sniper.exchange.genesis import HouseSettings, opened
from sniper.exchange.indexer.faults import Faults
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.indexer.settings import IndexerSettings
from sniper.exchange.indexer.wire import Frame
from sniper.exchange.interventions import Interventions
from sniper.exchange.node.servicers import HANG, LATE, LOST, PASS, UNAVAILABLE, Treatment
from sniper.exchange.node.signing import is_address
from sniper.exchange.node.transactions import Node
from sniper.exchange.scenario import CALM, Event, Scenario
from sniper.exchange.troubles import Trouble, Troubles

MS: Final = 1_000_000
SECOND_NS: Final = 1_000 * MS
GRANT_MAX: Final = 10**15  # QQ, of one request to the faucet
RELAY_NS: Final = 4 * MS
"""How long an answer is on its way when nothing is wrong, in virtual time."""
AGAIN: Final = 1_000_000
"""Added to the number of a fill that is told a second time: it must be another fill."""


class Reply(NamedTuple):
    """What a caller of the node gets: kind is pass, unavailable or hang (never answered); at_ns: when."""

    kind: str
    outcome: Outcome
    hash: str
    at_ns: int


class House:
    """The exchange. UsageError for markets, a recording or a scenario that do not fit."""

    def __init__(
        self,
        settings: HouseSettings = HouseSettings(),  # noqa: B008 - an immutable tuple
        scenario: Scenario = CALM,
        make_indexer: Callable[..., LocalIndexer] = LocalIndexer,
    ) -> None:
        self.settings = settings
        self.scenario = scenario
        self.chain, self.flow = opened(settings)
        self.now_ns = self.chain.now_ns
        self.troubles = Troubles(scenario.seed)
        self.watched = {account.address for account in ACCOUNTS}
        self.blocks = 0  # since the house opened
        self._random = Random(f"{settings.seed}/exchange/blocks").random
        self.indexer = make_indexer(
            self.chain,
            IndexerSettings(seed=settings.seed, limits=settings.limits),
            now_ns=self.now_ns,
        )
        self.node = Node(self.chain)
        self.interventions = Interventions(self.chain)
        self._pulse_ns = self.now_ns
        self._block_ns = self.now_ns
        self._waiting: list[Event] = []
        self._open()
        self.begin(scenario)

    def begin(self, scenario: Scenario) -> None:
        """The time of a schedule begins now. UsageError for one that does not fit."""
        self._check(scenario)
        self.scenario, self.troubles = scenario, Troubles(scenario.seed)
        self.start_ns, self.blocks = self.now_ns, 0
        self._waiting = list(scenario.events)

    def _open(self) -> None:
        """Fund everybody, then let the market live for a while. The scenario's time begins after that."""
        self.flow.open()
        for account in ACCOUNTS:
            self.chain.grant(account.address, self.settings.wallet_quote + self.settings.subaccount_quote)
            if self.settings.subaccount_quote:
                self.chain.deposit(
                    account.address, SubaccountId(account.address, 0), self.settings.subaccount_quote, ""
                )
        self._end_block(self.now_ns)
        self._next_block()
        self.advance(self.settings.start_ns)

    def _check(self, scenario: Scenario) -> None:
        for number, event in enumerate(scenario.events, 1):
            try:
                self.interventions.markets_of(event.parameters)
            except ValueError as error:
                what = f"the scenario's event {number} ({event.fault}): {error}"
                raise UsageError(what, "--markets lists more markets.") from None

    @property
    def events_left(self) -> int:
        """How many events of the scenario are still to come."""
        return len(self._waiting)

    # Time.

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due up to this time, in its order. A time gone by changes nothing."""
        while True:
            due_ns = self.due_ns()
            if due_ns > now_ns:
                break
            self.now_ns = max(self.now_ns, due_ns)
            self._faults_due()
            if self._block_ns <= self.now_ns:
                self._block_due()
            if self._pulse_ns <= self.now_ns:
                self._pulse_ns = self.now_ns + self.settings.pulse_ns
                self.flow.pulse(self.now_ns)
                self._drain()
        self.now_ns = max(self.now_ns, now_ns)

    def due_ns(self) -> int:
        """When something happens next by itself; frames that wait in the Indexer are its own `due_ns`."""
        due = min(self._pulse_ns, self._block_ns, self.troubles.due_ns() or self._pulse_ns)
        for event in self._waiting:
            if event.at_block < 0:
                due = min(due, self.start_ns + event.at_ns)
        return due

    def _block_due(self) -> None:
        if self.troubles.named("chain_halt"):
            self._block_ns = self.now_ns + 50 * MS
            return
        self._end_block(self.now_ns)
        self._next_block()

    def _next_block(self) -> None:
        """0.49 to 0.79 s, one in a hundred 1 to 2 s later: 0.65 s on average."""
        wait_ns = int((0.49 + 0.3 * self._random()) * SECOND_NS)
        if self._random() < 0.01:
            wait_ns += int((1.0 + self._random()) * SECOND_NS)
        self._block_ns = self.now_ns + wait_ns // MS * MS

    def _end_block(self, now_ns: int) -> None:
        self.flow.block(now_ns)
        self.interventions.bend(self.troubles.named("oracle_jump"))
        self.node.before_block(now_ns)
        self.chain.end_block(now_ns)
        self.node.after_block()
        self.blocks += 1
        self._drain()
        self._faults_due()

    def _drain(self) -> None:
        """Hand the chain's news to the Indexer."""
        news = list(self.chain.news)
        self.chain.news.clear()
        if self.troubles.named("double_fill"):
            news = [told for one in news for told in self._twice(one)]
        self.indexer.take(news, self.now_ns)

    def _twice(self, news: News) -> tuple[News, ...]:
        if isinstance(news, Filled) and {news.taker.owner, news.maker.owner} & self.watched:
            return news, news._replace(event=news.event + AGAIN)
        return (news,)

    # Faults.

    def _next_event(self) -> Event | None:
        """The first event of the scenario whose time or block has come, taken out of it."""
        for place, event in enumerate(self._waiting):
            by_time = event.at_block < 0 and self.start_ns + event.at_ns <= self.now_ns
            if by_time or 0 <= event.at_block <= self.blocks:
                return self._waiting.pop(place)
        return None

    def _faults_due(self) -> None:
        """Events that are due begin, faults whose time is over end. An event may end blocks and so begin others."""
        while (event := self._next_event()) is not None:
            self.strike(event.fault, event.parameters, event.for_ns)
        for trouble in self.troubles.over(self.now_ns):
            self._ended(trouble)

    def strike(self, fault: str, given: Mapping[str, Any], for_ns: int = 0) -> Trouble | None:
        """A fault begins, or happens; None where it does not last. ValueError for one that cannot."""
        parameters = checked(fault, given)
        targets = self.interventions.markets_of(parameters)
        if for_ns and not FAULTS[fault].lasts:
            raise ValueError(f"{fault} happens once: it takes no time")
        if fault in ("disconnect", "restart"):
            self.indexer.strike(fault, self.now_ns)
        elif fault == "height_jump":
            for _ in range(parameters["blocks"]):
                self._end_block(self.now_ns)
        elif fault == "delisting":
            self.interventions.delist(targets[0])
        if not FAULTS[fault].lasts:
            return None
        trouble = self.troubles.start(fault, parameters, self.now_ns, for_ns)
        if fault == "margin_change":
            self.interventions.demand(trouble, targets[0])
        self._turn_knobs()
        if fault == "silence":
            self.indexer.strike("silence", self.now_ns)
        return trouble

    def stop(self, number: int) -> bool:
        """Switch a fault off; False where it is not on."""
        trouble = self.troubles.stop(number)
        if trouble is not None:
            self._ended(trouble)
        return trouble is not None

    def _ended(self, trouble: Trouble) -> None:
        self.interventions.undo(trouble)
        self._turn_knobs()

    def _turn_knobs(self) -> None:
        self.indexer.set_faults(Faults()._replace(**self.troubles.knobs()))

    # The node, as servicers and tests reach it.

    def treatment(self, method: str) -> Treatment:
        """What a call of this method suffers now."""
        return self.troubles.treatment(method, self.now_ns)

    def broadcast(self, tx: bytes) -> tuple[Outcome, str]:
        """A transaction arrives now, whatever faults are on."""
        answer = self.node.broadcast(tx, self.now_ns)
        self._drain()
        return answer

    def simulate(self, tx: bytes) -> tuple[Outcome, int]:
        """What would become of a transaction."""
        answer = self.node.simulate(tx, self.now_ns)
        self._drain()
        return answer

    def send(self, tx: bytes) -> Reply:
        """A transaction is sent now, and what comes back when, as the faults that are on have it."""
        treatment = self.treatment("BroadcastTx")
        late_ns = self.now_ns + RELAY_NS + round(treatment.wait_s * SECOND_NS)
        if treatment.kind in (UNAVAILABLE, HANG):
            return Reply(treatment.kind, ACCEPTED, "", late_ns)
        outcome, name = self.broadcast(tx)
        if treatment.kind == LOST:
            return Reply(HANG if treatment.wait_s else UNAVAILABLE, ACCEPTED, "", late_ns)
        return Reply(PASS, outcome, name, late_ns if treatment.kind == LATE else self.now_ns + RELAY_NS)

    # The Indexer, as tests reach it; the server has it directly.

    def connect(self, connection: int) -> None:
        """A WebSocket client connects."""
        self.indexer.connect(connection, self.now_ns)

    def receive(self, connection: int, text: bytes) -> None:
        """A WebSocket client says something."""
        self.indexer.receive(connection, text, self.now_ns)

    def outgoing(self) -> list[Frame]:
        """What goes out to WebSocket clients now."""
        return self.indexer.outgoing(self.now_ns)

    def rest(self, path: str, query: str, client: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
        """A REST request, and its answer."""
        return self.indexer.rest(path, query, client, self.now_ns)

    # Test funds.

    def grant(self, address: str, quote: int) -> Outcome:
        """New USDC into a wallet. ValueError for no address or a sum out of bounds."""
        if not is_address(address):
            raise ValueError(f"{address[:80]!r} is not an address")
        if not 0 < quote <= GRANT_MAX:
            raise ValueError(f"an amount must be above 0 and at most {GRANT_MAX // 10**6} USDC")
        outcome = self.chain.grant(address, quote)
        self.watched.add(address)
        self._drain()
        return outcome

    def fund(self, address: str, subaccount: int, quote: int) -> Outcome:
        """New USDC into a subaccount; there with the next block."""
        if not 0 <= subaccount <= 128_000:
            raise ValueError(f"{subaccount} is not the number of a subaccount")
        granted = self.grant(address, quote)
        if granted.code:
            return granted
        outcome = self.chain.deposit(address, SubaccountId(address, subaccount), quote, "")
        self._drain()
        return outcome
