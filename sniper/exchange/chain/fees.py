"""Fee tiers by the owner's volume of 30 days (orders.md 8)."""

from __future__ import annotations

from sniper.exchange.chain.core import Core

DAYS = 30
DAY_NS = 86_400_000_000_000


def tier_of(core: Core, owner: str) -> int:
    """The number of an owner's tier: the last one whose volume it has reached."""
    volume = sum(core.volumes.get(owner, (0, 0)))
    tier = 0
    for number, terms in enumerate(core.terms.fee_tiers):
        if volume >= terms.from_volume:
            tier = number
    return tier


def rates(core: Core, owner: str) -> tuple[int, int]:
    """(taker, maker) fee of an owner in ppm, as of the last block."""
    found = core.rates.get(owner)
    if found is None:
        tier = core.terms.fee_tiers[tier_of(core, owner)]
        found = core.rates[owner] = (tier.taker_ppm, tier.maker_ppm)
    return found


def count(core: Core, taker: str, maker: str, quote: int) -> None:
    """Count a match for its block. taker "": a liquidation, whose taker does not count."""
    volumes = core.block_volumes
    if taker:
        as_taker, as_maker = volumes.get(taker, (0, 0))
        volumes[taker] = (as_taker + quote, as_maker)
    as_taker, as_maker = volumes.get(maker, (0, 0))
    volumes[maker] = (as_taker, as_maker + quote)


def end_block(core: Core, now_ns: int) -> None:
    """Add the block's matches to the volumes; days older than 30 fall away."""
    day = now_ns // DAY_NS
    if not core.days or core.days[-1][0] != day:
        core.days.append((day, {}))
        while core.days[0][0] <= day - DAYS:
            for owner, (as_taker, as_maker) in core.days.pop(0)[1].items():
                _add(core, owner, -as_taker, -as_maker)
    today = core.days[-1][1]
    for owner, (as_taker, as_maker) in core.block_volumes.items():
        old = today.get(owner, (0, 0))
        today[owner] = (old[0] + as_taker, old[1] + as_maker)
        _add(core, owner, as_taker, as_maker)
    core.block_volumes.clear()


def _add(core: Core, owner: str, as_taker: int, as_maker: int) -> None:
    old = core.volumes.get(owner, (0, 0))
    core.volumes[owner] = (old[0] + as_taker, old[1] + as_maker)
    core.rates.pop(owner, None)
