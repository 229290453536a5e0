"""The prompt of `sniper step`: reads commands, moves the walk, prints plain lines.

Commands may be cut short as long as they are clear; for a person, an empty line repeats the last one. A command
that is wrong prints one line, and the next one is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, NamedTuple

from sniper import debugger_desk as desk
from sniper import debugger_show as show
from sniper._ext.tape import RESOLUTION_NAMES
from sniper.debugger_functions import functions
from sniper.debugger_walk import Walk
from sniper.errors import SniperError, UsageError
from sniper.expression import Expression, condition, near, parse, shown
from sniper.replaying import Difference


class Verb(NamedTuple):
    """One command: how it is written, what it does, and the method that does it."""

    usage: str
    help: str
    call: Callable[[Debugger, str], Iterable[str]]


Progress = Callable[[], AbstractContextManager[Callable[[int], None]]]
"""Entered while the walk moves, it gives what is told every tick."""


class Debugger:
    """Carries out commands. make_walk: gets what is told of differences from a journal, gives the walk.

    repeats: an empty line means the last command again, as a person wants it; in a script it is an empty line.
    """

    def __init__(
        self,
        make_walk: Callable[[Callable[[Difference], None]], Walk],
        *,
        repeats: bool = False,
        progress: Progress = lambda: nullcontext(lambda tick: None),
    ) -> None:
        self._repeats, self._progress = repeats, progress
        self._said: list[str] = []
        self.walk = make_walk(self._differs)
        self.done = False
        self._functions = functions(self.walk)
        self._breaks: dict[int, Expression] = {}
        self._breaks_made = 0
        self._last = ""

    def run(self, lines: Iterable[str]) -> Iterator[str]:
        """Lines of input -> lines of output, until `quit` or the end."""
        for line in lines:
            yield from self.do(line)
            if self.done:
                return

    def do(self, line: str) -> Iterator[str]:
        """Carry out one command and give its output."""
        line = line.strip() or self._last
        if not line or line.startswith("#"):
            return
        self._last = line if self._repeats else ""
        word, _, rest = line.partition(" ")
        try:
            verb = _verb(word)
            for said in verb.call(self, rest.strip()):
                yield from self._heard()
                yield said
            yield from self._heard()
        except SniperError as error:
            yield from self._heard()
            yield str(error)

    def _differs(self, first: Difference) -> None:
        field = f", field {first.field}" if first.field else ""
        self._said.append(f"tick {first.tick} differs from the journal: stage {first.stage}{field}")

    def _heard(self) -> list[str]:
        said, self._said = self._said, []
        return said

    # Moving

    def _next(self, rest: str) -> Iterable[str]:
        return self._forward(_whole(rest, 1), ())

    def _continue(self, rest: str) -> Iterable[str]:
        _nothing(rest)
        if not self._breaks and self.walk.source.endless:
            raise UsageError("this feed has no end: set a breakpoint first", "break EXPR, or next N.")
        return self._forward(None, ())

    def _until(self, rest: str) -> Iterable[str]:
        wanted = condition(rest, self._functions)
        return self._forward(None, ((f"until {wanted.text}", wanted),))

    def _forward(self, ticks: int | None, ends: tuple[tuple[str, Expression], ...]) -> Iterator[str]:
        """So many ticks, or on until a condition holds."""
        walk = self.walk
        if ticks is None:
            ends += tuple((f"breakpoint {n}: {one.text}", one) for n, one in self._breaks.items())
        last = None if ticks is None else walk.number + ticks
        why = None
        with self._moving():
            while why is None and (last is None or walk.number < last):
                if not walk.step():
                    why = "there are no more ticks"
                else:
                    why = next((name for name, one in ends if one.holds()), None)
                    why = why or ("interrupted" if walk.stopped() else None)
        if why is not None:
            yield why
        yield show.summary(walk)

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """The walk says how far it is."""
        with self._progress() as told:
            before, self.walk.moved = self.walk.moved, told
            try:
                yield
            finally:
                self.walk.moved = before

    def _back(self, rest: str) -> Iterable[str]:
        return self._to(self.walk.number - _whole(rest, 1))

    def _goto(self, rest: str) -> Iterable[str]:
        return self._to(_whole(rest, None))

    def _to(self, tick: int) -> Iterator[str]:
        walk = self.walk
        with self._moving():
            walk.goto(tick)
        if walk.number != tick:
            where = "the earliest" if tick < walk.number == walk.first else "the nearest"
            yield f"there is no tick {tick} to stand at: {where} is {walk.number}"
        yield show.summary(walk)

    # Breakpoints and values

    def _break(self, rest: str) -> Iterable[str]:
        if not rest:
            return [f"{n}  {one.text}" for n, one in self._breaks.items()] or ["no breakpoints"]
        wanted = condition(rest, self._functions)
        self._breaks_made += 1
        self._breaks[self._breaks_made] = wanted
        return [f"breakpoint {self._breaks_made}: {wanted.text}"]

    def _delete(self, rest: str) -> Iterable[str]:
        if not rest:
            self._breaks.clear()
            return ["all breakpoints deleted"]
        number = _whole(rest, None)
        if number not in self._breaks:
            raise UsageError(f"there is no breakpoint {number}", "break lists them.")
        return [f"deleted: {self._breaks.pop(number).text}"]

    def _print(self, rest: str) -> Iterable[str]:
        return [shown(parse(rest, self._functions).value())]

    # Looking

    def _frames(self, rest: str) -> Iterable[str]:
        return show.frames(self.walk, _whole(rest, show.RAW_MAX))

    def _rows(self, rest: str) -> Iterable[str]:
        return show.rows(self.walk, _whole(rest, show.ROWS_MAX))

    def _book(self, rest: str) -> Iterable[str]:
        ticker, count = _words(rest, "book MARKET [depth]", 1)
        return show.book(self.walk, self._market(ticker), count)

    def _trades(self, rest: str) -> Iterable[str]:
        ticker, count = _words(rest, "trades MARKET [n]", 1)
        return show.trades(self.walk, self._market(ticker), count)

    def _candles(self, rest: str) -> Iterable[str]:
        words, count = _words(rest, "candles MARKET RES [n]", 2)
        ticker, resolution = words.split()
        if resolution not in RESOLUTION_NAMES:
            raise UsageError(f"unknown resolution {resolution}", f"Use {', '.join(RESOLUTION_NAMES)}.")
        return show.candles(self.walk, self._market(ticker), RESOLUTION_NAMES.index(resolution), count)

    def _market(self, ticker: str) -> int:
        decoder = self.walk.engine.decoder
        market = decoder.market(ticker)
        if market < 0:
            known = decoder.tickers
            listed = f"There are {', '.join(known[:8])}{' ..' if len(known) > 8 else ''}"
            advice = f"{_asked(ticker, known)}{listed}" if known else "No market came yet: try next."
            raise UsageError(f"unknown market {ticker}", advice)
        return market

    def _signals(self, rest: str) -> Iterable[str]:
        if not rest:
            raise UsageError("a market is missing", "Use: signals MARKET")
        return desk.signals(self.walk, self._market(rest))

    def _why(self, rest: str) -> Iterable[str]:
        return desk.reasons(self.walk, self._market(rest) if rest else None)

    def _account(self, rest: str) -> Iterable[str]:
        _nothing(rest)
        return desk.account(self.walk)

    def _orders(self, rest: str) -> Iterable[str]:
        return desk.orders(self.walk, self._market(rest) if rest else None)

    def _margin(self, rest: str) -> Iterable[str]:
        _nothing(rest)
        return desk.margin(self.walk)

    def _diff(self, rest: str) -> Iterable[str]:
        _nothing(rest)
        return show.diff(self.walk)

    def _state(self, rest: str) -> Iterable[str]:
        _nothing(rest)
        return show.state(self.walk)

    # The prompt itself

    def _help(self, rest: str) -> Iterable[str]:
        if rest:
            verb = _verb(rest)
            return [f"{verb.usage}: {verb.help}"]
        width = max(len(verb.usage) for verb in VERBS.values())
        said = [f"{verb.usage:<{width}}  {verb.help}" for verb in VERBS.values()]
        said += ["", "EXPR: numbers, 'texts', + - * /, < <= > >= == !=, and or not, and these:"]
        for name, function in self._functions.items():
            call = f"{name}({', '.join(parameter for parameter, _ in function.parameters)})"
            said.append(f"  {call:<26}  {function.help}")
        return said

    def _quit(self, rest: str) -> Iterable[str]:
        self.done = True
        return []


VERBS: Final = {
    "next": Verb("next [n]", "run n ticks (1)", Debugger._next),
    "back": Verb("back [n]", "go n ticks back (1)", Debugger._back),
    "goto": Verb("goto TICK", "go to the state after a tick", Debugger._goto),
    "until": Verb(
        "until EXPR", "run until a condition holds after a tick, or to a breakpoint", Debugger._until
    ),
    "continue": Verb("continue", "run to a breakpoint or to the end", Debugger._continue),
    "break": Verb("break [EXPR]", "stop continue and until where a condition holds; list", Debugger._break),
    "delete": Verb("delete [n]", "delete a breakpoint, or all", Debugger._delete),
    "print": Verb("print EXPR", "the value of an expression", Debugger._print),
    "frames": Verb("frames [n]", "the records of this tick, n characters of each (300)", Debugger._frames),
    "rows": Verb("rows [n]", "the rows of this tick, at most n (200)", Debugger._rows),
    "book": Verb("book MARKET [depth]", "the raw book; x: masked by the uncrossed view", Debugger._book),
    "candles": Verb("candles MARKET RES [n]", "the newest candles of 1MIN .. 1DAY", Debugger._candles),
    "trades": Verb("trades MARKET [n]", "the newest trades", Debugger._trades),
    "signals": Verb("signals MARKET", "all scores and the values behind them", Debugger._signals),
    "why": Verb("why [MARKET]", "what was decided, and what an entry would take now", Debugger._why),
    "account": Verb("account", "equity, positions, round trips", Debugger._account),
    "orders": Verb("orders [MARKET]", "our orders that stand or are on their way", Debugger._orders),
    "margin": Verb("margin", "margin, liquidation prices, stresses", Debugger._margin),
    "diff": Verb("diff", "what this tick changed", Debugger._diff),
    "state": Verb("state", "tick, digest, time, counters, connections", Debugger._state),
    "help": Verb("help [command]", "this list", Debugger._help),
    "quit": Verb("quit", "end", Debugger._quit),
}


def _verb(word: str) -> Verb:
    """The command that a word means: itself, or the only one that begins with it."""
    if word in VERBS:
        return VERBS[word]
    meant = [name for name in VERBS if name.startswith(word)]
    if len(meant) == 1:
        return VERBS[meant[0]]
    if meant:
        raise UsageError(f"{word} may be {', '.join(meant[:-1])} or {meant[-1]}")
    raise UsageError(f"there is no command {word}", f"{_asked(word, list(VERBS))}help lists them.")


def _asked(word: str, known: list[str]) -> str:
    """`Did you mean X? ` or nothing."""
    hint = near(word, known)
    return f"D{hint[1:]} " if hint else ""


def _whole(text: str, default: int | None) -> int:
    """A whole number, not negative."""
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise UsageError(f"expected a whole number, found {text or 'nothing'}")
    return int(text)


def _words(text: str, usage: str, count: int, default: int = 10) -> tuple[str, int]:
    """So many words, and a number that may follow."""
    words = text.split()
    if len(words) not in (count, count + 1):
        raise UsageError(f"it is {usage}")
    return " ".join(words[:count]), _whole(" ".join(words[count:]), default)


def _nothing(rest: str) -> None:
    if rest:
        raise UsageError(f"expected nothing more, found {rest}")
