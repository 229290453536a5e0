"""One panel alone on the simulated market: what `python -m sniper.panels.book` runs.

The real engine works on simulated frames at their own pace; --ticks N ends it. Where standard error is no
terminal, status lines come there and the panel as it was in the end goes to standard output. --svg FILE draws one
picture of the whole dashboard into a file instead: market and decisions of a paper session. That of the docs:

    python -m sniper.panels.risk --ticks 12000 --speed 20 --svg docs/dashboard.svg
"""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from time import perf_counter_ns, sleep

import click
from rich.console import Console

from sniper import layout
from sniper.account import AccountSettings
from sniper.dashboard import Dashboard, StatusLine, ViewBuilder, page_want
from sniper.desk import DeskSettings
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.feed.sim.universe import TICKERS
from sniper.inbox import Inbox
from sniper.look import Look
from sniper.loop import Loop
from sniper.order_record import OrdersSettings
from sniper.painter import Painter
from sniper.panels.view import View
from sniper.paper_settings import PaperSettings
from sniper.picture import Picture
from sniper.stopping import Stopping
from sniper.timing import Costs, Durations
from sniper.venues.paper import Paper

RECORDS_MAX, BYTES_MAX = 4096, 4 << 20
WIDTH, HEIGHT = 168, 48  # of the picture
PACED_TICKS = 200
"""The last ticks of a picture come as in a run, so that what is shown a second is what a run shows."""
DESK_PANELS = ("signals", "decisions", "risk", "positions", "orders", "funding")
"""Panels that need the decision half; the others show the market alone."""
FONT = re.compile(r"@font-face \{.*?\}\n?", re.DOTALL)


def main(panel: str) -> None:
    """Run the command line of one panel's module."""
    command.main(prog_name=f"python -m sniper.panels.{panel}", default_map={"panel": panel})


@click.command()
@click.option("--panel", hidden=True, type=click.Choice(sorted(layout.PANELS)), help="The panel to show.")
@click.option(
    "--ticks", type=click.IntRange(1), metavar="N", help="End after N ticks (default: with the key q)."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the simulated market.")
@click.option(
    "--markets",
    type=click.IntRange(1, len(TICKERS)),
    default=8,
    show_default=True,
    help="How many, busiest first.",
)
@click.option("--speed", type=click.FloatRange(0.0), default=1.0, show_default=True, help="0: no pacing.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Picture of all panels at the end."
)
def command(panel: str, ticks: int | None, seed: int, markets: int, speed: float, svg: Path | None) -> None:
    """Show one panel on the simulated market."""
    desk = panel in DESK_PANELS or svg is not None
    engine, inbox = Engine(Settings(desk=paper_desk() if desk else None)), Inbox(RECORDS_MAX, BYTES_MAX)
    costs = Costs(engine.stages)
    venue = Paper(engine.tape, engine.decoder, engine.books, PaperSettings()) if desk else None
    if venue is not None:
        venue.start(inbox)
    feed = Sim(seed=seed, markets=markets)
    look = Look(engine, source="sim", feed=feed, inbox=inbox, costs=costs, inbox_max=(RECORDS_MAX, BYTES_MAX))
    console = Console(stderr=True)
    display: Dashboard | StatusLine | Camera
    if svg is not None:
        display = Camera(max(PACED_TICKS, ticks or 0) - PACED_TICKS)
    elif console.is_terminal and not console.is_dumb_terminal:
        display = Dashboard(console, ticker="BTC-USD", only=panel, desk=desk)
    else:
        display = StatusLine(console.file)
    with Stopping() as stopping, display:
        loop = Loop(
            engine,
            feed,
            inbox,
            speed=speed,
            venue=venue,
            look=look,
            costs=costs,
            display=display,
            stopping=stopping,
        )
        loop.run(ticks)
    if isinstance(display, Camera) and svg is not None:
        svg.write_text(display.svg(), encoding="utf-8")
    elif isinstance(display, StatusLine):
        page = Console()
        width, height = page.size
        boxes = layout.single(panel, width, height, desk)
        if boxes:
            view = look(page_want(boxes[0], "BTC-USD"))
            page.print(Picture(view, width, height, only=panel, desk=desk), end="")


def paper_desk() -> DeskSettings:
    """The decision half as it is by default, with the paper venue's account."""
    address = PaperSettings().address
    return DeskSettings(account=AccountSettings(address), orders=OrdersSettings(address))


class Camera:
    """Draws all panels as the dashboard does, but into memory, and makes a picture at the end.

    paced_from: the tick from which on ticks take as long as they are apart, 0 for none.
    """

    quit = False

    def __init__(self, paced_from: int = 0) -> None:
        self._paced_from, self._last_ns = paced_from, 0
        self._console = Console(file=StringIO(), record=True, width=WIDTH, height=HEIGHT, force_terminal=True)
        self._page = layout.pages(WIDTH, HEIGHT, True)[0]
        self._painter = Painter(self._console)
        self._painter.frame(self._page)
        self._costs = Durations()
        self._view = View()
        self._shown: dict[str, object] = {}

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was taken, nothing is given back."""

    def draw_if_due(self, now_ns: int, view_builder: ViewBuilder) -> bool:
        """Draw after every tick."""
        start_ns = perf_counter_ns()
        self._view = view = view_builder(page_want(self._page, "BTC-USD"))
        for box in self._page:
            part = getattr(view, box.name)
            if self._shown.get(box.name) == part:
                continue
            self._shown[box.name] = part
            _, _, width, height = box.inner
            self._painter.paint(box.name, layout.PANELS[box.name].draw(view, width, height))
        self._painter.take()
        self._costs.add(perf_counter_ns() - start_ns)
        if 0 < self._paced_from <= view.header.tick:
            sleep(max(0, view.header.now_ns - self._last_ns) / 1e9)
        self._last_ns = view.header.now_ns
        return True

    def svg(self) -> str:
        """The last draw as an SVG, one that asks no other server for its font."""
        view = self._view._replace(header=self._view.header._replace(draw=self._costs.latency()))
        self._console.print(Picture(view, WIDTH, HEIGHT, desk=True), end="")
        return FONT.sub("", self._console.export_svg(title="sniper run"))
