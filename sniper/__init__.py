"""sniper: a deterministic trading engine for dYdX v4 perpetual futures."""

__version__ = "0.1.0"
