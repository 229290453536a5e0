"""The feed as the loop sees it."""

from __future__ import annotations

import pytest

from sniper.feed.sim import Faults, Sim
from sniper.feed.sim.feed import START_NS
from sniper.types import Resubscribe, Watch
from tests.simdrive import Driver, Sink, messages

MS = 1_000_000
SECOND = 1_000 * MS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"markets": 61}, "1 to 60 markets"),
        ({"markets": ["FOO-USD"]}, "no market 'FOO-USD'"),
        ({"candles": ("2MIN",)}, "no such candle resolution: '2MIN'; there are 1MIN, 5MINS"),
        (
            {"markets": 60, "candles": ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR")},
            "60 markets x 5 .* = 10 connections",
        ),
        ({"grid_ms": 7}, "grid_ms must be one of 1, 2, 5, 10, 25, 50, not 7"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sim(**settings)  # type: ignore[arg-type]


def test_nothing_happens_before_the_start() -> None:
    sim, sink = Sim(markets=1), Sink()
    assert sim.due(0) is None and sim.status() == []
    sim.pull(START_NS + SECOND, sink)
    sim.send(0, [Watch(("BTC-USD",))])
    assert not sink.records
    sim.start(sink)
    assert sim.due(0) == START_NS and not sink.records
    assert sim.clock == "tape" and not sim.exhausted
    sim.stop()


def test_simulated_time_begins_where_it_is_told() -> None:
    sim, sink = Sim(markets=1, start_ns=1_600_000_000 * SECOND + 12_345_678), Sink()
    sim.start(sink)
    assert sim.due(0) == 1_600_000_000 * SECOND, "on the grid of the node's flush"


def test_due_is_the_time_of_what_pull_brings() -> None:
    sim, sink = Sim(markets=1), Sink()
    sim.start(sink)
    for _ in range(300):
        due = sim.due(0)
        assert due is not None
        before = len(sink.records)
        sim.pull(due - 1, sink)
        assert len(sink.records) == before
        sim.pull(due, sink)
        assert {record[0] for record in sink.records[before:]} <= {due}


def test_another_inbox_may_take_over() -> None:
    sim, first, second = Sim(markets=1), Sink(), Sink()
    sim.start(first)
    sim.pull(START_NS + SECOND, first)
    held = len(first.records)
    sim.pull(START_NS + 3 * SECOND, second)
    assert len(first.records) == held and second.records


@pytest.mark.parametrize("grid_ms", [1, 10, 50])
def test_everything_lies_on_the_grid(grid_ms: int) -> None:
    driver = Driver(Sim(markets=3, grid_ms=grid_ms))
    driver.run(5)
    assert all(record[0] % (grid_ms * MS) == 0 for record in driver.records)
    assert any(record[0] % (50 * MS) for record in driver.records) == (grid_ms < 50)


def test_blocks_come_in_their_time() -> None:
    driver = Driver(Sim(markets=["QTUM-USD"], batched_orderbook=True))
    driver.run(300)
    heights = [m for m in messages(driver.records) if m.get("channel") == "v4_block_height"][1:]
    numbers = [int(m["contents"]["blockHeight"]) for m in heights]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    times = [m["contents"]["time"] for m in heights]
    assert times == sorted(set(times))
    assert 0.6 < 300 / len(heights) < 0.7


def test_statistics_come_every_half_minute_with_the_funding_rate() -> None:
    driver = Driver(Sim(markets=2, batched_orderbook=True, batched_markets=False))
    driver.run(130)
    trading = [
        m["contents"]["trading"] for m in messages(driver.records) if "trading" in m.get("contents", {})
    ]
    assert len(trading) == 4
    rates = [entry["BTC-USD"].get("nextFundingRate") for entry in trading if "BTC-USD" in entry]
    assert any(rates)


def test_an_oracle_jump_is_heard_and_forgotten() -> None:
    driver = Driver(
        Sim(
            markets=["BTC-USD"], batched_orderbook=True, batched_markets=False, faults=Faults(oracle_jump=0.1)
        )
    )
    driver.run(120)
    prices = [
        m["contents"]["oraclePrices"]["BTC-USD"]["oraclePrice"]
        for m in messages(driver.records)
        if "oraclePrices" in m.get("contents", {})
    ]
    odd = [p for p in prices if p in (None, "") or not 0.97 < float(p) / 99_000 < 1.03]
    assert len(odd) == driver.sim.fault_counts["oracle_jump"] > 5
    assert None in odd or "" in odd
    assert len(odd) < len(prices) / 4


def test_commands_of_the_past_are_carried_out_now() -> None:
    driver = Driver(Sim(markets=1))
    driver.run(2)
    driver.sim.send(0, [Resubscribe(0, "v4_orderbook", "BTC-USD", "late")])
    late = driver.run(1)
    assert [m["type"] for m in messages(late) if m["type"] in ("unsubscribed", "subscribed")] == [
        "unsubscribed",
        "subscribed",
    ]


def test_a_stopped_sim_stays_stopped() -> None:
    driver = Driver(Sim(markets=1))
    driver.run(2)
    driver.sim.stop()
    held = len(driver.records)
    driver.sim.stop()
    driver.sim.pull(driver.now_ns + 10 * SECOND, driver.sink)
    assert len(driver.records) == held


def test_faults_that_are_off_count_nothing() -> None:
    assert set(Sim(markets=1).fault_counts.values()) == {0}
