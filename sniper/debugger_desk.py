"""What the debugger says of the decision half: functions over scores and margin, and views of signals, account,
orders, margin and reasons."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper.account_document import RUNGS, coins, usdc
from sniper.debugger_show import table
from sniper.debugger_walk import Walk
from sniper.decimals import F_TICK, price_text, size_text, text
from sniper.desk import Desk
from sniper.errors import UsageError
from sniper.explaining import explain
from sniper.expression import NUMBER, TEXT, Function, Value
from sniper.order_table import SHORT_TERM
from sniper.risk_rungs import FAR
from sniper.trading import Withdraw
from sniper.wording import cause, outcome_line

MILLION = 1_000_000
Check = Callable[[str, str], str | None]
M = ("market", TEXT)
OFF = "this engine decides nothing: trade.mode is off"


def desk_functions(walk: Walk, check: Check) -> dict[str, Function]:
    """Functions that read the decision half where the walk stands; missing where there is none."""

    def of(read: Callable[[Desk], Value]) -> Callable[[], Value]:
        def call() -> Value:
            desk = walk.engine.desk
            return None if desk is None else read(desk)

        return call

    def of_market(read: Callable[[Desk, int], Value]) -> Callable[[str], Value]:
        def call(ticker: str) -> Value:
            desk, market = walk.engine.desk, walk.engine.decoder.market(ticker)
            return None if desk is None or market < 0 else read(desk, market)

        return call

    def score(ticker: str, signal: str) -> Value:
        desk, market = walk.engine.desk, walk.engine.decoder.market(ticker)
        if desk is None or market < 0 or signal not in SIGNALS:
            return None
        index = SIGNALS.index(signal)
        ready = desk.view.ready(market) >> index & 1
        return decimal(desk.view.scores(market)[index]) if ready else None

    def part(ticker: str, name: str) -> Value:
        desk, market = walk.engine.desk, walk.engine.decoder.market(ticker)
        found = None if desk is None or market < 0 else desk.view.parts(market).get(name)
        return None if found is None else decimal(found)

    def amount(name: str) -> Callable[[], Value]:
        return of(lambda desk: facts(desk, lambda: Fraction(getattr(desk.view.account, name), MILLION)))

    def figure(name: str) -> Callable[[], Value]:
        return of(lambda desk: facts(desk, lambda: decimal(getattr(desk.view.account, name))))

    found = {
        "score": Function(
            (M, ("signal", TEXT)), NUMBER, score, "score of a signal, 0 to 100, once it is warm"
        ),
        "part": Function((M, ("part", TEXT)), NUMBER, part, "a raw value behind the scores, e.g. 'rsi'"),
        "net": Function((), NUMBER, amount("net"), "net collateral, USDC"),
        "free": Function((), NUMBER, amount("free"), "free collateral, USDC"),
        "maintenance": Function((), NUMBER, amount("maintenance"), "maintenance margin, USDC"),
        "leverage": Function((), NUMBER, figure("leverage"), "notional over net collateral"),
        "danger": Function((), NUMBER, figure("danger"), "maintenance margin over net collateral"),
        "distance": Function((), NUMBER, of(distance), "liquidation distance in sigmas of an hour"),
        "rung": Function(
            (), NUMBER, of(lambda desk: desk.risk.rung), "rung of the ladder, 0 calm to 4 flatten"
        ),
        "position": Function((M,), NUMBER, of_market(position), "position in coins, signed"),
        "open_orders": Function((M,), NUMBER, of_market(orders_of), "our open orders"),
        "decisions": Function((), NUMBER, of(lambda desk: desk.decided), "decisions so far"),
        "trips": Function((), NUMBER, of(lambda desk: desk.trips.closed_count), "round trips so far"),
    }
    return {name: one._replace(check=check) for name, one in found.items()}


def decimal(value: float) -> Fraction | None:
    """A float as the decimal that it is written as; None for what is no number."""
    return Fraction(repr(float(value))) if abs(value) < float("inf") else None


def facts(desk: Desk, read: Callable[[], Value]) -> Value:
    """A fact of the account, missing while it is not known or cannot be computed."""
    return read() if desk.view.account.computable else None


def distance(desk: Desk) -> Value:
    """The least liquidation distance, missing without positions."""
    sigmas = desk.view.account.distance_sigmas
    return decimal(sigmas) if desk.view.account.computable and sigmas < FAR else None


def position(desk: Desk, market: int) -> Value:
    """The position of a market, 0 where there is none."""
    found = desk.view.positions.get(market)
    return 0 if found is None else Fraction(coins(desk, market, found.size_quantums))


def orders_of(desk: Desk, market: int) -> Value:
    """How many orders stand in a market."""
    return len(desk.view.orders(market))


# ---- views ---------------------------------------------------------------------------------------------------


def desk_of(walk: Walk) -> Desk:
    """The decision half. UsageError where there is none."""
    if walk.engine.desk is None:
        raise UsageError(OFF, "Step a run or a journal that trades.")
    return walk.engine.desk


def signals(walk: Walk, market: int) -> list[str]:
    """All scores of a market, and the raw parts behind them."""
    desk = desk_of(walk)
    ready, scores = desk.view.ready(market), desk.view.scores(market)
    lines = [
        (row[0], row[1], f"{score:.2f}" if ready >> i & 1 else "warming up")
        for i, (row, score) in enumerate(zip(SIGNAL_TABLE, scores, strict=True))
    ]
    parts = ", ".join(f"{name} {value:.6g}" for name, value in desk.view.parts(market).items())
    return [*table(("signal", "kind", "score"), lines), f"parts: {parts}"]


def account(walk: Walk) -> list[str]:
    """Equity, what it is made of, positions and open round trips."""
    desk = desk_of(walk)
    known, split = desk.view.account, desk.account.split()
    said = [
        f"trust {desk.account.trust}, height {known.height}, rung {RUNGS[desk.risk.rung]}, "
        f"latch {desk.risk.latch.verb or '-'}",
        f"equity {usdc(known.net)}, USDC {usdc(known.usdc)}, realised {usdc(split.realised)}, "
        f"unrealised {usdc(split.unrealised)}, fees {usdc(split.fees)}, funding {usdc(split.funding)}",
    ]
    lines = []
    for market, held in desk.view.positions.items():
        trip, size = desk.view.trip(market), coins(desk, market, held.size_quantums)
        row = walk.engine.decoder.markets[market]
        lines.append(
            (
                walk.engine.decoder.ticker(market),
                size,
                mean_price(row, Fraction(held.entry_quote, MILLION) / Fraction(size)),
                usdc(abs(held.entry_quote)),
                at(row, trip.stop_ticks if trip else 0),
                at(row, trip.target_ticks if trip else 0),
            )
        )
    head = ("market", "size", "entry price", "entry value", "stop", "target")
    return said + (table(head, lines) if lines else ["no positions"])


def mean_price(row: Any, price: Fraction) -> str:
    """A price between ticks, with two digits more than the tick has."""
    places = int(row["dec"][F_TICK]) + 2
    return text(round(abs(price) * 10**places), places)


def at(row: Any, ticks: int) -> str:
    """A price of a market, `-` where there is none."""
    return price_text(row, ticks) if ticks else "-"


def orders(walk: Walk, market: int | None) -> list[str]:
    """Orders that stand, are on their way or of unknown fate."""
    desk, decoder = desk_of(walk), walk.engine.decoder
    lines = [
        (
            str(one.client_id),
            decoder.ticker(one.market),
            "sell" if one.side else "buy",
            size_text(decoder.markets[one.market], one.size_steps),
            size_text(decoder.markets[one.market], one.filled_steps),
            at(decoder.markets[one.market], one.price_ticks),
            at(decoder.markets[one.market], one.trigger_ticks),
            one.kind,
            one.time_in_force,
            one.purpose,
            one.state,
            str(one.good_til_block if one.kind == SHORT_TERM else "-"),
        )
        for one in desk.orders.all_open()
        if market is None or one.market == market
    ]
    head = (
        "id",
        "market",
        "side",
        "size",
        "filled",
        "price",
        "trigger",
        "kind",
        "in force",
        "purpose",
        "state",
        "til block",
    )
    return table(head, lines) if lines else ["no open orders"]


def margin(walk: Walk) -> list[str]:
    """Margin of the account, of each position, and after the configured stresses."""
    desk = desk_of(walk)
    known, found = desk.view.account, desk.risk.assessment
    said = [
        f"net {usdc(known.net)}, initial {usdc(known.initial)}, maintenance {usdc(known.maintenance)}, "
        f"free {usdc(known.free)}",
        f"leverage {known.leverage:.3f}, usage {100 * known.usage:.2f} %, danger {100 * known.danger:.2f} %, "
        f"the ladder sees {found.danger_ppm / 10_000:.2f} % on rung {RUNGS[desk.risk.rung]}",
    ]
    if not known.computable:
        said.append("it cannot be relied on: a price, a term or the account itself is not known")
    rows = desk.margin.positions[0][: int(desk.margin.accounts[0]["positions"])]
    lines = []
    for row in rows:
        market, price = int(row["market"]), float(row["liquidation_price"])
        size = coins(desk, market, int(row["size"]))
        lines.append(
            (
                walk.engine.decoder.ticker(market),
                size,
                usdc(int(row["notional"])),
                usdc(int(row["maintenance"])),
                f"{price:.6g}" if price > 0.0 else "-",
            )
        )
    if lines:
        said += table(("market", "size", "notional", "maintenance", "liquidated at"), lines)
    for stress, after in zip(desk.settings.risk.gates.stresses, desk.risk.stressed(), strict=True):
        moves = ", ".join(f"{ticker} {ppm / 10_000:+g} %" for ticker, ppm in stress)
        kept = (
            "not computable"
            if after is None
            else f"net {usdc(after.net)}, maintenance {usdc(after.maintenance)}"
        )
        said.append(f"after {moves}: {kept}")
    return said


def reasons(walk: Walk, market: int | None) -> list[str]:
    """What was decided in this tick, and what an entry would take now, after it."""
    desk, decoder = desk_of(walk), walk.engine.decoder
    said = []
    for one in desk.decisions:
        if one.tick == walk.engine.ticks:
            said.append(outcome_line(decoder, one.outcome))
            if not isinstance(one.outcome, Withdraw) and (why := cause(one.outcome.intent)):
                said.append(f"  {why}")
    for index in range(decoder.markets_n) if market is None else (market,):
        found = explain(desk, desk.strategy, desk.view, index)
        score = found.score
        side = {1: "long", -1: "short"}.get(found.side, "-")
        reached = f"{score.found:.2f} of {score.needed:g}" if score is not None else "no score"
        said.append(f"{found.ticker} {side} {reached}: {found.taken or 'nothing is missing'}")
    return said or ["no market came yet"]
