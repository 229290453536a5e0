"""risk_settings: what does not fit together is refused with a reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sniper.named import from_plain, to_plain
from sniper.risk_settings import GateSettings, LadderSettings, RiskSettings, SizingSettings, validate


def test_the_defaults_fit_together_and_go_through_a_header() -> None:
    validate(RiskSettings())
    text = msgspec.json.encode(to_plain(RiskSettings()))
    assert from_plain(RiskSettings, msgspec.json.decode(text)) == RiskSettings()


def gates(**fields: Any) -> RiskSettings:
    return RiskSettings(gates=GateSettings(**fields))


def ladder(**fields: Any) -> RiskSettings:
    return RiskSettings(ladder=LadderSettings(**fields))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (gates(drawdown_ppm_max=1_000_001), r"gates\.drawdown_ppm_max: 1000001, at most 1000000"),
        (gates(order_usd_max=-1), r"gates\.order_usd_max: -1, at least 0"),
        (gates(orders_per_s_max=5, orders_reserved=5), "orders_reserved"),
        (gates(order_usd_min=30_000), "order_usd_min above"),
        (gates(equity_tiers=((100, 5), (20, 1))), "equity_tiers must rise"),
        (gates(equity_tiers=((0, -1),)), "equity_tiers must rise"),
        (gates(stresses=((("*", -1_000_000),),)), "a stress moves a price"),
        (ladder(stop_ppm=0), "begin above 0"),
        (ladder(cancel_ppm=600_000), "dangers must rise"),
        (ladder(flatten_sigmas=5.0), "distances must fall"),
        (ladder(hysteresis_ppm=0), r"ladder\.hysteresis_ppm"),
        (ladder(stop_sigmas=float("nan")), r"ladder\.stop_sigmas"),
        (RiskSettings(sizing=SizingSettings(distance_sigmas_min=7.0)), "distance_sigmas_min below"),
        (RiskSettings(account=-1), "account: -1"),
    ],
)
def test_what_is_wrong_is_named(settings: RiskSettings, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        validate(settings)
