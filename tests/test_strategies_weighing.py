"""strategies.weighing: weights, filters, and that every point can be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.errors import ConfigError
from sniper.strategies.weighing import DIRECTIONAL, INTENSITY, Filter, Weighing, filter_reasons, missing

SIGNALS = ("momentum", "trend", "volume", "depth")
KINDS = (DIRECTIONAL, DIRECTIONAL, INTENSITY, INTENSITY)
ROW = st.tuples(*[st.floats(0.0, 100.0)] * 4)
WEIGHT = st.floats(-5.0, 5.0).filter(lambda w: abs(w) > 0.01)
NAN = float("nan")


def test_the_score_is_the_weighted_mean_and_50_where_votes_cancel_out() -> None:
    weighing = Weighing(SIGNALS, KINDS, (("momentum", 3.0), ("trend", 1.0)), ())
    assert weighing.long_score((90.0, 10.0, 0.0, 0.0)) == pytest.approx(70.0)
    assert weighing.long_score((50.0, 50.0, 0.0, 0.0)) == pytest.approx(50.0)
    against = Weighing(SIGNALS, KINDS, (("momentum", 1.0), ("trend", -1.0)), ())
    assert against.long_score((80.0, 20.0, 0.0, 0.0)) == pytest.approx(80.0)
    assert against.long_score((80.0, 80.0, 0.0, 0.0)) == pytest.approx(50.0)
    assert weighing.mask == 0b11


@given(row=ROW, one=WEIGHT, other=WEIGHT, side=st.sampled_from([-1, 1]))
def test_the_points_of_all_signals_are_the_score(
    row: tuple[float, ...], one: float, other: float, side: int
) -> None:
    weighing = Weighing(
        SIGNALS, KINDS, (("momentum", one), ("trend", other)), (Filter("volume", 30.0, points=12.0),)
    )
    score = weighing.long_score(row)
    assert -1e-9 <= score <= 100.0 + 1e-9
    told = {r.name: r for r in weighing.reasons(row, side)}
    points = told["points.momentum"].found + told["points.trend"].found
    assert 50.0 + points == pytest.approx(score if side > 0 else 100.0 - score)
    assert abs(told["points.trend"].found) <= told["points.trend"].needed + 1e-9
    assert told["cost.volume"].found == pytest.approx(weighing.cost(row))
    assert told["cost.volume"].passed == (row[2] >= 30.0) == told["filter.volume"].passed
    assert told["weight.momentum"].found == one


def test_a_filter_costs_in_proportion_to_what_is_missing() -> None:
    weighing = Weighing(
        SIGNALS,
        KINDS,
        (("momentum", 1.0),),
        (Filter("volume", 40.0, 80.0, points=12.0), Filter("depth", 20.0)),
    )
    costs = [weighing.cost((50.0, 50.0, volume, 0.0)) for volume in (0.0, 10.0, 40.0, 80.0, 90.0, 100.0, NAN)]
    assert costs == pytest.approx([12.0, 9.0, 0.0, 0.0, 6.0, 12.0, 12.0])
    assert [weighing.passes((50.0, 50.0, 0.0, depth)) for depth in (19.9, 20.0, 100.0, NAN)] == [
        False,
        True,
        True,
        False,
    ]
    assert weighing.mask == 0b1101


def test_what_is_missing_of_a_range() -> None:
    assert missing(5.0, 0.0, 10.0) == 0.0
    assert missing(-5.0, 0.0, 10.0) == 1.0
    assert missing(15.0, 0.0, 10.0, 10.0) == 1.0
    (gate,) = filter_reasons(Filter("x", 5.0, 10.0), 12.0)
    assert (gate.name, gate.found, gate.needed, gate.passed) == ("gate.x", 12.0, 10.0, False)
    (gate,) = filter_reasons(Filter("x", 5.0, 10.0), 4.0)
    assert (gate.needed, gate.passed) == (5.0, False)


@pytest.mark.parametrize(
    ("weights", "filters", "said"),
    [
        ((("momentun", 1.0),), (), "momentun, which does not exist. Did you mean momentum?"),
        ((("volume", 1.0),), (), "volume, but that is an intensity: give it a filter"),
        ((("momentum", 1.0),), (Filter("trend"),), "trend, but that is directional: give it a weight"),
        ((("momentum", 1.0),), (Filter("nothing"),), "nothing, which does not exist"),
        ((("momentum", 0.0),), (), "no signal has a weight"),
        ((), (), "no signal has a weight"),
        ((("momentum", NAN),), (), "absurd"),
        ((("momentum", 1.0), ("momentum", 2.0)), (), "listed twice"),
        ((("momentum", 1.0),), (Filter("volume"), Filter("volume", 3.0)), "listed twice"),
        ((("momentum", 1.0),), (Filter("volume", 50.0, 40.0),), "lets nothing through"),
    ],
)
def test_what_cannot_be_weighed_is_told_at_once(
    weights: tuple[tuple[str, float], ...], filters: tuple[Filter, ...], said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        Weighing(SIGNALS, KINDS, weights, filters)
    assert said in str(error.value)


def test_every_signal_has_a_kind() -> None:
    with pytest.raises(ConfigError, match="4 signals have 1 kinds"):
        Weighing(SIGNALS, KINDS[:1], (("momentum", 1.0),), ())
