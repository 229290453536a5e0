"""wording: figures and decisions in words."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.trading import Approved, Intent, Reason, Refused, Withdraw
from sniper.wording import cause, compared, figure, outcome_line, weighed
from tests.paper_run import run


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (61.0, "61"), (64.836, "64.84"), (0.0, "0"), (-9738.4, "-9,738.4"), (97_309.1, "97,309.1"),
        (681_712.0, "681,712"), (9.2e-06, "9.2e-06"), (1.5e18, "1.5e+18"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_figure_is_read_without_an_exponent(value: float, said: str) -> None:
    assert figure(value) == said


def test_a_limit_that_was_passed_over_is_told_as_one() -> None:
    assert compared(Reason("gate.score", 61.0, 65.0, False)) == "61, needed 65"
    assert (
        compared(Reason("risk.interest_tier", 681_700.0, 500_000.0, False))
        == "681,700, needed at most 500,000"
    )


def test_the_cause_of_a_decision_is_what_made_it() -> None:
    score, rsi = Reason("gate.score", 66.2, 65.0, True), Reason("signal.rsi", 40.0, 50.0, False)
    entry = Intent(0, 0, 5, score=66.2, strategy="sniper", reasons=(rsi, score))
    assert cause(entry) == "sniper score 66 of 65 despite rsi"
    time = Reason("exit.time", 5.0, 100.0, False)
    decay = Reason("exit.decay", 43.8, 45.0, True)
    stop = Reason("exit.stop", 99.0, 98.0, True)
    left = Intent(0, 1, 5, purpose="exit", strategy="sniper", reasons=(time, decay, rsi))
    assert cause(left) == "sniper decay 43.8 at 45"
    assert cause(left._replace(reasons=(stop, decay))) == "sniper stop"
    assert cause(left._replace(reasons=())) == "sniper"
    danger, far = Reason("danger_ppm", 5e5, 4e5, False), Reason("distance_sigmas", 3.9, 4.0, False)
    ladder = Intent(0, 1, 5, purpose="reduce", strategy="ladder", reasons=(danger, far, time))
    assert cause(ladder) == "ladder danger_ppm 500,000 distance_sigmas 3.9"
    assert cause(ladder._replace(purpose="protect", strategy="protection")) == "protection stop on the chain"


def test_what_weighed_most_comes_first_and_costs_count_against() -> None:
    made = (
        Reason("points.flow", 3.24, 9.0, True),
        Reason("points.trend", -5.5, 9.0, False),
        Reason("points.basis", 0.0, 9.0, True),
        Reason("cost.volume", 4.0, 8.0, False),
        Reason("points.rsi", 0.5, 1.0, True),
        Reason("points.book_3", 0.4, 1.0, True),
        Reason("gate.score", 66.2, 65.0, True),
    )
    assert weighed(Intent(0, 0, 1, reasons=made)) == "trend -5.5 volume -4.0 flow +3.2 rsi +0.5"
    assert weighed(Intent(0, 0, 1)) == ""


def test_decisions_are_told_in_coins_and_prices() -> None:
    decoder: Any = run(1, markets=2)[0].decoder
    eth = decoder.market("ETH-USD")
    entry = Intent(eth, 0, 36_197, 47)
    assert outcome_line(decoder, Approved(entry)) == "decided: entry buy ETH-USD, 0.047 at 3619.7"
    refused = outcome_line(decoder, Refused(entry._replace(size_steps=0), "margin", 1.0, 2.0, "too little"))
    assert refused == "refused: entry buy ETH-USD at 3619.7, by margin: too little"
    stop = Intent(eth, 1, 35_000, 47, "protect", "conditional", trigger="stop_loss", trigger_ticks=35_727)
    said = outcome_line(decoder, Approved(stop))
    assert said == "decided: protect sell ETH-USD, 0.047 when 3572.7 is touched, limit 3500"
    assert outcome_line(decoder, Withdraw(7, "no position")) == "withdrawn: order 7, no position"
