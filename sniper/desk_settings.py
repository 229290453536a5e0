"""What the decision half is set to, and how a decision of it is shown."""

from __future__ import annotations

from typing import NamedTuple

from sniper.account import AccountSettings
from sniper.funding import FundingSettings
from sniper.heights import HeightSettings
from sniper.order_record import OrdersSettings
from sniper.reconciling import NO_RECONCILING, ReconcileSettings
from sniper.resilience import ResilienceSettings
from sniper.risk import RiskSettings
from sniper.trading import Approved, Refused, Withdraw
from sniper.trips import TripSettings


class DeskSettings(NamedTuple):
    """What the decision half is set to. options: the strategy's own settings as JSON."""

    strategy: str = "sniper"
    options: str = "{}"
    account: AccountSettings = AccountSettings()
    funding: FundingSettings = FundingSettings()
    trips: TripSettings = TripSettings()
    orders: OrdersSettings = OrdersSettings()
    risk: RiskSettings = RiskSettings()
    reconcile: ReconcileSettings = NO_RECONCILING
    resilience: ResilienceSettings = ResilienceSettings()
    heights: HeightSettings = HeightSettings()


class Decided(NamedTuple):
    """One decision as it is shown: what was wanted and what became of it."""

    tick: int
    now_ns: int
    outcome: Approved | Refused | Withdraw
