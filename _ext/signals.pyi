import numpy as np
from numpy.typing import NDArray

from sniper._ext.candles import Candles
from sniper._ext.orderbook import Books
from sniper._ext.tape import Tape

SIGNAL_FIELDS: tuple[str, ...]
SIGNAL_TABLE: tuple[tuple[str, str, str, str, str, str, str], ...]
SIGNALS: tuple[str, ...]
PART_DTYPE: np.dtype[np.void]
PART_NAMES: tuple[str, ...]
INDICATOR_COLUMNS: tuple[str, ...]

class Signals:
    tape: Tape
    scores: NDArray[np.float64]
    sigmas: NDArray[np.float64]
    drifts: NDArray[np.float64]
    resolutions: tuple[int, ...]
    markets_max: int
    def __init__(
        self,
        tape: Tape,
        markets: NDArray[np.void],
        books: Books,
        candles: Candles,
        *,
        resolutions: tuple[int, ...] = (0, 1, 2, 4),
        markets_max: int = 0,
    ) -> None: ...
    def step(self) -> object: ...
    def apply(self, n: int) -> None: ...
    def update(self, now_ns: int) -> None: ...
    def changed(self) -> list[int]: ...
    def row(self, market: int) -> tuple[float, ...]: ...
    def ready(self, market: int) -> int: ...
    def parts(self, market: int) -> dict[str, float]: ...
    def indicators(self, market: int, resolution: int) -> tuple[int | bool | float, ...]: ...
    def digest(self) -> tuple[int, int]: ...
    def save(self) -> bytes: ...
    def load(self, state: bytes) -> None: ...

def indicators_of(bars: NDArray[np.float64], minutes: int = 1) -> NDArray[np.float64]: ...
