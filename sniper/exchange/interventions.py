"""What faults do to the chain itself: oracle prices that stand elsewhere, markets delisted, margins raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sniper.exchange.chain.chain import Chain
from sniper.exchange.terms import FINAL_SETTLEMENT, Terms
from sniper.exchange.troubles import Trouble

MILLION: Final = 1_000_000


class Interventions:
    """Governance and oracles gone wrong. Whatever it changed for a time it takes back afterwards."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._prices: dict[int, int] = {}  # as the flow wants them
        self._bent: tuple[int, ...] = ()  # markets whose price a fault set last
        self._margins: dict[int, tuple[int, int, int]] = {}  # of a trouble: pair, initial, maintenance before

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
        self._margins[trouble.number] = (
            terms.clob_pair,
            now.initial_margin_ppm,
            now.maintenance_fraction_ppm,
        )
        self._chain.set_terms(
            now._replace(
                initial_margin_ppm=trouble.parameters["initial_ppm"],
                maintenance_fraction_ppm=trouble.parameters["maintenance_fraction_ppm"],
            )
        )

    def undo(self, trouble: Trouble) -> None:
        """The trouble is over: what it changed is as before."""
        if trouble.number not in self._margins:
            return
        pair, initial, maintenance = self._margins.pop(trouble.number)
        self._chain.set_terms(
            self._now(pair)._replace(initial_margin_ppm=initial, maintenance_fraction_ppm=maintenance)
        )

    def _now(self, pair: int) -> Terms:
        """The terms as the next block will have them."""
        return self._chain.core.new_terms.get(pair) or self._chain.markets()[pair]
