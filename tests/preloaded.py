"""What a forked interpreter has imported: what a live session needs, but for gRPC, which does not outlive a fork."""

from __future__ import annotations

import importlib
import sys

NAMES = (
    "sniper.__main__",
    "sniper.audit_thread",
    "sniper.cli.attending", "sniper.cli.audit", "sniper.cli.keys", "sniper.cli.live", "sniper.cli.recover",
    "sniper.cli.replay", "sniper.cli.run", "sniper.cli.wiring", "sniper.configfile", "sniper.engine",
    "sniper.keys.trading", "sniper.loop", "sniper.reconcile", "sniper.recovery", "sniper.recovery_rest",
    "sniper.replaying", "sniper.written_venue",
)  # fmt: skip
for name in NAMES:
    importlib.import_module(name)
assert "grpc" not in sys.modules, "its threads would be missing in every process"
