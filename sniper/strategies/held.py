"""One market that a strategy is in, or has asked to be in."""

from __future__ import annotations

from collections.abc import Iterable

from sniper.strategies.parts import NS_MAX

HeldRow = tuple[int, int, float, int, bool, str, int, int, int, int, float, int]


class Held:
    """A share of the capital in one market: asked for, held, or on its way out.

    side: +1 long, -1 short. since_ns: when the entry was asked for, then when the position was opened. closing: why
    it is being left, "" while it is not; once leaving, it leaves. until_ns: when its time is up. weak_ns: since when
    its score is weak, 0 while it is not. group: what the strategy files it under.
    """

    __slots__ = (
        "closing",
        "group",
        "opened",
        "score",
        "side",
        "since_ns",
        "tried_ns",
        "until_ns",
        "weak_ns",
        "weight",
        "withdrawn_ns",
    )

    def __init__(self, side: int, weight: float, since_ns: int, score: float, group: int) -> None:
        self.side, self.weight, self.since_ns = side, weight, since_ns
        self.score, self.group = score, group
        self.opened, self.closing = False, ""
        self.tried_ns = self.weak_ns = self.withdrawn_ns = 0
        self.until_ns = NS_MAX

    def row(self, market: int) -> HeldRow:
        """All of it as plain values, for `save`."""
        return (
            market,
            self.side,
            self.weight,
            self.since_ns,
            self.opened,
            self.closing,
            self.tried_ns,
            self.weak_ns,
            self.until_ns,
            self.group,
            self.score,
            self.withdrawn_ns,
        )


def held_of(rows: Iterable[HeldRow]) -> dict[int, Held]:
    """By market, what rows say. ValueError where one cannot have been saved."""
    held: dict[int, Held] = {}
    for market, side, weight, since, opened, closing, tried, weak, until, group, score, withdrawn in rows:
        if market in held or side not in (-1, 1) or not 0.0 < weight <= 1.0 or not 0 <= market < 1 << 16:
            raise ValueError(f"not a holding of market {market}")
        one = held[market] = Held(side, weight, since, score, group)
        one.opened, one.closing, one.tried_ns = opened, closing, tried
        one.weak_ns, one.until_ns, one.withdrawn_ns = weak, until, withdrawn
    return held
