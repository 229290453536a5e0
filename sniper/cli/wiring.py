"""Puts the parts of a run together from the config. It decides nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sniper.cli.folders import create, journal_folder
from sniper.configfile import nearest
from sniper.errors import ConfigError

if TYPE_CHECKING:
    from sniper.config import Config
    from sniper.dashboard import Dashboard, StatusLine
    from sniper.desk import DeskSettings
    from sniper.engine import Engine, Settings
    from sniper.inbox import Inbox
    from sniper.journal import Journal
    from sniper.loop import Feed
    from sniper.venues.paper import Paper

TAPE_ROOM_WAIT_S = 60.0
"""A feed on simulated or recorded time can wait for the disk; one in real time cannot (0)."""


def settings(config: Config) -> Settings:
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
        desk=desk(config) if config.trade.mode != "off" else None,
    )


def desk(config: Config) -> DeskSettings:
    """What the decision half is set to. ConfigError for a strategy that does not exist or options it does not know."""
    import msgspec

    from sniper import config_section
    from sniper.account import AccountSettings
    from sniper.desk import DeskSettings
    from sniper.order_record import OrdersSettings
    from sniper.risk_settings import RiskSettings, validate
    from sniper.strategies.registry import find, settings_of

    owner = {"address": owner_of(config), "subaccount": config.trade.subaccount}
    risk = config_section.settings(RiskSettings, config.risk)
    try:
        validate(risk)
    except ValueError as error:
        raise ConfigError(str(error), "Change [risk]; 'sniper config show' prints it.") from None
    options = config.strategy.options
    settings_of(find(config.strategy.name), options)
    return DeskSettings(
        strategy=config.strategy.name,
        options=msgspec.json.encode(options, order="sorted").decode(),
        account=config_section.settings(AccountSettings, config.account, **owner),
        orders=config_section.settings(OrdersSettings, config.orders, **owner),
        risk=risk,
    )


def owner_of(config: Config) -> str:
    """The address that trades."""
    from sniper.paper_settings import PaperSettings

    return config.trade.address or PaperSettings().address


def venue(config: Config, engine: Engine, inbox: Inbox) -> Paper | None:
    """Where orders go, None if there are none."""
    if engine.desk is None:
        return None
    made = paper(config, engine)
    made.start(inbox)
    return made


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


def journal(config: Config, path: str | None, tape: bool) -> Journal:
    """The journal at `path` (a folder or a file that ends in .mcap), or in the config's folder."""
    from sniper.journal import Journal
    from sniper.journal_settings import header

    target = Path(path) if path else journal_folder(config.journal.folder, os.environ)
    create(target.parent if target.suffix == ".mcap" else target)
    return Journal(
        target,
        header(settings(config), config.model_dump_json(), config.seed),
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
    from sniper.engine import Engine

    check(config)
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
