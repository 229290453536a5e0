"""drill_reach: whether a book could have saved an account, worked out by hand."""

from __future__ import annotations

from sniper.drill_reach import PARTS, Block, Leg, exit_existed, left_after, leg, way_out
from sniper.risk_units import Unit

USD = 1_000_000
IMF, FRACTION = 50_000, 600_000  # maintenance 3 % of the notional


def unit(usd: int) -> Unit:
    """One step is one coin of so many USD, a tick one USD."""
    return Unit(1, USD, 1, usd * USD, 1)


def block(height: int, ns: int, usd: int, base: int, usdc: int, filled_at: int | None) -> Block:
    """An account with one position before a book with one price, None: an empty one."""
    sizes = tuple(abs(base) * part // PARTS for part in range(PARTS + 1))
    quotes = tuple(None if filled_at is None and size else size * (filled_at or 0) * USD for size in sizes)
    one = Leg(0, base, unit(usd), IMF, FRACTION, sizes, quotes)
    return Block(height, ns, usdc, (one,))


def test_what_is_left_after_closing_half() -> None:
    # 80 coins at 100: 8,000 held with 7,000 borrowed; 40 sold at 98, fee 500 ppm
    one = block(1, 0, 100, 80, -7_000 * USD, 98)
    fee = 40 * 98 * USD * 500 // 1_000_000
    left = left_after(one, [4], {0: unit(100)})
    assert left == (-7_000 * USD + 40 * 98 * USD - fee + 40 * 100 * USD, 120 * USD)
    assert left_after(one, [PARTS], {0: unit(100)}) == (-7_000 * USD + 80 * 98 * USD - 2 * fee, 0)


def test_a_short_pays_to_close() -> None:
    one = block(1, 0, 100, -80, 9_000 * USD, 101)
    fee = 80 * 101 * USD * 500 // 1_000_000
    assert left_after(one, [PARTS], {0: unit(100)}) == (9_000 * USD - 80 * 101 * USD - fee, 0)


def test_a_way_out_needs_a_book_and_a_price_that_leaves_something() -> None:
    end = block(9, 90, 88, 80, -7_000 * USD, None)  # worth 7,040: 40 left, 211 needed
    assert end.worth == (40 * USD, 211_200_000)
    assert way_out(block(5, 50, 100, 80, -7_000 * USD, 99), end)
    assert not way_out(block(5, 50, 100, 80, -7_000 * USD, None), end)
    assert not way_out(block(5, 50, 100, 80, -7_000 * USD, 87), end)  # 6,960 - 7,000 < 0
    sound = block(9, 90, 100, 80, -7_000 * USD, None)
    assert way_out(sound, sound), "who is sound needs no exit"


def test_only_blocks_in_time_count() -> None:
    good, thin = block(5, 50, 100, 80, -7_000 * USD, 99), block(6, 60, 100, 80, -7_000 * USD, None)
    end = block(7, 70, 88, 80, -7_000 * USD, None)
    blocks = [good, thin, end]
    assert exit_existed(blocks, 0, 8) == good
    assert exit_existed(blocks, 50, 8) == good
    assert exit_existed(blocks, 51, 8) is None, "the order would have come too late"
    assert exit_existed(blocks, 0, 5) is None, "nothing was recorded ahead of the liquidation"
    assert exit_existed([], 0, 8) is None
    after = block(7, 71, 100, 80, -7_000 * USD, 99)
    assert exit_existed([*blocks, after], 51, 8) is None, "what came after the liquidation is no exit"


def test_a_leg_is_read_off_a_book() -> None:
    class Books:
        def fill(self, market: int, side: int, steps: int) -> tuple[int, int, int]:
            assert (market, side) == (3, 1)  # a short buys from the asks
            filled = min(steps, 5)
            return 101, filled, filled * 101

    one = leg(None, Books(), unit(100), 3, -8, (0, IMF, FRACTION, 0, 0))
    assert one.sizes == tuple(range(9))
    assert one.quotes[:6] == tuple(101 * USD * n for n in range(6)) and one.quotes[6:] == (None,) * 3
    assert (one.initial_ppm, one.fraction_ppm) == (IMF, FRACTION)
