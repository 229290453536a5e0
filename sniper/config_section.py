"""A config section out of a module's own settings: one list of names, types and defaults instead of two.

Settings keep times in whole nanoseconds (`.._ns`, `.._ns_max`); a config says them in seconds (`.._s`, `.._s_max`).
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BeforeValidator, Field, create_model

from sniper.config_base import Section

BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")
SECOND_NS = 1_000_000_000
_made: dict[tuple[Any, tuple[str, ...]], type[Section]] = {}
"""One model for one kind: two models of the same fields are not equal."""


def section(kind: Any, without: tuple[str, ...] = ()) -> type[Section]:
    """The pydantic model of a NamedTuple with defaults. Bounds stand in its types as `Annotated[.., msgspec.Meta]`.

    without: fields that nobody sets in a config.
    """
    made = _made.get((kind, without))
    if made is not None:
        return made
    hints = get_type_hints(kind, include_extras=True)
    fields: dict[str, Any] = {}
    for name in kind._fields:
        if name not in without:
            default = kind._field_defaults[name]
            fields[config_name(name)] = (
                _field(hints[name], in_s(name)),
                default / SECOND_NS if in_s(name) else _default(default),
            )
    named = f"{kind.__name__.removesuffix('Settings')}Config"
    made = _made[kind, without] = create_model(named, __base__=Section, __doc__=kind.__doc__, **fields)
    return made


def settings(kind: Any, chosen: Section, **others: Any) -> Any:
    """The NamedTuple with the values of a section that `section(kind)` made, and of `others`."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name in kind._fields:
        if name in others or config_name(name) not in type(chosen).model_fields:
            continue
        value = getattr(chosen, config_name(name))
        if in_s(name):
            value = round(value * SECOND_NS)
        values[name] = settings(hints[name], value) if isinstance(value, Section) else value
    return kind(**values, **others)


def in_s(name: str) -> bool:
    """Whether a setting is a time in nanoseconds."""
    return name.endswith(("_ns", "_ns_max", "_ns_min"))


def config_name(name: str) -> str:
    """What a setting is called in a config."""
    return name.replace("_ns", "_s") if in_s(name) else name


def _default(value: Any) -> Any:
    return section(value.__class__)() if hasattr(value, "_fields") else value


def _field(hint: Any, seconds: bool) -> Any:
    if hasattr(hint, "_fields"):
        return section(hint)
    inner, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    known = {
        bound: getattr(extra, bound) / SECOND_NS if seconds else getattr(extra, bound)
        for extra in extras
        if isinstance(extra, msgspec.Meta)
        for bound in BOUNDS
        if getattr(extra, bound) is not None
    }
    return Annotated[float if seconds else inner, BeforeValidator(_tuples), Field(**known)]


def _tuples(value: Any) -> Any:
    """TOML has arrays where settings have tuples, of tuples too."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
