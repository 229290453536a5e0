"""Which strategies there are, and making one: built in, installed by others, or a file.

A name is looked for among the built-in ones and the installed packages that have an entry point of the group
`sniper.strategies`; a name that ends in .py is a file with one strategy in it, or `FILE.py:Class`. Nothing is
imported before it is asked for.
"""

from __future__ import annotations

import difflib
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from sniper.errors import ConfigError, SniperError
from sniper.viewing import Strategy

GROUP = "sniper.strategies"
BUILT_IN = {
    "sniper": "sniper.strategies.sniper:Sniper",
    "macd": "sniper.strategies.macd:Macd",
    "funding": "sniper.strategies.funding:Funding",
    "cross_market": "sniper.strategies.cross_market:CrossMarket",
}
METHODS = {"__init__": 3, "decide": 1, "explain": 2, "save": 0, "load": 1}
"""What a strategy must have, and with how many arguments it is called."""


def names() -> list[str]:
    """Every name that can be asked for, the built-in ones first. ConfigError where one is there twice."""
    found = _installed()
    for name in found:
        _check_once(name, found)
    return [*BUILT_IN, *sorted(found)]


def find(name: str) -> type[Strategy]:
    """The class of a strategy. ConfigError where there is none, more than one, or one that is no strategy."""
    if name.endswith(".py") or ".py:" in name:
        return _from_file(name)
    installed = _installed()
    _check_once(name, installed)
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return _checked(getattr(import_module(module), attribute), name, BUILT_IN[name])
    if name not in installed:
        known = [*BUILT_IN, *sorted(installed)]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise ConfigError(
            f"there is no strategy {name}",
            f"{hint}There are {', '.join(known)}; FILE.py names one of your own, which 'sniper new strategy' begins.",
        )
    point = installed[name][0]
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # anybody's code
        raise ConfigError(
            f"the strategy {name} of {_owner(point)} cannot be loaded: {type(error).__name__}: {error}",
            "Reinstall that package, or choose another strategy.",
        ) from error
    return _checked(found, name, f"{point.value} of {_owner(point)}")


def build(
    name: str,
    signals: Sequence[str],
    kinds: Sequence[str],
    options: str | Mapping[str, Any] | tuple[Any, ...],
) -> Strategy:
    """A strategy with its settings. ConfigError for what does not fit.

    signals, kinds: names of the scores in their order, and for each whether it is directional or an intensity.
    options: the settings as JSON text, as a mapping or as the NamedTuple itself; what is left out keeps its default.
    """
    made: Any = find(name)
    settings = settings_of(made, options)
    try:
        strategy: Strategy = made(tuple(signals), tuple(kinds), settings)
    except SniperError:
        raise
    except (Exception, SystemExit) as error:  # anybody's code
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the strategy {name} cannot be made: {said}", "Correct its __init__.") from error
    return strategy


def resolutions(strategy: Strategy) -> tuple[int, ...]:
    """The resolutions that a strategy asks indicators for, ascending: its attribute of that name, if it has one."""
    from sniper._ext.tape import (
        RESOLUTION_NAMES,
    )  # with numpy, which whoever only looks for names goes without

    asked = getattr(strategy, "resolutions", ())
    try:
        found = tuple(sorted(asked))
    except TypeError:
        found = (None,)
    if not all(type(one) is int and 0 <= one < len(RESOLUTION_NAMES) for one in found):
        raise ConfigError(
            f"the strategy {strategy.name} asks for the resolutions {asked!r:.80}",
            f"They are 0 to {len(RESOLUTION_NAMES) - 1}: {', '.join(RESOLUTION_NAMES)}.",
        )
    return found


def settings_of(strategy: Any, options: str | Mapping[str, Any] | tuple[Any, ...]) -> Any:
    """The settings of a strategy class out of `options`, as for `build`."""
    if isinstance(options, strategy.Settings):
        return options
    if isinstance(options, str):
        try:
            options = json.loads(options or "{}")
        except ValueError as error:
            raise ConfigError(f"the settings of the strategy {strategy.name} are not JSON: {error}") from None
    if not isinstance(options, Mapping):
        raise ConfigError(f"the settings of the strategy {strategy.name} are not a table")
    # pydantic is slow to import, and whoever builds a strategy has a config and thereby pydantic.
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(strategy.Settings).validate_python(_plain(strategy.Settings, options), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            close = difflib.get_close_matches(key, strategy.Settings._fields, n=1)
            hint = f"Did you mean {close[0]}? " if close else ""
            advice = f"{hint}There are: {', '.join(strategy.Settings._fields)}."
            raise ConfigError(f"the strategy {strategy.name} has no setting {key}", advice) from None
        raise ConfigError(f"{key} of the strategy {strategy.name}: {fault['msg']}", "Correct it.") from None


def _installed() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points = found.setdefault(point.name, [])
        if point not in points:  # one installation may be listed twice on the path
            points.append(point)
    return found


def _check_once(name: str, installed: Mapping[str, list[EntryPoint]]) -> None:
    points = installed.get(name, [])
    owners = [*(["sniper itself"] if name in BUILT_IN else []), *map(_owner, points)]
    if len(owners) > 1:
        raise ConfigError(
            f"there are {len(owners)} strategies {name}: of {', '.join(owners)}",
            "Uninstall one of the packages, or name a file.",
        )


def _owner(point: EntryPoint) -> str:
    return f"package {point.dist.name}" if point.dist is not None else "an unknown package"


def _from_file(name: str) -> type[Strategy]:
    """The strategy of a file: the class that is named, or the only one in it that is a strategy."""
    path, _, wanted = name.partition(".py:")
    file = Path(path if not wanted else f"{path}.py")
    spec = spec_from_file_location(f"sniper_strategy_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ConfigError(f"there is no file {file} with a strategy", "Begin one: sniper new strategy NAME.")
    module = module_from_spec(spec)
    sys.modules[module.__name__] = module  # where the types of its settings are looked up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # anybody's code
        del sys.modules[module.__name__]
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the strategy {file} cannot be loaded: {said}", "Correct the file.") from error
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, "decide")
    ]
    if wanted:
        own = [value for value in own if value.__name__ == wanted]
    if len(own) != 1:
        raise ConfigError(
            f"{file} has {len(own)} classes{f' {wanted}' if wanted else ''} with a method decide, not 1",
            "Name the class: FILE.py:Class.",
        )
    found = _checked(own[0], None, str(file))
    if found.name in BUILT_IN:
        raise ConfigError(
            f'{file} calls its strategy "{found.name}" like a built-in one', "Give it another name."
        )
    return found


def _checked(found: Any, name: str | None, where: str) -> type[Strategy]:
    """The class, if it has all that a strategy must have. name: what it must be called, None for anything."""
    wrong = _what_is_wrong(found, name)
    if wrong:
        raise ConfigError(
            f"{where} is not a strategy: {wrong}", "docs/strategies.md says what a strategy must have."
        )
    return found  # type: ignore[no-any-return]


def _what_is_wrong(found: Any, name: str | None) -> str:
    if not inspect.isclass(found):
        return "it is not a class"
    own = getattr(found, "name", None)
    if not isinstance(own, str) or not own:
        return "its attribute name is not a text"
    if name is not None and own != name:
        return f'it calls itself "{own}", not "{name}"'
    settings: Any = getattr(found, "Settings", None)
    fields, defaults = getattr(settings, "_fields", None), getattr(settings, "_field_defaults", None)
    if fields is None or defaults is None or not callable(settings):
        return "its attribute Settings is not a NamedTuple"
    if len(defaults) < len(fields):
        return f"its Settings have no default for {', '.join(field for field in fields if field not in defaults)}"
    for method, arguments in METHODS.items():
        function = getattr(found, method, None)
        if not callable(function) or function is getattr(object, method, None):
            return f"it has no method {method}"
        try:
            inspect.signature(function).bind(*[None] * (arguments + 1))
        except TypeError:
            return f"its method {method} does not take {arguments} argument{'s' * (arguments != 1)}"
    return ""


def _plain(settings: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """JSON and TOML have arrays where settings have tuples, and may give pairs as a table: {momentum = 1.0}."""
    defaults = settings._field_defaults
    return {
        name: _tuples(
            tuple(value.items())
            if isinstance(value, Mapping) and not hasattr(defaults.get(name), "_fields")
            else value
        )
        for name, value in options.items()
    }


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(_tuples(part) for part in value) if isinstance(value, list | tuple) else value
