"""`sniper backtest`: what a strategy would have done over recorded frames or candles."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli import wiring
from sniper.cli.options import config_options, json_option
from sniper.cli.progress import progress
from sniper.cli.terminal import emit, note, say
from sniper.configfile import load
from sniper.errors import PermissionProblem, UsageError, installing

if TYPE_CHECKING:
    from sniper.backtesting import Result
    from sniper.feed.barfile import Bars
    from sniper.feed.bars import BarFeed, Grid
    from sniper.types import Record

NAMED = re.compile(r"([A-Za-z0-9._,-]{1,100})=(.+)", re.DOTALL)
BARS = ("paper.fill=bars", "risk.gates.slow_block_s=0")
"""What candles mean: prices inside a bar by rule, and one block a bar, however long that is."""
LONG_BARS = 50_000
HOUR_NS = 3_600_000_000_000


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@config_options
@click.option("--strategy", metavar="NAME", help="The strategy, instead of the config's.")
@click.option(
    "--markets",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Answer of GET /v4/perpetualMarkets: parameters of the markets.",
)
@click.option(
    "--spread-bps",
    type=click.FloatRange(0, 1000),
    default=1.0,
    show_default=True,
    help="Candles: of the book.",
)
@click.option(
    "--slippage-bps",
    type=click.FloatRange(0, 1000),
    default=1.0,
    show_default=True,
    help="Candles: what a taker pays besides half the spread.",
)
@click.option(
    "--depth-usd",
    type=click.FloatRange(1, 1e12),
    default=1e6,
    show_default=True,
    help="Candles: on each side of the book.",
)
@click.option("--gaps", is_flag=True, help="Candles: let bars be missing.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.html", help="Write a report."
)
@json_option
def command(
    inputs: tuple[str, ...],
    config_path: str | None,
    sets: tuple[str, ...],
    strategy: str | None,
    markets: Path | None,
    spread_bps: float,
    slippage_bps: float,
    depth_usd: float,
    gaps: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Run the engine over INPUT with a fresh paper venue: journals (.mcap), files of frames (NDJSON), or candles.

    Candles are CSV(.gz), Parquet or LEAN archives, one market a file: TICKER=FILE, or FILE where its name says which.
    """
    from sniper.backtest_document import backtest_document
    from sniper.backtesting import backtest
    from sniper.engine import Engine

    if report is not None:
        check_report(report)
    named = [split(text) for text in inputs]
    candles = are_candles([path for _, path in named])
    sets = (*sets, "trade.mode=paper", *([f"strategy.name={strategy}"] if strategy else []))
    config = load(config_path, (*sets, *BARS) if candles else sets).config
    source: dict[str, Any] = {"strategy": config.strategy.name, "fill": config.paper.fill}
    engine = Engine(wiring.settings(config))
    venue = wiring.paper(config, engine)
    if candles:
        feed = bar_feed(named, markets, gaps, spread_bps, slippage_bps, depth_usd)
        source |= {
            "input": "candles",
            "bars": feed.bars,
            "spread_bps": spread_bps,
            "slippage_bps": slippage_bps,
            "depth_usd": depth_usd,
        }
        ticks = feed.ticks(venue.due)
        sample_ns = feed.step_ns if feed.bars <= LONG_BARS else max(feed.step_ns, HOUR_NS)
        with progress("bars", feed.bars) as tell:
            result = backtest(engine, venue, ticks, lambda _: tell(feed.done), sample_ns)
    else:
        source["input"] = "frames"
        with progress("ticks", None) as tell:
            result = backtest(engine, venue, frame_ticks([path for _, path in named], markets), tell)
    document = backtest_document(engine, result, source)
    for line in remarks(document):
        note(line)
    if report is not None:
        write_report(report, engine, result, document)
    if as_json:
        emit(document)
    else:
        for line in told(document, result):
            say(line)
    return 0


def split(text: str) -> tuple[str, Path]:
    """`TICKER=FILE`, or a file alone, as (ticker or "", path)."""
    found = NAMED.fullmatch(text)
    if found is not None and not Path(text).exists():
        return found[1], Path(found[2])
    return "", Path(text)


def are_candles(paths: Sequence[Path]) -> bool:
    """Whether the inputs are candle files. UsageError where some are and others are not."""
    from sniper.feed.barfile import is_bars

    kinds = {is_bars(path) for path in paths}
    if len(kinds) > 1:
        raise UsageError("candles and frames cannot be played together", "Give inputs of one kind.")
    return True in kinds


def bar_feed(
    named: Sequence[tuple[str, Path]],
    markets: Path | None,
    gaps: bool,
    spread_bps: float,
    slippage_bps: float,
    depth_usd: float,
) -> BarFeed:
    """Candle files as ticks. UsageError for a market that nothing names, or that is given twice."""
    from sniper.feed.barfile import read
    from sniper.feed.bars import BarFeed, Quoting, grid_of, listed_in
    from sniper.feed.replay import read_markets

    listed = listed_in(read_markets(markets)) if markets is not None else None
    files: list[tuple[Grid, Bars]] = []
    for ticker, path in named:
        bars = read(path, gaps)
        ticker = ticker or bars.market
        if not ticker:
            raise UsageError(f"{path} does not say of which market it is", f"Name it: BTC-USD={path}")
        if ticker in [grid.ticker for grid, _ in files]:
            raise UsageError(f"{ticker} is given twice", "Give one file a market.")
        if listed is not None and ticker not in listed:
            raise UsageError(f"{markets} does not list {ticker}", "Correct the name, or leave out --markets.")
        grid, origin = grid_of(ticker, bars, listed[ticker] if listed is not None else None)
        note(f"{ticker}: {len(bars.start_ns):,} bars of {bars.step_ns // 10**9} s; parameters from {origin}")
        files.append((grid, bars))
    if len({bars.step_ns for _, bars in files}) > 1:
        raise UsageError("the files have bars of different lengths", "Give one resolution in all of them.")
    return BarFeed(files, Quoting(round(100 * (spread_bps + 2 * slippage_bps)), depth_usd))


def frame_ticks(paths: Sequence[Path], markets: Path | None) -> Iterator[tuple[int, list[Record]]]:
    """Ticks of journals and frame files one after the other. UsageError where a later file begins earlier."""
    from sniper.backtesting import without_venue
    from sniper.feed.replay import is_journal, ticks_of
    from sniper.journal_reader import JournalReader

    last_ns = 0
    for path in paths:
        reader = JournalReader(path) if is_journal(path) else None
        try:
            for now_ns, records in without_venue(ticks_of(path, reader, markets)):
                if now_ns < last_ns:
                    raise UsageError(
                        f"{path} begins before the input ahead of it ends", "Give them in order."
                    )
                yield now_ns, records
            last_ns = now_ns
        finally:
            if reader is not None:
                reader.close()
        markets = None


def check_report(path: Path) -> None:
    """Say now, not after a long run, that a report cannot be made."""
    from importlib.util import find_spec

    if find_spec("plotly") is None:
        raise UsageError("a report needs plotly", installing("plotly"))
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "Make it first.")
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file that could be replaced", "Give another --report.")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Give another --report.") from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionProblem(f"{path} may not be written", "Give another --report.")


def write_report(path: Path, engine: Any, result: Result, document: dict[str, Any]) -> None:
    """The page, to its place: all of it or nothing, and what was there stays until the new one is whole."""
    from sniper.report import page

    text = page(engine, result, document)
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except PermissionError:
        raise PermissionProblem(f"{path} may not be written", "Give another --report.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Give another --report.") from None
    finally:
        beside.unlink(missing_ok=True)
    note(f"report: {path}")


def remarks(document: dict[str, Any]) -> Iterator[str]:
    """What keeps the figures from meaning what they seem to mean."""
    refused, frames = document["rejected"], document["messages"]
    if refused:
        yield f"{refused:,} of {frames:,} messages were refused: 'sniper inspect' on the input says why"
    if not document["decisions"]:
        yield (
            f"nothing was decided: {document['strategy']} found no entry; "
            "docs/strategies.md says what each strategy needs, and its settings are strategy.options"
        )


FIGURES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("return", "return_ratio", lambda value: f"{100 * value:+.2f} %"),
    ("Sharpe", "sharpe", lambda value: f"{value:.2f}"),
    ("Sortino", "sortino", lambda value: f"{value:.2f}"),
    ("max drawdown", "drawdown_ratio", lambda value: f"{100 * value:.2f} %"),
    ("exposure", "exposure_ratio", lambda value: f"{100 * value:.1f} % of the time"),
    ("turnover", "turnover_ratio", lambda value: f"{value:.1f} x"),
    ("round trips", "trips", str),
    ("win rate", "win_rate", lambda value: f"{100 * value:.1f} %"),
    ("profit factor", "profit_factor", lambda value: f"{value:.2f}"),
    ("fees", "fees", lambda value: f"{value} USDC"),
    ("fee share", "fee_share", lambda value: f"{100 * value:.1f} % of the price profit"),
    ("funding", "funding", lambda value: f"{value} USDC"),
    ("funding share", "funding_share", lambda value: f"{100 * value:.1f} % of the price profit"),
)


def told(document: dict[str, Any], result: Result) -> Iterator[str]:
    """The figures, a line each."""
    score, near = document["score"], document["least_liquidation_distance"]
    yield f"{document['strategy']}: {document['ticks']:,} ticks, {document['first']} to {document['last']}"
    yield f"{'equity':18}{score['first_net']} -> {score['last_net']} USDC"
    for name, key, form in FIGURES:
        yield f"{name:18}{'-' if score[key] is None else form(score[key])}"
    nearest = "-" if near is None else f"{near['percent']:.2f} % ({near['market']}, {near['at']})"
    yield f"{'liquidation':18}{result.liquidations} times, least distance {nearest}"
    refused = sum(one["count"] for one in document["decisions"] if one["outcome"] == "refused")
    yield f"{'decisions':18}{sum(one['count'] for one in document['decisions']):,}, of them refused {refused:,}"
    yield f"{'digest':18}{document['digest']}"
