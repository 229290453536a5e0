"""The markets table: order by volume, exact texts, what is missing stays empty."""

from __future__ import annotations

from sniper.decimals import Grid
from sniper.look_table import TableLook
from sniper.panels.view import MarketRow
from tests.runs import ALL, Hand


def test_rows_hold_what_the_venue_said() -> None:
    hand = Hand()
    hand.book("BTC-USD", [("97123", "2")], [("97125", "2")])
    markets = hand.run.look(ALL).markets
    assert markets.tickers == ("BTC-USD", "X-USD") and markets.total == 2
    assert markets.rows[0] == MarketRow(
        "BTC-USD", "97000.5", "97124", 2, "+0.00125%", 125, "+1.01%", 970005, "250M", "live", ""
    )
    assert markets.rows[1] == MarketRow("X-USD", "", "", None, "", 0, "", 0, "0", "empty", "PAUSED")


def test_the_table_scrolls_to_the_market_on_display() -> None:
    hand = Hand()
    facts = hand.markets()["BTC-USD"]
    many = {
        f"M{i}-USD": {**facts, "ticker": f"M{i}-USD", "clobPairId": str(i), "volume24H": str(i)}
        for i in range(2, 40)
    }
    hand.send(
        type="channel_data",
        channel="v4_markets",
        id="v4_markets",
        version="1.0.0",
        contents={"trading": many},
    )
    table = TableLook(hand.run.engine)
    table.refresh(0)
    assert table.table("BTC-USD", 5).tickers[:3] == ("BTC-USD", "M39-USD", "M38-USD")
    for ticker, first, shown in (
        ("BTC-USD", 0, "BTC-USD"),
        ("M30-USD", 8, "M30-USD"),
        ("M2-USD", 35, "X-USD"),
    ):
        part = table.table(ticker, 5)
        assert part.first == first and len(part.rows) == 5
        assert shown in [row.ticker for row in part.rows] and ticker in [row.ticker for row in part.rows]
    assert len(table.table("BTC-USD", 99).rows) == part.total == 40
    assert table.index("M7-USD") == hand.run.engine.decoder.market("M7-USD")
    assert table.index("nothing") == hand.run.engine.decoder.market("BTC-USD")
    assert table.ticker(-1) == ""


def test_the_order_follows_the_volume_once_a_second() -> None:
    hand = Hand()
    table = TableLook(hand.run.engine)
    table.refresh(0)
    assert table.index("") == 0
    update = {"X-USD": {"volume24H": "999999999999"}}
    hand.send(
        type="channel_data",
        channel="v4_markets",
        id="v4_markets",
        version="1.0.0",
        contents={"trading": update},
    )
    table.refresh(999_999_999)
    assert table.index("") == 0
    table.refresh(1_000_000_000)
    assert table.index("") == 1


def test_the_grid_is_the_markets_own_now() -> None:
    hand = Hand()
    table = TableLook(hand.run.engine)
    assert table.grid(0) == Grid(1, 0, 1, 4)
    update = {"BTC-USD": {"tickSize": "0.5"}}
    hand.send(
        type="channel_data",
        channel="v4_markets",
        id="v4_markets",
        version="1.0.0",
        contents={"trading": update},
    )
    assert table.grid(0) == Grid(5, 1, 1, 4)
    assert table.trust() == b"\0\0"
