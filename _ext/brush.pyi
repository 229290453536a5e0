from collections.abc import Callable, Collection, Mapping, Sequence

class Brush:
    def __init__(
        self,
        prefixes: Mapping[str, bytes],
        filled: Collection[str],
        swaps: Mapping[str, dict[int, int]],
        clean: Callable[[str], str],
    ) -> None: ...
    def write(self, data: bytes) -> None: ...
    def paint(
        self,
        shown: list[tuple[tuple[str, str], ...]],
        moves: list[bytes],
        rows: Sequence[tuple[tuple[str, str], ...]],
    ) -> int: ...
    def take(self) -> bytes: ...
