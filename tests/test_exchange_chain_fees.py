"""Fee tiers by the volume of 30 days."""

from __future__ import annotations

from sniper.exchange.chain.fees import DAY_NS
from sniper.exchange.terms import FeeTier
from tests.small_chain import ALICE, BOB, CAROL, USDC, block, chain, put

TIERS = (FeeTier(0, 500, 100), FeeTier(1_000 * USDC, 400, 50), FeeTier(5_000 * USDC, 300, -10))


def test_volume_counts_from_the_next_block_on() -> None:
    made = chain(fee_tiers=TIERS)
    for _ in range(2):
        put(made, BOB, "sell", 0.01, 90_000)
        put(made, ALICE, "buy", 0.01, 90_000)
    assert [fill.taker_fee for fill in made.core.fills] == [450_000, 450_000]  # 5 bps of 900 USDC
    assert made.volume_of(ALICE.owner) == (0, 0)
    block(made)
    assert made.volume_of(ALICE.owner) == (1_800 * USDC, 0)
    assert made.volume_of(BOB.owner) == (0, 1_800 * USDC)
    assert [made.fee_tier_of(who.owner) for who in (ALICE, BOB, CAROL)] == [1, 1, 0]
    put(made, BOB, "sell", 0.01, 90_000)
    put(made, ALICE, "buy", 0.01, 90_000)
    assert [(fill.taker_fee, fill.maker_fee) for fill in made.core.fills] == [(360_000, 45_000)]


def test_a_rebate_is_paid() -> None:
    made = chain(fee_tiers=TIERS)
    made.core.volumes[BOB.owner] = (0, 5_000 * USDC)
    put(made, BOB, "sell", 0.01, 90_000)
    put(made, ALICE, "buy", 0.01, 90_000)
    assert [fill.maker_fee for fill in made.core.fills] == [-9_000]
    block(made)


def test_days_fall_away_after_thirty() -> None:
    made = chain(fee_tiers=TIERS)
    put(made, BOB, "sell", 0.01, 90_000)
    put(made, ALICE, "buy", 0.01, 90_000)
    block(made)
    midnight = DAY_NS - made.now_ns % DAY_NS
    block(made, midnight + 28 * DAY_NS)
    put(made, BOB, "sell", 0.1, 90_000, good_til_block=made.height + 3)
    put(made, ALICE, "buy", 0.1, 90_000, good_til_block=made.height + 3)
    block(made)
    assert made.volume_of(ALICE.owner) == (9_900 * USDC, 0)
    block(made, DAY_NS)
    assert made.volume_of(ALICE.owner) == (9_000 * USDC, 0)
    assert len(made.core.days) <= 30
