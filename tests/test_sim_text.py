"""How the Indexer writes things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.sim import text


@given(st.integers(-(10**20), 10**20), st.integers(-10, 20))
def test_decimals_are_exact_and_shortest(number: int, decimals: int) -> None:
    written = text.decimal(number, decimals)
    assert Decimal(written) == Decimal(number).scaleb(-decimals)
    assert "E" not in written.upper() and "+" not in written and written != "-0"
    assert "." not in written or written[-1] != "0"
    assert not written.lstrip("-").startswith(".")
    if number >= 0:
        assert text.writer(decimals)(number) == written


@pytest.mark.parametrize(
    ("numerator", "denominator", "written"),
    [
        (224, 88_000_000, "0.00000254545454545455"),
        (-126, 88_000_000, "-0.00000143181818181818"),
        (0, 8_000_000, "0"),
        (19, 8_000_000, "0.000002375"),
    ],
)
def test_quotients_are_those_of_the_indexer(numerator: int, denominator: int, written: str) -> None:
    assert text.quotient(numerator, denominator) == written


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_iso(ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    expected = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
    assert text.iso(ms * 1_000_000 + 999_999) == expected


def test_ids_have_their_form() -> None:
    seen = {text.uuid4(Random(seed).random) for seed in range(50)}
    assert len(seen) == 50
    assert all(UUID(one).version == 4 and str(UUID(one)) == one for one in seen)
    assert text.trade_id(66_624_083, 0, 14) == "03f89a53000000020000000e"
