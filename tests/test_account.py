"""The account behind the decoder: rows in, positions, orders, fills and answers out; refusals; convergence."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper._ext.tape import STAGE_NAMES
from sniper.account import AccountSettings, Queried
from sniper.trading import VENUE_CONNECTION, Answer
from sniper.types import REC_FRAME, REC_GAP, REC_LINK, REC_REST
from tests import accounts as a
from tests import messages as m
from tests.accounts import ADDRESS, BTC, ETH, OTHER, PEPE, Scene
from tests.mutate import mutated, spoil_tree, written
from tests.reference_account import Twin

STAGE = 2 * STAGE_NAMES.index("account")


def test_a_tick_without_account_rows_changes_nothing() -> None:
    scene = Scene()
    before = scene.account.save()
    scene.say(m.trading(3, BTC_USD={"volume24H": "1"}))
    scene.say()
    assert scene.account.save() == before and not scene.account.changed


def test_the_results_are_those_of_one_tick() -> None:
    scene = Scene()
    scene.say(a.snapshot("1000"))
    found = scene.say(
        a.update(
            {
                "fills": [a.fill("f", "BUY", "0.01", "90000", 101, fee="0.45")],
                "perpetualPositions": [a.position("BTC-USD", "0.01", entryPrice="90000")],
                "assetPositions": [a.asset("99.55")],
                "orders": [a.order("o-f", 9, "FILLED", totalFilled="0.01")],
                "blockHeight": "101",
            }
        )
    )
    assert found.changed
    assert [f.fill_id for f in found.fills] == ["f"] and [o.client_id for o in found.news] == [9]
    assert (found.usdc, found.height, found.trust) == ({0: 99_550_000}, 101, "live")
    assert scene.sizes() == {"BTC-USD": 100_000_000}
    assert found.positions[BTC].entry_quote == 900_000_000 and found.positions[BTC].fees == 450_000
    assert scene.counter("fills") == 1
    scene.say()
    assert not found.changed and not found.fills and not found.news
    assert found.split().unrealised == 0 and found.split().fees == 450_000
    scene.say(m.trading(3, BTC_USD={"tickSize": "1"}))
    assert found.value(99, 1) == 0
    assert found.net_funding == {BTC: 0}
    assert scene.account.differences == []


def test_answers_of_the_venue() -> None:
    scene = Scene()
    scene.answer(b"place 4294967295 0 ")
    assert scene.account.answers == [Answer("place", 4294967295, 0, "")]
    scene.answer(b"cancel 7 9 cancel exists: with a text \xff")
    assert scene.account.answers == [Answer("cancel", 7, 9, "cancel exists: with a text �")]
    scene.answer(b"place 8 -1 timeout")
    assert scene.account.answers == [Answer("place", 8, -1, "timeout")]
    scene.say()
    assert scene.account.answers == []


def test_the_venues_own_connection_is_one_like_others() -> None:
    scene = Scene()
    scene.put((REC_FRAME, a.snapshot("5")), connection=VENUE_CONNECTION)
    assert (scene.account.trust, scene.account.usdc) == ("live", {0: 5_000_000})
    scene.put((REC_GAP, b"1 100"), connection=0)
    assert scene.account.trust == "live"
    scene.put((REC_GAP, b"1 100"), connection=VENUE_CONNECTION)
    assert scene.account.trust == "doubtful"


@pytest.mark.parametrize(
    "record",
    [
        (REC_GAP, b"1 100"),
        (REC_LINK, b"closed 1006 gone"),
        (REC_LINK, b"silent 0 "),
        (REC_FRAME, m.connected()),
        (REC_FRAME, b'{"type":"channel_data","connection_id":'),
        (REC_FRAME, a.update({"blockHeight": "-1"})),
    ],
)
def test_lost_news_makes_the_account_doubtful_until_the_next_snapshot(record: tuple[int, bytes]) -> None:
    scene = Scene()
    scene.put(record)
    assert scene.account.trust == "empty"
    scene.say(a.snapshot("5"))
    assert scene.account.trust == "live"
    digest = scene.account.digest.value
    scene.put(record)
    assert scene.account.trust == "doubtful" and scene.account.digest.value != digest
    scene.say(a.update({"assetPositions": [a.asset("6")]}))
    assert (scene.account.trust, scene.account.usdc) == ("doubtful", {0: 6_000_000})
    scene.say(a.snapshot("7"))
    assert scene.account.trust == "live"


def test_an_open_link_and_other_connections_cast_no_doubt() -> None:
    scene = Scene()
    scene.say(a.snapshot("5"))
    scene.put((REC_LINK, b"open 0 "))
    scene.put((REC_LINK, b"closed 1006 gone"), (REC_GAP, b"1 1"), connection=1)
    assert scene.account.trust == "live"


def test_a_market_message_that_was_refused_casts_no_doubt() -> None:
    scene = Scene()
    scene.say(a.snapshot("5"))
    scene.say(m.snapshot("NO-USD", [("1", "1")], [("2", "1")]))
    scene.say(m.snapshot("BTC-USD", [("1.5", "1")], [("2", "1")]))
    assert scene.counter("rejected") == 2 and scene.account.trust == "live"


def test_absurd_rates_and_prices_are_carried_to_the_end() -> None:
    scene = Scene()
    scene.say(a.snapshot("5", [a.position("PEPE-USD", "90000000000000000", entryPrice="0.0000001")]))
    for change in (10**30, -(10**40)):
        scene.account.charge([(PEPE, 101, change)])
        assert abs(scene.account.usdc[0]) == (1 << 63) - 1
        other = Scene()
        other.account.load(scene.account.save())
        assert other.account.save() == scene.account.save()
    scene.say(
        a.update({"fills": [a.fill("f", "SELL", "10", "0.00001", 103, "PEPE-USD")], "blockHeight": "103"})
    )
    assert scene.account.profit.cash(0) > 10**40 and scene.account.split().funding > 10**40
    assert Scene().account.load(scene.account.save()) is None


def test_whose_account() -> None:
    scene = Scene(AccountSettings(address=OTHER, subaccount=1))
    scene.say(a.snapshot("5", number=1))
    assert scene.account.trust == "empty"
    scene = Scene(AccountSettings(address=ADDRESS, subaccount=1))
    scene.say(a.snapshot("5", number=0))
    assert scene.account.trust == "empty" and scene.account.usdc == {}
    scene.say(a.snapshot("5", number=1))
    assert scene.account.usdc == {1: 5_000_000}
    # without a setting it is the first that is believed
    scene = Scene()
    scene.say(a.update({"blockHeight": "-1"}))
    assert scene.account.address == ""
    scene.say(a.snapshot("5"))
    stranger = json.loads(a.snapshot("9", height=200)) | {"id": f"{OTHER}/0"}
    scene.say(m.text(stranger))
    assert (scene.account.address, scene.account.usdc) == (ADDRESS, {0: 5_000_000})


def test_a_childs_snapshot_alone_says_nothing_of_the_one_that_trades() -> None:
    scene = Scene()
    scene.say(a.snapshot("5", [a.position("ETH-USD", "1", number=128)], number=128))
    assert (scene.account.trust, scene.sizes(128)) == ("empty", {"ETH-USD": 1_000_000_000})


def test_a_subaccount_that_does_not_exist_yet() -> None:
    scene = Scene()
    found = scene.say(a.subscribed({}))
    assert (found.trust, found.usdc, found.positions, found.listed) == ("live", {0: 0}, {}, ())
    found = scene.say(
        a.update({"assetPositions": [a.asset("10")], "transfers": a.transfer(None, 0, "10", 5)})
    )
    assert (found.usdc, found.transferred) == ({0: 10_000_000}, 10_000_000)
    assert scene.account.differences == []


def test_positions_that_were_there_are_adopted() -> None:
    scene = Scene()
    found = scene.say(
        a.snapshot("5", [a.position("ETH-USD", "-2", "SHORT", entryPrice="3100", netFunding="1.5")])
    )
    assert [(p.market, p.size_quantums, p.entry_quote, p.funding) for p in found.adopted] == [
        (ETH, -2_000_000_000, -6_200_000_000, 1_500_000)
    ]
    assert found.net_funding == {ETH: 1_500_000}
    assert found.split().unrealised == 200_000_000  # the oracle says 3000


def test_rest_answers_fill_in_what_was_missed() -> None:
    scene = Scene()
    scene.say(a.snapshot("1000", height=100))
    missed = a.fill("m", "BUY", "0.01", "90000", 105, market="BTC-USD") | {"subaccountNumber": 0}
    missed.pop("ticker")
    query = f"address={ADDRESS}&subaccountNumber=0"
    found = scene.ask(a.rest("fills", json.dumps({"fills": [missed]}).encode()))
    assert [f.fill_id for f in found.fills] == ["m"]
    assert found.queried == [Queried("fills", 200, query, ("m",), 0)]
    held = {"BTC-USD": a.position("BTC-USD", "0.01")}
    whole = {"subaccountNumber": 0, "openPerpetualPositions": held, "latestProcessedBlockHeight": "105"}
    found = scene.ask(a.rest("subaccount", json.dumps({"subaccount": whole}).encode()))
    assert (scene.sizes(), found.usdc, found.height) == ({"BTC-USD": 100_000_000}, {0: 0}, 105)
    assert found.trust == "live" and found.listed is None
    old = json.dumps(
        {"subaccount": whole | {"latestProcessedBlockHeight": "99", "openPerpetualPositions": {}}}
    )
    scene.ask(a.rest("subaccount", old.encode()))
    assert scene.sizes() == {"BTC-USD": 100_000_000} and scene.account.late == 2
    found = scene.ask(a.rest("orders", json.dumps([a.order("o", 3, "OPEN")]).encode()))
    assert found.queried[0].ids == ("o",) and found.news[0].client_id == 3


def test_a_query_counts_for_the_height_that_rest_had_reached_before() -> None:
    scene = Scene()
    scene.say(a.snapshot("1000"))
    empty = a.rest("fills", b'{"fills":[]}')
    whole = {"subaccount": {"subaccountNumber": 0, "latestProcessedBlockHeight": "300"}}
    for data, height in (
        (b'height 200 \n{"height":"200","time":"2025-12-08T16:11:59.450Z"}', 200),
        (b'height 200 \n{"height":"150","time":""}', 200),
        (b"height 0 \nno answer", 200),
        (a.rest("subaccount", json.dumps(whole).encode()), 300),
    ):
        scene.ask(data)
        assert scene.account.rest_height == height
        assert [q.height for q in scene.ask(empty).queried] == [height]
    scene.ask(b'height 200 \n{"height":"-2"}')
    assert (scene.account.rest_height, scene.counter("account_refused")) == (300, 1)


def test_rest_answers_that_are_not_ours_or_say_nothing() -> None:
    scene = Scene()
    scene.say(a.snapshot("1000"))
    before = scene.account.save()
    scene.ask(a.rest("fills", b'{"fills":[]}', number=5))
    scene.ask(a.rest("fills", b'{"fills":[]}', address=OTHER))
    scene.ask(b"fills 200 \n" + b'{"fills":[]}')
    scene.ask(b'orderbook 200 ticker=BTC-USD\n{"bids":[],"asks":[]}')
    assert scene.account.save() == before and not scene.account.queried
    scene.ask(a.rest("subaccount", b"{}", status=404))
    assert [(q.status, q.ids) for q in scene.account.queried] == [(404, ())]
    scene.ask(a.rest("subaccount", b"[]"))
    assert scene.counter("account_refused") == 1
    assert [(q.status, q.ids) for q in scene.account.queried] == [(0, ())], "as good as none"
    assert scene.account.trust == "live"  # the frames go on


def test_a_refused_message_leaves_no_trace_but_doubt_and_a_count() -> None:
    scene = Scene()
    scene.say(a.snapshot("1000", [a.position("ETH-USD", "1")]))
    before = json.dumps(scene.account.family.save(), default=str)
    bad = {"assetPositions": [a.asset("7")], "perpetualPositions": [a.position("NO-USD", "1")]}
    for count in range(1, 40):
        scene.say(a.update([{"fills": [a.fill("x", "BUY", "1", "1", 200)]}, bad]))
        assert scene.counter("account_refused") == count
    assert json.dumps(scene.account.family.save(), default=str) == before
    assert "NO-USD" in scene.account.refusals[-1][1] and len(scene.account.refusals) == 16
    assert scene.account.fills == [] and scene.account.orders.orders == {}


def test_the_digest_is_that_of_the_stage_and_tells_messages_apart() -> None:
    def run(*frames: bytes) -> tuple[Any, bytes]:
        scene = Scene()
        for frame in frames:
            scene.say(frame)
        return scene.tape.digests[STAGE : STAGE + 2].tolist(), scene.account.digest.value

    one = run(a.snapshot("1"), a.update({"blockHeight": "101"}))
    assert one == run(a.snapshot("1"), a.update({"blockHeight": "101"}))
    assert one != run(a.snapshot("1"), a.update({"blockHeight": "102"})) and any(one[0])
    scene = Scene()
    scene.say(a.snapshot("1"))
    before = scene.account.digest.value
    scene.account.charge([(BTC, 101, 5)])
    assert scene.account.digest.value != before and scene.account.changed


def test_a_saved_account_goes_on_where_it_stood() -> None:
    frames = story(random.Random(5), 12)
    for cut in (0, 1, 6, len(frames)):
        one, other = Scene(), Scene()
        for frame in frames[:cut]:
            one.say(frame)
        other.account.load(one.account.save())
        assert other.account.save() == one.account.save()
        other.now_ns = one.now_ns
        for frame in frames[cut:]:
            one.say(frame)
            other.say(frame)
        assert other.account.save() == one.account.save()
        assert other.account.positions == one.account.positions
        assert other.tape.digests[STAGE] == one.tape.digests[STAGE]


def test_another_state_is_refused_before_anything_changes() -> None:
    scene = Scene()
    scene.say(a.snapshot("1"))
    before = scene.account.save()
    for wrong in (
        b"",
        b"[]",
        b"\xff",
        before[:-5],
        before + b"x",
        before.replace(b"1000000,1000000", b'1000000,"x"'),
    ):
        with pytest.raises(ValueError, match=r"account|running digest"):
            scene.account.load(wrong)
    assert scene.account.save() == before


def story(chance: random.Random, blocks: int) -> list[bytes]:
    """A snapshot and one message a block, as the venue would send them: fills, positions, balances, orders."""
    sizes = {"BTC-USD": Fraction(0), "ETH-USD": Fraction(0)}
    usdc, frames, filled = Fraction(10_000), [a.snapshot("10000", height=100)], dict[str, Fraction]()
    units = {"BTC-USD": (Fraction(1, 10_000), 90_000), "ETH-USD": (Fraction(1, 1000), 3000)}
    for height in range(101, 101 + blocks):
        contents: dict[str, Any] = {
            "fills": [],
            "perpetualPositions": [],
            "orders": [],
            "blockHeight": str(height),
        }
        for ticker in chance.sample(sorted(sizes), chance.randint(0, 2)):
            step, price = units[ticker]
            price += chance.randint(-50, 50)
            size = step * chance.randint(1, 30)
            side = chance.choice(("BUY", "SELL"))
            sign = 1 if side == "BUY" else -1
            name = f"o{height - height % 2}-{ticker}"
            filled[name] = filled.get(name, Fraction(0)) + size
            fee = Fraction(int(size * price * 500), 10**6)
            sizes[ticker] += sign * size
            usdc -= sign * size * price + fee
            contents["fills"].append(
                a.fill(
                    f"f{height}{ticker}", side, dec(size), str(price), height, ticker, dec(fee), orderId=name
                )
            )
            contents["perpetualPositions"].append(
                a.position(
                    ticker,
                    dec(abs(sizes[ticker])),
                    "SHORT" if sizes[ticker] < 0 else "LONG",
                    status="OPEN" if sizes[ticker] else "CLOSED",
                )
            )
            contents["orders"].append(
                a.order(
                    name, height, "FILLED" if height % 2 else "OPEN", ticker, totalFilled=dec(filled[name])
                )
                | {"updatedAtHeight": str(height), "clientId": str(height - height % 2)}
            )
        if contents["fills"]:
            contents["assetPositions"] = [a.asset(dec(abs(usdc)), "SHORT" if usdc < 0 else "LONG")]
        frames.append(a.update(contents, height))
    return frames


def dec(value: Fraction) -> str:
    """A decimal with at most ten digits after the point."""
    text = f"{value.numerator * 10**10 // value.denominator:011d}"
    return f"{text[:-10]}.{text[-10:]}".rstrip("0").rstrip(".")


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_shuffled_repeated_and_late_news_ends_like_news_in_order(seed: int, chance: random.Random) -> None:
    frames = story(random.Random(seed), 14)
    straight, shuffled = Scene(), Scene()
    twin = Twin(0)
    for frame in frames:
        straight.say(frame)
        twin.message(json.loads(frame))
    rest = frames[1:] + chance.choices(frames[1:], k=5)
    chance.shuffle(rest)
    for frame in [frames[0], *rest]:
        shuffled.say(frame)
    one, other = straight.account, shuffled.account
    assert shuffled.sizes() == straight.sizes() and one.usdc == other.usdc and one.height == other.height
    assert {f.fill_id for f in one.recent} == {f.fill_id for f in other.recent}
    assert one.orders.orders == other.orders.orders
    for market in (BTC, ETH):
        assert one.profit.size(0, market) == other.profit.size(0, market)
        # how the profit splits depends on the order of the fills, what it comes to does not
        assert one.split(market=market).total == other.split(market=market).total
    assert one.profit.cash(0) == other.profit.cash(0) == one.usdc[0]
    for scene in (straight, shuffled):
        scene.now_ns += 10**11
        scene.say()
        assert scene.account.differences == []
    # and the plain twin agrees
    sizes = {t: int(s * 10 ** (10 if t[0] == "B" else 9)) for (_, t), s in twin.sizes.items() if s}
    assert straight.sizes() == sizes and one.usdc == {n: int(v * 10**6) for n, v in twin.usdc.items()}
    assert set(twin.fills) == {f.fill_id for f in one.recent}
    assert {o.order_id: o.status for o in one.orders.orders.values()} == {
        name: o["status"] for name, o in twin.orders.items()
    }


@given(st.integers(0, 10**6), st.integers(0, 13), st.integers(0, 13))
def test_a_snapshot_after_lost_news_heals_the_positions_and_shows_what_our_books_lack(
    seed: int, first: int, second: int
) -> None:
    frames = story(random.Random(seed), 14)
    lost = set(range(min(first, second) + 1, max(first, second) + 1))
    whole, holed = Scene(), Scene()
    for at, frame in enumerate(frames):
        whole.say(frame)
        if at not in lost:
            holed.say(frame)
    held = [
        a.position(t, dec(Fraction(abs(s), 10 ** (10 if t[0] == "B" else 9))), "SHORT" if s < 0 else "LONG")
        for t, s in whole.sizes().items()
    ]
    usdc = Fraction(whole.account.usdc[0], 10**6)
    snapshot = a.snapshot(dec(abs(usdc)), held, height=200, side="SHORT" if usdc < 0 else "LONG")
    holed.say(snapshot)
    assert holed.sizes() == whole.sizes() and holed.account.usdc == whole.account.usdc
    missing = [f for at in sorted(lost) for f in json.loads(frames[at])["contents"]["fills"]]
    holed.now_ns += 10**11
    holed.say()
    own = {m: holed.account.profit.size(0, m) for m in (BTC, ETH)}
    shown = {d.market: d.own for d in holed.account.differences if d.market >= 0}
    assert shown == {m: own[m] for m in (BTC, ETH) if own[m] != whole.account.profit.size(0, m)}
    body = {"fills": [f | {"market": f["ticker"]} for f in reversed(missing)]}
    holed.ask(a.rest("fills", json.dumps(body).encode()))
    assert holed.account.differences == []
    assert {f.fill_id for f in holed.account.recent} == {f.fill_id for f in whole.account.recent}


@pytest.mark.parametrize("seed", range(8))
def test_spoilt_messages_never_raise_and_refused_ones_leave_no_trace(seed: int) -> None:
    """Two accounts: one is shown everything, the other only what the first believed."""
    chance = random.Random(seed)
    one, other = Scene(), Scene()
    whole = {
        "subaccountNumber": 0,
        "assetPositions": {"USDC": a.asset("5")},
        "latestProcessedBlockHeight": "103",
    }
    parent = {"parentSubaccountNumber": 0, "childSubaccounts": [whole]}
    frames = [json.loads(frame) for frame in story(random.Random(seed), 10)]
    frames += [
        json.loads(frame)
        for frame in (
            a.update({"transfers": a.transfer(0, 128, "4.5", 104)}, child=128),
            a.update(
                [{"fills": [a.fill("c", "SELL", "0.001", "3000", 105, "ETH-USD")], "blockHeight": "105"}],
                child=256,
            ),
            a.subscribed({"subaccount": parent, "orders": [], "blockHeight": "103"}, parent=True),
            a.subscribed({}),
        )
    ]
    refused = believed = 0
    for _ in range(400):
        message = chance.choice(frames)
        data = m.text(message)
        if chance.random() < 0.6:
            spoilt = json.loads(data)
            spoil_tree(spoilt["contents"] if isinstance(spoilt["contents"], dict) else spoilt, chance)
            data = written(spoilt, chance)
        elif chance.random() < 0.5:
            data = mutated(json.loads(data), chance, m.text(chance.choice(frames)))
        if chance.random() < 0.15:
            endpoint = chance.choice(("orders", "fills", "subaccount"))
            body = {"subaccount": whole} if endpoint == "subaccount" else message.get("contents")
            if isinstance(body, dict) and endpoint == "orders":
                body = body.get("orders", [])
            text = mutated({"x": body}, chance, b"{}")
            record = REC_REST, a.rest(endpoint, text[text.find(b":") + 1 : -1])
        else:
            record = REC_FRAME, data
        before = one.counter("account_refused"), one.counter("rejected")
        one.put(record)
        if (one.counter("account_refused"), one.counter("rejected")) == before:
            other.now_ns = one.now_ns - 1_000_000_000
            other.put(record)
            believed += 1
        else:
            refused += 1
    assert one.account.family.save() == other.account.family.save()
    assert one.account.orders.save() == other.account.orders.save()
    assert refused > 50 < believed, (refused, believed)


def test_what_is_too_far_ahead_is_not_believed() -> None:
    scene = Scene()
    scene.say(a.snapshot(height=100))
    scene.account.ceiling = 130
    account = scene.say(a.update({"blockHeight": "131", "fills": [a.fill("f", "BUY", "0.1", "90000", 131)]}))
    assert (account.height, account.leap, account.trust, account.fills) == (100, 131, "doubtful", [])
    account = scene.ask(b"height 200 \n" + b'{"height":"500","time":"2026-01-01T00:00:00.000Z"}')
    assert (account.rest_height, account.leap) == (0, 500)
    assert [(one.endpoint, one.status, one.height) for one in account.queried] == [("height", 200, 0)]
    account.ceiling = 1 << 62
    account = scene.say(a.snapshot(height=600))
    assert (account.height, account.trust) == (600, "live")
