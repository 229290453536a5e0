"""drill: the ladder in scripted disasters, and that the proof can fail."""

from __future__ import annotations

import os

import pytest

from sniper.drill import Drill, Moment, Outcome
from sniper.drill_market import SECOND_NS, Script
from sniper.engine import Settings
from sniper.paper_settings import PaperSettings
from sniper.risk_settings import LadderSettings
from tests.drills import EQUITY, Plan, drill, ending, main, paper, plan, settings, table, wrong

S = SECOND_NS
FALL = Script((("BTC-USD", -180_000), ("ETH-USD", -200_000)), 3 * S, 4 * S, depth_ppm=200_000)
CALM = Plan(4, "even", FALL, 6_000_000, False, "usual")
DULL = LadderSettings(reduce_collar_ppm=0, flatten_collar_ppm=0, retry_ns=3600 * S, reaction_ns=0)
"""A ladder that sees all and asks once, for a price that only the best level gives."""


def run(one: Plan, ladder: LadderSettings | None = None, told: list[Moment] | None = None) -> Outcome:
    made = settings(one)
    assert made.desk is not None
    if ladder is not None:
        made = made._replace(desk=made.desk._replace(risk=made.desk.risk._replace(ladder=ladder)))
    tell = None if told is None else told.append
    return Drill(one.script, one.seed, made, paper(one), one.leverage_ppm, tell).run()


def test_the_ladder_saves_what_its_absence_loses() -> None:
    told: list[Moment] = []
    saved = run(CALM, told=told)
    assert not saved.liquidated and saved.way_out_ns is None and wrong(saved) == ""
    assert saved.flat and saved.kept_ppm > 500_000
    assert [rung for _, rung in saved.rungs] == sorted({rung for _, rung in saved.rungs})
    assert saved.at_once_ppm is None and saved.lowest_ppm <= saved.kept_ppm  # it was its own twin
    slow = run(CALM._replace(script=FALL._replace(over_ns=20 * S)))
    assert slow.at_once_ppm is not None and 500_000 < slow.at_once_ppm < 1_000_000
    said = "\n".join(line for moment in told for line in moment.said)
    assert "sold" in said and "BTC-USD" in said and "rung 0 ->" in said
    deep = CALM._replace(script=FALL._replace(moves=(("BTC-USD", -300_000), ("ETH-USD", -300_000))))
    assert not run(deep).liquidated
    lost = run(deep, DULL)
    assert lost.liquidated and lost.way_out_ns is not None and not lost.beyond_reach
    assert wrong(lost).startswith("liquidated though an exit existed")
    assert lost.kept_ppm < saved.kept_ppm


def test_a_gap_beyond_reach_is_a_loss_and_is_told_so() -> None:
    gap = run(CALM._replace(script=FALL._replace(steps=1)))
    assert gap.liquidated and gap.beyond_reach and wrong(gap) == ""
    assert ending(gap) == "beyond reach" and gap.liquidated_ns is not None


def test_it_begins_at_the_leverage_asked_for_and_repeats() -> None:
    told: list[Moment] = []
    quiet = CALM._replace(script=FALL._replace(moves=(("BTC-USD", -1), ("ETH-USD", 1)), over_ns=S))
    first = run(quiet, told=told)
    begun = told[0]
    assert begun.net == pytest.approx(EQUITY, rel=1e-3)
    assert begun.maintenance == pytest.approx(6 * EQUITY * 0.012, rel=2e-3)  # BTC and ETH: 1.2 %
    assert ending(first) == "held" and not first.flat and first.rungs == ()
    assert run(quiet) == first
    assert run(quiet._replace(seed=5)).digest != first.digest


def test_a_deaf_feed_is_told_and_the_venue_trades_on_the_market_as_it_is() -> None:
    told: list[Moment] = []
    script = FALL._replace(deaf_from_ns=2 * S, deaf_ns=6 * S)
    deaf = run(CALM._replace(script=script), told=told)
    said = [line for moment in told for line in moment.said]
    assert "the feed fell silent" in said and "the feed hears again" in said
    silent = [moment for moment in told if moment.deaf and moment.net > 0]
    assert any(moment.seen_net > moment.net + EQUITY // 4 for moment in silent), "it believed the old prices"
    assert deaf.liquidated and deaf.beyond_reach, "no rung could hold on what it heard"


def test_wrong_orders_of_rungs_are_found() -> None:
    sound = run(CALM._replace(script=FALL._replace(moves=(("BTC-USD", -1), ("ETH-USD", -1)), over_ns=S)))
    assert wrong(sound) == ""
    assert wrong(sound._replace(rungs=((0, 4), (S, 2)))) == "rung 4 -> 2 at 1.00 s"
    assert wrong(sound._replace(acts=((S, "flatten", 3),))) == "flatten on rung 3 at 1.00 s"
    assert wrong(sound._replace(acts=((S, "reduce", 2),))) == "reduce on rung 2 at 1.00 s"
    assert ending(sound._replace(liquidated=True, way_out_ns=1)) == "LIQUIDATED"


def test_a_drill_needs_the_decision_half() -> None:
    with pytest.raises(ValueError, match="decision half"):
        Drill(FALL, 1, Settings(), PaperSettings(), 5_000_000)


def test_plans_cover_what_the_proof_promises() -> None:
    plans = [plan(seed) for seed in range(300)]
    falls = [-one.script.moves[0][1] for one in plans]
    assert min(falls) >= 50_000 and max(falls) <= 400_000
    assert min(one.leverage_ppm for one in plans) >= 5_000_000
    assert {len(one.script.moves) for one in plans} == {2}
    assert {one.kind for one in plans} == {"even", "leaps", "gap"} and {one.slots for one in plans} == {
        True,
        False,
    }
    assert any(one.script.deaf_ns for one in plans) and any(one.script.moves[1][1] > 0 for one in plans)


def test_a_share_of_the_drills_with_a_rotating_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """SNIPER_DRILLS: how many; the seed follows the number of the run, so that CI sees others every time."""
    times = int(os.environ.get("SNIPER_DRILLS", "6"))
    seed = int(os.environ.get("GITHUB_RUN_NUMBER", "1")) * 1000
    assert main(["--times", str(times), "--seed", str(seed)]) == 0, capsys.readouterr().out
    assert f"{times} drills, 0 wrong" in capsys.readouterr().out


def test_the_table_counts_endings() -> None:
    told = [drill(seed) for seed in (3,)]
    assert len(table(told)) == 2 and " 1 " in table(told)[1]
