"""A small, safe language for conditions such as `spread('BTC-USD') > 5 and trust('BTC-USD') == 'live'`.

Numbers (exact: nothing is rounded), texts in quotes, `+ - * /`, `< <= > >= == !=`, `and or not`, parentheses, and
the functions that it is given. There is no way to anything else. What has no value (the price of an empty book, a
division by zero) is missing: what is computed from it is missing too, and a comparison with it is false.

Kinds are checked when an expression is read, so that a mistake shows at once and points at its column.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple

from sniper.errors import UsageError

Value = int | Fraction | str | bool | None
Node = Callable[[], Value]

NUMBER, TEXT, TRUTH = "number", "text", "truth"
LENGTH_MAX: Final = 1000
NESTING_MAX: Final = 40
DIGITS_MAX: Final = 40

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<sign><=|>=|==|!=|[-+*/<>(),]))",
    re.ASCII,
)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_BINDS: Final = {"or": 1, "and": 2, **dict.fromkeys(_COMPARE, 4), "+": 5, "-": 5, "*": 6, "/": 6}
_NOT_BINDS, _MINUS_BINDS = 3, 7
_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], int | Fraction]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


class ExpressionError(UsageError):
    """What is wrong with an expression, and at which column (from 1)."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


class Function(NamedTuple):
    """One function of the language. parameters: their names and kinds; result: its kind; call: takes values that
    are never missing. check: may refuse a text written as an argument: (its name, the text) -> what is wrong."""

    parameters: tuple[tuple[str, str], ...]
    result: str
    call: Callable[..., Value]
    help: str
    check: Callable[[str, str], str | None] | None = None


class Expression(NamedTuple):
    """A checked expression. kind: of its value; value: computes it anew at each call, None: missing."""

    text: str
    kind: str
    value: Node

    def holds(self) -> bool:
        """Whether a condition is true now; a missing one is not."""
        return self.value() is True


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Typed(NamedTuple):
    kind: str
    value: Node
    column: int
    literal: str | None = None


def parse(text: str, functions: Mapping[str, Function]) -> Expression:
    """Read an expression. ExpressionError says what is wrong and where."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"longer than {LENGTH_MAX} characters", LENGTH_MAX + 1)
    reader = _Reader(_tokens(text), functions)
    found = reader.expression(0)
    reader.end()
    return Expression(text.strip(), found.kind, found.value)


def condition(text: str, functions: Mapping[str, Function]) -> Expression:
    """Read an expression that must be true or false."""
    found = parse(text, functions)
    if found.kind != TRUTH:
        raise ExpressionError(f"this is a {found.kind}, not a condition: compare it, as in ... > 5", 1)
    return found


def shown(value: Value) -> str:
    """A value for people: exact decimals where they end, else 12 digits with `~` in front."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    exact = Fraction(value)
    places = 0
    while places < 40 and exact.denominator * (10**places // exact.denominator) != 10**places:
        places += 1
    mark = ""
    if places == 40:
        mark, places = "~", 12
    scaled = round(exact * 10**places)
    digits = str(abs(scaled)).rjust(places + 1, "0")
    sign = "-" if scaled < 0 else ""
    return f"{mark}{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(_cannot_read(text[at]), at + 1)
        kind = str(match.lastgroup)
        found = match.group(kind)
        if kind == NUMBER and len(found) > DIGITS_MAX:
            raise ExpressionError(f"a number of more than {DIGITS_MAX} digits", match.start(kind) + 1)
        tokens.append(_Token(kind, found, match.start(kind) + 1))
        at = match.end()
    tokens.append(_Token("end", "the end", end + 1))
    return tokens


def _cannot_read(character: str) -> str:
    if character in "'\"":
        return "this text has no closing quote"
    return "equality is written ==" if character == "=" else f"cannot read {character!r}"


def near(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """`did you mean X?` for the known word that is closest, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


class _Reader:
    """A Pratt parser: each operator binds what stands left of it as strongly as _BINDS says."""

    def __init__(self, tokens: list[_Token], functions: Mapping[str, Function]) -> None:
        self._tokens = tokens
        self._functions = functions
        self._at = 0
        self._nesting = 0

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _take(self, sign: str) -> None:
        token = self._next()
        if token.text != sign or token.kind == TEXT:
            raise ExpressionError(f"expected {sign}, found {token.text}", token.column)

    def end(self) -> None:
        """Nothing may follow."""
        token = self._tokens[self._at]
        if token.kind != "end":
            raise ExpressionError(f"expected an operator or the end, found {token.text}", token.column)

    def expression(self, binds: int) -> _Typed:
        """An operand with all operators behind it that bind more strongly than `binds`."""
        self._nesting += 1
        if self._nesting > NESTING_MAX:
            raise ExpressionError("nested too deeply", self._tokens[self._at].column)
        left = self._operand()
        while True:
            token = self._tokens[self._at]
            if token.kind == TEXT or _BINDS.get(token.text, 0) <= binds:
                break
            self._at += 1
            left = _joined(token, left, self.expression(_BINDS[token.text]))
            if token.text in _COMPARE and self._tokens[self._at].text in _COMPARE:
                raise ExpressionError("join two comparisons with and", self._tokens[self._at].column)
        self._nesting -= 1
        return left

    def _operand(self) -> _Typed:
        token = self._next()
        if token.kind == NUMBER:
            number = Fraction(token.text)
            value = number.numerator if number.denominator == 1 else number
            return _Typed(NUMBER, lambda: value, token.column)
        if token.kind == TEXT:
            text = token.text[1:-1]
            return _Typed(TEXT, lambda: text, token.column, text)
        if token.text == "(":
            inner = self.expression(0)
            self._take(")")
            return inner
        if token.text == "-":
            return _negative(self.expression(_MINUS_BINDS), token.column)
        if token.text == "not":
            return _not(self.expression(_NOT_BINDS), token.column)
        if token.kind == "name" and token.text not in ("and", "or"):
            return self._call(token)
        raise ExpressionError(f"expected a value, found {token.text}", token.column)

    def _call(self, name: _Token) -> _Typed:
        function = self._functions.get(name.text)
        if function is None:
            hint = near(name.text, self._functions)
            raise ExpressionError(f"there is no {name.text}{'; ' if hint else ''}{hint}", name.column)
        self._take("(")
        given: list[_Typed] = []
        while self._tokens[self._at].text != ")":
            if given:
                self._take(",")
            given.append(self.expression(0))
        self._take(")")
        wanted = function.parameters
        if len(given) != len(wanted):
            names = ", ".join(parameter for parameter, _ in wanted)
            raise ExpressionError(f"it is {name.text}({names})", name.column)
        for one, (parameter, kind) in zip(given, wanted, strict=True):
            if one.kind != kind:
                raise ExpressionError(f"{parameter} must be a {kind}, this is a {one.kind}", one.column)
            if one.literal is not None and function.check is not None:
                problem = function.check(parameter, one.literal)
                if problem:
                    raise ExpressionError(problem, one.column)
        return _Typed(function.result, _calling(function.call, [one.value for one in given]), name.column)


def _calling(call: Callable[..., Value], arguments: list[Node]) -> Node:
    def value() -> Value:
        values = [argument() for argument in arguments]
        return None if None in values else call(*values)

    return value


def _negative(one: _Typed, column: int) -> _Typed:
    if one.kind != NUMBER:
        raise ExpressionError(f"- needs a number, this is a {one.kind}", one.column)

    def value() -> Value:
        number: Any = one.value()
        return None if number is None else -number

    return _Typed(NUMBER, value, column)


def _not(one: _Typed, column: int) -> _Typed:
    if one.kind != TRUTH:
        raise ExpressionError(f"not needs a condition, this is a {one.kind}", one.column)
    return _Typed(TRUTH, lambda: one.value() is not True, column)


def _joined(sign: _Token, a: _Typed, b: _Typed) -> _Typed:
    """Two operands with the operator between them."""
    if sign.text in ("and", "or"):
        wanted = TRUTH
    elif sign.text in ("==", "!="):
        wanted = a.kind
    else:
        wanted = NUMBER
    for one in (a, b):
        if one.kind != wanted:
            what = "condition" if wanted == TRUTH else wanted
            raise ExpressionError(f"{sign.text} needs a {what} here, this is a {one.kind}", one.column)
    left, right = a.value, b.value
    if sign.text == "and":
        return _Typed(TRUTH, lambda: left() is True and right() is True, a.column)
    if sign.text == "or":
        return _Typed(TRUTH, lambda: left() is True or right() is True, a.column)
    if sign.text in _COMPARE:
        return _Typed(TRUTH, _comparing(_COMPARE[sign.text], left, right), a.column)
    if sign.text == "/":
        return _Typed(NUMBER, _dividing(left, right), a.column)
    return _Typed(NUMBER, _computing(_ARITHMETIC[sign.text], left, right), a.column)


def _comparing(compare: Callable[[Any, Any], bool], left: Node, right: Node) -> Node:
    def value() -> Value:
        x, y = left(), right()
        return x is not None and y is not None and compare(x, y)

    return value


def _computing(compute: Callable[[Any, Any], int | Fraction], left: Node, right: Node) -> Node:
    def value() -> Value:
        x, y = left(), right()
        return None if x is None or y is None else compute(x, y)

    return value


def _dividing(left: Node, right: Node) -> Node:
    def value() -> Value:
        x: Any = left()
        y: Any = right()
        return None if x is None or not y else Fraction(x) / y

    return value
