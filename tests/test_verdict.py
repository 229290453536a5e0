"""What the rehearsals' judge makes of a history of orders."""

from __future__ import annotations

import pytest

from sniper.trading import Place
from tests.verdict import History, _ids

FIRST = Place(17, 2, "SOL-USD", 1, 54, 18809, "short_term", "gtt", False, 1587, 0, "", 0, "entry", "a test")
LONGER = FIRST._replace(good_til_block=1588, price_ticks=18808)
KNOWN = {17: object()}


@pytest.mark.parametrize(
    ("history", "wrong"),
    [
        ([FIRST, LONGER], ""),
        ([FIRST, LONGER, 17, LONGER], ""),  # a refused one never stood
        ([FIRST, LONGER, 17, LONGER, 17, LONGER._replace(good_til_block=1589)], ""),
        ([FIRST, LONGER, LONGER], "one id for two intents"),
        ([FIRST, 17, FIRST], "one id for two intents"),
        ([FIRST, LONGER, 17, FIRST], "one id for two intents"),
        ([FIRST, LONGER, 17, LONGER, LONGER], "one id for two intents"),
        ([FIRST, 18, LONGER._replace(side=0)], "one id for two intents"),
        ([FIRST, LONGER._replace(market=1)], "one id for two intents"),
        ([FIRST, LONGER._replace(purpose="exit")], "one id for two intents"),
        ([FIRST, LONGER._replace(time_in_force="ioc")], "sent twice"),
        ([FIRST, LONGER._replace(kind="long_term")], "sent twice"),
    ],
)
def test_no_id_stands_for_two_intents(history: History, wrong: str) -> None:
    assert _ids(history, KNOWN) == ([f"order 17: {wrong}"] if wrong else [])


def test_an_order_that_the_engine_does_not_know_is_told() -> None:
    assert _ids([FIRST, LONGER], {}) == ["order 17: forgotten"]
