"""REST answers of the Indexer, into the inbox: the official IndexerClient in a thread of its own.

The official client opens a new HTTP client for each request (24 ms of certificate loading, a TLS handshake
each time) and takes its default timeout of 3000 as seconds. Here all of its modules share one
`httpx.AsyncClient`, and a request has a timeout for each step and a deadline for all of them. Requests wait
for their budget (`budget.py`) in a bounded queue. Every answer becomes one record, failures too:
`b"<endpoint> <status> <query>\\n" + body`; status 0 means that there was no answer, and the body says why.
429, 5xx and no answer are tried again a few times.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from sniper.feed.backoff import Backoff, Waits
from sniper.feed.body import ENCODING, Body, Unfit
from sniper.feed.budget import BUCKET_OF, BUCKETS, SHARE, Budget
from sniper.feed.clock import real_clock
from sniper.feed.endpoints import CALLS, check
from sniper.feed.pages import Query, Walk, candle_pages, fill_pages
from sniper.feed.plan import CONNECTIONS_MAX
from sniper.feed.wire import Entrance
from sniper.types import REC_REST

CONNECTION: Final = CONNECTIONS_MAX
DIGITS_MAX: Final = 12  # of a Retry-After: thousands of them are no number for Python
"""The connection number of REST records: the sockets are 0 to 8."""

_LIMITED: Final = 429
_HOLD_S: Final = 10.0  # after 429 without a usable Retry-After: one window of the server
_HOLD_LONGEST_S: Final = 60.0


class Answer(NamedTuple):
    """One answer. status 0: none came, and body says why."""

    status: int
    body: bytes
    retry_after_ms: int = 0


class RestStatus(NamedTuple):
    """What the REST thread has done, and what waits."""

    queued: int
    requests: int
    failures: int
    limited: int
    refused: int


class _Job(NamedTuple):
    endpoint: str
    query: Query
    walk: Walk | None = None


class Rest:
    """The REST thread. `request` and the walks return at once; the answers come out of the inbox."""

    def __init__(
        self,
        url: str,
        *,
        now_ns: Callable[[], int] | None = None,
        ca_file: str = "",
        timeout_s: float = 5.0,
        deadline_s: float = 15.0,
        attempts: int = 4,
        workers: int = 4,
        queue_max: int = 4096,
        body_bytes_max: int = 16 << 20,
        waits: Waits = Waits(longest_s=30.0),  # noqa: B008 - immutable
        buckets: Mapping[str, int] = BUCKETS,
        window_s: float = 10.0,
        seed: int = 0,
    ) -> None:
        """url: http:// or https:// without the /v4. attempts: tries of one request, the first included."""
        self._url = url.rstrip("/")
        self._now_ns = now_ns or real_clock()
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._deadline_s = deadline_s
        self._attempts = attempts
        self._workers = workers
        self._queue_max = queue_max
        self._body_bytes_max = body_bytes_max
        self._waits = waits
        self._rng = Random(f"{seed}/feed/rest")
        self._budgets = {
            name: Budget(max(int(count * SHARE), 1), window_s) for name, count in buckets.items()
        }
        self._jobs: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._more = asyncio.Event()
        self._stop = asyncio.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._inbox: Entrance | None = None
        self._requests = self._failures = self._limited = self._refused = 0
        self.fault: BaseException | None = None

    # Called from any thread

    def start(self, inbox: Entrance) -> None:
        """Start the thread; later calls change nothing."""
        if self._thread is None and not self._stopping:
            self._inbox = inbox
            self._thread = threading.Thread(target=self._run, name="sniper-rest", daemon=True)
            self._thread.start()

    def request(self, endpoint: str, **query: str | int) -> bool:
        """Ask for one answer. False: the queue is full. Raises ValueError for an unknown name."""
        return self._queue(_Job(endpoint, query))

    def candles(self, ticker: str, resolution: str, bars: int) -> bool:
        """Ask for the last `bars` candles, in as many requests as that takes."""
        return self._queue(_Job("candles", {}, candle_pages(ticker, resolution, bars)))

    def fills(self, address: str, subaccount: int, since_height: int) -> bool:
        """Ask for every fill of a subaccount down to since_height."""
        return self._queue(_Job("fills", {}, fill_pages(address, subaccount, since_height)))

    def stop(self, deadline_s: float = 3.0) -> bool:
        """Drop what waits and end the thread. False: it has not ended within deadline_s."""
        with self._lock:
            self._stopping = True
            self._jobs.clear()
        self._notify(self._stop)
        if self._thread is not None:
            self._thread.join(max(deadline_s, 0.0))
            return not self._thread.is_alive()
        return True

    @property
    def status(self) -> RestStatus:
        """What has been done. refused: jobs that found the queue full."""
        return RestStatus(len(self._jobs), self._requests, self._failures, self._limited, self._refused)

    def _queue(self, job: _Job) -> bool:
        if self.fault is not None:
            raise self.fault
        if job.walk is None:
            check(job.endpoint, job.query)
        with self._lock:
            if self._stopping or len(self._jobs) >= self._queue_max:
                self._refused += 1
                return False
            self._jobs.append(job)
        self._notify(self._more)
        return True

    def _notify(self, event: asyncio.Event) -> None:
        """Set an event of the thread's loop; before the loop runs it is set directly."""
        with self._lock:
            if self._loop is None:
                event.set()
            elif not self._loop.is_closed():
                self._loop.call_soon_threadsafe(event.set)

    # The thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # a fault of ours: raised by the next request
            self.fault = error

    async def _main(self) -> None:
        import httpx
        from dydx_v4_client.indexer.rest.indexer_client import IndexerClient

        with self._lock:
            self._loop = asyncio.get_running_loop()
        verify = ssl.create_default_context(cafile=self._ca_file or None)
        try:
            async with httpx.AsyncClient(
                timeout=self._timeout_s, verify=verify, headers={"accept-encoding": ENCODING}
            ) as http:
                client = IndexerClient(self._url, api_timeout=self._timeout_s)
                for module in (client.markets, client.account, client.utility):
                    module.get = self._getter(http, httpx.HTTPError)
                workers = [asyncio.create_task(self._work(client)) for _ in range(self._workers)]
                stop = asyncio.create_task(self._stop.wait())
                done, _ = await asyncio.wait([*workers, stop], return_when=asyncio.FIRST_COMPLETED)
                for task in (*workers, stop):
                    task.cancel()
                await asyncio.gather(*workers, stop, return_exceptions=True)
                for task in done:
                    task.result()  # a worker ends only by a fault
        finally:
            with self._lock:
                self._loop = None
                self._stopping = True

    def _getter(self, http: Any, failure: type[Exception]) -> Callable[..., Awaitable[Answer]]:
        """What takes the place of the official `RestClient.get`: bytes instead of parsed JSON, nothing
        raised.
        """

        async def get(request_path: str, params: Mapping[str, Any] | None = None) -> Answer:
            given = {name: value for name, value in (params or {}).items() if value is not None}
            try:
                async with (
                    asyncio.timeout(self._deadline_s),
                    http.stream("GET", f"{self._url}{request_path}", params=given or None) as response,
                ):
                    body = Body(response.headers.get("content-encoding", ""), self._body_bytes_max)
                    async for part in response.aiter_raw():
                        body.take(part)
                    after = response.headers.get("retry-after", "")
                    waits = int(after) if after.isdecimal() and len(after) <= DIGITS_MAX else 0
                    return Answer(response.status_code, body.whole(), waits)
            except TimeoutError:
                return Answer(0, b"no answer within %.1f s" % self._deadline_s)
            except Unfit as problem:
                return Answer(0, str(problem).encode("ascii", "replace"))
            except (failure, OSError) as error:
                return Answer(0, f"{type(error).__name__}: {error}".encode("ascii", "replace"))

        return get

    async def _work(self, client: Any) -> None:
        while True:
            with self._lock:
                job = self._jobs.popleft() if self._jobs else None
            if job is None:
                self._more.clear()  # whoever queues appends first, so nothing is missed
                if not self._jobs:
                    await self._more.wait()
            elif job.walk is None:
                await self._ask(client, job.endpoint, job.query)
            else:
                await self._walk(client, job.endpoint, job.walk)

    async def _walk(self, client: Any, endpoint: str, walk: Walk) -> None:
        """Page by page. A page that fails, or does not hold what it should, ends the walk; it is in the
        inbox.
        """
        try:
            query = next(walk)
            while True:
                answer = await self._ask(client, endpoint, query)
                if answer.status != 200:
                    return
                query = walk.send(answer.body)
        except (StopIteration, msgspec.DecodeError, ValueError):  # the last: a height that is no number
            return

    async def _ask(self, client: Any, endpoint: str, query: Query) -> Answer:
        """One request, repeated while that may help. Every answer becomes a record; gives the last."""
        budget = self._budgets[BUCKET_OF.get(endpoint, "default")]
        backoff = Backoff(self._rng, self._waits)
        for attempt in range(self._attempts):
            while (wait_s := budget.wait_s(time.monotonic())) > 0.0:
                await asyncio.sleep(wait_s)
            budget.take(time.monotonic())
            self._requests += 1
            answer: Answer = await CALLS[endpoint](client, query)
            self._put(endpoint, query, answer)
            if answer.status == _LIMITED:
                self._limited += 1
                # Milliseconds, although the HTTP standard says seconds.
                hold_s = min(answer.retry_after_ms / 1000 or _HOLD_S, _HOLD_LONGEST_S)
                budget.hold(time.monotonic() + hold_s)
            elif answer.status == 0 or answer.status >= 500:
                self._failures += 1
                if attempt + 1 < self._attempts:
                    await asyncio.sleep(backoff.after_failure())
            else:
                self._failures += not 200 <= answer.status < 300
                break
        return answer

    def _put(self, endpoint: str, query: Query, answer: Answer) -> None:
        assert self._inbox is not None
        text = "&".join(f"{name}={quote(str(value), safe=':,./-_')}" for name, value in query.items())
        head = f"{endpoint} {answer.status} {text}\n".encode("ascii")
        self._inbox.put(self._now_ns(), CONNECTION, REC_REST, head + answer.body)
