_Cell = tuple[str, str]

def candles(
    bars: list[tuple[int, int, int, int]], rows: int, pad: int, labels: list[_Cell]
) -> list[tuple[_Cell, ...]]: ...
def volumes(
    bars: list[tuple[bool, int]], rows: int, pad: int, labels: list[_Cell]
) -> list[tuple[_Cell, ...]]: ...
