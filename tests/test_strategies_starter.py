"""strategies.starter: what `sniper new strategy` begins with. What holds for all strategies is in test_strategies."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.errors import ConfigError
from sniper.handview import KINDS, SIGNALS, START_NS, HandView
from sniper.strategies.holdings import cause
from sniper.strategies.starter import Starter, StarterSettings
from sniper.trading import BUY, SELL, Intent

SECOND = 1_000_000_000


def fresh(**changes: Any) -> Starter:
    return Starter(SIGNALS, KINDS, StarterSettings(signal="up")._replace(**changes))


@pytest.mark.parametrize(("score", "side"), [(70.0, BUY), (30.0, SELL), (69.9, None), (30.1, None)])
def test_it_follows_one_score(score: float, side: int | None) -> None:
    view = HandView(1)
    view.set_scores(0, score)
    sides = [i.side for i in fresh().decide(view.at(START_NS)) if isinstance(i, Intent)]
    assert sides == ([] if side is None else [side])


def test_it_leaves_when_the_score_is_gone_and_explains_both() -> None:
    view, strategy = HandView(1), fresh()
    view.set_scores(0, 20.0)
    assert strategy.decide(view.at(START_NS))
    view.open(0, SELL, 10, 1000.0, "starter")
    assert not strategy.decide(view.at(START_NS + SECOND))
    assert "exit.score" in {r.name for r in strategy.explain(view, 0)}
    view.set_scores(0, 55.0)
    (intent,) = strategy.decide(view.at(START_NS + 2 * SECOND))
    assert isinstance(intent, Intent) and cause(intent.reasons) == "exit.score"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"signal": "nothing"}, "there is no signal nothing: there are up, down, much"),
        ({"signal": "much"}, "says how much, not which way"),
        ({"exit_score": 70.0}, "exit_score is not below"),
        ({"stop_bps": 0.0}, "stop_bps = 0.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        fresh(**changes)
    assert said in str(error.value)
