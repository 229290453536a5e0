"""The small change of the panels against the plainest way to say the same."""

from decimal import ROUND_HALF_UP, Context, Decimal

from hypothesis import given
from hypothesis import strategies as st

from sniper._ext import cells
from sniper.feed.link_state import State

EXACT = Context(prec=200)
TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc", "Cs")), max_size=12
)
CELL = st.tuples(TEXTS, st.sampled_from(["", "bid", "dim"]))
CELLS = st.lists(CELL, max_size=5).map(tuple)


def half_away(mantissa: int, decimals: int, places: int) -> str:
    value = (
        Decimal(mantissa).scaleb(-decimals, EXACT).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)
    )
    return f"{value:f}" if value else f"{abs(value):f}"


@given(st.integers(-(10**30), 10**30) | st.integers(-1000, 1000), st.integers(-20, 24), st.integers(0, 24))
def test_fixed_rounds_half_away_from_zero(mantissa: int, decimals: int, places: int) -> None:
    assert cells.fixed(mantissa, decimals, places) == half_away(mantissa, decimals, places)


@given(
    st.sampled_from([2**63 - 1, -(2**63), 2**63, 10**18, -(10**18)]), st.integers(0, 19), st.integers(0, 19)
)
def test_fixed_at_the_edge_of_64_bits(mantissa: int, decimals: int, places: int) -> None:
    assert cells.fixed(mantissa, decimals, places) == half_away(mantissa, decimals, places)


@given(TEXTS, st.integers(-2, 16))
def test_left_and_right_fill_or_cut(text: str, width: int) -> None:
    for set_, fill in ((cells.left, text.ljust), (cells.right, text.rjust)):
        cut = f"{text[: max(0, width - 1)]}…" if width > 0 else ""
        assert set_(text, width) == (fill(max(0, width)) if len(text) <= max(0, width) else cut)


def looks(row: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Each character with its style; of a blank, the blank alone."""
    return [(char, style if char != " " else "") for text, style in row for char in text]


@given(st.integers(0, 40), CELLS)
def test_a_line_is_what_its_cells_are_up_to_its_width(width: int, row: tuple[tuple[str, str], ...]) -> None:
    found = looks(cells.line(width, *row))
    wanted = looks(row)
    assert len(found) == width
    if len(wanted) <= width:
        assert found == wanted + [(" ", "")] * (width - len(wanted))
    else:  # the last cell that shows is cut with an ellipsis, and what fits exactly is not
        short = [at for at in range(width) if found[at] != wanted[at]]
        assert short in ([], [width - 1])
        assert not short or found[-1][0] == "…"


@given(st.integers(0, 60), CELLS, CELLS)
def test_the_end_gives_way(
    width: int, start: tuple[tuple[str, str], ...], end: tuple[tuple[str, str], ...]
) -> None:
    room = width - sum(len(text) for text, _ in (*start, *end))
    if room >= 1:
        assert looks(cells.ends(width, start, end)) == looks((*start, (" " * room, ""), *end))
    else:
        assert cells.ends(width, start, end) == cells.line(width, *start)


def test_a_bar_shows_eighths() -> None:
    assert [cells.bar(part, 16, 2) for part in (0, 1, 4, 8, 9, 16, 99)] == [
        "  ",
        "▏ ",
        "▌ ",
        "█ ",
        "█▏",
        "██",
        "██",
    ]
    assert cells.bar(10**30, 2 * 10**30, 4) == "██  "
    assert cells.bar(1, 2, 0) == "" and cells.bar(1, 0, 3) == "   "


def test_a_kind_of_text_is_text() -> None:
    assert cells.left(State.LIVE, 6) == "live  " and cells.right(State.LIVE, 6) == "  live"
    assert cells.line(6, (State.LIVE, "bid")) == (("live", "bid"), ("  ", ""))
    assert cells.ends(6, ((State.LIVE, "bid"),), (("x", ""),)) == (("live", "bid"), (" ", ""), ("x", ""))
