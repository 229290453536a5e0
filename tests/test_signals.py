"""The signals kernel: rules told one by one, questions, state."""

from __future__ import annotations

import pytest

from sniper._ext.signals import SIGNAL_FIELDS, SIGNAL_TABLE, SIGNALS, Signals
from sniper.engine import Engine


def signals(resolutions: tuple[int, ...] = (0, 1, 2, 4)) -> Signals:
    engine = Engine()
    return Signals(engine.tape, engine.decoder.markets, engine.books, engine.candles, resolutions=resolutions)


def test_the_table_has_one_line_a_signal() -> None:
    assert [line[0] for line in SIGNAL_TABLE] == list(SIGNALS)
    assert len(set(SIGNALS)) == len(SIGNALS) == signals().scores.shape[1]
    for line in SIGNAL_TABLE:
        assert len(line) == len(SIGNAL_FIELDS) and all(line)
        assert line[1] in ("directional", "intensity")


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
    with pytest.raises(ValueError):
        made.apply(1 << 30)
    with pytest.raises(ValueError):
        made.scores[0, 0] = 1.0
