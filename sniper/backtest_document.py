"""The result of a backtest as plain values, for `--json` and the report. No path and no clock: the same input and
config give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sniper._ext.tape import COUNTER_NAMES
from sniper.account_document import coins, usdc
from sniper.backtesting import Result
from sniper.engine import Engine
from sniper.feed.sim.text import iso
from sniper.scorecard import Scorecard

SCHEMA: Final = "sniper.backtest/1"
MESSAGES, REJECTED = (COUNTER_NAMES.index(name) for name in ("frames", "rejected"))
EQUITY_POINTS_MAX: Final = 2048


def backtest_document(engine: Engine, result: Result, source: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is printed. source: what was played and with which strategy, model and quotes."""
    desk = engine.desk
    assert desk is not None
    tickers = engine.decoder.tickers
    near = result.nearest
    return {
        "schema": SCHEMA,
        **source,
        "ticks": result.ticks,
        "first": iso(result.first_ns),
        "last": iso(result.last_ns),
        "messages": int(engine.tape.counters[MESSAGES]),
        "rejected": int(engine.tape.counters[REJECTED]),
        "digest": result.digest,
        "score": score_document(result.score),
        "liquidations": result.liquidations,
        "least_liquidation_distance": None
        if near is None
        else {
            "percent": near.percent,
            "sigmas": near.sigmas,
            "market": tickers[near.market],
            "at": iso(near.now_ns),
        },
        "decisions": [
            {"outcome": outcome, "purpose": purpose or None, "gate": gate or None, "count": count}
            for (outcome, purpose, gate), count in result.outcomes.items()
        ],
        "trades": [
            {
                "market": tickers[trip.market],
                "side": "sell" if trip.side else "buy",
                "size": coins(desk, trip.market, trip.size_quantums),
                "opened": iso(trip.opened_ns),
                "closed": iso(trip.closed_ns),
                "entry": price(engine, trip.market, trip.entry_ticks),
                "exit": price(engine, trip.market, trip.exit_ticks),
                "exit_kind": trip.exit_kind,
                "exit_cause": trip.exit_cause,
                "realised": usdc(trip.realised),
                "fees": usdc(trip.fees),
                "funding": usdc(trip.funding),
                "net": usdc(trip.net),
            }
            for trip in result.trips
        ],
        "equity": [[iso(sample.now_ns), usdc(sample.net)] for sample in thinned(result)],
    }


def score_document(card: Scorecard) -> dict[str, Any]:
    """The figures: amounts in USDC as text, ratios as numbers, null for what cannot be said."""
    amounts = ("first_net", "last_net", "drawdown", "fees", "funding")
    return {name: usdc(value) if name in amounts else value for name, value in card._asdict().items()}


def price(engine: Engine, market: int, ticks: float) -> float:
    """Ticks, whole or not, as USD."""
    desk = engine.desk
    assert desk is not None
    return ticks * desk.view.market(market).tick_usd


def thinned(result: Result) -> list[Any]:
    """At most EQUITY_POINTS_MAX samples of the equity curve, the last one among them."""
    curve = result.curve
    every = -(-len(curve) // EQUITY_POINTS_MAX)
    return [*curve[:-1:every], curve[-1]]
