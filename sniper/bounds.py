"""Bounds of settings: they stand in the types as `Annotated[int, msgspec.Meta(ge=.., le=..)]`, once for everybody.

The config file checks them where it is read; the core checks them again where it is built, because settings also
come out of journals and of programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import msgspec


def problems(settings: Any, name: str = "") -> Iterator[str]:
    """What is wrong with a NamedTuple of settings, one line a field: `ladder.stop_ppm: 3, at least 1000`."""
    hints = get_type_hints(type(settings), include_extras=True)
    for field, value in settings._asdict().items():
        where = f"{name}.{field}" if name else field
        if hasattr(value, "_fields"):
            yield from problems(value, where)
        elif get_origin(hints[field]) is not None:
            yield from _misfits(where, value, hints[field])


def checked(settings: Any) -> None:
    """ValueError naming every field that is out of bounds."""
    found = list(problems(settings))
    if found:
        raise ValueError(f"{type(settings).__name__}: {'; '.join(found)}")


def _misfits(where: str, value: Any, hint: Any) -> Iterator[str]:
    """Every bound in an annotation that the value breaks; NaN breaks all of them."""
    for bound in get_args(hint):
        if not isinstance(bound, msgspec.Meta):
            continue
        if bound.ge is not None and not value >= bound.ge:
            yield f"{where}: {value}, at least {bound.ge}"
        if bound.gt is not None and not value > bound.gt:
            yield f"{where}: {value}, more than {bound.gt}"
        if bound.le is not None and not value <= bound.le:
            yield f"{where}: {value}, at most {bound.le}"
