"""REST answers: the official IndexerClient against a scripted HTTP server on this machine."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sniper._ext.tape import ENDPOINT_NAMES
from sniper.feed.backoff import Waits
from sniper.feed.rest import CONNECTION, Rest
from sniper.types import REC_REST
from tests.loopback import Call, Recorder, Reply, RestServer, certificate, until

QUICK = Waits(first_s=0.01, longest_s=0.05)


def ok(call: Call) -> Reply:
    return 200, {}, json.dumps({"path": call.path}).encode()


@contextmanager
def asking(
    reply: Callable[[Call], Reply] = ok, **changes: Any
) -> Iterator[tuple[Rest, Recorder, RestServer]]:
    """A started REST thread and its server. The thread must end with it."""
    with RestServer(reply) as server:
        rest, inbox = Rest(server.url + "/", waits=QUICK, **changes), Recorder()
        rest.start(inbox)
        try:
            yield rest, inbox, server
        finally:
            assert rest.stop()
            assert "sniper-rest" not in [t.name for t in threading.enumerate()]


def heads(inbox: Recorder) -> list[str]:
    return [data.split(b"\n", 1)[0].decode() for data in inbox.of(REC_REST)]


@pytest.mark.parametrize(
    ("endpoint", "query", "path", "sent"),
    [
        ("perpetualMarkets", {}, "/v4/perpetualMarkets", {}),
        ("perpetualMarkets", {"ticker": "BTC-USD"}, "/v4/perpetualMarkets", {"ticker": "BTC-USD"}),
        ("orderbook", {"ticker": "BTC-USD"}, "/v4/orderbooks/perpetualMarket/BTC-USD", {}),
        (
            "trades",
            {"ticker": "BTC-USD", "limit": 7, "createdBeforeOrAtHeight": 5},
            "/v4/trades/perpetualMarket/BTC-USD",
            {"limit": "7", "createdBeforeOrAtHeight": "5"},
        ),
        (
            "candles",
            {"ticker": "BTC-USD", "resolution": "1MIN", "toISO": "2026-01-01T00:00:00.000Z", "limit": 9},
            "/v4/candles/perpetualMarkets/BTC-USD",
            {"resolution": "1MIN", "toISO": "2026-01-01T00:00:00.000Z", "limit": "9"},
        ),
        (
            "historicalFunding",
            {"ticker": "BTC-USD", "limit": 3},
            "/v4/historicalFunding/BTC-USD",
            {"limit": "3"},
        ),
        (
            "orders",
            {"address": "dydx1", "subaccountNumber": 0, "status": "OPEN,UNTRIGGERED"},
            "/v4/orders",
            {"address": "dydx1", "subaccountNumber": "0", "status": "OPEN,UNTRIGGERED"},
        ),
        (
            "fills",
            {"address": "dydx1", "subaccountNumber": 0, "market": "BTC-USD", "marketType": "PERPETUAL"},
            "/v4/fills",
            {"address": "dydx1", "subaccountNumber": "0", "market": "BTC-USD", "marketType": "PERPETUAL"},
        ),
        (
            "subaccount",
            {"address": "dydx1", "subaccountNumber": 2},
            "/v4/addresses/dydx1/subaccountNumber/2",
            {},
        ),
        ("height", {}, "/v4/height", {}),
        ("time", {}, "/v4/time", {}),
    ],
)
def test_each_endpoint_asks_the_right_path(
    endpoint: str, query: dict[str, str | int], path: str, sent: dict[str, str]
) -> None:
    assert endpoint in ENDPOINT_NAMES
    with asking() as (rest, inbox, server):
        assert rest.request(endpoint, **query)
        until(lambda: inbox.records)
        assert [(c.path, c.query) for c in server.calls] == [(path, sent)]
        _, connection, kind, data = inbox.records[0]
        assert (connection, kind) == (CONNECTION, REC_REST)
        text = "&".join(f"{k}={v}" for k, v in query.items())
        assert data == f"{endpoint} 200 {text}\n".encode() + ok(server.calls[0])[2]


def test_the_body_arrives_byte_for_byte_and_one_connection_serves_many() -> None:
    body = b' {"x": "\xff\x00"} \n not JSON' * 1000
    with asking(lambda call: (200, {}, body), workers=1) as (rest, inbox, server):
        for _ in range(10):
            rest.request("time")
        until(lambda: len(inbox.records) == 10)
        assert {data.split(b"\n", 1)[1] for data in inbox.of(REC_REST)} == {body}
        assert len({call.port for call in server.calls}) == 1
        assert rest.status.requests == 10 and rest.status.failures == 0


def test_times_with_a_plus_are_escaped() -> None:
    with asking() as (rest, inbox, server):
        rest.request("candles", ticker="BTC-USD", resolution="1MIN", toISO="2026-01-01T00:00:00+00:00")
        until(lambda: inbox.records)
        assert server.calls[0].query["toISO"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("status", [400, 403, 404])
def test_our_own_mistakes_are_not_repeated(status: int) -> None:
    with asking(lambda call: (status, {}, b'{"errors":[]}')) as (rest, inbox, server):
        rest.request("orderbook", ticker="NO-USD")
        rest.request("time")
        until(lambda: len(inbox.records) == 2)
        assert sorted(heads(inbox)) == [f"orderbook {status} ticker=NO-USD", f"time {status} "]
        assert len(server.calls) == 2 and rest.status.failures == 2


def test_server_errors_are_tried_again_and_each_answer_is_recorded() -> None:
    replies = iter([500, 502, 200])
    with asking(lambda call: (next(replies), {}, b"{}")) as (rest, inbox, _):
        rest.request("time")
        until(lambda: len(inbox.records) == 3)
        assert heads(inbox) == ["time 500 ", "time 502 ", "time 200 "]


def test_in_the_end_it_gives_up() -> None:
    with asking(lambda call: (500, {}, b""), attempts=2, workers=1) as (rest, inbox, _):
        rest.request("time")
        rest.request("height")
        until(lambda: len(inbox.records) == 4)
        assert heads(inbox) == ["time 500 ", "time 500 ", "height 500 ", "height 500 "]


def test_429_holds_the_whole_bucket_for_the_milliseconds_it_says() -> None:
    replies = iter(
        [
            (429, {"Retry-After": "300"}, b'{"errors":[{"msg":"Too many requests"}]}'),
            (200, {}, b"{}"),
            (200, {}, b"{}"),
        ]
    )
    with asking(lambda call: next(replies), workers=1) as (rest, inbox, server):
        rest.request("time")
        rest.request("height")
        until(lambda: len(inbox.records) == 3)
        assert heads(inbox) == ["time 429 ", "time 200 ", "height 200 "]
        assert 0.3 <= server.calls[1].at_s - server.calls[0].at_s < 5.0  # 300 ms, not 300 s
        assert rest.status.limited == 1


def test_the_budget_is_kept_and_candles_have_their_own() -> None:
    buckets = {"default": 3, "candles": 30, "orders": 1, "fills": 1}
    with asking(workers=8, buckets=buckets, window_s=1.2) as (rest, inbox, server):
        for _ in range(5):
            rest.request("time")
            rest.request("candles", ticker="BTC-USD", resolution="1MIN")
        until(lambda: len(inbox.records) == 10)
        candles = [c.at_s for c in server.calls if "candles" in c.path]
        others = [c.at_s for c in server.calls if "time" in c.path]
        assert len(candles) == len(others) == 5
        assert others[4] - others[0] >= 1.2  # two at once, two 1.2 s later, one 2.4 s later
        assert max(candles) < others[4]


def test_no_answer_in_time_is_status_0() -> None:
    held = threading.Event()

    def slow(call: Call) -> Reply:
        held.wait(10.0)
        return 200, {}, b"{}"

    with asking(slow, timeout_s=0.6, attempts=1) as (rest, inbox, _):
        rest.request("time")
        until(lambda: inbox.records)
        assert inbox.of(REC_REST) == [b"time 0 \nReadTimeout: "]
        held.set()


def test_a_body_that_drips_ends_at_the_deadline() -> None:
    import socketserver

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1000)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                for _ in range(100):
                    self.request.sendall(b"x")
                    threading.Event().wait(0.02)
            except OSError:
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        rest, inbox = (
            Rest(f"http://127.0.0.1:{server.server_address[1]}", deadline_s=0.3, attempts=1),
            Recorder(),
        )
        rest.start(inbox)
        rest.request("time")
        until(lambda: inbox.records)
        assert inbox.of(REC_REST) == [b"time 0 \nno answer within 0.3 s"]
        assert rest.stop()
        server.shutdown()


def test_nobody_listening_is_status_0() -> None:
    rest, inbox = Rest("http://127.0.0.1:1", waits=QUICK, attempts=2), Recorder()
    rest.request("time")  # before the start: it waits
    assert rest.status.queued == 1
    rest.start(inbox)
    until(lambda: len(inbox.records) == 2)
    assert inbox.of(REC_REST)[0].startswith(b"time 0 \nConnectError")
    assert rest.stop()
    assert not rest.request("time")


def test_an_endless_body_is_cut_off() -> None:
    with asking(lambda call: (200, {}, b"x" * 5000), body_bytes_max=1000, attempts=1) as (rest, inbox, _):
        rest.request("time")
        until(lambda: inbox.records)
        assert inbox.of(REC_REST) == [b"time 0 \nthe body is larger than 1000 bytes"]


@pytest.mark.parametrize(("encoding", "packed", "problem"), [
    ("zstd", zstandard.compress(bytes(200 << 20)), b"which was not asked for"),
    ("gzip", gzip.compress(bytes(50 << 20)), b"the body is larger than 1000 bytes"),
    ("gzip", b"nothing packed", b"cannot be unpacked"),
])  # fmt: skip
def test_a_packed_bomb_is_refused(encoding: str, packed: bytes, problem: bytes) -> None:
    headers = {"Content-Encoding": encoding}
    with asking(lambda call: (200, headers, packed), body_bytes_max=1000, attempts=1) as (rest, inbox, _):
        rest.request("time")
        until(lambda: inbox.records)
        (data,) = inbox.of(REC_REST)
        assert data.startswith(b"time 0 \n") and problem in data
        assert rest.fault is None


def test_a_packed_body_is_unpacked() -> None:
    body = b'{"iso":"x"}' * 100
    with asking(lambda call: (200, {"Content-Encoding": "gzip"}, gzip.compress(body))) as (rest, inbox, _):
        rest.request("time")
        until(lambda: inbox.records)
        assert inbox.of(REC_REST) == [b"time 200 \n" + body]


def test_a_wait_of_thousands_of_digits_ends_nothing() -> None:
    with asking(lambda call: (200, {"Retry-After": "9" * 5000}, b"{}"), attempts=1) as (rest, inbox, _):
        for _ in range(2):
            rest.request("time")
        until(lambda: len(inbox.records) == 2)
        assert rest.fault is None


def test_a_full_queue_refuses() -> None:
    rest = Rest("http://127.0.0.1:1", queue_max=2)
    assert [rest.request("time") for _ in range(3)] == [True, True, False]
    assert rest.status.refused == 1
    assert rest.stop()


@pytest.mark.parametrize(
    ("endpoint", "query"),
    [
        ("markets", {}),
        ("time", {"ticker": "BTC-USD"}),
        ("candles", {"ticker": "BTC-USD"}),
        ("fills", {"address": "dydx1", "subaccountNumber": 0, "ticker": "BTC-USD"}),
    ],
)
def test_a_misspelt_request_is_refused_here_because_the_server_would_ignore_it(
    endpoint: str, query: dict[str, str | int]
) -> None:
    rest = Rest("http://127.0.0.1:1")
    with pytest.raises(ValueError, match=r"unknown|no endpoint"):
        rest.request(endpoint, **query)


def test_candles_are_fetched_in_pages() -> None:
    def reply(call: Call) -> Reply:
        begin = 5000 if "toISO" not in call.query else int(call.query["toISO"])
        limit = int(call.query["limit"])
        return (
            200,
            {},
            json.dumps({"candles": [{"startedAt": str(begin - i)} for i in range(1, limit + 1)]}).encode(),
        )

    with asking(reply) as (rest, inbox, _):
        rest.candles("BTC-USD", "1MIN", 2300)
        until(lambda: len(inbox.records) == 3)
        assert heads(inbox) == [
            "candles 200 ticker=BTC-USD&resolution=1MIN&limit=1000",
            "candles 200 ticker=BTC-USD&resolution=1MIN&limit=1000&toISO=4000",
            "candles 200 ticker=BTC-USD&resolution=1MIN&limit=300&toISO=3000",
        ]


@pytest.mark.parametrize(
    "reply", [(404, b"{}"), (200, b"nonsense"), (200, b'{"fills":[{"id":"a","createdAtHeight":"high"}]}')]
)
def test_a_walk_ends_at_a_page_that_is_none(reply: tuple[int, bytes]) -> None:
    with asking(lambda call: (reply[0], {}, reply[1])) as (rest, inbox, server):
        rest.fills("dydx1", 0, 100)
        rest.request("time")
        until(lambda: len(inbox.records) == 2)
        assert sorted(c.path for c in server.calls) == ["/v4/fills", "/v4/time"]
        time.sleep(0.05)
        assert rest.fault is None


def test_tls_is_verified(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    with RestServer(ok, tls=pair) as server:
        for ca_file, status in (("", 0), (str(pair[0]), 200)):
            rest, inbox = Rest(server.url, ca_file=ca_file, attempts=1), Recorder()
            rest.start(inbox)
            rest.start(inbox)  # no second thread
            rest.request("time")
            until(lambda inbox=inbox: inbox.records)
            assert heads(inbox) == [f"time {status} "]
            assert (b"CERTIFICATE_VERIFY_FAILED" in inbox.of(REC_REST)[0]) == (status == 0)
            assert rest.stop()


def test_stop_in_the_middle_of_a_request() -> None:
    held = threading.Event()

    def slow(call: Call) -> Reply:
        held.wait(5.0)
        return 200, {}, b"{}"

    with asking(slow) as (rest, inbox, server):
        for _ in range(20):
            rest.request("time")
        until(lambda: server.calls)
        assert rest.stop(2.0)
        assert inbox.records == []
        held.set()


def test_a_fault_of_ours_is_raised_by_the_next_request() -> None:
    class Broken(Recorder):
        def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
            raise ZeroDivisionError("in the inbox")

    with RestServer(ok) as server:
        rest = Rest(server.url)
        rest.start(Broken())
        rest.request("time")
        until(lambda: rest.fault)
        with pytest.raises(ZeroDivisionError):
            rest.request("time")
        assert rest.stop()
