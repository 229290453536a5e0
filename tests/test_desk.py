"""desk: the decision half, end to end on the sim with the paper venue."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper._ext.tape import COUNTER_NAMES, STAGE_NAMES
from sniper.backtesting import backtest, without_venue
from sniper.engine import MARKET_STAGES, Engine
from sniper.feed.replay import ticks_of
from sniper.journal_reader import JournalReader
from sniper.replaying import verify
from sniper.trading import VENUE_CONNECTION, Approved
from sniper.types import REC_OPERATOR
from tests import paper_run

SECONDS = 90.0


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Path]:
    path = tmp_path_factory.mktemp("desk") / "session.mcap"
    engine, _ = paper_run.run(SECONDS, journal=path, markets=8)
    return engine, path


def test_it_trades_on_paper_and_protects_what_it_holds(session: tuple[Engine, Path]) -> None:
    engine, _ = session
    desk = engine.desk
    assert desk is not None and desk.account.trust == "live" and not desk.account.differences
    purposes = [d.outcome.intent.purpose for d in desk.decisions if isinstance(d.outcome, Approved)]
    assert "entry" in purposes and "protect" in purposes
    assert desk.account.positions and desk.view.account.net > 0
    for market in desk.account.positions:
        stops = [order for order in desk.orders.open(market) if order.purpose == "protect"]
        assert stops, f"market {market} stands without a stop"
    counters = dict(zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False))
    assert counters["placed"] == len(purposes) and counters["answers"] >= counters["placed"]


ONCE = """
from typing import NamedTuple
from sniper.trading import Intent

class Own(NamedTuple):
    nothing: int = 0

class Once:
    name = "once"
    Settings = Own

    def __init__(self, signals, kinds, settings=None):
        self.asked = 0

    def decide(self, view):
        self.asked += 1
        return [Intent(0, 0, view.market(0).bid_ticks - 50, 10)] if self.asked == 200 else ()

    def explain(self, view, market):
        return ()

    def save(self):
        return self.asked.to_bytes(8)

    def load(self, state):
        self.asked = int.from_bytes(state)
"""


def test_an_order_that_found_nothing_does_not_close_its_market_for_good(tmp_path: Path) -> None:
    """No frame of the account comes after it: the chain's height must prove in the end that it is dead."""
    (tmp_path / "once.py").write_text(ONCE)
    engine, _ = paper_run.run(40.0, markets=2, strategy=str(tmp_path / "once.py"))
    desk = engine.desk
    assert desk is not None and [type(one.outcome) for one in desk.decisions] == [Approved]
    assert not desk.account.positions and not desk.orders.all_open() and not desk.orders.unknown(0)


def test_its_journal_replays_bit_for_bit(session: tuple[Engine, Path]) -> None:
    with JournalReader(session[1]) as reader:
        verdict = verify(reader)
    assert verdict.equal and verdict.ticks == session[0].ticks


def test_a_backtest_of_its_market_frames_decides_the_same(session: tuple[Engine, Path]) -> None:
    engine, path = session
    assert engine.desk is not None
    fresh = paper_run.engine()
    with JournalReader(path) as reader:
        result = backtest(fresh, paper_run.paper(fresh), without_venue(ticks_of(path, reader)))
    assert result.decisions == list(engine.desk.decisions)
    assert result.digest == engine.digest


def test_same_seed_same_decisions_and_another_seed_others() -> None:
    one, _ = paper_run.run(70.0, markets=3)
    same, _ = paper_run.run(70.0, markets=3)
    other, _ = paper_run.run(70.0, markets=3, seed=2)
    assert one.digest == same.digest != other.digest


def test_a_state_loaded_in_mid_run_goes_on_alike(session: tuple[Engine, Path]) -> None:
    engine, path = session
    with JournalReader(path) as reader:
        ticks = [(tick.now_ns, tick.records) for tick in reader]
    half = len(ticks) * 3 // 4
    one = paper_run.engine()
    for now_ns, records in ticks[:half]:
        one.tick(now_ns, records)
    other = paper_run.engine()
    other.load(one.save())
    for now_ns, records in ticks[half:]:
        assert one.tick(now_ns, records) == other.tick(now_ns, records)
        assert one.digests() == other.digests()
    assert other.digest == engine.digest
    with pytest.raises(ValueError, match="decision half"):
        assert other.desk is not None
        other.desk.load(b"junk")


def test_the_market_half_is_not_changed_by_decisions(session: tuple[Engine, Path]) -> None:
    engine, path = session
    plain = Engine()
    with JournalReader(path) as reader:
        for now_ns, records in without_venue(ticks_of(path, reader)):
            plain.tick(now_ns, records)
    for stage in ("book", "trades"):
        at = 2 * STAGE_NAMES.index(stage)
        assert plain.tape.digests[at : at + 2].tolist() == engine.tape.digests[at : at + 2].tolist(), stage
    assert plain.stages == MARKET_STAGES and engine.stages == STAGE_NAMES


def test_the_result_of_the_day_outlives_a_load(session: tuple[Engine, Path]) -> None:
    """A load is no look at the account: what was lost today counts on against the day's limit."""
    engine, _ = session
    other = Engine(engine.settings)
    other.load(engine.save())
    assert engine.desk is not None and other.desk is not None
    assert other.desk.view.account == engine.desk.view.account
    assert engine.desk.view.account.day_realised != 0
    assert other.save() == engine.save()
    for desk in (engine.desk, other.desk):
        desk._reckoning.look(engine.now_ns)
    assert other.desk.standing.save() == engine.desk.standing.save()
    assert other.desk.view.account == engine.desk.view.account


def test_a_kill_stops_trading_and_survives_a_reload() -> None:
    engine, _ = paper_run.run(20.0, markets=3)
    desk = engine.desk
    assert desk is not None
    engine.tick(
        engine.now_ns + 1, [(engine.now_ns + 1, VENUE_CONNECTION, REC_OPERATOR, b"kill the desk is on fire")]
    )
    assert desk.risk.latch.verb == "kill" and "on fire" in desk.risk.latch.reason
    again = paper_run.engine()
    again.load(engine.save())
    assert again.desk is not None and again.desk.risk.latch == desk.risk.latch
