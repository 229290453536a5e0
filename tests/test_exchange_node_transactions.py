"""The node's judgement of transactions that the official client built, code by code."""

from __future__ import annotations

from typing import Any

import pytest
from dydx_v4_client.node.message import batch_cancel, deposit, send_token, withdraw
from v4_proto.cosmos.distribution.v1beta1.tx_pb2 import MsgWithdrawDelegatorReward
from v4_proto.cosmos.gov.v1.tx_pb2 import MsgVote
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx, TxBody, TxRaw
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgCreateClobPair, OrderBatch
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.exchange.facts import LONG_TERM, Executed, Outcome
from sniper.exchange.facts import SubaccountId as Ours
from sniper.exchange.node import transactions
from sniper.exchange.node.fees import COLLECTOR, USDC
from sniper.exchange.node.transactions import CACHE_MAX, Node
from tests.chains import START_NS, AccountsChain
from tests.wallets import a_cancel, a_transfer, address, an_order, options, pair, signed, wallet

MS = START_NS // 1_000_000
ME = address(0)
LONG = {"flags": LONG_TERM, "good_til_block_time": 1_767_300_000}


class Setting:
    """A node on a chain with one account of a thousand USDC."""

    def __init__(self) -> None:
        self.chain = AccountsChain()
        self.account = self.chain.open(ME)
        self.node = Node(self.chain)

    def send(self, tx: bytes) -> Outcome:
        return self.node.broadcast(tx, START_NS)[0]

    def block(self) -> None:
        self.node.before_block(START_NS)
        self.chain.end_block(START_NS)
        self.node.after_block()


@pytest.fixture
def on() -> Setting:
    return Setting()


def mine(sequence: int = 0) -> Any:
    return wallet(0, 10, sequence)


def test_a_short_term_order_meets_the_book_whatever_its_sequence(on: Setting) -> None:
    for number, sequence in enumerate((0, 77, 12)):
        assert on.send(signed(mine(sequence), an_order(ME, client_id=number), fee=0)).code == 0
    placed = on.chain.done("place")
    assert [call[1].id.client_id for call in placed] == [0, 1, 2]
    assert placed[0][1].good_til_block == 110
    on.block()
    assert on.chain.account(ME) == on.account
    assert not on.node.records, "short-term orders leave no transaction"


def test_the_hash_is_that_of_the_bytes(on: Setting) -> None:
    import hashlib

    tx = signed(mine(), an_order(ME), fee=0)
    assert on.node.broadcast(tx, START_NS)[1] == hashlib.sha256(tx).hexdigest().upper()


def test_the_same_bytes_come_once(on: Setting) -> None:
    good, bad = signed(mine(), an_order(ME), fee=0), signed(mine(9), a_transfer(ME))
    assert on.send(good).code == 0
    assert on.send(bad).code == 32
    for tx in (good, bad):
        assert on.send(tx) == Outcome(19, "sdk", "")
    assert len(on.chain.done("place")) == 1


def test_the_mempool_forgets_the_oldest(on: Setting) -> None:
    for number in range(CACHE_MAX + 1):
        on.send(number.to_bytes(4, "big"))
    assert len(on.node.cache) == CACHE_MAX
    assert on.send((0).to_bytes(4, "big")).code == 2, "forgotten, so looked at again"
    assert on.send((CACHE_MAX).to_bytes(4, "big")).code == 19


@pytest.mark.parametrize("short", [True, False])
def test_a_wrong_chain_id_account_number_or_tampered_body_is_unauthorized(on: Setting, short: bool) -> None:
    order = an_order(ME, **({} if short else LONG))
    tampered = TxRaw.FromString(signed(mine(), order, fee=0))
    body = TxBody.FromString(tampered.body_bytes)
    body.memo = "Client Exampl3"
    tampered.body_bytes = body.SerializeToString()
    for tx in (
        signed(mine(), order, fee=0, chain_id="dydx-mainnet-1"),
        signed(wallet(0, 11), order, fee=0),
        tampered.SerializeToString(),
    ):
        outcome = on.send(tx)
        assert (outcome.codespace, outcome.code) == ("sdk", 4)
        assert outcome.text == (
            "signature verification failed; please verify account number (10) and chain-id (localdydxprotocol): "
            "(unable to verify single signer signature): unauthorized"
        )
    assert not on.chain.done("place")


def test_another_key_is_refused_however_it_is_given(on: Setting) -> None:
    stranger = on.send(signed(wallet(1, 10), an_order(ME), fee=0))
    assert (stranger.codespace, stranger.code) == ("sdk", 8)
    assert stranger.text.endswith(
        f"pubKey does not match signer address {ME} with signer index: 0: invalid pubkey"
    )
    # The right key is named, another signed.
    forged = Tx.FromString(signed(mine(), an_order(ME), fee=0))
    other = Tx.FromString(signed(wallet(1, 10), an_order(ME), fee=0))
    forged.signatures[0] = other.signatures[0]
    assert on.send(forged.SerializeToString()).code == 4


def test_a_signature_with_a_high_s_is_no_signature(on: Setting) -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    tx = Tx.FromString(signed(mine(), an_order(ME), fee=0))
    first = tx.signatures[0]
    tx.signatures[0] = first[:32] + (order - int.from_bytes(first[32:], "big")).to_bytes(32, "big")
    assert on.send(tx.SerializeToString()).code == 4
    tx.signatures[0] = first
    assert on.send(tx.SerializeToString()).code == 0


def test_a_key_known_from_before_need_not_be_sent(on: Setting) -> None:
    def without_key() -> bytes:
        from dydx_v4_client.node.builder import get_signature

        tx = Tx.FromString(signed(mine(), an_order(ME), fee=0))
        tx.auth_info.signer_infos[0].ClearField("public_key")
        tx.signatures[0] = get_signature(pair(0), tx.body, tx.auth_info, 10, "localdydxprotocol")
        data: bytes = tx.SerializeToString()
        return data

    refused = on.send(without_key())
    assert (refused.code, refused.text) == (8, "pubkey on account is not set: invalid pubkey")
    on = Setting()
    on.chain.open(ME, key=pair(0).public_key_bytes)
    on.chain.accounts[ME] = on.chain.accounts[ME]._replace(number=10)
    assert on.send(without_key()).code == 0


def test_an_account_must_exist(on: Setting) -> None:
    outcome = on.send(signed(wallet(1), an_order(address(1)), fee=0))
    assert (outcome.code, outcome.text) == (9, f"account {address(1)} does not exist: unknown address")


def test_a_payer_must_exist(on: Setting) -> None:
    outcome = on.send(signed(wallet(1), a_transfer(address(1))))
    assert (outcome.code, outcome.text) == (
        9,
        f"fee payer address: {address(1)} does not exist: unknown address",
    )


def test_the_mempool_has_an_end(on: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "WAITING_MAX", 1)
    assert on.send(signed(mine(0), a_transfer(ME))).code == 0
    full = signed(mine(1), a_transfer(ME, amount=6))
    assert on.send(full) == Outcome(20, "sdk", "")
    assert on.send(full) == Outcome(20, "sdk", ""), "not remembered: it never came in"
    assert on.send(signed(mine(1), an_order(ME), fee=0)).code == 0, "short-term orders do not wait"


def test_stateful_sequences_count_up_within_a_block(on: Setting) -> None:
    assert on.send(signed(mine(0), an_order(ME, **LONG), fee=0)).code == 0
    again = on.send(signed(mine(0), an_order(ME, client_id=8, **LONG), fee=0))
    assert again == Outcome(
        32, "sdk", "account sequence mismatch, expected 1, got 0: incorrect account sequence"
    )
    assert on.send(signed(mine(1), an_order(ME, client_id=8, **LONG), fee=0)).code == 0
    account = on.chain.account(ME)
    assert account is not None and account.sequence == 0, "queries see the last block"
    on.block()
    account = on.chain.account(ME)
    assert account is not None and account.sequence == 2
    assert account.public_key == pair(0).public_key_bytes
    assert {record.outcome.code for record in on.node.records.values()} == {0}
    assert {record.height for record in on.node.records.values()} == {101}


def test_what_the_chain_refuses_uses_no_sequence(on: Setting) -> None:
    on.chain.answers["place"] = Outcome(3007, "clob", "stateful collateral check failed")
    assert on.send(signed(mine(0), an_order(ME, **LONG), fee=0)).code == 3007
    assert on.send(signed(mine(0), an_order(ME, client_id=8, **LONG), fee=0)).code == 0


def test_timestamp_nonces_need_no_order(on: Setting) -> None:
    for place, offset in enumerate((500, -500, 0)):
        tx = signed(mine(MS + offset), an_order(ME, client_id=place, **LONG), fee=0)
        on.node.limits.counts = {kind: {} for kind in on.node.limits.counts}
        assert on.send(tx).code == 0
    on.block()
    account = on.chain.account(ME)
    assert account is not None and account.sequence == 0
    refused = on.send(signed(mine(MS - 40_000), an_order(ME, client_id=9, **LONG), fee=0))
    assert (refused.code, refused.text) == (
        32,
        f"timestamp nonce {MS - 40_000} not within valid time window: incorrect account sequence",
    )


def test_money_moves_in_a_block_and_its_fate_can_be_asked(on: Setting) -> None:
    tx = signed(mine(0), a_transfer(ME))
    outcome, name = on.node.broadcast(tx, START_NS)
    assert outcome.code == 0
    assert not on.chain.done("transfer", "charge")
    on.chain.answers["transfer"] = Outcome(102, "subaccounts", "failed to apply subaccount updates")
    on.block()
    assert on.chain.done("transfer") == [("transfer", Ours(ME, 0), Ours(ME, 1), 5, name)]
    assert on.chain.done("charge") == [("charge", ME, 25_000, COLLECTOR)]
    record = on.node.records[name]
    assert record.outcome.text == (
        "failed to execute message; message index: 0: failed to apply subaccount updates"
    )
    assert (record.outcome.code, record.height, record.gas_wanted) == (102, 101, 1_000_000)
    account = on.chain.account(ME)
    assert account is not None and account.sequence == 1, (
        "a message that fails in a block has used its sequence"
    )


def test_what_only_the_block_refuses_is_told_too(on: Setting) -> None:
    first = on.node.broadcast(signed(mine(0), a_transfer(ME)), START_NS)[1]
    second = on.node.broadcast(signed(mine(1), a_transfer(ME, amount=6)), START_NS)[1]
    on.node.before_block(START_NS)
    on.chain.news.extend((Executed(first, Outcome(102, "subaccounts", "no")), Executed(second, Outcome(0))))
    on.chain.end_block(START_NS)
    on.node.after_block()
    assert on.node.records[first].outcome.text == "failed to execute message; message index: 0: no"
    assert on.node.records[second].outcome.code == 0


def test_every_way_of_moving_money(on: Setting) -> None:
    there = SubaccountId(owner=ME, number=3)
    messages = (
        deposit(ME, there, 0, 11),
        withdraw(there, address(1), 0, 12),
        send_token(ME, address(1), 13, USDC),
    )
    for sequence, message in enumerate(messages):
        assert on.send(signed(mine(sequence), message)).code == 0
    on.block()
    assert [call[:-1] for call in on.chain.done("deposit", "withdraw", "send")] == [
        ("deposit", ME, Ours(ME, 3), 11),
        ("withdraw", Ours(ME, 3), address(1), 12),
        ("send", ME, address(1), 13),
    ]


@pytest.mark.parametrize(
    ("fee", "gas", "code", "text"),
    [
        (
            24_999,
            1_000_000,
            13,
            f"insufficient fees; got: 24999{USDC} required: 25000{USDC}: insufficient fee",
        ),
        (0, 0, 41, "must provide positive gas: invalid gas limit"),
        (1_000, 40_000, 11, "out of gas in location: messages; gasWanted: 40000, gasUsed: 90000: out of gas"),
        (
            1_000_000_001,
            1_000_000,
            5,
            f"spendable balance 1000000000{USDC} is smaller than 1000000001{USDC}: insufficient funds",
        ),
    ],
)
def test_fees(on: Setting, fee: int, gas: int, code: int, text: str) -> None:
    outcome = on.send(signed(mine(), a_transfer(ME), fee=fee, gas=gas))
    assert (outcome.code, outcome.text) == (code, text)


def test_fees_of_waiting_transactions_are_reserved(on: Setting) -> None:
    on.chain.wallets[ME] = 40_000
    assert on.send(signed(mine(0), a_transfer(ME))).code == 0
    assert on.send(signed(mine(1), a_transfer(ME, amount=6))).code == 5
    on.block()
    assert on.chain.bank(ME) == 15_000
    assert on.chain.bank(COLLECTOR) == 25_000


def test_a_wallet_emptied_in_the_block_fails_what_follows(on: Setting) -> None:
    assert on.send(signed(mine(0), a_transfer(ME))).code == 0
    late, name = on.node.broadcast(signed(mine(1), a_transfer(ME, amount=6)), START_NS)
    assert late.code == 0
    third = on.node.broadcast(signed(mine(2), a_transfer(ME, amount=7)), START_NS)[1]
    charge, asked = on.chain.charge, []

    def second_fails(who: str, quote: int, collector: str) -> Outcome:
        asked.append(quote)
        return Outcome(5, "sdk", "insufficient funds") if len(asked) == 2 else charge(who, quote, collector)

    on.chain.charge = second_fails  # type: ignore[method-assign]
    on.block()
    assert on.node.records[name].outcome.code == 5
    assert on.node.records[third].outcome.text.startswith("account sequence mismatch, expected 1, got 2")
    assert len(on.chain.done("transfer")) == 1


def test_rate_limits_count_attempts_of_an_owner(on: Setting) -> None:
    on.chain.answers["place"] = Outcome(2003, "clob", "post-only would cross")
    codes = [
        on.send(signed(mine(sequence), an_order(ME, client_id=number, **LONG), fee=0)).code
        for number, sequence in enumerate((0, 0, 1))
    ]
    assert codes == [2003, 0, 5001], "the refused one counts"
    assert (
        on.send(signed(mine(1), a_cancel(ME, LONG_TERM, good_til_block_time=1_767_300_000), fee=0)).code == 0
    )
    on.block()
    assert on.send(signed(mine(2), an_order(ME, client_id=9, **LONG), fee=0)).code == 0


def test_a_batch_weighs_two(on: Setting) -> None:
    on.chain.terms = on.chain.terms._replace(short_term_per_blocks=((3, 2),))
    on.node = Node(on.chain)
    batch = batch_cancel(
        SubaccountId(owner=ME, number=0), [OrderBatch(clob_pair_id=0, client_ids=[1, 2])], 110
    )
    assert on.send(signed(mine(), batch, fee=0)).code == 0
    assert on.chain.done("batch_cancel")[0][1:4] == (Ours(ME, 0), ((0, (1, 2)),), 110)
    assert on.send(signed(mine(), a_cancel(ME), fee=0)).code == 0
    refused = on.send(signed(mine(), an_order(ME), fee=0))
    assert (refused.codespace, refused.code) == ("clob", 5001)
    assert refused.text == (
        "Rate of 4 exceeds configured block rate limit of {NumBlocks:2 Limit:3} for "
        f"MaxShortTermOrdersAndCancelsPerNBlocks and {ME}: Block rate limit exceeded"
    )
    on.block()
    assert on.send(signed(mine(), an_order(ME, client_id=1), fee=0)).code == 5001
    on.block()
    on.block()
    assert on.send(signed(mine(), an_order(ME, client_id=2), fee=0)).code == 0


def test_heights(on: Setting) -> None:
    def until(height: int, *messages: Any, **more: Any) -> bytes:
        from dydx_v4_client.node.builder import get_signature

        tx = Tx.FromString(signed(mine(), *messages, **more))
        tx.body.timeout_height = height
        tx.signatures[0] = get_signature(pair(0), tx.body, tx.auth_info, 10, "localdydxprotocol")
        data: bytes = tx.SerializeToString()
        return data

    early = on.send(until(109, an_order(ME), fee=0))
    assert (early.code, early.text.split(":")[-1]) == (18, " invalid request")
    assert on.send(until(110, an_order(ME), fee=0)).code == 0
    late = on.send(until(99, a_transfer(ME)))
    assert (late.code, late.text) == (30, "block height: 100, timeout height: 99: tx timeout height")
    assert on.send(until(100, a_transfer(ME))).code == 0


def test_a_short_term_message_stands_alone(on: Setting) -> None:
    for messages in (
        (an_order(ME), an_order(ME, client_id=8)),
        (an_order(ME, **LONG), an_order(ME, client_id=8)),
        (a_transfer(ME), a_cancel(ME)),
        (a_transfer(ME), a_transfer(ME, amount=6), an_order(ME, **LONG)),
        (deposit(ME, SubaccountId(owner=ME), 0, 5), an_order(ME, **LONG)),
    ):
        assert on.send(signed(mine(), *messages)).code == 18
    assert not on.chain.done()


def test_stateful_messages_of_one_transaction_all_happen_or_none(on: Setting) -> None:
    three = (a_transfer(ME), an_order(ME, **LONG), an_order(ME, client_id=8, **LONG))
    assert on.send(signed(mine(), *three, fee=0)).code == 0
    assert [call[0] for call in on.chain.done()] == ["transfer", "place", "place"]
    on.block()
    before = on.chain.done()
    on.chain.answers["place"] = Outcome(3005, "clob", "exists")
    on.chain.answers["transfer"] = Outcome(0)
    assert on.send(signed(mine(1), *three, fee=0, memo="again")).code == 3005
    assert on.chain.done() == before, "the transfer was taken back"


def test_what_is_not_executed_here_says_so(on: Setting) -> None:
    reward = MsgWithdrawDelegatorReward(delegator_address=ME, validator_address="v")
    for message, code in ((reward, 6), (MsgVote(voter=ME), 6), (MsgCreateClobPair(authority=ME), 2)):
        outcome = on.send(signed(mine(), message))
        assert (outcome.codespace, outcome.code) == ("sdk", code)


def test_a_long_memo_and_too_many_bytes(on: Setting) -> None:
    assert on.send(signed(mine(), a_transfer(ME), memo="x" * 257)).code == 12
    assert on.send(b"x" * ((1 << 20) + 1)) == Outcome(21, "sdk", "")


def test_simulation_looks_at_messages_and_sequence_and_leaves_nothing(on: Setting) -> None:
    tx = signed(mine(), a_transfer(ME), fee=0)
    before = on.chain.save()
    assert on.node.simulate(tx, START_NS) == (Outcome(0), 90_000)
    on.chain.answers["transfer"] = Outcome(102, "subaccounts", "failed to apply subaccount updates")
    outcome, _ = on.node.simulate(tx, START_NS)
    assert outcome.text.startswith("failed to execute message; message index: 0: failed to apply")
    assert on.node.simulate(signed(mine(4), a_transfer(ME)), START_NS)[0].code == 32
    assert on.node.simulate(signed(mine(), an_order(ME), fee=0), START_NS) == (Outcome(0), 0)
    on.chain.calls = [call for call in on.chain.calls if call[0] != "touch"]
    assert on.chain.save() == before
    assert not on.node.waiting


def test_authenticators_in_simulation_need_no_signature(on: Setting) -> None:
    on.node.authenticators.add(ME, "SignatureVerification", pair(1).public_key_bytes)
    assert (
        on.node.simulate(signed(wallet(2), a_transfer(ME), tx_options=options(mine(), 0)), START_NS)[0].code
        == 0
    )
    assert on.send(signed(wallet(2), a_transfer(ME), tx_options=options(mine(), 0))).code == 100
