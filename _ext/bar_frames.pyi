from collections.abc import Callable, Iterator
from typing import Any

from sniper.types import Record

class BarFrames:
    def __init__(
        self,
        ticker: str,
        connection_id: str,
        columns: tuple[Any, ...],
        step_ns: int,
        price_decimals: int,
        volume_decimals: int,
        tick: int,
        tick_decimals: int,
        step: int,
        step_decimals: int,
        spread_ppm: int,
        depth_usd: float,
        place: int,
    ) -> None: ...
    def put(self, records: list[Record], i: int, now_ns: int, message_id: int) -> int: ...
    def open(self, records: list[Record], i: int, now_ns: int, message_id: int) -> int: ...

class BlockFrames:
    def __init__(self, connection_id: str) -> None: ...
    def frame(self, now_ns: int, message_id: int, height: int) -> Record: ...

def merged(
    frames: list[BarFrames],
    block: BlockFrames,
    order: Callable[[], tuple[Any, Any, Any]],
    step_ns: int,
    message_id: int,
    height: int,
    due: Callable[[int], int | None],
) -> Iterator[tuple[int, list[Record]]]: ...
