"""Real recordings against expectations written down by reading them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests import real
from tests.play import Play
from tests.rowtext import text

MARKETS_2024_11 = "dydx-perpetual-markets/market_info_2024-11.json.gz"
MARKETS_2024_07 = "dydx-nautilus/http/list_perpetual_markets.json.gz"
EARLY = "dydx-abacus/ws/v4_orderbook_ETH-USD_early-testnet_snapshot+8_batches.jsonl"
T0 = "dydx-fullnode-stream/derived/2024-12-19_t0.derived_indexer_ws.jsonl.gz"
T0_END = "dydx-fullnode-stream/derived/2024-12-19_t0.derived_books_start_end.json.gz"

# File -> (how many rows of each kind, some of the rows by place), decoded with the market list of November 2024.
# Rows are those of the file's last message; places count from its first (0) or its last (-1) row.
EXPECTED: dict[str, tuple[dict[str, int], dict[int, str]]] = {
    "dydx-abacus/ws/connected.json": ({"CONNECTED": 1}, {0: "CONNECTED #0"}),
    "dydx-abacus/ws/pong.json": ({"PONG": 1}, {0: "PONG #3"}),
    "dydx-abacus/ws/v3_orderbook_ETH-USD_snapshot+13_batches_with_offsets.jsonl": (
        {"UNKNOWN": 14},
        {0: "UNKNOWN"},
    ),
    "dydx-abacus/ws/v4_candles_ETH-USD_1HOUR_subscribed_100.json": (
        {"SUBSCRIBED": 1, "CANDLE": 100},
        {
            0: "SUBSCRIBED ETH-USD v4_candles #5",
            1: "CANDLE ETH-USD 1HOUR 2023-09-18T19:00:00.000Z 1628.6 40000 1620 1630.4 9.561 15675.2341 1057",
            -1: "CANDLE ETH-USD 1HOUR 2023-09-22T22:00:00.000Z 1577.7 1585.9 1575.9 1584.4 20.275 32051.0068 1364",
        },
    ),
    "dydx-abacus/ws/v4_candles_ETH-USD_1HOUR_updates.jsonl": (
        {"CANDLE": 2},
        {0: "CANDLE ETH-USD 1HOUR 2023-09-24T18:00:00.000Z 1598 1601.6 1590.8 1590.8 8.822 14086.1848 726"},
    ),
    "dydx-abacus/ws/v4_markets_channel_batch_data.json": (
        {"MARKET": 3},
        {
            # 18 digits are kept, the last of which is a zero: 626611363.850368350|76
            0: "MARKET BTC-USD volume24H=626611363.85036835 openInterest=5082.297882905 trades24H=1205976 inexact",
            1: "MARKET ETH-USD volume24H=626131271.611287094 openInterest=67603.376057 trades24H=1214631",
            2: (
                "MARKET MLN-USD initialMarginFraction=0.05 maintenanceMarginFraction=0.03 openInterestLowerCap=500000"
                " openInterestUpperCap=1000000 clobPairId=111 marketId=111 atomicResolution=-7"
                " quantumConversionExponent=-9 stepBaseQuantums=1000000 subticksPerTick=1000000 status=ACTIVE new"
            ),
        },
    ),
    "dydx-abacus/ws/v4_markets_channel_batch_data_oracle_prices.json": (
        {"ORACLE": 1},
        {0: "ORACLE BTC-USD 21000 2022-06-01T12:01:01.002Z 500 doubt"},
    ),
    "dydx-abacus/ws/v4_markets_channel_data.json": (
        {"MARKET": 2},
        {
            0: "MARKET BTC-USD volume24H=493681565.927578312 openInterest=3531.250439547 trades24H=922900 inexact",
            1: "MARKET ETH-USD volume24H=493203231.416110155 openInterest=46115.767606 trades24H=939491",
        },
    ),
    "dydx-abacus/ws/v4_markets_next_funding_rate_update.json": (
        {"MARKET": 2},
        {
            0: "MARKET BTC-USD nextFundingRate=-0.0085756875",
            1: "MARKET ETH-USD nextFundingRate=-0.0084455625",
        },
    ),
    # the key is `price` here, not `oraclePrice`
    "dydx-abacus/ws/v4_markets_oracle_price_not_in_list.json": (
        {"ORACLE": 1},
        {0: "ORACLE UNI-USD 4.551094904 2023-06-20T21:29:29.094Z 39956 doubt"},
    ),
    "dydx-abacus/ws/v4_markets_subscribed_67_markets.json": (
        {"SUBSCRIBED": 1, "MARKET": 67, "ORACLE": 67},
        {0: "SUBSCRIBED v4_markets #1", 2: "ORACLE ISO-USD 63132.81233 - 0"},
    ),
    "dydx-abacus/ws/v4_orderbook_APE-USD_subscribed_crossed.json": (
        {"SUBSCRIBED": 1, "BOOK": 1, "LEVEL": 4},
        {
            0: "SUBSCRIBED APE-USD v4_orderbook #5",
            1: "BOOK APE-USD 4",
            2: "LEVEL APE-USD bid 2 50",
            3: "LEVEL APE-USD bid 1 2710",
            4: "LEVEL APE-USD ask 1 70",
            5: "LEVEL APE-USD ask 2 29100",
        },
    ),
    EARLY: ({"ERROR": 9}, {0: "ERROR ETH-USD off tick or step 18"}),
    "dydx-abacus/ws/v4_orderbook_ETH-USD_subscribed_halted_chain.json": (
        {"SUBSCRIBED": 1, "BOOK": 1, "LEVEL": 20},
        {
            1: "BOOK ETH-USD 20",
            2: "LEVEL ETH-USD bid 1619 0.221",
            17: "LEVEL ETH-USD bid 1.8 0.062",
            18: "LEVEL ETH-USD bid 1 6.872",
            19: "LEVEL ETH-USD ask 1800 0.907",
            -1: "LEVEL ETH-USD ask 1901 1",
        },
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_arb_channel_batch_data.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_parent_subaccounts #29 batch"},
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_arb_subscribed.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {0: "SUBSCRIBED v4_parent_subaccounts #2", 1: "ACCOUNT v4_parent_subaccounts #2 subscribed"},
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_real_channel_batch_data.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_parent_subaccounts #14 batch"},
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_real_subscribe_with_isolated_position.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {1: "ACCOUNT v4_parent_subaccounts #2 subscribed"},
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_real_subscribed.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {1: "ACCOUNT v4_parent_subaccounts #2 subscribed"},
    ),
    "dydx-abacus/ws/v4_parent_subaccounts_real_subscribed_with_pending.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {1: "ACCOUNT v4_parent_subaccounts #2 subscribed"},
    ),
    "dydx-abacus/ws/v4_subaccounts_best_effort_cancelled.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #55 data"},
    ),
    "dydx-abacus/ws/v4_subaccounts_channel_data.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #213 data"},
    ),
    "dydx-abacus/ws/v4_subaccounts_dydx18p7_subscribed+4_batches.jsonl.gz": (
        {"SUBSCRIBED": 1, "ACCOUNT": 5},
        {0: "ACCOUNT v4_subaccounts #6 batch"},
    ),
    "dydx-abacus/ws/v4_subaccounts_error.json": ({"SERVER_ERROR": 1}, {0: "SERVER_ERROR - #4"}),
    "dydx-abacus/ws/v4_subaccounts_position_closed.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #3 batch"},
    ),
    "dydx-abacus/ws/v4_subaccounts_subscribed.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {0: "SUBSCRIBED v4_subaccounts #5", 1: "ACCOUNT v4_subaccounts #5 subscribed"},
    ),
    "dydx-abacus/ws/v4_subaccounts_transfer_channel_data.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #87 data"},
    ),
    "dydx-abacus/ws/v4_subaccounts_updates_sequence.jsonl": (
        {"ACCOUNT": 7},
        {0: "ACCOUNT v4_subaccounts #157 data"},
    ),
    # the id is a UUID, so the height is not known; half the oracle price of two years later
    "dydx-abacus/ws/v4_trades_ETH-USD_channel_data.json": (
        {"TRADE": 1},
        {0: "TRADE ETH-USD BUY 1.593707 @ 1255.949 2022-12-12T02:28:14.859Z 0 off tick doubt"},
    ),
    # the text lists ids 1 to 100, so the rows begin with 100
    "dydx-abacus/ws/v4_trades_ETH-USD_subscribed.json": (
        {"SUBSCRIBED": 1, "TRADE": 100},
        {
            0: "SUBSCRIBED ETH-USD v4_trades #3",
            1: "TRADE ETH-USD SELL 1.473096 @ 1255.602 2022-12-12T02:28:09.282Z 5818 off tick",
            -1: "TRADE ETH-USD SELL 0.00095 @ 1255.98 2022-12-12T02:28:09.282Z 5818 off tick",
        },
    ),
    "dydx-nautilus/websocket/connected.json": ({"CONNECTED": 1}, {0: "CONNECTED #0"}),
    "dydx-nautilus/websocket/error.json": ({"SERVER_ERROR": 1}, {0: "SERVER_ERROR - #1"}),
    "dydx-nautilus/websocket/unsubscribed.json": (
        {"UNSUBSCRIBED": 1},
        {0: "UNSUBSCRIBED ETH-USD v4_trades #1905"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #4 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data_order.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #2 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data_order_canceled.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #3 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data_order_opened.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #2 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data_order_opened_stop_limit.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #2 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_channel_data_transfers.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #135 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_fills.json": ({"ACCOUNT": 1}, {0: "ACCOUNT v4_subaccounts #6 data"}),
    "dydx-nautilus/websocket/v4_accounts_rewards.json": (
        {"ACCOUNT": 1},
        {0: "ACCOUNT v4_subaccounts #3 data"},
    ),
    "dydx-nautilus/websocket/v4_accounts_subscribed.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {1: "ACCOUNT v4_subaccounts #1 subscribed"},
    ),
    "dydx-nautilus/websocket/v4_accounts_subscribed_best_effort_canceled.json": (
        {"SUBSCRIBED": 1, "ACCOUNT": 1},
        {1: "ACCOUNT v4_subaccounts #1 subscribed"},
    ),
    "dydx-nautilus/websocket/v4_block_height_subscribed.json": (
        {"SUBSCRIBED": 1, "BLOCK": 1},
        {0: "SUBSCRIBED v4_block_height #2", 1: "BLOCK 26543048 2024-12-02T18:45:31.771Z"},
    ),
    "dydx-nautilus/websocket/v4_candles_channel_data.json": (
        {"CANDLE": 1},
        {0: "CANDLE ETH-USD 1MIN 2024-07-26T17:54:00.000Z 3246.5 3247.6 3246.5 3247.6 6.364 20663.2167 10"},
    ),
    "dydx-nautilus/websocket/v4_candles_subscribed.json": (
        {"SUBSCRIBED": 1, "CANDLE": 100},
        {
            1: "CANDLE ETH-USD 1MIN 2024-08-15T04:52:00.000Z 2651.6 2651.6 2651.6 2651.6 0 0 0",
            -2: "CANDLE ETH-USD 1MIN 2024-08-15T06:30:00.000Z 2625.6 2625.6 2625.6 2625.6 0.003 7.8768 3",
            -1: "CANDLE ETH-USD 1MIN 2024-08-15T06:31:00.000Z 2625.6 2625.6 2625.6 2625.6 0 0 0",
        },
    ),
    "dydx-nautilus/websocket/v4_markets_channel_data.json": (
        {"ORACLE": 1},
        {0: "ORACLE JASMY-USD 0.02069413882 2024-08-17T17:24:36.330Z 19182358"},
    ),
    "dydx-nautilus/websocket/v4_markets_cross.json": (
        {"MARKET": 1},
        {
            0: (
                "MARKET FTM-USD tickSize=0.0001 stepSize=10 priceChange24H=-0.0036333222 volume24H=292953.744"
                " nextFundingRate=0 initialMarginFraction=0.2 maintenanceMarginFraction=0.1 openInterest=564710"
                " openInterestLowerCap=5000000 openInterestUpperCap=10000000 clobPairId=86 marketId=86"
                " atomicResolution=-5 quantumConversionExponent=-9 stepBaseQuantums=1000000 subticksPerTick=1000000"
                " trades24H=2656 status=FINAL_SETTLEMENT marketType=CROSS"
            )
        },
    ),
    "dydx-nautilus/websocket/v4_markets_oracle_price.json": (
        {"ORACLE": 1},
        {0: "ORACLE FTM-USD 0.3866273177 2024-08-17T17:50:25.837Z 19183704 doubt"},
    ),
    # only fields that are of no use to us, of a market that the list does not have
    "dydx-nautilus/websocket/v4_markets_trading_data.json": ({"MARKET": 1}, {0: "MARKET CRO-USD new"}),
    "dydx-nautilus/websocket/v4_orderbook.json": ({"LEVEL": 1}, {0: "LEVEL BTC-USD bid 65920 0"}),
    "dydx-nautilus/websocket/v4_orderbook_batched_data.json": (
        {"LEVEL": 41},
        {
            0: "LEVEL ETH-USD bid 2396.1 3.123",
            4: "LEVEL ETH-USD bid 2339.5 0",
            -1: "LEVEL ETH-USD ask 2397.3 5.854",
        },
    ),
    # asks stand first in the text
    "dydx-nautilus/websocket/v4_orderbook_snapshot.json": (
        {"SUBSCRIBED": 1, "BOOK": 1, "LEVEL": 200},
        {
            0: "SUBSCRIBED ETH-USD v4_orderbook #4",
            1: "BOOK ETH-USD 200",
            2: "LEVEL ETH-USD ask 3393.5 4.946",
            101: "LEVEL ETH-USD ask 3564.8 0.15",
            102: "LEVEL ETH-USD bid 3393.2 7.795",
            -1: "LEVEL ETH-USD bid 3260 0.15",
        },
    ),
    "dydx-nautilus/websocket/v4_trades.json": (
        {"TRADE": 2},
        {
            0: "TRADE ETH-USD BUY 0.01 @ 3392.9 2024-07-24T19:12:35.705Z 21104335",
            1: "TRADE ETH-USD BUY 1.738 @ 3392.9 2024-07-24T19:12:35.705Z 21104335",
        },
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_fixture_decodes_to_what_it_says(name: str) -> None:
    kinds, rows = EXPECTED[name]
    play = Play(real.read(MARKETS_2024_11)).lines(real.messages(name))
    assert dict(play.kinds) == kinds
    assert {at: text(play, play.rows[at]) for at in rows} == rows


def test_no_fixture_is_left_out() -> None:
    for folder in ("dydx-abacus/ws", "dydx-nautilus/websocket"):
        there = {f"{folder}/{path.name}" for path in real.path(folder).iterdir()}
        assert there == {name for name in EXPECTED if name.startswith(folder)}


def test_a_crossed_snapshot_masks_the_smaller_and_of_equal_sizes_both() -> None:
    """APE-USD: bids 2 x 50 and 1 x 2710, asks 1 x 70 and 2 x 29100, all of one age.

    Bid 2 meets ask 1: 50 < 70, the bid goes. Bid 1 meets ask 1: 2710 > 70, the ask goes. Left: 1 and 2.
    """
    play = Play(real.read(MARKETS_2024_11)).lines(
        real.messages("dydx-abacus/ws/v4_orderbook_APE-USD_subscribed_crossed.json")
    )
    assert play.side("APE-USD", 0, raw=False) == [(1000, 2710)]
    assert play.side("APE-USD", 1, raw=False) == [(2000, 29100)]
    assert play.side("APE-USD", 0) == [(2000, 50), (1000, 2710)]
    assert play.side("APE-USD", 1) == [(1000, 70), (2000, 29100)]


def test_trades_of_a_snapshot_are_counted_once() -> None:
    name = "dydx-abacus/ws/v4_trades_ETH-USD_subscribed.json"
    play = Play(real.read(MARKETS_2024_11)).lines(real.messages(name) * 2)
    market = play.decoder.market("ETH-USD")
    stat = play.trades.stats[market]
    assert (int(stat["count"]), int(stat["duplicates"])) == (100, 100)
    buy, sell, decimals = play.trades.volumes(market)
    assert Fraction(buy, 10**decimals) == Fraction("13.154160")
    assert Fraction(sell, 10**decimals) == Fraction("8.926092")
    assert Fraction(int(stat["last_price"]), 10 ** int(stat["last_dec"])) == Fraction(
        "1255.98"
    )  # id 1 came last


def test_the_testnet_sequence_lines_up() -> None:
    """Fourteen bids and six asks; then ask 3102.1 goes, ask 3101.4 comes, bid 3040.6 goes, bid 3040 comes."""
    play = Play(real.read(MARKETS_2024_11))
    play.lines(real.lines("dydx-testnet-ws/v4_orderbook_ETH-USD_connected+snapshot+batch.jsonl"))
    assert play.kinds == {"CONNECTED": 1, "SUBSCRIBED": 1, "BOOK": 1, "LEVEL": 24}
    assert play.side("ETH-USD", 0, 2) == [(30400, 658), (30098, 6645)]
    assert play.side("ETH-USD", 1, 4) == [(30731, 22), (30761, 22), (30792, 22), (31014, 645)]
    assert (len(play.side("ETH-USD", 0)), len(play.side("ETH-USD", 1))) == (14, 6)
    assert "unknown_removes" not in play.counters()


def early_grid() -> bytes:
    """The ETH-USD of that network."""
    return b'{"markets":{"ETH-USD":{"tickSize":"0.001","stepSize":"0.000001"}}}'


def test_the_early_testnet_crosses_the_raw_book_and_never_the_view() -> None:
    play = Play(early_grid())
    crossed = removes = 0
    for line in real.lines(EARLY):
        message = json.loads(line)
        contents = message["contents"]
        if message["type"] == "subscribed":
            play.line(line)
            assert (len(contents["bids"]), len(contents["asks"])) == (335, 355)
            continue
        for entry in contents:  # one level a tick, so that the book can be looked at after each
            play.line(json.dumps(message | {"contents": [entry]}).encode())
            top = play.top("ETH-USD")
            crossed += int(top["raw_bid"] >= top["raw_ask"])
            assert 0 < top["bid"] < top["ask"]
            assert play.rows["bid"][0] == top["bid"] and play.rows["ask"][0] == top["ask"]
            removes += int(play.rows["size"][0] == 0)
    assert play.counters()["levels"] == 335 + 355 + 114
    assert (crossed, removes, play.counters()["unknown_removes"]) == (79, 55, 47)
    assert (int(play.top("ETH-USD")["raw_bid"]), int(play.top("ETH-USD")["raw_ask"])) == (
        1_578_933,
        1_577_240,
    )
    bids, asks = play.side("ETH-USD", 0, raw=False), play.side("ETH-USD", 1, raw=False)
    assert bids[0][0] < asks[0][0]


def test_on_today_s_grid_every_early_message_is_refused_and_counted() -> None:
    play = Play(real.read(MARKETS_2024_11)).lines(real.lines(EARLY))
    assert play.kinds == {"ERROR": 9} and play.refusals == {"off tick or step": 9}
    assert play.counters()["rejected"] == 9
    assert play.counters()["rejected_levels"] == 335 + 355 + 114
    assert play.side("ETH-USD", 0) == play.side("ETH-USD", 1) == []


@pytest.fixture(scope="module")
def t0() -> Play:
    return Play(real.read(MARKETS_2024_11)).lines(real.lines(T0))


def test_the_recorded_half_minute_is_taken_whole(t0: Play) -> None:
    counters = t0.counters()
    assert "rejected" not in counters and "orphan_levels" not in counters and "crossings" not in counters
    assert counters["frames"] == 237
    assert counters["levels"] == 18_652 + 400
    assert counters["trades"] == 13
    assert int(t0.top("BTC-USD")["unknown_removes"]) == 505
    assert int(t0.top("ETH-USD")["unknown_removes"]) == 306


@pytest.mark.parametrize("ticker", ["BTC-USD", "ETH-USD"])
def test_the_top_fifty_levels_equal_the_recorded_end(t0: Play, ticker: str) -> None:
    end = json.loads(real.read(T0_END))["end"]["books"][ticker]
    market = t0.decoder.markets[t0.decoder.market(ticker)]
    tick, step = (Decimal(int(market["num"][f])).scaleb(-int(market["dec"][f])) for f in (0, 1))
    for side, key in ((0, "bids"), (1, "asks")):
        got = [(ticks * tick, steps * step) for ticks, steps in t0.side(ticker, side, 50)]
        assert got == [(Decimal(level["price"]), Decimal(level["size"])) for level in end[key][:50]]


def test_the_same_lines_give_the_same_digest(t0: Play) -> None:
    again = Play(real.read(MARKETS_2024_11)).lines(real.lines(T0))
    assert again.digest() == t0.digest()
    other = Play(real.read(MARKETS_2024_11)).lines(real.lines(T0)[:-1])
    assert other.digest() != t0.digest()


@pytest.mark.parametrize(("name", "count"), [(MARKETS_2024_11, 153), (MARKETS_2024_07, 125)])
def test_market_lists_load_with_exact_ticks_and_steps(name: str, count: int) -> None:
    text_of = json.loads(gzip.decompress(real.path(name).read_bytes()))["markets"]
    play = Play(real.read(name))
    assert len(text_of) == count == play.decoder.markets_n
    for ticker, fields in text_of.items():
        market: Any = play.decoder.markets[play.decoder.market(ticker)]
        for f, key in (
            (0, "tickSize"),
            (1, "stepSize"),
            (2, "oraclePrice"),
            (4, "volume24H"),
            (8, "openInterest"),
        ):
            got = Fraction(int(market["num"][f]), 10 ** int(market["dec"][f]))
            assert got == Fraction(fields[key]), (ticker, key)
        assert int(market["whole"][2]) == fields["atomicResolution"]
        assert int(market["whole"][0]) == int(fields["clobPairId"])


def test_the_list_as_a_websocket_snapshot_gives_the_same_table() -> None:
    by_rest = Play(real.read(MARKETS_2024_11))
    body = json.loads(real.read(MARKETS_2024_11))
    by_socket = Play()
    by_socket.line(
        json.dumps(
            {"type": "subscribed", "message_id": 1, "channel": "v4_markets", "contents": body}
        ).encode()
    )
    assert by_socket.decoder.markets[:153].tobytes() == by_rest.decoder.markets[:153].tobytes()
    assert by_socket.kinds == {"SUBSCRIBED": 1, "MARKET": 153, "ORACLE": 153}
