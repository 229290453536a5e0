"""Quantile tables."""

from __future__ import annotations

import pytest

from sniper.feed.sim import shapes


def test_a_table_runs_through_its_points() -> None:
    table = shapes.inverse(((0.0, 0.0), (0.5, 10.0), (1.0, 110.0)), scale=2.0)
    assert len(table) == shapes.SLOTS + 1
    assert table[0] == 0.0 and table[-1] == 220.0
    assert table[shapes.SLOTS // 2] == pytest.approx(20.0)
    assert table[shapes.SLOTS // 4] == pytest.approx(10.0)
    assert table == sorted(table)
    assert shapes.mean(table) == pytest.approx(0.5 * 10.0 + 0.5 * 120.0)


@pytest.mark.parametrize(
    "points", [((0.1, 0.0), (1.0, 1.0)), ((0.0, 0.0), (0.9, 1.0)), ((0.0, 5.0), (1.0, 4.0), (0.5, 6.0))]
)
def test_points_that_do_not_rise_are_refused(points: shapes.Points) -> None:
    with pytest.raises(ValueError, match="rise"):
        shapes.inverse(points)


def test_the_shapes_keep_what_was_measured() -> None:
    def at(points: shapes.Points, share: float) -> float:
        return shapes.inverse(points)[int(share * shapes.SLOTS)]

    assert at(shapes.BURST, 0.5) == pytest.approx(9, rel=0.1)
    assert at(shapes.BURST, 0.9) == pytest.approx(27, rel=0.1)
    assert shapes.mean(shapes.inverse(shapes.BURST)) == pytest.approx(15, rel=0.1)
    assert shapes.mean(shapes.inverse(shapes.WAIT)) == pytest.approx(1.0, rel=0.05)
    assert set(shapes.CLUMP) == {1, 2, 3, 4, 5}
    for points in (
        shapes.DISTANCE_BPS,
        shapes.SIZE_USD,
        shapes.TOUCH_USD,
        shapes.TRADE_USD,
        shapes.STEP_BACK,
    ):
        assert shapes.inverse(points)[0] > 0
