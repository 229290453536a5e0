"""strategies: what holds for every one of them, on made-up markets that do everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.handview import START_NS, HandView
from sniper.strategies.holdings import cause
from sniper.trading import BUY, Intent, Withdraw
from sniper.viewing import Strategy
from tests.handview import EAGER, KINDS, MARKETS, QUICK, SIGNALS, Wanted, World, play

NAMES = sorted(EAGER)
STEPS = 120
SEEDS = st.integers(0, 10**6)
NAN, INF = float("nan"), float("inf")


def shares(strategy: Any) -> list[tuple[int, float]]:
    return [(held.side, held.weight) for held in strategy._holdings.held.values()]


@pytest.mark.parametrize("name", NAMES)
def test_the_made_up_markets_make_every_strategy_act(name: str) -> None:
    """Or the tests below would prove nothing."""
    purposes = {i.purpose for w in play(EAGER[name](), World(3), 400) for i in w if isinstance(i, Intent)}
    assert purposes == {"entry", "exit"}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=SEEDS)
def test_the_same_market_gives_the_same_decisions(name: str, seed: int) -> None:
    one, two = EAGER[name](), EAGER[name]()
    assert play(one, World(seed), STEPS) == play(two, World(seed), STEPS)
    assert one.save() == two.save()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=SEEDS, other=SEEDS, until=st.integers(1, STEPS - 1))
def test_another_future_changes_nothing_before_it(name: str, seed: int, other: int, until: int) -> None:
    decided = []
    for future in (seed, other):
        world, strategy = World(seed), EAGER[name]()
        past = play(strategy, world, until)
        world.random, world.venue = Random(future + 7), Random(future + 8)
        play(strategy, world, 20)
        decided.append(past)
    assert decided[0] == decided[1]
    # And what was decided does not depend on how long it goes on.
    assert play(EAGER[name](), World(seed), STEPS)[:until] == decided[0]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=SEEDS, until=st.integers(0, STEPS))
def test_what_is_saved_goes_on_as_if_nothing_had_happened(name: str, seed: int, until: int) -> None:
    world, one, two = World(seed), EAGER[name](), EAGER[name]()
    play(one, world, until)
    two.load(one.save())
    assert two.save() == one.save()
    play(one, world, 60, lambda view, wanted: _same(two, view, wanted))
    assert two.save() == one.save()


def _same(strategy: Strategy, view: HandView, wanted: Wanted) -> None:
    assert tuple(strategy.decide(view)) == wanted


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(seed=SEEDS)
def test_entries_are_fit_and_shares_stay_within_the_caps(name: str, seed: int) -> None:
    strategy: Any = EAGER[name]()
    terms = strategy._settings.terms

    def each(view: HandView, wanted: Wanted) -> None:
        for intent in wanted:
            if not isinstance(intent, Intent):
                assert any(o.client_id == intent.client_id for rest in view.resting.values() for o in rest)
                continue
            facts = view.facts[intent.market]
            assert intent.strategy == strategy.name and intent.price_ticks >= 1
            if intent.purpose == "entry":
                assert facts.status == "ACTIVE" and facts.trust == "live" and view.account.computable
                assert facts.oracle_usd > 0 and intent.market not in view.positions
                assert terms.weight_min <= intent.weight <= terms.weight_max
                assert not [r for r in intent.reasons if r.name.startswith("gate.") and not r.passed]
                assert (intent.stop_ticks < intent.price_ticks) == (intent.side == BUY)
                assert intent.market in strategy._holdings.held
            else:
                assert intent.purpose == "exit" and intent.reduce_only and cause(intent.reasons)
                size = view.positions[intent.market].size_quantums
                assert intent.size_steps * facts.step_quantums == abs(size)
                assert (intent.side == BUY) == (size < 0)
        held = shares(strategy)
        foreign = [
            1 if p.size_quantums > 0 else -1
            for m, p in view.positions.items()
            if m not in strategy._holdings.held
        ]
        if not foreign:
            assert sum(w for _, w in held) <= terms.weight_total_max + 1e-9
            for side in (1, -1):
                assert sum(w for s, w in held if s == side) <= terms.weight_side_max + 1e-9
            assert len(held) <= terms.positions_max

    play(strategy, World(seed), STEPS, each)


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_never_goes_beyond_the_caps_even_beside_the_positions_of_others(name: str) -> None:
    strategy: Any = EAGER[name]()
    terms = strategy._settings.terms

    def each(view: HandView, wanted: Wanted) -> None:
        entries = [i for i in wanted if isinstance(i, Intent) and i.purpose == "entry"]
        others = [m for m in view.positions if m not in strategy._holdings.held]
        if entries:
            total = sum(w for _, w in shares(strategy)) + len(others) * terms.weight_max
            assert total <= terms.weight_total_max + 1e-9
            assert len(shares(strategy)) + len(others) <= terms.positions_max

    for seed in range(5):
        strategy = EAGER[name]()
        play(strategy, World(seed), 200, each)


def test_decisions_do_not_hang_on_how_python_hashes() -> None:
    code = (
        "import hashlib; from tests.handview import EAGER, World, play\n"
        "h = hashlib.sha256()\n"
        "for make in EAGER.values():\n"
        "    s = make(); h.update(repr(play(s, World(1), 150)).encode()); h.update(s.save())\n"
        "print(h.hexdigest())"
    )
    root = Path(__file__).parent.parent
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1 and len(seen.pop()) == 65


class Once:
    """A view that may be asked during its own tick only."""

    def __init__(self, view: HandView) -> None:
        self._view, self._over = view, False

    def __getattr__(self, name: str) -> Any:
        assert not self._over, "the view of a tick that is over was asked"
        return getattr(self._view, name)

    def end(self) -> None:
        self._over = True


@pytest.mark.parametrize("name", NAMES)
def test_no_strategy_keeps_a_view(name: str) -> None:
    strategy, world = EAGER[name](), World(11)
    for _ in range(200):
        view: Any = Once(world.step())
        world.take(strategy.decide(view))
        strategy.save()
        view.end()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(seed=SEEDS)
def test_to_explain_changes_nothing(name: str, seed: int) -> None:
    strategy, world = EAGER[name](), World(seed)
    for _ in range(60):
        view = world.step()
        before = strategy.save()
        told = [strategy.explain(view, market) for market in range(MARKETS)]
        assert strategy.save() == before
        assert told == [strategy.explain(view, market) for market in range(MARKETS)]
        assert all(isinstance(r.found, float) and isinstance(r.needed, float) for row in told for r in row)
        world.take(strategy.decide(view))


@pytest.mark.parametrize("name", ["sniper", "sniper post-only", "starter"])
@settings(max_examples=10)
@given(seed=SEEDS)
def test_whatever_was_looked_at_and_not_entered_has_a_closed_gate(name: str, seed: int) -> None:
    strategy, world = EAGER[name](), World(seed)

    def each(view: HandView, wanted: Wanted) -> None:
        for market in view.changed:
            closed = [
                r.name for r in strategy.explain(view, market) if r.name.startswith("gate.") and not r.passed
            ]
            assert closed, f"market {market}: every gate is open, and yet there is no entry"

    play(strategy, world, STEPS, each)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_state_is_refused_and_changes_nothing(name: str) -> None:
    strategy, world = EAGER[name](), World(5)
    play(strategy, world, 200)
    state = strategy.save()
    others = [EAGER[other]().save() for other in NAMES if other.split()[0] != name.split()[0]]
    for wrong in [b"", b"\xc0", state[:-1], state + b"\x00", state[:40], *others]:
        with pytest.raises(ValueError):
            strategy.load(wrong)
        assert strategy.save() == state


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_state_is_refused_or_is_a_state(name: str, data: st.DataObject) -> None:
    strategy = EAGER[name]()
    play(strategy, World(5), 60)
    state = bytearray(strategy.save())
    for _ in range(data.draw(st.integers(1, 3))):
        state[data.draw(st.integers(0, len(state) - 1))] = data.draw(st.integers(0, 255))
    fresh = EAGER[name]()
    before = fresh.save()
    try:
        fresh.load(bytes(state))
    except ValueError:
        assert fresh.save() == before
    else:
        again = EAGER[name]()
        again.load(fresh.save())
        assert again.save() == fresh.save()


NUMBERS = st.sampled_from([0.0, -1.0, NAN, INF, -INF, 1e300, 1e-300])
WHOLE = st.sampled_from([0, -1, 1, 10**18])
HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "bid_ticks": WHOLE,
        "ask_ticks": WHOLE,
        "bid_steps": WHOLE,
        "ask_steps": WHOLE,
        "step_quantums": WHOLE,
        "tick_usd": NUMBERS,
        "oracle_usd": NUMBERS,
        "sigma": NUMBERS,
        "drift": NUMBERS,
        "open_interest_usd": NUMBERS,
        "status": st.sampled_from(["PAUSED", "CANCEL_ONLY", "FINAL_SETTLEMENT", "INITIALIZING", ""]),
        "trust": st.sampled_from(["empty", "crossed", "stale", "rebuilding"]),
    },
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30)
@given(
    seed=st.integers(0, 50),
    facts=HOSTILE,
    scores=st.lists(NUMBERS, max_size=5),
    figures=st.lists(NUMBERS, min_size=6, max_size=6),
)
def test_hostile_facts_raise_nothing_and_give_no_entry_into_what_is_unfit(
    name: str, seed: int, facts: dict[str, Any], scores: list[float], figures: list[float]
) -> None:
    strategy, world = EAGER[name](), World(seed)
    play(strategy, world, 40)
    for _ in range(4):
        view = world.step()
        for market in range(MARKETS):
            view.set_facts(market, **facts)
            view.set_scores(market, *scores)
            for resolution in (0, 1):
                view.set_indicators(
                    market,
                    resolution,
                    bars=10**6 + view.tick,
                    **dict(
                        zip(("histogram", "atr", "adx", "volume", "close", "plus_di"), figures, strict=True)
                    ),
                )
            view.set_funding(market, expected=figures[0], realised=figures[1])
        view.changed = range(MARKETS)
        wanted = strategy.decide(view)
        for market in range(MARKETS):
            strategy.explain(view, market)
        for intent in wanted:
            if isinstance(intent, Withdraw):
                continue
            seen = view.facts[intent.market]
            assert seen.status == "ACTIVE" and seen.trust == "live" and seen.ask_ticks > seen.bid_ticks > 0
            assert seen.step_quantums > 0 and 0 < seen.tick_usd < INF
            if intent.purpose == "entry":
                assert 0 < seen.oracle_usd < INF and 0 < intent.weight <= QUICK.weight_max
                assert intent.stop_ticks > 0
        strategy.load(strategy.save())
        world.take(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_without_bars_rates_or_scores_nothing_is_entered(name: str) -> None:
    strategy, view = EAGER[name](), HandView(3, len(SIGNALS))
    for second in range(30):
        assert not strategy.decide(view.at(START_NS + second * 10**9))
        assert [r for r in strategy.explain(view, 0) if r.name.startswith("gate.") and not r.passed]
    assert KINDS[3:] == ("intensity", "intensity")
