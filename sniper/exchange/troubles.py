"""The faults that are on now, and what follows from them for frames, requests and calls."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Final, NamedTuple

from sniper.exchange.faults import FAULTS, SECOND_NS
from sniper.exchange.node.servicers import HANG, LATE, LOST, NOTHING, UNAVAILABLE, Treatment

ACTIVE_MAX: Final = 20_000
"""A scenario may hold half as many."""
# Fault: the Indexer's knob, and the parameter that turns it, in which unit ("" for the fault's duration, in ns).
_KNOBS: Final[dict[str, tuple[tuple[str, str, float], ...]]] = {
    "silence": (("silence_ns", "", 1),),
    "slow_reader": (("slow_bytes_per_s", "bytes_per_s", 1),),
    "duplicate": (("duplicate", "share", 1),),
    "reorder": (("reorder", "share", 1),),
    "gap": (("gap", "share", 1),),
    "crossed": (("crossed", "share", 1),),
    "malformed": (("malformed", "share", 1),),
    "html": (("html", "share", 1),),
    "snapshot_error": (("snapshot_error", "share", 1),),
    "snapshot_late": (("snapshot_late_ns", "late_s", SECOND_NS),),
    "height_told": (("height_jump", "share", 1), ("height_jump_blocks", "blocks", 1)),
    "stream_lag": (("stream_lag_ns", "lag_s", SECOND_NS),),
    "replica_lag": (("replica_lag_ns", "lag_s", SECOND_NS),),
    "rest_html": (("rest_html", "share", 1),),
    "rest_429": (("rest_too_many", "share", 1),),
    "rest_5xx": (("rest_error", "share", 1),),
}
_WHOLE: Final = ("_ns", "_blocks", "_per_s")
_CALLS: Final = {
    "unavailable": UNAVAILABLE,
    "hang": HANG,
    "answer_lost": LOST,
    "answer_hangs": LOST,
    "answer_late": LATE,
}
SILENCE_NS: Final = 3600 * SECOND_NS
"""How long a silence lasts that was given no end."""


class Trouble(NamedTuple):
    """A fault that is on. until_ns 0: until it is switched off."""

    number: int
    fault: str
    parameters: dict[str, Any]
    since_ns: int
    until_ns: int


class Troubles:
    """Faults that last, switched on and off. `struck` counts calls that suffered, by fault."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"{seed}/exchange/troubles").random
        self._on: dict[int, Trouble] = {}
        self._last = 0
        self.struck: Counter[str] = Counter()

    @property
    def on(self) -> list[Trouble]:
        """What is on, oldest first."""
        return list(self._on.values())

    def named(self, fault: str) -> list[Trouble]:
        """What is on of this kind."""
        return [one for one in self._on.values() if one.fault == fault]

    def start(self, fault: str, parameters: dict[str, Any], now_ns: int, for_ns: int) -> Trouble:
        """Switch a fault on, with parameters as `faults.checked` gives them. ValueError: too many are on."""
        if len(self._on) >= ACTIVE_MAX:
            raise ValueError(f"{ACTIVE_MAX} faults are on already")
        assert FAULTS[fault].lasts, "what happens once is not switched on"
        self._last += 1
        made = Trouble(self._last, fault, parameters, now_ns, now_ns + for_ns if for_ns else 0)
        self._on[made.number] = made
        return made

    def stop(self, number: int) -> Trouble | None:
        """Switch one off; None where it is not on."""
        return self._on.pop(number, None)

    def due_ns(self) -> int:
        """When the next one ends, 0 for never."""
        if not self._on:
            return 0
        return min((one.until_ns for one in self._on.values() if one.until_ns), default=0)

    def over(self, now_ns: int) -> list[Trouble]:
        """Those whose time is over now; they are off."""
        found = [one for one in self._on.values() if 0 < one.until_ns <= now_ns]
        for one in found:
            del self._on[one.number]
        return found

    def knobs(self) -> dict[str, Any]:
        """The Indexer's knobs as the faults that are on turn them; of two of a kind the stronger."""
        found: dict[str, Any] = {}
        for one in self._on.values():
            for knob, parameter, unit in _KNOBS.get(one.fault, ()):
                length_ns = one.until_ns - one.since_ns if one.until_ns else SILENCE_NS
                value = one.parameters[parameter] * unit if parameter else length_ns
                if knob.endswith(_WHOLE):
                    value = round(value)
                stronger = min if knob == "slow_bytes_per_s" else max
                found[knob] = stronger(found[knob], value) if knob in found else value
            if one.fault == "snapshot_late":
                found["snapshot_late"] = 1.0
        return found

    def treatment(self, method: str, now_ns: int) -> Treatment:
        """What a call of this method suffers now: of all that are on the first that strikes."""
        for one in self._on.values():
            kind = _CALLS.get(one.fault)
            if kind is None or not {method, "*"} & set(one.parameters["methods"]):
                continue
            if self._random() < one.parameters["share"]:
                self.struck[one.fault] += 1
                return Treatment(kind, one.parameters.get("wait_s", 0.0))
        return NOTHING
