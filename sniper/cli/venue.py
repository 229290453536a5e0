"""`sniper venue`: a local dYdX v4 to rehearse against."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import Seconds, json_option
from sniper.cli.terminal import emit, note
from sniper.errors import EXIT_OK, UsageError, installing

if TYPE_CHECKING:
    from sniper.exchange.node.server import Certificate
    from sniper.exchange.running import Ports, Running

HERE = "."
MILLION = 1_000_000
SECOND_NS = 1_000_000_000
SHORT_NS = SECOND_NS
"""So much of a recording has been played when the venue opens."""
PULSES = 400
"""So many times the books of the past moved at least; later they do as often as is usual."""
PORT = click.IntRange(0, 65_535)


@click.command()
@click.option("--scenario", "scenario_path", metavar="FILE", help="A schedule of faults (TOML).")
@click.option("--random-faults", "random_s", type=Seconds(), metavar="S",
              help="A schedule drawn from the seed, spread over S seconds.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N",
              help="Of the market and of all chance.")  # fmt: skip
@click.option("--markets", "wanted", default="8", show_default=True, metavar="N|TICKERS",
              help="How many of the simulated markets, or which: BTC-USD,ETH-USD.")  # fmt: skip
@click.option(
    "--recording", metavar="FILE", help="Serve a journal or a file of frames as the market instead."
)
@click.option("--markets-file", metavar="FILE", help="The market table of a recording that has none.")
@click.option("--warm-up", "warm_s", type=Seconds(), metavar="S",
              help="So long has the simulated market lived when it opens. [20]")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No flow: nobody trades but who connects.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where Indexer and node listen.")
@click.option("--port", type=PORT, default=3002, show_default=True,
              help="Of the Indexer, REST and WebSocket. 0 is a free one, here and below.")  # fmt: skip
@click.option("--grpc-port", type=PORT, default=9090, show_default=True, help="Of the node.")
@click.option("--control-port", type=PORT, default=3004, show_default=True,
              help="Of faucet and control, on 127.0.0.1 always.")  # fmt: skip
@click.option("--self-signed", is_flag=True, help="TLS with a certificate that nobody has a reason to trust.")
@click.option(
    "--certificate", "certificate_paths", nargs=2, metavar="CERT KEY", help="TLS with this one (PEM)."
)
@click.option("--record", is_flag=False, flag_value=HERE, metavar="[=FILE]",
              help="Write what a client is sent; FILE may end in .gz.")  # fmt: skip
@click.option("--duration", "duration_s", type=Seconds(), metavar="S", help="End after S seconds.")
@click.option(
    "--faults", "list_faults", is_flag=True, help="List every fault that a scenario can name, and end."
)
@json_option
def command(
    scenario_path: str | None,
    random_s: float | None,
    seed: int,
    wanted: str,
    recording: str | None,
    markets_file: str | None,
    warm_s: float | None,
    quiet: bool,
    host: str,
    port: int,
    grpc_port: int,
    control_port: int,
    self_signed: bool,
    certificate_paths: tuple[str, str] | None,
    record: str | None,
    duration_s: float | None,
    list_faults: bool,
    as_json: bool,
) -> int:
    """Run a stand-in dYdX v4 on this machine: Indexer, node, faucet, a market that moves, and faults on order.

    What speaks to testnet speaks to it: the official client, and sniper itself. It runs until Ctrl-C. The test
    accounts have public mnemonics; money is worth nothing here.
    """
    import time

    check_extra()
    if scenario_path and random_s:
        raise click.UsageError("--scenario and --random-faults exclude each other")
    if self_signed and certificate_paths:
        raise click.UsageError("--self-signed and --certificate exclude each other")
    if list_faults:
        show_faults(as_json)
        return EXIT_OK
    from sniper.exchange import scenario
    from sniper.exchange.genesis import HouseSettings
    from sniper.exchange.house import House
    from sniper.exchange.recorder import RecordedIndexer
    from sniper.exchange.running import Ports, Running, run
    from sniper.stopping import Stopping

    settings = HouseSettings(
        seed=seed,
        markets=chosen(wanted),
        recording=recording or "",
        markets_file=markets_file or "",
        start_ns=time.time_ns(),
        warm_up_ns=warm_up_ns(recording, warm_s),
        quiet=quiet,
    )
    plan = scenario.read(scenario_path) if scenario_path else scenario.CALM
    if random_s:
        plan = scenario.generated(seed, random_s, tickers(settings.markets))
    end_s = float("inf")
    coarse = settings._replace(pulse_ns=max(settings.pulse_ns, settings.warm_up_ns // PULSES))
    house = House(coarse, scenario.CALM, RecordedIndexer)
    house.settings = settings
    while not recording and time.time_ns() - house.now_ns > SECOND_NS:
        house.advance(time.time_ns())  # its past took its time
    house.begin(plan)
    with tempfile.TemporaryDirectory(prefix="sniper-venue-") as folder, Stopping() as stopping:
        certificate = tls(folder, self_signed or plan.tls == "self-signed", certificate_paths)
        running = Running(house, Ports(host, port, grpc_port, control_port), certificate, file_of(record))

        def started(one: Running) -> None:
            nonlocal end_s
            end_s = time.monotonic() + duration_s if duration_s else end_s
            say(one, certificate, as_json)

        run(running, started, lambda: stopping.exit_code is not None or time.monotonic() >= end_s)
    if running.recorder is not None:
        note(f"{running.recorder.frames:,} frames are in {running.recorder.path}")
        if running.recorder.error:
            note(f"the recording is not whole: {running.recorder.error}")
    note(f"ended at height {house.chain.height} after {house.blocks:,} blocks")
    return EXIT_OK if stopping.exit_code is None else stopping.exit_code


def warm_up_ns(recording: str | None, warm_s: float | None) -> int:
    """How much of the market's life lies behind it when the venue opens."""
    from sniper.exchange.genesis import HouseSettings

    if recording:
        return SHORT_NS
    return HouseSettings().warm_up_ns if warm_s is None else round(warm_s * SECOND_NS)


def check_extra() -> None:
    """UsageError where the packages of the extra are not installed."""
    missing = [name for name in ("aiohttp", "grpc", "v4_proto") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"sniper venue needs the package {missing[0]}, which is not installed",
            installing("aiohttp cryptography"),
        )


def chosen(wanted: str) -> int | tuple[str, ...]:
    """`8` or `BTC-USD,ETH-USD`."""
    if wanted.isascii() and wanted.isdigit():
        return int(wanted)
    return tuple(part.strip() for part in wanted.split(",") if part.strip())


def tickers(markets: int | tuple[str, ...]) -> list[str]:
    """The names of the simulated markets that were chosen."""
    from sniper.feed.sim.universe import select

    try:
        return [spec.ticker for spec in select(markets)]
    except ValueError as error:
        raise UsageError(
            str(error), "--markets takes a number or tickers of the simulated universe."
        ) from None


def file_of(record: str | None) -> Path | None:
    """Where to record: the given file, or one of the moment's name in this folder."""
    if record is None:
        return None
    return Path(f"venue-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ndjson.gz" if record == HERE else record)


def tls(folder: str, self_signed: bool, paths: tuple[str, str] | None) -> Certificate | None:
    """The certificate to serve with, None for plain sockets."""
    from sniper.exchange import certificates
    from sniper.exchange.node.server import Certificate

    if paths:
        return Certificate(Path(paths[0]), Path(paths[1]))
    if self_signed:
        return certificates.self_signed(Path(folder), datetime.now(UTC))
    return None


def addresses(ports: Ports, secure: bool) -> dict[str, str]:
    """Where everything is."""
    s = "s" if secure else ""
    return {
        "rest": f"http{s}://{ports.host}:{ports.indexer}",
        "websocket": f"ws{s}://{ports.host}:{ports.indexer}/v4/ws",
        "grpc": f"{ports.host}:{ports.node}",
        "faucet": f"http://127.0.0.1:{ports.control}",
        "control": f"http://127.0.0.1:{ports.control}/state",
    }


def say(running: Running, certificate: Certificate | None, as_json: bool) -> None:
    """What one must know to use it, one line each."""
    from sniper.exchange.accounts import ACCOUNTS

    house, settings = running.house, running.house.settings
    where = addresses(running.ports, certificate is not None)
    point = f"sniper run --set feed.source={where['websocket']} --set feed.rest_url={where['rest']}"
    real = (
        f"--set trade.mode=live --set live.chain_id={settings.chain_id} "
        f"""--set 'live.nodes=["{where["grpc"]}"]' --set live.key=KEY --live"""
    )
    if certificate is not None:
        point += f" --set feed.ca_file={certificate.chain}"
        real += f" --set live.ca_file={certificate.chain}"
    else:
        real += " --set live.tls=false"
    if as_json:
        emit(
            {
                "schema": "sniper.venue/1",
                "chain_id": settings.chain_id,
                "seed": settings.seed,
                "scenario": house.scenario.name,
                "markets": [terms.ticker for terms in house.chain.markets().values()],
                **where,
                "certificate": str(certificate.chain) if certificate else None,
                "recording": str(running.recorder.path) if running.recorder else None,
                "accounts": [
                    {
                        "address": one.address,
                        "mnemonic": one.mnemonic,
                        "wallet_quantums": settings.wallet_quote,
                        "subaccount_quantums": settings.subaccount_quote,
                    }
                    for one in ACCOUNTS
                ],
            }
        )
        return
    lines = [
        f"chain     {settings.chain_id}, height {house.chain.height}, seed {settings.seed}, "
        f"{len(house.chain.markets())} markets",
        f"rest      {where['rest']}",
        f"websocket {where['websocket']}",
        f"grpc      {where['grpc']}" + ("" if certificate else " (no TLS)"),
        f"faucet    {where['faucet']}/faucet/tokens",
        f"control   {where['control']}",
        *(
            f"account   {one.address} {settings.wallet_quote // MILLION:,} USDC in the wallet, "
            f"{settings.subaccount_quote // MILLION:,} in subaccount 0; public mnemonic: {one.mnemonic}"
            for one in ACCOUNTS
        ),
    ]
    if house.scenario.events:
        lines.append(
            f"scenario  {house.scenario.name or 'without a name'}: {len(house.scenario.events)} events"
        )
    if certificate is not None:
        lines.append(f"tls       {certificate.chain}")
    if running.recorder is not None:
        lines.append(f"recording {running.recorder.path}")
    lines.append(f"try       {point}")
    lines.append(f"live      {point} {real}")
    secure = "https" if certificate is not None else "http"
    trusting = f" --ca-file {certificate.chain}" if certificate is not None else ""
    lines.append(
        "key       sniper keys authorize KEY --owner OWNER --market TICKER --subaccount 0 --network local "
        f"--node {secure}://{where['grpc']}{trusting}"
    )
    lines.append(
        "note      this chain began now: give live runs a state.folder of their own, or recover refuses"
    )
    for line in lines:
        click.echo(line)


def show_faults(as_json: bool) -> None:
    """Every fault, where it strikes, what it takes."""
    from sniper.exchange.control import faults_document

    document: dict[str, Any] = faults_document()
    if as_json:
        emit(document)
        return
    for one in document["faults"]:
        takes = ", ".join(f"{name} = {about['default']!r}" for name, about in one["parameters"].items())
        length = "" if one["lasts"] else " (once)"
        click.echo(
            f"{one['side']:6}  {one['fault']:15} {one['what']}{length}" + (f" [{takes}]" if takes else "")
        )
