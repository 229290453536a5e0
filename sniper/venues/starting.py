"""Positions that the account begins with: booked once the feed has told of their markets."""

from __future__ import annotations

from collections.abc import Iterable

from sniper.quantums import exact, notional, shifted
from sniper.venues.ledger import Ledger
from sniper.venues.reports import Events
from sniper.venues.terms import Markets


class Grants:
    """Start positions, (ticker, signed size in coins, entry price in USD), that wait for their market."""

    def __init__(self, positions: Iterable[tuple[str, str, str]]) -> None:
        """ValueError if one of them makes no sense."""
        self.waiting: list[tuple[str, str, str]] = []
        for ticker, size, price in positions:
            if exact(size)[0] == 0 or exact(price)[0] <= 0:
                raise ValueError(f"start position of {ticker}: size must not be 0, the price above 0")
            self.waiting.append((ticker, size, price))
        if len({ticker for ticker, _, _ in self.waiting}) < len(self.waiting):
            raise ValueError("two start positions in one market")

    def book(self, markets: Markets, ledger: Ledger, events: Events) -> None:
        """Book those whose market and oracle price are known by now."""
        for grant in list(self.waiting):
            ticker, size, price = grant
            market = markets.index(ticker)
            terms = markets.terms(market)
            if terms is None:
                continue
            markets.follow(market)
            if markets.oracle[market].number <= 0:
                continue
            coins, decimals = exact(size)
            base = shifted(coins, -terms.atomic - decimals)
            quote = abs(notional(base, terms.atomic, *exact(price)))
            ledger.grant(market, base, quote, events.next(events.height))
            self.waiting.remove(grant)
