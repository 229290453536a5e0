"""Table: the columns that fit, in their order, exactly as wide as the panel."""

from hypothesis import given
from hypothesis import strategies as st

from sniper.panels.table import Column, cells, geometry, titles
from tests.screen import check_rows

COLUMNS = st.lists(
    st.builds(
        Column,
        st.text("abc", min_size=1, max_size=6),
        st.integers(1, 12),
        st.integers(0, 9),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
).map(tuple)


@given(COLUMNS, st.integers(0, 120))
def test_rows_are_as_wide_as_the_panel(columns: tuple[Column, ...], width: int) -> None:
    values = tuple((f"value {i}", "dim") for i in range(len(columns)))
    check_rows([titles(columns, width), cells(columns, width, values)], width, 2)


@given(COLUMNS, st.integers(0, 120))
def test_what_is_dropped_matters_less_than_what_is_kept(columns: tuple[Column, ...], width: int) -> None:
    kept, widths = geometry(columns, width)
    assert list(kept) == sorted(kept) and len(kept) == len(widths) >= 1
    dropped = set(range(len(columns))) - set(kept)
    assert all(columns[i].rank >= max(columns[k].rank for k in kept) for i in dropped)
    assert all(w >= columns[k].width for k, w in zip(kept, widths, strict=True))
    if len(kept) > 1:
        assert sum(widths) + len(widths) - 1 <= width


def test_text_stands_left_and_numbers_right() -> None:
    columns = (Column("name", 6, 0, leftmost=True), Column("n", 4, 1))
    row = cells(columns, 11, (("ab", ""), ("7", "")))
    assert "".join(text for text, _ in row) == "ab        7"[:11]
