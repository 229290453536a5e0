from typing import Any

from sniper.viewing import MarketFacts

class Facts:
    def __init__(
        self,
        decoder: Any,
        books: Any,
        signals: Any,
        shape: type[MarketFacts],
        statuses: tuple[str, ...],
        trusts: tuple[str, ...],
    ) -> None: ...
    def of(self, market: int) -> MarketFacts: ...
