"""The paper venue against its twins, at length: queues order by order, sessions with fills, funding and liquidations.

    python -m tests.paper_differential --queues 20000 --sessions 400 --seed 1

A difference names the seed of its turn.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from decimal import Decimal

from sniper.trading import BUY
from tests.papers import BTC, ETH, HOUR, TICKERS, Bench, plain
from tests.reference_ledger import Books
from tests.reference_queue import play

Action = tuple[str, int, int, int]


def to_the_hour(bench: Bench) -> int:
    """Milliseconds to the next full hour."""
    return (HOUR - bench.now_ns % HOUR) // 1_000_000


def due(twin: Books) -> int:
    before = dict(twin.usdc), dict(twin.since)
    twin.settle()
    change = twin.usdc["account"] - before[0]["account"]
    twin.usdc, twin.since = before
    return change


def session(actions: list[Action], usd: int) -> Bench:
    """Play these actions with an account of so many USD, and compare its books with those of the twin.

    ("ioc" | "rest" | "trade", market, side, steps), ("move", market, 0, ticks), ("hour", market, 0, rate in 10^-9),
    ("block", 0, 0, 0). Conservation is asserted by the bench after every tick.
    """
    usdc, insurance = usd * 10**6, 50 * 10**6
    bench = Bench(
        usdc_quantums=usdc,
        insurance_quantums=insurance,
        fee="own",
        taker_ppm=437,
        maker_ppm=-101,
        stateful_limits=(),
    )
    mids = [100_000, 40_000]
    rates: dict[int, str] = dict.fromkeys((BTC, ETH), "0.000002375")
    hours: dict[int, list[tuple[str, str, str]]] = {}
    oracles = ["100000", "4000"]

    def shape(market: int) -> None:
        mid = mids[market]
        levels = [[(mid - s * 5 * i, 300 * i) for i in (1, 2, 8)] for s in (1, -1)]
        bench.book(levels[0], levels[1], market)

    shape(BTC)
    shape(ETH)
    for number, (what, market, side, value) in enumerate(actions, 1):
        if what == "ioc":
            limit = mids[market] + (50 if side == BUY else -50)
            bench.place(number, side, value, limit, market=market, time_in_force="ioc")
        elif what == "rest":
            price = mids[market] + (-3 if side == BUY else 3)
            bench.place(number, side, value, price, market=market)
        elif what == "trade":
            at = mids[market] + (6 if side == BUY else -6)
            bench.block(600)
            bench.trade(side, at, value, market=market)
        elif what == "move":
            mids[market] += value
            oracles[market] = plain(Decimal(mids[market]).scaleb(0 if market == BTC else -1))
            shape(market)
            bench.oracle(oracles[market], market)
            bench.block()
        elif what == "hour":
            rates[market] = plain(Decimal(value).scaleb(-9))
            bench.trading(market, nextFundingRate=rates[market])
            held = [m for m in (BTC, ETH) if bench.ledger.base(m)]
            bench.block(to_the_hour(bench))
            hours[bench.height] = [(TICKERS[m], rates[m], oracles[m]) for m in held]
        else:
            bench.block()
    bench.run(5)
    twin = Books(usdc, insurance, {"BTC-USD": -10, "ETH-USD": -9}, 437, -101)
    twin.messages(bench.news, hours)
    bench.booked()
    assert bench.ledger.unsettled() == due(twin)
    assert twin.usdc == bench.ledger.usdc
    return bench


def drawn_queue(r: random.Random) -> None:
    """One queue with random events."""
    kinds = ("add", "cancel", "trade", "hear level", "hear trade", "block")
    events = [(r.choice(kinds), r.randint(1, 60)) for _ in range(r.randint(0, 80))]
    ahead = [r.randint(1, 60) for _ in range(r.randint(0, 5))]
    play(ahead, r.randint(1, 100), events, r.choice((0, 0, 250_000, 1_000_000)))


def drawn_session(r: random.Random) -> Bench:
    """One session with random actions; the account is small, so that some are liquidated."""
    actions: list[Action] = []
    for _ in range(r.randint(5, 60)):
        what = r.choice(("ioc", "ioc", "rest", "trade", "trade", "move", "move", "hour", "block"))
        value = {"move": r.randint(-3000, 3000), "hour": r.randint(-2000, 2000)}.get(what, r.randint(1, 3000))
        actions.append((what, r.randint(0, 1), r.randint(0, 1), value))
    return session(actions, r.choice((60, 200, 1_000, 20_000)))


def main() -> int:
    """Compare, and say what was compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.paper_differential")
    parser.add_argument("--queues", type=int, default=20_000)
    parser.add_argument("--sessions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.monotonic()
    kinds: dict[str, int] = {}
    for turn in range(asked.queues + asked.sessions):
        seed = asked.seed * 1_000_003 + turn
        try:
            if turn < asked.queues:
                drawn_queue(random.Random(seed))
            else:
                for fill in drawn_session(random.Random(seed)).fills:
                    kinds[fill["type"]] = kinds.get(fill["type"], 0) + 1
        except AssertionError as difference:
            print(f"turn seed {seed}: {difference}", file=sys.stderr)
            raise
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    print(
        f"{asked.queues:,} queues, {asked.sessions:,} sessions (fills: {told}), no difference, seed {asked.seed}, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
