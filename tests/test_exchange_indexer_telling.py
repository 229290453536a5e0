"""What is told, is told to those who listen, and is not written for others."""

from __future__ import annotations

from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer.faults import Mischief
from sniper.exchange.indexer.telling import Telling
from sniper.exchange.indexer.topics import PARENT_SUBACCOUNTS, SUBACCOUNTS, Channel
from tests.exchange_chain import US
from tests.exchange_indexing import Desk


class Ears:
    """Topics that note what they hear."""

    def __init__(self, *open_: tuple[str, str]) -> None:
        self._open = open_
        self.notes: list[tuple[str, str, bytes, int]] = []

    def heard(self, channel: Channel, name: str) -> bool:
        return (channel.name, name) in self._open

    def put(self, channel: Channel, name: str, contents: bytes, child: int = -1) -> None:
        self.notes.append((channel.name, name, contents, child))


def test_a_child_is_heard_by_its_own_and_by_its_parents_followers() -> None:
    child = SubaccountId(US, 130)
    assert Telling(Ears((SUBACCOUNTS.name, f"{US}/130")), Mischief(0)).heard(child)
    assert Telling(Ears((PARENT_SUBACCOUNTS.name, f"{US}/2")), Mischief(0)).heard(child)
    assert not Telling(Ears((PARENT_SUBACCOUNTS.name, f"{US}/130")), Mischief(0)).heard(child)


def test_both_channels_say_the_same_unless_the_parent_is_spared() -> None:
    ears = Ears()
    Telling(ears, Mischief(0)).subaccount(SubaccountId(US, 130), {"a": 1})
    Telling(ears, Mischief(0)).subaccount(SubaccountId(US, 0), {"a": 1}, {"b": 2})
    assert ears.notes == [
        ("v4_subaccounts", f"{US}/130", b'{"a":1}', -1),
        ("v4_parent_subaccounts", f"{US}/2", b'{"a":1}', 130),
        ("v4_subaccounts", f"{US}/0", b'{"a":1}', -1),
        ("v4_parent_subaccounts", f"{US}/0", b'{"b":2}', 0),
    ]


def test_what_nobody_hears_is_not_put() -> None:
    ears = Ears()
    telling = Telling(ears, Mischief(0))
    market = Desk().indexer.store.state.markets[0]
    telling.level(market, 1, 100_000, 1)
    telling.trades(market, [])
    telling.candle(market, "1MIN", {})
    telling.markets({})
    telling.height(1, "now")
    assert ears.notes == [] and not telling.candles_heard(market, "1MIN")
