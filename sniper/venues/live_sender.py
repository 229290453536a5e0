"""The thread that signs and sends: an asyncio loop with the official NodeClient on `grpc.aio` channels.

Short-term messages need no sequence: each is signed and sent at once. Stateful ones go one after the other with a
sequence kept here, taken anew from the chain's own words when it disagrees (code 32). An intent to place is durable
before its bytes leave. Nothing is ever sent twice in two versions; where a call failed without an answer the identical
bytes may go to a second node, and only a plain acceptance there proves anything: all else stays unknown (code -1).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
from dydx_v4_client.node.builder import Builder, TxOptions
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest
from v4_proto.cosmos.auth.v1beta1.query_pb2_grpc import QueryStub

from sniper.live_settings import LiveSettings
from sniper.order_table import NOT_SENT
from sniper.venues.live_bell import Bell
from sniper.venues.live_limits import latest, watch
from sniper.venues.live_messages import Owner, Parcel, Wanted, parcels, until
from sniper.venues.live_nodes import Nodes

NO_ANSWER: Final = -1
SEEN_BEFORE: Final = 19
SEQUENCE_MISMATCH: Final = 32
EXPECTED: Final = re.compile(r"expected (\d{1,18})")
TEXT_MAX: Final = 200
RETRY_S: Final = 1.0
SEQUENCE_S: Final = 2.0
SEQUENCE_MAX: Final = 1 << 60
SEQUENCE_ASKED_MAX: Final = 15
RISKY: Final = ("entry",)
"""Purposes that must not be sent without a durable note of the intent; what reduces risk goes all the same."""

Say = Callable[[str, int, int, str], None]
"""(verb, client id, code, text): an answer on its way to the inbox."""
SaySequence = Callable[[int, int], None]
"""The account's next sequence in committed state, and a height that the chain had by then, 0: not known. A transaction
with a lower sequence is in no block above that height."""
SayWord = Callable[[bytes], None]
"""A word of the inbox: what the chain allows, how high it is."""
Note = Callable[[Sequence[Wanted]], None]
"""Writes intents; returns when they are durable, raises OSError when they are not."""


class Sender:
    """Takes commands from the tick thread, answers through `say`. `start` and `stop` once each.

    key: signs. note: makes intents durable, None for none. nodes: makes the channels, inside the thread's loop.
    """

    def __init__(
        self,
        settings: LiveSettings,
        key: Any,
        say: Say,
        note: Note | None = None,
        say_sequence: SaySequence = lambda sequence, height: None,
        nodes: Callable[[LiveSettings], Nodes] = Nodes,
        say_word: SayWord = lambda word: None,
    ) -> None:
        self.settings = settings
        self._make_nodes = nodes
        self._wallet = Wallet(key, 0, 0)
        self._known = False  # account number and sequence
        self._astray = False  # a stateful answer was lost: the chain's sequence may be past ours
        self._say, self._note, self._say_sequence = say, note, say_sequence
        self._say_word = say_word
        self._owner = Owner(settings.address, settings.subaccount)
        self._jobs: deque[tuple[Wanted, ...]] = deque()
        self._waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event = asyncio.Event()
        self._bell: Bell | None = None
        self._ring: Callable[[], None] = self._wake.set  # as long as the loop is that of the calling thread
        self._ready = threading.Event()
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._stateful: asyncio.Queue[Parcel] = asyncio.Queue()
        self._thread = threading.Thread(target=self._run, name="sniper-sender", daemon=True)
        self.nodes: Nodes | None = None
        self.sent = self.unanswered = self.refused = self.unsent = 0
        self.fault: BaseException | None = None

    # Called by the tick thread

    def start(self) -> None:
        """Start the thread; returns when it takes commands."""
        self._bell = Bell()
        self._ring = self._bell.ring
        self._thread.start()
        self._ready.wait(10.0)

    def hand(self, wanted: Sequence[Wanted]) -> None:
        """Send these, in this order. Returns at once; without room they are answered as not sent."""
        if self.fault is not None:
            raise self.fault
        loop = self._loop
        if loop is None or self._stopping or self._waiting + len(wanted) > self.settings.jobs_max:
            why = "the sender is not running" if loop is None or self._stopping else "too many commands wait"
            self._drop(wanted, why)
            return
        self._waiting += len(wanted)
        self._jobs.append(tuple(wanted))
        self._ring()

    def stop(self, deadline_s: float = 3.0) -> bool:
        """Send what waits, hear what comes back within the deadline, end the thread. False: it has not ended."""
        self._stopping = True
        self._ring()
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            return False
        if self._bell is not None:
            self._ring = self._wake.set
            self._bell.close()
            self._bell = None
        return True

    # The thread

    def _run(self) -> None:
        logging.getLogger("grpc").setLevel(logging.ERROR)
        try:
            asyncio.run(self.main())
        except BaseException as fault:  # handed to the tick thread by the next `hand`
            self.fault = fault
        finally:
            self._loop = None
            self._ready.set()

    async def main(self) -> None:
        """The thread's work, for whatever loop runs it."""
        self.nodes = self._make_nodes(self.settings)
        self._client = NodeClient(self.nodes.front, Builder(self.settings.chain_id, self.settings.denom))
        self._loop = asyncio.get_running_loop()
        if self._bell is not None:
            self._bell.hang(self._loop, self._wake.set)
        serial = asyncio.create_task(self._serial())
        learning = asyncio.create_task(self._learn())
        asking = asyncio.create_task(watch(self.nodes.front, self.settings, self._say_word))
        self._ready.set()
        try:
            while not (self._stopping and not self._jobs):
                await self._wake.wait()
                self._wake.clear()
                while self._jobs:
                    await self._take(self._jobs.popleft())
            await self._settle()
        finally:
            for task in (serial, learning, asking, *self._tasks, *self._watching):
                task.cancel()
            await self.nodes.close()

    async def _settle(self) -> None:
        """Hear what comes back of what was sent."""
        deadline_s = self.settings.deadline_ms / 1e3
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stateful.join(), deadline_s)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=deadline_s)

    async def _learn(self) -> None:
        """Account number and sequence, as soon as a node tells."""
        while not self._known:
            try:
                await self._ask_account()
            except (grpc.RpcError, ValueError):
                await asyncio.sleep(RETRY_S)

    async def _ask_account(self) -> None:
        account = await self._account()
        self._wallet.account_number, self._wallet.sequence = account.account_number, account.sequence
        self._known = True
        self._keep(self._watching, asyncio.create_task(self._tell_sequence(int(account.sequence))))

    async def _account(self) -> Any:
        assert self.nodes is not None
        request = QueryAccountRequest(address=self.settings.address)
        answer = await QueryStub(self.nodes.front).Account(request)
        account = BaseAccount()
        if not answer.account.Unpack(account):
            raise ValueError(f"{answer.account.type_url} is not an account that can sign")
        if account.sequence > SEQUENCE_MAX:  # counting on would leave what a message can hold
            raise ValueError(f"{account.sequence} is no sequence that an account comes to")
        return account

    async def _tell_sequence(self, sequence: int) -> None:
        """The height is asked for after the sequence was told: it is no lower than the blocks that led to that.

        No order waits for it.
        """
        assert self.nodes is not None
        self._say_sequence(sequence, await latest(self.nodes.front))

    async def _watch_sequence(self, sequence: int) -> None:
        """Tell the account's sequence until it is past this one: then its transaction is over, whatever was heard."""
        for _ in range(SEQUENCE_ASKED_MAX):
            await asyncio.sleep(SEQUENCE_S)
            with contextlib.suppress(grpc.RpcError, ValueError):
                found = int((await self._account()).sequence)
                self._wallet.sequence = max(self._wallet.sequence, found)
                await self._tell_sequence(found)
                if found > sequence:
                    return

    async def _find_way(self) -> None:
        """Learn how far the sequence is: bytes that were refused once are never looked at again (code 19)."""
        with contextlib.suppress(grpc.RpcError, ValueError):
            found = int((await self._account()).sequence)
            self._wallet.sequence = max(self._wallet.sequence, found)
            self._astray = False
            self._keep(self._watching, asyncio.create_task(self._tell_sequence(found)))

    async def _take(self, handed: tuple[Wanted, ...]) -> None:
        """One tick's commands: durable first, then on their way. What can be signed is signed meanwhile."""
        self._waiting -= len(handed)
        if not self._known:
            try:
                await self._ask_account()
            except (grpc.RpcError, ValueError) as problem:
                self._drop(handed, f"the account is not known: {_words(problem)}")
                return
        noted = self._noting(handed)
        signed = self._signed(handed)
        going = handed if noted is None else await self._durable(noted, handed)
        for parcel, transaction in signed if going is handed else self._signed(going):
            if parcel.stateful:
                self._stateful.put_nowait(parcel)
            else:
                self._keep(self._tasks, asyncio.create_task(self._send(parcel, transaction)))

    def _signed(self, going: tuple[Wanted, ...]) -> list[tuple[Parcel, Any]]:
        """The messages to send; with their signed bytes where no other message decides on these."""
        return [(one, None if one.stateful else self._sign(one)) for one in parcels(self._owner, going)]

    def _keep(self, tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def _noting(self, handed: tuple[Wanted, ...]) -> asyncio.Future[None] | None:
        """The note of them on its way to the disk; None where none is wanted."""
        if self._note is None or not any(hasattr(one.command, "side") for one in handed):
            return None
        assert self._loop is not None
        return self._loop.run_in_executor(None, self._note, handed)

    async def _durable(self, noted: asyncio.Future[None], handed: tuple[Wanted, ...]) -> tuple[Wanted, ...]:
        """Those that may leave: all, or, where the note of them fails, what brings no new risk."""
        try:
            await asyncio.wait_for(asyncio.shield(noted), self.settings.intent_ms / 1e3)
        except (OSError, TimeoutError) as problem:
            risky = tuple(one for one in handed if getattr(one.command, "purpose", "") in RISKY)
            self._drop(risky, f"the intent could not be made durable: {_words(problem)}")
            return tuple(one for one in handed if one not in risky)
        return handed

    async def _serial(self) -> None:
        """Stateful messages, one at a time."""
        while True:
            parcel = await self._stateful.get()
            try:
                await self._send(parcel, None)
            finally:
                self._stateful.task_done()

    def _sign(self, parcel: Parcel) -> Any:
        wallet, options = self._wallet, None
        if self.settings.authenticators:
            options = TxOptions(list(self.settings.authenticators), wallet.sequence, wallet.account_number)
        transaction = self._client.builder.build(wallet, parcel.message, tx_options=options)
        return until(transaction, parcel.last_entry, wallet, self.settings.chain_id)

    async def _send(self, parcel: Parcel, signed: Any, again: bool = True) -> None:
        """Sign what is not yet signed, broadcast, tell what came of it."""
        wallet = self._wallet
        if parcel.stateful and self._astray:
            await self._find_way()
        sequence = wallet.sequence
        transaction = self._sign(parcel) if signed is None else signed
        self.sent += 1
        answer, certain = await self._broadcast(transaction)
        if answer is None:
            self.unanswered += 1
            self._astray = self._astray or parcel.stateful
            self._tell(parcel, NO_ANSWER, f"no answer from {len(self.settings.nodes)} nodes", sequence)
            if parcel.stateful:
                self._keep(self._watching, asyncio.create_task(self._watch_sequence(sequence)))
            return
        code = int(answer.code)
        mismatch = parcel.stateful and code == SEQUENCE_MISMATCH and answer.codespace == "sdk"
        if mismatch and certain and again and (found := EXPECTED.search(answer.raw_log)):
            wallet.sequence = int(found[1])
            await self._send(parcel, None, again=False)
            return
        if code == 0 and parcel.stateful:
            wallet.sequence = max(wallet.sequence, sequence + 1)
        if code != 0 and not certain:
            code, self.unanswered = NO_ANSWER, self.unanswered + 1
        if parcel.stateful:
            self._astray = self._astray or code in (NO_ANSWER, SEEN_BEFORE)
            if code in (0, NO_ANSWER):
                self._keep(self._watching, asyncio.create_task(self._watch_sequence(sequence)))
        self.refused += code > 0
        text = f"{answer.codespace} {answer.raw_log}".strip() if answer.code else str(answer.txhash)
        self._tell(parcel, code, text, sequence)

    async def _broadcast(self, transaction: Any) -> tuple[Any, bool]:
        """The answer, None for none; and whether it is the answer to the only copy that was sent."""
        for attempt in range(min(2, len(self.settings.nodes))):
            try:
                call = await self._client.broadcast(transaction)
                return (await call).tx_response, attempt == 0
            except grpc.RpcError:
                continue
        return None, False

    def _tell(self, parcel: Parcel, code: int, text: str, sequence: int) -> None:
        words = _words(text)
        if parcel.stateful:
            words = f"sequence {sequence} {words}"
        for one in parcel.wanted:
            self._say(parcel.verb, one.command.client_id, code, words[:TEXT_MAX])

    def _drop(self, wanted: Sequence[Wanted], why: str) -> None:
        """These never left."""
        self.unsent += len(wanted)
        for one in wanted:
            verb = "place" if hasattr(one.command, "side") else "cancel"
            self._say(verb, one.command.client_id, NOT_SENT, why[:TEXT_MAX])


def _words(what: object) -> str:
    """One line of printable ASCII: what goes into a record."""
    text = what.details() if isinstance(what, grpc.aio.AioRpcError) else str(what)
    return "".join(c if " " <= c <= "~" else " " for c in text or type(what).__name__)
