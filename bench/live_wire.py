"""From a decision to the wire: how long the sender's thread takes, and how long it holds the tick thread.

    python -m bench.live_wire [--orders 2000] [--note FOLDER | --state FOLDER]

A node of a few lines on loopback in another process takes the transactions. Measured of each order, one every 5 ms:
`held`, the time of `Live.send`'s handing over in the tick thread; `wire`, from the hand-over to the moment when the
signed bytes are given to gRPC; `answer`, until the answer is there. With --state every intent is first durable in a
new database there, as a live session keeps it; with --note in a plain file there that is synced. The bars: wire p50
0.5 ms, p99 2 ms; with either 1 and 4 ms; held 0.1 ms.

Everything is pinned to one core. A busy machine takes the processor away in the middle of anything. So a stretch of
plain counting, as long as a hand-over, is timed between the orders (`bare`), and of every hand-over is told how often
it waited for something (switches that the thread asked for: a lock, the interpreter, a disk) and how much processor
time it took itself (`held_cpu`). Ours to answer for are waits, which must be 0, and `held_cpu`; the rest of `held`
beyond the bar is to be compared with `bare`.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dydx_v4_client.key_pair import KeyPair

from bench.contest import pin
from sniper.live_settings import LiveSettings
from sniper.state import State
from sniper.trading import BUY, Place
from sniper.venues.live_messages import Wanted
from sniper.venues.live_sender import Sender

MNEMONIC = "abandon " * 11 + "about"  # BIP-39's own first test vector
ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
BARS_MS = {"held": (0.1, 0.1), "held_cpu": (0.1, 0.1), "wire": (0.5, 2.0), "noted": (1.0, 4.0)}
HELD_MS = 0.1
LONG_AS_A_HAND_OVER = 1000


def serve(port: Any, over: Any) -> None:
    """The node's process."""
    from tests.small_node import SmallNode

    with SmallNode() as node:
        port.put(node.port)
        over.wait()


def run(orders: int, note: Any) -> dict[str, list[float]]:
    """Send so many orders; milliseconds of each."""
    context = multiprocessing.get_context("spawn")
    port, over = context.Queue(), context.Event()
    process = context.Process(target=serve, args=(port, over), daemon=True)
    process.start()
    handed: dict[int, float] = {}
    found: dict[str, list[float]] = {
        "held": [], "held_cpu": [], "bare": [], "wire": [], "answer": [], "waits": [], "taken": []
    }  # fmt: skip
    answered = threading.Semaphore(0)

    def say(verb: str, client_id: int, code: int, text: str) -> None:
        assert code == 0, text
        found["answer"].append((time.perf_counter() - handed[client_id]) * 1e3)
        answered.release()

    settings = LiveSettings(nodes=(f"127.0.0.1:{port.get()}",), tls=False, address=ADDRESS, chain_id="test")
    sender = Sender(settings, KeyPair.from_mnemonic(MNEMONIC), say, note)
    sender.start()
    assert sender.nodes is not None
    inner = sender.nodes.route.intercept_unary_unary
    flying: list[int] = []
    counting = range(LONG_AS_A_HAND_OVER)

    async def stamped(continuation: Any, details: Any, request: Any) -> Any:
        if flying and b"BroadcastTx" in bytes(str(details.method), "ascii"):
            found["wire"].append((time.perf_counter() - handed[flying.pop(0)]) * 1e3)
        return await inner(continuation, details, request)

    sender.nodes.route.intercept_unary_unary = stamped  # type: ignore[method-assign]
    try:
        for number in range(orders + 50):
            place = Place(
                number, 0, "BTC-USD", BUY, 3, 90_000, "short_term", "ioc", False, 120, 0, "", 0, "entry", "b"
            )
            one = Wanted(place, 0, 1_000_000, 100_000)
            began = time.perf_counter()
            for _ in counting:
                pass
            found["bare"].append((time.perf_counter() - began) * 1e3)
            flying.append(number)
            before, own_ns = resource.getrusage(resource.RUSAGE_THREAD), time.thread_time_ns()
            handed[number] = began = time.perf_counter()
            sender.hand((one,))
            found["held"].append((time.perf_counter() - began) * 1e3)
            found["held_cpu"].append((time.thread_time_ns() - own_ns) / 1e6)
            after = resource.getrusage(resource.RUSAGE_THREAD)
            found["waits"].append(after.ru_nvcsw - before.ru_nvcsw)
            found["taken"].append(after.ru_nivcsw - before.ru_nivcsw)
            assert answered.acquire(timeout=10)
            time.sleep(0.002)
    finally:
        sender.stop()
        over.set()
        process.join(5)
    return {name: sorted(times[50:]) for name, times in found.items()}


def at(times: Sequence[float], share: float) -> float:
    """The quantile."""
    return times[min(len(times) - 1, int(share * len(times)))]


def in_file(folder: Path) -> Callable[[Sequence[Wanted]], None]:
    """The least that durable can cost: a line at a file's end, synced."""
    target = os.open(folder / "intents", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def note(handed: Sequence[Wanted]) -> None:
        os.write(target, b"".join(f"{one.command}\n".encode() for one in handed))
        os.fdatasync(target)

    return note


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--orders", type=int, default=2000)
    options.add_argument("--note", type=Path)
    options.add_argument("--state", type=Path)
    chosen = options.parse_args()
    pin()
    with contextlib.ExitStack() as closing:
        note = None
        if chosen.state:
            folder = closing.enter_context(tempfile.TemporaryDirectory(dir=chosen.state))
            state = State(Path(folder), "bench", ADDRESS, 0)
            closing.callback(state.close)
            note = state.note
        elif chosen.note:
            note = in_file(chosen.note)
        found = run(chosen.orders, note)
    waits, taken = sum(found.pop("waits")), sum(found.pop("taken"))
    bad = waits > 0
    for name, times in found.items():
        bars = BARS_MS.get("noted" if note and name == "wire" else name)
        p50, p99 = at(times, 0.5), at(times, 0.99)
        bar = f"  (at most {bars[0]:g} and {bars[1]:g})" if bars else ""
        print(f"{name:8} p50 {p50:.3f} ms  p99 {p99:.3f} ms  max {times[-1]:.3f} ms{bar}")
        bad |= bars is not None and (p50 > bars[0] or p99 > bars[1])
    above, bare = (len([1 for ms in found[name] if ms > HELD_MS]) for name in ("held", "bare"))
    print(
        f"held: {above} of {len(found['held'])} above {HELD_MS:g} ms (bare: {bare}); {waits} waits (none may be)"
    )
    print(f"the machine took the processor away in {taken} of them")
    return 8 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
