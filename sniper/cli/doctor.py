"""`sniper doctor`: is this machine fit to run, in plain words."""

from __future__ import annotations

import os
import pkgutil
import platform
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sniper import __version__, errors
from sniper.cli.folders import journal_folder, state_folder
from sniper.cli.options import config_options, json_option
from sniper.cli.terminal import emit, wants_color

if TYPE_CHECKING:
    from sniper.config import Config

LIBRARIES = (
    "dydx-v4-client",
    "numpy",
    "rich",
    "click",
    "tomli-w",
    "pydantic",
    "msgspec",
    "mcap",
    "zstandard",
)
OK, DOUBT, BAD = "ok", "doubt", "bad"
COLORS = {OK: 32, DOUBT: 33, BAD: 31}
# Which of several failures names the exit code: what must be put right first.
ORDER = (errors.EXIT_CONFIG, errors.EXIT_PERMISSION, errors.EXIT_DIFFERENCES, errors.EXIT_NETWORK)


class Check(NamedTuple):
    """One thing that was looked at. exit_code matters where the state is "bad"."""

    group: str
    name: str
    state: str
    text: str
    values: Mapping[str, Any] = {}
    exit_code: int = errors.EXIT_DIFFERENCES


@click.command()
@config_options
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 60.0), default=5.0, show_default=True)
@json_option
def command(config_path: str | None, sets: tuple[str, ...], timeout_s: float, as_json: bool) -> int:
    """Check versions, kernels, clock, terminal, config, folders and endpoints.

    Exit codes: 0 fit, 3 the config is wrong, 4 a folder may not be used, 5 the endpoints cannot be reached,
    8 anything else is wrong.
    """
    from sniper.cli.wiring import check_whole
    from sniper.config import Config
    from sniper.configfile import load

    checks = [*versions(), *kernels(), *clock(), *terminal()]
    config = Config()
    try:
        loaded = load(config_path, sets)
        config = loaded.config
        check_whole(config)
        checks.append(Check("config", "config", OK, f"{loaded.path or 'the embedded default'} is valid"))
    except errors.SniperError as error:
        checks.append(Check("config", "config", BAD, str(error), exit_code=error.exit_code))
    checks += folders(config, os.environ)
    checks += endpoints(config, timeout_s)
    failed = {check.exit_code for check in checks if check.state == BAD}
    code = next((code for code in ORDER if code in failed), errors.EXIT_OK)
    verdict = conclusion(checks, code)
    if as_json:
        emit(
            {
                "schema": "sniper.doctor/1",
                "version": __version__,
                "verdict": verdict,
                "exit_code": code,
                "checks": [check._asdict() for check in checks],
            }
        )
    else:
        show(checks, verdict)
    return code


def versions() -> Iterator[Check]:
    """Python, the platform and the libraries, without importing any of them."""
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    text = f"{python} on {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    yield Check(
        "versions", "python", OK if fits else BAD, text if fits else f"{text}: 3.11 or 3.12 is needed"
    )
    yield Check("versions", "sniper", OK, __version__)
    for name in LIBRARIES:
        try:
            yield Check("versions", name, OK, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check("versions", name, BAD, "is not installed: run 'make build'")


def kernels() -> Iterator[Check]:
    """Every kernel loads, and how they were compiled."""
    folder = import_module("sniper._ext").__path__
    names = sorted({module.name for module in pkgutil.iter_modules(folder)} | sources(folder))
    broken: dict[str, str] = {}
    for name in names:
        try:
            import_module(f"sniper._ext.{name}")
        except ImportError as error:
            broken[name] = str(error)
    for name, text in broken.items():
        yield Check("kernels", name, BAD, f"does not load: {text}; run 'make build'")
    yield Check("kernels", "loaded", DOUBT if broken else OK, ", ".join(n for n in names if n not in broken))
    if "compiled" in names and "compiled" not in broken:
        from sniper._ext import compiled

        text = f"{compiled.FLAGS} (compiler {compiled.COMPILER}, Cython {compiled.CYTHON})"
        state = DOUBT if compiled.DEBUG else OK
        yield Check("kernels", "build", state, f"{'a slow debug build: ' if compiled.DEBUG else ''}{text}")


def sources(folder: Any) -> set[str]:
    """The kernels whose source is there: one that was never built must not go unnoticed."""
    return {path.stem for part in folder for path in Path(part).glob("*.pyx")}


def clock() -> Iterator[Check]:
    """A monotonic clock that moves, and a UTC clock that is neither in the past nor jumping."""
    resolution_s = time.get_clock_info("monotonic").resolution
    wall_ns, steady_ns = time.time_ns(), time.monotonic_ns()
    time.sleep(0.02)
    steady_s, wall_s = (time.monotonic_ns() - steady_ns) / 1e9, (time.time_ns() - wall_ns) / 1e9
    moves = steady_s >= 0.019 and resolution_s <= 1e-6
    text = f"resolution {resolution_s * 1e9:.0f} ns"
    yield Check(
        "clock", "monotonic", OK if moves else BAD, text if moves else f"{text}: too coarse to time a tick"
    )
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    # This very file cannot be from the future.
    if time.time() < os.stat(__file__).st_mtime - 86_400:
        yield Check("clock", "utc", BAD, f"{now} is in the past: set the clock (NTP)")
    elif abs(wall_s - steady_s) > 0.01:
        text = f"{now}, moved {(wall_s - steady_s) * 1e3:+.0f} ms in 20 ms: it is being set"
        yield Check("clock", "utc", DOUBT, text)
    else:
        yield Check("clock", "utc", OK, now)


def terminal() -> Iterator[Check]:
    """Whether the dashboard can be drawn here."""
    size = shutil.get_terminal_size()
    name = os.environ.get("TERM", "not set")
    color = "colour" if wants_color(sys.stderr, os.environ) else "no colour"
    coding = (sys.stdout.encoding or "").lower()
    text = f"TERM {name}, {size.columns}x{size.lines}, {color}, {coding or 'unknown encoding'}"
    if not (sys.stdout.isatty() or sys.stderr.isatty()):
        yield Check("terminal", "terminal", OK, "not a terminal: status lines instead of the dashboard")
    elif size.columns < 80 or size.lines < 24:
        yield Check("terminal", "terminal", DOUBT, f"{text}: the dashboard needs 80x24")
    elif coding.replace("-", "") != "utf8":
        yield Check("terminal", "terminal", DOUBT, f"{text}: bars and frames need UTF-8, set LANG=C.UTF-8")
    else:
        yield Check("terminal", "terminal", OK, text)


def folders(config: Config, environ: Mapping[str, str]) -> Iterator[Check]:
    """Can the state and the journals be written, are they ours alone, is there room."""
    journals = journal_folder(config.journal.folder, environ)
    for name, folder in (("state", state_folder(environ)), ("journals", journals)):
        there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            text = f"{folder} may not be written ({there}: {reason})"
            yield Check("folders", name, BAD, text, exit_code=errors.EXIT_PERMISSION)
            continue
        free_mb = shutil.disk_usage(there).free // 1_000_000
        values = {"path": str(folder), "exists": folder.exists(), "free_mb": free_mb}
        mode = stat.S_IMODE(folder.stat().st_mode) if folder.exists() else 0o700
        if mode & 0o077:
            text = f"{folder} is open to other users: run 'chmod 700 {folder}'"
            yield Check("folders", name, DOUBT, text, values)
        elif name == "journals" and free_mb < config.journal.total_mb_max:
            text = f"{folder} has {free_mb} MB free, journal.total_mb_max is {config.journal.total_mb_max}"
            yield Check("folders", name, DOUBT, text, values)
        else:
            text = f"{folder}{'' if folder.exists() else ' will be made'}, {free_mb} MB free"
            yield Check("folders", name, OK, text, values)


def endpoints(config: Config, timeout_s: float) -> Iterator[Check]:
    """DNS, TLS, round trip and height lag of the feed's endpoints; of both networks where it has none."""
    from sniper.cli.probe import Endpoint, probe_all
    from sniper.config import PRESETS

    if config.feed.websocket_url:
        wanted = [Endpoint(f"{config.feed.source} socket", config.feed.websocket_url)]
        if config.feed.indexer_url:
            wanted.append(Endpoint(f"{config.feed.source} rest", config.feed.indexer_url))
    else:
        wanted = [
            Endpoint(f"{network} {kind}", url)
            for network, preset in PRESETS.items()
            for kind, url in (("socket", preset.websocket), ("rest", preset.rest))
        ]
    for finding in probe_all(wanted, config.feed.ca_file, timeout_s):
        steps = (("DNS", finding.dns_ms), ("TCP", finding.connect_ms), ("TLS", finding.tls_ms))
        parts = [f"{name} {ms:.0f} ms" for name, ms in steps if ms is not None]
        parts += [f"round trip {finding.rtt_ms:.0f} ms"] if finding.rtt_ms is not None else []
        parts += [f"height {finding.height}"] if finding.height is not None else []
        parts += [f"{finding.lag_s:.1f} s behind"] if finding.lag_s is not None else []
        text = f"{finding.url} {finding.verdict}" + (f" ({', '.join(parts)})" if parts else "")
        state = OK if finding.ok else DOUBT if finding.clock_off_s is not None else BAD
        yield Check("endpoints", finding.name, state, text, finding._asdict(), errors.EXIT_NETWORK)


def conclusion(checks: list[Check], code: int) -> str:
    """One sentence."""
    if code == errors.EXIT_NETWORK:
        reached = any(check.state != BAD for check in checks if check.group == "endpoints")
        which = "Some endpoints cannot be reached" if reached else "This machine is offline"
        return f"{which}: simulated and recorded data work, live data does not."
    if code:
        return f"Not fit: {next(c.text for c in checks if c.state == BAD and c.exit_code == code)}"
    doubts = sum(check.state == DOUBT for check in checks)
    return f"Fit, with {doubts} doubt{'s' if doubts > 1 else ''}." if doubts else "Fit."


def show(checks: list[Check], verdict: str) -> None:
    """The checks as lines, grouped."""
    color = wants_color(sys.stdout, os.environ)
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            click.echo(group)
        state = f"{check.state:<5}"
        state = f"\x1b[{COLORS[check.state]}m{state}\x1b[0m" if color else state
        click.echo(f"  {state} {check.name:<16} {check.text}", color=color)
    click.echo(verdict)
