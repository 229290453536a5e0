"""View: whole from the start, plain through and through, and equal when nothing changed."""

from sniper import layout
from sniper.panels.view import View
from tests.views import sample


def test_each_panel_has_its_part() -> None:
    assert set(View._fields) == set(layout.PANELS)


def test_an_empty_view_is_a_view() -> None:
    assert View() == View()
    assert View().book.trust == "empty"


def test_equal_facts_are_equal_views() -> None:
    assert sample(3) == sample(3)
    assert sample(3) != sample(4)


def plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(plain(part) for part in value)
    return value is None or type(value) in (int, str, bool)


def test_a_view_is_plain() -> None:
    assert plain(sample())
