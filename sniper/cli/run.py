"""`sniper run`: the engine on a feed, with journal and dashboard."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli import live, wiring
from sniper.cli.live import asked_twice
from sniper.cli.memory import map_large
from sniper.cli.options import Seconds, config_options, json_option, markets_option, overrides
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_OK, NetworkUnavailable, SniperError

if TYPE_CHECKING:
    from sniper.config import Config
    from sniper.configfile import Loaded
    from sniper.engine import Engine
    from sniper.state import State
    from sniper.types import Command, Connection, Record


@click.command()
@config_options
@click.option("--ticks", type=click.IntRange(1), metavar="N", help="End after N ticks.")
@click.option(
    "--duration",
    "duration_s",
    type=Seconds(),
    metavar="S",
    help="End after S seconds of the feed's time.",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The same as --set seed=N.")
@markets_option
@click.option("--headless", is_flag=True, help="No dashboard: a status line every few seconds.")
@click.option("--journal", "journal_path", metavar="PATH", help="Folder or .mcap file of the journal.")
@click.option("--no-journal", is_flag=True, help="Write no journal.")
@click.option(
    "--live", "is_live", is_flag=True, help='Trade with real orders; trade.mode must be "live" as well.'
)
@click.option(
    "--passphrase-fd",
    type=click.IntRange(0, 1 << 20),
    metavar="N",
    help="Read the key's passphrase from there.",
)
@json_option
def command(
    config_path: str | None,
    sets: tuple[str, ...],
    ticks: int | None,
    duration_s: float | None,
    seed: int | None,
    markets_file: str | None,
    headless: bool,
    journal_path: str | None,
    no_journal: bool,
    is_live: bool,
    passphrase_fd: int | None,
    as_json: bool,
) -> int:
    """Run the engine on simulated, recorded or live frames.

    Without a config it runs on a simulated market. It ends with the feed, after --ticks or --duration, with
    the key q, or with Ctrl-C (twice within two seconds: at once).
    """
    if journal_path and no_journal:
        raise click.UsageError("--journal and --no-journal exclude each other")
    from sniper.configfile import load

    sets = overrides(sets, seed=seed, feed__markets_file=markets_file)
    loaded = load(config_path, sets)
    note(", ".join([f"config: {loaded.path or 'embedded default'}", *sets]))
    with_journal = journal_path is not None or (loaded.config.journal.enabled and not no_journal)
    asked_twice(loaded.config, is_live)
    if is_live and not with_journal:
        raise click.UsageError("live trading keeps a journal: what is not written down is not done")
    return run(loaded, ticks, duration_s, headless, journal_path, with_journal, as_json, passphrase_fd)


def run(
    loaded: Loaded,
    ticks: int | None,
    duration_s: float | None,
    headless: bool,
    journal_path: str | None,
    with_journal: bool,
    as_json: bool,
    passphrase_fd: int | None = None,
) -> int:
    """Put the parts together, run, and say what came of it."""
    from sniper.cli.attending import Attending
    from sniper.engine import Engine
    from sniper.inbox import Inbox
    from sniper.look import Look
    from sniper.loop import Loop
    from sniper.stopping import Stopping
    from sniper.timing import Costs

    class RunLook(Look):
        """Also notes when the run began, and refuses markets that the feed does not list."""

        first_ns = 0

        def after(self, records: Sequence[Record], commands: Iterable[Command]) -> None:
            super().after(records, commands)
            if not self.first_ns:
                self.first_ns = engine.now_ns
            if not checked and engine.decoder.markets_n:
                checked.append(True)
                check_markets(loaded, engine.decoder.tickers)
            if headless:
                tell(engine, told)

    config = loaded.config
    signer = live.signer(config, passphrase_fd) if config.trade.mode == "live" else None
    if signer is not None:
        config = live.with_owner(config, signer)
    checked: list[bool] = []
    told: list[str] = []
    feed = wiring.feed(config)
    inbox = Inbox(config.inbox.records_max, config.inbox.bytes_max)
    tape, clock_ns = feed.clock == "tape", getattr(feed, "now_ns", None)
    if not tape:
        map_large()
    with ExitStack() as stack:
        stopping = stack.enter_context(Stopping())
        state = wiring.state(config, tape)
        opening = opened(config, state, stack) if state else None
        engine = Engine(wiring.settings(config, opening))
        costs = Costs(engine.stages)
        if signer is not None and state is not None and clock_ns is not None:
            venue: Any = live.started(config, engine, signer, state, clock_ns, inbox, stack)
        else:
            venue = wiring.venue(config, engine, inbox, state)
        journal = wiring.journal(config, journal_path, tape, opening) if with_journal else None
        path = journal.status.path if journal else None
        if state and path:
            state.put([("journal", (path, state.run))])
        if journal:
            stack.enter_context(journal)
        look = RunLook(
            engine,
            source=config.feed.source,
            feed=feed,
            inbox=inbox,
            costs=costs,
            journal=journal,
            inbox_max=(config.inbox.records_max, config.inbox.bytes_max),
            mode=config.trade.mode,
        )
        attending = stack.enter_context(
            Attending(
                state.path.stem if state else f"{config.feed.source.split(':')[0]}-{os.getpid()}",
                config.trade.mode,
                config.feed.source,
                engine,
                inbox,
                clock_ns,
                partial(operated, signer, state),
                state is not None,
            )
        )
        display = wiring.display(config, headless)
        stack.enter_context(display)
        loop = Loop(
            engine,
            feed,
            inbox,
            tick_ns=config.loop.tick_ms * 1_000_000,
            speed=config.feed.speed,
            journal=journal,
            venue=venue,
            snapshot_ns=round(config.journal.snapshot_s * 1e9),
            look=look,
            costs=costs,
            display=display,
            stopping=stopping,
            attending=attending,
            clock_ns=clock_ns,
        )
        loop.run(ticks, None if duration_s is None else round(duration_s * 1e9))
        tell(engine, told)
    if journal is not None:
        status = journal.status
        if status.error:
            note(f"the journal is not whole: {status.error} ({status.missed_ticks} ticks are missing)")
        if status.files > 1:
            path = str(Path(status.path or path or "").parent)
    elapsed_s = (engine.now_ns - look.first_ns) / 1e9
    document = summary(engine, path, [connection(one, elapsed_s) for one in feed.status()])
    if as_json:
        emit(document)
    counted = f"{engine.ticks:,} ticks, {document['frames']:,} frames, {document['rejected']:,} rejected"
    note(f"{loop.ended}: {counted}, digest {engine.digest}" + (f", journal {path}" if path else ""))
    if stopping.exit_code is not None:
        return stopping.exit_code
    if feed.clock == "real" and not document["frames"]:
        raise NetworkUnavailable(
            f"no frame came from {config.feed.websocket_url}", "'sniper doctor' says where the way ends."
        )
    return EXIT_OK


def tell(engine: Engine, told: list[str]) -> None:
    """What the desk says to people, once each line. told: what was said before."""
    said = engine.desk.said if engine.desk is not None else told
    for line in said[len(told) :]:
        note(line)
        told.append(line)


def operated(signer: live.Signer | None, state: State | None, verb: str, reason: str) -> str:
    """A word of the operator: a kill must be on the disk, and those of a live session go into the audit log.

    Returns what went wrong, or nothing.
    """
    from sniper.kept_kill import kept

    wrong = [kept(state, verb, reason)] if state is not None else []
    try:
        if signer is not None:
            signer.audit.write("operator", {"word": verb, "reason": reason})
    except (OSError, SniperError) as problem:  # a full disk; a chain that somebody broke
        wrong.append(f"the audit log does not hold this word: {problem}")
    return "; ".join(one for one in wrong if one)


def opened(config: Config, state: State, stack: ExitStack) -> wiring.Opening:
    """What the session begins with, by the database, which is closed with the stack."""
    stack.callback(closed, state)
    left = state.lock.tookover
    if left is not None:
        note(f"{state.lock.path.stem}: {left} ended without closing it; its lock was taken over")
    opening = wiring.opening(config, state)
    if opening.killed:
        note(f"a kill holds: {opening.killed}; positions are closed, nothing is opened")
    return opening


def closed(state: State) -> None:
    """Close the database, and say so if something could not be written."""
    problem = state.problem
    if not state.close():
        note(f"{state.path} is not whole: {problem or 'the disk did not answer in time'}")


def check_markets(loaded: Loaded, tickers: list[str]) -> None:
    """The markets that the config names must be among those of the feed."""
    config = loaded.config
    wanted = () if config.feed.markets == "all" else config.feed.markets
    wiring.check_known(wanted, "feed.markets", tickers, config.feed.source)
    if loaded.origins["dashboard.market"] != "default":
        wiring.check_known([config.dashboard.market], "dashboard.market", tickers, config.feed.source)
    for stress in config.risk.gates.stresses if config.trade.mode != "off" else ():
        named = [ticker for ticker, _ in stress]
        if "*" not in named and not any(ticker in tickers for ticker in named):
            # it would be survived by any account: a protection that is none
            wiring.check_known(named, "risk.gates.stresses", tickers, config.feed.source)


def connection(one: Connection, elapsed_s: float) -> dict[str, Any]:
    """One connection for the document. Bytes/s are over the whole run."""
    return {
        "index": one.index,
        "name": one.name,
        "state": one.state,
        "frames": one.frames,
        "bytes": one.bytes,
        "bytes_per_s": round(one.bytes / elapsed_s, 1) if elapsed_s > 0 else None,
        "uptime_ratio": round(one.uptime_ratio, 6),
        "reconnects": one.reconnects,
        "gaps": one.gaps,
    }


def summary(engine: Engine, journal: str | None, connections: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of a run: prices are plain decimal strings, null where there is none."""
    from sniper._ext.tape import COUNTER_NAMES
    from sniper.account_document import account_document

    counters = dict(zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False))
    return {
        "schema": "sniper.run/1",
        "ticks": engine.ticks,
        "frames": counters["frames"] - venue_frames(engine),
        "rows": counters["rows"],
        "rejected": counters["rejected"],
        "rejected_levels": counters["rejected_levels"],
        "digest": engine.digest,
        "journal": journal,
        "connections": connections,
        "markets": markets(engine),
        "account": account_document(engine.desk, engine.decoder.tickers) if engine.desk else None,
    }


def venue_frames(engine: Engine) -> int:
    """Frames that came from the venue, not from the feed."""
    from sniper.trading import VENUE_CONNECTION

    return int(engine.decoder.connections["frames"][VENUE_CONNECTION]) if engine.desk else 0


def markets(engine: Engine) -> dict[str, dict[str, str | None]]:
    """Best prices of the uncrossed view, oracle price and trust of every market in the table."""
    from sniper._ext.tape import FIELD_NAMES, TRUST_NAMES
    from sniper.decimals import price_text, text

    oracle = FIELD_NAMES.index("oraclePrice")
    found: dict[str, dict[str, str | None]] = {}
    for index, ticker in enumerate(engine.decoder.tickers):
        market, top = engine.decoder.markets[index], engine.books.tops[index]
        oracle_price = text(int(market["num"][oracle]), int(market["dec"][oracle]))
        found[ticker] = {
            "best_bid": price_text(market, int(top["bid"])) if top["bid"] else None,
            "best_ask": price_text(market, int(top["ask"])) if top["ask"] else None,
            "oracle_price": oracle_price if int(market["known"]) >> oracle & 1 else None,
            "trust": TRUST_NAMES[int(top["trust"])],
        }
    return found
