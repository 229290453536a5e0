"""The paper venue as the loop sees it: times, bytes, state, and a whole session on the simulated feed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sniper._ext.tape import COUNTER_NAMES
from sniper.order_ids import order_uuid, subaccount_uuid
from sniper.trading import BUY, SELL, VENUE_CONNECTION
from sniper.types import REC_FRAME, REC_VENUE, Record
from sniper.venues.models import LATENCIES
from tests.paper_sessions import Session, Ticks, again, live
from tests.papers import ALL, ASKS, BIDS, BTC, ETH, IOC, MS, SECOND, START_NS, Bench, Sink, ready

# --- the connection ---------------------------------------------------------------------------------------------------


def test_it_opens_with_connected_and_the_account() -> None:
    bench = Bench(usdc_quantums=1_234_500_000)
    connected, subscribed = bench.messages[:2]
    assert connected == {"type": "connected", "connection_id": connected["connection_id"], "message_id": 0}
    contents = subscribed.pop("contents")
    assert subscribed == {
        "type": "subscribed",
        "connection_id": connected["connection_id"],
        "message_id": 1,
        "channel": "v4_subaccounts",
        "id": f"{bench.settings.address}/0",
    }
    account = contents["subaccount"]
    assert (
        account["equity"]
        == account["freeCollateral"]
        == account["assetPositions"]["USDC"]["size"]
        == "1234.5"
    )
    assert contents["orders"] == [] and account["openPerpetualPositions"] == {}
    assert [record[0] for record in bench.sink.records[:2]] == [START_NS + MS] * 2


def test_message_ids_count_up_as_messages_leave() -> None:
    bench = ready(latency="usual")
    for i in range(1, 20):
        bench.send(bench.order(i, BUY, 1, 90_000))
    bench.run(5)
    assert [message["message_id"] for message in bench.messages] == list(range(len(bench.messages)))
    assert len(bench.messages) == 21


def test_orders_carry_the_id_that_can_be_computed_beforehand() -> None:
    bench = ready()
    bench.buy(7, 1, 90_000)
    subaccount = subaccount_uuid(bench.settings.address, 0)
    item = bench.items("orders", 7)[0]
    assert (item["id"], item["subaccountId"]) == (order_uuid(subaccount, 7, 0, 0), subaccount)


def test_start_positions_are_in_the_account_once_their_markets_are_known() -> None:
    bench = Bench(usdc_quantums=-8_000_000_000, start_positions=(("BTC-USD", "0.1", "88000.5"),))
    assert [message["type"] for message in bench.messages] == ["connected", "subscribed"]
    account = bench.messages[1]["contents"]["subaccount"]
    position = account["openPerpetualPositions"]["BTC-USD"]
    assert (position["size"], position["side"], position["entryPrice"]) == ("0.1", "LONG", "88000.5")
    assert "positionId" not in position and "address" not in position
    assert account["assetPositions"]["USDC"]["side"] == "SHORT" and account["equity"] == "2000"
    waiting = Bench(markets={"ETH-USD": ALL["ETH-USD"]}, start_positions=(("BTC-USD", "0.1", "88000"),))
    waiting.run(1)
    assert [message["type"] for message in waiting.messages] == ["connected"]


def test_after_a_lost_frame_the_account_is_told_anew_with_its_orders() -> None:
    bench = ready()
    bench.buy(1, 10, 100_010, **IOC)
    bench.buy(2, 10, 99_000)
    bench.buy(3, 10, 99_000, kind="long_term")
    bench.sell(4, 10, 90_000, kind="conditional", trigger="stop_loss", trigger_ticks=95_000)
    bench.block()
    bench.buy(5, 10, 99_000, kind="long_term")
    bench.buy(6, 40, 100_010)
    bench.run(1)

    class Full(Sink):
        def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
            super().put(recv_ns, connection, kind, data)
            return kind == REC_VENUE

    bench.send(bench.order(9, BUY, 1, 90_000))
    bench.now_ns += 10 * MS
    bench.paper.observe(bench.now_ns, 0)
    bench.paper.pull(bench.now_ns + 10 * MS, Full())
    bench.run(0.1)
    bench.tick()
    connected, subscribed = bench.messages[-2:]
    assert (connected["type"], subscribed["type"]) == ("connected", "subscribed")
    contents = subscribed["contents"]
    status = {item["clientId"]: item["status"] for item in contents["orders"]}
    assert status == {
        "2": "BEST_EFFORT_OPENED", "3": "OPEN", "4": "UNTRIGGERED", "6": "OPEN", "9": "BEST_EFFORT_OPENED",
    }  # fmt: skip
    assert contents["subaccount"]["openPerpetualPositions"]["BTC-USD"]["size"] == "0.003"
    assert int(contents["blockHeight"]) >= bench.height


# --- times ------------------------------------------------------------------------------------------------------------


def test_what_a_command_causes_is_due_by_its_send_time_and_the_generator_alone() -> None:
    def times(asks: list[tuple[int, int]], ms: int) -> list[tuple[int, int]]:
        bench = Bench(latency="usual")
        bench.book(BIDS, asks)
        bench.now_ns = START_NS + SECOND
        before = len(bench.sink.records)
        for i in range(1, 9):
            bench.paper.send(bench.now_ns, [bench.order(i, BUY, 5, 100_010, **IOC)])
        for _ in range(3000 // ms):
            bench.tick(ms=ms)
        return sorted((recv_ns, kind) for recv_ns, _, kind, _ in bench.sink.records[before:])

    fine = times([(100_010, 500)], 1)
    assert fine == times([(100_010, 500)], 50)
    answers = [item for item in fine if item[1] == REC_VENUE]
    assert answers == [item for item in times([], 10) if item[1] == REC_VENUE], "whatever the market"


def test_answers_lie_within_the_latencies_of_the_model() -> None:
    for name, latency in LATENCIES.items():
        bench = ready(latency=name)
        sent_ns = bench.now_ns
        for i in range(1, 60):
            bench.paper.send(sent_ns, [bench.order(i, BUY, 1, 90_000)])
        bench.run(3)
        waits = [recv_ns - sent_ns for recv_ns, _, kind, _ in bench.sink.records if kind == REC_VENUE]
        low, high = (latency.there[i] + latency.back[i] for i in (0, 1))
        assert len(waits) == 59 and low <= min(waits) and max(waits) <= high
        assert len(set(waits)) > 40 or name == "instant"


def test_due_says_when_it_acts_or_speaks_next() -> None:
    bench = ready()
    assert bench.paper.due(bench.now_ns) is None
    bench.paper.send(bench.now_ns, [bench.order(1, BUY, 1, 90_000)])
    due = bench.paper.due(bench.now_ns)
    assert due == bench.now_ns + MS, "the order arrives"
    bench.paper.observe(due, 0)
    assert bench.paper.due(due) == due + MS, "its answer comes"


def test_an_order_meets_the_market_of_the_first_tick_at_or_after_its_arrival() -> None:
    bench = ready()
    bench.paper.send(bench.now_ns, [bench.order(1, BUY, 30, 100_010, **IOC)])
    bench.tick(bench.level_frame(1, 100_010, 7), ms=1)
    bench.run()
    assert bench.steps() == 7


def test_a_lost_answer_is_told_as_none_after_the_timeout() -> None:
    bench = ready(lost_ppm=1_000_000, timeout_ns=2 * SECOND)
    sent_ns = bench.now_ns
    bench.paper.send(sent_ns, [bench.order(1, BUY, 1, 90_000)])
    bench.run(3)
    assert bench.answers == [("place", 1, -1)]
    assert [recv_ns for recv_ns, _, kind, _ in bench.sink.records if kind == REC_VENUE] == [
        sent_ns + 2 * SECOND
    ]
    assert bench.live(1) is not None, "the order arrived all the same"


def test_news_of_blocks_keep_their_order() -> None:
    bench = ready(latency="far", usdc_quantums=10**12)
    bench.book([(99_990, 10_000)], [(100_010, 10_000)])
    for i in range(1, 40):
        bench.paper.send(bench.now_ns, [bench.order(i, i % 2, 10, 100_010 if i % 2 == 0 else 99_990, **IOC)])
        bench.tick(ms=20)
    bench.run(5)
    heights = [int(contents["blockHeight"]) for contents in bench.news if "blockHeight" in contents]
    events = [fill["eventId"] for fill in bench.fills]
    assert len(events) == 39 and heights == sorted(heights) and events == sorted(events)


# --- bounds and refusals ----------------------------------------------------------------------------------------------


def test_more_commands_than_may_be_under_way_are_refused() -> None:
    bench = ready(under_way_max=3)
    bench.paper.send(bench.now_ns, [bench.order(i, BUY, 1, 90_000) for i in range(1, 6)])
    bench.run()
    assert sorted(bench.answers) == [
        ("place", 1, 0), ("place", 2, 0), ("place", 3, 0), ("place", 4, 5001), ("place", 5, 5001),
    ]  # fmt: skip


def test_more_orders_than_may_be_open_are_refused() -> None:
    bench = ready(orders_max=2, stateful_limits=())
    assert [bench.buy(i, 1, 90_000) for i in (1, 2, 3)] == [0, 0, 5001]
    assert bench.buy(4, 1, 90_000, kind="long_term") == 5001
    assert bench.buy(1, 1, 90_000, good_til_block=bench.height + 30) == 0, "a replacement needs no room"


def test_a_client_id_beyond_32_bits_is_our_own_mistake() -> None:
    bench = ready()
    with pytest.raises(ValueError, match="uint32"):
        bench.send(bench.order(1 << 32, BUY, 1, 90_000))


# --- determinism ------------------------------------------------------------------------------------------------------


def test_another_seed_answers_at_other_times() -> None:
    def digest(seed: int) -> bytes:
        bench = ready(seed=seed, latency="usual")
        bench.send(*(bench.order(i, BUY, 1, 90_000) for i in range(1, 9)))
        bench.run(5)
        return bench.paper.digest

    assert digest(1) == digest(1) != digest(2)


USUAL: dict[str, Any] = {"latency": "usual", "cancel_share_ppm": 250_000, "usdc_quantums": 50_000_000_000}


@pytest.fixture(scope="module")
def played() -> tuple[Session, Ticks]:
    session = Session(**USUAL)
    return session, live(session, 60)


def ours(records: list[Record]) -> list[Record]:
    return [record for record in records if record[1] == VENUE_CONNECTION]


def test_a_session_on_the_simulated_feed_has_some_of_everything(played: tuple[Session, Ticks]) -> None:
    session, ticks = played
    records = [record for _, taken in ticks for record in ours(taken)]
    said = [json.loads(record[3]) for record in records if record[2] == REC_FRAME]
    statuses = {
        (item["status"], item.get("removalReason", "").removeprefix("ORDER_REMOVAL_REASON_"))
        for message in said[2:]
        for item in message["contents"].get("orders", ())
    }
    assert {
        ("BEST_EFFORT_OPENED", ""),
        ("FILLED", ""),
        ("OPEN", ""),
        ("UNTRIGGERED", ""),
        ("BEST_EFFORT_CANCELED", "USER_CANCELED"),
        ("CANCELED", "EXPIRED"),
    } <= statuses
    fills = [fill for message in said[2:] for fill in message["contents"].get("fills", ())]
    assert {fill["liquidity"] for fill in fills} == {"TAKER", "MAKER"}
    assert len({fill["id"] for fill in fills}) == len(fills) > 30
    answers = [record for record in records if record[2] == REC_VENUE]
    assert len(answers) == sum(map(len, session.sent)) > 100
    counters = session.engine.tape.counters.tolist()
    rejected, accounts = (counters[COUNTER_NAMES.index(name)] for name in ("rejected", "accounts"))
    assert not rejected and accounts == len(said) - 1, "the engine's decoder takes all of it"


def test_the_same_ticks_and_commands_give_the_same_bytes_at_the_same_times(
    played: tuple[Session, Ticks],
) -> None:
    session, ticks = played
    other = Session(**USUAL)
    taken = again(other, ticks)
    assert other.sent == session.sent
    for (_, records), found in zip(ticks, taken, strict=True):
        assert ours(records) == ours(found)
    assert other.paper.digest == session.paper.digest
    assert other.paper.save() == session.paper.save()


def test_a_saved_venue_goes_on_as_if_nothing_had_happened(played: tuple[Session, Ticks]) -> None:
    session, ticks = played
    half = len(ticks) // 2
    first, second = Session(**USUAL), Session(**USUAL)
    again(first, ticks[:half])
    state, engine = first.paper.save(), first.engine.save()
    for _ in range(2):  # into a fresh venue, then back in time
        second.engine.load(engine)
        second.paper.load(state)
        assert second.paper.save() == state
        second.client_id, second.open = first.client_id, list(first.open)
        again(second, ticks[half:])
        assert second.paper.digest == session.paper.digest
        assert second.paper.save() == session.paper.save()


def test_any_other_state_is_refused_and_nothing_changes() -> None:
    bench = ready()
    bench.buy(1, 10, 100_010, **IOC)
    bench.buy(2, 10, 99_000)
    state = bench.paper.save()
    other = ready(seed=9)
    before = other.paper.save()
    for wrong in (b"", b"\x93", state[:-3], state + b"x", bytes(50), state):
        with pytest.raises(ValueError, match="not a state of the paper venue"):
            other.paper.load(wrong)
    assert other.paper.save() == before


def test_an_idle_venue_looks_at_nothing() -> None:
    bench = ready()
    bench.paper._work = None  # type: ignore[method-assign,assignment]
    bench.level(0, 99_990, 5)
    bench.trade(SELL, 99_990, 5)
    bench.block()


def test_it_wakes_with_the_prices_and_the_height_of_the_moment() -> None:
    bench = ready()
    bench.blocks(5)
    bench.oracle("50000")
    bench.oracle("3000", ETH)
    bench.buy(1, 10, 100_010, **IOC)
    bench.run(1)
    assert bench.fills[-1]["createdAtHeight"] == str(bench.height + 1)
    assert bench.paper.markets.oracle[BTC].number == 50_000
    bench.sell(2, 10, 99_990, **IOC)
    bench.book(BIDS, ASKS)
    bench.tick()
    assert not bench.paper.hearing.followed
    bench.oracle("60000")
    bench.trading(status="PAUSED")
    assert bench.buy(3, 30, 100_010, **IOC) == 34
    bench.trading(status="ACTIVE", initialMarginFraction="0.5", maintenanceMarginFraction="0.3")
    bench.buy(3, 30, 100_010, **IOC)
    totals = bench.paper.collateral.totals()
    assert totals.initial == 90_000_000


def test_a_refused_order_leaves_no_old_price_behind() -> None:
    bench = ready()
    assert bench.buy(1, 10, 99_000, good_til_block=1) == 10
    assert not bench.paper.markets.oracle
    bench.oracle("50000")
    bench.buy(2, 10, 99_000)
    assert bench.paper.markets.oracle[BTC].number == 50_000
