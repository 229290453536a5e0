"""A long live session against the stand-in exchange with faults on: memory, gaps, and every order accounted for.

    python -m bench.soak_live --minutes 60 [--markets 32] [--seed 1] [--rest 45]

Two child processes at real pace: `sniper venue` with a schedule of faults drawn from the seed (every other minute, so
that each has time to heal), and `sniper run --live` with a strategy that trades all the time. /proc is read once a
second; the slope is that of memory without pages of files, which the system drops and reads anew as it likes. At the
end the session is interrupted as by Ctrl-C, `sniper recover` compares its book with the venue's twice, and fills,
positions and orders of the database are compared with the Indexer's REST. Exit code 8 where something is wrong: memory
that grows by 1 MB in 10 minutes or more, connections or holes that no fault explains, rejected frames without a fault
that makes them, orders that are not accounted for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw

from bench.soak import own_mb, processor_s, resident_mb
from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.scenario import Scenario, dumps, generated
from sniper.feed.sim.universe import select
from tests.live_config import live_config

ROOT = Path(__file__).parent.parent
WHOM = ACCOUNTS[0]
WORDS = "not a secret of anybody"
SECOND_NS = 1_000_000_000
EVERY_S, FAULTY_S = 120, 60.0
NEVER = ("delisting",)  # what does not end would leave less to soak with every minute
SLOPE_MAX = 1.0  # MB in 10 minutes
WARM_UP_S = 16 * 60  # of the market: then volatilities are known
WARM_SHARE, WARM_S_MAX = 0.35, 1200.0
HOLES = {
    "gap",
    "slow_reader",
    "html",
    "malformed",
    "reorder",
    "silence",
    "disconnect",
    "restart",
    "stream_lag",
}
"""Faults after which messages are missing, or a connection is."""
SPOILT = {"html", "malformed", "duplicate", "gap", "reorder", "height_told"}


def schedule(seed: int, minutes: float, markets: list[str]) -> Scenario:
    """Faults of a drawn schedule in every other minute, none in the last two."""
    events = []
    for number, begun_s in enumerate(range(30, int(minutes * 60) - 100, EVERY_S)):
        drawn = generated(seed * 1000 + number, FAULTY_S, markets)
        events += [
            event._replace(at_ns=event.at_ns + begun_s * SECOND_NS)
            for event in drawn.events
            if event.fault not in NEVER
        ]
    return Scenario(f"soak {seed}", seed, "", tuple(events))


def sniper(*words: str) -> list[str]:
    return [sys.executable, "-m", "sniper", *words]


def config(folder: Path, where: dict[str, str], markets: int, every_ms: int) -> Path:
    """The session's config."""
    path = folder / "live.toml"
    options = f"every_ms = {every_ms}, markets = {markets}"
    path.write_text(
        live_config(
            where["websocket"],
            where["rest"],
            where["grpc"],
            options,
            trade=f'address = "{WHOM.address}"',
        )
    )
    return path


def piped(text: str) -> int:
    """A descriptor from which a child reads this text."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    return reader


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.loads(answer.read())


def slope_mb(samples: list[tuple[float, float]]) -> float:
    """Least squares, in MB per 10 minutes."""
    n = len(samples)
    mean_s, mean_mb = sum(s for s, _ in samples) / n, sum(mb for _, mb in samples) / n
    spread = sum((s - mean_s) ** 2 for s, _ in samples)
    return sum((s - mean_s) * (mb - mean_mb) for s, mb in samples) / spread * 600 if spread else 0.0


def windows(samples: list[tuple[float, float]], every_s: float = 600.0) -> list[float]:
    """The median of each window."""
    found = []
    for first in range(int(samples[-1][0] / every_s) + 1):
        part = sorted(mb for s, mb in samples if first * every_s <= s < (first + 1) * every_s)
        if part:
            found.append(part[len(part) // 2])
    return found


def fills_there(rest: str) -> list[dict[str, Any]]:
    """All fills of the account that the Indexer keeps, newest first."""
    found: list[dict[str, Any]] = []
    page = f"{rest}/v4/fills?address={WHOM.address}&subaccountNumber=0&limit=1000"
    until = ""
    while True:
        rows = asked(page + until)["fills"]
        fresh = [row for row in rows if row["id"] not in {one["id"] for one in found}]
        found += fresh
        if not fresh:
            return found
        until = f"&createdBeforeOrAtHeight={fresh[-1]['createdAtHeight']}"


def accounted(database: Path, rest: str) -> tuple[list[str], dict[str, int]]:
    """What differs between the database and the Indexer's REST; and how much there is."""
    connection = apsw.Connection(str(database))
    wrong: list[str] = []
    here = {row[0] for row in connection.execute("SELECT fill_id FROM fills")}
    there = {row["id"]: row for row in fills_there(rest)}
    wrong += [f"fill {name} is at the venue and not here" for name in there if name not in here]
    oldest = min((int(row["createdAtHeight"]) for row in there.values()), default=0)
    kept = {row[0] for row in connection.execute("SELECT fill_id FROM fills WHERE height > ?", (oldest,))}
    wrong += [f"fill {name} is here and not at the venue" for name in kept if name not in there]
    found = asked(f"{rest}/v4/addresses/{WHOM.address}/subaccountNumber/0")["subaccount"]
    terms = asked(f"{rest}/v4/perpetualMarkets")["markets"]
    venue = {
        ticker: int(Decimal(row["size"]).scaleb(-terms[ticker]["atomicResolution"]))
        for ticker, row in found["openPerpetualPositions"].items()
    }
    held = {
        row[0]: row[1]
        for row in connection.execute("SELECT ticker, size_quantums FROM positions WHERE size_quantums != 0")
    }
    if {ticker: size for ticker, size in venue.items() if size} != held:
        wrong.append(f"positions: {held} here, {venue} at the venue")
    sums: Counter[str] = Counter()
    for ticker, side, quantums in connection.execute("SELECT ticker, side, size_quantums FROM fills"):
        sums[ticker] += -quantums if side else quantums
    if {ticker: quantums for ticker, quantums in sums.items() if quantums} != held:
        wrong.append(f"positions by fills: {dict(sums)}, held {held}")
    ids = {row[0] for row in connection.execute("SELECT order_id FROM orders")}
    open_there = asked(f"{rest}/v4/orders?address={WHOM.address}&subaccountNumber=0&status=OPEN,UNTRIGGERED")
    wrong += [
        f"order {row['clientId']} rests there, unknown here" for row in open_there if row["id"] not in ids
    ]
    alive = {row["id"] for row in open_there}
    rows = connection.execute("SELECT order_id, client_id, kind, state FROM orders").fetchall()
    left = [row for row in rows if row[3] not in ("filled", "dead") and row[0] not in alive]
    wrong += [f"order {row[1]} {row[2]}: {row[3]}, and the venue does not have it" for row in left]
    intents = {row[0] for row in connection.execute("SELECT client_id FROM intents WHERE verb = 'place'")}
    wrong += [f"order {one}: an intent without an outcome" for one in intents - {row[1] for row in rows}]
    connection.close()
    return wrong, {"orders": len(rows), "fills": len(here), "open": len(alive), "intents": len(intents)}


def explained(document: dict[str, Any], struck: dict[str, int], planned: Counter[str]) -> list[str]:
    """Holes, reconnects and refused frames that no fault explains."""
    wrong = []
    happened = {name for name, count in (Counter(struck) + planned).items() if count}
    breaks = sum(count for name, count in planned.items() if name in HOLES)
    gaps = sum(one["gaps"] for one in document["connections"])
    reconnects = sum(one["reconnects"] for one in document["connections"])
    if (gaps or reconnects) and not happened & HOLES:
        wrong.append(f"{gaps} gaps and {reconnects} reconnects without a fault that makes them")
    if reconnects > breaks:
        wrong.append(f"{reconnects} reconnects by {breaks} faults that break connections")
    if document["rejected"] and not happened & SPOILT:
        wrong.append(f"{document['rejected']} rejected frames without a fault that makes them")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--markets", type=int, default=32)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--every-ms", type=int, default=400, help="pace of the strategy")
    options.add_argument("--rest", type=float, default=45.0, metavar="S", help="quiet before the end")
    options.add_argument("--keep", metavar="FOLDER", help="leave journal and database there")
    chosen = options.parse_args(arguments)
    tickers = [spec.ticker for spec in select(chosen.markets)]
    plan = schedule(chosen.seed, chosen.minutes, tickers)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(chosen.keep or name).absolute()
        folder.mkdir(exist_ok=True)
        (folder / "faults.toml").write_text(dumps(plan))
        venue = subprocess.Popen(
            sniper("venue", "--markets", str(chosen.markets), "--seed", str(chosen.seed), "--warm-up", str(WARM_UP_S),
                   "--scenario", str(folder / "faults.toml"), "--port", "0", "--grpc-port", "0",
                   "--control-port", "0", "--json"),
            cwd=ROOT, stdout=subprocess.PIPE, stderr=(folder / "venue.err").open("w"), text=True,
        )  # fmt: skip
        try:
            return soaked(chosen, folder, venue, plan)
        finally:
            venue.send_signal(signal.SIGINT)
            venue.wait(30)


def document_of(stream: Any) -> dict[str, Any]:
    """The JSON document that a process says first."""
    text = ""
    while line := stream.readline():
        text += line
        try:
            found: dict[str, Any] = json.loads(text)
            return found
        except json.JSONDecodeError:
            continue
    raise SystemExit(f"the venue did not start: {text}")


def soaked(chosen: argparse.Namespace, folder: Path, venue: subprocess.Popen[str], plan: Scenario) -> int:
    """The session and its verdict."""
    assert venue.stdout is not None
    where = document_of(venue.stdout)
    env = os.environ | {"XDG_STATE_HOME": str(folder)}
    path = config(folder, where, chosen.markets, chosen.every_ms)
    words, phrase = piped(f"{WORDS}\n"), piped(f"{WHOM.mnemonic}\n")
    subprocess.run(
        sniper("keys", "import", "owner", "--memory-mib", "64", "--secret-fd", str(phrase),
               "--passphrase-fd", str(words)),
        cwd=ROOT, env=env, pass_fds=(words, phrase), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    words = piped(f"{WORDS}\n")
    run = subprocess.Popen(
        sniper("run", "--config", str(path), "--headless", "--live", "--json", "--passphrase-fd", str(words)),
        cwd=ROOT, env=env, pass_fds=(words,), stdout=subprocess.PIPE, stderr=(folder / "run.err").open("w"), text=True,
    )  # fmt: skip
    samples: list[tuple[float, float]] = []
    resident: list[tuple[float, float]] = []
    begun_s, used_s = time.monotonic(), 0.0
    paused = False
    while (now_s := time.monotonic() - begun_s) < chosen.minutes * 60 and run.poll() is None:
        samples.append((now_s, own_mb(run.pid)))
        resident.append((now_s, resident_mb(run.pid)))
        used_s = processor_s(run.pid)
        if len(samples) % 600 == 0:
            print(f"{now_s / 60:.0f} minutes: {samples[-1][1]:.1f} MB", flush=True)
        if not paused and now_s > chosen.minutes * 60 - chosen.rest:
            paused = True
            subprocess.run(
                sniper("pause", "--reason", "the soak ends"),
                cwd=ROOT,
                env=env,
                check=False,
                capture_output=True,
            )
        time.sleep(1.0)
    state = asked(where["control"])
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    wrong = [] if run.returncode == 130 else [f"the session ended with {run.returncode}"]
    document = json.loads(out) if out else {"connections": [], "rejected": 0, "ticks": 0, "frames": 0}
    planned = Counter(event.fault for event in plan.events)
    wrong += explained(document, state["struck"], planned)
    if state["faults"]:
        wrong.append(f"faults that did not end: {state['faults']}")
    for turn in ("recover", "recover again"):
        found = subprocess.run(
            sniper("recover", "--config", str(path), "--url", where["rest"], "--json", "--wait", "120"),
            cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        told = json.loads(found.stdout) if found.stdout else {}
        if found.returncode or (turn != "recover" and told.get("corrected")):
            wrong.append(
                f"{turn}: exit {found.returncode}, {told.get('corrected')} corrected: {found.stderr[-300:]}"
            )
    database = next((folder / "sniper" / "accounts").glob("*-0.sqlite"))
    bad, counts = accounted(database, where["rest"])
    wrong += bad
    audit = subprocess.run(
        sniper("audit", "verify"), cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if audit.returncode:
        wrong.append(f"audit: {audit.stderr[-200:]}")
    warm_s = min(WARM_S_MAX, WARM_SHARE * chosen.minutes * 60)
    slope, with_files = (slope_mb([one for one in row if one[0] >= warm_s]) for row in (samples, resident))
    if slope >= SLOPE_MAX:
        wrong.append(f"memory grows by {slope:.2f} MB in 10 minutes")
    minutes = samples[-1][0] / 60
    print(f"{chosen.markets} markets, {minutes:.1f} minutes, seed {chosen.seed}, exit {run.returncode}, "
          f"{document['ticks']:,} ticks, {document['frames']:,} frames, {document['rejected']:,} rejected, "
          f"{used_s / samples[-1][0]:.1%} of a core")  # fmt: skip
    print(f"resident memory: {max(mb for _, mb in resident):.1f} MB at most, slope {with_files:+.2f} MB in 10 minutes "
          f"after {warm_s / 60:.0f} minutes; without pages of files {max(mb for _, mb in samples):.1f}, {slope:+.2f}; "
          f"medians of 10 minutes {[round(mb, 1) for mb in windows(samples)]}")  # fmt: skip
    print(f"faults: {sum(planned.values())} of {len(planned)} kinds; struck {state['struck']}")
    print(
        f"connections: {[(one['gaps'], one['reconnects']) for one in document['connections']]} (gaps, reconnects)"
    )
    print(f"orders: {counts}")
    for line in wrong:
        print(f"WRONG: {line}")
    print(f"{len(wrong)} wrong")
    return 8 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
