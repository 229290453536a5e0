"""What the venue has still to say, in the order of time. Frames get their message id when they leave."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Protocol

import msgspec

from sniper.order_ids import indexer_uuid
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_FRAME, REC_VENUE

WAITING_MAX = 1 << 18
"""Records that may wait. Who never pulls has made a mistake: OverflowError."""

Waiting = tuple[int, int, int, bytes]
"""(due_ns, sequence, record kind, data). The data of a frame is its contents."""


class Inbox(Protocol):
    """Where records go."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes, /) -> bool: ...


@lru_cache(maxsize=64)
def connection_id(name: str, number: int) -> str:
    """Of the connections of a venue, one after the other: each has another one."""
    return indexer_uuid(f"{name}-{number}")


class Outbox(msgspec.Struct):
    """Waiting records, and the connection that account frames go by.

    name: of the venue. chain_ns: when the last news of a block is due; those of later blocks never overtake it.
    digest: over all records that left, with their times.
    """

    name: str
    subscription: str
    waiting: list[Waiting] = []
    sequence: int = 0
    message_id: int = 0
    chain_ns: int = 0
    digest: bytes = bytes(16)
    connections: int = 0
    lost: bool = False

    def say(self, due_ns: int, verb: str, client_id: int, code: int, text: str) -> None:
        """The answer to a command."""
        self._push(due_ns, REC_VENUE, f"{verb} {client_id} {code} {text}".encode("ascii"))

    def tell(self, due_ns: int, contents: object) -> None:
        """Account news from before a block."""
        self._push(due_ns, REC_FRAME, msgspec.json.encode(contents))

    def tell_block(self, due_ns: int, contents: object) -> None:
        """Account news of a block: these keep their order."""
        self.chain_ns = max(self.chain_ns, due_ns)
        self.tell(self.chain_ns, contents)

    def due(self) -> int | None:
        """When the next record is due."""
        return self.waiting[0][0] if self.waiting else None

    def connect(self, now_ns: int, inbox: Inbox) -> None:
        """Open the connection. The next message id is that of the subscription."""
        self.message_id = 2
        self.connections += 1
        self.lost = False
        text = f'{{"type":"connected","connection_id":"{connection_id(self.name, self.connections)}","message_id":0}}'
        self._put(inbox, now_ns, REC_FRAME, text.encode("ascii"))

    def subscribe(self, now_ns: int, snapshot: object, inbox: Inbox) -> None:
        """Answer the subscription with the account as it is."""
        text = (
            f'{{"type":"subscribed","connection_id":"{connection_id(self.name, self.connections)}","message_id":1,'
            f'"channel":"v4_subaccounts","id":"{self.subscription}","contents":'
        )
        data = text.encode("ascii") + msgspec.json.encode(snapshot) + b"}"
        self._put(inbox, now_ns, REC_FRAME, data)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Hand over everything due."""
        if not self.waiting or self.waiting[0][0] > until_ns:
            return
        head = f'{{"type":"channel_data","connection_id":"{connection_id(self.name, self.connections)}","message_id":'
        named = f',"id":"{self.subscription}","channel":"v4_subaccounts","version":"3.0.0","contents":'
        while self.waiting and self.waiting[0][0] <= until_ns:
            due_ns, _, kind, data = heappop(self.waiting)
            if kind == REC_FRAME:
                data = f"{head}{self.message_id}{named}".encode("ascii") + data + b"}"
                self.message_id += 1
            self._put(inbox, due_ns, kind, data)

    def _push(self, due_ns: int, kind: int, data: bytes) -> None:
        if len(self.waiting) >= WAITING_MAX:
            raise OverflowError("nobody pulls what the paper venue has to say")
        heappush(self.waiting, (due_ns, self.sequence, kind, data))
        self.sequence += 1

    def _put(self, inbox: Inbox, recv_ns: int, kind: int, data: bytes) -> None:
        stored = inbox.put(recv_ns, VENUE_CONNECTION, kind, data)
        self.lost = self.lost or (not stored and kind == REC_FRAME)
        said = b"%d %d " % (recv_ns, kind) + data
        self.digest = blake2b(self.digest + said, digest_size=16).digest()
