"""Settings that make every built-in strategy trade within minutes of a simulated market, for proofs about decisions.

Thresholds are low and costs are left out; the way from rows to orders is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sniper.desk import Decided
from sniper.risk_settings import RiskSettings
from sniper.strategies.registry import BUILT_IN
from sniper.trading import Approved

FREE: dict[str, Any] = {
    "costs_min": 0.0,
    "taker_fee_ppm": 0.0,
    "spread_bps_max": 100.0,
    "cooldown_s": 5.0,
    "weight_min": 0.001,
}
EAGER: dict[str, dict[str, Any]] = {
    "sniper": {"enter_score": 60.0, "leave_score": 58.0, "hold_ms": 500, "hold_max_s": 20.0, "terms": FREE},
    "macd": {
        "resolution": "1MIN",
        "confirm": [],
        "confirm_min": 0,
        "adx_min": 0.0,
        "atr_bps_min": 0.0,
        "volume": [0.01, 0.01],
        "width_bps_min": 0.0,
        "window_bars": 5,
        "histogram_atr": [0.001, 0.001],
        "stop_atr": [10.0, 10.0],
        "target_atr": [40.0, 40.0],
        "enter_score": [50.0, 50.0],
        "terms": FREE,
    },
    "funding": {
        "hold_hours": 1000.0,
        "risk_share": 0.0,
        "samples_min": 1,
        "lead_s_max": 3600.0,
        "hold_ms": 500,
        "check_s": 1.0,
        "enter_score": 50.0,
        "leave_score": 50.0,
        "hold_max_s": 20.0,
        "terms": FREE,
    },
    "cross_market": {
        "pairs": [["BTC-USD", "ETH-USD"], ["SOL-USD", "DOGE-USD"], ["XRP-USD", "SUI-USD"]],
        "select_s": 5.0,
        "sample_s": 1.0,
        "window": 30,
        "samples_min": 15,
        "correlation_min": 0.01,
        "enter_z": 1.0,
        "leave_z": 0.5,
        "exit_z": 0.1,
        "lag_min": 0.05,
        "lag_sigmas": 1.0,
        "lag_hold_s": 5.0,
        "hold_ms": 0,
        "trade_spreads": True,
        "trade_lag": True,
        "terms": FREE,
    },
}
"""By strategy: what it is set to."""
assert set(EAGER) == set(BUILT_IN), "every built-in strategy must be made to trade"


def settings(strategy: str, **others: Any) -> dict[str, Any]:
    """What `paper_run.engine` is to be called with; there is no pause after losses. others: more options of it."""
    risk = RiskSettings()
    return {
        "strategy": strategy,
        "options": json.dumps(EAGER[strategy] | others),
        "risk": risk._replace(gates=risk.gates._replace(losses_in_row_max=1000)),
    }


def entries(decisions: Iterable[Decided]) -> int:
    """How many entries were let through."""
    return sum(
        isinstance(one.outcome, Approved) and one.outcome.intent.purpose == "entry" for one in decisions
    )
