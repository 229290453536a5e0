"""Messages become calls of the chain. Those of one transaction all happen, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sniper.exchange.facts import ACCEPTED, Outcome
from sniper.exchange.interfaces import Chain
from sniper.exchange.node.authenticators import Authenticators
from sniper.exchange.node.codes import INSUFFICIENT_FUNDS
from sniper.exchange.node.envelope import Message
from sniper.exchange.node.fees import USDC
from sniper.exchange.node.messages import (
    ADD_AUTHENTICATOR,
    BATCH_CANCEL,
    CANCEL,
    DEPOSIT,
    PLACE,
    REMOVE_AUTHENTICATOR,
    SEND,
    TRANSFER,
    WITHDRAW,
    order_id_of,
    order_of,
    subaccount_of,
)


def in_message(outcome: Outcome, index: int) -> Outcome:
    """A refusal as a block's result tells it."""
    return outcome._replace(text=f"failed to execute message; message index: {index}: {outcome.text}")


class Execution:
    """Hands messages to the chain and to the authenticators."""

    def __init__(self, chain: Chain, authenticators: Authenticators) -> None:
        self._chain = chain
        self._authenticators = authenticators
        self._calls: Final[dict[str, Callable[[Any, str], Outcome]]] = {
            PLACE: lambda m, tx: chain.place(order_of(m.order), tx),
            CANCEL: lambda m, tx: chain.cancel(
                order_id_of(m.order_id), m.good_til_block, m.good_til_block_time, tx
            ),
            BATCH_CANCEL: lambda m, tx: chain.batch_cancel(
                subaccount_of(m.subaccount_id),
                tuple((batch.clob_pair_id, tuple(batch.client_ids)) for batch in m.short_term_cancels),
                m.good_til_block,
                tx,
            ),
            TRANSFER: lambda m, tx: chain.transfer(
                subaccount_of(m.transfer.sender), subaccount_of(m.transfer.recipient), m.transfer.amount, tx
            ),
            DEPOSIT: lambda m, tx: chain.deposit(m.sender, subaccount_of(m.recipient), m.quantums, tx),
            WITHDRAW: lambda m, tx: chain.withdraw(subaccount_of(m.sender), m.recipient, m.quantums, tx),
            SEND: self._send,
            ADD_AUTHENTICATOR: lambda m, tx: (
                authenticators.add(m.sender, m.authenticator_type, m.data) or ACCEPTED
            ),
            REMOVE_AUTHENTICATOR: lambda m, tx: authenticators.remove(m.sender, m.id) or ACCEPTED,
        }

    def run(self, messages: Sequence[Message], tx_hash: str, in_block: bool) -> Outcome:
        """Execute all of them. in_block: the refusal names the message, as a block's result does."""
        if len(messages) == 1:
            return self._each(messages, tx_hash, in_block)
        undo = self._undoable()
        outcome = self._each(messages, tx_hash, in_block)
        if outcome.code:
            undo()
        return outcome

    def rehearse(self, messages: Sequence[Message]) -> Outcome:
        """What `run` would answer in a block; nothing remains of it."""
        undo = self._undoable()
        outcome = self._each(messages, "", True)
        undo()
        return outcome

    def _each(self, messages: Sequence[Message], tx_hash: str, in_block: bool) -> Outcome:
        for index, (url, content) in enumerate(messages):
            outcome = self._calls[url](content, tx_hash)
            if outcome.code:
                return in_message(outcome, index) if in_block else outcome
        return ACCEPTED

    def _undoable(self) -> Callable[[], None]:
        """What takes back everything that waits for the block since now: short-term messages are not undone."""
        own, mark = self._authenticators, self._chain.mark()
        kept, next_id = {address: dict(trees) for address, trees in own.kept.items()}, own.next_id

        def undo() -> None:
            self._chain.take_back(mark)
            own.kept, own.next_id = kept, next_id

        return undo

    def _send(self, message: Any, tx_hash: str) -> Outcome:
        for coin in message.amount:
            if coin.denom != USDC:
                return INSUFFICIENT_FUNDS.of(
                    f"spendable balance 0{coin.denom} is smaller than {coin.amount}{coin.denom}"
                )
            outcome = self._chain.send(message.from_address, message.to_address, int(coin.amount), tx_hash)
            if outcome.code:
                return outcome
        return ACCEPTED
