"""What can go wrong at the stand-in exchange, by name: where it strikes, whether it lasts, and its parameters.

A fault that lasts is on until its time is over; the others happen once. Parameters not given have their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SECOND_NS: Final = 1_000_000_000


class Number(NamedTuple):
    """A parameter that is a number within bounds; whole: no fraction."""

    default: float
    least: float
    most: float
    whole: bool = False

    def checked(self, value: Any) -> float | int:
        """The value as this parameter takes it. ValueError with what is wrong."""
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise ValueError(f"{value!r} is not a {'whole ' if self.whole else ''}number")
        if not self.least <= value <= self.most:
            raise ValueError(f"{value} is not between {self.least:g} and {self.most:g}")
        return value if self.whole else float(value)


class Words(NamedTuple):
    """A parameter that is text, or with `many` a list of texts."""

    default: str | tuple[str, ...]
    many: bool = False

    def checked(self, value: Any) -> str | tuple[str, ...]:
        """The value as this parameter takes it. ValueError with what is wrong."""
        if self.many:
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise ValueError(f"{value!r} is not a list of texts")
            return tuple(value)
        if not isinstance(value, str) or len(value) > 100:
            raise ValueError(f"{value!r} is not a text of at most 100 characters")
        return value


class Fault(NamedTuple):
    """One kind. side: stream, rest, node or chain. lasts: it has a duration; once: it may be given none."""

    side: str
    what: str
    lasts: bool
    parameters: Mapping[str, Number | Words]


SHARE: Final[Mapping[str, Number | Words]] = {"share": Number(1.0, 0.0, 1.0)}
MARKET: Final[Mapping[str, Number | Words]] = {"market": Words("")}
CALLS: Final[Mapping[str, Number | Words]] = {
    "share": Number(1.0, 0.0, 1.0),
    "methods": Words(("BroadcastTx",), True),
}
WAIT: Final[Mapping[str, Number | Words]] = {"wait_s": Number(30.0, 0.0, 3600.0)}

FAULTS: Final[dict[str, Fault]] = {
    "disconnect": Fault("stream", "every WebSocket connection breaks off, 1006", False, {}),
    "restart": Fault("stream", "every WebSocket connection is closed with 1012", False, {}),
    "silence": Fault("stream", "nothing comes for so long, then all of it at once", True, {}),
    "slow_reader": Fault(
        "stream", "each client gets no more than that", True, {"bytes_per_s": Number(20_000, 1, 1e9, True)}
    ),
    "duplicate": Fault("stream", "this share of messages is told twice", True, SHARE),
    "reorder": Fault("stream", "this share of messages comes after the next one", True, SHARE),
    "gap": Fault("stream", "this share of frames is lost, and its id with it", True, SHARE),
    "crossed": Fault(
        "stream", "with this share of book updates a level crosses the book and stays", True, SHARE
    ),
    "malformed": Fault("stream", "this share of frames is cut off or has wrong bytes", True, SHARE),
    "html": Fault("stream", "this share of frames is HTML", True, SHARE),
    "snapshot_error": Fault("stream", "this share of subscribes gets an error", True, SHARE),
    "snapshot_late": Fault(
        "stream", "subscribes are answered so much later", True, {"late_s": Number(4.0, 0.0, 600.0)}
    ),
    "height_told": Fault(
        "stream",
        "this share of the heights told is so much too high",
        True,
        {**SHARE, "blocks": Number(100, 1, 1e6, True)},
    ),
    "stream_lag": Fault(
        "stream", "updates come so much later than REST knows", True, {"lag_s": Number(2.0, 0.0, 600.0)}
    ),
    "replica_lag": Fault(
        "rest", "REST knows of blocks so much later than the stream", True, {"lag_s": Number(2.0, 0.0, 600.0)}
    ),
    "rest_html": Fault("rest", "this share of answers is a proxy's HTML", True, SHARE),
    "rest_429": Fault("rest", "this share of requests is one too many", True, SHARE),
    "rest_5xx": Fault("rest", "this share of requests fails with 500 or 503", True, SHARE),
    "unavailable": Fault("node", "this share of calls is not processed: UNAVAILABLE", True, CALLS),
    "hang": Fault("node", "this share of calls is neither processed nor answered", True, {**CALLS, **WAIT}),
    "answer_lost": Fault(
        "node", "this share of calls is processed, its answer lost: UNAVAILABLE", True, CALLS
    ),
    "answer_hangs": Fault(
        "node", "this share of calls is processed and never answered", True, {**CALLS, **WAIT}
    ),
    "answer_late": Fault(
        "node",
        "this share of calls is processed at once and answered later",
        True,
        {**CALLS, "wait_s": Number(2.0, 0.0, 3600.0)},
    ),
    "chain_halt": Fault("chain", "no block ends", True, {}),
    "height_jump": Fault(
        "chain", "so many blocks end at once", False, {"blocks": Number(50, 1, 10_000, True)}
    ),
    "oracle_jump": Fault(
        "chain",
        "the oracle price of a market (of all: none named) stands so far off",
        True,
        {**MARKET, "ppm": Number(-100_000, -990_000, 10_000_000, True)},
    ),
    "delisting": Fault("chain", "a market goes into final settlement, for good", False, MARKET),
    "margin_change": Fault(
        "chain",
        "a market's margin requirements are other ones",
        True,
        {
            **MARKET,
            "initial_ppm": Number(1_000_000, 1, 1_000_000, True),
            "maintenance_fraction_ppm": Number(600_000, 1, 1_000_000, True),
        },
    ),
    "double_fill": Fault("chain", "canary: fills of test accounts are told twice", True, {}),
}
"""By name. `self_signed` is no fault in time: a scenario's `tls` or the command line asks for it at the start."""


def checked(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a fault, defaults filled in. ValueError with what is wrong and what would be right."""
    fault = FAULTS.get(name)
    if fault is None:
        raise ValueError(f"there is no fault {name!r}: one of {', '.join(FAULTS)}")
    unknown = sorted(given.keys() - fault.parameters.keys())
    if unknown:
        takes = ", ".join(fault.parameters) or "no parameters"
        raise ValueError(f"{name} does not take {', '.join(unknown)}; it takes {takes}")
    found: dict[str, Any] = {}
    for key, parameter in fault.parameters.items():
        try:
            found[key] = parameter.checked(given[key]) if key in given else parameter.default
        except ValueError as error:
            raise ValueError(f"{name}: {key}: {error}") from None
    return found
