"""What a run shows: the dashboard on a terminal, a status line every few seconds elsewhere.

Both have `draw_if_due(now_ns, view_builder)`, which the loop calls after every tick and which returns at
once unless a draw is due. A draw reads the engine through the view builder and never writes to it, so
nothing it does reaches a digest. There is no thread: the loop draws, at most `fps` times a second, and the
cost is shown.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from time import perf_counter_ns
from types import TracebackType
from typing import IO, Any

from rich.console import Console

from sniper import layout
from sniper.painter import Box, Painter
from sniper.panels import book, candles
from sniper.panels.palette import LINK, RUNGS
from sniper.panels.row import SECOND_NS, clean, clock, count, duration, line
from sniper.panels.view import Events, Header, Latency, View, Want
from sniper.terminal import Terminal
from sniper.timing import Durations

ViewBuilder = Callable[[Want], View]

NOTHING = Want("", 0, 0, 0, 0, 0, 0, 0, 0, 0)
EVENTS = NOTHING._replace(events=100)
RESOLUTIONS = 7
HINTS = (
    "q quit  n/p market  r resolution  space freeze",
    "q quit  n/p market  r bars  space freeze",
    "q quit  n/p market",
)
"""What the keys do, the longest that fits is shown; a page key comes in front where there are pages."""
COST_EVERY_NS = SECOND_NS // 2
ROWS = {
    "events": "events",
    "signals": "scores",
    "decisions": "decisions",
    "risk": "risk",
    "positions": "positions",
    "orders": "orders",
    "funding": "fundings",
}
"""Panels that ask for as many lines as they are high, and the field of Want that says so."""


class Dashboard:
    """The panels on a terminal. Use it in a `with` block, which takes the terminal and gives it back."""

    def __init__(
        self,
        console: Console,
        *,
        fps: int = 10,
        ticker: str = "",
        resolution: int = 0,
        only: str = "",
        keys: int | None = 0,
        desk: bool = False,
        page: int = 0,
    ):
        """`console` is the terminal to draw on; `ticker` the first market shown; `only` one panel's name
        instead of all; `keys` the descriptor keys are read from; `desk` adds the pages of the decision
        panels; `page` is shown first. Raises ValueError when fps is not 1..60."""
        if not 1 <= fps <= 60:
            raise ValueError(f"fps must lie in 1..60, not {fps}")
        self.terminal = Terminal(console.file.fileno(), keys)
        self.painter = Painter(console)
        self.costs = Durations()
        self.draws_skipped = 0
        self.quit = False
        """Set when the operator asked to end the run."""
        self._only, self._desk = only, desk
        self._interval_ns = SECOND_NS // fps
        self._due_ns = 0
        self._cost = Latency()
        self._cost_due_ns = 0
        self._pages: list[list[Box]] = []
        self._page = page
        self._boxes: list[Box] = []
        self._shown: dict[str, object] = {}
        self._want = NOTHING._replace(ticker=ticker, resolution=resolution)
        self._tickers: tuple[str, ...] = ()
        self._frozen = False
        self._width = 0

    def __enter__(self) -> Dashboard:
        self.terminal.open()
        self._lay_out()  # borders are painted now, so that the first draw costs what the others do
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminal.close()

    @property
    def want(self) -> Want:
        """What the next draw will ask for."""
        return self._want

    def due(self, now_ns: int) -> bool:
        """Whether a call with this time would draw."""
        return now_ns >= self._due_ns

    def draw_if_due(self, now_ns: int, view_builder: ViewBuilder) -> bool:
        """Draw unless the last draw is too recent or the terminal has not taken it yet. `now_ns` is any clock
        that moves with real time. True when it drew."""
        if now_ns < self._due_ns:
            self.terminal.flush()
            return False
        self._due_ns = now_ns + self._interval_ns
        start_ns = perf_counter_ns()
        self._obey(self.terminal.read_keys())
        if not self.terminal.entered:
            return False
        if not self.terminal.flush():
            self.draws_skipped += 1
            return False
        if self.terminal.resized:
            self._lay_out()
        if now_ns >= self._cost_due_ns:
            self._cost_due_ns = now_ns + COST_EVERY_NS
            self._cost = self.costs.latency()
        self._paint(view_builder(self._want))
        self.terminal.write(self.painter.take())
        self.costs.add(perf_counter_ns() - start_ns)
        return True

    def repaint(self) -> None:
        """Draw and paint every row anew with the next draw."""
        self._shown = {}
        self.painter.forget()

    def _paint(self, view: View) -> None:
        header = view.header._replace(draw=self._cost, draws_skipped=self.draws_skipped, frozen=self._frozen)
        if view.markets.tickers:
            self._tickers = view.markets.tickers
        if not self._boxes:
            self.painter.paint("status", [line(self._width, *_status_cells(header))])
            return
        view = view._replace(header=header)
        shown = self._shown
        for box in self._boxes:
            if self._frozen and box.name != "header":
                continue
            part = getattr(view, box.name)
            if box.name in shown and shown[box.name] == part:
                continue
            shown[box.name] = part
            _, _, width, height = box.inner
            self.painter.paint(box.name, layout.PANELS[box.name].draw(view, width, height))

    def _lay_out(self) -> None:
        self.terminal.resized = False
        self._width, height = self.terminal.size()
        if self._only:
            self._pages = layout.single(self._only, self._width, height, self._desk)
        else:
            self._pages = layout.pages(self._width, height, self._desk)
        self._turn_to(self._page)

    def _turn_to(self, page: int) -> None:
        """Show this page; every row is painted anew."""
        self._shown = {}
        self._frozen = False
        if not self._pages:
            self._boxes = []
            self._want = NOTHING._replace(ticker=self._want.ticker, resolution=self._want.resolution)
            self.painter.frame([Box("status", 0, 0, self._width, 1)])
            return
        self._page = page % len(self._pages)
        self._boxes = self._pages[self._page]
        *others, last = self._boxes
        turn = f"tab page {self._page + 1}/{len(self._pages)}  " if len(self._pages) > 1 else ""
        hints = next((turn + hint for hint in HINTS if len(turn + hint) + 6 <= last.width), "")
        self.painter.frame([*others, last._replace(subtitle=hints)])
        self._want = page_want(self._boxes, self._want.ticker, self._want.resolution)

    def _obey(self, keys: str) -> None:
        for key in keys:
            if key == "q":
                self.quit = True
            elif key in "np" and self._tickers:
                step = 1 if key == "n" else -1
                at = self._tickers.index(self._want.ticker) if self._want.ticker in self._tickers else 0
                self._want = self._want._replace(ticker=self._tickers[(at + step) % len(self._tickers)])
            elif key == "r":
                self._want = self._want._replace(resolution=(self._want.resolution + 1) % RESOLUTIONS)
            elif key == "\t" and len(self._pages) > 1:
                self._turn_to(self._page + 1)
            elif key == " ":
                self._frozen = not self._frozen


def page_want(boxes: list[Box], ticker: str = "", resolution: int = 0) -> Want:
    """What the boxes of a page have room for."""
    want = NOTHING._replace(ticker=ticker, resolution=resolution)
    for box in boxes:
        _, _, width, height = box.inner
        if box.name == "book":
            want = want._replace(depth=book.depth(height))
        elif box.name == "trades":
            want = want._replace(trades=max(0, height - 2))
        elif box.name == "candles":
            want = want._replace(bars=candles.bars_max(width))
        elif box.name == "markets":
            want = want._replace(markets=max(0, height - 1))
        elif box.name == "pipeline":
            want = want._replace(rows=height, raw_max=3 * width)
        elif box.name == "feed":
            want = want._replace(links=height)
        elif box.name in ROWS:
            rows: dict[str, Any] = {ROWS[box.name]: height}
            want = want._replace(**rows)
    return want


class StatusLine:
    """For a stream that is no terminal: one line every few seconds, and one for each warning.

    A stream that takes nothing (a full disk, a reader that went away) is tried again with the next line: it
    must not end the run.
    """

    def __init__(self, stream: IO[str], *, every_s: float = 5.0) -> None:
        self._stream = stream
        self._interval_ns = int(every_s * SECOND_NS)
        self._due_ns = 0
        self._seen = 0
        self._builder: ViewBuilder | None = None
        self.quit = False

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._builder is not None and error is None:  # warnings since the last line
            self._print(self._fresh(self._builder(EVENTS).events))

    def draw_if_due(self, now_ns: int, view_builder: ViewBuilder) -> bool:
        """Print the line unless the last one is too recent. True when it printed."""
        self._builder = view_builder
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._interval_ns
        view = view_builder(EVENTS)
        self._print([*self._fresh(view.events), status_text(view.header)])
        return True

    def _print(self, lines: list[str]) -> None:
        with contextlib.suppress(OSError):
            self._stream.writelines(f"{text}\n" for text in lines)
            self._stream.flush()

    def _fresh(self, events: Events) -> list[str]:
        """A line for each warning that was not printed yet, the oldest first."""
        fresh = [event for event in events.rows if event.number > self._seen and event.severity != "info"]
        self._seen = max([self._seen, *(event.number for event in events.rows)])
        return [f"{clock(one.ns)} {one.severity}: {clean(one.text)}" for one in reversed(fresh)]


def status_text(header: Header) -> str:
    """One line of state: tick, feed, rate, cost, trust, digest."""
    return "".join(text for text, _ in _status_cells(header))


def _status_cells(header: Header) -> tuple[tuple[str, str], ...]:
    books = " ".join(f"{books} {name}" for name, books in header.trust if books) or "none"
    session = header.session
    traded: tuple[tuple[str, str], ...] = ()
    if session is not None:
        word, style = RUNGS[session.rung]
        traded = (
            (f"  {session.mode.upper()} equity {session.equity or '?'}", ""),
            (f"  rung {session.rung} {word}", style),
        )
    return (
        (f"tick {header.tick:,}", "strong"),
        (f"  {clean(header.source)} {header.state}", LINK.get(header.state, "")),
        (f"  {count(header.frames_per_s)} frames/s", ""),
        (f"  tick p99 {duration(header.tick_cost.p99_cost_ns)}", ""),
        (f"  books {books}", ""),
        *traded,
        (f"  digest {header.digest[:16]}", "dim"),
    )


def display(
    console: Console, *, fps: int, ticker: str = "", resolution: int = 0, desk: bool = False
) -> Dashboard | StatusLine:
    """The dashboard when `console` is a terminal that can move its cursor, else the status line."""
    try:
        is_terminal = os.isatty(console.file.fileno())
    except OSError:  # a stream without a descriptor (io.UnsupportedOperation is one)
        is_terminal = False
    if is_terminal and console.is_terminal and not console.is_dumb_terminal:
        return Dashboard(console, fps=fps, ticker=ticker, resolution=resolution, desk=desk)
    return StatusLine(console.file)
