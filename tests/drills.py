"""Proof of the liquidation ladder: seeded disasters that begin at the configured maximum leverage.

    python -m tests.drills --times 1000 --seed 1

Every drill runs the real engine on the sim with the paper venue: falls of 5 % to 40 % in a second to three minutes,
even, in leaps, or in one gap, with books as thin as a fiftieth of the sim's and feeds that go silent. Exit code 8
where an account was liquidated although an exit existed, or where the rungs were out of order.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from random import Random
from typing import NamedTuple

from sniper.account import AccountSettings
from sniper.desk import DeskSettings
from sniper.drill import Drill, Outcome
from sniper.drill_market import SECOND_NS, Script
from sniper.engine import Settings
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.risk_settings import GateSettings, RiskSettings

MILLION = 1_000_000
EQUITY = 10_000 * MILLION
PAIRS = (("BTC-USD", "ETH-USD"), ("BTC-USD", "SOL-USD"), ("ETH-USD", "SOL-USD"), ("BTC-USD", "DOGE-USD"))
OVER_S = (1.0, 5.0, 20.0, 60.0, 90.0, 180.0)
DEAF_S = (0.0, 0.0, 2.0, 5.0, 20.0, 40.0)
KINDS = ("even", "even", "leaps", "leaps", "leaps", "gap")
ENDINGS = ("held", "reduced", "flat", "gap above reduce", "beyond reach", "LIQUIDATED")
"""The last three were liquidated: in a gap from a rung that closes nothing yet to ruin; without any rung in time; or
although an exit existed from the first rung on that closes positions."""
WIDTHS = (5, 7, 5, 4, 6, 10)
IDLE = '{"enter_score":100.0,"full_score":100.0,"exit_score":0.0,"hold_max_s":1000000.0}'
"""A strategy that neither enters nor leaves: what happens is the ladder's doing."""


class Plan(NamedTuple):
    """One drill. slots: whether protective stops may rest on the chain."""

    seed: int
    kind: str
    script: Script
    leverage_ppm: int
    slots: bool
    latency: str


class Told(NamedTuple):
    """A plan and how it ended. wrong: what must not have happened, "": nothing."""

    plan: Plan
    outcome: Outcome
    wrong: str


def plan(seed: int) -> Plan:
    """The drill of a seed."""
    random = Random(f"{seed}/plan")
    fall = random.uniform(0.05, 0.40)
    other = min(0.45, fall * random.uniform(0.7, 1.4))
    first, second = random.choice(PAIRS)
    sign = random.choice((-1, -1, -1, 1))
    kind = random.choice(KINDS)
    over_s, start_s = random.choice(OVER_S), random.uniform(3.0, 8.0)
    steps = {"even": 0, "leaps": random.randint(2, 30), "gap": 1}[kind]
    deaf_s = random.choice(DEAF_S)
    script = Script(
        ((first, -round(fall * MILLION)), (second, sign * round(other * MILLION))),
        round(start_s * SECOND_NS),
        round(over_s * SECOND_NS),
        deaf_from_ns=round((start_s + random.uniform(-2.0, over_s)) * SECOND_NS),
        deaf_ns=round(deaf_s * SECOND_NS),
        steps=steps,
        depth_ppm=round(MILLION * 10 ** random.uniform(-1.7, 0.0)),
    )
    leverage_ppm = round(random.uniform(5.0, 8.0) * MILLION)
    return Plan(
        seed, kind, script, leverage_ppm, random.random() < 0.5, random.choice(("near", "usual", "far"))
    )


def settings(one: Plan) -> Settings:
    """The engine, allowed exactly as much leverage as it begins with."""
    gates = GateSettings(
        leverage_ppm_max=one.leverage_ppm,
        exposure_market_usd_max=1_000_000,
        exposure_side_usd_max=1_000_000,
        exposure_usd_max=1_000_000,
        unprotected=not one.slots,
        equity_tiers=GateSettings().equity_tiers if one.slots else ((0, 0),),
    )
    address = PaperSettings().address
    desk = DeskSettings(
        strategy="sniper",
        options=IDLE,
        account=AccountSettings(address),
        orders=OrdersSettings(address),
        risk=RiskSettings(gates=gates),
    )
    return Settings(desk=desk)


def paper(one: Plan) -> PaperSettings:
    """The venue. Without slots it takes no stateful order."""
    tiers = PaperSettings().equity_tiers if one.slots else ((0, 0),)
    return PaperSettings(usdc_quantums=EQUITY, equity_tiers=tiers, seed=one.seed, latency=one.latency)  # type: ignore[arg-type]


def drill(seed: int) -> Told:
    """Run one."""
    one = plan(seed)
    outcome = Drill(one.script, seed, settings(one), paper(one), one.leverage_ppm).run()
    return Told(one, outcome, wrong(outcome))


def wrong(outcome: Outcome) -> str:
    """What a drill must not show: a needless liquidation, rungs out of order, acts ahead of their rung."""
    if outcome.way_out_ns is not None:
        return f"liquidated though an exit existed at {outcome.way_out_ns / SECOND_NS:.2f} s"
    before = 0
    for ns, rung in outcome.rungs:
        if rung < before - 1:
            return f"rung {before} -> {rung} at {ns / SECOND_NS:.2f} s"
        before = rung
    for ns, purpose, rung in outcome.acts:
        if rung < {"reduce": 3, "flatten": 4}[purpose]:
            return f"{purpose} on rung {rung} at {ns / SECOND_NS:.2f} s"
    return ""


def run(seed: int, times: int, processes: int) -> Iterator[Told]:
    """So many drills, seeds one after the other."""
    seeds = range(seed, seed + times)
    if processes == 1:
        yield from map(drill, seeds)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(drill, seeds, chunksize=4)


def ending(outcome: Outcome) -> str:
    """How a drill ended, in a word or two."""
    if outcome.liquidated and outcome.beyond_reach:
        return "beyond reach" if outcome.early_out_ns is None else "gap above reduce"
    if outcome.liquidated:
        return "LIQUIDATED"
    if outcome.flat:
        return "flat"
    return "reduced" if outcome.acts else "held"


def table(told: list[Told]) -> list[str]:
    """Endings by the size of the fall, and the equity kept against the twin that flattens at once."""
    names = ("held", "reduced", "flat", "gap", "beyond", "LIQUIDATED")
    head = " ".join(f"{name:>{width}}" for name, width in zip(names, WIDTHS, strict=True))
    lines = [f"{'fall':>8} {'drills':>6} {head} {'kept':>6} {'at once':>7}"]
    for low in range(5, 40, 5):
        rows = [one for one in told if low <= -one.plan.script.moves[0][1] / 10_000 < low + 5]
        if not rows:
            continue
        ends = [ending(one.outcome) for one in rows]
        both = [one.outcome for one in rows if one.outcome.at_once_ppm is not None]
        kept = sum(one.kept_ppm for one in both) / max(1, len(both)) / 1e4
        once = sum(one.at_once_ppm or 0 for one in both) / max(1, len(both)) / 1e4
        counts = [ends.count(name) for name in ENDINGS]
        shown = " ".join(f"{n:{width}d}" for n, width in zip(counts, WIDTHS, strict=True))
        lines.append(f"{low:3d}-{low + 5:2d} % {len(rows):6d} {shown} {kept:5.1f}% {once:6.1f}%")
    return lines


def line(one: Told) -> str:
    """One drill in a line."""
    plan, script, outcome = one.plan, one.plan.script, one.outcome
    return (
        f"seed {plan.seed}: {plan.kind} {script.moves[0][1] / 1e4:.0f} % in {script.over_ns / 1e9:.0f} s, "
        f"deaf {script.deaf_ns / 1e9:.0f} s, {plan.leverage_ppm / 1e6:.1f}x, "
        f"depth {script.depth_ppm / 1e4:.0f} %, {'stops' if plan.slots else 'no stops'}: "
        f"{ending(outcome)}, kept {outcome.kept_ppm / 1e4:.1f} %{'; ' + one.wrong if one.wrong else ''}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run, print what is wrong and the table. 0: all as it must be, 8: not."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills")
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="a line for every drill")
    given = parser.parse_args(arguments)
    told = []
    for one in run(given.seed, given.times, given.processes):
        told.append(one)
        if given.each or one.wrong or one.outcome.beyond_reach:
            print(line(one), flush=True)
    bad = [one for one in told if one.wrong]
    print("\n".join(table(told)))
    print(f"{len(told)} drills, {len(bad)} wrong")
    return 8 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
