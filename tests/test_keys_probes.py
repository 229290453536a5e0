"""keys.probes: messages that a node takes for well-formed, and refusals told from other answers."""

from __future__ import annotations

import pytest

from sniper.exchange.node import basics
from sniper.exchange.node.messages import PLACE as THEIR_PLACE
from sniper.keys.permission import BEYOND_TRADING, PLACE, TRADING
from sniper.keys.probes import denied, probes
from tests.keynode import OWNER


def test_each_message_is_what_its_question_says() -> None:
    found = probes(OWNER, 3, 5, "usdc")
    assert [probe.asks.type for probe in found] == [*TRADING, *BEYOND_TRADING]
    for probe in found:
        assert f"/{probe.message.DESCRIPTOR.full_name}" == probe.asks.type
        assert (probe.asks.subaccount, probe.asks.market) == (3, 5)
        assert basics.wrong(probe.asks.type, probe.message) is None, "the node looks at the permission at all"
    assert PLACE == THEIR_PLACE
    order = found[0].message.order.order_id
    assert (order.subaccount_id.owner, order.subaccount_id.number, order.clob_pair_id) == (OWNER, 3, 5)


@pytest.mark.parametrize(
    "answer",
    [
        "authentication failed for message 0, authenticator id 3, type AllOf: message types do not match. Got /x",
        "failed to get initialized authenticator: authenticator 3 not found: Authenticator is not found",
        "Smart account is not active",
        "subaccount number 5 not in whitelist map[0:{}]: unauthorized",
    ],
)
def test_a_refusal_by_the_rules(answer: str) -> None:
    assert denied(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Stateful order does not exist with gas used: '100'",
        "spendable balance 0 is smaller than 1: insufficient funds",
        "failed to execute message; message index: 0: runtime error: MustBeStatefulOrder",
    ],
)
def test_an_answer_from_behind_the_rules(answer: str) -> None:
    assert not denied(answer)
