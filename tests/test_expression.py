"""expression: exact values, missing ones, kinds, and errors that point at their column."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.expression import (
    DIGITS_MAX,
    LENGTH_MAX,
    NESTING_MAX,
    NUMBER,
    TEXT,
    TRUTH,
    ExpressionError,
    Function,
    condition,
    parse,
    shown,
)

BOOK: dict[str, Fraction | None] = {"BTC-USD": Fraction(5, 2), "EMPTY": None}


def known(parameter: str, text: str) -> str | None:
    return None if parameter != "market" or text in BOOK else f"unknown market {text}"


FUNCTIONS = {
    "spread": Function((("market", TEXT),), NUMBER, lambda m: BOOK.get(m), "the spread", known),
    "trust": Function(
        (("market", TEXT),), TEXT, lambda m: "live" if BOOK.get(m) else "empty", "trust", known
    ),
    "tick": Function((), NUMBER, lambda: 7, "the tick"),
    "most": Function((("a", NUMBER), ("b", NUMBER)), NUMBER, max, "the larger one"),
    "odd": Function((("n", NUMBER),), TRUTH, lambda n: n % 2 == 1, "whether it is odd"),
}


def value(text: str) -> Any:
    return parse(text, FUNCTIONS).value()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("0.1 + 0.2 == 0.3", True),
        ("1 / 3 * 3 == 1", True),
        ("10 - 2 - 3", 5),
        ("- 2 * 3", -6),
        ("--2", 2),
        ("2 - -2", 4),
        ("not 1 > 2", True),
        ("not 1 < 2 or 2 < 3", True),
        ("1 > 2 and 1 / 0 > 0 or 3 >= 3", True),
        ("1 > 2 or 2 > 1 and 3 > 4", False),
        ("'a' == \"a\"", True),
        ("'and' != 'or'", True),
        ("(1 < 2) == (3 < 4)", True),
        ("spread('BTC-USD') > 2.4 and trust('BTC-USD') == 'live'", True),
        ("most(tick(), 2 + 6) <= 8", True),
        ("odd(tick())", True),
        ("not odd(tick()) or tick() != 7", False),
        ("spread('EMPTY')", None),
        ("-spread('EMPTY')", None),
        ("spread('EMPTY') + 1", None),
        ("most(spread('EMPTY'), 1)", None),
        ("1 / (2 - 2)", None),
        ("spread('EMPTY') < 1", False),
        ("spread('EMPTY') == spread('EMPTY')", False),
        ("spread('EMPTY') != 1", False),
        ("odd(spread('EMPTY'))", None),
        ("not odd(spread('EMPTY'))", True),
        ("odd(spread('EMPTY')) or tick() > 1", True),
    ],
)
def test_values(text: str, wanted: object) -> None:
    assert value(text) == wanted and type(value(text)) is not float


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "expected a value, found the end"),
        ("1 +", 4, "expected a value, found the end"),
        ("1 2", 3, "expected an operator or the end, found 2"),
        ("(1", 3, "expected ), found the end"),
        ("1 = 2", 3, "equality is written =="),
        ("  tick() & 3", 10, "cannot read '&'"),
        ("trust('BTC) == 5", 7, "no closing quote"),
        ("spred('BTC-USD') > 5", 1, "there is no spred; did you mean spread?"),
        ("1 < __import__('os')", 5, "there is no __import__"),
        ("tick", 5, "expected (, found the end"),
        ("tick(1)", 1, "it is tick()"),
        ("1 < most(1)", 5, "it is most(a, b)"),
        ("spread(5)", 8, "market must be a text, this is a number"),
        ("spread('NOPE') > 5", 8, "unknown market NOPE"),
        ("'a' + 1", 1, "+ needs a number here, this is a text"),
        ("1 + 'a'", 5, "+ needs a number here, this is a text"),
        ("'a' < 'b'", 1, "< needs a number here, this is a text"),
        ("1 == 'a'", 6, "== needs a number here, this is a text"),
        ("1 and 2 > 1", 1, "and needs a condition here, this is a number"),
        ("not 5", 5, "not needs a condition, this is a number"),
        ("-'a'", 2, "- needs a number, this is a text"),
        ("1 < 2 < 3", 7, "join two comparisons with and"),
        ("and", 1, "expected a value, found and"),
        ("tick.__class__", 5, "cannot read '.'"),
        ("9" * (DIGITS_MAX + 1), 1, "a number of more than"),
        ("1" + "+1" * LENGTH_MAX, LENGTH_MAX + 1, "longer than"),
        ("(" * (NESTING_MAX + 1) + "1", NESTING_MAX + 1, "nested too deeply"),
    ],
)
def test_errors_point_at_their_column(text: str, column: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, FUNCTIONS)
    assert caught.value.column == column and said in str(caught.value)
    assert str(caught.value).startswith(f"column {column}: ")


def test_a_condition_must_be_true_or_false() -> None:
    assert condition("tick() > 5", FUNCTIONS).holds()
    assert not condition("spread('EMPTY') > 5", FUNCTIONS).holds()
    with pytest.raises(ExpressionError, match="not a condition"):
        condition("tick()", FUNCTIONS)


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        (None, "missing"),
        (True, "true"),
        (False, "false"),
        ("live", "live"),
        (-12, "-12"),
        (0, "0"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(1, 3), "~0.333333333333"),
        (Fraction(7, 1), "7"),
    ],
)
def test_values_for_people(given_value: Any, wanted: str) -> None:
    assert shown(given_value) == wanted


NUMBERS = st.decimals(0, 10**6, places=4).map(lambda d: f"{d:f}")


def combined(inner: st.SearchStrategy[tuple[str, Fraction | None]]) -> st.SearchStrategy[Any]:
    return st.builds(_binary, inner, st.sampled_from("+-*/"), inner) | inner.map(
        lambda one: (f"-({one[0]})", None if one[1] is None else -one[1])
    )


def _binary(a: tuple[str, Fraction | None], sign: str, b: tuple[str, Fraction | None]) -> Any:
    text = f"({a[0]} {sign} {b[0]})"
    if a[1] is None or b[1] is None or (sign == "/" and not b[1]):
        return text, None
    return text, {"+": a[1] + b[1], "-": a[1] - b[1], "*": a[1] * b[1], "/": b[1] and a[1] / b[1]}[sign]


@given(st.recursive(NUMBERS.map(lambda text: (text, Fraction(text))), combined, max_leaves=12))
def test_arithmetic_is_exact(made: tuple[str, Fraction | None]) -> None:
    text, wanted = made
    assert value(text) == wanted


@given(
    st.text(alphabet="tickspread()'BTC-USD <>=!+*/.0123and or not,\"_@", max_size=40) | st.text(max_size=30)
)
def test_any_text_is_an_expression_or_an_error_within_it(text: str) -> None:
    try:
        parse(text, FUNCTIONS).value()
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
