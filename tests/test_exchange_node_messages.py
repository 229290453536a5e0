"""Messages as facts and back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.clob.tx_pb2 import MsgBatchCancel, MsgPlaceOrder

from sniper.exchange.facts import ChainOrder, OrderId, SubaccountId
from sniper.exchange.node import messages
from tests.wallets import a_cancel, a_transfer, address, an_order

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)


@st.composite
def orders(draw: st.DrawFn) -> ChainOrder:
    block = draw(st.booleans())
    return ChainOrder(
        OrderId(SubaccountId(address(0), draw(U32)), draw(U32), draw(U32), draw(U32)),
        draw(st.sampled_from((0, 1, 2))),
        draw(U64),
        draw(U64),
        draw(st.integers(1, 2**32 - 1)) if block else 0,
        0 if block else draw(U32),
        draw(st.integers(0, 3)),
        draw(st.booleans()),
        draw(U32),
        draw(st.integers(0, 2)),
        draw(U64),
        draw(st.sampled_from(("", address(1)))),
        draw(U32),
    )


@given(orders())
def test_an_order_goes_there_and_back(order: ChainOrder) -> None:
    message = messages.order_message(order)
    assert messages.order_of(Order.FromString(message.SerializeToString())) == order


def test_every_kind_names_its_signer_and_its_class() -> None:
    for url, kind in messages.KINDS.items():
        assert "/" + kind.message().DESCRIPTOR.full_name == url
        assert kind.signer(kind.message()) == ""
    owner = address(0)
    for url, message in (
        (messages.PLACE, an_order(owner)),
        (messages.CANCEL, a_cancel(owner)),
        (messages.TRANSFER, a_transfer(owner)),
    ):
        assert messages.KINDS[url].signer(message) == owner


def test_which_are_short_term() -> None:
    owner = address(0)

    def short(url: str, message: Any) -> bool:
        return messages.is_short_term(url, message)

    assert short(messages.PLACE, an_order(owner))
    assert not short(messages.PLACE, an_order(owner, flags=64))
    assert not short(messages.PLACE, an_order(owner, flags=32))
    assert short(messages.CANCEL, a_cancel(owner))
    assert not short(messages.CANCEL, a_cancel(owner, 64))
    assert short(messages.BATCH_CANCEL, MsgBatchCancel())
    assert not short(messages.TRANSFER, a_transfer(owner))


def test_unknown_fields_are_found_at_any_depth() -> None:
    known = an_order(address(0))
    assert not messages.has_unknown(known)
    outer = MsgPlaceOrder.FromString(known.SerializeToString() + b"\xa0\x06\x01")
    assert messages.has_unknown(outer)
    inner = an_order(address(0))
    inner.order.MergeFromString(b"\x6a\x02\x08\x01")  # field 13: twap_parameters, unknown to this version
    assert messages.has_unknown(MsgPlaceOrder.FromString(inner.SerializeToString()))
