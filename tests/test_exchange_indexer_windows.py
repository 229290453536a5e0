"""Fixed windows: counted by client and bucket, opened by the first request, closed by time."""

from __future__ import annotations

from sniper.exchange.indexer import windows
from tests.exchange_chain import MS, START_NS


def test_windows_are_bounded_and_the_oldest_is_forgotten() -> None:
    found = windows.Windows(2)
    bucket = windows.Bucket("b", 1)
    for client in ("a", "b", "c"):
        assert not found.spend(bucket, client, 1, START_NS).over
    assert found.spend(bucket, "c", 1, START_NS).over and not found.spend(bucket, "a", 1, START_NS).over


def test_a_window_ends_at_its_time_whatever_was_spent_in_it() -> None:
    found, bucket = windows.Windows(9), windows.Bucket("b", 2, 1_000)
    spent = [found.spend(bucket, "a", 1, START_NS + at * MS) for at in (0, 999, 999, 1_000)]
    assert [(each.left, each.wait_ms, each.over) for each in spent] == [
        (1, 1_000, False),
        (0, 1, False),
        (0, 1, True),
        (1, 1_000, False),
    ]
    assert windows.headers(bucket, spent[2], START_NS)["Retry-After"] == "1"
