"""The account as plain values, for `--json`: decimals are strings, null where there is none."""

from __future__ import annotations

from typing import Any

from sniper.decimals import text
from sniper.desk import Desk
from sniper.quantums import atomic_resolution

USDC_DECIMALS = 6
RUNGS = ("calm", "stop", "cancel", "reduce", "flatten")


def usdc(quantums: int) -> str:
    """Quote quantums as USDC."""
    return text(quantums, USDC_DECIMALS)


def account_document(desk: Desk, tickers: list[str]) -> dict[str, Any]:
    """Equity, margin, positions and what was done. Amounts in USDC, sizes signed in coins."""
    facts, split, margin = desk.view.account, desk.account.split(), desk.margin
    rows = margin.positions[0][: int(margin.accounts[0]["positions"])]
    positions = {}
    for row in rows:
        market = int(row["market"])
        liquidation = float(row["liquidation_price"])
        positions[tickers[market]] = {
            "size": coins(desk, market, int(row["size"])),
            "notional": usdc(int(row["notional"])),
            "liquidation_price": repr(liquidation) if liquidation > 0.0 else None,
        }
    return {
        "trust": desk.account.trust,
        "equity": usdc(facts.net),
        "free_collateral": usdc(facts.free),
        "initial_margin": usdc(facts.initial),
        "maintenance_margin": usdc(facts.maintenance),
        "rung": RUNGS[desk.risk.rung],
        "latch": desk.risk.latch.verb or None,
        "positions": positions,
        "open_orders": len(desk.orders.all_open()),
        "round_trips": desk.trips.closed_count,
        "decisions": desk.decided,
        "realised": usdc(split.realised),
        "unrealised": usdc(split.unrealised),
        "fees": usdc(split.fees),
        "funding": usdc(split.funding),
        "differences": len(desk.account.differences),
    }


def coins(desk: Desk, market: int, size_quantums: int) -> str:
    """Base quantums as coins."""
    resolution = atomic_resolution(desk.margin.markets, market)
    return text(size_quantums * 10 ** max(resolution, 0), max(-resolution, 0))
