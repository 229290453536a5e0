"""The core: determinism, digests, state, time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sniper.engine import MARKET_STAGES, STAGES, Engine, Settings, combined
from sniper.types import REC_FRAME, Record, Watch
from tests import messages as m

SECOND = 1_000_000_000
AT = "2026-01-01T00:00:{:02d}.000Z"


def session() -> list[tuple[int, list[Record]]]:
    """A short life of two markets: (now_ns, records) a tick."""
    frames = [
        m.connected(),
        m.markets(m.market("BTC-USD"), m.market("ETH-USD", "0.1", "0.01")),
        m.snapshot("BTC-USD", [("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")]),
        m.snapshot("ETH-USD", [("9.9", "1")], [("10.1", "1")], 3),
    ]
    for i in range(40):
        frames.append(m.block(1000 + i, AT.format(i), 4 + 3 * i))
        frames.append(m.book("BTC-USD", 5 + 3 * i, [(str(97 - i % 5), f"0.{1 + i % 9}")]))
        frames.append(
            m.trades("BTC-USD", 6 + 3 * i, (f"{1000 + i:024x}", "BUY", "0.5", str(100 + i % 3), AT.format(i)))
        )
    return [(i * SECOND // 4, [(i * SECOND // 4, 0, REC_FRAME, f)]) for i, f in enumerate(frames, 1)]


def run(ticks: list[tuple[int, list[Record]]], engine: Engine | None = None) -> Engine:
    engine = engine or Engine()
    for now_ns, records in ticks:
        engine.tick(now_ns, records)
    return engine


def test_one_digest_a_stage_and_all_of_them_move() -> None:
    start = Engine()
    before = start.digests()
    after = run(session(), start).digests()
    assert len(before) == len(after) == 16 * len(STAGES)
    for i, stage in enumerate(MARKET_STAGES):
        assert before[16 * i : 16 * i + 16] != after[16 * i : 16 * i + 16], stage


def test_the_first_markets_make_the_core_ask_for_them() -> None:
    engine = Engine()
    said = [engine.tick(now_ns, records) for now_ns, records in session()[:3]]
    assert said == [(), (Watch(("BTC-USD", "ETH-USD")),), ()]


def test_only_the_wanted_markets_are_asked_for() -> None:
    engine = Engine(Settings(tickers=("ETH-USD", "SOL-USD")))
    commands = [c for now_ns, records in session() for c in engine.tick(now_ns, records)]
    assert commands == [Watch(("ETH-USD",))]


def test_the_same_records_give_the_same_digests_at_every_tick() -> None:
    one, two = Engine(), Engine()
    for now_ns, records in session():
        assert one.tick(now_ns, records) == two.tick(now_ns, records)
        assert one.digests() == two.digests()


def test_one_changed_byte_changes_the_digest() -> None:
    ticks = session()
    now_ns, [(recv_ns, connection, kind, frame)] = ticks[20]
    ticks[20] = (now_ns, [(recv_ns, connection, kind, frame.replace(b'"0.', b'"1.', 1))])
    assert ticks[20] != session()[20]
    assert run(ticks).digest != run(session()).digest


@pytest.mark.parametrize("cut", [1, 7, 60, 100])
def test_a_saved_state_goes_on_like_the_original(cut: int) -> None:
    ticks = session()
    first = run(ticks[:cut])
    second = Engine()
    second.load(first.save())
    assert (second.ticks, second.now_ns, second.digests()) == (first.ticks, first.now_ns, first.digests())
    assert (second.tape.counters == first.tape.counters).all()
    run(ticks[cut:], first)
    run(ticks[cut:], second)
    assert second.digests() == first.digests()
    assert second.save() == first.save()


@pytest.mark.parametrize("state", [b"", b"\x80", b"\x81\xa7version\x63", b"rubbish" * 50])
def test_a_foreign_state_is_refused(state: bytes) -> None:
    engine = run(session()[:5])
    digest = engine.digest
    with pytest.raises(ValueError, match="state"):
        engine.load(state)
    assert engine.digest == digest


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="markets"):
        Engine(Settings(markets_max=16)).load(run(session()).save())


def test_time_must_not_go_back() -> None:
    engine = Engine()
    engine.tick(10, [])
    engine.tick(10, [])
    with pytest.raises(ValueError, match="time went back"):
        engine.tick(9, [])


def test_a_clock_measures_every_stage_and_changes_nothing() -> None:
    hands = iter(range(0, 10**9, 7))
    engine, plain = Engine(), Engine()
    for now_ns, records in session():
        engine.tick(now_ns, records, lambda: next(hands))
        plain.tick(now_ns, records)
    assert engine.stage_ns == [7] * len(MARKET_STAGES)
    assert engine.digests() == plain.digests()


def test_combined_depends_on_every_word() -> None:
    digests = bytes(range(80))
    seen = {combined(digests)}
    for i in range(0, 80, 8):
        changed = bytearray(digests)
        changed[i] ^= 1
        seen.add(combined(bytes(changed)))
    assert len(seen) == 11
    assert all(len(d) == 32 for d in seen)


def test_hash_seeds_do_not_reach_the_digest() -> None:
    code = "from tests.test_engine import run, session; print(run(session()).digest)"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "random")
    }
    assert found == {run(session()).digest + "\n"}
