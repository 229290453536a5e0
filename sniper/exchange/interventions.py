"""What faults do to the chain itself: oracle prices that stand elsewhere, markets delisted, margins raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sniper.exchange.chain.chain import Chain
from sniper.exchange.terms import FINAL_SETTLEMENT, Terms
from sniper.exchange.troubles import Trouble

MILLION: Final = 1_000_000
Margins = tuple[int, int]
"""Initial margin and the maintenance fraction of it, ppm."""


class Interventions:
    """Governance and oracles gone wrong. Whatever it changed for a time it takes back afterwards."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._prices: dict[int, int] = {}  # as the flow wants them
        self._bent: tuple[int, ...] = ()  # markets whose price a fault set last
        self._true: dict[int, Margins] = {}  # of markets under demands, by clob pair
        self._demands: dict[int, tuple[int, Margins]] = {}  # by trouble: clob pair, and what is demanded

    def markets_of(self, parameters: Mapping[str, Any]) -> list[Terms]:
        """The markets that a fault means: the one it names, or all. ValueError for one there is not."""
        markets = [terms for _, terms in sorted(self._chain.markets().items())]
        name = parameters.get("market", "")
        found = [terms for terms in markets if name in ("", terms.ticker)]
        if not found:
            raise ValueError(f"there is no market {name!r}: one of {', '.join(t.ticker for t in markets)}")
        return found

    def bend(self, troubles: Sequence[Trouble]) -> None:
        """Just before a block ends: put the prices of these oracle jumps in place of those that the flow set."""
        self._prices.update(self._chain.core.new_prices)
        bent = {}
        for trouble in troubles:
            for terms in self.markets_of(trouble.parameters):
                price = self._prices.setdefault(terms.market, self._chain.oracle(terms.market)[0])
                if price:
                    bent[terms.market] = max(1, price * (MILLION + trouble.parameters["ppm"]) // MILLION)
        straight = {market: self._prices[market] for market in self._bent if market not in bent}
        self._bent = tuple(bent)
        self._chain.set_oracle({**straight, **bent})

    def delist(self, terms: Terms) -> None:
        """Final settlement with the next block."""
        self._chain.set_terms(self._now(terms.clob_pair)._replace(status=FINAL_SETTLEMENT))

    def demand(self, trouble: Trouble, terms: Terms) -> None:
        """Other margin requirements with the next block."""
        now = self._now(terms.clob_pair)
        self._true.setdefault(terms.clob_pair, (now.initial_margin_ppm, now.maintenance_fraction_ppm))
        given = trouble.parameters
        wanted = (given["initial_ppm"], given["maintenance_fraction_ppm"])
        self._demands[trouble.number] = (terms.clob_pair, wanted)
        self._require(terms.clob_pair)

    def undo(self, trouble: Trouble) -> None:
        """The trouble is over: what it changed is as it would be without it."""
        demand = self._demands.pop(trouble.number, None)
        if demand is not None:
            self._require(demand[0])

    def _require(self, pair: int) -> None:
        """Of all demands on a market the latest holds; without any, what it had before the first."""
        on = [wanted for market, wanted in self._demands.values() if market == pair]
        initial, maintenance = on[-1] if on else self._true.pop(pair)
        self._chain.set_terms(
            self._now(pair)._replace(initial_margin_ppm=initial, maintenance_fraction_ppm=maintenance)
        )

    def _now(self, pair: int) -> Terms:
        """The terms as the next block will have them."""
        return self._chain.core.new_terms.get(pair) or self._chain.markets()[pair]
