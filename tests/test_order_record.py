"""order_record: what is kept of an order."""

from __future__ import annotations

from sniper.order_record import NOTHING, Evidence, Held, OrdersSettings, Terms
from tests.ordering import STOP, Scene, intent


def test_a_replacement_on_its_way_counts_where_it_is_larger_or_lives_longer() -> None:
    held = Held(Scene().place(), intent(), 100)
    assert (held.size_max(), held.last_block(), held.short_term, held.done) == (10, 115, True, False)
    held.pending = Terms(12, 99_000, 117)
    assert (held.size_max(), held.last_block()) == (12, 117)
    held.pending = Terms(8, 99_000, 110)
    assert (held.size_max(), held.last_block()) == (10, 115)


def test_a_stateful_order_has_no_last_block() -> None:
    assert not Held(Scene().place(**STOP), intent(), 100).short_term


def test_nothing_known_is_the_usual_evidence() -> None:
    assert Evidence() == NOTHING
    assert OrdersSettings().ioc_good_til_blocks <= 10
