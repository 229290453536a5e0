"""The sections of the trader's half: most are made out of the settings of the modules that they set."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sniper.account import AccountSettings
from sniper.config_base import Section
from sniper.config_section import section
from sniper.live_settings import LiveSettings
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.reconciling import ReconcileSettings
from sniper.resilience import ResilienceSettings
from sniper.risk_settings import RiskSettings

ORDERS_WITHOUT = ("address", "subaccount", "writer", "first_client_id", "last_client_id", "proof")
PAPER_WITHOUT = ("address", "subaccount", "seed", "start_positions")
RISK_WITHOUT = ("account", "killed")
"""Fields that are not knobs: they follow from the account, the venue or the run."""

LIVE_WITHOUT = ("address", "subaccount", "authenticators")
RESILIENCE_WITHOUT = ("on",)

AccountConfig: Any = section(AccountSettings, ("address", "subaccount"))
OrdersConfig: Any = section(OrdersSettings, ORDERS_WITHOUT)
RiskConfig: Any = section(RiskSettings, RISK_WITHOUT)
PaperConfig: Any = section(PaperSettings, PAPER_WITHOUT)
ReconcileConfig: Any = section(ReconcileSettings)
ResilienceConfig: Any = section(ResilienceSettings, RESILIENCE_WITHOUT)
_Live: Any = section(LiveSettings, LIVE_WITHOUT)


class LiveConfig(_Live):  # type: ignore[misc]
    """The node side of live trading, and the key that signs: a name of 'sniper keys show'."""

    key: str = ""
    owner_key: bool = False


class TradeConfig(Section):
    """Whether to trade, and as whom."""

    mode: Literal["off", "paper", "live"] = "paper"
    address: str = ""
    subaccount: int = Field(default=0, ge=0, le=127)


class StrategyConfig(Section):
    """Which strategy decides. options: its own settings; a key that it does not know is an error."""

    name: str = "sniper"
    options: dict[str, Any] = Field(default_factory=dict)
