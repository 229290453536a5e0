"""A client of the venue's own that asks for everything and writes down what it is sent.

The file holds one frame a line with the time at which it left, as `sniper inspect`, `backtest` and the replay feed
read them. Faults reach the recorder like any client; a connection that breaks is opened anew.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec

from sniper.errors import PermissionProblem
from sniper.exchange.indexer.indexer import LocalIndexer
from sniper.exchange.indexer.wire import Frame

IDS_MAX: Final = 32
FIRST: Final = 1 << 40
"""Its connections are numbered from here on: no server comes so far."""
MS: Final = 1_000_000
MARKETS_WAIT_NS: Final = 400 * MS
"""Books are asked for only after the markets are there, so that the file begins with its market table."""
Subscription = dict[str, str | bool]
_readable = msgspec.json.Decoder(msgspec.Raw).decode


class Connected(Protocol):
    """What the recorder needs of an Indexer."""

    def connect(self, connection: int, now_ns: int) -> None: ...
    def receive(self, connection: int, text: bytes, now_ns: int) -> None: ...


class Recorder:
    """Writes to one file. PermissionProblem where that cannot be written."""

    def __init__(self, path: Path, tickers: Sequence[str], resolution: str = "1MIN") -> None:
        self.path = path
        self.frames = 0
        self.error = ""  # why nothing more is written: a full disk stops the recording, not the exchange
        self._file = _created(path)
        self._last = FIRST
        self._asks: dict[int, list[Subscription]] = {}
        self._due: dict[int, int] = {}
        self._plan: list[list[Subscription]] = []
        for start in range(0, len(tickers), IDS_MAX):
            part = tickers[start : start + IDS_MAX]
            wishes: list[Subscription] = [
                {"channel": channel, "id": name, "batched": False}
                for channel, suffix in (
                    ("v4_orderbook", ""),
                    ("v4_trades", ""),
                    ("v4_candles", f"/{resolution}"),
                )
                for name in (f"{ticker}{suffix}" for ticker in part)
            ]
            head: list[Subscription] = [{"channel": "v4_markets"}, {"channel": "v4_block_height"}]
            self._plan.append([*head, *wishes] if not start else wishes)

    def begin(self, indexer: Connected, now_ns: int) -> None:
        """Open its connections."""
        for plan in self._plan:
            self._open(indexer, plan, now_ns)

    def keep(self, indexer: Connected, found: list[Frame], now_ns: int) -> list[Frame]:
        """Write what is its own, and give the rest back."""
        others = []
        for frame in found:
            connection, text = frame[0], frame[1]
            if connection not in self._asks:
                others.append(frame)
            elif text is None:
                self._open(indexer, self._asks.pop(connection), now_ns)
                self._due.pop(connection, None)
            else:
                self._write(text, now_ns)
        for connection, due_ns in list(self._due.items()):
            if due_ns <= now_ns:
                del self._due[connection]
                for wish in self._asks[connection]:
                    if wish["channel"] not in ("v4_markets", "v4_block_height"):
                        self._say(indexer, connection, wish, now_ns)
        return others

    def due_ns(self) -> int | None:
        """When it next asks for something by itself."""
        return min(self._due.values(), default=None)

    def close(self) -> None:
        """The file is whole, unless `error` says why it is not."""
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or error.strerror or str(error)

    def _open(self, indexer: Connected, plan: list[Subscription], now_ns: int) -> None:
        self._last += 1
        self._asks[self._last] = plan
        self._due[self._last] = now_ns + MARKETS_WAIT_NS
        indexer.connect(self._last, now_ns)
        for wish in plan:
            if wish["channel"] in ("v4_markets", "v4_block_height"):
                self._say(indexer, self._last, wish, now_ns)

    def _say(self, indexer: Connected, connection: int, wish: Subscription, now_ns: int) -> None:
        indexer.receive(connection, json.dumps({"type": "subscribe", **wish}).encode(), now_ns)

    def _write(self, text: bytes, now_ns: int) -> None:
        """One line. A damaged frame stands alone in it, without its time: nothing could be read around it."""
        line = text.replace(b"\n", b" ").replace(b"\r", b" ")
        try:
            _readable(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        else:
            line = b'{"recv_ms":%d,"msg":%s}' % (now_ns // MS, line)
        if self.error:
            return
        try:
            self._file.write(line + b"\n")
            self.frames += 1
        except OSError as error:
            self.error = error.strerror or str(error)


def _created(path: Path) -> BinaryIO:
    """The file, for its owner alone; packed where its name ends in .gz. One that is there already is refused."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise PermissionProblem(
            f"{path} cannot be written: {error.strerror}", "--record=FILE names another."
        ) from None
    plain = os.fdopen(number, "wb")
    if path.suffix != ".gz":
        return plain
    return _Packed(plain)  # type: ignore[return-value]


class _Packed(gzip.GzipFile):
    """A gzip file that also closes what lies below it."""

    def __init__(self, plain: BinaryIO) -> None:
        super().__init__(fileobj=plain, mode="wb", compresslevel=5, mtime=0)
        self._plain = plain

    def close(self) -> None:
        """Both."""
        super().close()
        self._plain.close()


class RecordedIndexer(LocalIndexer):
    """An Indexer whose outgoing frames pass a recorder. Without one it is as any other."""

    recorder: Recorder | None = None

    def outgoing(self, now_ns: int) -> list[Frame]:
        """What goes out to clients; the recorder's own frames are in its file."""
        found = super().outgoing(now_ns)
        if self.recorder is None:
            return found
        found = self.recorder.keep(self, found, now_ns)
        return found + self.recorder.keep(self, super().outgoing(now_ns), now_ns)

    def due_ns(self) -> int:
        """When something goes out, or the recorder has something to say."""
        due = super().due_ns()
        wish = self.recorder.due_ns() if self.recorder else None
        return due if wish is None else min(due, wish)

    def record(self, recorder: Recorder, now_ns: int) -> None:
        """From now on."""
        self.recorder = recorder
        recorder.begin(self, now_ns)

    def record_no_more(self) -> None:
        """The file is whole."""
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None
