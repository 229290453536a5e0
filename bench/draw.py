"""One dashboard draw on a running engine: `python -m bench.draw [--draws N] [--markets N] [--page NAME] [--json]`.

The engine runs on the simulated market; between two draws it runs as long as it would between two draws of a
run, so that caches are as cold as they are there. Timed is all that a draw does to the loop: building the view,
drawing the panels, painting, writing to a pseudo-terminal that another process reads. Pages: the market alone, and of
a paper session the market, the decisions and, on a large terminal, both at once. Rich's own way, a Layout of Tables
printed anew, shows the views of the market page on the same pseudo-terminal in the same run.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import json
import os
import struct
import termios
from contextlib import suppress
from time import perf_counter_ns, thread_time_ns
from typing import IO, Any, NamedTuple

from rich.console import Console
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table

from bench.contest import pin
from sniper.dashboard import Dashboard
from sniper.demo import paper_desk
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.look import Look
from sniper.panels.view import View, Want
from sniper.paper_settings import PaperSettings
from sniper.timing import Costs
from sniper.trading import Cancel, Place
from sniper.venues.paper import Paper

WIDTH, HEIGHT = 120, 40
PAGES = {
    "market": ((WIDTH, HEIGHT), False, (0,)),
    "trading": ((WIDTH, HEIGHT), True, (1, 2)),
    "overview": ((200, 60), True, (0,)),
}
"""What is drawn: size of the terminal, whether the session trades, pages of the layout."""
WARM_UP_NS = 5_000_000_000
TRADING_NS = 120_000_000_000
"""Until there are positions and decisions."""
BETWEEN_NS = 100_000_000
FEW = 20
"""Rows changed in a draw that counts as one of few changes."""
NAIVE_DRAWS = 30


class Draw(NamedTuple):
    """What one draw took, how many rows it changed, and what building the view took of it."""

    wall_ns: int
    cpu_ns: int
    rows: int
    view_ns: int


class Market:
    """The engine on the simulated market, without the loop. desk: with a paper session."""

    def __init__(self, markets: int, desk: bool = False) -> None:
        self.engine = Engine(Settings(desk=paper_desk() if desk else None))
        self.inbox, costs = Inbox(65_536, 64 << 20), Costs(self.engine.stages)
        engine = self.engine
        self.venue = Paper(engine.tape, engine.decoder, engine.books, PaperSettings()) if desk else None
        if self.venue is not None:
            self.venue.start(self.inbox)
        self.feed = Sim(seed=1, markets=markets, batched_orderbook=True)
        self.look = Look(self.engine, source="sim", feed=self.feed, inbox=self.inbox, costs=costs)
        self.costs = costs
        self.feed.start(self.inbox)
        self.now_ns = self._until_ns = self.feed.due(0) or 0

    def run(self, for_ns: int) -> None:
        """Tick through so much simulated time."""
        self._until_ns += for_ns
        while (due_ns := self.feed.due(self.now_ns)) is not None and due_ns <= self._until_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self.feed.pull(self.now_ns, self.inbox)
            if self.venue is not None:
                self.venue.pull(self.now_ns, self.inbox)
            records = self.inbox.drain(4 << 20, 4096)
            self.look.before(records)
            start_ns = perf_counter_ns()
            commands = self.engine.tick(self.now_ns, records, perf_counter_ns)
            self.costs.add(self.engine.stage_ns, perf_counter_ns() - start_ns)
            if self.venue is not None:
                self.venue.observe(self.now_ns, self.engine.rows)
                self.venue.send(self.now_ns, [one for one in commands if isinstance(one, Place | Cancel)])
            self.feed.send(self.now_ns, [one for one in commands if not isinstance(one, Place | Cancel)])
            self.look.after(records, commands)


def terminal(size: tuple[int, int]) -> IO[str]:
    """A pseudo-terminal whose other end a process of its own reads."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    if os.fork() == 0:
        os.close(slave)
        with suppress(OSError):
            while os.read(master, 1 << 16):
                pass
        os._exit(0)
    os.close(master)
    return os.fdopen(slave, "w", encoding="utf-8")


def draws(
    market: Market,
    file: IO[str],
    number: int,
    tickers: list[str],
    *,
    page: int = 0,
    desk: bool = False,
    anew: bool = False,
) -> list[Draw]:
    """That many draws of a page; the tickers take turns. anew: every row counts as changed."""
    console = Console(file=file, force_terminal=True, color_system="truecolor")
    found, view_ns = [], 0

    def build(want: Want) -> View:
        nonlocal view_ns
        start_ns = perf_counter_ns()
        view = market.look(want._replace(ticker=tickers[turn % len(tickers)]))
        view_ns = perf_counter_ns() - start_ns
        return view

    with Dashboard(console, fps=60, keys=None, ticker=tickers[0], desk=desk, page=page) as dashboard:
        for turn in range(-3, number):
            market.run(BETWEEN_NS)
            gc.collect(0)
            rows = dashboard.painter.rows_painted
            while not dashboard.terminal.flush():
                pass
            if anew:
                dashboard.repaint()
            cpu_ns = thread_time_ns()
            dashboard.draw_if_due((turn + 4) * BETWEEN_NS, build)
            cpu_ns = thread_time_ns() - cpu_ns
            if turn >= 0:
                rows = dashboard.painter.rows_painted - rows
                found.append(Draw(dashboard.costs.last_ns, cpu_ns, rows, view_ns))
    return found


def naive(market: Market, file: IO[str], want: Want) -> list[Draw]:
    """Draws in rich's own way: Tables in Panels in a Layout, all of it anew."""
    console = Console(file=file, force_terminal=True, color_system="truecolor", width=WIDTH, height=HEIGHT)
    found = []
    for _ in range(NAIVE_DRAWS):
        market.run(BETWEEN_NS)
        gc.collect(0)
        start_ns, cpu_ns = perf_counter_ns(), thread_time_ns()
        view = market.look(want)
        view_ns = perf_counter_ns() - start_ns
        console.print(tables(view))
        found.append(Draw(perf_counter_ns() - start_ns, thread_time_ns() - cpu_ns, HEIGHT, view_ns))
    return found


def tables(view: View) -> Layout:
    """The facts of the view, a Table a panel."""
    book, feed = view.book, view.feed
    ladder = [level[:3] for level in (*reversed(book.asks), *book.bids)]
    top, middle, bottom = Layout(size=16), Layout(size=11), Layout()
    top.split_row(
        Layout(table("Book", ("price", "size", "sum"), ladder)),
        Layout(
            table("Trades", ("time", "side", "price", "size"), [trade[:4] for trade in view.trades.prints])
        ),
        Layout(table("Candles", view.candles.bars[0]._fields, view.candles.bars[-12:])),
    )
    middle.split_row(
        Layout(
            table("Markets", view.markets.rows[0]._fields[:9], [row[:9] for row in view.markets.rows]),
            ratio=3,
        ),
        Layout(table("Pipeline", ("kind", "what"), view.pipeline.rows), ratio=2),
    )
    bottom.split_row(
        Layout(table("Feed", feed.links[0]._fields[:9], [link[:9] for link in feed.links]), ratio=3),
        Layout(
            table("Events", ("time", "severity", "text"), [event[:3] for event in view.events.rows]), ratio=2
        ),
    )
    whole = Layout()
    whole.split_column(Layout(str(view.header), size=2), top, middle, bottom)
    return whole


def table(title: str, columns: tuple[str, ...], rows: Any) -> Panel:
    made = Table(expand=True)
    for column in columns:
        made.add_column(column)
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return Panel(made, title=title)


def summary(name: str, found: list[Draw]) -> dict[str, Any]:
    """p50, p99 (nearest rank) and maximum in microseconds."""

    def rank(field: str, percent: int) -> float:
        ordered = sorted(getattr(draw, field) for draw in found)
        return round(ordered[max(0, -(-percent * len(ordered) // 100) - 1)] / 1e3, 1)

    return {
        "what": name,
        "draws": len(found),
        "rows_p50": sorted(draw.rows for draw in found)[len(found) // 2],
        "p50_us": rank("wall_ns", 50),
        "p99_us": rank("wall_ns", 99),
        "max_us": rank("wall_ns", 100),
        "cpu_p50_us": rank("cpu_ns", 50),
        "cpu_p99_us": rank("cpu_ns", 99),
        "view_p50_us": rank("view_ns", 50),
    }


def measured(name: str, file: IO[str], number: int, markets: int) -> list[dict[str, Any]]:
    """The rows about one kind of page."""
    size, desk, pages = PAGES[name]
    market = Market(markets, desk)
    market.run(TRADING_NS if desk else WARM_UP_NS)
    gc.collect()
    gc.freeze()
    rows = []
    for page in pages:
        steady = draws(market, file, number, ["BTC-USD"], page=page, desk=desk)
        turning = draws(market, file, number, ["BTC-USD", "ETH-USD"], page=page, desk=desk)
        whole = draws(market, file, number, ["BTC-USD", "ETH-USD"], page=page, desk=desk, anew=True)
        few = [draw for draw in steady if draw.rows <= FEW]
        title = f"{name}{f' {page}' if len(pages) > 1 else ''} {size[0]}x{size[1]}"
        rows += [
            *([summary(f"{title}, up to {FEW} rows", few)] if few else []),
            summary(f"{title}, as it comes", steady),
            summary(f"{title}, another market", turning),
            summary(f"{title}, all rows anew", whole),
        ]
    if name == "market":
        slow = summary(
            "rich: Tables in a Layout", naive(market, file, Want("BTC-USD", 0, 12, 12, 36, 8, 4, 4, 8, 144))
        )
        rows.append(slow)
        for row in rows:
            row["ratio_p50"] = round(slow["p50_us"] / row["p50_us"], 1)
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.draw", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=600)
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--page", action="append", choices=tuple(PAGES))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    wanted = arguments.page or PAGES
    terminals = {name: terminal(PAGES[name][0]) for name in wanted}  # before this process is kept on one core
    cpu = pin()
    gc.disable()
    rows = []
    for name in wanted:
        rows += measured(name, terminals[name], arguments.draws, arguments.markets)
    if arguments.json:
        print(json.dumps({"schema": "sniper.bench-draw/1", "core": cpu, "rows": rows}))
        return
    print(f"one draw, {arguments.markets} markets, us, core {cpu}; view: part of the draw")
    columns = (
        "rows_p50",
        "p50_us",
        "p99_us",
        "max_us",
        "cpu_p50_us",
        "cpu_p99_us",
        "view_p50_us",
        "ratio_p50",
    )
    titles = ("rows", "p50", "p99", "max", "cpu p50", "cpu p99", "view p50", "rich / this")
    print(f"{'':44}{'draws':>6}" + "".join(f"{title:>12}" for title in titles))
    for row in rows:
        shown = (f"{row[column]:12,}" if column in row else f"{'-':>12}" for column in columns)
        print(f"{row['what']:44}{row['draws']:6}" + "".join(shown))


if __name__ == "__main__":
    main()
