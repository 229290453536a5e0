"""Our own books: conservation to the quantum, average entry, flips, fees and funding."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sniper.profit import Payment, Profit, Split, shares
from sniper.trading import BUY, SELL, Fill, Position
from tests.reference_account import Cash

MARKETS = ("BTC-USD", "ETH-USD", "SOL-USD")
DAY_NS = 86_400_000_000_000


def a_fill(
    side: int,
    size: int,
    quote: int,
    fee: int = 0,
    market: int = 0,
    height: int = 10,
    id_: str = "f",
    sub: int = 0,
) -> Fill:
    return Fill(id_, "o", market, sub, side, size, 1, 0, quote, fee, True, "LIMIT", height, height)


def books(usdc: int = 1_000_000, *positions: Position) -> Profit:
    found = Profit()
    found.base(0, usdc, positions, 0)
    return found


def test_a_round_trip_to_the_quantum() -> None:
    found = books()
    found.apply(a_fill(BUY, 3, 1000, 5))
    found.apply(a_fill(SELL, 1, 400, -1))
    assert found.position(0, 0) == Position(0, 0, 2, 667, 0, 67, 4, 10)
    found.apply(a_fill(SELL, 2, 600, 2))
    assert found.position(0, 0) == Position(0, 0, 0, 0, 0, 0, 6, 10)
    assert found.split(0, lambda market, size: 0) == Split(0, 0, 6, 0)
    assert found.cash(0) == 1_000_000 - 6


def test_a_short_gains_when_the_price_falls() -> None:
    found = books()
    found.apply(a_fill(SELL, 10, 1000))
    assert found.position(0, 0)[2:4] == (-10, -1000)
    assert found.split(0, lambda market, size: size * 90).unrealised == 100
    found.apply(a_fill(BUY, 10, 900))
    assert found.split(0, lambda market, size: 0).realised == 100


def test_a_flip_closes_first_and_opens_with_the_rest() -> None:
    found = books()
    found.apply(a_fill(BUY, 4, 400, 4, height=10))
    found.apply(a_fill(SELL, 10, 1100, 11, height=12))
    # 4 of 10 close for 440 and a fee of 4, the other 6 open for 660 and 7
    assert found.position(0, 0) == Position(0, 0, -6, -660, 0, 0, 7, 12)
    split = found.split(0, lambda market, size: size * 100)
    assert split == Split(40, 60, 15, 0)
    assert split.total == 85


def test_how_a_fill_is_shared_out() -> None:
    assert shares(a_fill(SELL, 10, 1000, 7), 3) == (3, 300, 2)
    assert shares(a_fill(SELL, 10, 1000, -7), 3) == (3, 300, -2)
    assert shares(a_fill(BUY, 10, 1000, 7), 3) == (0, 0, 0)
    assert shares(a_fill(BUY, 10, 1000, 7), -30) == (10, 1000, 7)


def test_positions_that_were_there_count_from_their_entry() -> None:
    found = books(500, Position(1, 0, 5, 1000, 3, 0, 0, 77))
    assert found.capital(0) == 1500
    found.apply(a_fill(SELL, 5, 1200, 1, market=1))
    assert found.split(0, lambda market, size: 0, 1) == Split(200, 0, 1, 0)
    assert found.cash(0) == 1699


def test_the_worked_example_of_funding() -> None:
    """funding.md 4: long 0.5 BTC at a change of 21 pays 0.105 USDC, the short receives it."""
    for sign in (1, -1):
        found = books(0)
        found.apply(a_fill(BUY if sign > 0 else SELL, 5_000_000_000, 0))
        found.charge(0, 20, 21)
        assert found.cash(0) == found.split(0, lambda market, size: 0).funding == -105_000 * sign
        assert found.position(0, 0).funding == 0
        found.transfer(0, 7)
        assert found.payments == [Payment(0, 0, -105_000 * sign)]
        assert found.position(0, 0).funding == -105_000 * sign
        assert found.cash(0) == -105_000 * sign + 7


def test_dust_goes_against_the_account_once_for_all_positions() -> None:
    found = books(0)
    found.apply(a_fill(BUY, 1_500_000, 0, market=0))
    found.apply(a_fill(BUY, 1_700_000, 0, market=1))
    found.apply(a_fill(SELL, 2_000_000, 0, market=2))
    for market in range(3):
        found.charge(market, 20, -1)
    found.settle(0)
    # 1.5 + 1.7 - 2.0 = 1.2, rounded down; the quantum that the parts lack goes to the one that lost most
    assert found.cash(0) == 1
    assert found.payments == [Payment(0, 0, 1), Payment(0, 1, 2), Payment(0, 2, -2)]


def test_funding_is_for_what_was_held_when_the_hours_block_ended() -> None:
    before, after = books(0), books(0)
    for found in (before, after):
        found.apply(a_fill(BUY, 3_000_000, 0, height=10, id_="a"))
    later = [a_fill(BUY, 1_000_000, 0, height=20, id_="b"), a_fill(SELL, 4_000_000, 0, height=21, id_="c")]
    before.charge(0, 20, 100)
    for item in later:
        before.apply(item)
        after.apply(item)
    after.charge(0, 20, 100)
    assert before.cash(0) == after.cash(0) == -400


def test_funding_up_to_the_first_snapshot_is_in_it() -> None:
    found = Profit()
    found.base(0, 0, [Position(0, 0, 1_000_000, 0, 0, 0, 0, 0)], 50)
    found.charge(0, 50, 9)
    assert found.cash(0) == 0
    found.charge(0, 51, 9)
    assert found.cash(0) == -9


def test_of_a_subaccount_that_is_not_known_there_is_nothing() -> None:
    found = books()
    assert (found.base_height(5), found.cash(5), found.capital(5), found.size(5, 0)) == (-1, 0, 0, 0)
    assert found.position(5, 0).size_quantums == 0
    assert found.split(5, lambda market, size: 0) == Split()


EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("fill"),
            st.integers(0, 2),
            st.integers(-(10**9), 10**9).filter(bool),
            st.integers(0, 10**9),
            st.integers(-(10**5), 10**5),
        ),
        st.tuples(st.just("funding"), st.integers(0, 2), st.integers(-5000, 5000)),
        st.tuples(st.just("transfer"), st.integers(-(10**9), 10**9)),
    ),
    max_size=30,
)


@given(st.integers(-(10**12), 10**12), EVENTS, st.lists(st.fractions(-5, 5), min_size=3, max_size=3))
def test_profit_is_the_change_of_equity_to_the_quantum(
    usdc: int, events: list[tuple[str | int, ...]], prices: list[Fraction]
) -> None:
    found, twin = books(usdc), Cash(usdc)
    closes = 0
    for height, event in enumerate(events, 1):
        kind, *numbers = event
        if kind == "fill":
            market, size, quote, fee = numbers
            assert isinstance(market, int) and isinstance(size, int)
            closes += twin.sizes().get(MARKETS[market], 0) * size < 0
            found.apply(
                a_fill(BUY if size > 0 else SELL, abs(size), quote, fee, market, height, str(height))  # type: ignore[arg-type]
            )
            twin.events.append(("fill", MARKETS[market], *numbers[1:]))
        elif kind == "funding":
            found.charge(numbers[0], height, numbers[1])  # type: ignore[arg-type]
            twin.events.append(("funding", MARKETS[numbers[0]], numbers[1]))  # type: ignore[index]
        else:
            found.transfer(0, numbers[0])  # type: ignore[arg-type]
            twin.events.append(tuple(event))

    def value(market: int, size: int) -> int:
        return int(size * prices[market])

    split = found.split(0, value)
    assert found.cash(0) == twin.cash()
    assert {m: found.size(0, i) for i, m in enumerate(MARKETS)} == dict.fromkeys(MARKETS, 0) | twin.sizes()
    assert split.fees == twin.fees()
    assert found.capital(0) == usdc + twin.transferred()
    assert found.capital(0) + split.total == twin.equity(dict(zip(MARKETS, prices, strict=True)))
    assert abs(split.realised - twin.realised()) <= 2 * closes + 1
    settled = [payment.quote for payment in found.payments]
    unsettled = split.funding - sum(settled)
    assert twin.cash() == usdc + twin.transferred() + split.funding - split.fees + sum(
        -e[3] if e[2] > 0 else e[3] for e in twin.events if e[0] == "fill"
    )
    assert (
        found.split(0, value, 0).fees + found.split(0, value, 1).fees + found.split(0, value, 2).fees
        == split.fees
    )
    found.settle(0)
    assert found.split(0, value) == split
    assert sum(payment.quote for payment in found.payments) == sum(settled) + unsettled


@given(EVENTS, st.integers(0, 30))
def test_saved_books_go_on_where_they_stood(events: list[tuple[str | int, ...]], at: int) -> None:
    one, other = books(), Profit()
    for height, event in enumerate(events):
        if height == at:
            other.restore(one.state())
        for found in (one, other) if height >= at else (one,):
            if event[0] == "fill":
                size = event[2]
                assert isinstance(size, int)
                found.apply(
                    a_fill(BUY if size > 0 else SELL, abs(size), event[3], event[4], event[1], height)  # type: ignore[arg-type]
                )
            elif event[0] == "funding":
                found.charge(event[1], height, event[2])  # type: ignore[arg-type]
            else:
                found.transfer(0, event[1])  # type: ignore[arg-type]
    if at < len(events):
        assert one.state() == other.state()
