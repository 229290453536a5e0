"""The live feed against a stand-in Indexer on this machine: the official IndexerSocket over real sockets."""

from __future__ import annotations

import contextlib
import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dydx_v4_client.indexer.socket.websocket import IndexerSocket

from sniper.errors import ConfigError
from sniper.feed.backoff import Waits
from sniper.feed.plan import Wanted
from sniper.feed.settings import SocketSettings
from sniper.feed.socket import SocketFeed
from sniper.feed.subscriptions import Pace, Subscriptions
from sniper.types import REC_FRAME, Reconnect, Resubscribe, Watch
from tests import real
from tests.loopback import Indexer, Recorder, RestServer, certificate, until

WAITS = Waits(first_s=0.02, longest_s=0.1, restart_spread_s=0.02, limited_first_s=0.15, limited_longest_s=0.6)
PACE = Pace(per_s=500.0, apart_s=0.22, retry_s=0.05, answer_s=2.0)
MARKETS = {"markets": {"BTC-USD": {"ticker": "BTC-USD"}, "ETH-USD": {"ticker": "ETH-USD"}}}
FIRST = [("v4_markets", ""), ("v4_block_height", "")]
ALL = [
    *FIRST,
    ("v4_orderbook", "BTC-USD"),
    ("v4_orderbook", "ETH-USD"),
    ("v4_trades", "BTC-USD"),
    ("v4_trades", "ETH-USD"),
    ("v4_candles", "BTC-USD/1MIN"),
    ("v4_candles", "ETH-USD/1MIN"),
]
WATCH = (Watch(("BTC-USD", "ETH-USD")),)


def feed_threads() -> list[str]:
    """Our threads, and the one that the library starts for its pings."""
    return [t.name for t in threading.enumerate() if t.name.startswith("sniper-") or "_send_ping" in t.name]


@contextmanager
def feeding(server: Indexer, watch: bool = True, **changes: Any) -> Iterator[tuple[SocketFeed, Recorder]]:
    """A feed connected to this server. Whatever happened, it must stop and leave no thread behind."""
    given: dict[str, Any] = {
        "url": server.url,
        "wanted": Wanted(resolutions=("1MIN",)),
        "waits": WAITS,
        "pace": PACE,
        "stagger_s": 0.0,
        "silence_s": 5.0,
    }
    settings = SocketSettings(**(given | changes))
    feed, inbox = SocketFeed(settings), Recorder()
    before = feed_threads()
    feed.start(inbox)
    try:
        if watch:
            feed.send(0, WATCH)
        yield feed, inbox
    finally:
        feed.stop()
        assert feed_threads() == before
        states = [c.state for c in feed.status()]
        assert states == ["stopped"] * len(states)
        assert all(inbox.links(i)[-1] == "stopped 0" for i in range(len(states)) if not inbox.full)


def state(feed: SocketFeed, connection: int = 0) -> str:
    return feed.status()[connection].state


def live(feed: SocketFeed, reconnects: int = 0) -> Callable[[], bool]:
    return lambda: all(c.state == "live" and c.reconnects >= reconnects for c in feed.status())


@pytest.fixture
def server() -> Iterator[Indexer]:
    with Indexer() as running:
        running.contents[("v4_markets", "v4_markets")] = MARKETS
        yield running


def sent(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "connection_id": "x", "message_id": 9, **fields}, separators=(",", ":"))


def test_subscribes_first_to_the_markets_then_to_what_the_engine_watches(server: Indexer) -> None:
    with feeding(server, watch=False) as (feed, inbox):
        until(live(feed))
        assert server.subscribed() == FIRST
        feed.send(0, WATCH)
        assert state(feed) == "subscribing"
        until(live(feed))
        assert server.subscribed() == ALL
        assert [a.message.get("batched") for a in server.asked] == [
            True,
            None,
            None,
            None,
            None,
            None,
            True,
            True,
        ]
        assert inbox.links() == ["connecting 0", "open 0"]
        assert json.loads(inbox.frames()[0])["type"] == "connected"
        feed.send(0, WATCH)  # the same again changes nothing
        feed.send(0, (Watch(("ETH-USD",)),))
        until(lambda: len([a for a in server.asked if a.verb == "unsubscribe"]) == 3 and live(feed)())
        assert {(a.channel, a.id) for a in server.asked if a.verb == "unsubscribe"} == {
            (channel, name) for channel, name in ALL if name.startswith("BTC")
        }
        assert len(server.subscribed()) == len(ALL)


def test_the_watch_may_come_before_the_markets(server: Indexer) -> None:
    server.delay_s = 0.1
    with feeding(server) as (feed, _):
        until(lambda: len(server.asked) == 2)
        assert server.subscribed() == FIRST
        until(live(feed))
        assert server.subscribed() == ALL


def test_messages_arrive_byte_for_byte(server: Indexer) -> None:
    texts = [
        sent("channel_data", id="BTC-USD", channel="v4_orderbook", contents={"bids": [["1", "2"]]}),
        ' { "contents" : [ ] , "type" : "channel_batch_data" } ',
        '{"type":"channel_data","text":"\u20ac \U0001f600 \\u20ac"}',
        "not JSON at all",
        "",
        "x" * 70_000,
    ]
    with feeding(server) as (feed, inbox):
        until(live(feed))
        begin = len(inbox.frames())
        for text in texts:
            server.raw(text)
        until(lambda: len(inbox.frames()) == begin + len(texts))
        assert inbox.frames()[begin:] == [text.encode() for text in texts]
        times = [r[0] for r in inbox.records]
        assert times == sorted(times)
        connection = feed.status()[0]
        assert connection.frames == len(inbox.frames())
        assert connection.bytes == sum(map(len, inbox.frames()))
        assert connection.gaps == 0 and 0.0 < connection.uptime_ratio <= 1.0
        assert state(feed) == "live"


def test_recorded_messages_arrive_byte_for_byte(server: Indexer) -> None:
    folder = real.path("dydx-abacus/ws")
    names = sorted(path.name for path in folder.iterdir())
    texts = [
        message.decode().strip() for name in names for message in real.messages(f"dydx-abacus/ws/{name}")
    ]
    assert len(texts) > 50
    with feeding(server) as (feed, inbox):
        until(live(feed))
        begin = len(inbox.frames())
        for text in texts:
            server.raw(text)
        until(lambda: len(inbox.frames()) == begin + len(texts))
        assert inbox.frames()[begin:] == [text.encode() for text in texts]
        assert state(feed) in ("live", "subscribing")


def test_a_message_in_many_fragments_is_one_record(server: Indexer) -> None:
    text = sent("channel_data", id="BTC-USD", channel="v4_orderbook", contents={"bids": [["1", "2"]] * 500})
    with feeding(server) as (feed, inbox):
        until(live(feed))
        begin = len(inbox.frames())
        server.raw([text[i : i + 97] for i in range(0, len(text), 97)])
        server.raw(["a", "", "b"])
        until(lambda: len(inbox.frames()) == begin + 2)
        assert inbox.frames()[begin:] == [text.encode(), b"ab"]


@pytest.mark.parametrize("code", [1000, 1008, 1011, 1012, 4000])
def test_after_a_close_everything_is_subscribed_again(server: Indexer, code: int) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        server.close(code, "Service restarting")
        until(live(feed, reconnects=1))
        assert server.subscribed(0) == server.subscribed(1) == ALL
        assert inbox.links() == ["connecting 0", "open 0", f"closed {code}", "connecting 0", "open 0"]
        assert b"closed %d Service restarting" % code in inbox.of(3)


def test_after_an_abort_everything_is_subscribed_again(server: Indexer) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        for turn in (1, 2, 3):
            server.abort()
            until(live(feed, reconnects=turn))
        assert server.subscribed(3) == ALL
        assert inbox.links().count("closed 1006") == 3
        assert feed.status()[0].reconnects == 3


def test_a_close_without_a_code(server: Indexer) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        server.close_without_a_code()
        until(live(feed, reconnects=1))
        assert "closed 1005" in inbox.links()


def test_silence_ends_the_connection(server: Indexer) -> None:
    with feeding(server, silence_s=0.3) as (feed, inbox):
        until(live(feed))
        until(live(feed, reconnects=1))  # nobody publishes anything
        assert inbox.links()[:4] == ["connecting 0", "open 0", "silent 0", "closed 0"]
        assert server.subscribed(1) == ALL


def test_a_server_that_never_says_connected_is_given_up(server: Indexer) -> None:
    server.mute = True
    with feeding(server, silence_s=0.2) as (feed, inbox):
        until(lambda: "silent 0" in inbox.links())
        server.mute = False
        until(live(feed))


def test_messages_keep_a_connection_alive(server: Indexer) -> None:
    with feeding(server, silence_s=1.2) as (feed, inbox):
        until(live(feed))
        for height in range(40):
            server.publish(
                "v4_block_height", "", [{"blockHeight": str(height), "time": "2026-01-01T00:00:00.000Z"}]
            )
            threading.Event().wait(0.05)
        assert inbox.links() == ["connecting 0", "open 0"]


def test_429_at_the_handshake_waits_long_and_longer(server: Indexer) -> None:
    server.too_many = 2
    with feeding(server) as (feed, inbox):
        until(lambda: state(feed) == "limited")
        until(live(feed))
        assert inbox.links() == ["connecting 0", "limited 429"] * 2 + ["connecting 0", "open 0"]
        times = [r[0] for r in inbox.records if r[3].startswith((b"limited", b"connecting"))]
        assert (times[2] - times[1]) / 1e9 >= WAITS.limited_first_s
        assert (times[4] - times[3]) / 1e9 >= 2 * WAITS.limited_first_s
        assert server.handshakes == 3


def test_another_status_than_101_is_refused(server: Indexer) -> None:
    with (
        RestServer(lambda call: (403, {}, b"no")) as web,
        feeding(server, url=f"ws://{web.url[7:]}/v4/ws") as (_, inbox),
    ):
        until(lambda: inbox.links().count("refused 403") == 2)


def test_nobody_listening(server: Indexer) -> None:
    with feeding(server, url="ws://127.0.0.1:1/v4/ws") as (feed, inbox):
        until(lambda: inbox.links().count("closed 1006") == 2)
        assert b"refused" in inbox.of(3)[1]  # the text says that the connection was refused
        assert feed.status()[0].uptime_ratio == 0.0


def test_a_failed_snapshot_is_asked_for_again(server: Indexer) -> None:
    error = "Internal error, could not fetch data for subscription: v4_orderbook."
    server.refuse[("v4_orderbook", "BTC-USD")] = [error]
    with feeding(server) as (feed, inbox):
        until(live(feed))
        assert server.subscribed().count(("v4_orderbook", "BTC-USD")) == 2
        assert inbox.links() == ["connecting 0", "open 0"]


def test_a_limit_of_the_server_is_not_fought(server: Indexer) -> None:
    server.limits = {"v4_orderbook": 1}
    with feeding(server) as (feed, inbox):
        until(lambda: set(server.subscribed()) == set(ALL))
        until(lambda: any(b"limit reached" in frame for frame in inbox.frames()))
        threading.Event().wait(0.3)
        assert server.subscribed().count(("v4_orderbook", "ETH-USD")) == 1
        assert state(feed) == "subscribing"


def test_resubscribe_asks_again_after_unsubscribed(server: Indexer) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        begin = len(server.asked)
        feed.send(
            0, (Resubscribe(0, "v4_orderbook", "BTC-USD", "crossed"), Resubscribe(7, "v4_orderbook", "X", ""))
        )
        until(lambda: len(server.asked) == begin + 2 and live(feed)())
        assert [(a.verb, a.channel, a.id) for a in server.asked[begin:]] == [
            ("unsubscribe", "v4_orderbook", "BTC-USD"),
            ("subscribe", "v4_orderbook", "BTC-USD"),
        ]
        kinds = [json.loads(f)["type"] for f in inbox.frames()]
        assert kinds[-2:] == ["unsubscribed", "subscribed"]
        assert inbox.links() == ["connecting 0", "open 0"]


def test_reconnect_on_command(server: Indexer) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        feed.send(0, (Reconnect(0, "missing ids"), Reconnect(7, "there is none")))
        until(live(feed, reconnects=1))
        assert b"closed 0 asked for: missing ids" in inbox.of(3)
        assert server.subscribed(1) == ALL


def test_an_oversized_message_is_refused_before_it_is_read(server: Indexer) -> None:
    with feeding(server, frame_bytes_max=50_000) as (feed, inbox):
        until(live(feed))
        server.raw("x" * 50_000)
        until(lambda: inbox.frames()[-1] == b"x" * 50_000)
        server.raw("y" * 50_001)
        until(live(feed, reconnects=1))
        server.raw(["z" * 30_000, "z" * 30_000])
        until(live(feed, reconnects=2))
        assert inbox.links().count("closed 1009") == 2
        assert b"closed 1009 a message of 60000 bytes, at most 50000" in inbox.of(3)
        assert max(map(len, inbox.frames())) == 50_000


def test_a_full_inbox_is_counted(server: Indexer) -> None:
    with feeding(server) as (feed, inbox):
        until(live(feed))
        inbox.full = True
        server.raw("1")
        server.raw("2")
        until(lambda: feed.status()[0].gaps == 2)
        inbox.full = False


def test_a_snapshot_that_found_no_room_is_asked_for_again(server: Indexer) -> None:
    with feeding(server, watch=False) as (feed, inbox):
        inbox.full = True
        until(lambda: server.subscribed() == FIRST and feed.status()[0].gaps >= 3)
        feed.send(0, WATCH)
        inbox.full = False
        until(live(feed))
        seen = [json.loads(f) for f in inbox.frames()]
        snapshots = {(m["channel"], m.get("id", "")) for m in seen if m["type"] == "subscribed"}
        assert snapshots == {
            (channel, name or {"v4_markets": ""}.get(channel, channel)) for channel, name in ALL
        }


def test_more_markets_than_fit_open_more_connections(server: Indexer) -> None:
    tickers = tuple(f"M{i}-USD" for i in range(70))
    with feeding(server, watch=False, wanted=Wanted(), stagger_s=0.01, seed=3) as (feed, inbox):
        feed.send(0, (Watch(tickers),))
        until(lambda: len(feed.status()) == 3 and live(feed)())
        assert sorted(server.subscribed()) == sorted(
            [("v4_markets", "")]
            + [("v4_block_height", "")] * 3
            + [(channel, ticker) for channel in ("v4_orderbook", "v4_trades") for ticker in tickers]
        )
        assert {r[1] for r in inbox.records} == {0, 1, 2}
        feed.send(0, (Watch(tickers[:32]),))
        until(lambda: [c.state for c in feed.status()] == ["live", "stopped", "stopped"])
        feed.send(0, (Watch(tickers),))
        until(live(feed))
        assert inbox.links(1)[-3:] == ["stopped 0", "connecting 0", "open 0"]


def test_a_connection_wanted_again_while_it_stops_comes_back(server: Indexer) -> None:
    tickers = tuple(f"M{i}-USD" for i in range(33))
    with feeding(server, watch=False, wanted=Wanted()) as (feed, _):
        feed.send(0, (Watch(tickers),))
        until(lambda: len(feed.status()) == 2 and live(feed)())
        feed.send(0, (Watch(tickers[:32]), Watch(tickers)))
        until(lambda: len(server.sessions) == 3 and live(feed)())


def test_too_many_markets_are_refused_with_the_arithmetic(server: Indexer) -> None:
    many = tuple(f"M{i}-USD" for i in range(153))
    wanted = Wanted(resolutions=("1MIN", "1HOUR"))
    with pytest.raises(
        ConfigError, match="153 markets x 2 resolutions = 306 candle ids / 32 = 10 connections"
    ):
        SocketFeed(SocketSettings(server.url, tickers=many, wanted=wanted))
    with feeding(server, wanted=wanted) as (feed, _):
        until(live(feed))
        with pytest.raises(ConfigError, match="at most 9"):
            feed.send(0, (Watch(many),))
        assert state(feed) == "live"


def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    with Indexer(tls=certificate(tmp_path)) as server, feeding(server) as (feed, inbox):
        until(lambda: inbox.links().count("refused 0") == 2)
        assert inbox.links() == ["connecting 0", "refused 0"] * 2 or state(feed) != "live"
        assert any(
            b"TLS: self-signed certificate" in data or b"TLS: self signed" in data for data in inbox.of(3)
        )
        assert server.sessions == [] and inbox.frames() == []


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    pair = certificate(tmp_path, host="elsewhere.example")
    with Indexer(tls=pair) as server, feeding(server, ca_file=str(pair[0])) as (_, inbox):
        until(lambda: "refused 0" in inbox.links())
        assert any(b"Hostname mismatch" in data for data in inbox.of(3))
        assert server.sessions == []


def test_a_certificate_is_accepted_when_its_authority_is_trusted(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    with Indexer(tls=pair) as server:
        server.contents[("v4_markets", "v4_markets")] = MARKETS
        with feeding(server, ca_file=str(pair[0]), silence_s=0.5) as (feed, inbox):
            until(live(feed))
            server.raw(["y" * 100_000, "z"])
            until(lambda: inbox.frames()[-1] == b"y" * 100_000 + b"z")
            server.abort()
            until(live(feed, reconnects=1))
            until(live(feed, reconnects=2))  # by silence
            assert server.subscribed(2) == ALL


def test_a_redirect_away_from_tls_is_refused(server: Indexer, tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    with RestServer(lambda call: (302, {"Location": server.url}, b""), tls=pair) as web:
        url = web.url.replace("https", "wss")
        with feeding(server, url=url, ca_file=str(pair[0])) as (_, inbox):
            until(lambda: "refused 0" in inbox.links())
            assert any(b"without TLS" in data for data in inbox.of(3))
            assert server.asked == []


def test_a_server_that_never_finishes_the_handshake(server: Indexer) -> None:
    held = threading.Event()

    def never(_call: object) -> tuple[int, dict[str, str], bytes]:
        held.wait(5.0)
        return 500, {}, b""

    with RestServer(never) as web:
        url = f"ws://{web.url[7:]}/v4/ws"
        with feeding(server, url=url, open_s=0.2) as (_, inbox):
            until(lambda: inbox.links().count("closed 1006") == 1)
        held.set()


def test_stop_while_waiting_connecting_and_twice(server: Indexer) -> None:
    server.too_many = 1
    with feeding(server, waits=WAITS._replace(limited_first_s=60.0)) as (feed, _):
        until(lambda: state(feed) == "limited")
        feed.stop()
        feed.stop()
    with pytest.raises(RuntimeError, match="started before"):
        feed.start(Recorder())


def test_a_handshake_that_drips_is_given_up(server: Indexer) -> None:
    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
                for _ in range(200):
                    self.request.sendall(b"x")
                    threading.Event().wait(0.02)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as drip:
        drip.daemon_threads = True
        threading.Thread(target=drip.serve_forever, args=(0.02,), daemon=True).start()
        url = f"ws://127.0.0.1:{drip.server_address[1]}/v4/ws"
        with feeding(server, url=url, open_s=0.1) as (_, inbox):
            until(lambda: "closed 0" in inbox.links())
            assert any(data.startswith(b"closed 0 not open after") for data in inbox.of(3))
        drip.shutdown()


@pytest.mark.parametrize("place", ["inbox", "sender", "connection"])
def test_a_fault_of_ours_is_raised_by_the_next_send(
    server: Indexer, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise ZeroDivisionError(f"in the {place}")

    class Broken(Recorder):
        def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
            return broken() if kind == REC_FRAME else super().put(recv_ns, connection, kind, data)

    if place == "sender":
        monkeypatch.setattr(Subscriptions, "take", broken)
    elif place == "connection":
        monkeypatch.setattr(IndexerSocket, "run_forever", broken)
    feed = SocketFeed(SocketSettings(server.url, waits=WAITS))
    feed.start(Broken() if place == "inbox" else Recorder())

    def raised() -> bool:
        try:
            feed.send(0, ())
        except ZeroDivisionError:
            return True
        return False

    until(raised)
    feed.stop()
    assert feed_threads() == []


@pytest.mark.parametrize("content", [None, "no certificate in here"])
def test_a_ca_file_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="cannot be read as PEM"):
        SocketFeed(SocketSettings("wss://localhost", ca_file=str(path)))


def test_the_history_is_asked_for_by_rest(server: Indexer) -> None:
    with RestServer(lambda call: (200, {}, b'{"candles":[]}')) as web:
        history = {"rest_markets": True, "funding_hours": 24, "candle_bars": 500}
        with feeding(server, rest_url=web.url, **history) as (feed, inbox):
            until(lambda: len(inbox.of(1)) == 5)
            feed.send(0, WATCH)  # the same markets: nothing new to fetch
            heads = {data.split(b"\n")[0] for data in inbox.of(1)}
            assert heads == {
                b"perpetualMarkets 200 ",
                b"historicalFunding 200 ticker=BTC-USD&limit=24",
                b"historicalFunding 200 ticker=ETH-USD&limit=24",
                b"candles 200 ticker=BTC-USD&resolution=1MIN&limit=500",
                b"candles 200 ticker=ETH-USD&resolution=1MIN&limit=500",
            }
            assert len(web.calls) == 5


def test_importing_the_feed_does_not_import_the_client() -> None:
    program = (
        "import sys, sniper.feed.socket;"
        "print([m for m in sys.modules if 'dydx' in m or m in ('websocket', 'httpx')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
