"""A config section out of a module's own settings: one list of names, types and defaults instead of two."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BeforeValidator, Field, create_model

from sniper.config import Section

BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern")


def section(kind: Any) -> type[Section]:
    """The pydantic model of a NamedTuple with defaults. Bounds stand in its types as `Annotated[.., msgspec.Meta]`."""
    hints = get_type_hints(kind, include_extras=True)
    fields: dict[str, Any] = {
        name: (_field(hints[name]), _default(kind._field_defaults[name])) for name in kind._fields
    }
    return create_model(
        f"{kind.__name__.removesuffix('Settings')}Config", __base__=Section, __doc__=kind.__doc__, **fields
    )


def settings(kind: Any, chosen: Section) -> Any:
    """The NamedTuple with the values of a section that `section(kind)` made."""
    hints = get_type_hints(kind)
    values = {}
    for name in kind._fields:
        value = getattr(chosen, name)
        values[name] = settings(hints[name], value) if isinstance(value, Section) else value
    return kind(**values)


def _default(value: Any) -> Any:
    return section(type(value))() if hasattr(value, "_fields") else value


def _field(hint: Any) -> Any:
    if hasattr(hint, "_fields"):
        return section(hint)
    inner, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    known = {
        bound: getattr(extra, bound)
        for extra in extras
        if isinstance(extra, msgspec.Meta)
        for bound in BOUNDS
        if getattr(extra, bound) is not None
    }
    return Annotated[inner, BeforeValidator(_tuples), Field(**known)]


def _tuples(value: Any) -> Any:
    """TOML has arrays where settings have tuples, of tuples too."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
