"""The running digest of the stages written in Python."""

from __future__ import annotations

import pytest

from sniper._ext.tape import STAGE_NAMES, Tape
from sniper.running_digest import RunningDigest


def test_it_publishes_on_the_tape_and_depends_on_order() -> None:
    tape = Tape()
    one, other = RunningDigest(tape, "account"), RunningDigest(Tape(), "account")
    assert one.words() == (0, 0)
    one.fold(b"a")
    one.fold(b"b")
    other.fold(b"b")
    other.fold(b"a")
    assert one.words() != other.words()
    at = 2 * STAGE_NAMES.index("account")
    assert tuple(tape.digests[at : at + 2].tolist()) == one.words()
    assert not tape.digests[:at].any() and not tape.digests[at + 2 :].any()


def test_a_saved_digest_goes_on_where_it_stood() -> None:
    one, other = RunningDigest(Tape(), "orders"), RunningDigest(Tape(), "orders")
    one.fold(b"x")
    other.load(one.value)
    one.fold(b"y")
    other.fold(b"y")
    assert one.words() == other.words()
    with pytest.raises(ValueError, match="16 bytes"):
        other.load(b"short")
