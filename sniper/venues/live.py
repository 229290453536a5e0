"""The live venue as the loop sees it: commands out, answers back through the inbox, and nothing that waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sniper._ext.tape import KIND_NAMES, Tape
from sniper.live_settings import LiveSettings, checked
from sniper.order_table import NOT_SENT
from sniper.quantums import lent
from sniper.trading import VENUE_CONNECTION, Cancel, Place
from sniper.types import REC_OPERATOR, REC_VENUE
from sniper.venues.live_messages import Wanted, wanted
from sniper.venues.live_sender import Note, Sender
from sniper.venues.outbox import Inbox
from sniper.venues.terms import Markets

KINDS: Final = 4  # of Tape.used: bits of the kinds of all rows but levels
MARKET: Final = 1 << KIND_NAMES.index("MARKET")


class Live:
    """A venue of the loop. tape, decoder: those of the engine, read only. key: signs, a KeyPair of the client.

    note: makes intents durable (`live_sender.Note`). ValueError: settings that make no sense.
    """

    def __init__(
        self,
        tape: Tape,
        decoder: Any,
        settings: LiveSettings,
        key: Any,
        clock_ns: Callable[[], int],
        note: Note | None = None,
    ) -> None:
        self.settings = checked(settings)
        self._kinds = lent(tape.used)[KINDS : KINDS + 1]
        self._markets = Markets(decoder)
        self._clock_ns = clock_ns
        self._inbox: Inbox | None = None
        self.sender = Sender(settings, key, self._say, note, self._say_sequence, say_word=self._say_word)

    def start(self, inbox: Inbox) -> None:
        """Connect to the nodes."""
        self._inbox = inbox
        self.sender.start()

    def observe(self, now_ns: int, rows: int) -> None:
        """A tick was run. A market that changed is read anew when an order for it comes."""
        if self._kinds[0] & MARKET:
            self._markets.clear()

    def send(self, now_ns: int, commands: Sequence[Place | Cancel]) -> None:
        """Hand the commands to the sender's thread."""
        handed: list[Wanted] = []
        for command in commands:
            terms = self._markets.terms(command.market)
            try:
                if terms is None:
                    raise ValueError(f"the terms of {command.ticker} are not known")
                handed.append(wanted(command, terms))
            except ValueError as problem:
                verb = "place" if isinstance(command, Place) else "cancel"
                self._say(verb, command.client_id, NOT_SENT, str(problem))
        if handed:
            self.sender.hand(handed)

    def due(self, now_ns: int) -> int | None:
        """Nothing is ever due: answers come by themselves."""
        return None

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Answers are in the inbox already."""

    def stop(self, deadline_s: float = 3.0) -> bool:
        """Hear what still comes back and end the thread. False: it has not ended within the deadline."""
        return self.sender.stop(deadline_s)

    def _say(self, verb: str, client_id: int, code: int, text: str) -> None:
        assert self._inbox is not None, "start comes first"
        record = f"{verb} {client_id} {code} {text}".encode("ascii", "replace")
        self._inbox.put(self._clock_ns(), VENUE_CONNECTION, REC_VENUE, record)

    def _say_sequence(self, sequence: int, height: int) -> None:
        self._say_word(b"sequence %d %d" % (sequence, height))

    def _say_word(self, word: bytes) -> None:
        assert self._inbox is not None, "start comes first"
        self._inbox.put(self._clock_ns(), VENUE_CONNECTION, REC_OPERATOR, word)
