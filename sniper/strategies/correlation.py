"""How alike the mids of two markets move: returns sampled on a grid of tape time, a ring of them a market.

A market is sampled on its first change in each slot of the grid, one division and one store. A correlation is
computed from two rings when somebody wants it, and kept until one of the rings goes on.
"""

from __future__ import annotations

from array import array
from math import sqrt

from sniper.strategies.parts import LARGE, clamp, require, sound

KNOWN_MAX = 4096
"""So many correlations are kept at most; they can be computed again."""

RingRow = tuple[int, int, int, float, bytes]


class _Ring:
    """Returns of one market. first, last: slots; the return of slot s is at s % size."""

    __slots__ = ("first", "last", "mid", "returns")

    def __init__(self, first: int, last: int, mid: float, returns: array[float]) -> None:
        self.first, self.last, self.mid, self.returns = first, last, mid, returns


class Correlations:
    """Rolling correlations of mid returns.

    samples: how many slots a ring holds; samples_min: below so many in common a correlation is unknown.
    """

    def __init__(self, samples: int, samples_min: int) -> None:
        require(
            2 <= samples_min <= samples <= 4096, "2 <= correlation_samples_min <= correlation_samples <= 4096"
        )
        self._size, self._samples_min = samples, samples_min
        self._rings: dict[int, _Ring] = {}
        self._known: dict[
            tuple[int, int], tuple[int, int, float | None]
        ] = {}  # from the rings alone: never saved

    def sample(self, market: int, slot: int, mid: float) -> None:
        """The mid of a market in this slot, any unit that does not change. Later ones of the slot do not count."""
        if not sound(mid):
            return
        ring = self._rings.get(market)
        if ring is None:
            self._rings[market] = _Ring(slot, slot, mid, array("d", bytes(8 * self._size)))
            return
        gone = slot - ring.last
        if gone <= 0:
            return
        for skipped in range(max(ring.last + 1, slot - self._size + 1), slot):
            ring.returns[skipped % self._size] = 0.0
        ring.returns[slot % self._size] = clamp(mid / ring.mid - 1.0, -1.0, 1e6)
        ring.last, ring.mid = slot, mid

    def alike(self, market: int, other: int, same_side: bool) -> float:
        """How much of a position in one market adds to a position in the other, 0..1.

        What is not known adds in full, whichever the sides are: the careful assumption for a cap. Of what is known,
        opposite sides of what moves alike add nothing, and no more do equal sides of what moves against each other.
        """
        value = self.between(market, other)
        if value is None:
            return 1.0
        return max(0.0, value if same_side else -value)

    def between(self, market: int, other: int) -> float | None:
        """The correlation of two markets, -1..1, None while it is unknown."""
        a, b = (market, other) if market < other else (other, market)
        one, two = self._rings.get(a), self._rings.get(b)
        if one is None or two is None or a == b:
            return None
        kept = self._known.get((a, b))
        if kept is not None and kept[0] == one.last and kept[1] == two.last:
            return kept[2]
        value = self._computed(one, two)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[a, b] = one.last, two.last, value
        return value

    def _computed(self, one: _Ring, two: _Ring) -> float | None:
        size = self._size
        # The returns that both rings hold: of the slots after both began, up to where the slower one is.
        first = max(one.first, two.first, max(one.last, two.last) - size) + 1
        last = min(one.last, two.last)
        n = last - first + 1
        if n < self._samples_min:
            return None
        x, y = one.returns, two.returns
        sx = sy = sxx = syy = sxy = 0.0
        for slot in range(first, last + 1):
            at = slot % size
            p, q = x[at], y[at]
            sx += p
            sy += q
            sxx += p * p
            syy += q * q
            sxy += p * q
        var_x, var_y = sxx - sx * sx / n, syy - sy * sy / n
        if not (sound(var_x) and sound(var_y) and var_x > sxx * 1e-12 and var_y > syy * 1e-12):
            return None
        return max(-1.0, min(1.0, (sxy - sx * sy / n) / (sqrt(var_x) * sqrt(var_y))))

    def save(self) -> list[RingRow]:
        """The state as plain values."""
        return [(m, r.first, r.last, r.mid, r.returns.tobytes()) for m, r in self._rings.items()]

    def checked(self, rows: list[RingRow]) -> dict[int, _Ring]:
        """What `load` takes over. ValueError where it cannot have been saved."""
        rings: dict[int, _Ring] = {}
        for market, first, last, mid, returns in rows:
            if market in rings or not 0 <= market < 1 << 16 or first > last or not sound(mid):
                raise ValueError(f"not a ring of market {market}")
            if len(returns) != 8 * self._size:
                raise ValueError(f"the ring of market {market} has another size")
            ring = rings[market] = _Ring(first, last, mid, array("d", returns))
            for value in ring.returns:
                if not abs(value) < LARGE:
                    raise ValueError(f"the ring of market {market} holds what is no number")
        return rings

    def load(self, rings: dict[int, _Ring]) -> None:
        """Take over what `checked` let through."""
        self._rings = rings
        self._known.clear()
