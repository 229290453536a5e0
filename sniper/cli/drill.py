"""`sniper drill`: a disaster on order, through the real engine, told tick by tick."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import config_options, json_option
from sniper.cli.terminal import emit, note, say
from sniper.errors import EXIT_DIFFERENCES, EXIT_OK, ConfigError, UsageError

if TYPE_CHECKING:
    from sniper.config import Config
    from sniper.drill import Moment, Outcome
    from sniper.drill_market import Script
    from sniper.paper_settings import PaperSettings

MILLION = 1_000_000
SECOND_NS = 1_000_000_000
CALM_NS = 5 * SECOND_NS
"""How long all is quiet before it falls."""
OVER_S_MAX = 3600.0
NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
CRASH = re.compile(rf"{NUMBER}%/{NUMBER}(ms|s|m)")
TIME = re.compile(rf"{NUMBER}(ms|s|m)")
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(number: str, unit: str) -> float:
    """A length of time as written."""
    return float(number) * UNITS_S[unit]


def crash_of(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """`12%/90s`: how far and in what time, as (ppm, ns)."""
    found = CRASH.fullmatch(value)
    if not found:
        raise click.BadParameter(f"{value!r} is not like 12%/90s")
    percent, over_s = float(found[1]), seconds(found[2], found[3])
    if not 0.0 < percent <= 90.0 or not 0.0 < over_s <= OVER_S_MAX:
        raise click.BadParameter("a fall is above 0 % and at most 90 %, in at most an hour")
    return round(percent * 10_000), round(over_s * SECOND_NS)


def length_of(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """`20s`: a length of time, as ns."""
    found = TIME.fullmatch(value)
    if not found or seconds(found[1], found[2]) > OVER_S_MAX:
        raise click.BadParameter(f"{value!r} is not like 20s, at most an hour")
    return round(seconds(found[1], found[2]) * SECOND_NS)


@click.command()
@click.option(
    "--crash", callback=crash_of, required=True, metavar="12%/90s", help="How far and in what time."
)
@click.option("--drop-feed", "deaf_ns", callback=length_of, default="0s", metavar="20s",
              help="The feed is silent for so long, from a third of the fall on.")  # fmt: skip
@click.option("--leaps", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="Fall in so many leaps at random times; 1: a gap within one block, 0: evenly.")  # fmt: skip
@click.option("--depth", type=click.FloatRange(0.1, 1000.0), default=25.0, show_default=True,
              help="Sizes in the books, percent of the sim's.")  # fmt: skip
@click.option(
    "--leverage", type=click.FloatRange(0.1, 50.0), help="To begin with. Default: the config's maximum."
)
@click.option("--market", "markets", multiple=True, help="Held in equal parts. Default: BTC-USD and ETH-USD.")
@click.option("--seed", type=click.IntRange(min=0), help="Default: the config's.")
@click.option(
    "--journal", "journal_path", metavar="PATH", help="Keep a journal of it there, for why, step and replay."
)
@config_options
@json_option
def command(
    crash: tuple[int, int],
    deaf_ns: int,
    leaps: int,
    depth: float,
    leverage: float | None,
    markets: tuple[str, ...],
    seed: int | None,
    journal_path: str | None,
    config_path: str | None,
    sets: tuple[str, ...],
    as_json: bool,
) -> int:
    """Let the market fall under an account at its maximum leverage, and tell what the engine does.

    The engine, the strategy and the risk settings are those of the config; the market is the sim with a script, and
    the paper venue trades on the market as it is, not as a silent feed shows it. Exit code 8 where the account was
    liquidated although an exit existed.
    """
    from sniper.configfile import load
    from sniper.drill import Drill
    from sniper.drill_market import Script
    from sniper.feed.sim import TICKERS

    config = load(config_path, sets).config
    if config.trade.mode == "off":
        raise ConfigError("trade.mode is off: there is nothing to drill", "--set trade.mode=paper.")
    tickers = markets or ("BTC-USD", "ETH-USD")
    for ticker in tickers:
        if ticker not in TICKERS or tickers.count(ticker) > 1:
            raise UsageError(f"--market {ticker}: not a market of the sim, or given twice")
    fall_ppm, over_ns = crash
    script = Script(
        tuple((ticker, -fall_ppm) for ticker in tickers),
        CALM_NS,
        over_ns,
        deaf_from_ns=CALM_NS + over_ns // 3,
        deaf_ns=deaf_ns,
        steps=leaps,
        depth_ppm=round(depth * 10_000),
    )
    leverage_ppm = config.risk.gates.leverage_ppm_max if leverage is None else round(leverage * MILLION)
    chosen = config.seed if seed is None else seed
    moments: list[dict[str, Any]] = []

    def tell(moment: Moment) -> None:
        if as_json:
            moments.extend([moment_document(moment)] if moment.said else [])
        else:
            for line in lines(moment):
                say(line)

    from sniper.cli import wiring

    journal = wiring.journal(config, journal_path, True) if journal_path else None
    try:
        drill = Drill(
            script, chosen, wiring.settings(config), paper(config, chosen), leverage_ppm, tell, journal
        )
        outcome = drill.run()
    finally:
        if journal is not None:
            journal.close()
    if as_json:
        emit(document(script, chosen, leverage_ppm, outcome, moments))
    else:
        for line in ending(outcome):
            say(line)
    if outcome.way_out_ns is not None:
        note("the account was liquidated although an exit existed")
        return EXIT_DIFFERENCES
    return EXIT_OK


def paper(config: Config, seed: int) -> PaperSettings:
    """The venue of the config."""
    from sniper import config_section
    from sniper.cli.wiring import owner_of
    from sniper.paper_settings import PaperSettings

    made: PaperSettings = config_section.settings(
        PaperSettings,
        config.paper,
        address=owner_of(config),
        subaccount=config.trade.subaccount,
        seed=seed,
    )
    if made.usdc_quantums <= 0:
        raise ConfigError("paper.usdc_quantums: a drill begins with an equity above 0", "Raise it.")
    return made


def lines(moment: Moment) -> list[str]:
    """One tick as it is told: where the account stands, and below it what happened."""
    from sniper.drill import RUNGS

    prices = "  ".join(f"{ticker} {price:,.6g}" for ticker, price in moment.prices)
    distance = f"{moment.sigmas:5.1f} sigmas" if moment.sigmas < 1e6 else "  far away  "
    head = (
        f"{moment.ns / SECOND_NS:7.2f} s  tick {moment.tick:<6d} {prices}  equity {moment.net / MILLION:,.2f}  "
        f"danger {moment.danger_ppm / 10_000:5.1f} %  {distance}  {RUNGS[moment.rung]}"
        f"{'  (feed silent)' if moment.deaf else ''}"
    )
    return [head, *(f"           {said}" for said in moment.said)]


def ending(outcome: Outcome) -> list[str]:
    """How it ended, in words."""
    said = [
        f"kept {outcome.kept_ppm / 10_000:.1f} % of the equity, at the lowest {outcome.lowest_ppm / 10_000:.1f} %"
    ]
    if outcome.at_once_ppm is not None:
        said.append(f"flattening at the first rung would have kept {outcome.at_once_ppm / 10_000:.1f} %")
    if outcome.liquidated and outcome.way_out_ns is not None:
        said.append(f"LIQUIDATED, although an exit existed at {outcome.way_out_ns / SECOND_NS:.2f} s")
    elif outcome.liquidated:
        at = f" at {outcome.liquidated_ns / SECOND_NS:.2f} s" if outcome.liquidated_ns is not None else ""
        said.append(f"liquidated{at}: a loss beyond reach, no rung held in time for any book to help")
    else:
        said.append(
            "not liquidated; " + ("everything is closed" if outcome.flat else "positions are still open")
        )
    return said


def moment_document(moment: Moment) -> dict[str, Any]:
    """A moment for `--json`."""
    return {
        "tick": moment.tick,
        "seconds": moment.ns / SECOND_NS,
        "equity": moment.net,
        "maintenance": moment.maintenance,
        "rung": moment.rung,
        "feed_silent": moment.deaf,
        "prices": dict(moment.prices),
        "said": list(moment.said),
    }


def document(
    script: Script, seed: int, leverage_ppm: int, outcome: Outcome, moments: list[dict[str, Any]]
) -> dict[str, Any]:
    """The whole drill for `--json`; equities of moments in quote quantums."""
    return {
        "schema": "sniper.drill/1",
        "seed": seed,
        "moves_ppm": dict(script.moves),
        "seconds": script.over_ns / SECOND_NS,
        "feed_silent_seconds": script.deaf_ns / SECOND_NS,
        "leverage_ppm": leverage_ppm,
        "liquidated": outcome.liquidated,
        "exit_existed": outcome.way_out_ns is not None,
        "exit_existed_early": outcome.early_out_ns is not None,
        "kept_ppm": outcome.kept_ppm,
        "lowest_ppm": outcome.lowest_ppm,
        "at_once_ppm": outcome.at_once_ppm,
        "flat": outcome.flat,
        "rungs": [{"seconds": ns / SECOND_NS, "rung": rung} for ns, rung in outcome.rungs],
        "digest": outcome.digest,
        "moments": moments,
    }
