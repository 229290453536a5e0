"""The accounts of the ordinary flow: a treasury's money, lent to makers and takers as they need it.

Everything they own was granted to the treasury at the start and reaches them by deposits like anybody's, so that
money is conserved and can run out.
"""

from __future__ import annotations

from sniper.exchange.chain.addresses import address_of
from sniper.exchange.chain.chain import Chain
from sniper.exchange.facts import SubaccountId

TREASURY = address_of("sniper.exchange/treasury")
TREASURY_QUOTE = 4 * 10**15  # four thousand million USDC
MAKERS = 3
MAKER_QUOTE = 8 * 10**12
TAKERS = 4
TAKER_QUOTE = 25 * 10**10
LEVERAGE = (2, 4, 8, 14)  # of the takers, one each: how much of their equity they trade up to
POOR = 20  # a taker below this part of its first money gets new money


class Purses:
    """Makers and takers of every market: subaccount number `place` of a few owners, one place a market."""

    def __init__(self, chain: Chain, markets: int) -> None:
        self._chain = chain
        self.makers = [
            [SubaccountId(address_of(f"sniper.exchange/maker/{number}"), place) for number in range(MAKERS)]
            for place in range(markets)
        ]
        self.takers = [
            [SubaccountId(address_of(f"sniper.exchange/taker/{number}"), place) for number in range(TAKERS)]
            for place in range(markets)
        ]

    def open(self) -> None:
        """Grant the treasury its money and lend out the first of it; it is there after the next block."""
        self._chain.grant(TREASURY, TREASURY_QUOTE)
        for makers, takers in zip(self.makers, self.takers, strict=True):
            for maker in makers:
                self._chain.deposit(TREASURY, maker, MAKER_QUOTE, "")
            for taker in takers:
                self._chain.deposit(TREASURY, taker, TAKER_QUOTE, "")

    def refill(self, place: int) -> None:
        """Once in a while: bring the accounts of one market back to what they need, while the treasury can."""
        for maker in self.makers[place]:
            net, initial, _ = self._chain.standing(maker)
            if net < MAKER_QUOTE // 2 or net < 3 * initial:
                self._lend(maker, max(MAKER_QUOTE, 4 * initial) - net)
        for taker in self.takers[place]:
            net = self._chain.standing(taker).net_collateral
            if net < TAKER_QUOTE // POOR:
                self._lend(taker, TAKER_QUOTE - net)

    def _lend(self, subaccount: SubaccountId, quote: int) -> None:
        if 0 < quote <= self._chain.bank(TREASURY):
            self._chain.deposit(TREASURY, subaccount, quote, "")

    def taker(self, place: int, perpetual: int, buys: bool, draw: float) -> SubaccountId:
        """Who trades next in a market: anyone, unless its position that way is as large as its leverage allows;
        then whoever stands farthest on the other side."""
        takers = self.takers[place]
        number = int(draw * len(takers))
        sign = 1 if buys else -1
        core = self._chain.core
        market = core.perpetuals[perpetual]

        def value(taker: SubaccountId) -> int:
            position = core.subaccount(taker).positions.get(perpetual)
            return sign * market.notional(position[0]) if position else 0

        chosen = takers[number]
        if value(chosen) <= LEVERAGE[number] * max(0, core.subaccount(chosen).usdc + sign * value(chosen)):
            return chosen
        return min(takers, key=value)
