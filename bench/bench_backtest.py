"""How fast backtests go: candles with `macd`, and the frames of a simulated market with the default strategy.

    python -m bench.bench_backtest [--bars 1000000] [--times 3] [--seconds 120] [--markets 50] [--json]

Wall time of one core, the best of so many runs, everything included from the columns of the bars, or the records of the
frames, in memory to the scorecard; no journal, no draw. On the bars of a random walk the default settings lose a tenth
of the equity within the first eighth, and from there on risk refuses every entry; in the row `to the end` its bounds
on losses are lifted, so that the strategy trades all the time. `read` is what it takes to get the bars out of a CSV.
Where backtesting.py is installed, a row shows it on the same bars: a crossing of two means, always in the market.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.contest import pin
from sniper.account import AccountSettings
from sniper.backtesting import Result, backtest
from sniper.desk import DeskSettings
from sniper.engine import Engine, Settings
from sniper.feed.barfile import Bars, read
from sniper.feed.bars import BarFeed, Quoting, grid_of
from sniper.feed.sim import Sim
from sniper.inbox import Inbox
from sniper.loop import Loop
from sniper.order_record import OrdersSettings
from sniper.paper_settings import PaperSettings
from sniper.risk import RiskSettings
from sniper.risk_settings import MILLION
from sniper.types import REC_FRAME, Record
from sniper.venues.paper import Paper

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
START_NS = 1_704_067_200 * 10**9


def made_bars(count: int) -> Bars:
    """A random walk round 90,000 USD that does not run away, in dollars, volumes in 10^-4 coins."""
    chance = np.random.default_rng(1)
    steps = chance.normal(0.0, 30.0, count)
    level, close = 90_000.0, np.empty(count)
    for i, step in enumerate(steps.tolist()):
        level += step + (90_000.0 - level) * 0.0005
        close[i] = level
    closes = np.maximum(np.rint(close), 1000.0).astype(np.int64)
    opens = np.concatenate([[90_000], closes[:-1]])
    highs = np.maximum(opens, closes) + chance.integers(0, 40, count)
    lows = np.minimum(opens, closes) - chance.integers(0, 40, count)
    start = START_NS + np.arange(count) * MINUTE_NS
    return Bars(start, opens, highs, lows, closes, chance.integers(1, 100_000, count), 0, 4, MINUTE_NS, "")


def decider(strategy: str, risk: RiskSettings = RiskSettings(), **paper: Any) -> tuple[Engine, Paper]:  # noqa: B008
    """A fresh engine with its venue."""
    settings = PaperSettings(**paper)
    desk = DeskSettings(
        strategy=strategy,
        risk=risk,
        account=AccountSettings(settings.address),
        orders=OrdersSettings(settings.address, last_client_id=1 << 29),
    )
    engine = Engine(Settings(desk=desk))
    return engine, Paper(engine.tape, engine.decoder, engine.books, settings)


def timed(engine: Engine, venue: Paper, ticks: Any, sample_ns: int) -> tuple[float, Result]:
    """Seconds of one backtest."""
    gc.collect()
    begun_s = perf_counter()
    result = backtest(engine, venue, ticks, None, sample_ns)
    return perf_counter() - begun_s, result


def on_bars(bars: Bars, times: int, risk: RiskSettings) -> dict[str, Any]:
    """Candles with macd."""
    count, runs = len(bars.close), []
    risk = risk._replace(
        gates=risk.gates._replace(slow_block_ns=0)
    )  # as `sniper backtest` has it: a block a bar
    for _ in range(times):
        engine, venue = decider("macd", risk, fill="bars")
        feed = BarFeed([(grid_of("BTC-USD", bars, None)[0], bars)], Quoting())
        seconds, result = timed(engine, venue, feed.ticks(venue.due), HOUR_NS)
        runs.append(round(seconds, 2))
    return {
        "bars": count,
        "seconds": min(runs),
        "us_per_bar": round(1e6 * min(runs) / count, 2),
        "trips": len(result.trips),
        "ticks": result.ticks,
        "runs": runs,
    }


def lifted() -> RiskSettings:
    """Losses keep nobody from trading, and there is something to lose."""
    settings = RiskSettings()
    gates = settings.gates._replace(
        daily_loss_ppm_max=MILLION, drawdown_ppm_max=MILLION, losses_in_row_max=1000
    )
    return settings._replace(gates=gates)


def by_backtesting(bars: Bars, times: int) -> dict[str, Any] | None:
    """The strongest peer that has orders and fees, None where it is not installed (`pip install backtesting`)."""
    try:
        import pandas
        from backtesting import Backtest, Strategy, backtesting
    except ImportError:
        return None
    backtesting._tqdm = lambda rows, **_: rows
    names = ("Open", "High", "Low", "Close")
    columns = (bars.open, bars.high, bars.low, bars.close)
    frame = pandas.DataFrame(dict(zip(names, (np.asarray(c, float) for c in columns), strict=True)))
    frame.index = pandas.to_datetime(bars.start_ns)

    def mean(prices: Any, span: int) -> Any:
        return pandas.Series(prices).ewm(span=span, adjust=False).mean().to_numpy()

    class Crossing(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.fast, self.slow = (self.I(mean, self.data.Close, span) for span in (12, 26))

        def next(self) -> None:
            above = self.fast[-1] > self.slow[-1]
            if above != (self.fast[-2] > self.slow[-2]):
                self.position.close()
                self.buy(size=0.01) if above else self.sell(size=0.01)

    runs = []
    for _ in range(times):
        run = Backtest(frame, Crossing, cash=10_000_000, commission=0.0005)
        begun_s = perf_counter()
        found = run.run()
        runs.append(round(perf_counter() - begun_s, 2))
    return {
        "bars": len(bars.close),
        "seconds": min(runs),
        "us_per_bar": round(1e6 * min(runs) / len(bars.close), 2),
        "trips": int(found["# Trades"]),
        "runs": runs,
    }


def reading(count: int) -> dict[str, Any]:
    """A CSV of candles."""
    chance = random.Random(1)
    rows = (
        f"{START_NS // 10**9 + 60 * i},90000.5,90010.0,89990.25,90001.5,{chance.random():.4f}"
        for i in range(count)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows))
        begun_s = perf_counter()
        read(path)
        return {"bars": count, "seconds": round(perf_counter() - begun_s, 2)}


class _Kept(Inbox):
    """Remembers the frames that pass."""

    def __init__(self, kept: list[Record]) -> None:
        super().__init__(1 << 16, 64 << 20)
        self._kept = kept

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes) -> bool:
        self._kept.append((recv_ns, connection, kind, data))
        return super().put(recv_ns, connection, kind, data)


def on_frames(seconds: float, markets: int) -> dict[str, Any]:
    """Frames of the sim, one a tick, with the default strategy."""
    records: list[Record] = []
    Loop(Engine(), Sim(seed=1, markets=markets), _Kept(records), speed=0).run(None, round(seconds * 1e9))
    frames = sum(record[2] == REC_FRAME for record in records)
    engine, venue = decider("sniper")
    took_s, result = timed(engine, venue, [(record[0], [record]) for record in records], MINUTE_NS)
    return {
        "frames": frames,
        "seconds": round(took_s, 2),
        "frames_per_s": round(frames / took_s),
        "decisions": len(result.decisions),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    pin()
    found: dict[str, Any] = {}
    if options.bars:
        bars = made_bars(options.bars)
        found["candles, macd"] = on_bars(bars, options.times, RiskSettings())
        found["to the end"] = on_bars(bars, options.times, lifted())
        peer = by_backtesting(bars, options.times)
        if peer:
            found["backtesting.py"] = peer
        found["read"] = reading(options.bars)
    if options.seconds:
        found["frames, sniper"] = on_frames(options.seconds, options.markets)
    if options.json:
        print(json.dumps(found))
    else:
        for name, row in found.items():
            cells = (f"{key} {value:,}" if key != "runs" else f"{key} {value}" for key, value in row.items())
            print(f"{name:16}", ", ".join(cells))


if __name__ == "__main__":
    main()
