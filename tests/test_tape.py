"""_ext.tape: the rows and their names; memory laid out as the kernels expect."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from sniper._ext import tape
from sniper._ext.tape import EVENT_DTYPE, Tape, sparse


def test_a_row_is_64_bytes_without_padding() -> None:
    assert EVENT_DTYPE.itemsize == 64
    assert sum(EVENT_DTYPE[name].itemsize for name in EVENT_DTYPE.names or ()) == 64
    names = "recv_ns venue_ns price size bid ask frame ref flags market kind side"
    assert EVENT_DTYPE.names == tuple(names.split())


def test_the_tables_follow_the_arithmetic_of_bytes_and_records() -> None:
    made = Tape(bytes_max=4096, records_max=10)
    assert (made.bytes_max, made.records_max, made.rows_max) == (4096, 10, 4096 // 8 + 10)
    assert len(made.rows) == made.rows_max and made.rows.dtype == EVENT_DTYPE
    assert len(made.counters) >= len(tape.COUNTER_NAMES) and made.counters.dtype == np.int64
    assert not made.counters.any()


@pytest.mark.parametrize(
    ("bytes_max", "records_max"), [(1023, 1), ((4 << 20) + 1, 1), (1024, 0), (1024, (1 << 16) + 1)]
)
def test_bounds_are_kept(bytes_max: int, records_max: int) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        Tape(bytes_max, records_max)


@pytest.mark.parametrize("names", [name for name in dir(tape) if name.endswith("_NAMES")])
def test_names_are_distinct(names: str) -> None:
    values = getattr(tape, names)
    assert len(set(values)) == len(values)
    assert all(isinstance(value, str) for value in values)


def test_resolutions_are_in_nanoseconds() -> None:
    assert dict(zip(tape.RESOLUTION_NAMES, tape.RESOLUTION_NS, strict=True))["4HOURS"] == 4 * 3600 * 10**9


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux says what its memory is")
def test_a_sparse_table_is_zeros_of_private_memory_without_huge_pages() -> None:
    table = sparse(1 << 20, np.int64)
    assert table.shape == (1 << 20,) and table.dtype == np.int64 and not table.any()
    table[-1] = 7
    assert table[-1] == 7
    where = next(area for area in areas() if area.first <= table.ctypes.data < area.end)
    assert "hg" not in where.flags and "sh" not in where.flags and where.end - where.first >= table.nbytes


class Area(NamedTuple):
    """A part of this process's memory."""

    first: int
    end: int
    flags: list[str]


def areas() -> list[Area]:
    """As Linux lists them. Neighbours with the same properties are one."""
    found, first, end = [], 0, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()[0]
        if "-" in head and not head.endswith(":"):
            first, end = (int(part, 16) for part in head.split("-"))
        elif head == "VmFlags:":
            found.append(Area(first, end, line.split()[1:]))
    return found
