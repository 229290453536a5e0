"""From a frame to a decision: how long a tick takes with all signals, margin, strategy, risk and orders.

    python -m bench.decisions [--frames 20000] [--markets 50] [--json]

The sim runs for some minutes with the paper venue, so that signals are warm and positions are held. Then its frames
are given to the engine one a tick; counted are those of the order book with three levels. No journal, no draw; the
process is pinned to one core and the garbage collector rests between ticks, as in a run. A second engine without the
decision half takes the same frames in the same run.
"""

from __future__ import annotations

import argparse
import gc
import json
from array import array
from time import perf_counter_ns

from bench.contest import pin
from bench.ticks import percentiles
from sniper.account import AccountSettings
from sniper.desk import DeskSettings
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.trading import Cancel, Place
from sniper.types import REC_FRAME, Record
from sniper.venues.paper import Paper

LEVELS = 3
BOOK = b'"channel":"v4_orderbook"'


def settings(decides: bool) -> Settings:
    paper = PaperSettings()
    desk = DeskSettings(
        account=AccountSettings(paper.address), orders=OrdersSettings(paper.address, last_client_id=1 << 29)
    )
    return Settings(desk=desk if decides else None)


def measured(markets: int, frames: int, warm_s: int, decides: bool) -> tuple[array[int], Engine]:
    """Nanoseconds of each tick that took one book frame of three levels."""
    engine, feed, inbox = Engine(settings(decides)), Sim(seed=1, markets=markets), Inbox(1 << 20, 1 << 30)
    venue = Paper(engine.tape, engine.decoder, engine.books, PaperSettings()) if decides else None
    if venue is not None:
        venue.start(inbox)
    Loop(engine, feed, inbox, speed=0, venue=venue).run(None, warm_s * 1_000_000_000)
    took = array("q")
    now_ns = engine.now_ns
    gc.collect()
    gc.freeze()
    gc.disable()
    while len(took) < frames:
        now_ns = max(feed.due(now_ns) or now_ns, now_ns)
        feed.pull(now_ns, inbox)
        if venue is not None:
            venue.pull(now_ns, inbox)
        for record in inbox.drain(1 << 30, 1 << 20):
            turn(engine, venue, now_ns, record, took)
        gc.collect(1)
    gc.enable()
    gc.unfreeze()
    return took, engine


def turn(engine: Engine, venue: Paper | None, now_ns: int, record: Record, took: array[int]) -> None:
    """One tick of one record, timed if it is what is asked for."""
    records, tick = [record], engine.tick
    begun = perf_counter_ns()
    commands = tick(now_ns, records)
    ended = perf_counter_ns()
    if record[2] == REC_FRAME and engine.rows == LEVELS and BOOK in record[3]:
        took.append(ended - begun)
    if venue is not None:
        venue.observe(now_ns, engine.rows)
        orders = [command for command in commands if isinstance(command, Place | Cancel)]
        if orders:
            venue.send(now_ns, orders)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--markets", type=int, default=50)
    options.add_argument("--warm", type=int, default=120, metavar="S", help="simulated seconds ahead")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    pin()
    found = {}
    for name, decides in (("market half alone", False), ("with decisions", True)):
        took, engine = measured(chosen.markets, chosen.frames, chosen.warm, decides)
        found[name] = percentiles(took)
        if engine.desk is not None:
            held = len(engine.desk.account.positions)
            found[name]["positions"] = held
    if chosen.json:
        print(json.dumps(found))
        return
    for name, values in found.items():
        print(f"{name:18} " + "  ".join(f"{key} {value}" for key, value in values.items()))


if __name__ == "__main__":
    main()
