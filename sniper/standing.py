"""How the account stands against its own past: the day's result and its peak."""

from __future__ import annotations

import msgspec

DAY_NS = 86_400_000_000_000


class Standing:
    """Kept from equity; amounts in QQ, days are those of UTC.

    day_result: net collateral now against that at the first look of the day, with transfers taken out.
    peak: the highest net collateral so far, moved along by transfers.
    """

    __slots__ = ("_day", "_day_net", "_known", "_transfers", "day_result", "peak")

    def __init__(self) -> None:
        self._known = False
        self._day = self._day_net = self._transfers = 0
        self.day_result = self.peak = 0

    def look(self, now_ns: int, net: int, transfers: int) -> None:
        """net: net collateral now. transfers: all that ever came in less what went out."""
        moved = transfers - self._transfers
        self._transfers = transfers
        day = now_ns // DAY_NS
        if not self._known:
            self._known, self._day, self._day_net, self.peak = True, day, net, net
        else:
            self._day_net += moved
            self.peak += moved
        if day != self._day:
            self._day, self._day_net = day, net
        self.day_result = net - self._day_net
        self.peak = max(self.peak, net)

    def resume(self, state: bytes) -> None:
        """Go on with the state of an earlier session: transfers are counted anew. ValueError as for `load`."""
        self.load(state)
        self._transfers = 0

    def save(self) -> bytes:
        """The state as bytes."""
        return msgspec.msgpack.encode(
            [
                self._known,
                self._day,
                self._day_net,
                self._transfers,
                self.day_result,
                self.peak,
            ]
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            known, *numbers = msgspec.msgpack.decode(state, type=tuple[bool, int, int, int, int, int])
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a standing: {problem}") from None
        self._known = known
        self._day, self._day_net, self._transfers, self.day_result, self.peak = numbers
