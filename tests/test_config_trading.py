"""config_trading: the sections of the trader's half, and what the parts make of them."""

from __future__ import annotations

import pytest

from sniper.account import AccountSettings
from sniper.cli import wiring
from sniper.config import Config
from sniper.errors import ConfigError
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.risk_settings import RiskSettings


def test_the_default_config_gives_every_part_its_own_defaults() -> None:
    desk = wiring.desk(Config())
    address = PaperSettings().address
    assert desk.risk == RiskSettings()
    assert desk.account == AccountSettings(address) and desk.orders == OrdersSettings(address)
    assert (desk.strategy, desk.options) == ("sniper", "{}")


def test_trading_can_be_off() -> None:
    assert wiring.settings(Config.model_validate({"trade": {"mode": "off"}})).desk is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"strategy": {"name": "snipr"}}, "snipr"),
        ({"strategy": {"options": {"colour": 1}}}, "colour"),
        ({"risk": {"ladder": {"stop_ppm": 900_000}}}, "dangers must rise"),
    ],
)
def test_what_does_not_fit_is_a_config_error(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        wiring.desk(Config.model_validate(wrong))
