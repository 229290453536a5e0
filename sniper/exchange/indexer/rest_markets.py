"""REST: markets, books, trades, candles, funding, height and time (rest.md 2)."""

from __future__ import annotations

from typing import Any

from sniper.exchange.indexer import fills
from sniper.exchange.indexer.asking import Asked, Missing
from sniper.exchange.indexer.paging import paged
from sniper.exchange.indexer.topics import RESOLUTIONS
from sniper.exchange.indexer.writing import plain
from sniper.feed.sim.text import iso

SPARKS = {"ONE_DAY": ("1HOUR", 24), "SEVEN_DAYS": ("4HOURS", 42)}
SECOND_NS = 1_000_000_000


def perpetual_markets(asked: Asked) -> Any:
    """All markets, or one."""
    limit = asked.limit()
    chosen = asked.market("ticker", needed=False)
    other = asked.market("market", needed=False)
    asked.checked()
    if chosen is not None and other is not None:
        raise asked.refuse("Only one of ticker or market may be provided")
    chosen = chosen or other
    if chosen is not None:
        return {"markets": {chosen.ticker: chosen.item()}}
    markets = [asked.state.markets[pair] for pair in sorted(asked.state.markets)]
    return {"markets": {market.ticker: market.item() for market in markets[:limit]}}


def order_book(asked: Asked) -> Any:
    """The book, uncrossed. It comes from the cache, which no replica lags behind."""
    market = asked.path_market()
    book = asked.live.by_ticker[market.ticker]
    return book.book_item(asked.state.settings.levels_max)


def trades(asked: Asked) -> Any:
    """Trades, newest first; with a page oldest first."""
    limit, page = asked.limit(), asked.page()
    height, at_ns = asked.height("createdBeforeOrAtHeight"), asked.when("createdBeforeOrAt")
    market = asked.path_market()
    rows = [
        row
        for row in market.trades
        if (height is None or row.height <= height) and (at_ns is None or row.at_ns <= at_ns)
    ]
    if page is None:
        rows.reverse()
    chosen, extra = paged(rows, limit, page)
    return {"trades": [fills.trade_rest_item(row, market.terms) for row in chosen]} | extra


def candles(asked: Asked) -> Any:
    """Candles, newest first: those that began from fromISO on and before toISO."""
    limit = asked.limit()
    resolution = asked.text("resolution")
    if resolution not in RESOLUTIONS:
        asked.wrong(
            "resolution", f"resolution must be a valid Candle Resolution, one of {','.join(RESOLUTIONS)}"
        )
    since_ns, until_ns = asked.when("fromISO"), asked.when("toISO")
    market = asked.path_market()
    rows = [
        candle.item(market.ticker)
        for candle in reversed(market.candles.of[resolution or ""])
        if (since_ns is None or candle.start_s * SECOND_NS >= since_ns)
        and (until_ns is None or candle.start_s * SECOND_NS < until_ns)
    ]
    return {"candles": rows[:limit]}


def sparklines(asked: Asked) -> Any:
    """The last closes of every market, newest first."""
    period = asked.one_of(
        "timePeriod", SPARKS, f"timePeriod must be a valid Time Period, one of {','.join(SPARKS)}"
    )
    if period is None and asked.text("timePeriod") is None:
        asked.wrong("timePeriod", f"timePeriod must be a valid Time Period, one of {','.join(SPARKS)}")
    asked.checked()
    resolution, most = SPARKS[period or ""]
    return {
        market.ticker: [plain(candle.close) for candle in list(market.candles.of[resolution])[::-1][:most]]
        for market in asked.state.markets.values()
    }


def historical_funding(asked: Asked) -> Any:
    """Funding ticks, newest first."""
    limit = asked.limit()
    height, at_ns = asked.height("effectiveBeforeOrAtHeight"), asked.when("effectiveBeforeOrAt")
    market = asked.path_market()
    rows = [
        market.funding_item(tick)
        for tick in reversed(market.ticks)
        if (height is None or tick.height <= height) and (at_ns is None or tick.at_ns <= at_ns)
    ]
    return {"historicalFunding": rows[:limit]}


def height(asked: Asked) -> Any:
    """The last block indexed."""
    if not asked.state.height:
        raise Missing("No blocks found")
    return {"height": str(asked.state.height), "time": iso(asked.state.now_ns)}


def time(asked: Asked) -> Any:
    """The server's clock."""
    return {"iso": iso(asked.now_ns), "epoch": asked.now_ns // 1_000_000 / 1_000}
