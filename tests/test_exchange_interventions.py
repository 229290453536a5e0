"""What faults do to prices and terms, and that it is taken back."""

from __future__ import annotations

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.genesis import genesis
from sniper.exchange.faults import checked
from sniper.exchange.interventions import Interventions
from sniper.exchange.terms import FINAL_SETTLEMENT
from sniper.exchange.troubles import Trouble
from sniper.feed.sim.universe import select


def chain() -> Chain:
    born = genesis(select(2))
    return Chain(born.markets, prices=born.prices, now_ns=10**18)


def trouble(fault: str, number: int = 1, **given: object) -> Trouble:
    return Trouble(number, fault, checked(fault, given), 0, 0)


def test_markets_by_name_or_all() -> None:
    here = Interventions(chain())
    assert [terms.ticker for terms in here.markets_of({})] == ["BTC-USD", "ETH-USD"]
    assert [terms.ticker for terms in here.markets_of({"market": "ETH-USD"})] == ["ETH-USD"]
    with pytest.raises(ValueError, match="there is no market 'X': one of BTC-USD, ETH-USD"):
        here.markets_of({"market": "X"})


def test_a_bent_price_follows_the_true_one_and_comes_back_to_it() -> None:
    one = chain()
    here = Interventions(one)
    start = {market: one.oracle(market)[0] for market in (0, 1)}

    def block(troubles: list[Trouble], **flow: int) -> tuple[int, int]:
        one.set_oracle({int(market[1:]): price for market, price in flow.items()})
        here.bend(troubles)
        one.end_block(one.now_ns + 1)
        return one.oracle(0)[0], one.oracle(1)[0]

    down = [trouble("oracle_jump", market="BTC-USD", ppm=-500_000)]
    assert block([]) == (start[0], start[1])
    assert block(down) == (start[0] // 2, start[1])
    assert block(down, m0=start[0] * 2) == (start[0], start[1]), "half of the price that the flow wants now"
    assert block(down, m1=start[1] * 3) == (start[0], start[1] * 3)
    assert block([]) == (start[0] * 2, start[1] * 3)
    assert block([], m0=start[0]) == (start[0], start[1] * 3)
    everywhere = [trouble("oracle_jump", ppm=1_000_000)]
    assert block(everywhere) == (start[0] * 2, start[1] * 6)


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_margins_of_two_troubles_and_back(first_ends_first: bool) -> None:
    one = chain()
    here = Interventions(one)
    before = one.markets()[0]
    (terms,) = here.markets_of({"market": "BTC-USD"})

    def required() -> int:
        one.end_block(one.now_ns + 1)
        return one.markets()[0].initial_margin_ppm

    first, second = (
        trouble("margin_change", 1, initial_ppm=300_000),
        trouble("margin_change", 2, initial_ppm=500_000),
    )
    here.demand(first, terms)
    assert required() == 300_000
    here.demand(second, terms)
    assert required() == 500_000
    here.undo(first if first_ends_first else second)
    assert required() == (500_000 if first_ends_first else 300_000)
    here.undo(second if first_ends_first else first)
    here.undo(first)
    here.undo(trouble("gap", 7))
    one.end_block(one.now_ns + 1)
    assert one.markets()[0] == before
    here.demand(first, terms)
    here.undo(first)
    one.end_block(one.now_ns + 1)
    assert one.markets()[0] == before


def test_delisting_keeps_what_else_the_block_changes() -> None:
    one = chain()
    here = Interventions(one)
    (terms,) = here.markets_of({"market": "BTC-USD"})
    here.demand(trouble("margin_change", 1, initial_ppm=300_000), terms)
    here.delist(terms)
    here.delist(terms)
    one.end_block(one.now_ns + 1)
    assert (one.markets()[0].status, one.markets()[0].initial_margin_ppm) == (FINAL_SETTLEMENT, 300_000)
