"""Pipeline: the frame, its rows and what they changed, stage by stage."""

import pytest

from sniper.panels import pipeline
from sniper.panels.view import Change, Pipeline, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("pipeline", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(pipeline.draw(view, width, height), width, height)


def test_each_stage_stands_with_its_cost_and_its_changes() -> None:
    lines = [line.split() for line in text_of(pipeline.draw(sample(), 70, 14)).split("\n")]
    assert lines[0][:5] == ["frame", "1/3", "of", "tick", "123,456"]
    assert ["decode", "210ns", "LEVEL", "bid", "97123", "2.5000"] in lines
    assert ["book", "80ns", "bid", "97123", "1.2000", "→", "2.5000"] in lines
    assert ["bid", "97101", "none", "→", "0.0512"] in lines
    assert ["candles", "82ns", "1MIN", "close", "97120", "→", "97123"] in lines
    assert ["links", "40ns", "-"] in lines


def test_rows_that_do_not_fit_are_counted() -> None:
    facts = Pipeline(1, 0, 1, 0, 9, "{}", 40, (("LEVEL", "bid 1 2"),), (), (("decode", 5),))
    assert "LEVEL bid 1 2  +39 rows" in text_of(pipeline.draw(View(pipeline=facts), 60, 5))


def test_a_removed_level_becomes_none() -> None:
    change = Change("book", "ask 5", "3", "")
    facts = Pipeline(1, 0, 1, 0, 9, "{}", 1, (), (change,), (("decode", 5), ("book", 6)))
    assert "ask 5 3 → none" in text_of(pipeline.draw(View(pipeline=facts), 60, 5))


def test_it_waits_in_words() -> None:
    assert "waiting for a frame" in text_of(pipeline.draw(View(), 60, 5))
