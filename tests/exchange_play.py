"""A market by dice: orders, matches, transfers, prices and funding as a chain would tell them, with its own ledger.

The ledger is the plainest there is: whole numbers, one step after the other, by the formulas of funding.md and
margin.md. What an Indexer makes of the news must come to the same.
"""

from __future__ import annotations

from random import Random

from sniper.exchange import facts
from sniper.exchange.facts import (
    BUY,
    SELL,
    ChainOrder,
    Filled,
    FundingForeseen,
    FundingTicked,
    Holding,
    News,
    OraclePriced,
    SubaccountChanged,
    SubaccountId,
    Transferred,
)
from sniper.exchange.indexer.orders import REASONS
from sniper.exchange.terms import Terms
from tests.exchange_chain import BTC, ETH, ME, OTHER, THEM, TX, US, filled, gone, opened, order, rests
from tests.exchange_indexing import Desk

PLAYERS = (ME, OTHER, SubaccountId(US, 128), SubaccountId(US, 1), SubaccountId(THEM, 7))
HOUR_NS = 3_600_000_000_000


class Purse:
    """What a subaccount has: USDC in QQ, and [BQ, funding index] by perpetual."""

    def __init__(self) -> None:
        self.usdc = 0
        self.held: dict[int, list[int]] = {}


class Play:
    """Plays blocks on a desk."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.dice = Random(seed)
        self.purses: dict[SubaccountId, Purse] = {}
        self.index = {0: 0, 1: 0}
        self.price = {0: 8_991_920_000, 1: 3_103_100_000}
        self.client_id = 0
        self.resting: list[tuple[ChainOrder, int]] = []  # with BQ filled so far
        self.hour = desk.now_ns // HOUR_NS
        self.matches: list[Filled] = []

    def settle(self, player: SubaccountId) -> tuple[tuple[int, int], ...]:
        """Pay the funding that fell due: the floor of the sum over all positions."""
        purse = self.purses[player]
        due = {p: -(self.index[p] - index) * q for p, (q, index) in purse.held.items()}
        total = sum(due.values()) // 1_000_000
        parts = {p: -(-each // 1_000_000) for p, each in due.items()}
        if parts:
            last = max(parts)
            parts[last] += total - sum(parts.values())
        for p, held in purse.held.items():
            held[1] = self.index[p]
        purse.usdc += total
        return tuple((p, part) for p, part in sorted(parts.items()) if part)

    def match(self, event: int) -> Filled | None:
        """A taker takes from a resting order."""
        open_makers = [each for each in self.resting if each[1] < each[0].quantums]
        if not open_makers:
            return None
        maker, done = self.dice.choice(open_makers)
        takers = [player for player in PLAYERS if player != maker.id.subaccount]
        terms = (BTC, ETH)[maker.id.clob_pair]
        left = (maker.quantums - done) // terms.step_base_quantums
        steps = self.dice.randint(1, left)
        side = BUY if maker.side == SELL else SELL
        taker = self.make(self.dice.choice(takers), terms, side, maker.subticks // terms.subticks_per_tick,
                          steps, facts.IOC)  # fmt: skip
        self.resting.remove((maker, done))
        done += steps * terms.step_base_quantums
        self.resting.append((maker, done))
        fee = self.dice.randrange(0, 500)
        each = filled(
            taker,
            maker,
            steps,
            event,
            maker_filled=done // terms.step_base_quantums,
            taker_fee=fee,
            maker_fee=-fee // 3,
            terms=terms,
        )
        self.desk.take(opened(taker, self.desk.now_ns), rests(maker, done, self.desk.now_ns))
        self.desk.take(gone(taker, facts_reason("FULLY_FILLED"), False, taker.quantums, self.desk.now_ns))
        return each

    def make(
        self, player: SubaccountId, terms: Terms, side: int, ticks: int, steps: int, force: int
    ) -> ChainOrder:
        self.client_id += 1
        return order(
            self.client_id,
            side,
            steps,
            ticks,
            subaccount=player,
            terms=terms,
            good_til=self.desk.blocks.height + 15,
            time_in_force=force,
        )

    def quote(self) -> None:
        """Somebody puts an order into the book, or takes one away."""
        if self.resting and self.dice.random() < 0.4:
            each, done = self.resting.pop(self.dice.randrange(len(self.resting)))
            self.desk.take(gone(each, facts_reason("USER_CANCELED"), False, done, self.desk.now_ns))
            return
        terms = self.dice.choice((BTC, ETH))
        ticks = 89_900 if terms is BTC else 31_031
        side = self.dice.choice((BUY, SELL))
        ticks += (1 if side == SELL else -1) * self.dice.randint(1, 50)
        each = self.make(self.dice.choice(PLAYERS), terms, side, ticks, self.dice.randint(1, 500), facts.GTT)
        self.resting.append((each, 0))
        self.desk.take(opened(each, self.desk.now_ns), rests(each, 0, self.desk.now_ns))

    def book(
        self,
        each: Filled,
        touched: dict[SubaccountId, set[int]],
        paid: dict[SubaccountId, list[tuple[int, int]]],
    ) -> None:
        for player, side, fee in (
            (each.taker, each.taker_side, each.taker_fee),
            (each.maker, BUY if each.taker_side == SELL else SELL, each.maker_fee),
        ):
            paid.setdefault(player, []).extend(self.settle(player))
            purse = self.purses[player]
            held = purse.held.setdefault(each.clob_pair, [0, self.index[each.clob_pair]])
            sign = 1 if side == BUY else -1
            held[0] += sign * each.quantums
            purse.usdc -= sign * each.quote + fee
            if not held[0]:
                del purse.held[each.clob_pair]
            touched.setdefault(player, set()).add(each.clob_pair)

    def block(self, matches: int = -1) -> None:
        """One block with what the dice say."""
        dice = self.dice
        for _ in range(dice.randint(0, 4)):
            self.quote()
        news: list[News] = []
        touched: dict[SubaccountId, set[int]] = {}
        paid: dict[SubaccountId, list[tuple[int, int]]] = {}
        if dice.random() < 0.5:
            market = dice.choice((0, 1))
            self.price[market] += dice.randint(-1000, 1000) * 1_000
            news.append(OraclePriced(((market, self.price[market], (-5, -6)[market]),)))
        for player in PLAYERS:
            if player not in self.purses or dice.random() < 0.1:
                purse = self.purses.setdefault(player, Purse())
                paid.setdefault(player, []).extend(self.settle(player))
                quote = dice.randint(1, 10**12)
                purse.usdc += quote
                touched.setdefault(player, set())
                news.append(Transferred(SubaccountId(player.owner, -1), player, quote, TX))
        for event in range(dice.choice((0, 0, 1, 2, 4)) if matches < 0 else matches):
            each = self.match(event)
            if each is not None:
                self.matches.append(each)
                self.book(each, touched, paid)
                news.append(each)
        for player, perpetuals in touched.items():
            purse = self.purses[player]
            holdings = tuple(Holding(p, *purse.held.get(p, (0, self.index[p]))) for p in sorted(perpetuals))
            news.append(SubaccountChanged(player, purse.usdc, holdings, tuple(paid[player])))
        after_ns = 650_000_000 if dice.random() < 0.8 else dice.randint(1, 1_200) * 1_000_000_000
        if (self.desk.blocks.now_ns + after_ns) // HOUR_NS != self.hour:
            self.hour = (self.desk.blocks.now_ns + after_ns) // HOUR_NS
            ticks = []
            for p in self.index:
                rate = dice.randint(-50, 50)
                self.index[p] += dice.randint(-500, 500)
                ticks.append((p, rate, self.index[p], self.price[p], (-5, -6)[p]))
            news.append(FundingTicked(tuple(ticks)))
        if dice.random() < 0.1:
            news.append(FundingForeseen(((0, "0.0000025"), (1, "-0.00000125"))))
        self.desk.block(*news, after_ns=after_ns)
        self.desk.wait(300_000_000)


def facts_reason(name: str) -> int:
    """The number of a removal reason."""
    return REASONS.index(name)
