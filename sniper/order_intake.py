"""What the venue and the Indexer say of our orders, as events of the transition table.

Nothing that comes in is an exception: news, fills and answers of orders that are not ours are counted and left alone.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sniper._ext.tape import FIELD_NAMES
from sniper.order_proof import proof
from sniper.order_record import WINDOW, Evidence, Held, OrdersSettings
from sniper.order_shelf import DOUBT, Shelf
from sniper.order_table import CANCEL_CODES, PLACE_CODES, REASON_REPLACED, REPLACE_CODES, STATUS_EVENTS
from sniper.trading import Answer, Fill, OrderNews

NUMS: Final = 12
STEP_QUANTUMS: Final = FIELD_NAMES.index("stepBaseQuantums") - NUMS
NEVER: Final = 1 << 62
SETTLE_BLOCKS: Final = 3
"""A list of open orders says nothing of what was sent fewer blocks before it."""
LISTED_BLOCKS: Final = 10
"""A stateful order that is listed so many blocks after its cancel, or after it came into doubt, stands."""
SEQUENCE: Final = re.compile(r"\bsequence (\d{1,18})\b")


class Intake:
    """Applies answers, fills, news, and what time and heights say. due_ns: when the next order runs out of time."""

    def __init__(self, shelf: Shelf, decoder: Any, settings: OrdersSettings) -> None:
        self._shelf, self._decoder, self._settings = shelf, decoder, settings
        self.due_ns = NEVER
        self.height = self.height_ns = 0
        self.by_now = 0  # doubts begin there: a list may be older than they are, and newer than the last news

    def come_to(self, now_ns: int) -> int:
        """The chain's height by now, rather too high than too low: without news of it the last one is old."""
        gone_ns = now_ns - self.height_ns if self.height else 0
        return self.height + min(max(0, gone_ns) // self._settings.block_ns, WINDOW)

    def begin(self, now_ns: int) -> None:
        """What is applied from here on happens now."""
        self._shelf.begin()
        self.by_now = self.come_to(now_ns)

    def answer(self, answer: Answer) -> None:
        """What the venue answered to a Place or a Cancel."""
        shelf = self._shelf
        held = shelf.live.get(answer.client_id)
        if held is None:
            shelf.counts["foreign_answers"] += answer.client_id not in shelf.finished
            return
        detail = f"{answer.code} {answer.text}".strip()
        told = SEQUENCE.search(answer.text)
        if told and answer.verb == "place":  # a cancel has one of its own
            held.sequence = int(told[1])
        if answer.verb == "cancel":
            held.cancel_ns = 0
            event = CANCEL_CODES.get(answer.code, "not_cancelled")
        elif held.pending is not None:
            event = REPLACE_CODES.get(answer.code, "doubtful")
        else:
            event = PLACE_CODES.get(answer.code, "refused")
        if event:
            shelf.step(held, event, detail, self.by_now)
        if event == "kept":
            self._grown(held, "the replacement was refused")

    def fill(self, fill: Fill) -> None:
        """A fill, which must not come twice."""
        shelf = self._shelf
        held = shelf.by_order_id(fill.order_id)
        if held is None:
            shelf.counts["foreign_fills"] += 1
            return
        step = self._decoder.numbers(held.order.market)[6][STEP_QUANTUMS]
        held.fill_steps += fill.size_quantums // step if step > 0 else 0
        shelf.counts["late_fills"] += _late(held)
        self._grown(held, f"{fill.fill_id} at height {fill.height}")

    def news(self, item: OrderNews) -> None:
        """One item of order news. Absent values leave what is known alone."""
        shelf = self._shelf
        held = shelf.by_order_id(item.order_id)
        if held is None:
            shelf.counts["foreign_news"] += 1
            return
        held.seen = True
        held.told_steps = max(held.told_steps, item.filled_steps)
        if item.optimistic_steps > held.optimistic_steps:
            held.optimistic_steps = item.optimistic_steps
            shelf.touch(held)
        detail = " ".join(part for part in (item.status, item.removal_reason) if part)
        self._grown(held, detail)
        event = STATUS_EVENTS.get(item.status, "")
        if not event:
            shelf.counts["unknown_status"] += bool(item.status)
        elif event == "ended" and held.short_term:
            event = "removed"
        if held.pending and event == "opened" and 0 <= item.good_til_block < held.pending.good_til_block:
            event = ""  # of the order that the one on its way will replace
        if event == "removed" and item.removal_reason == REASON_REPLACED:
            event = ""
        if event:
            shelf.step(held, event, detail, self.by_now)

    def _grown(self, held: Held, detail: str) -> None:
        """Its filled part, or what it is part of, may have changed."""
        filled, size = max(held.fill_steps, held.told_steps), held.size_max()
        if filled == held.order.filled_steps and filled < size:
            return
        if filled != held.order.filled_steps:
            self._shelf.counts["overfilled"] += filled > size
            held.order = held.order._replace(filled_steps=filled)
            self._shelf.touch(held)
        self._shelf.step(held, "filled" if filled >= size else "part_filled", detail, self.by_now)

    def wait(self, sent_ns: int) -> None:
        """An answer is awaited from now on."""
        self.due_ns = min(self.due_ns, sent_ns + self._settings.answer_timeout_ns)

    def time_out(self, now_ns: int) -> None:
        """What was sent and never answered is of unknown fate."""
        waiting = [held for held in self._shelf.live.values() if held.order.state in ("sent", "replacing")]
        self.due_ns = NEVER
        for held in waiting:
            if held.order.sent_ns + self._settings.answer_timeout_ns <= now_ns:
                self._shelf.step(held, "lost", "no answer in time", self.by_now)
            else:
                self.wait(held.order.sent_ns)

    def look(self, indexer_height: int, evidence: Evidence) -> None:
        """Heights and lists: who is past its good-til, who is missing from a list, who is proven dead."""
        for held in list(self._shelf.live.values()):
            if held.order.state not in DOUBT:
                self._lapse(held, evidence)
            if held.order.state in DOUBT:
                if self._stands(held, evidence):
                    detail = f"listed at height {evidence.orders_height}"
                    self._shelf.step(held, "opened", detail, self.by_now)
                else:
                    self._conclude(held, indexer_height, evidence)

    def _lapse(self, held: Held, evidence: Evidence) -> None:
        order = held.order
        listable = order.state != "sent" and held.sent_height + SETTLE_BLOCKS <= evidence.orders_height
        if listable and order.order_id not in evidence.listed:
            self._shelf.step(held, "unlisted", f"at height {evidence.orders_height}", self.by_now)
        elif self._uncancelled(held, evidence):
            held.cancel_ns = 0
            detail = f"still listed at height {evidence.orders_height}"
            self._shelf.step(held, "not_cancelled", detail, self.by_now)
        elif held.short_term and self.height > held.last_block():
            detail = f"height {self.height}, good til {held.last_block()}"
            self._shelf.step(held, "passed", detail, self.by_now)
        elif not held.short_term and evidence.block_s > order.good_til_s:
            detail = f"block time {evidence.block_s}, good til {order.good_til_s}"
            self._shelf.step(held, "passed", detail, self.by_now)

    def _uncancelled(self, held: Held, evidence: Evidence) -> bool:
        """A stateful order outlived its cancel: that was lost, or failed in its block, which nobody answers."""
        return (
            held.order.state == "cancelling"
            and not held.short_term
            and held.cancel_height + LISTED_BLOCKS <= evidence.orders_height
            and held.order.order_id in evidence.listed
        )

    def _stands(self, held: Held, evidence: Evidence) -> bool:
        """A list that is newer than the doubt shows a stateful order: as news that would be nothing new."""
        return (
            not held.short_term
            and held.doubt_height + LISTED_BLOCKS <= evidence.orders_height
            and evidence.block_s <= held.order.good_til_s
            and held.order.order_id in evidence.listed
        )

    def _conclude(self, held: Held, indexer_height: int, evidence: Evidence) -> None:
        why = proof(held, self._settings.proof, indexer_height, self.height, evidence)
        since = held.last_block() if held.short_term else held.doubt_height
        if why:
            self._shelf.step(held, "proven", why, self.by_now)
        elif held.order.state == "fading" and self.height > since + self._settings.overdue_blocks:
            self._shelf.step(held, "overdue", f"no proof up to height {self.height}", self.by_now)


def _late(held: Held) -> bool:
    """Whether a fill that was just added contradicts the order's death. One that the venue told of before it ended the
    order does not: only its particulars were lost on the way, and came with a query."""
    order = held.order
    return order.state == "dead" and (held.fill_steps > held.told_steps or order.cause.startswith("proven"))
