"""Orders serialise as the protocol's own library does it."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from v4_proto.dydxprotocol.clob.order_pb2 import BuilderCodeParameters, Order
from v4_proto.dydxprotocol.clob.order_pb2 import OrderId as ProtoOrderId
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId as ProtoSubaccountId

from sniper.exchange.chain.order_hash import order_hash, serialised
from sniper.exchange.facts import ChainOrder, OrderId, SubaccountId

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)

ORDERS = st.builds(
    ChainOrder,
    st.builds(
        OrderId,
        st.builds(SubaccountId, st.text("abc1", max_size=45), U32),
        U32,
        st.sampled_from((0, 32, 64)),
        U32,
    ),
    st.integers(0, 2),
    U64,
    U64,
    st.integers(1, 2**32 - 1),
    st.just(0),
    st.integers(0, 3),
    st.booleans(),
    U32,
    st.integers(0, 2),
    U64,
    st.text("xyz", max_size=5),
    st.integers(0, 10_000),
)


def proto(order: ChainOrder) -> bytes:
    who = order.id.subaccount
    made = Order(
        order_id=ProtoOrderId(
            subaccount_id=ProtoSubaccountId(owner=who.owner, number=who.number),
            client_id=order.id.client_id,
            order_flags=order.id.flags,
            clob_pair_id=order.id.clob_pair,
        ),
        side=order.side,  # type: ignore[arg-type]
        quantums=order.quantums,
        subticks=order.subticks,
        time_in_force=order.time_in_force,  # type: ignore[arg-type]
        reduce_only=order.reduce_only,
        client_metadata=order.client_metadata,
        condition_type=order.condition,  # type: ignore[arg-type]
        conditional_order_trigger_subticks=order.trigger_subticks,
    )
    if order.good_til_block:
        made.good_til_block = order.good_til_block
    else:
        made.good_til_block_time = order.good_til_s
    if order.builder or order.builder_fee_ppm:
        made.builder_code_parameters.CopyFrom(
            BuilderCodeParameters(builder_address=order.builder, fee_ppm=order.builder_fee_ppm)
        )
    return made.SerializeToString(deterministic=True)


@given(ORDERS, st.booleans())
def test_it_is_the_protobuf_of_the_order(order: ChainOrder, by_time: bool) -> None:
    if by_time:
        order = order._replace(good_til_s=order.good_til_block, good_til_block=0)
    assert serialised(order) == proto(order)
    assert order_hash(order) == sha256(proto(order)).digest()
