"""The numbers of `exchange.facts` are those of the protocol's own descriptors."""

from __future__ import annotations

from v4_proto.dydxprotocol.clob.order_pb2 import Order

from sniper.exchange import facts


def test_enumerations_are_the_protocols() -> None:
    assert (facts.BUY, facts.SELL) == (Order.SIDE_BUY, Order.SIDE_SELL)
    assert (facts.GTT, facts.IOC, facts.POST_ONLY, facts.FILL_OR_KILL) == (
        Order.TIME_IN_FORCE_UNSPECIFIED,
        Order.TIME_IN_FORCE_IOC,
        Order.TIME_IN_FORCE_POST_ONLY,
        Order.TIME_IN_FORCE_FILL_OR_KILL,
    )
    assert (facts.NO_CONDITION, facts.STOP_LOSS, facts.TAKE_PROFIT) == (
        Order.CONDITION_TYPE_UNSPECIFIED,
        Order.CONDITION_TYPE_STOP_LOSS,
        Order.CONDITION_TYPE_TAKE_PROFIT,
    )


def test_an_order_names_every_field_of_the_message() -> None:
    told = {field.name for field in Order.DESCRIPTOR.fields}
    assert told == {
        "order_id",
        "side",
        "quantums",
        "subticks",
        "good_til_block",
        "good_til_block_time",
        "time_in_force",
        "reduce_only",
        "client_metadata",
        "condition_type",
        "conditional_order_trigger_subticks",
        "builder_code_parameters",
    }
    assert len(facts.ChainOrder._fields) == len(told) + 1  # the builder's address and fee are two
