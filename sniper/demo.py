"""One panel alone on the simulated market: what `python -m sniper.panels.book` runs.

The real engine works on simulated frames at their own pace; --ticks N ends it, --svg FILE draws one picture of
the whole dashboard into a file instead.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import click
from rich.console import Console

from sniper import layout
from sniper.dashboard import Dashboard, StatusLine, page_want
from sniper.engine import STAGES, Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.look import Look
from sniper.loop import Loop
from sniper.picture import Picture
from sniper.stopping import Stopping
from sniper.timing import Costs

RECORDS_MAX, BYTES_MAX = 4096, 4 << 20
SVG_SIZE = (120, 40)


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
    "--markets", type=click.IntRange(1), default=8, show_default=True, help="How many, busiest first."
)
@click.option("--speed", type=click.FloatRange(0.0), default=1.0, show_default=True, help="0: no pacing.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Picture of all panels at the end."
)
def command(panel: str, ticks: int | None, seed: int, markets: int, speed: float, svg: Path | None) -> None:
    """Show one panel on the simulated market."""
    engine, inbox, costs = Engine(Settings()), Inbox(RECORDS_MAX, BYTES_MAX), Costs(STAGES)
    feed = Sim(seed=seed, markets=markets)
    look = Look(engine, source="sim", feed=feed, inbox=inbox, costs=costs, inbox_max=(RECORDS_MAX, BYTES_MAX))
    console = Console(stderr=True)
    display: Dashboard | StatusLine
    if console.is_terminal and not console.is_dumb_terminal:
        display = Dashboard(console, ticker="BTC-USD", only=panel)
    else:
        display = StatusLine(console.file)
    with Stopping() as stopping, display:
        loop = Loop(
            engine, feed, inbox, speed=speed, look=look, costs=costs, display=display, stopping=stopping
        )
        loop.run(ticks)
    if svg is not None:
        draw_svg(look, svg)


def draw_svg(look: Look, path: Path) -> None:
    """Write a picture of the whole dashboard as it looks now."""
    width, height = SVG_SIZE
    want = page_want(layout.pages(width, height)[0], "BTC-USD")
    console = Console(
        file=StringIO(), record=True, width=width, force_terminal=True, color_system="truecolor"
    )
    console.print(Picture(look(want), width, height), end="")
    path.write_text(console.export_svg(title="sniper run"), encoding="utf-8")
