"""What our account is worth and what the chain lets it do: the margin kernel, with an account of the venue's own."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import Tape
from sniper.paper_settings import LiquidationRules
from sniper.venues.ledger import ACCOUNT, Ledger

POSITIONS_MAX = 1000
OURS = 0  # the only account of the kernel
EXACT_MAX = 1 << 61


class Apart(NamedTuple):
    """The engine's tape to read, but digests and counters that are none of the engine's."""

    rows: NDArray[np.void]
    others: NDArray[np.uint32]
    used: NDArray[np.int64]
    digests: NDArray[np.uint64]
    counters: NDArray[np.int64]


class Totals(NamedTuple):
    """The account in QQ, funding due included: net collateral, initial and maintenance margin requirement."""

    net: int
    initial: int
    maintenance: int


class Collateral:
    """The account of a ledger in a margin kernel. Prices are those of the end of the tick."""

    def __init__(self, tape: Tape, decoder: Any, rules: LiquidationRules) -> None:
        self._tape = cast(
            Tape,
            Apart(
                tape.rows, tape.others, tape.used, np.zeros_like(tape.digests), np.zeros_like(tape.counters)
            ),
        )
        self._markets, self._rules = decoder.markets, rules
        self.kernel = self._kernel()

    def restart(self, ledger: Ledger) -> None:
        """Read everything anew: the market table has changed while nobody looked."""
        self.kernel = self._kernel()
        self.keep(ledger, *ledger.holdings)

    def apply(self, rows: int) -> None:
        """So many rows were written: prices and terms may have changed."""
        self.kernel.apply(rows)

    def keep(self, ledger: Ledger, *markets: int) -> None:
        """Take over the balance, the funding due and the positions in these markets."""
        kernel = self.kernel
        kernel.set_usdc(OURS, ledger.usdc[ACCOUNT])
        for market in markets:
            kernel.set_position(OURS, market, ledger.base(market))
        kernel.set_unsettled(OURS, ledger.unsettled())

    def totals(self) -> Totals:
        """The account now; all 0 where it cannot be computed."""
        self.kernel.update()
        _, net, initial, maintenance, *_ = self.kernel.account(OURS)
        return Totals(net, initial, maintenance)

    def liquidatable(self) -> bool:
        """Whether the chain may liquidate the account now."""
        return self.kernel.liquidatable(OURS)

    def affords(self, market: int, side: int, base: int, ticks: int, fee_ppm: int) -> bool:
        """Whether a fill of so many BQ passes the chain's acceptance test, fee included."""
        if max(base, ticks) > EXACT_MAX:
            return False  # more than the kernel takes for exact
        return self.kernel.accepts(OURS, market, side, base, ticks, fee_ppm)[0]

    def _kernel(self) -> Liquidation:
        rules = self._rules
        return Liquidation(
            self._tape,
            self._markets,
            POSITIONS_MAX,
            1,
            liquidation_fee_ppm=rules.fee_ppm,
            bankruptcy_adjustment_ppm=rules.bankruptcy_ppm,
            spread_ppm=rules.spread_ppm,
            notional_min=rules.notional_min,
            share_max_ppm=rules.portion_ppm,
            account_notional_max=rules.account_notional_max,
        )
