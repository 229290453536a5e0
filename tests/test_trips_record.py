"""trips_record: what a round trip that is over came to."""

from __future__ import annotations

import msgspec

from sniper.trading import BUY, SELL
from sniper.trips_record import ClosedTrip, OpenTrip, Plan

LONG = ClosedTrip(
    1, 0, 0, BUY, 4, 100.0, 104.0, 1, 2, 90, 120, "s", "why", "exit", "done", 400, 30, -20, 110.0, 97.0
)


def test_what_it_brought_and_how_far_the_price_went() -> None:
    assert (LONG.net, LONG.favourable_ticks, LONG.adverse_ticks) == (350, 10.0, 3.0)
    short = LONG._replace(side=SELL, best_ticks=95.0, worst_ticks=101.0)
    assert (short.favourable_ticks, short.adverse_ticks) == (5.0, 1.0)
    assert LONG._replace(best_ticks=99.0, worst_ticks=101.0)[-2:] == (99.0, 101.0)
    assert LONG._replace(best_ticks=99.0).favourable_ticks == 0.0


def test_an_open_one_is_the_same_after_writing_it_down() -> None:
    trip = OpenTrip(3, 5, Plan(80, 120, "s", "why"), -7, 9, 9, 900, 2, 190, 4, -1, 1.5, 2.5)
    assert msgspec.json.decode(msgspec.json.encode(trip), type=OpenTrip) == trip
