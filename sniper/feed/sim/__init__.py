"""The embedded market: a seeded, endless stand-in for the Indexer, in-process and on simulated time.

Reading order: `universe` (which markets), `shapes` (the measured distributions), `walk` (prices), `book`
(levels), `market` (one market, block by block), `wire` (the Indexer's envelopes), `faults` (what goes
wrong), `feed` (the clock, the commands). What each knob means and how close it comes: docs/sim.md,
bench/sim_fidelity.py.

Only `random.Random.random`, integers and + - * / and square roots are used, so that a seed gives the same
bytes on every platform and Python.
"""

from sniper.feed.sim.faults import FAULT_NAMES, Faults
from sniper.feed.sim.feed import Sim
from sniper.feed.sim.universe import TICKERS

__all__ = ["FAULT_NAMES", "TICKERS", "Faults", "Sim"]
