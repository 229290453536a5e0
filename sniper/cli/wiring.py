"""Puts the parts of a run together from the config. It decides nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sniper.cli.folders import accounts_folder, create, journal_folder, state_folder
from sniper.configfile import nearest
from sniper.errors import ConfigError

if TYPE_CHECKING:
    from sniper.config import Config
    from sniper.dashboard import Dashboard, StatusLine
    from sniper.desk import DeskSettings
    from sniper.engine import Engine, Settings
    from sniper.inbox import Inbox
    from sniper.journal import Journal
    from sniper.loop import Feed, Venue
    from sniper.state import State
    from sniper.venues.paper import Paper

PAPER = "paper"
TAPE_ROOM_WAIT_S = 60.0
"""A feed on simulated or recorded time can wait for the disk; one in real time cannot (0)."""


class Opening(NamedTuple):
    """What a session begins with beside its config. It stands in the journal's header with the settings."""

    first_client_id: int
    last_client_id: int
    killed: str


def settings(config: Config, opening: Opening | None = None) -> Settings:
    """What the engine is set to."""
    from sniper.engine import Settings

    return Settings(
        tickers=() if config.feed.markets == "all" else tuple(config.feed.markets),
        watch_max=config.feed.markets_max,
        bytes_max=config.loop.bytes_max,
        records_max=config.loop.records_max,
        bars_max=config.candles.bars_max,
        stale_block_ns=round(config.feed.stale_block_s * 1e9),
        silence_ns=round(config.feed.silence_s * 1e9),
        crossed_ns=round(config.book.crossed_resubscribe_s * 1e9),
        desk=desk(config, opening) if config.trade.mode != "off" else None,
    )


def desk(config: Config, opening: Opening | None = None) -> DeskSettings:
    """What the decision half is set to. ConfigError for a strategy that does not exist or options it does not know."""
    import msgspec

    from sniper import config_section
    from sniper.account import AccountSettings
    from sniper.desk import DeskSettings
    from sniper.heights import HeightSettings
    from sniper.order_record import OrdersSettings
    from sniper.reconciling import ReconcileSettings
    from sniper.resilience import ResilienceSettings
    from sniper.risk_settings import RiskSettings, validate
    from sniper.strategies.registry import find, settings_of

    owner = {"address": owner_of(config), "subaccount": config.trade.subaccount}
    live = config.trade.mode == "live"
    more: dict[str, Any] = {}
    if live:
        more["reconcile"] = config_section.settings(ReconcileSettings, config.reconcile)
        more["heights"] = HeightSettings(on=True)
        more["resilience"] = config_section.settings(ResilienceSettings, config.resilience, on=True)
    risk = config_section.settings(RiskSettings, config.risk)
    try:
        validate(risk)
    except ValueError as error:
        raise ConfigError(str(error), "Change [risk]; 'sniper config show' prints it.") from None
    ids: dict[str, Any] = {"proof": "query"} if live else {}
    if opening is not None:
        risk = risk._replace(killed=opening.killed)
        ids |= {"first_client_id": opening.first_client_id, "last_client_id": opening.last_client_id}
    options = config.strategy.options
    settings_of(find(config.strategy.name), options)
    return DeskSettings(
        strategy=config.strategy.name,
        options=msgspec.json.encode(options, order="sorted").decode(),
        account=config_section.settings(AccountSettings, config.account, **owner),
        orders=config_section.settings(OrdersSettings, config.orders, **owner, **ids),
        risk=risk,
        **more,
    )


def owner_of(config: Config) -> str:
    """The address that trades."""
    from sniper.paper_settings import PaperSettings

    return config.trade.address or PaperSettings().address


def state(config: Config, tape: bool) -> State | None:
    """The database of the account that trades, opened; None where none is kept.

    On simulated or recorded time none is kept unless the config says so: two runs of one seed stay equal.
    """
    if config.trade.mode == "off" or config.state.enabled == "off":
        return None
    return None if tape and config.state.enabled == "auto" else open_state(config)


def open_state(config: Config, network: str = "") -> State:
    """The database of the account that trades. network: default the config's."""
    from sniper.cli.attending import alone
    from sniper.state import State
    from sniper.state_file import name_of

    owner = network or network_of(config), owner_of(config), config.trade.subaccount
    paper = owner[0] == PAPER
    try:
        also = None if paper else alone(state_folder(os.environ), name_of(*owner))
        return State(accounts_folder(config.state.folder, os.environ), *owner, reborn=paper, also=also)
    except ValueError as error:
        raise ConfigError(str(error), "Change trade.address or live.chain_id.") from None


def state_path(config: Config, folder: Path, network: str = "") -> Path:
    """Where that database lies, or would."""
    from sniper.state_file import SUFFIX, name_of

    try:
        return (
            folder
            / f"{name_of(network or network_of(config), owner_of(config), config.trade.subaccount)}{SUFFIX}"
        )
    except ValueError as error:
        raise ConfigError(str(error), "Change trade.address or live.chain_id.") from None


def network_of(config: Config) -> str:
    """The network whose orders these are: the chain, or paper, which is one of its own whatever market it looks at."""
    if config.trade.mode != "live":
        return PAPER
    from sniper.cli.live import chain_id

    return chain_id(config)


def opening(config: Config, kept: State) -> Opening:
    """What a session begins with. Latched where a kill holds and the config does not say to start all the same."""
    from sniper.state import Latched

    killed = kept.killed
    if killed and config.state.latched == "refuse":
        raise Latched(
            f"a kill holds: {killed}; nothing was started",
            "Run 'sniper unlatch --reason WHY', or start with --set state.latched=reduce to close positions only.",
        )
    return Opening(*kept.reserve(), killed)


def venue(config: Config, engine: Engine, inbox: Inbox, kept: State | None = None) -> Venue | None:
    """Where orders go, None if there are none. kept: where they are written before."""
    if engine.desk is None:
        return None
    made = paper(config, engine)
    made.start(inbox)
    if kept is None:
        return made
    from sniper.written_venue import WrittenVenue

    return WrittenVenue(made, kept, engine)


def paper(config: Config, engine: Engine) -> Paper:
    """The paper venue of an engine with a decision half, not started."""
    from sniper import config_section
    from sniper.paper_settings import PaperSettings
    from sniper.venues.paper import Paper

    settings = config_section.settings(
        PaperSettings,
        config.paper,
        address=owner_of(config),
        subaccount=config.trade.subaccount,
        seed=config.seed,
    )
    if settings.usdc_quantums < 0:
        raise ConfigError("paper.usdc_quantums: nobody begins with a debt", "Set it to 0 or more.")
    try:
        return Paper(engine.tape, engine.decoder, engine.books, settings)
    except ValueError as error:
        raise ConfigError(f"paper: {error}", "Change [paper]; 'sniper config show' prints it.") from None


def feed(config: Config) -> Feed:
    """The feed that the config names. Only a live one imports the exchange's client."""
    if config.feed.source == "sim":
        return simulated(config)
    if config.feed.source == "replay":
        from sniper.feed.replay import Replay

        return Replay(config.feed.path, markets=config.feed.markets_file or None)
    check(config)
    from sniper.feed.settings import SocketSettings
    from sniper.feed.socket import SocketFeed

    return SocketFeed(SocketSettings.of(config))


def simulated(config: Config) -> Feed:
    """The embedded market."""
    from sniper.feed.sim import Faults, Sim

    batched = config.feed.batched
    try:
        return Sim(
            seed=config.seed,
            markets=config.sim.markets,
            start_ns=config.sim.start_ns,
            candles=config.feed.candles,
            batched_orderbook=batched.orderbook,
            batched_trades=batched.trades,
            batched_markets=batched.markets,
            batched_candles=batched.candles,
            faults=Faults(**config.sim.faults.model_dump()),
        )
    except ValueError as error:
        raise ConfigError(
            str(error), "Change sim.markets or feed.candles; 'sniper config show' prints both."
        ) from None


def journal(config: Config, path: str | None, tape: bool, begins: Opening | None = None) -> Journal:
    """The journal at `path` (a folder or a file that ends in .mcap), or in the config's folder."""
    from sniper.journal import Journal
    from sniper.journal_settings import header

    target = Path(path) if path else journal_folder(config.journal.folder, os.environ)
    create(target.parent if target.suffix == ".mcap" else target)
    return Journal(
        target,
        header(settings(config, begins), config.model_dump_json(), config.seed),
        file_bytes_max=config.journal.file_mb_max * 1_000_000,
        total_bytes_max=config.journal.total_mb_max * 1_000_000,
        room_wait_s=TAPE_ROOM_WAIT_S if tape else 0.0,
    )


def display(config: Config, headless: bool) -> Dashboard | StatusLine:
    """The dashboard on a terminal, a status line elsewhere; both on standard error."""
    import sys

    from rich.console import Console

    from sniper import dashboard
    from sniper._ext.tape import RESOLUTION_NAMES

    if headless or not config.dashboard.enabled:
        return dashboard.StatusLine(sys.stderr)
    shown = config.dashboard
    resolution = RESOLUTION_NAMES.index(shown.resolution)
    return dashboard.display(
        Console(stderr=True),
        fps=shown.fps,
        ticker=shown.market,
        resolution=resolution,
        desk=config.trade.mode != "off",
    )


def check(config: Config) -> None:
    """What can be known without starting: ConfigError says what does not fit, with the arithmetic."""
    if config.feed.source == "sim":
        simulated(config)
    elif config.feed.source != "replay":
        from sniper.feed.plan import Wanted, check_fits

        markets = config.feed.markets
        tickers = [str(n) for n in range(config.feed.markets_max)] if markets == "all" else list(markets)
        check_fits(tickers, Wanted(resolutions=config.feed.candles))


def check_whole(config: Config) -> None:
    """The same and more: puts together all that a run decides with, as a run would. It starts nothing."""
    from sniper.cli import live
    from sniper.engine import Engine

    check(config)
    if config.trade.mode == "live":
        live.check(config)
    engine = Engine(settings(config))
    if engine.desk is not None:
        paper(config, engine)


def check_known(wanted: Iterable[str], key: str, tickers: list[str], source: str) -> None:
    """ConfigError for the first market that the feed does not list."""
    for ticker in wanted:
        if ticker not in tickers:
            listed = ", ".join(tickers) if len(tickers) <= 10 else f"{len(tickers)} others"
            raise ConfigError(
                f"{key}: unknown market {ticker}: {source} lists {listed}",
                f"{nearest(ticker, tickers)}Correct {key}.",
            )
