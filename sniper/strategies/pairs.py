"""Two markets side by side: how far their ratio is from its own mean, and whether one runs ahead of the other.

Everything is sampled on a grid of tape time and costs the same however long it runs. Means, variances and
covariances are averages over the first samples and then exponential ones over `window` samples.
"""

from __future__ import annotations

from math import sqrt

from sniper.strategies.parts import LARGE, clamp, sound

PairRow = tuple[int, int, int, int, tuple[float, ...]]
FIGURES = (
    "anchor",
    "mean",
    "variance",
    "first_mid",
    "second_mid",
    "first_return",
    "second_return",
    "first_square",
    "second_square",
    "together",
    "first_leads",
    "second_leads",
)


class Pair:
    """The figures of one pair of markets.

    samples: how many were taken. mean, variance: of the ratio of the mids over its first value. first_return,
    second_return: of the newest sample. first_square, second_square, together: mean squares and product of the
    returns. first_leads: mean product of a return of the first with the next one of the second; second_leads the
    other way.
    """

    __slots__ = ("first", "samples", "second", "slot", *FIGURES)

    anchor: float
    mean: float
    variance: float
    first_mid: float
    second_mid: float
    first_return: float
    second_return: float
    first_square: float
    second_square: float
    together: float
    first_leads: float
    second_leads: float

    def __init__(self, first: int, second: int) -> None:
        self.first, self.second = first, second
        self.samples, self.slot = 0, 0
        for name in FIGURES:
            setattr(self, name, 0.0)

    def sample(self, slot: int, first_mid: float, second_mid: float, window: int) -> None:
        """Both mids at the end of a slot. After a slot that was missed the returns begin anew."""
        if not (sound(first_mid) and sound(second_mid)):
            return
        n = self.samples = self.samples + 1
        share = 1.0 / min(n, window)
        if n == 1:
            self.anchor = first_mid / second_mid
        off = first_mid / second_mid / self.anchor - self.mean
        self.mean += share * off
        self.variance = (1.0 - share) * (self.variance + share * off * off)
        if n > 1 and slot == self.slot + 1:
            # Returns of a half or more are errors of a price: they must not fill the averages for an hour.
            first = clamp(first_mid / self.first_mid - 1.0, -0.5, 0.5)
            second = clamp(second_mid / self.second_mid - 1.0, -0.5, 0.5)
            self.first_square += share * (first * first - self.first_square)
            self.second_square += share * (second * second - self.second_square)
            self.together += share * (first * second - self.together)
            self.first_leads += share * (self.first_return * second - self.first_leads)
            self.second_leads += share * (self.second_return * first - self.second_leads)
            self.first_return, self.second_return = first, second
        else:
            self.first_return = self.second_return = 0.0
        self.slot, self.first_mid, self.second_mid = slot, first_mid, second_mid

    @property
    def deviation(self) -> float:
        """Of the ratio, as a fraction of its mean; 0 while unknown."""
        return sqrt(self.variance) / self.mean if self.variance > 0.0 and sound(self.mean) else 0.0

    def z(self, first_mid: float, second_mid: float) -> float:
        """How many deviations the ratio is above its mean with these mids; 0 while unknown."""
        deviation = self.deviation
        if not (sound(deviation) and sound(first_mid) and sound(second_mid)):
            return 0.0
        return clamp((first_mid / second_mid / self.anchor / self.mean - 1.0) / deviation, -1e6, 1e6)

    @property
    def correlation(self) -> float:
        """Of the returns of one slot, about zero means; 0 while unknown."""
        return _normed(self.together, self.first_square, self.second_square)

    def leads(self, first: bool) -> float:
        """Correlation of the returns of the first (else the second) market with the next ones of the other."""
        product = self.first_leads if first else self.second_leads
        return _normed(product, self.first_square, self.second_square)

    def expected(self, first: bool) -> float:
        """The next return of the other market that the newest one of the first (else the second) lets expect."""
        product, square, newest = (
            (self.first_leads, self.first_square, self.first_return)
            if first
            else (self.second_leads, self.second_square, self.second_return)
        )
        return clamp(product / square * newest, -0.5, 0.5) if sound(square) else 0.0

    def move(self, first: bool) -> float:
        """The newest return of the first (else the second) market, in its own deviations."""
        square, newest = (
            (self.first_square, self.first_return) if first else (self.second_square, self.second_return)
        )
        return newest / sqrt(square) if sound(square) else 0.0

    def row(self) -> PairRow:
        """All figures as plain values, for `save`."""
        return (
            self.first,
            self.second,
            self.samples,
            self.slot,
            tuple([getattr(self, name) for name in FIGURES]),
        )

    @staticmethod
    def of(row: PairRow) -> Pair:
        """A pair from a saved row. ValueError where it cannot have been saved."""
        first, second, samples, slot, figures = row
        good = len(figures) == len(FIGURES) and 0 <= first < 1 << 16 and 0 <= second < 1 << 16
        if not good or first == second or samples < 0:
            raise ValueError(f"not a pair: {first}, {second}")
        pair = Pair(first, second)
        pair.samples, pair.slot = samples, slot
        for name, value in zip(FIGURES, figures, strict=True):
            if not abs(value) < LARGE:
                raise ValueError(f"a pair with a {name} that is no number")
            setattr(pair, name, value)
        if samples and not (sound(pair.anchor) and sound(pair.first_mid) and sound(pair.second_mid)):
            raise ValueError("a pair without prices")
        return pair


def _normed(product: float, square: float, other: float) -> float:
    if not (sound(square) and sound(other)):
        return 0.0
    return clamp(product / (sqrt(square) * sqrt(other)), -1.0, 1.0)
