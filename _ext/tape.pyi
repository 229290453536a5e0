from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

EVENT_DTYPE: np.dtype[np.void]
MARKET_DTYPE: np.dtype[np.void]
TRADE_DTYPE: np.dtype[np.void]
CANDLE_DTYPE: np.dtype[np.void]

KIND_NAMES: tuple[str, ...]
CHANNEL_NAMES: tuple[str, ...]
REASON_NAMES: tuple[str, ...]
RESOLUTION_NAMES: tuple[str, ...]
RESOLUTION_NS: tuple[int, ...]
LINK_NAMES: tuple[str, ...]
ENDPOINT_NAMES: tuple[str, ...]
TRUST_NAMES: tuple[str, ...]
STATUS_NAMES: tuple[str, ...]
FIELD_NAMES: tuple[str, ...]
STAGE_NAMES: tuple[str, ...]
VERB_NAMES: tuple[str, ...]
COUNTER_NAMES: tuple[str, ...]

def sparse(count: int, dtype: DTypeLike) -> NDArray[Any]: ...

class Tape:
    rows: NDArray[np.void]
    others: NDArray[np.uint32]
    used: NDArray[np.int64]
    digests: NDArray[np.uint64]
    counters: NDArray[np.int64]
    trades: NDArray[np.void]
    candles: NDArray[np.void]
    markets: NDArray[np.void]
    bytes_max: int
    records_max: int
    rows_max: int
    def __init__(self, bytes_max: int = ..., records_max: int = ...) -> None: ...
