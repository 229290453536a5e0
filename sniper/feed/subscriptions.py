"""The subscriptions of one connection: which request is sent when, and what each answer means. Pure: time is
given.

Rules of the Indexer (its source, indexer/services/socks): a subscription exists only once `subscribed`
came; an `unsubscribe` before that does nothing; the third subscribe request for one channel and id within a
second closes the connection; a failed snapshot ("could not fetch data") is answered by an error, and the
request must be repeated. We therefore leave more than a second between two requests for the same id,
unsubscribe only what was confirmed, and send at most `per_s` requests a second in all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final, NamedTuple

from sniper.feed.plan import BLOCK_HEIGHT, MARKETS, Subscription
from sniper.feed.sniff import Control

_NO_ID: Final = frozenset((MARKETS, BLOCK_HEIGHT))
_REFUSED_ID: Final = re.compile(r"\((v4_[a-z_]+)-(.+)\)\s*$")
_REFUSED_LIMIT: Final = re.compile(r"subscription limit reached for (\S+) ")


class Pace(NamedTuple):
    """The figures of the pacing, in seconds (per_s: requests a second)."""

    per_s: float = 8.0
    apart_s: float = 1.1  # between two requests for the same id; the server counts 2 in 1 s
    retry_s: float = 1.0  # after "could not fetch", growing to retry_longest_s
    retry_longest_s: float = 30.0
    answer_s: float = 20.0  # a request without an answer is repeated; the server itself gives up after 5 s
    refused_s: float = (
        60.0  # after "invalid subscription id", doubling: a new market is known within 5 minutes
    )
    refused_longest_s: float = 900.0


class Stage(Enum):
    """Where one subscription stands."""

    WANTED = auto()  # to be asked for
    ASKED = auto()  # request sent
    HELD = auto()  # confirmed
    UNWANTED = auto()  # confirmed, to be given back
    LEAVING = auto()  # unsubscribe sent


class _Entry:
    __slots__ = ("asked_s", "failures", "keep", "not_before_s", "sent_s", "stage", "subscription")

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.stage = Stage.WANTED
        self.keep = True  # False: forget it once it is given back
        self.not_before_s = float("-inf")
        self.sent_s = float("-inf")  # the last request of either kind
        self.asked_s = float("-inf")  # the last subscribe
        self.failures = 0


class Subscriptions:
    """What one connection wants, what it has asked for and what it holds."""

    def __init__(self, pace: Pace, batched: frozenset[str]) -> None:
        """batched: the channels to ask for in batches. The server looks only at whether the key is truthy."""
        self._pace = pace
        self._batched = batched
        self._entries: dict[Subscription, _Entry] = {}
        self._order: list[_Entry] = []
        self._full: set[str] = set()
        self._up = False
        self._gate_open = False
        self._next_send_s = float("-inf")

    # What is wanted

    def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Hold exactly these. What is no longer wanted is unsubscribed once it is confirmed."""
        wanted = list(dict.fromkeys(subscriptions))
        for subscription in wanted:
            self._entries.setdefault(subscription, _Entry(subscription)).keep = True
        for subscription in [s for s in self._entries if s not in set(wanted)]:
            entry = self._entries[subscription]
            entry.keep = False
            if entry.stage is Stage.WANTED or not self._up:
                del self._entries[subscription]
            elif entry.stage is Stage.HELD:
                entry.stage = Stage.UNWANTED
        rank = {subscription: i for i, subscription in enumerate(wanted)}
        self._order = sorted(self._entries.values(), key=lambda entry: rank.get(entry.subscription, -1))

    def open_gate(self) -> None:
        """The market table is known: more than v4_markets and v4_block_height may be asked for."""
        self._gate_open = True

    def again(self, channel: str, ticker: str) -> int:
        """Give back and ask again for this id, so that a fresh snapshot comes; a ticker stands for its
        candles too.

        What is not confirmed yet gets its snapshot anyway. Gives the number of subscriptions that are
        renewed.
        """
        renewed = 0
        for entry in self._order:
            subscription = entry.subscription
            same = channel in _NO_ID or subscription.id == ticker or subscription.id.startswith(f"{ticker}/")
            if subscription.channel == channel and same and entry.stage is Stage.HELD:
                entry.stage = Stage.UNWANTED
                renewed += 1
        return renewed

    # The session

    def begin(self) -> None:
        """`connected` came: nothing is subscribed on this socket."""
        self.end()
        self._up = True

    def end(self) -> None:
        """The socket is gone, and with it every subscription."""
        self._up = False
        self._full.clear()
        self._order = [entry for entry in self._order if entry.keep]
        self._entries = {entry.subscription: entry for entry in self._order}
        for entry in self._order:
            entry.stage = Stage.WANTED
            # Requests are counted per connection: a new one starts at zero. A refused id keeps its wait.
            entry.asked_s = float("-inf")

    @property
    def complete(self) -> bool:
        """Whether the socket is up and holds everything that is wanted."""
        return self._up and all(entry.stage is Stage.HELD for entry in self._order)

    def held(self) -> list[Subscription]:
        """What is confirmed."""
        return [entry.subscription for entry in self._order if entry.stage is Stage.HELD]

    # Requests

    def _ready_s(self, entry: _Entry) -> float:
        """When a request for this entry may be sent, by its own rules."""
        if entry.stage is Stage.UNWANTED:
            return float("-inf")
        if entry.stage is Stage.WANTED:
            channel = entry.subscription.channel
            if channel in self._full or not (self._gate_open or channel in _NO_ID):
                return float("inf")
            return max(entry.not_before_s, entry.asked_s + self._pace.apart_s)
        if entry.stage is Stage.HELD:
            return float("inf")
        return entry.sent_s + self._pace.answer_s

    def next_s(self) -> float:
        """When `take` has something to send; infinity: not before something happens."""
        if not self._up or not self._order:
            return float("inf")
        # Most are held most of the time, and have nothing to send.
        waiting = [self._ready_s(entry) for entry in self._order if entry.stage is not Stage.HELD]
        return max(self._next_send_s, min(waiting, default=float("inf")))

    def take(self, now_s: float) -> str | None:
        """The next request to send now, as JSON text. None: nothing, or not yet."""
        if not self._up or now_s < self._next_send_s:
            return None
        for entry in self._order:
            if entry.stage is not Stage.HELD and self._ready_s(entry) <= now_s:
                break
        else:
            return None
        self._next_send_s = now_s + 1.0 / self._pace.per_s
        if entry.stage in (Stage.UNWANTED, Stage.LEAVING) or not entry.keep:
            entry.stage = Stage.LEAVING
            verb = "unsubscribe"
        else:
            entry.stage = Stage.ASKED
            entry.asked_s = now_s
            verb = "subscribe"
        entry.sent_s = now_s
        channel, subscription_id = entry.subscription
        request: dict[str, str | bool] = {"type": verb, "channel": channel}
        if subscription_id:
            request["id"] = subscription_id
        if verb == "subscribe" and channel in self._batched:
            request["batched"] = True
        return json.dumps(request, separators=(",", ":"))

    # Answers

    def heard(self, control: Control, now_s: float) -> None:
        """Take note of `subscribed`, `unsubscribed` or `error`. What we did not ask for changes nothing."""
        if control.type == "error":
            self._refused(control, now_s)
            return
        entry = self._entry(control.channel, control.id)
        if entry is None:
            return
        if control.type == "subscribed":
            self._confirm(entry)
        elif control.type == "unsubscribed" and entry.stage is not Stage.ASKED:
            # While a request is under way this is the answer to an older unsubscribe: `subscribed` follows.
            if entry.keep:
                entry.stage = Stage.WANTED
            else:
                self._order.remove(entry)
                del self._entries[entry.subscription]

    def _entry(self, channel: str, subscription_id: str) -> _Entry | None:
        return self._entries.get(Subscription(channel, "" if channel in _NO_ID else subscription_id))

    def _confirm(self, entry: _Entry) -> None:
        entry.failures = 0
        if entry.stage in (Stage.ASKED, Stage.WANTED):
            entry.stage = Stage.HELD if entry.keep else Stage.UNWANTED

    def _refused(self, control: Control, now_s: float) -> None:
        """An error. Some name channel and id in fields of their own, some in the text, some not at all."""
        limit = _REFUSED_LIMIT.search(control.message)
        if limit:
            # More requests for this channel would count against us, and end in HTTP 429.
            self._full.add(limit[1])
            return
        channel, subscription_id = control.channel, control.id
        named = _REFUSED_ID.search(control.message)
        if not channel and named:
            channel, subscription_id = named[1], named[2]
        entry = self._entry(channel, subscription_id)
        if entry is None or entry.stage not in (Stage.ASKED, Stage.WANTED):
            return
        if "already subscribed" in control.message:
            self._confirm(entry)
            return
        pace = self._pace
        if "could not fetch" in control.message:
            wait_s = min(pace.retry_s * 1.5 ** min(entry.failures, 32), pace.retry_longest_s)
        else:
            wait_s = min(pace.refused_s * 2.0 ** min(entry.failures, 32), pace.refused_longest_s)
        entry.failures += 1
        entry.stage = Stage.WANTED
        entry.not_before_s = now_s + wait_s
        if not entry.keep:
            self._order.remove(entry)
            del self._entries[entry.subscription]
