"""Where each value of the config comes from: search, read, merge, validate; say plainly what is wrong.

What wins: `--set a.b=v`, then the environment `SNIPER__A__B=v`, then the file, then the default. Of
files the first of `--config`, `$SNIPER_CONFIG`, `./config.toml` and `$XDG_CONFIG_HOME/sniper/config.toml`;
where there is none, the defaults apply.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from sniper.config import Config
from sniper.errors import ConfigError, PermissionProblem

PREFIX = "SNIPER__"
# pydantic speaks of Python's types, the user of the file's.
PLAIN = {
    "a valid tuple": "a list",
    "a valid string": "text in quotes",
    "a valid boolean": "true or false",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid datetime": "a time such as 2026-01-01T00:00:00Z",
    "Value should have at least 1 item after validation, not 0": "is an empty list",
}
NOT_TOML = (ValueError, RecursionError)
BYTES_MAX = 1 << 20
"""What tomllib raises: TOMLDecodeError is a ValueError, and so is a number of more digits than Python reads."""
SEE_ALL = "Run 'sniper config show' to see every key."


class Value(NamedTuple):
    """One value that was set, and where: "config.toml:12", "env SNIPER__SEED", "--set"."""

    value: Any
    origin: str


class Loaded(NamedTuple):
    """A valid config, the origin of every value by dotted key, and the file (None: defaults)."""

    config: Config
    origins: dict[str, str]
    path: Path | None


def load(
    path: str | os.PathLike[str] | None = None,
    sets: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """The config of this run. Raises ConfigError, or PermissionProblem for a file that may not be read."""
    environ = os.environ if environ is None else environ
    found = find(path, environ)
    given: dict[str, Value] = {}
    if found is not None:
        given.update(read(found))
    given.update(from_environment(environ))
    given.update(from_sets(sets))
    config = validate(given)
    origins = {key: given[key].origin if key in given else "default" for key in leaves(config)}
    return Loaded(config, origins, found)


def default_text() -> str:
    """The embedded default, with its comments."""
    return resources.files("sniper").joinpath("default.toml").read_text(encoding="utf-8")


def find(path: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Path | None:
    """The file that applies. One that was named must exist."""
    for named, by in ((path, "--config"), (environ.get("SNIPER_CONFIG"), "SNIPER_CONFIG")):
        if named:
            if not Path(named).is_file():
                raise ConfigError(
                    f"{by}: there is no file {named}",
                    f"Write one with 'sniper config init {named}', or leave {by} out for the default.",
                )
            return Path(named)
    home = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "~"), ".config")
    for candidate in (Path("config.toml"), Path(home) / "sniper" / "config.toml"):
        if candidate.is_file():
            return candidate
    return None


def read(path: Path) -> dict[str, Value]:
    """Every value of a file with its line. Raises ConfigError with the line where it is not TOML."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        text = data.decode().replace("\r\n", "\n")
    except PermissionError:
        raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod u+r {path}'.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "Give another file with --config.") from None
    if len(data) > BYTES_MAX:
        raise ConfigError(f"{path} is larger than {BYTES_MAX} bytes", "Give a config file with --config.")
    try:
        tomllib.loads(text)
    except NOT_TOML as error:
        line = max((last for last, _, _ in statements(text)), default=0)
        raise ConfigError(
            f"{path} is not valid TOML: {error}; line {line} is the last good one",
            "Correct it there; 'sniper config init' writes a file that is valid.",
        ) from None
    return {key: Value(value, f"{path}:{line}") for line, key, value in statements(text)}


def statements(text: str) -> Iterator[tuple[int, str, Any]]:
    """(line, dotted key, value) of each value of a valid TOML text, in order.

    tomllib gives no lines. A TOML statement begins on its own line, so lines are taken together until they
    parse: that is one statement. A table header sets the prefix of what follows.
    """
    prefix = ""
    pending: list[str] = []
    first = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not pending:
            first = number
        pending.append(line)
        try:
            parsed = tomllib.loads("\n".join(pending))
        except NOT_TOML:
            continue
        header = pending[0].lstrip().startswith("[")
        pending = []
        if header:
            prefix = ""
        for key, value in flatten(parsed, prefix):
            if header:
                prefix = f"{key}."
            yield first, key, value


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every leaf of nested tables; an empty table is a leaf."""
    for name, value in tree.items():
        key = prefix + (json.dumps(name, ensure_ascii=False) if "." in name or '"' in name else name)
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{key}.")
        else:
            yield key, value


def from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    """SNIPER__FEED__SOURCE=testnet sets feed.source."""
    names = sorted(name for name in environ if name.startswith(PREFIX))
    return {
        name.removeprefix(PREFIX).replace("__", ".").lower(): Value(plain(environ[name]), f"env {name}")
        for name in names
    }


def from_sets(sets: Sequence[str]) -> dict[str, Value]:
    """--set feed.source=testnet. The last of one key wins."""
    given: dict[str, Value] = {}
    for text in sets:
        key, mark, value = text.partition("=")
        if not mark or not key.strip():
            raise ConfigError(
                f'--set "{text}" has not the form key=value', "Write for example: --set feed.speed=2"
            )
        given[key.strip()] = Value(plain(value), "--set")
    return given


def plain(text: str) -> Any:
    """Text as TOML reads a value, so that 2 is a number and [1, 2] a list; anything else stays text."""
    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except NOT_TOML:
        return text.strip()
    return parsed["value"] if len(parsed) == 1 else text.strip()


def leaves(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Every value by its dotted key, in the order of the sections."""
    found: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found.update(leaves(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def validate(given: Mapping[str, Value]) -> Config:
    """The config, or one ConfigError that names the place of the first fault and counts the others."""
    known = leaves(Config())
    sections = {".".join(key.split(".")[:n]) for key in known for n in range(1, key.count(".") + 1)}
    free = [
        key for key, value in known.items() if isinstance(value, Mapping)
    ]  # tables with keys of their own
    tree: dict[str, Any] = {}
    for key, (value, origin) in given.items():
        if key in sections and value == {}:
            continue
        if key in sections:
            raise ConfigError(
                f"{origin}: {key} is a section, not a value",
                f"Set one of its keys: {', '.join(k for k in known if k.startswith(key + '.'))}.",
            )
        if key not in known and not any(key.startswith(f"{table}.") for table in free):
            hint = nearest(key, sections if value == {} else known)
            raise ConfigError(f"{origin}: unknown key {key}", f"{hint}{SEE_ALL}")
        node = tree
        *above, last = key.split(".")
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise explain(error, given, known) from None


def nearest(wrong: str, known: Iterable[str]) -> str:
    """ "Did you mean feed.source? " where something is near enough, else ""."""
    names = sorted(known)
    last = wrong.rpartition(".")[2]
    close = [name for name in names if name.rpartition(".")[2] == last]
    close = difflib.get_close_matches(wrong, close or names, n=1, cutoff=0.6) or close
    return f"Did you mean {close[0]}? " if close else ""


def explain(error: ValidationError, given: Mapping[str, Value], known: Mapping[str, Any]) -> ConfigError:
    """One line from pydantic's list: where, which key, what it should be."""
    texts: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"])
        while key and key not in known:
            key = key.rpartition(".")[0]
        said = fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
        for theirs, ours in PLAIN.items():
            said = said.replace(theirs, ours)
        texts[key] = f"{texts[key]}, or {said}" if key in texts else said
    key, said = next(iter(texts.items()))
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    if not key:
        named = sorted((said.index(k), v.origin) for k, v in given.items() if k in known and k in said)
        return ConfigError(f"{named[0][1] + ': ' if named else ''}{said}{more}", SEE_ALL)
    value = given[key]
    shown = f" (it is {json.dumps(value.value, default=str)})" if said.startswith("should") else ""
    return ConfigError(f"{value.origin}: {key}: {said}{shown}{more}", SEE_ALL)
