"""Candles: bodies, wicks, axis, volumes and times where they belong."""

import pytest

from sniper.panels import candles
from sniper.panels.view import Bar, Candles, View
from tests.captures import SIZES, check_panel, text_of
from tests.screen import check_rows
from tests.views import sample


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_looks_as_captured(size: tuple[int, int]) -> None:
    check_panel("candles", sample(), size)


@pytest.mark.parametrize("height", [0, 1, 2, 3, 7, 30])
@pytest.mark.parametrize("width", [8, 20, 36, 61, 150])
def test_rows_fit_any_size_full_or_empty(width: int, height: int) -> None:
    for view in (sample(), sample(crossed=False), View()):
        check_rows(candles.draw(view, width, height), width, height)


MINUTE_NS = 60_000_000_000


def chart(*bars: tuple[int, int, int, int, int]) -> Candles:
    """Bars of (open, high, low, close, volume), a minute each."""
    rows = tuple(Bar(i * MINUTE_NS, o, h, lo, c, v, 1) for i, (o, h, lo, c, v) in enumerate(bars))
    return Candles("X", "1MIN", MINUTE_NS, 1, 0, rows)


def columns(facts: Candles, width: int = 30, height: int = 10) -> list[str]:
    """The chart's columns, read downwards, without axis and volumes."""
    lines = text_of(candles.draw(View(candles=facts), width, height)).split("\n")[1:-2]
    edge = next(line.index("◂") for line in lines if "◂" in line)
    return ["".join(line[i] for line in lines) for i in range(edge - len(facts.bars), edge)]


def test_a_body_spans_open_to_close_and_the_wicks_the_rest() -> None:
    rising, falling = columns(chart((0, 130, 0, 65, 1), (130, 130, 0, 0, 1)))
    assert rising == "│││╽┃┃┃"
    assert rising[-1] == "┃" and rising[0] == "│"
    assert set(falling) == {"┃"}


def test_a_flat_bar_is_still_seen() -> None:
    (flat, _) = columns(chart((50, 50, 50, 50, 0), (0, 100, 0, 100, 1)))
    assert flat.strip() in ("╹", "╻")


def test_directions_differ_in_style() -> None:
    rows = candles.draw(View(candles=chart((0, 9, 0, 9, 5), (9, 9, 0, 0, 5), (0, 9, 0, 9, 5))), 30, 12)
    styles = [style for row in rows for text, style in row if "┃" in text or "█" in text]
    assert {"rising", "falling"} <= set(styles)


def test_the_axis_names_the_extremes_and_the_last_close() -> None:
    text = text_of(candles.draw(View(candles=chart((0, 1000, 0, 500, 5), (500, 600, 400, 450, 5))), 40, 14))
    assert "╴100.0" in text and "◂45.0" in text
    assert "C 45.0" in text and "V 5" in text


def test_volumes_scale_to_the_largest() -> None:
    lines = text_of(
        candles.draw(View(candles=chart((1, 2, 1, 2, 80), (2, 2, 1, 1, 10), (1, 2, 1, 2, 0))), 30, 10)
    ).split("\n")
    volume = next(line for line in lines if "█" in line and "▁" in line)
    assert "█▁ " in volume


def test_times_stand_under_their_bars() -> None:
    bars = chart(*((1, 2, 1, 2, 1) for _ in range(40)))
    lines = text_of(candles.draw(View(candles=bars), 60, 12)).split("\n")
    assert "│00:10" in lines[-1] and "│01-01" in lines[-1]
    assert lines[-1].index("│00:30") - lines[-1].index("│00:10") == 20


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60, 240, 1440])
def test_every_resolution_has_times_on_its_axis(minutes: int) -> None:
    bars = tuple(Bar(i * minutes * MINUTE_NS, 1, 2, 1, 2, 1, 1) for i in range(80))
    view = View(candles=Candles("X", "R", minutes * MINUTE_NS, 0, 0, bars))
    last = text_of(candles.draw(view, 100, 12)).split("\n")[-1]
    assert last.count("│") >= 2


def test_what_cannot_be_drawn_is_said() -> None:
    assert "no bars yet" in text_of(candles.draw(View(), 40, 12))
    assert "too small" in text_of(candles.draw(sample(), 40, 5))
    assert candles.bars_max(5) == 0 and candles.bars_max(44) == 36
