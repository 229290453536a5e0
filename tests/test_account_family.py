"""A subaccount and its children: both books, and where they differ."""

from __future__ import annotations

from sniper.account_facts import Balance, Holding, Message, Transfer, Whole
from sniper.account_family import EARLY_MAX, MOVES_MAX, RECENT_MAX, USDC, Difference, Family
from sniper.trading import BUY, SELL, Fill, Position

SECOND = 1_000_000_000


def a_fill(id_: str, size: int, height: int, quote: int = 100, market: int = 1, number: int = 0) -> Fill:
    side = BUY if size > 0 else SELL
    return Fill(id_, "o", market, number, side, abs(size), 1, 0, quote, 0, True, "LIMIT", height, height)


def holding(size: int, height: int, market: int = 1, number: int = 0) -> Holding:
    return Holding(number, market, size, size * 3, 0, "p", size != 0, 5, height)


def based(height: int = 10, *held: Holding, traded: int = 0, fills_max: int = 100) -> Family:
    found = Family(traded, fills_max)
    found.take(Message(wholes=(Whole(traded, 1000, held, height),)), 0)
    return found


def test_a_fill_counts_once() -> None:
    found = based()
    message = Message(fills=(a_fill("a", 5, 11), a_fill("a", 5, 11)), holdings=(holding(5, 11),))
    found.take(message, 1)
    found.take(message, 2)
    assert [fill.fill_id for fill in found.fills] == ["a"]
    assert found.profit.size(0, 1) == 5
    assert found.positions == {1: Position(1, 0, 5, 100, 0, 0, 0, 11)}


def test_fills_in_the_first_snapshot_are_not_booked_again() -> None:
    found = based(10, holding(5, 0))
    found.take(Message(fills=(a_fill("old", 5, 10), a_fill("new", 1, 11))), 1)
    assert [fill.fill_id for fill in found.fills] == ["new"]
    assert found.profit.size(0, 1) == 6


def test_fills_that_come_before_the_snapshot_wait_for_it() -> None:
    found = Family(0, 100)
    late = [a_fill("b", 2, 12), a_fill("a", 1, 11), a_fill("in it", 7, 10)]
    found.take(Message(fills=(*late, *late)), 1)
    assert found.fills == []
    found.take(Message(wholes=(Whole(0, 1000, (holding(7, 0),), 10),)), 2)
    assert [fill.fill_id for fill in found.fills] == ["a", "b"]
    assert found.profit.size(0, 1) == 10
    assert [held.size_quantums for held in found.adopted] == [7]


def test_what_is_remembered_is_bounded_and_what_is_forgotten_is_not_counted_again() -> None:
    found = based(fills_max=3)
    for height in range(11, 16):
        found.take(Message(fills=(a_fill(str(height), 1, height),)), height)
    found.take(Message(fills=(a_fill("11", 1, 11), a_fill("12", 1, 12), a_fill("13", 1, 13))), 20)
    assert found.profit.size(0, 1) == 5
    assert found.late == 2
    early = Family(0, 2 * EARLY_MAX)
    early.take(Message(fills=tuple(a_fill(str(i), 1, 20) for i in range(EARLY_MAX + 5))), 1)
    early.take(Message(wholes=(Whole(0, 0, (), 10),)), 1)
    assert early.profit.size(0, 1) == EARLY_MAX
    assert len(early.recent) == RECENT_MAX


def test_a_later_snapshot_changes_the_venues_word_and_not_our_books() -> None:
    found = based()
    paid = Balance(0, 900, 11)
    found.take(Message(fills=(a_fill("a", 5, 11),), holdings=(holding(5, 11),), balances=(paid,)), 0)
    found.take(Message(wholes=(Whole(0, 800, (holding(8, 0),), 20),)), SECOND)
    assert (found.positions[1].size_quantums, found.profit.size(0, 1)) == (8, 5)
    assert found.differences(5 * SECOND, 5 * SECOND) == []
    assert found.differences(6 * SECOND, 5 * SECOND) == [
        Difference(0, USDC, 800, 900, SECOND),
        Difference(0, 1, 8, 5, SECOND),
    ]
    found.take(Message(fills=(a_fill("b", 3, 15),)), 7 * SECOND)  # what was missing comes by REST
    assert found.differences(60 * SECOND, 5 * SECOND) == []
    assert found.positions[1] == Position(1, 0, 8, 200, 0, 0, 0, 11)


def test_while_the_books_differ_the_venues_entry_counts() -> None:
    found = based()
    found.take(Message(holdings=(holding(4, 11),)), 1)
    assert found.positions[1] == Position(1, 0, 4, 12, 0, 0, 0, 5)
    found.take(Message(fills=(a_fill("a", 4, 11),)), 2)
    assert found.positions[1] == Position(1, 0, 4, 100, 0, 0, 0, 11)


def test_positions_stand_in_the_order_of_markets_in_one_and_the_same_mapping() -> None:
    found = based()
    positions = found.positions
    for market in (3, 1, 2):
        found.take(Message(holdings=(holding(4, 11, market),)), 1)
    assert list(positions) == [1, 2, 3]
    found.take(Message(holdings=(holding(0, 12, 1),)), 1)
    assert list(positions) == [2, 3] and positions is found.positions


def test_children_have_books_of_their_own() -> None:
    found = Family(0, 100)
    wholes = (Whole(0, 1000, (), 10), Whole(128, 50, (holding(2, 0, number=128),), 10))
    found.take(Message(wholes=wholes, family=True, height=10), 1)
    assert (found.usdc, found.positions, list(found.children[128])) == ({0: 1000, 128: 50}, {}, [1])
    # a child that did not exist yet began with nothing
    found.take(Message(fills=(a_fill("a", 3, 11, number=256), a_fill("b", 3, 10, number=256)), height=11), 2)
    assert (found.profit.size(256, 1), [f.fill_id for f in found.fills]) == (3, ["a"])
    # and one that is not in a snapshot has nothing any more
    found.take(Message(wholes=(Whole(0, 1050, (), 20),), family=True, height=20), 3)
    assert (found.usdc[128], found.children[128]) == (0, {})
    # strangers
    strange = Message(
        wholes=(Whole(1, 7, (), 30),),
        holdings=(holding(1, 30, number=129),),
        balances=(Balance(5, 1, 30),),
        fills=(a_fill("c", 1, 30, number=2),),
        transfers=(Transfer(3, 5, "T", 30, 0, "k"),),
    )
    found.take(strange, 4)
    assert sorted(found.subaccounts) == [0, 128] and found.transferred == 0


def test_transfers_count_once_and_what_moves_between_ours_cancels() -> None:
    found = based()
    out = Transfer(0, -300, "WITHDRAWAL", 11, 0, "k")
    found.take(Message(transfers=(out, out), balances=(Balance(0, 700, 11),)), 1)
    found.take(Message(transfers=(out, out._replace(height=9, key="before"))), 2)
    assert (found.transferred, found.profit.cash(0), list(found.transfers)) == (-300, 700, [out])
    assert found.differences(SECOND, 0) == []
    for i in range(MOVES_MAX + 5):
        found.take(Message(transfers=(out._replace(key=str(i)),)), 2)
    assert len(found.transfers) == MOVES_MAX
    unknown = Family(0, 10)
    unknown.take(Message(transfers=(out,)), 1)
    assert unknown.transferred == 0


def test_funding_falls_due_in_both_books_alike() -> None:
    found = based(10, holding(3_000_000, 0))
    found.charge([(1, 11, 7), (2, 11, 9)], 1)
    assert found.usdc == {0: 979} and found.profit.cash(0) == 979
    found.take(
        Message(fills=(a_fill("a", -1_000_000, 12),), holdings=(holding(2_000_000, 12),))._replace(
            balances=(Balance(0, 1079, 12),)
        ),
        2,
    )
    assert found.differences(SECOND, 0) == []
    assert found.positions[1].funding == -21


def test_settling_shows_on_every_position_that_it_touches() -> None:
    found = based(10, holding(3_000_000, 0), holding(2_000_000, 0, 2))
    found.charge([(1, 11, 7), (2, 11, 9)], 1)
    found.take(Message(fills=(a_fill("a", 1, 12, 0, 5),)), 2)
    assert [held.funding for held in found.positions.values()] == [-21, -18]


def test_a_saved_family_goes_on_where_it_stood() -> None:
    found = based(10, holding(3_000_000, 0))
    found.charge([(1, 11, 7)], 1)
    found.take(Message(fills=(a_fill("a", 5, 12),), holdings=(holding(9, 12, 128, 128),)), 2)
    other = Family(0, 100)
    other.load(found.save())
    assert other.save() == found.save()
    assert (other.positions, other.children, other.usdc) == (found.positions, found.children, found.usdc)
    more = Message(fills=(a_fill("a", 5, 12), a_fill("b", 5, 13)), holdings=(holding(1, 13),))
    for family in (found, other):
        family.take(more, 3)
    assert other.save() == found.save()
    assert other.differences(99, 0) == found.differences(99, 0) != []


def test_fills_since_an_earlier_session_are_news_but_not_booked_twice() -> None:
    found = Family(0, 100)
    found.since(5, ("known",))
    found.take(Message(wholes=(Whole(0, 1000, (holding(5, 0),), 10),)), 0)
    news = (a_fill("old", 1, 5), a_fill("known", 1, 7), a_fill("between", 5, 9), a_fill("new", 1, 11))
    restored = Family(0, 100)
    restored.load(found.save())
    for family in (found, restored):
        family.take(Message(fills=news), 1)
        family.take(Message(fills=news), 2)
        assert [fill.fill_id for fill in family.fills] == ["between", "new"]
        assert family.profit.size(0, 1) == 6
