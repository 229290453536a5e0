"""The sim as a whole: the rules of the wire, snapshots in time, the same bytes for the same seed."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.orderbook import Books
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper._ext.trades import Trades
from sniper.feed.sim import TICKERS, Faults, Sim
from sniper.types import REC_FRAME, Reconnect, Resubscribe, Watch
from tests.simdrive import SECOND_NS, Checker, Driver, links, messages

ROOT = Path(__file__).parent.parent

ALL_FAULTS = Faults(
    drop=0.01,
    duplicate=0.01,
    reorder=0.02,
    gap=0.002,
    crossed=0.02,
    unknown_remove=0.02,
    malformed=0.01,
    disconnect=0.02,
    silence=0.01,
    oracle_jump=0.01,
)

DIGEST = """
import sys
sys.path.insert(0, {root!r})
from tests.test_sim import digest_of_a_hostile_run
print(digest_of_a_hostile_run(7))
"""


def digest_of_a_hostile_run(seed: int) -> str:
    """A digest of every record of a run with every fault and every command."""
    sim = Sim(
        seed=seed, markets=["BTC-USD", "PEPE-USD", "QTUM-USD"], candles=("1MIN", "1HOUR"), faults=ALL_FAULTS
    )
    driver = Driver(sim)
    driver.run(20)
    driver.send(
        Resubscribe(0, "v4_orderbook", "BTC-USD", "test"), Resubscribe(0, "v4_candles", "PEPE-USD", "test")
    )
    driver.run(10)
    driver.send(Reconnect(0, "test"))
    driver.run(10)
    driver.send(Watch(("BTC-USD", "QTUM-USD")))
    driver.run(20)
    return hashlib.sha256(repr(driver.records).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    code = DIGEST.format(root=str(ROOT))
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "123")
    }
    assert seen == {digest_of_a_hostile_run(7)}
    assert digest_of_a_hostile_run(8) not in seen


def test_a_coarser_loop_hears_the_same() -> None:
    """How far one pull reaches changes no byte, as long as no command depends on it."""

    def records(step_ns: int) -> list[object]:
        sim = Sim(seed=3, markets=2)
        driver = Driver(sim)
        driver.run(1)
        at, end = driver.now_ns, driver.start_ns + 10 * SECOND_NS
        while at < end:
            at = min(at + step_ns, end)
            sim.pull(at, driver.sink)
        return list(driver.records)

    assert records(10_000_000) == records(777_000_000)


@pytest.mark.parametrize("batched", [False, True], ids=["unbatched", "batched"])
def test_every_frame_obeys_the_rules_of_the_wire(batched: bool) -> None:
    tickers = ["BTC-USD", "ETH-USD", "PEPE-USD", "SHIB-USD", "TIA-USD", "ENA-USD", "MATIC-USD"]
    sim = Sim(
        seed=11,
        markets=tickers,
        candles=("1MIN", "5MINS"),
        batched_orderbook=batched,
        batched_trades=batched,
        batched_markets=batched,
        batched_candles=batched,
        start_ns=1_767_225_600 * SECOND_NS + 45 * SECOND_NS,
    )
    driver = Driver(sim)
    checker = driver.taken = Checker()
    checker(driver.records)
    driver.run(80)
    driver.send(*(Resubscribe(0, "v4_orderbook", ticker, "test") for ticker in tickers))
    driver.send(Resubscribe(0, "v4_trades", "BTC-USD", "test"), Resubscribe(0, "v4_markets", "", "test"))
    driver.run(20)
    kind = "channel_batch_data" if batched else "channel_data"
    for channel in ("v4_orderbook", "v4_trades", "v4_markets", "v4_candles"):
        assert checker.counts[f"{kind} {channel}"] > 10, channel
    assert checker.counts["channel_data v4_block_height"] > 100
    assert checker.counts["subscribed v4_orderbook"] == 2 * len(tickers)
    assert checker.counts["subscribed v4_candles"] == 2 * len(tickers)
    assert checker.missing() == 0
    assert checker.books["MATIC-USD"] == ({}, {})
    for ticker in tickers[:-1]:
        bids, asks = checker.books[ticker]
        assert 60 <= len(bids) <= 700 and 60 <= len(asks) <= 700
        mid = (max(bids) + min(asks)) / 2
        assert abs(checker.oracle[ticker] / mid - 1) < Decimal("0.02")


def test_the_kernels_take_all_of_it() -> None:
    """No frame is refused, no level unknown, nothing crossed: sim and kernels agree on the protocol."""
    tape = Tape()
    decoder, books, trades = Decoder(tape), Books(tape), Trades(tape)
    driver = Driver(Sim(seed=5, markets=60, candles=("1MIN", "1DAY"), batched_orderbook=True))

    def feed(records: list[tuple[int, int, int, bytes]]) -> None:
        rows = decoder.apply(records) if records else 0
        books.apply(rows)
        trades.apply(rows)

    feed(driver.records)
    driver.taken = feed
    driver.run(8)
    counters = dict(zip(COUNTER_NAMES, map(int, tape.counters), strict=False))
    for name in (
        "rejected",
        "unknown",
        "unknown_removes",
        "crossings",
        "orphan_levels",
        "oracle_jumps",
        "trade_far",
    ):
        assert counters[name] == 0, name
    assert counters["snapshots"] == 60
    assert counters["levels"] > 12_000
    assert decoder.tickers == list(TICKERS)


@pytest.mark.parametrize("tick_ms", [10, 50])
def test_every_snapshot_comes_within_fifty_ticks(tick_ms: int) -> None:
    driver = Driver(Sim(markets=60, candles=("1MIN", "1HOUR")), tick_ns=tick_ms * 1_000_000)
    waiting = set(TICKERS)
    while waiting:
        due = driver.sim.due(driver.now_ns)
        assert due is not None
        before = len(driver.records)
        driver.tick(min(due, driver.now_ns + driver.tick_ns))
        for message in messages(driver.records[before:]):
            if message["type"] == "subscribed" and message["channel"] == "v4_orderbook":
                waiting.remove(message["id"])
    assert driver.ticks <= 50
    # Four connections: 120 candle ids at 32 each.
    assert [connection.index for connection in driver.sim.status()] == [0, 1, 2, 3]


def test_the_candles_are_the_fold_of_the_trades() -> None:
    """Bars closed while we listened hold exactly the trades of their time."""
    driver = Driver(Sim(seed=2, markets=["ETH-USD"], batched_trades=False))
    checker = driver.taken = Checker()
    seen: dict[str, list[tuple[Decimal, Decimal]]] = {}
    inner = checker.update

    def update(channel: str, name: str, contents: dict, connection: int) -> None:  # type: ignore[type-arg]
        inner(channel, name, contents, connection)
        if channel == "v4_trades":
            for trade in contents["trades"]:
                minute = trade["createdAt"][:16] + ":00.000Z"
                seen.setdefault(minute, []).append((Decimal(trade["price"]), Decimal(trade["size"])))

    checker.update = update  # type: ignore[method-assign]
    checker(driver.records)
    driver.run(200)
    bars = checker.candles["ETH-USD/1MIN"]
    whole = sorted(seen)[1:-1]
    assert len(whole) >= 2
    for minute in whole:
        prices = [price for price, _ in seen[minute]]
        bar = bars[minute]
        folded = (prices[0], max(prices), min(prices), prices[-1], len(prices))
        assert folded == (*(Decimal(bar[k]) for k in ("open", "high", "low", "close")), bar["trades"])
        assert Decimal(bar["baseTokenVolume"]) == sum(size for _, size in seen[minute])
        assert Decimal(bar["usdVolume"]) == sum(price * size for price, size in seen[minute])
        assert bar["orderbookMidPriceClose"] is not None


def test_an_endless_run_keeps_its_memory() -> None:
    driver = Driver(
        Sim(markets=["BTC-USD", "DOGE-USD", "QTUM-USD"], batched_orderbook=True, batched_trades=True)
    )
    driver.taken = lambda records: None
    driver.run(300)  # the books grow until they are as deep as they get
    tracemalloc.start()
    driver.run(60)
    before = tracemalloc.get_traced_memory()[0]
    driver.run(240)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 300_000
    for market in driver.sim.markets.values():
        assert not market.book.changes or len(market.book.changes) < 2000
        assert all(len(levels) <= 700 for levels in market.book.sides)


def test_nothing_in_it_asks_for_the_time_or_an_unseeded_number() -> None:
    """Only what is the same everywhere: Random.random, square roots, integers, the four operations."""
    allowed = {"random": {"Random"}, "math": {"sqrt"}}
    banned = {"time", "datetime", "os", "uuid", "secrets", "numpy", "hashlib"}
    for path in (ROOT / "sniper/feed/sim").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & {*allowed, *banned}, path.name
            elif isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names}
                assert node.module not in banned, path.name
                assert names <= allowed.get(node.module or "", names), path.name
            elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
                base = node.left if isinstance(node, ast.BinOp) else node.target
                assert isinstance(base, ast.Constant) and base.value == 10, f"{path.name}:{node.lineno}"


def test_faults_change_what_is_heard_and_not_the_market() -> None:
    def books(faults: Faults | None) -> list[object]:
        sim = Sim(seed=4, markets=3, faults=faults)
        driver = Driver(sim)
        driver.taken = lambda records: None
        driver.run(30)
        end_ns = driver.start_ns + 40 * SECOND_NS
        sim.pull(end_ns, driver.sink)
        for market in sim.markets.values():
            market.book.run(end_ns)
        return [(m.book.sides, m.oracle, list(m.trades.recent)) for m in sim.markets.values()]

    assert books(None) == books(ALL_FAULTS)


def test_connections_say_what_they_do() -> None:
    driver = Driver(Sim(markets=2))
    driver.run(5)
    assert links(driver.records) == ["connecting 0", "open 0"]
    first = driver.sim.status()[0]
    assert first.state == "open" and first.uptime_ratio > 0.98 and first.reconnects == 0
    frames = [record for record in driver.records if record[2] == REC_FRAME]
    assert (first.frames, first.bytes) == (len(frames), sum(len(record[3]) for record in frames))
    driver.sim.stop()
    assert driver.sim.due(driver.now_ns) is None and not driver.sim.exhausted
    assert links(driver.records)[-1] == "stopped 1000"
    assert driver.sim.status()[0].state == "stopped"
