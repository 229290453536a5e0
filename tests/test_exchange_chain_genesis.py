"""The universe of the sim as the chain's terms: its grid is the Indexer's."""

from __future__ import annotations

import pytest

from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.genesis import genesis
from sniper.exchange.terms import ISOLATED
from sniper.feed.sim.universe import UNIVERSE, select

ALL = select(60)


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.ticker)
def test_the_grid(spec: object) -> None:
    found = UNIVERSE[spec.ticker]  # type: ignore[attr-defined]
    (terms,), prices = genesis([found])
    # margin.md 1: tickSize = subticksPerTick x 10^(C - 6 - A), stepSize = stepBaseQuantums x 10^A
    exponent = terms.quantum_conversion_exponent - 6 - terms.atomic_resolution
    assert terms.subticks_per_tick * 10.0**exponent == pytest.approx(10.0**-found.tick_decimals)
    assert terms.step_base_quantums * 10.0**terms.atomic_resolution == pytest.approx(
        10.0**-found.step_decimals
    )
    price = prices[terms.market] * 10.0**terms.price_exponent
    assert price == pytest.approx(found.price_usd)
    assert terms.initial_margin_ppm == round(float(found.initial_margin) * 1e6)
    maintenance = terms.initial_margin_ppm * terms.maintenance_fraction_ppm // 10**6
    assert maintenance == round(float(found.maintenance_margin) * 1e6)
    assert (terms.kind == ISOLATED) == (terms.open_interest_upper_cap == 10**12)


def test_a_chain_of_all_of_them() -> None:
    made = Chain(genesis(ALL).markets, prices=genesis(ALL).prices)
    assert len(made.markets()) == 60
    assert made.oracle(ALL[0].market_id) == (99_000 * 10**5, -5)
