"""backtest_series: samples in bounded room."""

from __future__ import annotations

import numpy as np
import pytest

from sniper import backtest_series
from sniper.backtest_series import Series, nearest, scores_of
from sniper.engine import Engine
from tests import paper_run


@pytest.fixture(scope="module")
def engine() -> Engine:
    return paper_run.run(80.0, markets=8)[0]


def test_a_full_series_keeps_every_other_sample(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest_series, "SAMPLES_MAX", 8)
    series = Series(engine, 10)
    for now_ns in range(0, 1000, 10):
        if now_ns >= series.due_ns:
            series.take(now_ns)
    times = [sample.now_ns for sample in series.samples]
    assert 4 <= len(times) <= 8 and times[0] == 0 and series.step_ns == 160
    assert times == sorted(set(times))
    assert len(series.samples[0].prices) == len(scores_of(series.samples[0])) == 8


def test_scores_are_those_of_the_signals_and_no_more_markets_are_kept_than_there_is_room_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.desk is not None
    series = Series(engine, 10)
    series.take(0)
    assert np.array_equal(scores_of(series.samples[0]), engine.desk.signals.scores[:8].astype(np.float32))
    monkeypatch.setattr(backtest_series, "KEPT_MAX", 3)
    series.take(10)
    assert len(series.samples[1].prices) == len(scores_of(series.samples[1])) == 3


def test_the_nearest_position(engine: Engine) -> None:
    desk = engine.desk
    assert desk is not None and desk.account.positions
    count = int(desk.margin.accounts[0]["positions"])
    rows = [row for row in desk.margin.positions[0][:count] if row["liquidation_price"] > 0.0]
    found = nearest(desk, 7)
    if not rows:
        assert found is None
    else:
        assert found is not None and found.percent == min(float(row["distance_percent"]) for row in rows)
    assert nearest(paper_run.engine().desk, 7) is None
