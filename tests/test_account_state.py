"""The venue's word on one subaccount: heights, snapshots, flips, unsettled funding."""

from __future__ import annotations

from sniper.account_facts import Balance, Holding, Whole
from sniper.account_state import DUE_MAX, Subaccount


def holding(size: int, height: int, id_: str = "p", market: int = 1, opened_ns: int = 0) -> Holding:
    return Holding(0, market, size, size * 2, 0, id_, size != 0, opened_ns, height)


def sizes(found: Subaccount) -> dict[int, int]:
    return {market: held.size_quantums for market, held in found.holdings.items() if held.size_quantums}


def test_older_news_is_dropped_item_by_item() -> None:
    found = Subaccount(0)
    assert found.hold([holding(5, 10), holding(7, 8, market=2)]) == [1, 2]
    assert found.hold([holding(4, 9), holding(8, 9, market=2)]) == [2]
    assert found.money(Balance(0, 100, 10)) and not found.money(Balance(0, 90, 9))
    assert (sizes(found), found.usdc, found.late) == ({1: 5, 2: 8}, 100, 2)


def test_of_one_block_the_last_word_counts() -> None:
    found = Subaccount(0)
    found.hold([holding(5, 10), holding(6, 10)])
    assert sizes(found) == {1: 6}


def test_late_news_does_not_revive_what_is_closed() -> None:
    found = Subaccount(0)
    found.hold([holding(5, 10), holding(0, 12)])
    assert found.hold([holding(5, 11)]) == []
    assert sizes(found) == {}


def test_news_without_a_height_is_taken_as_it_comes() -> None:
    found = Subaccount(0)
    found.hold([holding(5, 10)])
    assert found.hold([holding(6, 0)]) == [1]
    assert found.holdings[1].height == 10
    found.charge(11, 1, 1_000_000)
    assert found.balance == -6
    found.money(Balance(0, 50, 0))
    assert (found.usdc, found.balance, found.height) == (50, 50, 0)


def test_a_flip_is_two_positions_in_either_order() -> None:
    for order in (slice(None), slice(None, None, -1)):
        for known in ("old", ""):
            found = Subaccount(0)
            found.hold([holding(5, 10, known)])
            found.hold([holding(0, 11, "old"), holding(-3, 11, "new")][order])
            assert sizes(found) == {1: -3}, (order, known)


def test_when_it_was_opened_is_kept_while_it_is_open() -> None:
    found = Subaccount(0)
    found.hold([holding(5, 10, opened_ns=77), holding(6, 11)])
    assert found.holdings[1].opened_ns == 77
    found.hold([holding(-6, 12, "q")])
    assert found.holdings[1].opened_ns == 0


def test_a_snapshot_closes_what_it_does_not_name() -> None:
    found = Subaccount(0)
    found.hold([holding(5, 10), holding(7, 10, market=2), holding(9, 30, market=3)])
    taken = found.whole(Whole(0, 500, (holding(6, 0, "", 2),), 20))
    assert (sorted(taken), sizes(found), found.usdc) == ([1, 2], {2: 6, 3: 9}, 500)
    assert found.hold([holding(5, 19)]) == []


def test_unsettled_funding_adds_to_the_balance_until_the_venue_settles_it() -> None:
    found = Subaccount(0)
    found.whole(Whole(0, 1000, (holding(3, 0, "", 1), holding(-5, 0, "", 2)), 20))
    found.charge(20, 1, 1_000_000)  # in the snapshot
    assert found.balance == 1000
    found.charge(21, 1, 500_000)
    found.charge(21, 2, 700_000)
    assert found.balance == 1000 + (-1_500_000 + 3_500_000) // 1_000_000
    found.money(Balance(0, 900, 21))  # the fills of block 21 come before its funding
    assert found.balance == 902
    found.money(Balance(0, 950, 22))
    assert found.balance == found.usdc == 950


def test_fills_of_the_block_that_ends_an_hour_count_for_it() -> None:
    found = Subaccount(0)
    found.whole(Whole(0, 1000, (holding(3, 0, "", 1),), 20))
    found.charge(25, 1, 2_000_000)
    assert found.balance == 994
    found.hold([holding(1, 25, "p")])
    assert found.balance == 998
    found.hold([holding(9, 26, "p")])
    assert found.balance == 998


def test_many_hours_are_kept_as_one_sum() -> None:
    found = Subaccount(0)
    found.whole(Whole(0, 1000, (holding(3, 0, "", 1),), 20))
    for hour in range(10):
        found.charge(30 + hour, 1, 400_000)
    assert found.balance == 1000 - 12
    assert len(found.save().due[0][1]) == DUE_MAX
    other = found.save().restored()
    assert (other.balance, other.save()) == (found.balance, found.save())
    other.money(Balance(0, 1, 40))
    assert other.balance == 1


def test_no_funding_without_a_position() -> None:
    found = Subaccount(0)
    found.charge(30, 1, 400_000)
    assert found.balance == 0
