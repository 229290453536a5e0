"""Real account messages against what was read off them by eye."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper.account import Account, AccountSettings
from sniper.quantums import iso_ns
from sniper.trading import Fill, OrderNews
from sniper.types import REC_FRAME, REC_REST
from tests import real
from tests.reference_account import Twin

WS, NAUTILUS = "dydx-abacus/ws/", "dydx-nautilus/websocket/"
MARKET_LIST = "dydx-perpetual-markets/market_info_2024-11.json.gz"
CANCELLED = "ORDER_REMOVAL_REASON_USER_CANCELED"
WOULD_REST = "ORDER_REMOVAL_REASON_IMMEDIATE_OR_CANCEL_WOULD_REST_ON_BOOK"
ATOMIC = {"BTC-USD": -10, "ETH-USD": -9, "LDO-USD": -6, "APE-USD": -6}


class Recording:
    """An account that was shown a file, one message a tick; what came of all ticks is collected."""

    def __init__(self, name: str, before: bytes = b"") -> None:
        self.tape = Tape()
        self.decoder = Decoder(self.tape)
        self.account = Account(self.tape, self.decoder, AccountSettings())
        self.news: list[OrderNews] = []
        self.fills: list[Fill] = []
        self.now_ns = 0
        self.put(REC_REST, b"perpetualMarkets 200 \n" + real.read(MARKET_LIST))
        if before:
            self.put(REC_FRAME, before)
        for message in real.messages(name) if name else []:
            self.put(REC_FRAME, message)

    def put(self, kind: int, data: bytes) -> None:
        self.now_ns += 1_000_000
        records = [(self.now_ns, 0, kind, data)]
        self.account.apply(self.decoder.apply(records), records, self.now_ns)
        self.news += self.account.news
        self.fills += self.account.fills

    def positions(self) -> dict[int, dict[str, str]]:
        """Subaccount -> ticker -> size in coins."""
        books = {0: self.account.positions, **self.account.children}
        return {
            number: {
                (ticker := self.decoder.ticker(market)): coins(held.size_quantums, ATOMIC.get(ticker, -6))
                for market, held in book.items()
            }
            for number, book in books.items()
            if book
        }

    @property
    def refused(self) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index("account_refused")])


def coins(quantums: int, atomic: int) -> str:
    value = Fraction(quantums) * Fraction(10) ** atomic
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


def nothing_yet(name: str) -> bytes:
    """The answer to a subscription of a subaccount that does not exist yet, for the account of a recording."""
    first = json.loads(real.messages(name)[0])
    return json.dumps(
        {"type": "subscribed", "connection_id": first["connection_id"], "message_id": 1}
        | {"channel": first["channel"], "id": first["id"], "contents": {}}
    ).encode()


# file -> trust, height, USDC in QQ, positions, number of orders by status, refused messages
EXPECTED: dict[str, tuple[str, int, dict[int, int], dict[int, dict[str, str]], dict[str, int], int]] = {
    WS + "v4_subaccounts_subscribed.json": (
        "live",
        0,
        {0: 68_257_215_192},
        {0: {"BTC-USD": "9.974575029", "ETH-USD": "-106.17985"}},
        {"BEST_EFFORT_OPENED": 1, "BEST_EFFORT_CANCELED": 1},
        0,
    ),
    # keys of a time before `perpetualPositions`: nothing in it that counts
    WS + "v4_subaccounts_channel_data.json": ("empty", 0, {}, {}, {}, 0),
    WS + "v4_subaccounts_best_effort_cancelled.json": ("empty", 0, {}, {}, {"BEST_EFFORT_CANCELED": 1}, 0),
    WS + "v4_subaccounts_position_closed.json": ("empty", 0, {0: 0}, {}, {}, 0),
    WS + "v4_subaccounts_transfer_channel_data.json": ("empty", 0, {}, {}, {}, 0),
    WS + "v4_subaccounts_error.json": ("empty", 0, {}, {}, {}, 0),
    # two orders without an id are refused, message by message
    WS + "v4_subaccounts_updates_sequence.jsonl": (
        "empty",
        1465,
        {0: 8_772_436_277},
        {0: {"ETH-USD": "-3"}},
        {"FILLED": 1, "OPEN": 2},
        2,
    ),
    WS + "v4_parent_subaccounts_arb_subscribed.json": (
        "live",
        0,
        {0: 50_500_000, 128: 149_500_000, 256: 25_000_000},
        {},
        {"OPEN": 2},
        0,
    ),
    WS + "v4_parent_subaccounts_arb_channel_batch_data.json": ("empty", 0, {0: 46_000_000}, {}, {}, 0),
    WS + "v4_parent_subaccounts_real_subscribed.json": (
        "live",
        0,
        {0: 1_711_959_192, 128: 267_891_057},
        {128: {"LDO-USD": "11"}},
        {"OPEN": 1},
        0,
    ),
    WS + "v4_parent_subaccounts_real_subscribed_with_pending.json": (
        "live",
        0,
        {0: 1_711_959_192, 128: 267_891_057, 256: 20_000_000},
        {128: {"LDO-USD": "11"}},
        {"OPEN": 1},
        0,
    ),
    WS + "v4_parent_subaccounts_real_subscribe_with_isolated_position.json": (
        "live",
        18642087,
        {0: 137_128_721, 128: -9_290},
        {128: {"APE-USD": "20"}},
        {},
        0,
    ),
    WS + "v4_parent_subaccounts_real_channel_batch_data.json": (
        "empty",
        304483,
        {128: 367_891_057},
        {128: {"LDO-USD": "17"}},
        {"FILLED": 1},
        0,
    ),
    NAUTILUS + "v4_accounts_subscribed.json": ("live", 22079024, {0: 11_623_325}, {}, {"OPEN": 1}, 0),
    NAUTILUS + "v4_accounts_subscribed_best_effort_canceled.json": (
        "live",
        22079024,
        {0: 11_623_325},
        {},
        {"BEST_EFFORT_CANCELED": 1},
        0,
    ),
    # an order without clientId and status of the chain's own: its id is what counts
    NAUTILUS + "v4_accounts_channel_data.json": ("empty", 61169, {}, {}, {"FILLED": 1}, 0),
    NAUTILUS + "v4_accounts_channel_data_order.json": ("empty", 18786006, {}, {}, {"OPEN": 1}, 0),
    NAUTILUS + "v4_accounts_channel_data_order_canceled.json": (
        "empty",
        18786404,
        {},
        {},
        {"CANCELED": 1},
        0,
    ),
    NAUTILUS + "v4_accounts_channel_data_order_opened.json": (
        "empty",
        18846067,
        {},
        {},
        {"BEST_EFFORT_OPENED": 1},
        0,
    ),
    NAUTILUS + "v4_accounts_channel_data_order_opened_stop_limit.json": (
        "empty",
        18846067,
        {},
        {},
        {"BEST_EFFORT_OPENED": 1},
        0,
    ),
    NAUTILUS + "v4_accounts_channel_data_transfers.json": ("empty", 19079256, {}, {}, {}, 0),
    NAUTILUS + "v4_accounts_fills.json": (
        "empty",
        18794557,
        {0: 0},
        {0: {"ETH-USD": "0.005"}},
        {"FILLED": 1},
        0,
    ),
    NAUTILUS + "v4_accounts_rewards.json": ("empty", 18794557, {}, {}, {}, 0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_recording_leaves(name: str) -> None:
    trust, height, usdc, positions, orders, refused = EXPECTED[name]
    found = Recording(name)
    held = found.account
    assert (held.trust, held.height, held.usdc, found.refused) == (trust, height, usdc, refused)
    assert found.positions() == positions
    assert Counter(order.status for order in held.orders.orders.values()) == orders
    assert held.fills == []  # no snapshot, no books
    other = Account(Tape(), found.decoder)
    other.load(held.save())
    assert other.save() == held.save()


def test_every_recording_of_the_channel_is_in_the_table() -> None:
    root = real.path("dydx-abacus").parent
    names = {
        path.relative_to(root).as_posix()
        for folder in (WS, NAUTILUS)
        for path in (root / folder).iterdir()
        if "accounts" in path.name
    }
    assert names - set(EXPECTED) == {WS + "v4_subaccounts_dydx18p7_subscribed+4_batches.jsonl.gz"}


def test_two_fills_of_one_order() -> None:
    name = NAUTILUS + "v4_accounts_fills.json"
    found = Recording(name, nothing_yet(name))
    eth = found.decoder.market("ETH-USD")
    at_ns = iso_ns("2024-08-12T14:06:01.172Z")
    order_id = "70dbcf99-214e-54f5-9ddd-3c5e1a46b95e"
    assert found.fills == [
        Fill(id_, order_id, eth, 0, 0, 1_000_000, price, 1, quote, fee, True, "LIMIT", 18794557, at_ns)
        for id_, price, quote, fee in (
            ("aec07db3-d668-5b77-8508-0f50a28bb303", 26201, 2_620_100, 1311),
            ("d013c6fe-4c2e-5e40-86ca-26067d061ad1", 26247, 2_624_700, 1313),
        )
    ]
    order = found.news[-1]
    assert order == OrderNews(
        order_id, 1497046405, eth, "FILLED", "", 0, 2, 27523, 2, -1, 0, 18794564, -1, 18794557, -1
    )
    # the recorded position has 0.003 more than these two fills: visible, and the venue's word is the truth
    assert found.positions() == {0: {"ETH-USD": "0.005"}}
    found.now_ns += 10**10
    found.put(REC_REST, b"time 200 \n{}")
    assert [(d.market, d.venue, d.own) for d in found.account.differences if d.market >= 0] == [
        (eth, 5_000_000, 2_000_000)
    ]


def test_a_fill_of_a_child_with_a_rebate() -> None:
    name = WS + "v4_parent_subaccounts_real_channel_batch_data.json"
    found = Recording(name, nothing_yet(name))
    fill = found.fills[0]
    assert (fill.subaccount, fill.size_quantums, fill.quote, fill.fee, fill.taker) == (
        128,
        11_000_000,
        18_700_000,
        -2057,
        False,
    )
    assert found.account.profit.position(128, fill.market).fees == -2057


def test_transfers_of_a_parent_and_of_one_alone() -> None:
    name = WS + "v4_parent_subaccounts_arb_channel_batch_data.json"
    found = Recording(name, nothing_yet(name))
    moved = found.account.transfers
    assert [(t.subaccount, t.quote, t.kind) for t in moved] == [
        (0, -4_500_000, "TRANSFER_OUT"),
        (128, 4_500_000, "TRANSFER_OUT"),
    ]
    assert found.account.transferred == 0
    for name, quote in (
        (WS + "v4_subaccounts_transfer_channel_data.json", -120_000_000),
        (NAUTILUS + "v4_accounts_channel_data_transfers.json", -10_000_000),
    ):
        found = Recording(name, nothing_yet(name))
        assert [(t.subaccount, t.quote, t.kind) for t in found.account.transfers] == [
            (0, quote, "WITHDRAWAL")
        ]


def test_the_life_of_a_conditional_and_of_a_long_term_order() -> None:
    opened = Recording(NAUTILUS + "v4_accounts_channel_data_order_opened_stop_limit.json")
    assert [(o.trigger_ticks, o.good_til_block, o.client_id) for o in opened.news] == [
        (27919, 18846077, 1885399800)
    ]
    found = Recording(NAUTILUS + "v4_accounts_channel_data_order.json")
    found.put(REC_FRAME, real.read(NAUTILUS + "v4_accounts_channel_data_order_canceled.json"))
    assert [(o.status, o.removal_reason, o.order_flags, o.height) for o in found.news] == [
        ("OPEN", "", 64, 18786007),
        ("CANCELED", CANCELLED, 64, 18786405),
    ]
    assert found.news[0].good_til_ns == iso_ns("2024-09-09T11:19:22.000Z")
    # and once more, the wrong way round
    found.put(REC_FRAME, real.read(NAUTILUS + "v4_accounts_channel_data_order.json"))
    assert len(found.news) == 2 and found.account.late == 1


def test_a_market_maker_for_some_seconds() -> None:
    name = WS + "v4_subaccounts_dydx18p7_subscribed+4_batches.jsonl.gz"
    found = Recording(name)
    held = found.account
    first = json.loads(real.messages(name)[0])["contents"]["subaccount"]
    assert (held.trust, len(held.positions), held.usdc) == ("live", 42, {0: 1_625_586_093_553})
    assert found.positions()[0]["BTC-USD"] == "-2.3708" and found.positions()[0]["ETH-USD"] == "-46.58"
    assert held.net_funding[found.decoder.market("BTC-USD")] == 12_531_751
    assert len(held.adopted) == 0  # they were those of the first tick
    # entry values and the venue's own unrealised profit give its equity, to a quantum a position
    entries = sum(p.entry_quote for p in held.positions.values())
    unrealised = sum(Fraction(p["unrealizedPnl"]) for p in first["openPerpetualPositions"].values()) * 10**6
    assert abs(held.usdc[0] + entries + unrealised - Fraction(first["equity"]) * 10**6) <= 42
    statuses = Counter(order.status for order in held.orders.orders.values())
    assert statuses == {"BEST_EFFORT_OPENED": 122, "CANCELED": 26, "BEST_EFFORT_CANCELED": 5}
    reasons = Counter(order.removal_reason for order in held.orders.orders.values())
    assert reasons == {"": 122, "ORDER_REMOVAL_REASON_EXPIRED": 26, WOULD_REST: 4, CANCELLED: 1}
    assert len(found.news) == 100 + 68 and found.refused == 0
    # merged: what an update left out is still known
    assert all(o.size_steps > 0 and o.price_ticks > 0 and o.market >= 0 for o in held.orders.orders.values())
    twin = Twin(0)
    for message in real.messages(name):
        parsed = json.loads(message)
        parsed["contents"] = _with_height(parsed["contents"])
        twin.message(parsed)
    assert {n: o["status"] for n, o in twin.orders.items()} == {
        n: o.status for n, o in held.orders.orders.items()
    }
    assert len(twin.sizes) == 42


def _with_height(contents: Any) -> Any:
    """Recordings of that age say no height in their snapshot."""
    if isinstance(contents, dict):
        contents["subaccount"]["latestProcessedBlockHeight"] = "0"
    return contents


def test_a_hundred_fills_from_rest_are_booked_to_the_quantum() -> None:
    found = Recording("", nothing_yet(WS + "v4_subaccounts_subscribed.json"))
    address = found.account.address
    body = real.read("dydx-abacus/rest/v4_fills_100.json")
    query = f"fills 200 address={address}&subaccountNumber=0\n".encode()
    found.put(REC_REST, query + body)
    wanted = json.loads(body)["fills"]
    assert len(found.fills) == 100 and found.refused == 0
    assert [f.height for f in found.fills] == sorted(int(w["createdAtHeight"]) for w in wanted)
    by_id = {fill.fill_id: fill for fill in found.fills}
    cash = Fraction(0)
    for item in wanted:
        fill, atomic = by_id[item["id"]], ATOMIC[item["market"]]
        assert fill.size_quantums == Fraction(item["size"]) * 10**-atomic
        assert Fraction(fill.price, 10**fill.price_decimals) == Fraction(item["price"])
        assert fill.quote == Fraction(item["size"]) * Fraction(item["price"]) * 10**6 // 1
        assert (fill.side, fill.taker) == (item["side"] == "SELL", item["liquidity"] == "TAKER")
        assert fill.venue_ns == iso_ns(item["createdAt"])
        cash += fill.quote if item["side"] == "SELL" else -fill.quote
    profit = found.account.profit
    btc, eth = found.decoder.market("BTC-USD"), found.decoder.market("ETH-USD")
    assert (profit.size(0, btc), profit.size(0, eth)) == (5_933_212_640, -1_463_321_000)
    split = found.account.split()
    value = found.account.value(btc, 5_933_212_640) + found.account.value(eth, -1_463_321_000)
    assert profit.cash(0) == cash and split.total == cash + value and split.realised
    found.put(REC_REST, query + body)
    assert len(found.fills) == 100
