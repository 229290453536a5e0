"""A chain by hand: it says what a test wants said, and answers an Indexer's questions consistently with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sniper.exchange import facts
from sniper.exchange.facts import (
    BUY,
    BlockEnded,
    ChainOrder,
    Filled,
    Holding,
    News,
    OrderGone,
    OrderId,
    OrderOpened,
    OrderResting,
    SubaccountChanged,
    SubaccountId,
    Transferred,
)
from sniper.exchange.interfaces import Account, Purse, Standing
from sniper.exchange.terms import ACTIVE, CROSS, ChainTerms, EquityTier, FeeTier, Terms

START_NS = 1_765_209_600_000_000_000  # 2025-12-08T16:00:00Z
MS = 1_000_000
SECOND_NS = 1_000 * MS
BTC = Terms(
    0, 0, 0, "BTC-USD", ACTIVE, CROSS, -10, -9, 1_000_000, 100_000, -5, 20_000, 600_000, 0, 0, 0, 1_000
)
ETH = Terms(
    1, 1, 1, "ETH-USD", ACTIVE, CROSS, -9, -9, 1_000_000, 100_000, -6, 20_000, 600_000, 0, 0, 100, 1_000
)
US = "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7"
THEM = "dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4"
ME, OTHER = SubaccountId(US, 0), SubaccountId(THEM, 0)
TX = "D1A40972B706E85EEADC0A2B299F8DE975907D93CA4A8C1D2FBF5C3F4DDE4C6E"


class ScriptedChain:
    """What an Indexer may ask; everything is a plain attribute that a test may set."""

    def __init__(self, markets: Sequence[Terms] = (BTC, ETH), height: int = 1_000) -> None:
        self.terms = ChainTerms()
        self.height, self.now_ns = height, START_NS
        self.listed = {terms.clob_pair: terms for terms in markets}
        self.prices = {0: (8_991_920_000, -5), 1: (3_103_100_000, -6)}
        self.indexes: dict[int, int] = {}
        self.purses: dict[SubaccountId, Purse] = {}

    def markets(self) -> Mapping[int, Terms]:
        return self.listed

    def oracle(self, market: int) -> tuple[int, int]:
        return self.prices.get(market, (0, -5))

    def open_interest(self, perpetual: int) -> int:
        return 0

    def funding_index(self, perpetual: int) -> int:
        return self.indexes.get(perpetual, 0)

    def purse(self, subaccount: SubaccountId) -> Purse | None:
        return self.purses.get(subaccount)

    def subaccounts(self) -> Sequence[SubaccountId]:
        return list(self.purses)

    def standing(self, subaccount: SubaccountId) -> Standing:
        return Standing(0, 0, 0)

    def account(self, address: str) -> Account | None:
        return None

    def bank(self, address: str) -> int:
        return 0

    def fee_tiers(self) -> Sequence[FeeTier]:
        return ()

    def fee_tier_of(self, address: str) -> int:
        return 0

    def volume_of(self, address: str) -> tuple[int, int]:
        return 0, 0

    def equity_tiers(self) -> Sequence[EquityTier]:
        return ()

    def stateful_order(self, order: OrderId) -> ChainOrder | None:
        return None

    def triggered(self, order: OrderId) -> bool:
        return False

    def filled(self, order: OrderId) -> int:
        return 0

    def gated(self, perpetual: int) -> tuple[int, int, int]:
        return 0, 0, 0


def order(
    client_id: int = 1,
    side: int = BUY,
    size: int = 100,
    price: int = 89_900,
    *,
    subaccount: SubaccountId = ME,
    terms: Terms = BTC,
    good_til: int = 1_020,
    time_in_force: int = facts.GTT,
    flags: int = facts.SHORT_TERM,
    reduce_only: bool = False,
    condition: int = facts.NO_CONDITION,
    trigger: int = 0,
) -> ChainOrder:
    """An order of `size` steps at `price` ticks. good_til: a block, or unix seconds for a stateful order."""
    short = flags == facts.SHORT_TERM
    return ChainOrder(
        OrderId(subaccount, client_id, flags, terms.clob_pair),
        side,
        size * terms.step_base_quantums,
        price * terms.subticks_per_tick,
        good_til if short else 0,
        0 if short else good_til,
        time_in_force,
        reduce_only,
        1,
        condition,
        trigger * terms.subticks_per_tick,
    )


def opened(each: ChainOrder, now_ns: int = START_NS) -> OrderOpened:
    return OrderOpened(each, now_ns)


def rests(each: ChainOrder, filled: int = 0, now_ns: int = START_NS) -> OrderResting:
    return OrderResting(each.id, filled, now_ns)


def gone(
    each: ChainOrder, reason: int = 2, final: bool = False, filled: int = 0, now_ns: int = START_NS
) -> OrderGone:
    return OrderGone(each.id, reason, final, filled, True, now_ns)


def filled(
    taker: ChainOrder,
    maker: ChainOrder,
    steps: int,
    event: int,
    *,
    taker_filled: int = 0,
    maker_filled: int = 0,
    taker_fee: int = 0,
    maker_fee: int = 0,
    terms: Terms = BTC,
) -> Filled:
    """A match at the maker's price. Totals filled default to this match alone, in steps."""
    base = steps * terms.step_base_quantums
    power = terms.quantum_conversion_exponent
    quote = base * maker.subticks * 10 ** max(power, 0) // 10 ** max(-power, 0)
    step = terms.step_base_quantums
    return Filled(
        terms.clob_pair,
        "LIMIT",
        taker.id.subaccount,
        maker.id.subaccount,
        taker,
        maker,
        taker.side,
        base,
        maker.subticks,
        "",
        quote,
        taker_fee,
        maker_fee,
        (taker_filled or steps) * step,
        (maker_filled or steps) * step,
        event,
        TX,
    )


def changed(
    usdc: int,
    *held: tuple[int, int, int],
    subaccount: SubaccountId = ME,
    funding: tuple[tuple[int, int], ...] = (),
) -> SubaccountChanged:
    """A balance in QQ and positions (perpetual, BQ, funding index)."""
    return SubaccountChanged(subaccount, usdc, tuple(Holding(*each) for each in held), funding)


def paid_in(quote: int, subaccount: SubaccountId = ME) -> list[News]:
    """A deposit from the owner's wallet."""
    wallet = SubaccountId(subaccount.owner, -1)
    return [changed(quote, subaccount=subaccount), Transferred(wallet, subaccount, quote, TX)]


class Blocks:
    """Counts blocks: `end()` is the news of the next one, 650 ms after the last."""

    def __init__(self, height: int = 1_000, now_ns: int = START_NS) -> None:
        self.height, self.now_ns = height, now_ns

    def end(self, after_ns: int = 650 * MS) -> BlockEnded:
        self.height += 1
        self.now_ns += after_ns
        return BlockEnded(self.height, self.now_ns)
