"""One connection: its counter, its limits, and frames that are held back, lost or spoilt."""

from __future__ import annotations

from sniper.exchange.indexer.faults import HTML, Faults, Mischief
from sniper.exchange.indexer.topics import BOOK, TRADES
from sniper.exchange.indexer.wire import HELD_MAX, Frame, Wire

SECOND_NS = 1_000_000_000


def wire(**faults: float) -> tuple[Wire, list[Frame]]:
    out: list[Frame] = []
    return Wire(7, "uuid", out, Mischief(1, Faults(**faults))), out  # type: ignore[arg-type]


def test_frames_go_out_at_once_and_in_order() -> None:
    one, out = wire()
    one.send(b"a", 1)
    one.send(b"b", 1)
    assert out == [(7, b"a", 0, ""), (7, b"b", 0, "")] and one.due_ns is None
    assert (one.reserve(), one.reserve()) == (1, 2)


def test_silence_holds_everything_back_and_then_lets_all_of_it_go() -> None:
    one, out = wire()
    one.silent_until_ns = 100
    for i in range(3):
        one.send(b"%d" % i, 10 + i)
    assert not out and (one.waiting, one.due_ns) == (3, 100)
    one.release(99)
    assert not out
    one.send(b"3", 100)
    assert not out  # order is kept
    one.release(100)
    assert [each[1] for each in out] == [b"0", b"1", b"2", b"3"] and not one.waiting


def test_a_slow_reader_gets_so_many_bytes_a_second() -> None:
    one, out = wire(slow_bytes_per_s=100)
    for _ in range(4):
        one.send(b"x" * 50, 0)
    seen = []
    for tenth in range(25):
        one.release(tenth * SECOND_NS // 10)
        seen.append(len(out))
    assert (seen[4], seen[5], seen[9], seen[10], seen[20]) == (0, 1, 1, 2, 4)


def test_who_is_too_slow_for_too_long_is_cut_off() -> None:
    one, out = wire(slow_bytes_per_s=1)
    for _ in range(HELD_MAX + 2):
        one.send(b"xx", 0)
    assert out == [(7, None, 1006, "")] and one.closed and not one.waiting


def test_what_is_held_back_is_lost_when_the_connection_ends() -> None:
    one, out = wire()
    one.silent_until_ns = 100
    one.send(b"a", 0)
    one.close(1012, "why")
    one.close(1008, "again")
    one.send(b"b", 0)
    one.release(1_000)
    assert out == [(7, None, 1012, "why")]


def test_frames_are_lost_spoilt_and_replaced() -> None:
    one, out = wire(gap=1.0)
    one.send(b"a", 0)
    assert not out
    one, out = wire(html=1.0)
    one.send(b"a", 0)
    assert out[0][1] == HTML
    one, out = wire(malformed=1.0)
    frame = b'{"type":"channel_data","message_id":12}'
    for _ in range(50):
        one.send(frame, 0)
    assert all(each[1] != frame for each in out)


def test_attempts_are_counted_by_key_within_a_second() -> None:
    one, _ = wire()
    key, other = (BOOK, "BTC-USD"), (TRADES, "BTC-USD")
    assert not one.attempts_exceed(key, 2, 0) and not one.attempts_exceed(key, 2, 1)
    assert not one.attempts_exceed(other, 2, 2)
    assert one.attempts_exceed(key, 2, SECOND_NS - 1)
    assert not one.attempts_exceed(key, 2, 2 * SECOND_NS)
    for i in range(3_000):
        one.attempts_exceed((BOOK, str(i)), 2, 5 * SECOND_NS + i * SECOND_NS)
    assert len(one._attempts) <= 1_026


def test_invalid_messages_are_counted_within_a_second() -> None:
    one, _ = wire()
    assert [one.invalid_exceed(2, at) for at in (0, 1, 2)] == [False, False, True]
    assert not one.invalid_exceed(2, 3 * SECOND_NS)
