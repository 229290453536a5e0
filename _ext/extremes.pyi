from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sniper._ext.tape import Tape
from sniper.venues.terms import Price

class Extremes:
    def __init__(self, tape: Tape, wanted: NDArray[np.uint8]) -> None: ...
    def of(self, height: int) -> tuple[list[tuple[int, int, int, int]], list[int], int] | None: ...

class Bounds:
    def __init__(
        self,
        tape: Tape,
        wanted: NDArray[np.uint8],
        oracle: dict[int, Price],
        price: Callable[[tuple[int, int]], Price],
    ) -> None: ...
    def set(self, until_ns: int, bounds: Sequence[tuple[int, int, int, int]]) -> None: ...
    def passed(self, height: int) -> int: ...
