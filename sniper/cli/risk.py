"""`sniper risk`: margin and liquidation, worked out from what one has at hand."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import config_options, json_option
from sniper.cli.terminal import emit, say
from sniper.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from sniper.desk import Desk
    from sniper.explaining_moves import Moved

MOVE = re.compile(r"([^=\s]+)=([+-]?\d{1,4}(?:\.\d{1,4})?)%")
PERCENT_MAX = 1000.0
LAST_TICK = 1 << 50


@click.group()
def command() -> None:
    """Work out margin and liquidation prices, and what moves of prices would do."""


@command.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def margin(path: Path, as_json: bool) -> None:
    """Margin of accounts, one a line, as the chain computes it.

    \b
    In:  {"usdc_quantums":int,"markets":{TICKER:{the Indexer's market object}},
          "positions":[{"market":TICKER,"size_quantums":int}]}
    Out: {"net_collateral":int,"imr":int,"mmr":int,"free_collateral":int,
          "positions":[{"market":..,"notional":int,"liquidation_price":"decimal" or null}]}

    Amounts in quote quantums (10^-6 USDC). One object a line comes out, with and without --json. FILE may be -
    for standard input.
    """
    from sniper.cli.margin_lines import document, measured, read

    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    account = read(line)
                except ValueError as error:
                    raise UsageError(f"{path} line {number}: {error}") from None
                emit(document(account, measured(account)))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{path} cannot be read: {reason}") from None


def moves_of(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, int], ...]:
    """`BTC-USD=-8%`, or `*=-12%` for all that are not named, as (ticker, ppm)."""
    moves = []
    for value in values:
        found = MOVE.fullmatch(value)
        if not found:
            raise click.BadParameter(f"{value!r} is not like BTC-USD=-8%")
        percent = float(found[2])
        if not -100.0 < percent <= PERCENT_MAX:
            raise click.BadParameter(f"a price moves by more than -100 % and at most {PERCENT_MAX:g} %")
        moves.append((found[1], round(percent * 10_000)))
    return tuple(moves)


@command.command("what-if")
@click.argument("journal", required=False, type=click.Path(path_type=Path, readable=False))
@click.option("--move", "moves", multiple=True, required=True, callback=moves_of, metavar="MARKET=PERCENT%",
              help="E.g. BTC-USD=-8%; '*=-12%' for every market that is not named. Repeatable.")  # fmt: skip
@click.option("--at", metavar="TIME|TICK", help="As of then. Default: the end of the journal.")
@config_options
@json_option
def what_if(
    journal: Path | None,
    moves: tuple[tuple[str, int], ...],
    at: str | None,
    config_path: str | None,
    sets: tuple[str, ...],
    as_json: bool,
) -> int:
    """The account of JOURNAL after moves of oracle prices at one blow.

    JOURNAL: a file, or a folder: its newest run. Default: the config's folder, so the newest run there is.
    """
    from sniper.cli.step import journal_source
    from sniper.debugger_walk import Walk
    from sniper.explaining_moves import move

    names = [ticker for ticker, _ in moves]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--move {name} is given twice")
    source = journal_source(journal or newest(config_path, sets))
    try:
        walk = Walk(source, lambda difference: None)
        if at is None:
            walk.goto(LAST_TICK)
        else:
            from sniper.cli.why import tick_at

            walk.goto(tick_at(source.reader, at))
        desk = walk.engine.desk
        if desk is None:
            raise UsageError("this journal has no account: trade.mode was off", "Name another one.")
        tickers = walk.engine.decoder.tickers
        try:
            found = move(desk, dict(moves), tickers)
        except ValueError as problem:
            listed = f"It knows {', '.join(tickers[:8])}{' ..' if len(tickers) > 8 else ''}."
            raise UsageError(f"--move: {problem}", listed) from None
        if found is None:
            raise UsageError("the account cannot be computed at that tick", "Choose a later one with --at.")
        if as_json:
            emit(moved_document(walk.number, walk.engine.now_ns, desk, found))
        else:
            for line in moved_lines(desk, found):
                say(line)
    finally:
        source.close()
    return EXIT_OK


def newest(config_path: str | None, sets: tuple[str, ...]) -> Path:
    """Where the config keeps its journals. UsageError where no run left one there."""
    from sniper.cli.folders import journal_folder
    from sniper.configfile import load

    folder = journal_folder(load(config_path, sets).config.journal.folder, os.environ)
    if not folder.is_dir() or not any(folder.glob("*.mcap")):
        raise UsageError(f"no run left a journal in {folder}", "Run 'sniper run' first, or name a JOURNAL.")
    return folder


def moved_lines(desk: Desk, found: Moved) -> list[str]:
    """The account before and after, for people."""
    from sniper.account_document import RUNGS, coins, usdc

    said = [f"{'':<20} {'now':>18} {'then':>18}"]
    names = ("equity", "maintenance margin", "initial margin")
    for name, before, after in zip(names, found.before, found.after, strict=True):
        said.append(f"{name:<20} {usdc(before):>18} {usdc(after):>18}")
    if found.positions:
        said.append(f"{'position':<20} {'size':>18} {'gain':>18}  move")
    for one in found.positions:
        size = coins(desk, one.market, one.size)
        said.append(f"{one.ticker:<20} {size:>18} {usdc(one.gain):>18}  {one.move_ppm / 10_000:+g} %")
    if found.liquidated:
        said.append("it would be liquidated")
    elif found.positions:
        said.append(f"danger {found.danger_ppm / 10_000:.1f} %, on the rung: {RUNGS[found.rung]}")
    if found.limit_percent is not None:
        said.append(f"liquidated from {found.limit_percent} % of these moves on")
    elif found.positions:
        said.append("not liquidated by five times these moves either")
    else:
        said.append("no positions: prices change nothing")
    return said


def moved_document(tick: int, now_ns: int, desk: Desk, found: Moved) -> dict[str, Any]:
    """The same for `--json`. Amounts in USDC."""
    from sniper.account_document import RUNGS, coins, usdc

    def account(of: tuple[int, int, int]) -> dict[str, str]:
        net, maintenance, initial = map(usdc, of)
        free = usdc(of[0] - of[2])
        return {
            "equity": net,
            "maintenance_margin": maintenance,
            "initial_margin": initial,
            "free_collateral": free,
        }

    return {
        "schema": "sniper.what-if/1",
        "tick": tick,
        "now_ns": now_ns,
        "now": account(found.before),
        "then": account(found.after),
        "liquidated": found.liquidated,
        "danger_ppm": min(found.danger_ppm, 1 << 53),
        "rung": RUNGS[found.rung],
        "liquidated_from_percent": found.limit_percent,
        "positions": {
            one.ticker: {
                "size": coins(desk, one.market, one.size),
                "notional": usdc(one.notional),
                "move_ppm": one.move_ppm,
                "gain": usdc(one.gain),
            }
            for one in found.positions
        },
    }
