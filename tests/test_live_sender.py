"""The sender over real gRPC on loopback: what is signed, in which order, and what its answers come to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from dydx_v4_client.key_pair import KeyPair
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import SignDoc, Tx
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgCancelOrder, MsgPlaceOrder

from sniper.live_settings import LiveSettings, checked
from sniper.order_table import NOT_SENT
from sniper.trading import BUY, SELL, Cancel, Place
from sniper.venues.live_messages import Wanted
from sniper.venues.live_sender import NO_ANSWER, Sender
from tests.loopback import certificate
from tests.small_node import SmallNode

MNEMONIC = "abandon " * 11 + "about"  # BIP-39's own first test vector
ADDRESS = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"


def place(client_id: int, **changes: Any) -> Place:
    made = Place(
        client_id, 0, "BTC-USD", BUY, 3, 90_000, "short_term", "ioc", False, 120, 0, "", 0, "entry", "test"
    )
    return made._replace(**changes)


def cancel(client_id: int, **changes: Any) -> Cancel:
    return Cancel(client_id, 0, "BTC-USD", "short_term", 120, 0, "test")._replace(**changes)


def wire(command: Place | Cancel) -> Wanted:
    return Wanted(command, 0, 1_000_000, 100_000)


class Answers:
    """Collects what the sender says."""

    def __init__(self) -> None:
        self.all: list[tuple[str, int, int, str]] = []
        self._more = threading.Condition()

    def __call__(self, verb: str, client_id: int, code: int, text: str) -> None:
        with self._more:
            self.all.append((verb, client_id, code, text))
            self._more.notify_all()

    def wait(self, count: int) -> list[tuple[str, int, int, str]]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.all) >= count, 20), self.all
            return self.all


@contextmanager
def sender(nodes: Sequence[str], answers: Answers, note: Any = None, **changes: Any) -> Iterator[Sender]:
    settings = LiveSettings(nodes=tuple(nodes), tls=False, address=ADDRESS, chain_id="localdydxprotocol")
    made = Sender(checked(settings._replace(**changes)), KeyPair.from_mnemonic(MNEMONIC), answers, note)
    made.start()
    try:
        yield made
    finally:
        assert made.stop(10)


def at(node: SmallNode) -> str:
    return f"127.0.0.1:{node.port}"


def message(tx: Tx, kind: Any) -> Any:
    found = kind()
    assert tx.body.messages[0].Unpack(found)
    return found


def test_an_order_arrives_in_whole_numbers_and_rightly_signed() -> None:
    answers = Answers()
    with SmallNode() as node, sender([at(node)], answers) as sending:
        sending.hand([wire(place(17))])
        (answer,) = answers.wait(1)
    assert answer[:3] == ("place", 17, 0)
    (tx,) = node.seen
    order = message(tx, MsgPlaceOrder).order
    assert (order.quantums, order.subticks) == (3_000_000, 9_000_000_000)
    assert order.side == Order.SIDE_BUY and order.time_in_force == Order.TIME_IN_FORCE_IOC
    assert (order.good_til_block, order.good_til_block_time) == (120, 0)
    assert order.order_id.subaccount_id.owner == ADDRESS and order.order_id.client_id == 17
    assert tx.body.timeout_height == 0
    verify(tx)


def verify(tx: Tx) -> None:
    """The signature, with a library that has nothing to do with the client."""
    signed = SignDoc(
        body_bytes=tx.body.SerializeToString(),
        auth_info_bytes=tx.auth_info.SerializeToString(),
        chain_id="localdydxprotocol",
        account_number=7,
    ).SerializeToString()
    key = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256K1(), KeyPair.from_mnemonic(MNEMONIC).public_key_bytes
    )
    r, s = (int.from_bytes(tx.signatures[0][half : half + 32], "big") for half in (0, 32))
    key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def test_a_stateful_order_says_the_last_block_that_may_take_it_and_nothing_else_does() -> None:
    answers, stateful = Answers(), {"kind": "long_term", "good_til_s": 1_800_000_000}
    with SmallNode() as node, sender([at(node)], answers) as sending:
        sending.hand([wire(place(1, good_til_block=150, **stateful)), wire(cancel(1, **stateful))])
        sending.hand([wire(place(2, good_til_block=0, **stateful)), wire(place(3))])
        answers.wait(4)
    bounds = {}
    for tx in node.seen:
        verify(tx)
        name = tx.body.messages[0].type_url
        order = message(tx, MsgPlaceOrder).order if name.endswith("MsgPlaceOrder") else None
        bounds[order.order_id.client_id if order else 0] = tx.body.timeout_height
        assert order is None or order.order_id.client_id == 3 or order.good_til_block == 0
    assert bounds == {0: 0, 1: 150, 2: 0, 3: 0}


def test_stateful_orders_go_one_by_one_with_a_sequence_of_ours() -> None:
    answers = Answers()
    flying = most = 0

    async def slow(tx: Tx, before: int) -> tuple[int, str, str]:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.02)
        flying -= 1
        return 0, "", ""

    stop = {
        "kind": "conditional",
        "trigger": "stop_loss",
        "trigger_ticks": 88_000,
        "good_til_s": 1_800_000_000,
    }
    with SmallNode(slow) as node, sender([at(node)], answers) as sending:
        sending.hand(
            [wire(place(i, good_til_block=0, side=SELL, reduce_only=True, **stop)) for i in range(3)]
        )
        answers.wait(3)
    assert most == 1
    assert [tx.auth_info.signer_infos[0].sequence for tx in node.seen] == [3, 4, 5]
    order = message(node.seen[0], MsgPlaceOrder).order
    assert order.order_id.order_flags == 32 and order.condition_type == Order.CONDITION_TYPE_STOP_LOSS
    assert order.conditional_order_trigger_subticks == 8_800_000_000
    assert (order.good_til_block, order.good_til_block_time) == (0, 1_800_000_000)
    assert [answer[3].split()[:2] for answer in answers.all] == [["sequence", str(n)] for n in (3, 4, 5)]


def test_a_wrong_sequence_is_taken_from_the_chain_and_tried_once_more() -> None:
    answers = Answers()

    async def mismatch(tx: Tx, before: int) -> tuple[int, str, str]:
        got = tx.auth_info.signer_infos[0].sequence
        if got == 9:
            return 0, "", ""
        return 32, "sdk", f"account sequence mismatch, expected 9, got {got}: incorrect account sequence"

    with SmallNode(mismatch) as node, sender([at(node)], answers) as sending:
        sending.hand([wire(place(5, kind="long_term", time_in_force="gtt", good_til_s=1_800_000_000))])
        (answer,) = answers.wait(1)
    assert answer[2] == 0
    assert [tx.auth_info.signer_infos[0].sequence for tx in node.seen] == [3, 9]


def test_a_node_that_lies_about_the_sequence_does_not_end_the_stateful_orders() -> None:
    answers = Answers()
    stop = {"kind": "conditional", "good_til_block": 0, "good_til_s": 2_000_000_000, "trigger": "stop_loss",
            "trigger_ticks": 80_000}  # fmt: skip
    with SmallNode(sequence=(1 << 64) - 1) as node, sender([at(node)], answers) as sending:
        for client_id in (1, 2):
            sending.hand([wire(place(client_id, **stop))])
        found = answers.wait(2)
        assert [answer[2] for answer in found] == [NOT_SENT, NOT_SENT] and "sequence" in found[0][3]
        node.sequence = 9
        sending.hand([wire(place(3, **stop))])
        assert answers.wait(3)[2][1:3] == (3, 0)


def test_after_a_lost_stateful_answer_the_chain_s_sequence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sniper.venues.live_sender.SEQUENCE_S", 0.05)
    answers, told = Answers(), threading.Event()
    sequences: list[int] = []
    heights: list[int] = []

    def hear(sequence: int, height: int) -> None:
        sequences.append(sequence)
        heights.append(height)
        if sequence > 3:
            told.set()

    async def hang(tx: Tx, before: int) -> tuple[int, str, str]:
        node.sequence, node.height = 4, 91  # as if the next block had it
        await asyncio.sleep(30)
        return 0, "", ""

    long_term = place(5, kind="long_term", time_in_force="gtt", good_til_block=0, good_til_s=1_800_000_000)
    with SmallNode(hang) as node:
        node.height = 90
        settings = LiveSettings(
            "localdydxprotocol", nodes=(at(node),), tls=False, address=ADDRESS, deadline_ms=100
        )
        sending = Sender(checked(settings), KeyPair.from_mnemonic(MNEMONIC), answers, None, hear)
        sending.start()
        sending.hand([wire(long_term)])
        (answer,) = answers.wait(1)
        assert told.wait(10) and sending.stop(10)
    assert answer[2] == NO_ANSWER and answer[3].startswith("sequence 3 ")
    assert sequences[0] == 3 and sequences[-1] == 4, "at the start and afterwards"
    assert heights[sequences.index(4)] == 91, "what the chain had come to by then"


def test_no_order_waits_for_the_height_of_a_slow_node() -> None:
    answers = Answers()
    with SmallNode() as node:
        node.blocks_s = 30.0
        settings = LiveSettings(
            "localdydxprotocol", nodes=(at(node),), tls=False, address=ADDRESS, deadline_ms=9000
        )
        sending = Sender(checked(settings), KeyPair.from_mnemonic(MNEMONIC), answers)
        sending.start()
        sending.hand([wire(place(1))])
        with answers._more:
            assert answers._more.wait_for(lambda: answers.all, 5)
        assert sending.stop(10)
    assert answers.all[0][:3] == ("place", 1, 0)


@pytest.mark.parametrize("code", [-1, 19])
def test_after_an_answer_that_proves_nothing_the_next_sequence_is_the_chain_s(code: int) -> None:
    """The same bytes would be refused for ever (19), whatever became of them."""
    answers = Answers()

    async def doubtful(tx: Tx, before: int) -> tuple[int, str, str]:
        if before == 0:
            node.sequence = 8  # others of ours had got there
            if code < 0:
                await asyncio.sleep(30)
            return code, "sdk", ""
        return 0, "", ""

    stop = cancel(5, kind="conditional", good_til_block=0, good_til_s=1_800_000_000)
    with SmallNode(doubtful) as node:
        with sender([at(node)], answers, deadline_ms=1000) as sending:
            sending.hand([wire(stop)])
            answers.wait(1)
            sending.hand([wire(stop)])
            found = answers.wait(2)
        assert [tx.auth_info.signer_infos[0].sequence for tx in node.seen] == [3, 8]
    assert [answer[2] for answer in found] == [code, 0]


def test_cancels_of_one_tick_go_in_one_message_and_are_good_for_all() -> None:
    answers = Answers()
    with SmallNode() as node, sender([at(node)], answers) as sending:
        sending.hand([wire(cancel(n, good_til_block=100 + n)) for n in range(4)])
        answers.wait(4)
        sending.hand([wire(cancel(9)), wire(cancel(10))])
        answers.wait(6)
    batch = message(node.seen[0], MsgBatchCancel)
    assert list(batch.short_term_cancels[0].client_ids) == [0, 1, 2, 3] and batch.good_til_block == 103
    assert {message(tx, MsgCancelOrder).order_id.client_id for tx in node.seen[1:]} == {9, 10}


def test_refusals_are_told_as_they_are() -> None:
    answers = Answers()

    async def refuse(tx: Tx, before: int) -> tuple[int, str, str]:
        return 2003, "clob", "Post-only order would cross one or more maker orders\nat height 7"

    with SmallNode(refuse) as node, sender([at(node)], answers) as sending:
        sending.hand([wire(place(1))])
        (answer,) = answers.wait(1)
    assert answer == (
        "place",
        1,
        2003,
        "clob Post-only order would cross one or more maker orders at height 7",
    )


def test_no_answer_is_said_so_and_nothing_blocks() -> None:
    answers = Answers()

    async def hang(tx: Tx, before: int) -> tuple[int, str, str]:
        await asyncio.sleep(0.0 if before else 30)
        return 0, "", ""

    with SmallNode(hang) as node, sender([at(node)], answers, deadline_ms=2000) as sending:
        began = time.monotonic()
        sending.hand([wire(place(1))])
        sending.hand([wire(place(2))])
        assert time.monotonic() - began < 1.9
        found = answers.wait(2)
    assert {(answer[1], answer[2]) for answer in found} == {(1, NO_ANSWER), (2, 0)}
    assert found[0][1] == 2  # did not wait for the one that hangs


def test_a_second_node_takes_the_same_bytes_and_only_acceptance_counts() -> None:
    answers = Answers()

    async def gone(tx: Tx, before: int) -> tuple[int, str, str]:
        await asyncio.sleep(30)
        return 0, "", ""

    async def seen(tx: Tx, before: int) -> tuple[int, str, str]:
        return (0, "", "") if before == 0 else (19, "sdk", "tx already in mempool")

    with SmallNode(gone) as one, SmallNode(seen) as two:
        with sender([at(one), at(two)], answers, deadline_ms=2000) as sending:
            sending.hand([wire(place(1))])
            answers.wait(1)
            # The first is rested now: the second is asked at once, and its word is the only one.
            sending.hand([wire(place(2))])
            found = answers.wait(2)
        assert one.seen[0].SerializeToString() == two.seen[0].SerializeToString()
        assert len(one.seen) == 1
    assert [answer[1:3] for answer in found] == [(1, 0), (2, 19)]


def test_an_error_after_a_lost_answer_proves_nothing() -> None:
    answers = Answers()

    async def hang(tx: Tx, before: int) -> tuple[int, str, str]:
        await asyncio.sleep(30)
        return 0, "", ""

    async def late(tx: Tx, before: int) -> tuple[int, str, str]:
        return 10, "clob", "next height is above good til block"

    with (
        SmallNode(hang) as one,
        SmallNode(late) as two,
        sender([at(one), at(two)], answers, deadline_ms=1000) as sending,
    ):
        sending.hand([wire(place(1))])
        (answer,) = answers.wait(1)
    assert answer[2] == NO_ANSWER


def test_intents_are_durable_before_the_wire_or_new_risk_stays_here() -> None:
    answers, noted = Answers(), []

    def note(some: Sequence[Wanted]) -> None:
        noted.append([one.command.client_id for one in some])
        if some[0].command.client_id == 2:
            raise OSError(28, "No space left on device")

    async def look(tx: Tx, before: int) -> tuple[int, str, str]:
        if before < 2:
            assert message(tx, MsgPlaceOrder).order.order_id.client_id in noted[-1]
        return 0, "", ""

    with SmallNode(look) as node, sender([at(node)], answers, note) as sending:
        sending.hand([wire(place(1))])
        answers.wait(1)
        sending.hand([wire(place(2)), wire(place(3, purpose="reduce", reduce_only=True))])
        found = list(answers.wait(3))
        sending.hand([wire(cancel(3))])
        answers.wait(4)
    assert {(answer[1], answer[2]) for answer in found} == {(1, 0), (2, NOT_SENT), (3, 0)}
    assert noted == [[1], [2, 3]]  # a cancel is no intent
    assert len(node.seen) == 3


def test_a_disk_that_hangs_stops_new_risk_only() -> None:
    answers, release = Answers(), threading.Event()

    def stuck(some: Sequence[Wanted]) -> None:
        release.wait(20)

    with SmallNode() as node, sender([at(node)], answers, stuck, intent_ms=50) as sending:
        sending.hand([wire(place(1)), wire(place(2, purpose="flatten", reduce_only=True))])
        found = answers.wait(2)
        release.set()
    assert {(answer[1], answer[2]) for answer in found} == {(1, NOT_SENT), (2, 0)}
    assert len(node.seen) == 1


def test_a_trade_only_key_names_its_authenticators() -> None:
    answers = Answers()
    with SmallNode() as node, sender([at(node)], answers, authenticators=(4, 9)) as sending:
        sending.hand([wire(place(1))])
        answers.wait(1)
    from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension

    extension = TxExtension()
    assert node.seen[0].body.non_critical_extension_options[0].Unpack(extension)
    assert list(extension.selected_authenticators) == [4, 9]


def test_without_a_node_nothing_is_sent_and_it_is_said() -> None:
    answers = Answers()
    with sender(["127.0.0.1:1"], answers, deadline_ms=200) as sending:
        sending.hand([wire(place(1))])
        (answer,) = answers.wait(1)
    assert answer[2] == NOT_SENT and "account is not known" in answer[3]


def test_too_many_waiting_commands_are_refused_here() -> None:
    answers = Answers()

    async def hang(tx: Tx, before: int) -> tuple[int, str, str]:
        await asyncio.sleep(0.2)
        return 0, "", ""

    with SmallNode(hang) as node, sender([at(node)], answers, jobs_max=16) as sending:
        sending.hand([wire(place(n)) for n in range(17)])
        assert {answer[2] for answer in answers.wait(17)} == {NOT_SENT}
    sending.hand([wire(place(99))])
    assert answers.all[-1][1:3] == (99, NOT_SENT)


@pytest.mark.parametrize("trusted", [False, True])
def test_only_a_trusted_certificate_is_believed(trusted: bool, tmp_path: Path) -> None:
    """A node that cannot prove who it is learns nothing from us."""
    answers = Answers()
    files = certificate(tmp_path)
    with (
        SmallNode(certificate=files) as node,
        sender(
            [f"localhost:{node.port}"],
            answers,
            tls=True,
            deadline_ms=2000,
            ca_file=str(files[0]) if trusted else "",
        ) as sending,
    ):
        sending.hand([wire(place(1))])
        (answer,) = answers.wait(1)
    assert answer[2] == (0 if trusted else NOT_SENT)
    assert (len(node.seen), node.accounts > 0) == ((1, True) if trusted else (0, False))


def test_words_of_the_node_are_told_by_the_sender_s_thread() -> None:
    said = threading.Event()
    found: list[bytes] = []

    def hear(word: bytes) -> None:
        found.append(word)
        said.set()

    with SmallNode() as node:
        settings = LiveSettings("localdydxprotocol", nodes=(at(node),), tls=False, address=ADDRESS)
        sending = Sender(checked(settings), KeyPair.from_mnemonic(MNEMONIC), Answers(), say_word=hear)
        sending.start()
        assert said.wait(10) and sending.nodes is not None
        assert sending.nodes.all[0].in_a_row == 0, "what is not served is no failure of the node"
        assert sending.stop(10)
    assert found == [b"limits [null,null,null,null,null]"]
