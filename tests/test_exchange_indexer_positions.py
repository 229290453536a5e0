"""Positions against a naive account of the same fills, and the two meanings of realizedPnl."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sniper.exchange.facts import BUY, SELL
from sniper.exchange.indexer import positions
from sniper.exchange.indexer.positions import Position, fill, unsettled
from sniper.order_ids import position_uuid
from tests.exchange_chain import BTC, ETH, ME

COIN = 10**10
AT = 1_765_209_600_000_000_000


def play(
    fills: list[tuple[int, int, int, int]],
) -> tuple[Position | None, list[Position]]:
    """Fills (side, BQ, price, fee in QQ). Returns what is open, and what was closed."""
    held: Position | None = None
    over: list[Position] = []
    for number, (side, quantums, price, fee) in enumerate(fills):
        touched = fill(held, 0, side, quantums, Decimal(price), fee, f"{number:024x}", 0, 7, AT, BTC)
        over += [each for each in touched if not each.size]
        held = touched[-1] if touched[-1].size else None
    return held, over


def test_opening_adding_and_closing_a_part() -> None:
    held, over = play([(BUY, COIN, 100, 0), (BUY, COIN, 200, 0), (SELL, COIN // 2, 300, 0)])
    assert held is not None and not over
    item = positions.stream_item(held, ME, "owner", BTC, Decimal(400))
    assert item == {
        "address": ME.owner,
        "subaccountNumber": 0,
        "positionId": position_uuid("owner", "0" * 24),
        "market": "BTC-USD",
        "side": "LONG",
        "status": "OPEN",
        "size": "1.5",
        "maxSize": "2",
        "netFunding": "0",
        "entryPrice": "150",
        "exitPrice": "300",
        "sumOpen": "2",
        "sumClose": "0.5",
        "realizedPnl": "75",
        "unrealizedPnl": "375",
    }


def test_a_short_is_negative_and_its_greatest_size_is_the_smallest() -> None:
    held, _ = play([(SELL, COIN, 100, 0), (SELL, COIN, 200, 0)])
    assert held is not None
    item = positions.stream_item(held, ME, "o", BTC, Decimal(100))
    assert (item["side"], item["size"], item["maxSize"]) == ("SHORT", "-2", "-1")
    assert (item["entryPrice"], item["exitPrice"], item["unrealizedPnl"]) == ("150", None, "100")


def test_averages_have_twenty_decimals() -> None:
    held, _ = play([(BUY, COIN, 1, 0), (BUY, 2 * COIN, 2, 0)])
    assert held is not None
    assert positions.stream_item(held, ME, "o", BTC, Decimal(0))["entryPrice"] == "1.66666666666666666667"


def test_stream_counts_funding_and_rest_counts_fees() -> None:
    held, _ = play([(BUY, COIN, 100, 2_000_000), (SELL, COIN // 2, 110, 1_000_000)])
    assert held is not None
    held.funding, held.index = -500_000, 1_000
    stream = positions.stream_item(held, ME, "o", BTC, Decimal(100))
    rest = positions.rest_item(held, 0, BTC, Decimal(100), 3_000)
    assert stream["realizedPnl"] == "4.5" and stream["netFunding"] == "-0.5"
    assert rest["realizedPnl"] == "2"  # 5 - 2 - 1
    assert rest["netFunding"] == "-10.5"  # and 2,000 x 0.5 coins x 0.01 not yet settled
    assert list(rest) == [
        "market", "status", "side", "size", "maxSize", "entryPrice", "exitPrice", "realizedPnl", "unrealizedPnl",
        "createdAt", "createdAtHeight", "closedAt", "sumOpen", "sumClose", "netFunding", "subaccountNumber",
    ]  # fmt: skip
    assert rest["closedAt"] is None and rest["createdAt"] == "2025-12-08T16:00:00.000Z"


def test_a_fill_that_turns_a_position_over_closes_one_and_opens_another() -> None:
    held, over = play([(BUY, COIN, 100, 0), (SELL, 3 * COIN, 90, 3_000_000)])
    assert held is not None and (held.size, held.opened, held.long) == (-2 * COIN, 2 * COIN, False)
    (closed,) = over
    assert (closed.status, closed.size, closed.closed, closed.closed_ns) == ("CLOSED", 0, COIN, AT)
    assert (closed.profit, held.profit) == (Decimal(-11), Decimal(-2))
    assert positions.rest_item(closed, 0, BTC, Decimal(1), 0)["closedAt"] == "2025-12-08T16:00:00.000Z"
    assert closed.event != held.event


@given(
    st.lists(
        st.tuples(
            st.sampled_from((BUY, SELL)),
            st.integers(1, 50).map(lambda steps: steps * 1_000_000),
            st.integers(1, 1_000),
            st.integers(-100, 100),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_sums_are_those_of_a_naive_account(fills: list[tuple[int, int, int, int]]) -> None:
    size, opened, closed = 0, Fraction(0), Fraction(0)
    in_value, out_value = Fraction(0), Fraction(0)
    lives = 0
    for side, quantums, price, _ in fills:
        for _ in range(quantums // 1_000_000):
            sign = 1 if side == BUY else -1
            if size * sign < 0:
                closed += 1
                out_value += price
            else:
                if not size:
                    opened = closed = in_value = out_value = Fraction(0)
                    lives += 1
                opened += 1
                in_value += price
            size += sign
    held, over = play(fills)
    assert len(over) + (held is not None) == lives
    last = held or over[-1]
    assert (last.size, last.opened, last.closed) == (size * 10**6, opened * 10**6, closed * 10**6)
    assert (
        Fraction(last.opened_value) == in_value / 10**4 and Fraction(last.closed_value) == out_value / 10**4
    )
    entry = Fraction(str(last.entry(BTC)))
    assert abs(entry - in_value / opened) <= Fraction(1, 10**20)


@given(st.integers(-(10**15), 10**15), st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_unsettled_funding_is_the_chains_formula(quantums: int, before: int, after: int) -> None:
    for terms in (BTC, ETH):
        expected = Fraction(-(after - before) * quantums, 10**6) / 10**6
        assert Fraction(unsettled(quantums, before, after, terms)) == expected


def test_as_of_and_emptied_leave_the_position_alone() -> None:
    held, _ = play([(BUY, COIN, 100, 0)])
    later, _ = play([(BUY, 3 * COIN, 100, 0)])
    assert held is not None and later is not None
    mixed = held.as_of(later)
    assert (mixed.size, mixed.opened, held.size) == (3 * COIN, COIN, COIN)
    empty = held.emptied()
    assert (empty.opened, empty.opened_value, empty.size, held.opened) == (0, 0, COIN, COIN)
    assert positions.stream_item(empty, ME, "o", BTC, Decimal(7))["entryPrice"] == "0"
