"""`sniper config`: show, check, schema, init."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sniper.cli.options import config_options, json_option
from sniper.cli.terminal import emit, note
from sniper.errors import PermissionProblem, UsageError

if TYPE_CHECKING:
    from sniper.configfile import Loaded


@click.group()
def command() -> None:
    """Show, check, describe or write the config."""


def as_json_value(value: Any) -> Any:
    """Times as ISO text, the rest as it is."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def as_toml(loaded: Loaded, origins: bool) -> str:
    """The whole config as TOML that loads to the same config; with each value's origin as a comment."""
    from sniper.configfile import leaves

    lines: list[str] = []
    section = ""
    for key, value in leaves(loaded.config).items():
        above, _, name = key.rpartition(".")
        if above != section:
            section = above
            lines += ["", f"[{section}]"]
        line = f"{name} = {inline(value)}"
        lines.append(f"{line:<44} # {loaded.origins[key]}" if origins else line)
    return "\n".join(lines) + "\n"


def inline(value: Any) -> str:
    """A value as TOML on one line: tomli_w would break lists over several."""
    import tomli_w

    if isinstance(value, dict):
        pairs = (
            f"{tomli_w.dumps({key: 0}).partition(' = ')[0]} = {inline(part)}" for key, part in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(inline(part) for part in value)}]"
    return tomli_w.dumps({"x": value}).strip().removeprefix("x = ")


@command.command()
@config_options
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@json_option
def show(config_path: str | None, sets: tuple[str, ...], origin: bool, as_json: bool) -> None:
    """Print the config that would be used."""
    from sniper.configfile import leaves, load

    loaded = load(config_path, sets)
    if not as_json:
        click.echo(as_toml(loaded, origin), nl=False)
        return
    values = {key: as_json_value(value) for key, value in leaves(loaded.config).items()}
    document: dict[str, Any] = {
        "schema": "sniper.config/1",
        "path": str(loaded.path) if loaded.path else None,
        "values": values,
    }
    if origin:
        document["origins"] = loaded.origins
    emit(document)


@command.command()
@click.argument("path", required=False)
@config_options
def check(path: str | None, config_path: str | None, sets: tuple[str, ...]) -> None:
    """Validate a config; exit 3 where it is wrong."""
    from sniper.cli.wiring import check_whole
    from sniper.configfile import load

    if path and config_path:
        raise UsageError("the config is given twice", "Give PATH or --config.")
    loaded = load(path or config_path, sets)
    check_whole(loaded.config)
    with_sets = f" with {', '.join(sets)}" if sets else ""
    note(f"{loaded.path or 'the embedded default'}{with_sets} is valid")


@command.command()
def schema() -> None:
    """Print the JSON schema of config.toml, for editors."""
    from sniper.config import Config

    document = Config.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    click.echo(json.dumps(document, indent=2))


@command.command()
@click.argument("path", default="config.toml")
@click.option("--yes", is_flag=True, help="Overwrite a file that exists.")
def init(path: str, yes: bool) -> None:
    """Write the default config, with its comments, to PATH."""
    from sniper.configfile import default_text

    target = Path(path)
    try:
        with open(target, "w" if yes else "x", encoding="utf-8") as file:
            file.write(default_text())
    except FileExistsError:
        raise UsageError(
            f"{target} exists", f"Overwrite it with 'sniper config init {target} --yes'."
        ) from None
    except PermissionError:
        where = target.resolve().parent
        raise PermissionProblem(
            f"{target} may not be written", f"Check the permissions of {where}."
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{target} cannot be written: {reason}", "Give another path.") from None
    note(f"wrote {target}; check it with 'sniper config check {target}'")
