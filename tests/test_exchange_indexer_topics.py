"""Channels and their versions; the parent of a subaccount."""

from __future__ import annotations

from sniper.exchange.indexer import topics


def test_versions_and_own_ids() -> None:
    assert {name: channel.version for name, channel in topics.CHANNELS.items()} == {
        "v4_orderbook": "1.0.0",
        "v4_trades": "2.1.0",
        "v4_markets": "1.0.0",
        "v4_candles": "1.0.0",
        "v4_subaccounts": "3.0.0",
        "v4_parent_subaccounts": "3.0.0",
        "v4_block_height": "1.0.0",
    }
    own = {name: channel.own_id for name, channel in topics.CHANNELS.items() if channel.own_id}
    assert own == {"v4_markets": "v4_markets", "v4_block_height": "v4_block_height"}


def test_parents() -> None:
    assert [topics.parent_of(n) for n in (0, 127, 128, 384, 128_000)] == [0, 127, 0, 0, 0]


def test_nobody_hears_the_unheard() -> None:
    quiet = topics.Unheard()
    quiet.put(topics.BOOK, "BTC-USD", b"{}")
    assert not quiet.heard(topics.BOOK, "BTC-USD")
