"""The signals kernel: rules told one by one, questions, state."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.signals_spread import sampled, spreads
from sniper._ext.signals import SIGNAL_FIELDS, SIGNAL_TABLE, SIGNALS, Signals
from sniper._ext.tape import STAGE_NAMES
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.feed.sim.faults import Faults
from sniper.types import Command, Record
from tests.signals_pair import Pair
from tests.signals_rows import T0, Rows, level, trade

STAGE = STAGE_NAMES.index("signals")


def signals(resolutions: tuple[int, ...] = (0, 1, 2, 4)) -> Signals:
    engine = Engine()
    return Signals(engine.tape, engine.decoder.markets, engine.books, engine.candles, resolutions=resolutions)


def test_the_table_has_one_line_a_signal() -> None:
    assert [line[0] for line in SIGNAL_TABLE] == list(SIGNALS)
    assert len(set(SIGNALS)) == len(SIGNALS) == signals().scores.shape[1]
    for line in SIGNAL_TABLE:
        assert len(line) == len(SIGNAL_FIELDS) and all(line)
        assert line[1] in ("directional", "intensity")


def test_the_page_shows_the_table() -> None:
    page = (Path(__file__).parent.parent / "docs" / "signals.md").read_text(encoding="utf-8")
    head = f"| {' | '.join(SIGNAL_FIELDS).replace('_', '-')} |"
    lines = [f"| `{name}` | {' | '.join(rest)} |" for name, *rest in SIGNAL_TABLE]
    shown = [line for line in page.splitlines() if line.startswith("| `")]
    assert shown == lines
    assert head in page


def test_all_is_neutral_at_first() -> None:
    neutral = tuple(50.0 if line[1] == "directional" else 0.0 for line in SIGNAL_TABLE)
    made = signals()
    assert made.row(3) == neutral and made.ready(3) == 0 and made.changed() == []
    assert set(made.parts(3).values()) == {0.0}
    assert made.indicators(3, 2) == (0, False) + (0.0,) * 17


def test_questions_out_of_range() -> None:
    made = signals((0, 4))
    for ask in (made.row, made.ready, made.parts, lambda m: made.indicators(m, 0)):
        for market in (-1, 1024):
            with pytest.raises(IndexError):
                ask(market)
    for resolution in (-1, 1, 7):
        with pytest.raises(ValueError):
            made.indicators(0, resolution)
    for wrong in ((), (1,), (0, 0), (0, 4, 1), (0, 7), (-1, 0)):
        with pytest.raises(ValueError):
            signals(wrong)
    engine = Engine(Settings(markets_max=7))
    for markets_max, wrong in ((0, False), (7, False), (8, True), (-1, True)):
        with pytest.raises(ValueError) if wrong else nullcontext():
            Signals(
                engine.tape, engine.decoder.markets, engine.books, engine.candles, markets_max=markets_max
            )
    with pytest.raises(ValueError):
        made.apply(1 << 30)
    with pytest.raises(ValueError):
        made.scores[0, 0] = 1.0


# ---- against the twin -----------------------------------------------------------------------------


class Inbox:
    """Keeps what a feed puts in."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self.records.append((recv_ns, connection, kind, data))
        return True


def play(sim: Sim, tick: Any, seconds: float) -> None:
    """Let a sim and `tick(now_ns, records) -> commands` talk to each other, as the loop does."""
    inbox = Inbox()
    sim.start(inbox)
    now_ns = sim.due(0)
    assert now_ns is not None
    end_ns = now_ns + int(seconds * 1e9)
    while now_ns < end_ns:
        sim.pull(now_ns, inbox)
        records, inbox.records = inbox.records, []
        commands = tick(now_ns, records)
        if commands:
            sim.send(now_ns, commands)
        due = sim.due(now_ns)
        now_ns = min(now_ns + 50_000_000, due if due is not None else end_ns)


HOUR_END_NS = 1_767_225_600_000_000_000 + 3_585 * 10**9
FAULTS = Faults(
    drop=0.01, duplicate=0.02, reorder=0.02, gap=0.005, crossed=0.02, unknown_remove=0.02, disconnect=0.01,
    silence=0.02, oracle_jump=0.02,
)  # fmt: skip


def sparse(pair: Pair, every: int) -> Callable[[int, list[Record]], tuple[Command, ...]]:
    """Ticks of a pair that compare only every so many."""
    ticks = count()
    return lambda now_ns, records: pair.tick(now_ns, records, next(ticks) % every == 0)


@pytest.mark.parametrize("faults", [None, FAULTS], ids=["clean", "faulty"])
def test_equal_to_the_twin_on_a_sim(faults: Faults | None) -> None:
    """Over the end of an hour, so that bars of all lengths close and funding is charged."""
    pair = Pair()
    sim = Sim(seed=5, markets=3, candles=("1MIN", "5MINS", "1HOUR"), start_ns=HOUR_END_NS, faults=faults)
    play(sim, sparse(pair, 4), 80)
    assert pair.compared > 500
    assert pair.same_indicators() >= 6
    assert any(market.charged for market in pair.twins.values())


def test_equal_to_the_twin_over_many_bars() -> None:
    """Long enough for oracle samples to count and slow sums to fade."""
    pair = Pair((0, 1, 3))
    play(Sim(seed=6, markets=2, candles=("1MIN",)), sparse(pair, 397), 980)
    assert pair.compared > 50
    assert all(pair.signals.parts(m)["sigma_oracle"] > 0 for m in range(2))
    pair.same_indicators((0, 1, 3))


# ---- state ----------------------------------------------------------------------------------------


def busy(resolutions: tuple[int, ...] = (0, 1)) -> Rows:
    rows = Rows(resolutions)
    rows.set(0, oraclePrice=(1000, 0), nextFundingRate=(7, 8))
    rows.bars([1000 + i * i % 7 for i in range(40)])
    rows.snapshot(999, 1001)
    rows.snapshot(99, 101, market=2)
    rows.tick(trade(0, 1001, 5), {"kind": "MARKET", "size": 1 << 5})
    return rows


def test_a_loaded_state_is_the_saved_one() -> None:
    rows = busy()
    saved, before = rows.signals.save(), rows.signals
    rows.signals = rows.fresh()
    rows.signals.load(saved)
    after = rows.signals
    assert after.save() == saved and after.digest() == before.digest()
    assert np.array_equal(after.scores, before.scores) and np.array_equal(after.sigmas, before.sigmas)
    assert np.array_equal(after.drifts, before.drifts) and after.drifts[0] != 0
    for m in range(4):
        assert (after.row(m), after.ready(m), after.parts(m)) == (
            before.row(m),
            before.ready(m),
            before.parts(m),
        )
        assert after.indicators(m, 0) == before.indicators(m, 0)
    before.load(Rows((0, 1)).signals.save())
    assert before.save() == Rows((0, 1)).signals.save(), "nothing of the old one is left"
    assert not before.sigmas.any() and before.row(0) == before.row(1)


def test_nothing_but_an_own_state_is_loaded() -> None:
    rows = busy()
    saved = rows.signals.save()
    wrong = [
        b"", saved[:-1], saved[:40], saved + bytes(8), b"x" + saved[1:], saved[:-1] + bytes([saved[-1] ^ 1]),
        busy((0, 2)).signals.save(), signals((0, 1)).save(),
    ]  # fmt: skip
    wrong += [saved[:i] + bytes([saved[i] ^ 16]) + saved[i + 1 :] for i in range(8, len(saved), 97)]
    for state in wrong:
        with pytest.raises(ValueError):
            rows.signals.load(state)
        assert rows.signals.save() == saved


def test_a_state_with_a_valid_seal_but_impossible_markets_is_refused() -> None:
    rows = busy()
    saved = rows.signals.save()
    size = int.from_bytes(saved[8:16], "little")
    head = 64
    for at, value in ((head, 9), (head, 2), (head + size, 0), (24, 5)):
        forged = sealed(saved[:at] + value.to_bytes(8, "little") + saved[at + 8 : -16])
        with pytest.raises(ValueError):
            rows.signals.load(forged)
    assert rows.signals.save() == saved
    rows.signals.load(sealed(saved[:-16]))


def sealed(state: bytes) -> bytes:
    """The seal of event.pxd's fold, over words and their places."""
    mask = (1 << 64) - 1
    a = b = len(state)
    for i in range(len(state) // 8):
        x, y = int.from_bytes(state[8 * i : 8 * i + 8], "little"), i
        m = (a ^ x ^ 0x9E3779B97F4A7C15) * (b ^ y ^ 0xD1B54A32D192ED03)
        a = m & mask ^ (b << 23 & mask | b >> 41) ^ x
        b = m >> 64 ^ a ^ y
    return state + a.to_bytes(8, "little") + b.to_bytes(8, "little")


@pytest.mark.parametrize(
    "row",
    [
        trade(0, 1001, 6), trade(1, 1001, 5), {"kind": "ORACLE", "price": 1000}, level(0, 999, 11),
        {"kind": "FUNDING", "price": 1, "venue_ns": 5}, {"kind": "BLOCK", "venue_ns": T0 + 10**12},
    ],
    ids=lambda row: row["kind"],
)  # fmt: skip
def test_the_digest_notices_a_row(row: dict[str, Any]) -> None:
    one, other = busy(), busy()
    assert one.signals.digest() == other.signals.digest()
    one.tick(row)
    other.tick()
    assert one.signals.digest() != other.signals.digest()
    a, b = one.signals.digest()
    assert one.tape.digests[2 * STAGE : 2 * STAGE + 2].tolist() == [a, b]


# ---- how scores spread ----------------------------------------------------------------------------


def test_on_a_sim_every_signal_moves_and_none_sits_at_an_end() -> None:
    sim = Sim(seed=11, markets=8, candles=("1MIN",))
    for spread in spreads(*sampled(sim, 6.0, 2_000_000_000)):
        assert spread.warm > 0.9, spread
        low, high = spread.percentiles[1], spread.percentiles[-2]
        assert high - low > 2, spread
        quiet = spread.name in ("volume", "footprint")
        assert spread.at_100 < 0.03 and (quiet or spread.at_0 < 0.03), spread
