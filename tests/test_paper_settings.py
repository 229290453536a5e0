"""Settings of the paper venue."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sniper.named import from_plain, to_plain
from sniper.paper_settings import PaperSettings
from sniper.venues.models import checked, slots, tier_now


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"fill": "magic"}, "fill: no such model: 'magic'; there are queue, trades, through, bars"),
        ({"fee": "magic"}, "fee: no such model"),
        ({"latency": "magic"}, "there are instant, near, usual, far"),
        ({"cancel_share_ppm": 1_000_001}, "cancel_share_ppm: 1000001, at most 1000000"),
        ({"lost_ppm": -1, "orders_max": 0}, "lost_ppm: -1, at least 0; orders_max: 0, at least 1"),
        ({"subaccount": 128_000}, "subaccount: 128000, at most 127999"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked(PaperSettings(**more))


def test_they_stand_in_a_header_as_plain_values() -> None:
    settings = PaperSettings(start_positions=(("BTC-USD", "1", "2"),), fee="own")
    text = msgspec.json.encode(to_plain(settings))
    assert from_plain(PaperSettings, msgspec.json.decode(text)) == checked(settings)


def test_equity_tiers() -> None:
    settings = PaperSettings()
    assert [slots(settings, usd * 10**6) for usd in (-5, 0, 19, 20, 150, 5_000, 99_999, 10**7)] == [
        0, 0, 0, 1, 5, 10, 100, 200,
    ]  # fmt: skip


def test_the_fee_tier_of_the_moment() -> None:
    assert tier_now(PaperSettings(fee="own", taker_ppm=7, maker_ppm=-3), 10**15)[1:] == (7, -3)
    settings = PaperSettings(fee="tiers", volume_30d_usd=4_999_999)
    assert tier_now(settings, 0).taker_ppm == 450 and tier_now(settings, 10**6).taker_ppm == 400
