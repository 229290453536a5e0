"""From a frame to a decision: how long a tick takes with all signals, margin, strategy, risk and orders.

    python -m bench.decisions [--frames 20000] [--markets 50] [--json]

The sim runs for some minutes with the paper venue, so that signals are warm and positions are held. Then frames
that
change three levels near the touch, of one market after the other, are given to the engine one a tick. No
journal, no draw; the
process is pinned to one core and the garbage collector rests between ticks, as in a run. A second engine
without the
decision half takes the same frames in the same run.
"""

from __future__ import annotations

import argparse
import gc
import json
from array import array
from random import Random
from time import perf_counter_ns

from bench.contest import pin
from bench.ticks import percentiles
from sniper.account import AccountSettings
from sniper.decimals import price_text, size_text
from sniper.desk import DeskSettings
from sniper.engine import Engine, Settings
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.types import REC_FRAME, Record
from sniper.venues.paper import Paper

LEVELS = 3
STEP_NS = 4_000_000


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
    every = updates(engine, frames)
    took, tick = array("q", bytes(8 * frames)), engine.tick
    gc.collect()
    gc.freeze()
    gc.disable()
    for i, records in enumerate(every):
        now_ns = records[0][0]
        begun = perf_counter_ns()
        tick(now_ns, records)
        took[i] = perf_counter_ns() - begun
        assert engine.rows == LEVELS
    gc.enable()
    gc.unfreeze()
    return took, engine


def updates(engine: Engine, frames: int) -> list[list[Record]]:
    """Frames that change the sizes of three levels near the touch, of one market after the other, 4 ms apart."""
    now_ns, random, found = engine.now_ns, Random(1), []
    live = [m for m in range(engine.decoder.markets_n) if len(engine.books.levels(m, 0, LEVELS)) == LEVELS]
    for i in range(frames):
        now_ns += STEP_NS
        market = live[i % len(live)]
        row = engine.decoder.markets[market]
        side = random.randrange(2)
        levels = engine.books.levels(market, side, LEVELS).tolist()
        texts = [
            f'["{price_text(row, ticks)}","{size_text(row, max(1, steps + random.randrange(-3, 4)))}"]'
            for ticks, steps in levels
        ]
        connection = max(0, int(engine.books.tops["connection"][market]))
        head = '{"type":"channel_data","connection_id":"00000000-0000-4000-8000-000000000000","message_id":'
        tail = (
            f',"id":"{engine.decoder.ticker(market)}","channel":"v4_orderbook","version":"1.0.0","contents":'
        )
        text = f'{head}{1_000_000 + i}{tail}{{"{("bids", "asks")[side]}":[{",".join(texts)}]}}}}'
        found.append([(now_ns, connection, REC_FRAME, text.encode())])
    return found


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--markets", type=int, default=50)
    options.add_argument("--warm", type=int, default=90, metavar="S", help="simulated seconds ahead")
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
