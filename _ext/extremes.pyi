import numpy as np
from numpy.typing import NDArray

from sniper._ext.tape import Tape

class Extremes:
    def __init__(self, tape: Tape, wanted: NDArray[np.uint8]) -> None: ...
    def of(self, height: int) -> tuple[list[tuple[int, int, int, int]], list[int], int] | None: ...
