"""The top of the command line: verbs that are imported only when they are used."""

from __future__ import annotations

import difflib
import os
from importlib import import_module

import click

from sniper import __version__
from sniper.cli.terminal import choose_color

# verb: (module with an attribute `command`, or module:attribute, what `sniper --help` says of it)
VERBS: dict[str, tuple[str, str]] = {
    "run": ("sniper.cli.run", "Run the engine on simulated, recorded or live frames."),
    "unlatch": ("sniper.cli.unlatch", "Lift the kill that an earlier run left behind, with a reason."),
    "recover": ("sniper.cli.recover", "Compare orders, fills and positions with the venue after a crash."),
    "replay": ("sniper.cli.replay", "Run the engine over a journal and compare every digest."),
    "step": ("sniper.cli.step", "Walk through a journal tick by tick, forward and back."),
    "backtest": ("sniper.cli.backtest", "Run a strategy over recorded frames or candles, with paper orders."),
    "bench": ("sniper.cli.bench", "Measure the kernels on a file of frames."),
    "inspect": ("sniper.cli.inspect", "Say what is in a journal or a file of frames, and how good it is."),
    "risk": ("sniper.cli.risk", "Work out margin and liquidation prices, now and after moves of prices."),
    "why": ("sniper.cli.why", "Explain what was decided at a tick, and what it would have taken."),
    "drill": ("sniper.cli.drill", "Rehearse a disaster: a falling market, a feed that goes silent."),
    "explain": (
        "sniper.cli.explain",
        "Explain an order: its mechanism, its limits, what a crash leaves of it.",
    ),
    "venue": ("sniper.cli.venue", "Run a local stand-in exchange: Indexer, node, faucet, faults on order."),
    "keys": ("sniper.cli.keys", "Keep keys in encrypted files, and permit them to trade and no more."),
    "audit": ("sniper.cli.audit", "Check the log of key use, orders and operator commands."),
    "doctor": ("sniper.cli.doctor", "Check this machine, the config and the endpoints."),
    "status": ("sniper.cli.operate:status", "Say how a running instance stands."),
    "orders": ("sniper.cli.operate:orders", "List the open orders of a running instance."),
    "positions": ("sniper.cli.operate:positions", "List the positions of a running instance."),
    "pause": ("sniper.cli.operate:pause", "Tell a running instance to open nothing new."),
    "reduce": ("sniper.cli.operate:reduce", "Tell a running instance to give back its positions."),
    "kill": ("sniper.cli.operate:kill", "Tell a running instance to close everything and stay closed."),
    "resume": ("sniper.cli.operate:resume", "Lift pause, reduce or kill."),
    "new": ("sniper.cli.new", "Begin a strategy of your own."),
    "config": ("sniper.cli.config", "Show, check, describe or write the config."),
}


class LazyGroup(click.Group):
    """A click group that knows its verbs by name and imports the module of one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of the table, not of the alphabet."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, imported now; None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name or "command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs from the table alone: click would import every module for its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a did-you-mean for an unknown verb."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"there is no command {args[0]}{'.' if hint else ''}{hint}", ctx)
        return super().resolve_command(ctx, args)


def _choose_color(ctx: click.Context, param: click.Parameter, choice: str) -> None:
    """Applied while the options are read, so that an error in what follows has the right colour."""
    choose_color(choice, os.environ)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: sniper run. Every command has --help. Exit codes are in the README.",
)
@click.version_option(__version__, prog_name="sniper")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    expose_value=False,
    callback=_choose_color,
    help="Colour; auto obeys NO_COLOR, FORCE_COLOR and TERM=dumb.",
)
def sniper() -> None:
    """A deterministic trading engine for dYdX v4 perpetual futures."""
