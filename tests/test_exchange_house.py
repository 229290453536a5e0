"""The whole exchange in virtual time: orders, faults, schedules, and that of the same comes the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dydx_v4_client.node.authenticators import Authenticator, AuthenticatorType
from dydx_v4_client.node.message import add_authenticator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniper.errors import UsageError
from sniper.exchange.facts import LONG_TERM
from sniper.exchange.house import House, HouseSettings
from sniper.exchange.scenario import Event, Scenario, generated
from sniper.exchange.terms import ACTIVE, FINAL_SETTLEMENT
from tests.houses import (
    ME,
    SMALL,
    SUB,
    S,
    account_number,
    asked,
    blocks,
    held,
    house,
    order,
    run,
    send,
    tx,
    wrong,
)
from tests.wallets import a_cancel, a_transfer, address, an_order, options, pair, signed, wallet

FILLS = ("/v4/fills", f"address={ME}&subaccountNumber=0")


def fills(one: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(one, *FILLS)["fills"]
    return found


def scenario(*events: tuple[float, float, str, dict[str, Any]]) -> Scenario:
    return Scenario(
        "",
        1,
        "",
        tuple(Event(round(at * S), -1, round(for_s * S), name, given) for at, for_s, name, given in events),
    )


def subscribe(one: House, *wishes: str, connection: int = 1) -> None:
    one.connect(connection)
    for wish in wishes:
        channel, _, name = wish.partition(" ")
        message = {"type": "subscribe", "channel": channel, **({"id": name} if name else {})}
        one.receive(connection, json.dumps(message).encode())


def played(seed: int, plan: Scenario) -> tuple[list[Any], str]:
    """Everything that happens in some seconds with a client that trades."""
    one = house(plan, seed=seed)
    subscribe(one, "v4_orderbook BTC-USD", "v4_trades BTC-USD", f"v4_subaccounts {ME}/0", "v4_block_height")
    told: list[Any] = []
    for number in range(6):
        told.append(send(one, order(one, buy=number % 2 == 0, client_id=number)))
        told.extend(run(one, 1.0))
        told.append(one.rest(*FILLS))
        assert not wrong(one)
    return told, one.chain.digest()


def test_of_the_same_comes_the_same() -> None:
    plan = scenario(
        (0.5, 2.0, "answer_lost", {"share": 0.5}),
        (1.0, 3.0, "gap", {"share": 0.1}),
        (2.0, 2.0, "reorder", {"share": 0.2}),
    )
    first = played(5, plan)
    assert first == played(5, plan)
    assert first[1] != played(6, plan)[1]


def test_in_any_process_the_same() -> None:
    """Whatever Python's hashes are: no set or hash decides anything."""
    root = Path(__file__).parent.parent
    said = {
        subprocess.run(
            [sys.executable, "-m", "tests.house_digest", "11"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "7")
    }
    assert len(said) == 1 and len(said.pop()) == 33


def test_a_trade_is_known_with_the_next_block() -> None:
    one = house()
    before, height = held(one), one.chain.height
    reply = send(one, order(one))
    assert (reply.kind, reply.outcome.code) == ("pass", 0)
    assert reply.at_ns > one.now_ns
    assert not fills(one) and held(one) == before
    blocks(one, 1)
    (fill,) = fills(one)
    assert (fill["size"], fill["side"], fill["liquidity"]) == ("0.001", "BUY", "TAKER")
    assert int(fill["createdAtHeight"]) == height + 1
    assert held(one) == before + 10_000_000
    assert not wrong(one)


def test_blocks_come_about_every_two_thirds_of_a_second() -> None:
    one = house(quiet=True)
    run(one, 200.0, 1.0)
    assert 270 < one.blocks < 340
    assert asked(one, "/v4/height")["height"] == str(one.chain.height)


def test_time_gone_by_changes_nothing() -> None:
    one = house(quiet=True)
    run(one, 3.0)
    before = one.chain.digest()
    one.advance(one.now_ns - S)
    one.advance(one.now_ns)
    assert one.chain.digest() == before


@pytest.mark.parametrize(
    ("fault", "kind", "placed"),
    [
        ("unavailable", "unavailable", False),
        ("hang", "hang", False),
        ("answer_lost", "unavailable", True),
        ("answer_hangs", "hang", True),
        ("answer_late", "pass", True),
    ],
)
def test_what_calls_suffer_and_what_became_of_them(fault: str, kind: str, placed: bool) -> None:
    one = house()
    one.strike(fault, {}, S)
    reply = send(one, order(one))
    assert reply.kind == kind
    assert (reply.at_ns - one.now_ns > S) == (fault in ("hang", "answer_hangs", "answer_late"))
    assert (reply.hash == "") == (kind != "pass")
    blocks(one, 1)
    assert bool(fills(one)) == placed
    run(one, 1.0)
    assert send(one, order(one, client_id=8)).kind == "pass", "its time is over"


def test_the_same_bytes_after_a_lost_answer_do_not_trade_twice() -> None:
    one = house()
    one.strike("answer_lost", {}, S)
    data = tx(one, order(one), fee=0)
    assert one.send(data).kind == "unavailable"
    run(one, 1.1)
    assert one.send(data).outcome.code == 19
    assert len(fills(one)) == 1


def test_a_halt_and_what_comes_after_it() -> None:
    one = house()
    height = one.chain.height
    trouble = one.strike("chain_halt", {})
    assert trouble is not None
    run(one, 10.0)
    assert one.chain.height == height
    assert send(one, order(one)).outcome.code == 0, "the node still takes orders"
    assert one.stop(trouble.number) and not one.stop(trouble.number)
    run(one, 1.0)
    assert one.chain.height > height
    assert fills(one)


def test_a_height_jump_ends_short_term_orders() -> None:
    one = house()
    resting = order(one, quantums=1_000_000, subticks=1_000_000_000, time_in_force=0, blocks_on=20)
    assert send(one, resting).outcome.code == 0
    height = one.chain.height
    assert one.strike("height_jump", {"blocks": 30}) is None
    assert one.chain.height == height + 30
    assert not one.chain.core.markets[0].book.orders.keys() & {
        identity for identity in one.chain.core.markets[0].book.orders if identity.subaccount == SUB
    }


def test_an_oracle_price_that_jumps_comes_back() -> None:
    one = house()

    def price() -> float:
        return float(asked(one, "/v4/perpetualMarkets")["markets"]["BTC-USD"]["oraclePrice"])

    before = price()
    one.strike("oracle_jump", {"ppm": -200_000}, 3 * S)
    blocks(one, 2)
    assert 0.78 < price() / before < 0.82
    run(one, 3.0)
    blocks(one, 2)
    assert 0.98 < price() / before < 1.02


def test_a_market_is_delisted_for_good() -> None:
    one = house()
    assert one.strike("delisting", {"market": "BTC-USD"}) is None
    blocks(one, 1)
    assert one.chain.markets()[0].status == FINAL_SETTLEMENT
    assert send(one, order(one)).outcome.code == 34
    run(one, 2.0)


def test_margin_requirements_change_and_change_back() -> None:
    one = house()
    before = one.chain.markets()[0]
    one.strike("margin_change", {"initial_ppm": 500_000, "maintenance_fraction_ppm": 900_000}, 2 * S)
    blocks(one, 1)
    changed = one.chain.markets()[0]
    assert (changed.initial_margin_ppm, changed.maintenance_fraction_ppm) == (500_000, 900_000)
    run(one, 3.0)
    assert one.chain.markets()[0] == before and before.status == ACTIVE


def test_the_canary_tells_a_fill_twice() -> None:
    one = house()
    subscribe(one, f"v4_subaccounts {ME}/0")
    run(one, 1.0)
    one.strike("double_fill", {})
    send(one, order(one))
    told = [json.loads(text)["contents"] for _, text, _, _ in run(one, 2.0) if text and b'"fills"' in text]
    ids = [fill["id"] for contents in told for fill in contents["fills"]]
    assert len(ids) == len({*ids}) == 2
    assert held(one) == 10_000_000, "there was one fill only"


def test_connections_break_close_and_fall_silent() -> None:
    one = house()
    subscribe(one, "v4_orderbook BTC-USD", "v4_block_height")
    assert len(run(one, 2.0)) > 20
    one.strike("silence", {}, 2 * S)
    assert not run(one, 1.9)
    assert run(one, 0.5)
    one.strike("disconnect", {})
    assert [(text, code) for _, text, code, _ in one.outgoing()][-1] == (None, 1006)
    one.connect(2)
    one.strike("restart", {})
    assert [(text, code) for _, text, code, _ in one.outgoing()][-1] == (None, 1012)


def test_a_schedule_by_time_and_by_blocks() -> None:
    plan = Scenario(
        "x",
        1,
        "",
        (
            Event(2 * S, -1, S, "unavailable", {}),
            Event(0, 3, 0, "height_jump", {"blocks": 100}),
            Event(0, -1, S, "hang", {"wait_s": 5.0}),
        ),
    )
    one = house(plan)
    assert one.events_left == 3
    one.advance(one.now_ns + 1)
    assert send(one, order(one)).kind == "hang"
    run(one, 2.1)
    assert one.blocks >= 100
    assert send(one, order(one, client_id=8)).kind == "unavailable"
    run(one, 1.0)
    assert one.events_left == 0 and not one.troubles.on


def test_events_that_end_blocks_begin_each_other() -> None:
    plan = Scenario("", 1, "", tuple(Event(0, 2, 0, "height_jump", {"blocks": 3}) for _ in range(3)))
    one = house(plan, quiet=True)
    height = one.chain.height
    run(one, 2.5)
    assert one.events_left == 0
    assert one.chain.height >= height + 2 + 9


def test_a_schedule_that_names_another_market_is_refused() -> None:
    plan = scenario((1.0, 0, "delisting", {"market": "XYZ-USD"}))
    with pytest.raises(
        UsageError, match=r"event 1 \(delisting\): there is no market 'XYZ-USD': one of BTC-USD"
    ):
        house(plan)
    one = house(quiet=True)
    with pytest.raises(ValueError, match="there is no market 'ETH-USD'"):
        one.strike("oracle_jump", {"market": "ETH-USD"})
    with pytest.raises(ValueError, match="happens once"):
        one.strike("restart", {}, S)
    assert not one.troubles.on


def test_the_faucet() -> None:
    one = house(quiet=True)
    you = address(2)
    assert one.fund(you, 7, 5_000_000).code == 0
    assert one.grant(you, 3_000_000).code == 0
    blocks(one, 1)
    purse = one.chain.purse(SUB._replace(owner=you, number=7))
    assert purse is not None and purse.usdc == 5_000_000
    assert one.chain.bank(you) == SMALL.wallet_quote + 3_000_000
    assert not wrong(one)
    for refused in (
        lambda: one.fund("dydx1nobody", 0, 1),
        lambda: one.fund(you, 128_001, 1),
        lambda: one.grant(you, 0),
        lambda: one.grant(you, 10**15 + 1),
    ):
        with pytest.raises(ValueError):
            refused()


def test_everybody_has_their_money_at_the_start() -> None:
    one = House(HouseSettings(markets=2, warm_up_ns=S))
    for number in range(4):
        purse = one.chain.purse(SUB._replace(owner=address(number)))
        assert purse is not None and purse.usdc == one.settings.subaccount_quote
        assert one.chain.bank(address(number)) == one.settings.wallet_quote
    markets = asked(one, "/v4/perpetualMarkets")["markets"]
    assert list(markets) == ["BTC-USD", "ETH-USD"]
    book = asked(one, "/v4/orderbooks/perpetualMarket/BTC-USD")
    assert len(book["bids"]) >= 20 and len(book["asks"]) >= 20


def test_a_trade_only_key_from_registration_to_refusal() -> None:
    one = house(quiet=True)
    key = pair(3).public_key_bytes
    tree = Authenticator.compose(
        AuthenticatorType.AllOf,
        [
            Authenticator.signature_verification(key),
            Authenticator.message_filter("/dydxprotocol.clob.MsgPlaceOrder"),
            Authenticator.clob_pair_id_filter([0]),
            Authenticator.subaccount_filter([0]),
        ],
    )
    assert send(one, add_authenticator(ME, tree.type, tree.config), fee=25_000).outcome.code == 0
    blocks(one, 1)
    (kept,) = one.node.authenticators_of(ME)
    account = one.chain.account(ME)
    assert account is not None and account.sequence == 1
    stranger, owner = wallet(3), wallet(0, account_number(one), account.sequence)

    def by_key(message: Any, fee: int = 0) -> int:
        return one.send(signed(stranger, message, fee=fee, tx_options=options(owner, kept.id))).outcome.code

    assert by_key(order(one)) == 0
    assert by_key(order(one, subaccount=1)) == 104
    assert by_key(a_transfer(ME), 25_000) == 104
    assert (
        by_key(order(one, client_id=8, flags=LONG_TERM, time_in_force=0, good_til_block_time=1_767_300_000))
        == 0
    )
    blocks(one, 2)
    account = one.chain.account(ME)
    assert account is not None and account.sequence == 2


def test_what_is_simulated_or_refused_in_part_leaves_no_trace() -> None:
    one = house(quiet=True)
    one.chain.touch(one.now_ns)
    before = one.chain.digest()
    assert one.simulate(tx(one, a_transfer(ME, amount=7)))[0].code == 0
    assert one.simulate(tx(one, a_transfer(ME, amount=10**15)))[0].code == 102
    assert one.chain.digest() == before
    resting = order(one, flags=LONG_TERM, time_in_force=0, good_til_block_time=1_767_300_000)
    wrong_one = order(
        one, client_id=8, quantums=1, flags=LONG_TERM, time_in_force=0, good_til_block_time=1_767_300_000
    )
    assert one.send(tx(one, a_transfer(ME, amount=7), resting, wrong_one, fee=0)).outcome.code == 4
    assert one.chain.digest() == before
    blocks(one, 1)  # two attempts a block
    assert one.send(tx(one, a_transfer(ME, amount=7), resting, fee=0)).outcome.code == 0
    blocks(one, 1)
    purse = one.chain.purse(SUB._replace(number=1))
    assert purse is not None and purse.usdc == 7
    assert len(one.chain.core.stateful) == 1


@pytest.mark.parametrize("seed", range(6))
def test_drawn_schedules_leave_the_books_in_order(seed: int) -> None:
    """Whatever is drawn: no exception, money conserved, and the position is what the chain's fills say."""
    one = house(generated(seed, 12.0, ["BTC-USD"]), seed=seed)
    subscribe(one, "v4_orderbook BTC-USD", f"v4_subaccounts {ME}/0")
    for number in range(14):
        send(one, order(one, buy=number % 3 != 0, client_id=number))
        if not run(one, 1.0):
            subscribe(one, "v4_orderbook BTC-USD", f"v4_subaccounts {ME}/0", connection=number + 2)
    for trouble in one.troubles.on:
        one.stop(trouble.number)
    run(one, 4.0)
    assert not wrong(one)
    signed_sizes = [
        round(float(fill["size"]) * 10**10) * (1 if fill["side"] == "BUY" else -1) for fill in fills(one)
    ]
    if one.chain.markets()[0].status == ACTIVE:
        assert sum(signed_sizes) == held(one)


NUMBERS = st.one_of(
    st.integers(0, 3), st.sampled_from((10**6, 10**8, 9_000_000_000, 2**32 - 1, 2**63, 2**64 - 1))
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_signed_gets_an_answer(data: st.DataObject, calm: House) -> None:
    """Orders, cancels and transfers with any numbers in them, signed as they should be: a code, never an exception."""
    one = calm
    number = data.draw(st.integers(0, 2**32 - 1))
    small = st.sampled_from((0, 1, 7, 2**31, 2**32 - 1))
    until = st.one_of(st.integers(0, 60).map(lambda n: one.chain.height - 5 + n), small)
    kind = data.draw(st.sampled_from(("place", "cancel", "transfer")))
    flags = data.draw(st.sampled_from((0, 32, 64, 128, 256, 3)))
    if kind == "transfer":
        message = a_transfer(ME, data.draw(NUMBERS), data.draw(st.integers(0, 130_000)), data.draw(small))
    elif kind == "cancel":
        message = a_cancel(
            ME, flags, data.draw(small), data.draw(st.integers(0, 130_000)), good_til_block=data.draw(until)
        )
    else:
        expiry = data.draw(st.sampled_from(("good_til_block", "good_til_block_time")))
        message = an_order(
            ME,
            client_id=number,
            flags=flags,
            pair=data.draw(st.sampled_from((0, 0, 1, 2**32 - 1))),
            subaccount=data.draw(st.sampled_from((0, 0, 1, 128_000, 128_001))),
            side=data.draw(st.sampled_from((0, 1, 2, 5))),
            quantums=data.draw(NUMBERS),
            subticks=data.draw(NUMBERS),
            time_in_force=data.draw(st.sampled_from((0, 1, 2, 3, 9))),
            reduce_only=data.draw(st.booleans()),
            condition_type=data.draw(st.sampled_from((0, 1, 2, 7))),
            conditional_order_trigger_subticks=data.draw(NUMBERS),
            **{expiry: data.draw(until if expiry == "good_til_block" else small)},
        )
    reply = send(one, message, fee=25_000, memo=str(number))
    assert reply.kind == "pass"
    assert reply.outcome.code == 0 or reply.outcome.codespace
    run(one, 0.7)
    assert not wrong(one)


@pytest.fixture(scope="module")
def calm() -> House:
    return house(quiet=True)
