"""strategies.pair_table: which pairs are watched, and when they are sampled."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.handview import START_NS, HandView
from sniper.strategies.pair_table import FRESH_SLOTS, CrossMarketSettings, PairTable

SECOND = 1_000_000_000


class Case:
    def __init__(self, markets: int = 4, **changes: Any) -> None:
        given = {"sample_s": 1.0, "select_s": 100.0, "samples_min": 3, "universe_max": 3} | changes
        self.view, self.table = HandView(markets), PairTable(CrossMarketSettings(**given))
        for market in range(markets):
            self.view.set_facts(market, open_interest_usd=1e6 * (market + 1))

    def at(self, seconds: float, *changed: int, busy: tuple[int, ...] = ()) -> bool:
        every = changed or tuple(range(self.view.markets))
        return self.table.follow(self.view.at(START_NS + round(seconds * SECOND), every), busy)

    def pairs(self) -> list[tuple[int, int]]:
        return [(pair.first, pair.second) for pair in self.table.pairs.values()]


def test_the_pairs_of_the_settings_are_found_by_their_tickers() -> None:
    case = Case(pairs=(("C-USD", "A-USD"), ("A-USD", "Z-USD")))
    case.at(0)
    assert case.pairs() == [(2, 0)]
    assert case.table.members == {2: (2 << 16,), 0: (2 << 16,)}


def test_without_any_all_pairs_of_the_most_traded_markets_are_watched() -> None:
    case = Case()
    case.at(0)
    assert case.pairs() == [], "nothing was seen yet"
    case.at(100)
    assert case.pairs() == [(1, 2), (1, 3), (2, 3)]
    case.view.set_facts(0, open_interest_usd=9e9)
    for second in range(101, 199):
        case.at(second)
    kept = case.table.pairs[2 << 16 | 3]
    assert case.pairs() == [(1, 2), (1, 3), (2, 3)] and kept.samples > 90
    case.at(200, busy=(1 << 16 | 2,))
    assert sorted(case.pairs()) == [(0, 2), (0, 3), (1, 2), (2, 3)], "a pair with an open leg stays"
    assert case.table.pairs[2 << 16 | 3] is kept


def test_a_sample_is_taken_of_the_mids_at_the_end_of_each_slot() -> None:
    case = Case(pairs=(("A-USD", "B-USD"),))
    assert case.at(0)
    for seconds, bid in ((0.1, 1000), (0.9, 2000)):
        case.view.set_facts(0, bid_ticks=bid, ask_ticks=bid + 2)
        assert not case.at(seconds)
    case.view.set_facts(0, bid_ticks=3000, ask_ticks=3002)
    assert case.at(1.0)
    (pair,) = case.table.pairs.values()
    assert (pair.samples, pair.first_mid, pair.second_mid) == (1, pytest.approx(200.1), pytest.approx(100.05))


def test_mids_of_books_that_cannot_be_believed_do_not_count_and_old_ones_are_not_sampled() -> None:
    case = Case(pairs=(("A-USD", "B-USD"),))
    case.at(0)
    case.view.set_facts(0, trust="stale", bid_ticks=5000, ask_ticks=5001)
    for second in range(1, 20):
        case.at(second)
    (pair,) = case.table.pairs.values()
    assert pair.first_mid == pytest.approx(100.05) and pair.samples == FRESH_SLOTS
    facts = case.view.facts[0], case.view.facts[1]
    assert case.table.z_of(pair, facts) == 0.0


def test_z_is_told_only_of_pairs_that_were_sampled_often_enough() -> None:
    case = Case(pairs=(("A-USD", "B-USD"),))
    for second, bid in enumerate((1000, 1010, 1000)):
        case.view.set_facts(0, bid_ticks=bid, ask_ticks=bid + 1)
        case.at(second)
    (pair,) = case.table.pairs.values()
    assert not case.table.known(pair) and case.table.z(pair) == 0.0
    case.at(3)
    assert case.table.known(pair) and case.table.z(pair) < 0.0
    facts = case.view.facts[0], case.view.facts[1]
    assert case.table.z_of(pair, facts) == case.table.z(pair)


def test_state_as_rows_and_back() -> None:
    case = Case()
    for second in range(150):
        case.at(second)
    again = PairTable(CrossMarketSettings())
    again.load(again.checked(case.table.save()))
    assert again.save() == case.table.save() and again.members == case.table.members
    rows, _, slot, due_ns = case.table.save()
    for wrong in ([(-1, 1.0, 0)], [(0, 0.0, 0)]):
        with pytest.raises(ValueError, match="not a mid"):
            again.checked((rows, wrong, slot, due_ns))
