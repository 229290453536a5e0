"""The real engine's two ends, in virtual time: a feed and a venue that lead to a house in the same process.

The feed drives the same pure parts as the socket feed (link, subscriptions, pacing); the venue is the live one with
its own sender, on a loop whose clock is told, and channels that call the house. Nothing here waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import ceil
from random import Random
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.any_pb2 import Any as Packed
from grpc.aio import AioRpcError, Metadata
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountResponse
from v4_proto.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetLatestBlockResponse
from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxResponse

from sniper.exchange.house import House
from sniper.feed.backoff import Backoff, Waits
from sniper.feed.link_state import Happening, Link, State
from sniper.feed.plan import BLOCK_HEIGHT, MARKETS, Subscription, Wanted, place
from sniper.feed.rest import CONNECTION as REST_CONNECTION
from sniper.feed.sniff import sniff
from sniper.feed.subscriptions import Pace, Subscriptions
from sniper.inbox import Inbox
from sniper.types import REC_FRAME, REC_LINK, REC_REST, Ask, Connection, FeedCommand, Resubscribe, Watch
from sniper.venues.live_sender import Sender
from tests.virtual_loop import VirtualLoop

SECOND_NS = 1_000_000_000
REST_NS = 8_000_000
NEVER = 1 << 62
SILENCE_S = 5.0
WAITS = Waits(first_s=0.5, longest_s=4.0, limited_first_s=2.0, restart_spread_s=1.0)
PATHS = {
    "height": "/v4/height",
    "subaccount": "/v4/addresses/{address}/subaccountNumber/{subaccountNumber}",
    "orders": "/v4/orders",
    "fills": "/v4/fills",
}


class Stage:
    """One clock for house, stream, REST and sender."""

    def __init__(self, house: House, account: str, subaccount: int = 0) -> None:
        self.house = house
        self._begun_ns = house.now_ns
        self.loop = VirtualLoop(0.0)
        self.account = account
        self.stream = Stream(self, (f"{account}/{subaccount}",))
        self.inbox: Inbox | None = None
        self._rest: list[tuple[int, int, Ask]] = []
        self._asked = 0
        self._due_ns = -1  # as it was found last, -1: to be found anew
        self.wake: list[Callable[[], int]] = []

    @property
    def now_ns(self) -> int:
        return self.house.now_ns

    @property
    def now_s(self) -> float:
        """Seconds since the stage was set: since 1970 they would leave a float no room below a microsecond."""
        return (self.house.now_ns - self._begun_ns) / 1e9

    def at_ns(self, s: float) -> int:
        """The first whole nanosecond behind that second: its float may be a little less than what it stands for."""
        return self._begun_ns + ceil(s * 1e9) + 1 if s != float("inf") else NEVER

    def due_ns(self) -> int:
        """When anything happens next."""
        house = self.house
        due = min(house.due_ns(), house.indexer.due_ns() or NEVER, self.stream.due_ns())
        if self._rest:
            due = min(due, self._rest[0][0])
        return min(due, self.at_ns(self.loop.due_s()))

    def advance(self, until_ns: int) -> None:
        """Let everything happen up to then, in its order."""
        due_ns, self._due_ns = self._due_ns, -1
        while True:
            at_ns = max(min(self.due_ns() if due_ns < 0 else due_ns, until_ns), self.now_ns)
            due_ns = -1
            self.house.advance(at_ns)
            self.loop.until(self.now_s)
            self.stream.turn()
            while self._rest and self._rest[0][0] <= at_ns:
                self._answer(heappop(self._rest)[2])
            if at_ns >= until_ns:
                return

    def ask(self, ask: Ask) -> None:
        """A REST request on its way."""
        self._asked += 1
        heappush(self._rest, (self.now_ns + REST_NS, self._asked, ask))

    def _answer(self, ask: Ask) -> None:
        assert self.inbox is not None
        query = dict(ask.query)
        path = PATHS[ask.endpoint].format(**query)
        text = "&".join(f"{key}={quote(value, safe=',')}" for key, value in query.items())
        sent = "" if "{" in PATHS[ask.endpoint] else text
        status, _, body = self.house.rest(path, sent)
        head = f"{ask.endpoint} {status} {text}\n".encode()
        self.inbox.put(self.now_ns, REST_CONNECTION, REC_REST, head + body)


class Stream:
    """One WebSocket connection and its subscriptions; opened again whenever it ends."""

    def __init__(self, stage: Stage, accounts: tuple[str, ...]) -> None:
        self._stage = stage
        self._link = Link(Backoff(Random("rehearsal"), WAITS), 0.0)
        self._subscriptions = Subscriptions(Pace(per_s=50.0), frozenset((MARKETS,)))
        self._wanted = Wanted(resolutions=("1MIN",), subaccounts=accounts)
        self._subscriptions.want((Subscription(MARKETS), Subscription(BLOCK_HEIGHT)))
        self._plan: Any = ((Subscription(MARKETS), Subscription(BLOCK_HEIGHT)),)
        self._opened = 0  # the house's number of the open connection
        self._last_s = self._opened_s = 0.0
        self.frames = self.bytes = 0
        self._link.step(Happening.START, 0.0)

    @property
    def state(self) -> State:
        return self._link.state

    @property
    def reconnects(self) -> int:
        return max(self._link.opens - 1, 0)

    def due_ns(self) -> int:
        if self.state in (State.WAITING, State.LIMITED):
            return self._stage.at_ns(self._link.wake_s)
        return self._stage.at_ns(max(min(self._subscriptions.next_s(), self._last_s + SILENCE_S), 0.0))

    def tell(self, text: str) -> None:
        inbox = self._stage.inbox
        assert inbox is not None
        inbox.put(self._stage.now_ns, 0, REC_LINK, text.encode())

    def turn(self) -> None:
        """What is due: opening, requests, frames, silence."""
        if self._stage.inbox is None:
            return
        now_s = self._stage.now_s
        if self.state in (State.WAITING, State.LIMITED) and now_s >= self._link.wake_s:
            self._open(now_s)
        for frame in self._stage.house.outgoing():
            connection, text, code, reason = frame
            if connection != self._opened or not self._opened:
                continue
            if text is None:
                self._close(now_s, code, reason)
            else:
                self._frame(now_s, text)
        if not self._opened:
            return
        while (request := self._subscriptions.take(now_s)) is not None:
            self._stage.house.receive(self._opened, request.encode())
        if now_s - self._last_s >= SILENCE_S:
            self.tell(f"silent 0 no message for {SILENCE_S:g} s")
            self._close(now_s, 1006, "silent")

    def _open(self, now_s: float) -> None:
        self._link.step(Happening.DUE, now_s)
        self.tell("connecting 0 house")
        self._number = getattr(self, "_number", 0) + 1
        self._opened = self._number
        self._stage.house.connect(self._opened)
        self._last_s = self._opened_s = now_s
        self._link.step(Happening.OPENED, now_s)
        self.tell("open 0 house")

    def _close(self, now_s: float, code: int, reason: str) -> None:
        self._stage.house.indexer.gone(self._opened)
        self._opened = 0
        self.tell(f"closed {code} {reason or 'closed'}")
        self._subscriptions.end()
        self._link.step(Happening.LOST, now_s, code=code, alive_s=self._last_s - self._opened_s)
        self._link.step(Happening.REST, now_s)

    def _frame(self, now_s: float, text: Any) -> None:
        inbox = self._stage.inbox
        assert inbox is not None
        data = text if isinstance(text, bytes) else text.encode()
        self.frames, self.bytes, self._last_s = self.frames + 1, self.bytes + len(data), now_s
        inbox.put(self._stage.now_ns, 0, REC_FRAME, data)
        control = sniff(data)
        if control is None:
            return
        if control.type == "connected":
            if self.state is State.OPEN:
                self._subscriptions.begin()
            self._link.step(Happening.CONNECTED, now_s)
        else:
            self._subscriptions.heard(control, now_s)
            if control.type == "subscribed" and control.channel == MARKETS:
                self._subscriptions.open_gate()
        done = self._subscriptions.complete
        self._link.step(Happening.COMPLETE if done else Happening.WANTING, now_s)

    def command(self, now_s: float, command: FeedCommand) -> None:
        if isinstance(command, Watch):
            self._plan = place(command.tickers, self._wanted, held=self._plan)
            self._subscriptions.want(self._plan[0])
        elif isinstance(command, Resubscribe):
            self._subscriptions.again(command.channel, command.ticker)
        elif isinstance(command, Ask):
            self._stage.ask(command)
        elif self._opened:
            self._close(now_s, 1000, "asked for")


class HouseFeed:
    """The feed as the loop sees it."""

    clock = "tape"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def start(self, inbox: Inbox) -> None:
        self._stage.inbox = inbox

    def due(self, now_ns: int) -> int | None:
        stage = self._stage
        stage._due_ns = stage.due_ns()  # nothing happens between this and `pull`
        return max(stage._due_ns, stage.now_ns)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        self._stage.advance(until_ns)

    def send(self, now_ns: int, commands: Sequence[FeedCommand]) -> None:
        self._stage._due_ns = -1
        for command in commands:
            self._stage.stream.command(self._stage.now_s, command)

    def stop(self) -> None:
        """Nothing to stop."""

    def status(self) -> list[Connection]:
        return []


class HouseCall:
    """A unary call of a node's method, as the client's stubs make it."""

    def __init__(self, stage: Stage, method: str, deadline_s: float) -> None:
        self._stage, self._method, self._deadline_s = stage, method, deadline_s

    def __call__(self, request: Any, timeout: float | None = None) -> Any:
        return self._call(request, self._deadline_s if timeout is None else timeout)

    async def _call(self, request: Any, deadline_s: float) -> Any:
        stage, house = self._stage, self._stage.house
        name = self._method.rpartition("/")[2]
        if name == "BroadcastTx":
            reply = house.send(request.tx_bytes)
            await self._come(reply.kind, reply.at_ns - stage.now_ns, deadline_s)
            outcome = reply.outcome
            made = TxResponse(
                code=outcome.code, codespace=outcome.codespace, raw_log=outcome.text, txhash=reply.hash
            )
            return BroadcastTxResponse(tx_response=made)
        if name != "Account":
            treatment = house.treatment(name)
            await self._come(treatment.kind, round(treatment.wait_s * 1e9) + 4_000_000, deadline_s)
            if name == "GetLatestBlock":
                answer = GetLatestBlockResponse()
                answer.sdk_block.header.height = house.chain.height
                return answer
            raise failed(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not served here")
        treatment = house.treatment(name)
        await self._come(treatment.kind, round(treatment.wait_s * 1e9) + 4_000_000, deadline_s)
        account = house.chain.account(request.address)
        if account is None:
            raise failed(grpc.StatusCode.NOT_FOUND, "account not found")
        packed = Packed()
        known = BaseAccount(address=account.address, account_number=account.number, sequence=account.sequence)
        packed.Pack(known, type_url_prefix="/")
        return QueryAccountResponse(account=packed)

    async def _come(self, kind: str, wait_ns: int, deadline_s: float) -> None:
        wait_s = wait_ns / 1e9
        if kind == "hang" or wait_s >= deadline_s:
            await asyncio.sleep(deadline_s)
            raise failed(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline exceeded")
        await asyncio.sleep(wait_s)
        if kind == "unavailable":
            raise failed(grpc.StatusCode.UNAVAILABLE, "connection refused")


def failed(code: Any, text: str) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), text)


class HouseNodes:
    """The channel that the official client is given; both configured nodes are the one house."""

    def __init__(self, stage: Stage, deadline_s: float) -> None:
        self._stage, self._deadline_s = stage, deadline_s
        self.front = self

    def unary_unary(self, method: str, *_: Any, **__: Any) -> HouseCall:
        return HouseCall(self._stage, method, self._deadline_s)

    async def close(self) -> None:
        """Nothing to close."""


def end(sender: Sender, stage: Stage) -> None:
    """Take the sender's tasks down."""
    for task in asyncio.all_tasks(stage.loop):
        task.cancel()
    stage.loop.settle()
    stage.loop.close()


def drive(sender: Sender, stage: Stage) -> None:
    """Run a sender on the stage's loop instead of its thread."""
    sender._make_nodes = lambda settings: HouseNodes(stage, settings.deadline_ms / 1e3)  # type: ignore[assignment,return-value]
    stage.loop.create_task(sender.main())
    stage.loop.settle()
