"""Rehearsals: the real engine and the real sender against the stand-in exchange, in virtual time, with faults.

    python -m tests.rehearsal --times 100 --seed 1       # so many schedules, a line each for what is wrong
    python -m tests.rehearsal --times 1 --seed 7 --story # one, told
    python -m tests.rehearsal --times 20000 --processes 2 --results results.jsonl --revision "$(git rev-parse HEAD)"

One house is warmed up without faults until the engine knows the volatility of its markets; each schedule goes on from
there in a process of its own (fork), so that schedules are independent and each is the same whenever it is played. A
strategy without opinion trades as much as it may. Then it leaves, the faults end, everything settles, and what must
hold is looked at: `judged` is the list.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dydx_v4_client.key_pair import KeyPair

from sniper._ext.tape import COUNTER_NAMES
from sniper.account import AccountSettings
from sniper.desk_settings import DeskSettings
from sniper.engine import Engine, Settings
from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.genesis import HouseSettings
from sniper.exchange.house import House
from sniper.exchange.scenario import Scenario, generated
from sniper.heights import HeightSettings
from sniper.inbox import Inbox
from sniper.live_settings import LiveSettings
from sniper.loop import Loop, encode
from sniper.order_record import OrdersSettings
from sniper.reconciling import ReconcileSettings
from sniper.resilience import ResilienceSettings
from sniper.trading import VENUE_CONNECTION, Place
from sniper.types import REC_OPERATOR, REC_VENUE
from sniper.venues.live import Live
from tests.tally import Tally
from tests.verdict import History, Limits, Witnessed, calm, judged
from tests.virtual_venue import HouseFeed, Stage, drive, end

SECOND_NS = 1_000_000_000
MARKETS = ("BTC-USD", "ETH-USD", "SOL-USD")
WARM_S = 17 * 60
FAULTS_S = 40.0
SETTLE_S = 150.0
CALM_S = 4.0
BARE_BLOCKS = 30
TURNS = (b"pause the rehearsal ends", b"kill the rehearsal ends")
PULSE_NS = 600_000_000
WARM_PULSE_NS = 3_000_000_000
STRATEGY = f"{Path(__file__).parent / 'restless.py'}"
WHOM = ACCOUNTS[0]


class Run(NamedTuple):
    """One schedule, played. wrong: what did not hold. digest: of engine and chain at the end."""

    seed: int
    wrong: tuple[str, ...]
    facts: dict[str, int]
    digest: str
    story: tuple[str, ...]
    seconds: float


def warmed(seed: int) -> Witnessed:
    """A house whose market has lived for long enough: at leisure until it opens, then as a schedule needs it."""
    house = Witnessed(
        HouseSettings(
            seed=seed,
            markets=MARKETS,
            warm_up_ns=WARM_S * SECOND_NS,
            limits=False,
            pulse_ns=WARM_PULSE_NS,
        )
    )
    house.settings = house.settings._replace(pulse_ns=PULSE_NS)
    Engine(settings(seed))  # what it imports need not be imported by every schedule
    gc.collect()
    gc.freeze()  # what stands now need not be looked through again by every schedule
    return house


def settings(seed: int) -> Settings:
    """The engine as a live session has it."""
    owner = {"address": WHOM.address, "subaccount": 0}
    options = json.dumps({"seed": seed, "quiet_after_s": round(FAULTS_S)})
    return Settings(
        stale_block_ns=4 * SECOND_NS,
        silence_ns=6 * SECOND_NS,
        desk=DeskSettings(
            strategy=STRATEGY,
            options=options,
            account=AccountSettings(**owner),
            orders=OrdersSettings(**owner, proof="query"),
            reconcile=ReconcileSettings(every_ns=15 * SECOND_NS),
            resilience=ResilienceSettings(on=True),
            heights=HeightSettings(on=True),
        ),
    )


class Recorder:
    """Stands where the journal stands: what each tick took and what came of it."""

    rotate_due = stopped = False

    def __init__(self, history: History) -> None:
        self.ticks: list[tuple[int, list[Any]]] = []
        self.done_: list[tuple[bytes, bytes]] = []
        self._history = history

    def snapshot(self, *_: Any) -> None:
        """None: a rehearsal replays from its beginning."""

    def tick(self, number: int, now_ns: int, records: list[Any]) -> None:
        self.ticks.append((now_ns, list(records)))
        for _, _, kind, data in records:
            if kind == REC_VENUE and data.startswith(b"place "):
                _, client_id, code, *_ = data.split(b" ", 3)
                if int(code) > 0:
                    self._history.append(int(client_id))

    def done(self, number: int, commands: bytes, digests: bytes) -> None:
        self.done_.append((commands, digests))


class Watched:
    """The venue, with a list of every order that went to it."""

    def __init__(self, live: Live, stage: Stage, history: History) -> None:
        self._live, self._stage, self._history = live, stage, history

    def observe(self, now_ns: int, rows: int) -> None:
        self._live.observe(now_ns, rows)

    def send(self, now_ns: int, commands: Any) -> None:
        self._history += [one for one in commands if isinstance(one, Place)]
        self._live.send(now_ns, commands)
        self._stage.loop.settle()

    def due(self, now_ns: int) -> int | None:
        return None

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """The feed's turn moves everything."""


class Script(HouseFeed):
    """The feed, and what happens by the clock: faults end, the operator pauses, later kills; over when all is calm."""

    def __init__(self, stage: Stage, engine: Engine, limits: Limits) -> None:
        super().__init__(stage)
        self._engine, self._limits = engine, limits
        self._begun_ns = self._calm_ns = stage.now_ns
        self._turns = list(TURNS)
        self._due_ns = stage.now_ns + round(FAULTS_S * SECOND_NS)
        self._last_ns = 0

    def due(self, now_ns: int) -> int | None:
        over = self._last_ns and (calm(self._engine) or now_ns > self._last_ns)
        return None if over else super().due(now_ns)

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        super().pull(until_ns, inbox)
        self._limits.look()
        house = self._stage.house
        if not calm(self._engine):
            self._calm_ns = house.now_ns
        early = len(self._turns) < len(TURNS) and house.now_ns - self._calm_ns > CALM_S * SECOND_NS
        if house.now_ns < self._due_ns and not early:
            return
        if not self._turns:
            # What the last records brought may have to be cleared up first: a doubt takes a round of questions.
            self._last_ns = self._last_ns or house.now_ns + 30 * SECOND_NS
            return
        for trouble in house.troubles.on:
            house.stop(trouble.number)
        house._waiting = []
        inbox.put(house.now_ns, VENUE_CONNECTION, REC_OPERATOR, self._turns.pop(0))
        self._calm_ns = house.now_ns
        self._due_ns = house.now_ns + round(SETTLE_S * SECOND_NS)


def play(house: Witnessed, seed: int, scenario: Scenario | None = None, replayed: bool = False) -> Run:
    """One schedule on this house, which is used up by it."""
    began_s = time.process_time()
    scenario = scenario or generated(seed, FAULTS_S, MARKETS)
    house.begin(scenario)
    house.watch(WHOM.address)
    stage = Stage(house, WHOM.address)
    engine = Engine(settings(seed))
    inbox = Inbox(1 << 16, 64 << 20)
    history: History = []
    recorder = Recorder(history)
    live_settings = LiveSettings(
        nodes=("127.0.0.1:1", "127.0.0.1:2"), tls=False, address=WHOM.address, chain_id="localdydxprotocol"
    )
    live = Live(
        engine.tape, engine.decoder, live_settings, KeyPair.from_mnemonic(WHOM.mnemonic), lambda: house.now_ns
    )
    live._inbox = inbox
    drive(live.sender, stage)
    venue = Watched(live, stage, history)
    limits = Limits(house, engine, WHOM.address, BARE_BLOCKS)
    feed = Script(stage, engine, limits)
    loop = Loop(engine, feed, inbox, speed=0, venue=venue, journal=recorder)  # type: ignore[arg-type]
    start_ns = house.now_ns
    loop.run()
    end(live.sender, stage)
    wrong = [*judged(house, engine, history, WHOM.address), *limits.wrong]
    if replayed:
        wrong += replay(seed, recorder)
    desk = engine.desk
    assert desk is not None
    facts = {
        "s": (house.now_ns - start_ns) // SECOND_NS,
        "ticks": engine.ticks,
        "places": sum(isinstance(one, Place) for one in history),
        "fills": int(engine.tape.counters[COUNTER_NAMES.index("fills")]),
        "sent": live.sender.sent,
        "unanswered": live.sender.unanswered,
        "refused": live.sender.refused,
        "reconnects": stage.stream.reconnects,
        "rounds": desk.reconcile.rounds[0],
        "failed rounds": desk.reconcile.rounds[1],
        "modes": len(desk.resilience.changes),
        "leaps": desk.heights.leaps,
    }
    story = tuple(told(house, desk, scenario, start_ns))
    digest = f"{engine.digest} {house.chain.digest()}"
    return Run(seed, tuple(wrong), facts, digest, story, time.process_time() - began_s)


def replay(seed: int, recorder: Recorder) -> list[str]:
    """The same records again in another engine: every command and digest must come again."""
    again = Engine(settings(seed))
    for number, ((now_ns, records), (commands, digests)) in enumerate(
        zip(recorder.ticks, recorder.done_, strict=True), 1
    ):
        found = again.tick(now_ns, list(records))
        if (encode(found) if found else b"[]") != commands or again.digests() != digests:
            return [f"replay: differs at tick {number}"]
    return []


def told(house: House, desk: Any, scenario: Scenario, start_ns: int) -> list[str]:
    """The schedule's story: faults, modes, orders."""
    from sniper.resilience import described

    lines = [
        (start_ns + event.at_ns, f"fault {event.fault} for {event.for_ns / 1e9:g} s {dict(event.parameters)}")
        for event in scenario.events
    ]
    lines += [(change.now_ns, described(change)) for change in desk.resilience.changes]
    lines += [(start_ns, said) for said in desk.said]
    lines += [
        (
            order.sent_ns,
            f"order {order.client_id} {order.kind} {order.time_in_force} {order.purpose}: {order.state}",
        )
        for order in (*desk.orders.finished, *desk.orders.all_open())
    ]
    return [f"{(at_ns - start_ns) / 1e9:8.3f}  {text}" for at_ns, text in sorted(lines)]


class Playing(NamedTuple):
    """A schedule that is being played by another process."""

    seed: int
    process: int
    reader: int


def begun(house: Witnessed, seed: int, replayed: bool, scenario: Scenario | None = None) -> Playing:
    """Play in a process of its own, so that the house here stays as it is."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        gc.disable()  # it lives for a second: what it leaves behind goes with it
        os.close(reader)
        try:
            text = json.dumps(play(house, seed, scenario, replayed))
        except BaseException:
            text = json.dumps([seed, [traceback.format_exc()], {}, "", [], 0.0])
        with os.fdopen(writer, "w") as out:
            out.write(text)
        os._exit(0)
    os.close(writer)
    return Playing(seed, child, reader)


def ended(playing: Playing) -> Run:
    """Wait for its end."""
    with os.fdopen(playing.reader) as into:
        text = into.read()
    os.waitpid(playing.process, 0)
    if not text:
        return Run(playing.seed, ("its process died",), {}, "", (), 0.0)
    seed, wrong, facts, digest, story, seconds = json.loads(text)
    return Run(seed, tuple(wrong), facts, digest, tuple(story), seconds)


def in_a_child(house: Witnessed, seed: int, replayed: bool, scenario: Scenario | None = None) -> Run:
    """One schedule, played by another process."""
    return ended(begun(house, seed, replayed, scenario))


def runs(house: Witnessed, first: int, times: int, replay_every: int, processes: int) -> Iterator[Run]:
    """So many schedules, as many at a time as there are processes; the results in the order of their seeds."""
    waiting: deque[Playing] = deque()
    for seed in range(first, first + times):
        waiting.append(begun(house, seed, replayed=(seed - first) % replay_every == 0))
        if len(waiting) >= processes:
            yield ended(waiting.popleft())
    while waiting:
        yield ended(waiting.popleft())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--story", action="store_true")
    parser.add_argument("--replay", type=int, default=10, metavar="N", help="replay every Nth")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--results", default="", metavar="FILE", help="add a line for every --chunk seeds")
    parser.add_argument("--chunk", type=int, default=500, metavar="N")
    parser.add_argument("--revision", default="", help="of the code, for the results")
    chosen = parser.parse_args(arguments)
    began_s = time.process_time()
    house = warmed(1)
    if chosen.verbose:
        print(f"warm: {time.process_time() - began_s:.1f} s", flush=True)
    tally = Tally("rehearsal", chosen.results, chosen.chunk, chosen.revision)
    for run in runs(house, chosen.seed, chosen.times, chosen.replay, chosen.processes):
        tally.add(run.seed, run.wrong, run.facts)
        if chosen.story:
            print("\n".join(run.story))
        if run.wrong:
            print(f"seed {run.seed}: " + "; ".join(run.wrong), flush=True)
        if chosen.verbose:
            print(f"seed {run.seed}: {run.seconds:.1f} s {run.facts} {run.digest}", flush=True)
    tally.flush()
    print(", ".join(f"{count} {name}" for name, count in tally.facts.items()))
    print(f"{tally.count} schedules, {len(tally.wrong)} wrong")
    return 8 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
