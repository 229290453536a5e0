"""What a running instance answers its operator: plain values, decimals as strings, null where there is none."""

from __future__ import annotations

from typing import Any

from sniper.account_document import account_document, coins, usdc
from sniper.decimals import price_text
from sniper.desk import Desk
from sniper.engine import Engine
from sniper.exposure import Protection, exposure, protections
from sniper.order_table import SHORT_TERM
from sniper.resilience import MODES

NANO = 1e9
SIDES = ("BUY", "SELL")


def document(engine: Engine, question: str) -> dict[str, Any]:
    """The answer to `status`, `orders` or `positions`."""
    return {"schema": f"sniper.{question}/1", "tick": engine.ticks, "now_ns": engine.now_ns} | (
        ANSWERS[question](engine, engine.desk) if engine.desk else {"account": None}
    )


def status(engine: Engine, desk: Desk) -> dict[str, Any]:
    """How it stands."""
    latch, watch, books = desk.risk.latch, desk.resilience, desk.reconcile
    shell = desk.risk.ordered
    height, at_ns = books.agreed
    return {
        "height": desk.height,
        "strategy": desk.settings.strategy,
        "latch": latch.verb or None,
        "reason": latch.reason or None,
        "journal_stopped": shell.journal_why or None,
        "state_stopped": shell.state_why or None,
        "session": MODES[watch.mode],
        "session_cause": watch.cause or None,
        "session_since_ns": watch.since_ns if watch.settings.on else None,
        "reconciled": books.settled,
        "reconciling": {
            "height": height or None,
            "at_ns": at_ns or None,
            "rounds": books.rounds[0],
            "failed": books.rounds[1],
            "missing": list(books.missing),
            "questions": len(desk.orders.questions()),
        }
        if books.settings.every_ns
        else None,
        "exposure": exposed(engine, desk),
        "account": account_document(desk, engine.decoder.tickers),
    }


def exposed(engine: Engine, desk: Desk) -> dict[str, Any]:
    """What is at stake if the power were lost now; losses are not negative."""
    found = exposure(desk, engine.decoder, protections(desk, engine.decoder))
    return {
        "held": usdc(found.held),
        "without_stop": usdc(found.bare),
        "markets_without_stop": found.bare_markets,
        "loss_at_stops": usdc(found.at_stops),
        "loss_in_stress": usdc(found.stressed),
        "may_open": usdc(found.entries),
        "orders_that_may_open": found.entry_orders,
        "blocks_until_they_end": found.entry_blocks if found.entry_orders else None,
        "orders_that_stay": found.staying,
        "first_of_them_ends_s": found.staying_s or None,
    }


def orders(engine: Engine, desk: Desk) -> dict[str, Any]:
    """Every order that may still fill."""
    rows = []
    for order in desk.orders.all_open():
        market = engine.decoder.markets[order.market]
        rows.append(
            {
                "client_id": order.client_id,
                "order_id": order.order_id,
                "market": engine.decoder.ticker(order.market),
                "side": SIDES[order.side],
                "price": price_text(market, order.price_ticks),
                "size_steps": order.size_steps,
                "filled_steps": order.filled_steps,
                "kind": order.kind,
                "time_in_force": order.time_in_force,
                "reduce_only": order.reduce_only,
                "purpose": order.purpose,
                "state": order.state,
                "age_s": round((engine.now_ns - order.sent_ns) / NANO, 3),
                "blocks_left": order.good_til_block - desk.height if order.kind == SHORT_TERM else None,
                "good_til_s": order.good_til_s or None,
                "cause": order.cause,
            }
        )
    return {"orders": rows}


def positions(engine: Engine, desk: Desk) -> dict[str, Any]:
    """Every open position of the traded subaccount."""
    margin = desk.margin.positions[0][: int(desk.margin.accounts[0]["positions"])]
    stops = protections(desk, engine.decoder)
    near = {int(row["market"]): row for row in margin}
    rows = []
    for index, position in desk.account.positions.items():
        row = near.get(index)
        liquidation = float(row["liquidation_price"]) if row is not None else 0.0
        rows.append(
            {
                "market": engine.decoder.ticker(index),
                "size": coins(desk, index, position.size_quantums),
                "entry_value": usdc(position.entry_quote),
                "notional": usdc(int(row["notional"])) if row is not None else None,
                "liquidation_price": repr(liquidation) if liquidation > 0.0 else None,
                "realised": usdc(position.realised),
                "fees": usdc(position.fees),
                "funding": usdc(position.funding),
                "opened_ns": position.opened_ns,
                "protected": index not in desk.risk.unprotected,
                "protection": protected(engine, desk, index, stops[index]),
            }
        )
    return {"positions": rows, "equity": usdc(desk.view.account.net)}


def protected(engine: Engine, desk: Desk, market: int, found: Protection) -> dict[str, Any]:
    """The stops of a position."""
    trigger = price_text(engine.decoder.markets[market], found.trigger_ticks) if found.trigger_ticks else None
    return {
        "state": found.state,
        "trigger": trigger,
        "covered": coins(desk, market, found.covered),
        "checked_height": found.checked or None,
        "bare_since_height": found.bare or None,
    }


ANSWERS = {"status": status, "orders": orders, "positions": positions}
