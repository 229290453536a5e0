"""Trades: the tape of one market, newest first, and which side traded more."""

from __future__ import annotations

from functools import lru_cache

from sniper.panels.row import Cell, Row, clock, clock_ms, count, ends, filled, line
from sniper.panels.view import Print, Trades, View

TITLE = "Trades"


def draw(view: View, width: int, height: int) -> list[Row]:
    """Counts, the balance of buys and sells, then one row a trade."""
    trades = view.trades
    rows = [_counts(trades, width), _balance(trades, width)]
    prints = trades.prints[: max(0, height - 2)]
    price = max([len(trade.price) for trade in prints], default=1)
    size = max([len(trade.size) for trade in prints], default=1)
    rows += [_trade(trade, price, size, width) for trade in prints]
    if not prints and height > 2:
        rows.append(line(width, ("no trades yet", "dim")))
    return filled(rows, width, height)


def _counts(trades: Trades, width: int) -> Row:
    end = f"{count(trades.total)} trades"
    if width >= 44:
        end += f"  {count(trades.duplicates)} repeated  {count(trades.late)} late"
    return ends(width, ((trades.ticker, "strong"),), ((end, "dim"),))


def _balance(trades: Trades, width: int) -> Row:
    if trades.buy_permille is None:
        return line(width, ("no volume yet", "dim"))
    start = f"buy {trades.buy_volume} " if width >= 44 else f"buy {trades.buy_permille // 10}% "
    end = f" {trades.sell_volume} sell" if width >= 44 else f" {100 - trades.buy_permille // 10}% sell"
    room = max(0, width - len(start) - len(end))
    buys = (room * trades.buy_permille + 500) // 1000
    return line(
        width, (start, "bid"), ("█" * buys, "bid bar"), ("▒" * (room - buys), "ask bar"), (end, "ask")
    )


@lru_cache(maxsize=256)
def _trade(trade: Print, price: int, size: int, width: int) -> Row:
    style = "bid" if trade.side == "BUY" else "ask"
    if width >= 44:
        time, side = clock_ms(trade.venue_ns), f"{trade.side:<4}"
    else:
        time, side = clock(trade.venue_ns), trade.side[:1]
    cells: list[Cell] = [
        (f"{time} ", "dim"),
        (f"{side} ", style),
        (f"{trade.price:>{price}} ", style),
        (f"{trade.size:>{size}}", ""),
    ]
    if trade.note:
        room = width - sum(len(text) for text, _ in cells)
        cells.append((f" {trade.note}" if room > len(trade.note) else "!", "warning"))
    return line(width, *cells)


if __name__ == "__main__":
    from sniper.demo import main

    main("trades")
