"""A long run at real pace: resident memory, its slope and the share of a core, the sim's own cost apart.

    python -m bench.soak [--minutes 10] [--markets 50] [--decide]

Runs `sniper run` on the sim (batched books, dashboard on a pseudo-terminal of 120x40, journal on) as a child
process and reads /proc once a second. The sim's cost is measured in this process afterwards: the same markets for
a minute of simulated time, as fast as possible, scaled to real time. With --decide the decision half is on and
trades on paper; without it the market half runs alone.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.types import Watch

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WARM_UP_S = 60


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def own_mb(pid: int) -> float:
    """Resident memory without pages of files, which come and go as the system likes (Linux: statm's third field)."""
    _, resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
    return (int(resident) - int(shared)) * PAGE_BYTES / 1e6


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def sim_share(markets: int, seconds: int = 60) -> float:
    """Share of a core that the sim alone takes at real pace."""
    feed, inbox = (
        Sim(seed=1, markets=markets, batched_orderbook=True, batched_trades=True),
        Inbox(1 << 16, 1 << 28),
    )
    feed.start(inbox)
    now_ns = start_ns = feed.due(0) or 0
    watched, used_s = False, 0.0
    while now_ns - start_ns < seconds * 1_000_000_000:
        now_ns = min(feed.due(now_ns) or now_ns, now_ns + 50_000_000)
        began_s = time.process_time()
        feed.pull(now_ns, inbox)
        if not watched and now_ns - start_ns > 1_000_000_000:
            feed.send(now_ns, [Watch(tuple(feed.markets))])
            watched = True
        used_s += time.process_time() - began_s
        inbox.drain(1 << 28, 1 << 16)
    return used_s / seconds


def child(markets: int, folder: str, decide: bool) -> tuple[int, int]:
    """Start the run on a pseudo-terminal: (process id, master side)."""
    pid, master = pty.fork()
    if pid == 0:
        options = [f"sim.markets={markets}", "feed.batched.orderbook=true", "feed.batched.trades=true"]
        options.append(f"trade.mode={'paper' if decide else 'off'}")
        words = [word for option in options for word in ("--set", option)]
        command = [sys.executable, "-m", "sniper", "run", "--config", "config.toml", *words]
        os.execv(sys.executable, [*command, "--journal", f"{folder}/soak.mcap"])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    return pid, master


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--markets", type=int, default=50)
    options.add_argument("--decide", action="store_true", help="with strategies, risk and the paper venue")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pid, master = child(chosen.markets, folder, chosen.decide)
        drawn = 0

        def swallow() -> None:
            nonlocal drawn
            try:
                while data := os.read(master, 1 << 16):
                    drawn += len(data)
            except OSError:
                pass

        threading.Thread(target=swallow, daemon=True).start()
        samples: list[tuple[float, float, float]] = []
        start_s = time.monotonic()
        while (now_s := time.monotonic() - start_s) < chosen.minutes * 60:
            samples.append((now_s, resident_mb(pid), processor_s(pid)))
            time.sleep(1.0)
        os.kill(pid, signal.SIGINT)
        _, status = os.waitpid(pid, 0)
        journal_mb = sum(f.stat().st_size for f in Path(folder).glob("*.mcap")) / 1e6
    warm = [s for s in samples if s[0] >= min(WARM_UP_S, chosen.minutes * 20)]
    n = len(warm)
    mean_s, mean_mb = sum(s[0] for s in warm) / n, sum(s[1] for s in warm) / n
    slope = (
        sum((s[0] - mean_s) * (s[1] - mean_mb) for s in warm) / sum((s[0] - mean_s) ** 2 for s in warm) * 60
    )
    share = (warm[-1][2] - warm[0][2]) / (warm[-1][0] - warm[0][0])
    sim = sim_share(chosen.markets)
    print(
        f"{chosen.markets} markets, {samples[-1][0] / 60:.1f} minutes, exit {os.waitstatus_to_exitcode(status)}"
    )
    print(
        f"resident memory: {max(s[1] for s in samples):.1f} MB at most, slope {slope:+.3f} MB/min after warm-up"
    )
    print(
        f"processor: {share:.1%} of a core in all, of which the sim {sim:.1%}: without it {share - sim:.1%}"
    )
    print(f"journal {journal_mb:.1f} MB, dashboard {drawn / 1e6:.1f} MB written")


if __name__ == "__main__":
    main()
