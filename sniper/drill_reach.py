"""Whether there was a way out: what the books of each block could have taken, and what that would have left.

An exit existed if, from the first tick at which a rung's threshold held plus the latency on, some book could take a
part of the positions at prices that leave net collateral above 0 after fees, so that what was left over was not
liquidatable when the account in truth was. Amounts in QQ, sizes in BQ.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from sniper.risk_units import MILLION, Unit

PARTS = 8
"""A position is closed in eighths here: 0, 1 .. 8 of them."""
FEE_PPM = 500


class Leg(NamedTuple):
    """One position before a book. quotes: what closing 0, 1 .. PARTS eighths brings (long) or costs (short), None
    where the book does not hold so much. sizes: what is closed then, without sign."""

    market: int
    base: int
    unit: Unit
    initial_ppm: int
    fraction_ppm: int
    sizes: tuple[int, ...]
    quotes: tuple[int | None, ...]


class Block(NamedTuple):
    """The account and what the books would give for it, as the chain had it."""

    height: int
    now_ns: int
    usdc: int
    legs: tuple[Leg, ...]

    @property
    def units(self) -> dict[int, Unit]:
        """The prices of its markets."""
        return {one.market: one.unit for one in self.legs}

    @property
    def worth(self) -> tuple[int, int]:
        """Net collateral and maintenance margin."""
        left = left_after(self, [0] * len(self.legs), self.units)
        assert left is not None, "closing nothing needs no book"
        return left


def leg(decoder: Any, books: Any, unit: Unit, market: int, base: int, terms: tuple[int, ...]) -> Leg:
    """A position before the book of now. terms: as `Liquidation.terms_of` gives them."""
    steps = abs(base) // unit.step_quantums
    sizes, quotes = [], []
    for part in range(PARTS + 1):
        wanted = steps * part // PARTS
        _, filled, total = books.fill(market, 0 if base > 0 else 1, wanted) if wanted else (0, 0, 0)
        sizes.append(wanted * unit.step_quantums)
        quotes.append(unit.quote(1, total) if filled == wanted else None)
    return Leg(market, base, unit, terms[1], terms[2], tuple(sizes), tuple(quotes))


def left_after(block: Block, shares: Sequence[int], units: dict[int, Unit]) -> tuple[int, int] | None:
    """Net collateral and maintenance margin, at the oracle prices of `units`, of what closing these eighths at the
    books of a block leaves. None where a book does not hold so much."""
    net, maintenance = block.usdc, 0
    for one, share in zip(block.legs, shares, strict=True):
        quote = one.quotes[share]
        if quote is None:
            return None
        sign = 1 if one.base > 0 else -1
        net += sign * quote - -(-quote * FEE_PPM // MILLION)
        value = units[one.market].notional(one.base - sign * one.sizes[share])
        net += value
        base = -(-abs(value) * one.initial_ppm // MILLION)
        maintenance += -(-base * one.fraction_ppm // MILLION)
    return net, maintenance


def way_out(block: Block, end: Block) -> bool:
    """Whether an exit at this block would have left an account that is sound at the prices of `end`."""
    now = block.units
    then = now | end.units
    for shares in product(range(PARTS, -1, -1), repeat=len(block.legs)):
        here, there = left_after(block, shares, now), left_after(block, shares, then)
        if here is not None and there is not None and here[0] > 0 and there[0] > 0 and there[0] >= there[1]:
            return True
    return False


def exit_existed(blocks: Sequence[Block], from_ns: int, liquidated_height: int) -> Block | None:
    """The first block that had a way out; None: none had, or nothing was liquidated.

    blocks: one after the other, each as it was before anything was liquidated in it. from_ns: when the first rung
    held, plus the latency. liquidated_height: of the block that liquidated.
    """
    until = [block for block in blocks if block.height < liquidated_height]
    if not until:
        return None
    end = next(block for block in until if block.height == until[-1].height)
    for block in until:
        if block.now_ns > end.now_ns:
            break
        if block.now_ns >= from_ns and block.legs and way_out(block, end):
            return block
    return None
