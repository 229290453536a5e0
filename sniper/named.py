"""Settings as plain values and back: nested NamedTuples <-> dicts of names, for journals' headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

import msgspec


def to_plain(value: Any) -> Any:
    """A NamedTuple, and those in it, as dicts by field name; other tuples as lists."""
    if isinstance(value, tuple):
        if hasattr(value, "_asdict"):
            return {name: to_plain(part) for name, part in value._asdict().items()}
        return [to_plain(part) for part in value]
    return value


def from_plain(kind: Any, plain: Any) -> Any:
    """The other way: every field must be there and of its type. ValueError names the first that is not."""
    named = next((one for one in (kind, *get_args(kind)) if hasattr(one, "_fields")), None)
    if named is None or (plain is None and named is not kind):
        try:
            return msgspec.convert(plain, kind)
        except msgspec.ValidationError as problem:
            raise ValueError(str(problem)) from None
    if not isinstance(plain, Mapping):
        raise ValueError(f"{named.__name__} expected, not {type(plain).__name__}")
    if set(plain) != set(named._fields):
        odd = sorted(str(name) for name in set(plain) ^ set(named._fields))
        raise ValueError(f"{named.__name__} has other fields: {', '.join(odd)}")
    hints = get_type_hints(named)
    return named(*(_field(named, name, hints[name], plain[name]) for name in named._fields))


def _field(owner: Any, name: str, kind: Any, plain: Any) -> Any:
    try:
        return from_plain(kind, plain)
    except ValueError as problem:
        raise ValueError(f"{owner.__name__}.{name}: {problem}") from None
