"""The raw books and the trades of an engine as a document of exact decimal texts."""

from __future__ import annotations

from typing import Any

from sniper.decimals import Grid, grid, text
from sniper.engine import Engine

ALL = 1 << 20
"""More levels than a side can have."""


def books(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every market that has a book or a trade: all raw levels, best first, and what its trades sum up to.

    Volumes are in coins. last_price is the last in the order of arrival, None where there was no trade.
    """
    found: dict[str, dict[str, Any]] = {}
    for index, ticker in enumerate(engine.decoder.tickers):
        top, stat = engine.books.tops[index], engine.trades.stats[index]
        if not top["snapshots"] and not stat["count"]:
            continue
        units = grid(engine.decoder.markets[index])
        buy, sell, decimals = engine.trades.volumes(index)
        found[ticker] = {
            "bids": _side(engine, index, 0, units),
            "asks": _side(engine, index, 1, units),
            "trades": {
                "count": int(stat["count"]),
                "last_price": text(int(stat["last_price"]), int(stat["last_dec"])) if stat["count"] else None,
                "buy_volume": text(buy, decimals),
                "sell_volume": text(sell, decimals),
            },
        }
    return found


def _side(engine: Engine, market: int, side: int, units: Grid) -> list[list[str]]:
    return [
        [text(ticks * units.tick, units.tick_decimals), text(steps * units.step, units.step_decimals)]
        for ticks, steps in engine.books.levels(market, side, ALL, True).tolist()
    ]
