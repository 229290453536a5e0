"""Updates on their way: at once or in batches that an id's subscribers share, with what may go wrong upstream."""

from __future__ import annotations

from sniper.exchange.indexer.faults import Faults
from tests.exchange_chain import ETH, ME, MS, SECOND_NS, US, changed, opened, order, paid_in, rests
from tests.exchange_indexing import Desk, contents

BOOK = "v4_orderbook"


def rest(desk: Desk, client_id: int, price: int) -> None:
    each = order(client_id, price=price)
    desk.take(opened(each, desk.now_ns), rests(each, 0, desk.now_ns))


def test_single_messages_come_at_once_and_batches_every_250_ms() -> None:
    desk = Desk()
    desk.connect(1)
    desk.connect(2)
    desk.subscribe(BOOK, "BTC-USD", number=1)
    desk.subscribe(BOOK, "BTC-USD", True, number=2)
    rest(desk, 1, 89_000)
    rest(desk, 2, 89_001)
    first = desk.read(1)
    assert [f["type"] for f in first] == ["channel_data"] * 2 and desk.read(2) == []
    assert [f["message_id"] for f in first] == [2, 3]
    desk.wait(251 * MS)
    (batch,) = desk.read(2)
    keys = ["type", "connection_id", "message_id", "id", "channel", "version", "contents"]
    assert list(batch) == keys == list(first[0])
    assert (batch["type"], batch["id"], batch["version"]) == ("channel_batch_data", "BTC-USD", "1.0.0")
    assert batch["contents"] == [f["contents"] for f in first] == contents(first, BOOK)
    desk.wait(SECOND_NS)
    assert desk.read(2) == [] == desk.read(1)


def test_any_true_value_of_batched_counts() -> None:
    for number, batched in enumerate(("true", "false", 1, [], {}), start=1):
        desk = Desk()
        desk.connect(number)
        desk.subscribe("v4_block_height", None, batched, number)
        desk.block()
        desk.wait(300 * MS)
        assert [f["type"] for f in desk.read(number)] == ["channel_batch_data"]
    for batched in (False, None, 0, ""):
        desk = Desk()
        desk.connect()
        desk.send({"type": "subscribe", "channel": "v4_block_height", "batched": batched})
        desk.wait(2 * MS)
        desk.read()
        desk.block()
        assert [f["type"] for f in desk.read()] == ["channel_data"]


def test_the_first_batch_of_a_late_subscriber_may_hold_what_its_snapshot_has() -> None:
    desk = Desk()
    desk.connect(1)
    desk.connect(2)
    desk.subscribe(BOOK, "BTC-USD", True, number=1)
    desk.wait(250 * MS - desk.now_ns % (250 * MS) + MS)
    rest(desk, 1, 89_000)
    answer = desk.subscribe(BOOK, "BTC-USD", True, number=2)
    assert answer["contents"]["bids"] == [{"price": "89000", "size": "0.01"}]
    desk.wait(250 * MS)
    assert contents(desk.read(2), BOOK) == [{"bids": [["89000", "0.01"]]}] == contents(desk.read(1), BOOK)


def test_a_batch_of_a_parent_is_one_message_a_child() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe("v4_parent_subaccounts", f"{US}/0", True)
    child = ME._replace(number=128)
    desk.block(
        changed(1), changed(2, subaccount=child), changed(3, subaccount=ME._replace(number=1)), paid_in(4)
    )
    desk.wait(300 * MS)
    frames = desk.read()
    assert [f["subaccountNumber"] for f in frames] == [0, 128]
    assert list(frames[0])[-2:] == ["contents", "subaccountNumber"]
    assert [len(f["contents"]) for f in frames] == [3, 1]
    assert len({f["message_id"] for f in frames}) == 2


def test_ids_of_one_subscription_rise_and_all_channels_share_the_counter() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD")
    desk.subscribe("v4_block_height")
    for i in range(5):
        rest(desk, i, 89_000 + i)
        desk.block()
    assert [f["message_id"] for f in desk.read()] == list(range(3, 13))


def test_duplicates_carry_new_ids() -> None:
    desk = Desk(faults=Faults(duplicate=1.0))
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD")
    rest(desk, 1, 89_000)
    one, other = desk.read()
    assert one["contents"] == other["contents"] and other["message_id"] == one["message_id"] + 1
    assert desk.indexer.mischief.struck["duplicate"] == 1


def test_reordered_updates_come_after_the_next_one() -> None:
    desk = Desk(faults=Faults(reorder=1.0))
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD")
    for i in range(4):
        rest(desk, i, 89_000 + i)
    prices = [each["bids"][0][0] for each in contents(desk.read(), BOOK)]
    assert prices == ["89001", "89000", "89003", "89002"]


def test_updates_that_lag_come_later_and_are_the_same() -> None:
    desk = Desk(faults=Faults(stream_lag_ns=2 * SECOND_NS))
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD")
    rest(desk, 1, 89_000)
    assert desk.ok("/v4/orderbooks/perpetualMarket/BTC-USD")["bids"]
    desk.wait(1_990 * MS)
    assert desk.read() == []
    desk.wait(20 * MS)
    assert contents(desk.read(), BOOK) == [{"bids": [["89000", "0.01"]]}]


def test_nothing_comes_after_unsubscribed_not_even_from_the_batch() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD", True)
    rest(desk, 1, 89_000)
    desk.send({"type": "unsubscribe", "channel": BOOK, "id": "BTC-USD"})
    desk.wait(SECOND_NS)
    assert [f["type"] for f in desk.read()] == ["unsubscribed"]
    desk.subscribe(BOOK, "BTC-USD", True)
    desk.wait(SECOND_NS)
    assert desk.read() == []


def test_a_batch_is_bounded() -> None:
    settings = Desk().indexer.settings._replace(pending_max=3)
    desk = Desk(settings=settings)
    desk.connect()
    desk.subscribe(BOOK, "BTC-USD", True)
    for i in range(10):
        rest(desk, i, 89_000 + i)
    desk.wait(300 * MS)
    assert len(contents(desk.read(), BOOK)) == 3


def test_an_id_with_quotes_is_written_as_json_and_no_snapshot_is_found_for_it() -> None:
    desk = Desk()
    desk.connect()
    name = 'a"b\\/0'
    answer = desk.subscribe("v4_subaccounts", name)
    assert answer["id"] == name and answer["message"].startswith("Internal error, could not fetch")


def test_markets_do_not_mix() -> None:
    desk = Desk()
    desk.connect()
    desk.subscribe(BOOK, "ETH-USD")
    rest(desk, 1, 89_000)
    each = order(2, price=31_000, terms=ETH)
    desk.take(opened(each), rests(each))
    assert contents(desk.read(), BOOK) == [{"bids": [["3100", "0.1"]]}]
