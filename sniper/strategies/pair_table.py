"""Which pairs of markets are watched, and sampling them on a grid of tape time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from sniper.strategies.pairs import Pair, PairRow
from sniper.strategies.parts import (
    SECOND_NS,
    Count,
    Milliseconds,
    NotNegative,
    Positive,
    Share,
    ranked,
    sound,
)
from sniper.strategies.terms import Terms, priced
from sniper.viewing import MarketFacts, View

FRESH_SLOTS = 6
"""A mid that did not change for so many samples is not sampled any more."""


Listed = Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=256)]


class CrossMarketSettings(NamedTuple):
    """What can be set. z: deviations of a ratio from its mean."""

    pairs: Listed = ()  # tickers; none: all pairs among the most traded markets
    universe_max: Annotated[int, msgspec.Meta(ge=2, le=32)] = 6  # so many of them, by open interest in USD
    select_s: Positive = 900.0  # they are chosen anew so often
    correlation_min: Share = 0.6  # pairs that were not listed must move alike at least so much
    sample_s: Positive = 10.0  # mids are sampled so often
    window: Count = 360  # mean and deviation look back over about so many samples
    samples_min: Count = 90  # nothing is known of a pair with fewer
    enter_z: Positive = 2.5  # a spread is entered from here on
    leave_z: Positive = 2.0  # and must fall below this before it can be entered again
    exit_z: NotNegative = 0.5  # a spread is over within this
    stop_z: Positive = 5.0  # beyond this it is broken: no entry, and a position is left
    hold_ms: Milliseconds = 2_000  # a spread must be out of its band for so long
    leg_stop_bps: Positive = (
        400.0  # distance of the stop of each leg, for the case that nobody looks any more
    )
    hold_max_s: Positive = 7_200.0  # a position is left after so long
    lag_min: Share = 0.2  # correlation of one market's returns with the next ones of the other
    lag_sigmas: Positive = 2.5  # a leader must have moved so many deviations in one sample
    lag_hold_s: Positive = 30.0  # a follower is left after so long
    trade_spreads: bool = False  # send orders for spreads
    trade_lag: bool = False  # send orders for followers
    terms: Terms = Terms()  # orders and capital


class PairTable:
    """The pairs by key (first market x 65536 + second market) and the newest mids in USD."""

    def __init__(self, settings: CrossMarketSettings) -> None:
        self._settings = settings
        self._sample_ns = int(settings.sample_s * SECOND_NS)
        self._select_ns = int(settings.select_s * SECOND_NS)
        self._slot = self._select_due_ns = 0
        self._mids: dict[int, tuple[float, int]] = {}  # market -> mid and the slot it was seen in
        self.pairs: dict[int, Pair] = {}
        self.members: dict[int, tuple[int, ...]] = {}
        """Market -> keys of its pairs."""

    def follow(self, view: View, busy: Iterable[int]) -> bool:
        """Take in the mids that changed. True where a slot of the grid was over, and all pairs were sampled.

        busy: keys of pairs that must stay.
        """
        slot = view.now_ns // self._sample_ns
        turned = slot != self._slot
        if turned:
            self._turn(slot)
            if view.now_ns >= self._select_due_ns:
                self._select(view, tuple(busy))
                self._select_due_ns = view.now_ns + self._select_ns
        members, mids = self.members, self._mids
        for market in view.changed:
            seen = mids.get(market)
            if market in members or seen is None or seen[1] != slot:
                facts = view.market(market)
                if priced(facts):
                    mids[market] = facts.mid_ticks * facts.tick_usd, slot
        return turned

    def _turn(self, slot: int) -> None:
        """Sample every pair with the mids as they stood when the slot before ended."""
        mids, window = self._mids, self._settings.window
        for pair in self.pairs.values():
            one, two = mids.get(pair.first), mids.get(pair.second)
            if one is not None and two is not None and slot - min(one[1], two[1]) <= FRESH_SLOTS:
                pair.sample(slot, one[0], two[0], window)
        self._slot = slot

    def _select(self, view: View, busy: tuple[int, ...]) -> None:
        """Choose the pairs anew; the figures of those that stay are kept."""
        s = self._settings
        if s.pairs:
            named = [(view.index(one), view.index(other)) for one, other in s.pairs]
            chosen = [(one, other) for one, other in named if one >= 0 and other >= 0]
        else:
            traded = [(view.market(market).open_interest_usd, market) for market in sorted(self._mids)]
            best = [market for _, market in ranked([one for one in traded if sound(one[0])])]
            top = sorted(best[: s.universe_max])
            chosen = [(one, other) for one in top for other in top if one < other]
        wanted = {one << 16 | other: (one, other) for one, other in chosen}
        self.pairs = {key: pair for key, pair in self.pairs.items() if key in wanted or key in busy}
        for key, (one, other) in wanted.items():
            if key not in self.pairs:
                self.pairs[key] = Pair(one, other)
        self._file()

    def _file(self) -> None:
        members: dict[int, tuple[int, ...]] = {}
        for key, pair in self.pairs.items():
            for market in (pair.first, pair.second):
                members[market] = (*members.get(market, ()), key)
        self.members = members

    def known(self, pair: Pair) -> bool:
        """Whether the pair was sampled often enough."""
        return pair.samples >= self._settings.samples_min

    def z(self, pair: Pair) -> float:
        """How far the pair is from its mean with the newest mids; 0 while it is not known."""
        one, two = self._mids.get(pair.first), self._mids.get(pair.second)
        return pair.z(one[0], two[0]) if one is not None and two is not None and self.known(pair) else 0.0

    def z_of(self, pair: Pair, facts: tuple[MarketFacts, MarketFacts]) -> float:
        """The same with the mids of these facts; 0 where one of them has no book to believe."""
        one, two = facts
        if not (priced(one) and priced(two) and self.known(pair)):
            return 0.0
        return pair.z(one.mid_ticks * one.tick_usd, two.mid_ticks * two.tick_usd)

    def save(self) -> PairTableState:
        """The state as plain values."""
        return (
            [pair.row() for pair in self.pairs.values()],
            [(market, mid, slot) for market, (mid, slot) in self._mids.items()],
            self._slot,
            self._select_due_ns,
        )

    @staticmethod
    def checked(state: PairTableState) -> tuple[dict[int, Pair], dict[int, tuple[float, int]], int, int]:
        """What `load` takes over. ValueError where it cannot have been saved."""
        rows, mids, slot, due_ns = state
        pairs = {pair.first << 16 | pair.second: pair for pair in [Pair.of(row) for row in rows]}
        for market, mid, _ in mids:
            if not 0 <= market < 1 << 16 or not sound(mid):
                raise ValueError(f"not a mid of market {market}")
        return pairs, {market: (mid, seen) for market, mid, seen in mids}, slot, due_ns

    def load(self, state: tuple[dict[int, Pair], dict[int, tuple[float, int]], int, int]) -> None:
        """Take over what `checked` let through."""
        self.pairs, self._mids, self._slot, self._select_due_ns = state
        self._file()


PairTableState = tuple[list[PairRow], list[tuple[int, float, int]], int, int]
