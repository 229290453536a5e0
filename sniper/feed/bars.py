"""Candles as ticks, in messages that the venue itself could have sent.

At the end of each bar comes one tick: the trades that drew it (open, the extreme nearer to the open, the other one,
close; a quarter of the volume each), a book of one level a side round the close, the close as oracle price, and a
block whose time is the end of the bar, so that the bar closes with its own tick. Where the paper venue has something
to do before that, a tick with the bar's open goes ahead. What happens to orders inside a bar is the affair of the
paper venue's fill model `bars`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from sniper._ext.bar_frames import BarFrames, BlockFrames, merged
from sniper.errors import UsageError
from sniper.feed.barfile import Bars
from sniper.feed.sim.text import writer
from sniper.feed.sim.universe import QUANTUM_EXPONENT, UNIVERSE
from sniper.types import REC_FRAME, REC_REST, Record

TickRecords = tuple[int, list[Record]]
Due = Callable[[int], int | None]
CONNECTION_ID: Final = "00000000-0000-4000-8000-000000000000"
HEAD: Final = f'"connection_id":"{CONNECTION_ID}","message_id":'
FIRST_HEIGHT: Final = 1_000_000
OPEN_INTEREST_USD: Final = 1_000_000_000
"""Of a market whose listing is not given: so much that no order of ours is a large part of it."""
COMPLETE: Final = "Complete it: --markets takes the answer of GET /v4/perpetualMarkets."


class Grid(NamedTuple):
    """What a market needs to be traded: the Indexer's market object, and its tick and step as numbers with decimals."""

    ticker: str
    listed: Mapping[str, object]
    tick: int
    tick_decimals: int
    step: int
    step_decimals: int


class Quoting(NamedTuple):
    """The book that candles do not know. spread_ppm: between its two levels, of the close; depth_usd: on each."""

    spread_ppm: int = 300
    depth_usd: float = 1_000_000.0


def grid_of(ticker: str, bars: Bars, listed: Mapping[str, object] | None) -> tuple[Grid, str]:
    """The market of a candle file and where its parameters come from: `listed` (the Indexer's market object), the
    simulated listing, or the digits of the bars. UsageError where a given object has no grid."""
    if listed is not None:
        return _grid(ticker, dict(listed)), "the markets file"
    spec = UNIVERSE.get(ticker)
    found: dict[str, object] = {
        "clobPairId": "0",
        "ticker": ticker,
        "status": "ACTIVE",
        "quantumConversionExponent": QUANTUM_EXPONENT,
        "stepBaseQuantums": 1_000_000,
        "marketType": "CROSS",
        "openInterest": writer(0)(OPEN_INTEREST_USD * 10**bars.price_decimals // int(bars.close[0]) + 1),
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "nextFundingRate": "0",
        "defaultFundingRate1H": "0",
    }
    if spec is not None:
        tick_decimals, step_decimals = spec.tick_decimals, spec.step_decimals
        resolution, subticks = spec.atomic_resolution, spec.subticks_per_tick
        fractions = spec.initial_margin, spec.maintenance_margin
        found["clobPairId"] = str(spec.clob_pair)
        source = "the simulated listing"
    else:
        # tickSize = subticksPerTick * 10 ** (-15 - atomicResolution), stepSize = 10 ** (6 + atomicResolution)
        step_decimals = bars.volume_decimals
        resolution = -6 - step_decimals
        tick_decimals = min(bars.price_decimals, 15 + resolution)
        subticks = int(10 ** (15 + resolution - tick_decimals))
        fractions = "0.1", "0.05"
        source = "the digits of its bars, with margins of 10 % and 5 %"
        if tick_decimals < 0:
            raise UsageError(f"{ticker} has volumes of too many decimals to make a market of", COMPLETE)
    found |= {
        "atomicResolution": resolution,
        "subticksPerTick": subticks,
        "tickSize": writer(tick_decimals)(1),
        "stepSize": writer(step_decimals)(1),
        "initialMarginFraction": fractions[0],
        "maintenanceMarginFraction": fractions[1],
    }
    return _grid(ticker, found), source


def _grid(ticker: str, listed: Mapping[str, object]) -> Grid:
    try:
        (tick, tick_decimals), (step, step_decimals) = (
            _decimal(str(listed[name])) for name in ("tickSize", "stepSize")
        )
    except (KeyError, ValueError):
        raise UsageError(f"the markets file has no tickSize and stepSize for {ticker}", COMPLETE) from None
    return Grid(ticker, listed, tick, tick_decimals, step, step_decimals)


def _decimal(text: str) -> tuple[int, int]:
    """A positive plain decimal as (number, decimals). ValueError on anything else."""
    whole, _, fraction = text.partition(".")
    number = int(whole + fraction)
    if number <= 0 or len(fraction) > 18 or not (whole + fraction).isdecimal():
        raise ValueError(text)
    return number, len(fraction)


class BarFeed:
    """The ticks of one or more candle files of the same resolution, merged by the time at which bars end."""

    def __init__(self, files: Sequence[tuple[Grid, Bars]], quoting: Quoting = Quoting()) -> None:  # noqa: B008
        self._files = files
        self._block = BlockFrames(CONNECTION_ID)
        self._frames = [
            BarFrames(
                grid.ticker,
                CONNECTION_ID,
                (bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume),
                bars.step_ns,
                bars.price_decimals,
                bars.volume_decimals,
                grid.tick,
                grid.tick_decimals,
                grid.step,
                grid.step_decimals,
                quoting.spread_ppm,
                quoting.depth_usd,
                place,
            )
            for place, (grid, bars) in enumerate(files)
        ]
        self.bars = sum(len(bars.start_ns) for _, bars in files)
        self.done = 0
        """How many of them are over."""
        self.step_ns = files[0][1].step_ns

    def ticks(self, due: Due) -> Iterator[TickRecords]:
        """First the markets and subscriptions at the begin of the first bar, then a tick for each end of bars.

        due: when the venue next has something to do (`Venue.due`). Where that is before the end of the next bar,
        1 ms after the bar's begin comes a tick with its open, then one without records whenever the venue is due.
        """
        first_id = 1 + 2 * len(self._files)
        bars = merged(self._frames, self._block, self._order, self.step_ns, first_id, FIRST_HEIGHT, due)
        return chain(self._begin(), bars)

    def _begin(self) -> Iterator[TickRecords]:
        first_ns = min(int(bars.start_ns[0]) for _, bars in self._files)
        yield first_ns, self._subscribed(first_ns)

    def _order(self) -> tuple[Any, Any, Any]:
        """(begin of bar, place of its file, number in it) of all bars, by time, then by place: int64 arrays."""
        if len(self._files) == 1:
            starts = self._files[0][1].start_ns
            return starts, np.zeros(len(starts), np.int64), np.arange(len(starts))
        starts = np.concatenate([bars.start_ns for _, bars in self._files])
        places = np.concatenate([np.full(len(bars.start_ns), i) for i, (_, bars) in enumerate(self._files)])
        numbers = np.concatenate([np.arange(len(bars.start_ns)) for _, bars in self._files])
        order = np.lexsort((places, starts))
        return starts[order], places[order], numbers[order]

    def _subscribed(self, first_ns: int) -> list[Record]:
        listed = json.dumps(
            {"markets": {grid.ticker: grid.listed for grid, _ in self._files}}, sort_keys=True
        )
        texts = [f'{{"type":"connected",{HEAD}0}}']
        for channel, contents in (("v4_trades", '{"trades":[]}'), ("v4_orderbook", '{"bids":[],"asks":[]}')):
            for grid, _ in self._files:
                head = f'{{"type":"subscribed",{HEAD}{len(texts)},"channel":"{channel}","id":"{grid.ticker}"'
                texts.append(f'{head},"contents":{contents}}}')
        frames: list[Record] = [(first_ns, 0, REC_FRAME, text.encode()) for text in texts]
        return [(first_ns, 0, REC_REST, b"perpetualMarkets 200 \n" + listed.encode()), *frames]


def listed_in(body: bytes) -> dict[str, Any]:
    """The market objects of a perpetualMarkets answer by ticker."""
    found = json.loads(body)["markets"]
    return found if isinstance(found, dict) else {}
