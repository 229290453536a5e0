"""Palette: one name, one style, in both palettes; states never lack one."""

from sniper._ext.tape import LINK_NAMES, TRUST_NAMES
from sniper.feed.link_state import State
from sniper.panels import palette


def test_both_palettes_have_the_same_names() -> None:
    assert set(palette.STYLES) == set(palette.STYLES_16)


def test_every_state_of_the_core_has_a_style() -> None:
    assert set(palette.TRUST) == set(TRUST_NAMES)
    assert {*LINK_NAMES} - {""} <= set(palette.LINK)
    assert {state.value for state in State} - {"idle"} <= set(palette.LINK), "of a live feed's connections"
    for names in (palette.TRUST, palette.LINK, palette.SEVERITY):
        assert set(names.values()) <= set(palette.STYLES)


def test_sixteen_colours_keep_bids_green_and_asks_red() -> None:
    for name, color in (("bid", "green"), ("ask", "red"), ("rising", "green"), ("falling", "red")):
        style = palette.STYLES_16[name]
        assert style.color is not None and style.color.name == color


def test_signs_without_colour_are_as_many() -> None:
    for table in palette.WITHOUT_COLOR.values():
        assert all(len(chr(sign)) == 1 for sign in table.values())


def test_sign() -> None:
    assert [palette.sign(n) for n in (5, 0, -5)] == ["bid", "dim", "ask"]
