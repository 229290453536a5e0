"""Words that come by the inbox: of the operator, of the sender, of the database, of the shell at the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sniper._ext.tape import KIND_NAMES, Tape
from sniper.handover import Handover
from sniper.order_record import Evidence
from sniper.orders import Orders
from sniper.quantums import lent
from sniper.risk import Risk
from sniper.running_digest import RunningDigest
from sniper.types import Record

OPERATOR: Final = KIND_NAMES.index("OPERATOR")
OTHERS: Final = 0  # of Tape.used
SAID_MAX: Final = 1000
NEVER: Final = 1 << 62
"""No chain comes to this height."""


class Words:
    """Obeys them in their order. sequence: the account's next one on the chain, as far as it was told; -1: not yet.
    sequence_height: the blocks up to there led to it.

    node_height: what the node said last, until somebody sets it back.
    """

    def __init__(
        self, tape: Tape, digest: RunningDigest, orders: Orders, risk: Risk, handover: Handover
    ) -> None:
        rows: Any = tape.rows
        self._others, self._used = lent(tape.others), lent(tape.used)
        self._kinds, self._frames = lent(rows["kind"]), lent(rows["frame"])
        self._digest, self._orders, self._risk, self._handover = digest, orders, risk, handover
        self.sequence, self.sequence_height, self.node_height = -1, NEVER, 0
        self.said = handover.said
        """Lines for people: what was handed over, what the chain allows."""

    def obey(self, records: Sequence[Record]) -> None:
        """Every word among this tick's records."""
        for at in range(self._used[OTHERS]):
            row = self._others[at]
            if self._kinds[row] == OPERATOR:
                verb, _, text = records[self._frames[row]][3].partition(b" ")
                self.operate(verb.decode("ascii", "replace"), text.decode("utf-8", "replace"))

    def operate(self, verb: str, text: str) -> None:
        """One word. What is not known here is for risk to judge."""
        self._digest.fold(f"{verb} {text}".encode())
        if verb == "ids":
            first, _, last = text.partition(" ")
            if first.isdecimal() and last.isdecimal():
                self._orders.new_ids(int(first), int(last))
        elif verb == "sequence":
            told, _, height = text.partition(" ")
            if told.isdecimal():
                self._follow(int(told), int(height) if height.isdecimal() else 0)
        elif verb == "height":
            if text.isdecimal():
                self.node_height = int(text)
        elif verb == "handover":
            self._handover.hear(text)
        elif verb == "limits":
            self._learn(text)
        else:
            self._risk.operator(verb, text)

    def _follow(self, sequence: int, height: int) -> None:
        """The account's next sequence, and a height that the chain had by then, 0: nobody said."""
        if sequence > self.sequence:
            self.sequence, self.sequence_height = sequence, NEVER
        if sequence == self.sequence and height:
            self.sequence_height = min(self.sequence_height, height)
        self._orders.learn(self.sequence)

    def testify(self, evidence: Evidence) -> Evidence:
        """The same with what the chain was heard to say of the account's sequence."""
        return evidence._replace(sequence=self.sequence, sequence_height=self.sequence_height)

    def _learn(self, text: str) -> None:
        """What the chain allows."""
        try:
            lines = self._risk.learn(text)
        except ValueError as problem:
            lines = [str(problem)]
        for line in lines:
            self.say(line)

    def say(self, line: str) -> None:
        """A line for people."""
        self._digest.fold(line.encode())
        if len(self.said) < SAID_MAX:
            self.said.append(line)
