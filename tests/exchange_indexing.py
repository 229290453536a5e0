"""An Indexer with a clock in the hand: subscribe, feed it news, read what its clients get."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from sniper.exchange.facts import News
from sniper.exchange.indexer.faults import NONE, Faults
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.indexer.settings import IndexerSettings
from tests.exchange_chain import MS, START_NS, Blocks, ScriptedChain

NOW = IndexerSettings(snapshot_least_ns=0, snapshot_most_ns=0, limits=False)
"""Snapshots at once, requests without limits."""


class Desk:
    """One Indexer, its time, and the frames of its clients by connection."""

    def __init__(
        self,
        chain: ScriptedChain | None = None,
        settings: IndexerSettings = NOW,
        faults: Faults = NONE,
    ) -> None:
        self.chain = chain or ScriptedChain()
        self.blocks = Blocks(self.chain.height)
        self.now_ns = START_NS
        self.indexer = LocalIndexer(self.chain, settings, faults, START_NS)
        self.frames: dict[int, list[bytes]] = {}
        self.closed: dict[int, tuple[int, str]] = {}

    def connect(self, number: int = 1) -> dict[str, Any]:
        self.indexer.connect(number, self.now_ns)
        self.pump()
        return self.read(number)[0]

    def send(self, message: Any, number: int = 1) -> None:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.indexer.receive(number, text, self.now_ns)
        self.pump()

    def subscribe(
        self, channel: str, name: str | None = None, batched: Any = None, number: int = 1
    ) -> dict[str, Any]:
        """Subscribe and give the answer, which comes at once with the settings NOW."""
        message = {"type": "subscribe", "channel": channel}
        message |= {} if name is None else {"id": name}
        message |= {} if batched is None else {"batched": batched}
        self.send(message, number)
        self.wait(2 * MS)
        return self.read(number)[-1]

    def take(self, *news: News) -> None:
        self.indexer.take(list(news), self.now_ns)
        self.pump()

    def block(self, *news: News | Sequence[News], after_ns: int = 650 * MS) -> None:
        """A block with this news."""
        flat: list[News] = []
        for each in news:
            flat.extend(each if isinstance(each, list) else [each])  # type: ignore[list-item]
        end = self.blocks.end(after_ns)
        self.now_ns = max(self.now_ns, end.now_ns)
        self.chain.height, self.chain.now_ns = end
        self.take(*flat, end)

    def wait(self, ns: int) -> None:
        """Let time pass, stopping wherever something is due."""
        end_ns = self.now_ns + ns
        while (due_ns := self.indexer.due_ns()) <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.pump()
        self.now_ns = end_ns
        self.pump()

    def pump(self) -> None:
        for number, text, code, reason in self.indexer.outgoing(self.now_ns):
            if text is None:
                self.closed[number] = (code, reason)
            else:
                self.frames.setdefault(number, []).append(text)

    def raw(self, number: int = 1) -> list[bytes]:
        """What came since the last look, as bytes."""
        return self.frames.pop(number, [])

    def read(self, number: int = 1) -> list[dict[str, Any]]:
        """What came since the last look."""
        return [json.loads(frame) for frame in self.raw(number)]

    def rest(self, path: str, client: str = "1.2.3.4", **query: Any) -> tuple[int, dict[str, str], Any]:
        status, headers, body = self.indexer.rest(path, urlencode(query), client, self.now_ns)
        return (
            status,
            headers,
            json.loads(body) if headers["Content-Type"].startswith("application/json") else body,
        )

    def ok(self, path: str, **query: Any) -> Any:
        status, _, body = self.rest(path, **query)
        assert status == 200, (status, body)
        return body


def contents(frames: Iterable[dict[str, Any]], channel: str) -> list[Any]:
    """The contents of the data messages of a channel, batches taken apart."""
    found: list[Any] = []
    for frame in frames:
        if frame.get("channel") == channel and frame["type"].startswith("channel"):
            found.extend(frame["contents"] if frame["type"] == "channel_batch_data" else [frame["contents"]])
    return found
