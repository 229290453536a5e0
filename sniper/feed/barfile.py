"""Candle files: CSV (plain or gzip), Parquet, and the zip archives of LEAN, as columns of whole numbers.

A CSV needs a header with open, high, low, close, volume and a time (`timestamp`, `time`, `date`, `datetime`,
`startedAt`, `open_time`): ISO 8601 in UTC, or a number of seconds, milliseconds, microseconds or nanoseconds since
1970 (which of them is plain from its size). A LEAN archive holds one `YYYYMMDD_<market>_<resolution>_trade_*.csv`
of milliseconds of the day, open, high, low, close, volume. Lines that begin with # are comments.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniper._ext.bar_table import table
from sniper.errors import PermissionProblem, UsageError, installing

Whole = NDArray[np.int64]
TIMES: Final = ("timestamp", "time", "date", "datetime", "startedat", "started_at", "open_time", "open time")
FIELDS: Final = ("open", "high", "low", "close", "volume")
LEAN: Final = re.compile(r"(\d{8})_([a-z0-9]+)_([a-z]+)_trade")
FORMATS: Final = "Give CSV, CSV.gz, Parquet or a LEAN trade archive; docs/backtest.md says what is in them."
CORRECT: Final = "Correct the file: bars oldest first, each once."
DECIMALS_MAX: Final = 12
NUMBER_MAX: Final = 10**15
BARS_MAX: Final = 20_000_000
BYTES_MAX: Final = 1 << 30
CHUNK: Final = 1 << 22
DAY_NS: Final = 86_400_000_000_000
YEARS_NS: Final = (0, 7_258_118_400_000_000_000)
"""1970 to 2199: what the decoder takes as a time."""


class Bars(NamedTuple):
    """Columns of equal length, oldest first. price = number * 10 ** -price_decimals, volume likewise.

    start_ns: when each bar begins; step_ns: how long a bar is. market: what the file's name says, "" if nothing.
    """

    start_ns: Whole
    open: Whole
    high: Whole
    low: Whole
    close: Whole
    volume: Whole
    price_decimals: int
    volume_decimals: int
    step_ns: int
    market: str


class _Columns(NamedTuple):
    """As read. numbers, decimals: (5, rows) in the order of FIELDS."""

    start_ns: Whole
    numbers: Whole
    decimals: NDArray[Any]
    market: str


def is_bars(path: Path) -> bool:
    """Whether the name of a file is one of candles."""
    return path.name.lower().endswith((".csv", ".csv.gz", ".parquet", ".pq", ".zip"))


def read(path: Path, gaps: bool = False) -> Bars:
    """The bars of one file. UsageError or PermissionProblem with what to do where it cannot be used.

    gaps: whether bars may be missing; nothing happens in the time of a missing one.
    """
    try:
        suffix = path.suffix.lower()
        if suffix == ".zip":
            columns = _lean(path)
        elif suffix in (".parquet", ".pq"):
            columns = _parquet(path)
        else:
            with gzip.open(path) if suffix == ".gz" else path.open("rb") as file:
                columns = _csv(path, _bounded(path, file))
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}", "Check the path.") from None
    except PermissionError:
        raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod u+r {path}'.") from None
    # zipfile raises RuntimeError for what is encrypted, NotImplementedError for a method that it does not know
    except (
        OSError, EOFError, zlib.error, zipfile.BadZipFile, UnicodeDecodeError, RuntimeError,
    ) as problem:  # fmt: skip
        raise UsageError(f"{path} is damaged or not a candle file: {problem}", FORMATS) from None
    return _checked(path, columns, gaps)


def _bounded(path: Path, file: BufferedIOBase | IO[bytes]) -> bytes:
    """All of an open file. UsageError where it is larger than BYTES_MAX, however small it is while compressed."""
    chunks: list[bytes] = []
    size = 0
    while chunk := file.read(CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > BYTES_MAX:
            raise UsageError(f"{path} holds more than {BYTES_MAX >> 20} MiB of text", "Split it.")
    return b"".join(chunks)


def _csv(path: Path, text: bytes) -> _Columns:
    start = 0
    while text[start : start + 1] in (b"#", b"\n", b"\r"):
        start = text.find(b"\n", start) + 1
        if start == 0:
            start = len(text)
    end = text.find(b"\n", start)
    end = len(text) if end < 0 else end
    header = text[start:end].decode("utf-8-sig").strip()
    names = [name.strip().strip('"').lower() for name in header.split(",")]
    first = text.count(b"\n", 0, end) + 2
    return _table(path, text[end + 1 :], _places(path, names, header), first)


def _places(path: Path, names: list[str], header: str) -> tuple[int, ...]:
    """Which column is the time, open, high, low, close, volume."""
    when = next((name for name in TIMES if name in names), None)
    missing = [name for name in FIELDS if name not in names]
    if when is None or missing:
        lacks = ", ".join([*missing, *(["a time"] if when is None else [])])
        raise UsageError(f"{path} has no column for {lacks}; its columns are {header[:80]!r}", FORMATS)
    return tuple(names.index(name) for name in (when, *FIELDS))


def _table(path: Path, text: bytes, places: tuple[int, ...], line: int, day_ns: int = -1) -> _Columns:
    """Numbers out of comma-separated text. line: of its first line. day_ns: what times in ms are added to, -1: none."""
    try:
        times, numbers, decimals, bad = table(text, places, BARS_MAX)
    except ValueError:
        raise UsageError(f"{path} has more than {BARS_MAX:,} bars", "Split it.") from None
    if bad >= 0:
        row = text.split(b"\n", bad + 1)[bad][:80].decode("utf-8", "replace").strip()
        raise UsageError(f"{path}, line {line + bad}: {row!r} is not a candle", FORMATS)
    if day_ns >= 0:
        return _Columns(day_ns + times * 1_000_000, numbers, decimals[1:], "")
    return _Columns(_since_1970(path, times, decimals[0]), numbers, decimals[1:], "")


def _since_1970(path: Path, times: Whole, decimals: NDArray[Any]) -> Whole:
    """Times of one form as nanoseconds: ISO ones (decimals -1) are already, numbers are by their size."""
    if not len(times) or (decimals == -1).all():
        return times
    if (decimals == -1).any() or decimals.max() > 9:
        raise UsageError(f"{path} mixes forms of times, or gives one in too many digits", CORRECT)
    scale = _scale(int(times[0]) // 10 ** int(decimals[0]))
    if ((times // 10 ** decimals.astype(np.int64)) > YEARS_NS[1] // scale).any():
        raise UsageError(f"{path} mixes times in seconds, ms, us or ns", CORRECT)
    whole: Whole = times * (scale // 10 ** decimals.astype(np.int64))
    return whole


def _scale(number: float) -> int:
    """What a number of seconds, ms, us or ns since 1970 is multiplied by, judged by its size (1973 to 2286)."""
    for scale, least in ((1, 1e17), (1000, 1e14), (1_000_000, 1e11)):
        if number >= least:
            return scale
    return 1_000_000_000


def _lean(path: Path) -> _Columns:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if LEAN.match(Path(name).name)]
        if len(names) != 1:
            raise UsageError(f"{path} does not hold one LEAN file of trade bars", FORMATS)
        found = LEAN.match(Path(names[0]).name)
        assert found is not None
        try:
            day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC)
        except ValueError:
            raise UsageError(f"{path}: {found[1]} is not a day", FORMATS) from None
        with archive.open(names[0]) as file:
            text = _bounded(path, file)
        columns = _table(path, text, (0, 1, 2, 3, 4, 5), 1, round(day.timestamp()) * 10**9)
    coin = found[2].upper()
    return columns._replace(market=f"{coin[:-3]}-USD" if coin.endswith("USD") else coin)


def _parquet(path: Path) -> _Columns:
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError:
        raise UsageError(f"{path}: Parquet needs pyarrow", installing("pyarrow")) from None
    with path.open("rb") as file:
        try:
            if pyarrow.parquet.ParquetFile(file).metadata.num_rows > BARS_MAX:
                raise UsageError(f"{path} has more than {BARS_MAX:,} bars", "Split it.")
            file.seek(0)
            found = pyarrow.parquet.read_table(file)
        except pyarrow.ArrowException as problem:
            raise UsageError(f"{path} is damaged or not Parquet: {problem}", FORMATS) from None
    names = [name.lower() for name in found.column_names]
    when, *others = _places(path, names, ",".join(found.column_names))
    try:
        times = found.column(when)
        if pyarrow.types.is_string(times.type):
            times = pyarrow.compute.cast(times, pyarrow.timestamp("ns"))
        if pyarrow.types.is_timestamp(times.type):
            start_ns = times.cast(pyarrow.timestamp("ns", times.type.tz)).cast(pyarrow.int64()).to_numpy()
        else:
            plain = times.cast(pyarrow.int64()).to_numpy()
            start_ns = plain * _scale(int(plain[0]) if len(plain) else 0)
        floats = [found.column(i).cast(pyarrow.float64()).to_numpy() for i in others]
    except (pyarrow.ArrowException, ValueError) as problem:
        raise UsageError(f"{path} has a column that is not of numbers: {problem}", FORMATS) from None
    prices, price_decimals = _whole(path, np.array(floats[:4]))
    volumes, volume_decimals = _whole(path, np.array(floats[4:]))
    decimals = np.repeat(np.array([[price_decimals]] * 4 + [[volume_decimals]]), len(start_ns), axis=1)
    return _Columns(start_ns, np.concatenate([prices, volumes]), decimals, "")


def _whole(path: Path, values: NDArray[np.float64]) -> tuple[Whole, int]:
    """Floats that stand for decimals of at most 15 digits -> (numbers, decimals)."""
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad.any(axis=0))[0])
        raise UsageError(f"{path}: bar {row + 1} has a value that is not a number", CORRECT)
    for decimals in range(DECIMALS_MAX + 1):
        scaled = values * 10.0**decimals
        near = np.rint(scaled)
        if np.abs(near).max(initial=0.0) >= NUMBER_MAX:
            break
        # the double of a decimal of at most 15 digits, scaled, lies this near to a whole number
        if (np.abs(scaled - near) <= 1e-15 * np.abs(scaled)).all():
            return near.astype(np.int64), decimals
    raise UsageError(f"{path} has numbers of more than {DECIMALS_MAX} decimals or 15 digits", CORRECT)


def _alike(path: Path, numbers: Whole, decimals: NDArray[Any]) -> tuple[Whole, int]:
    """Numbers of different decimals -> (numbers of the same, decimals)."""
    most = max(0, int(decimals.max(initial=0)))
    shift = most - decimals.astype(np.int64)
    if most > DECIMALS_MAX or shift.max(initial=0) > 18:
        raise UsageError(f"{path} has numbers of more than {DECIMALS_MAX} decimals or 15 digits", CORRECT)
    scale = 10**shift
    if (np.abs(numbers) >= NUMBER_MAX // scale).any():
        raise UsageError(f"{path} has numbers of more than 15 digits", CORRECT)
    return numbers * scale, most


def _checked(path: Path, columns: _Columns, gaps: bool) -> Bars:
    """Columns of the same decimals; everything that is not a candle series is refused with its row."""
    times = np.ascontiguousarray(columns.start_ns, np.int64)
    n = len(times)
    if n < 2:
        raise UsageError(f"{path} holds {n or 'no'} bar{'s' * (n != 1)}, at least two are needed", FORMATS)
    prices, price_decimals = _alike(path, columns.numbers[:4], columns.decimals[:4])
    volumes, volume_decimals = _alike(path, columns.numbers[4:], columns.decimals[4:])
    opens, highs, lows, closes = (np.ascontiguousarray(row) for row in prices)
    steps = np.diff(times)
    for bad, what in (
        ((lows <= 0) | (volumes[0] < 0), "has a price that is not positive or a negative volume"),
        (
            (highs < np.maximum(opens, closes)) | (lows > np.minimum(opens, closes)),
            "has a high or low inside its body",
        ),
        ((times < YEARS_NS[0]) | (times >= YEARS_NS[1]), "is not of the years 1970 to 2199"),
        (np.append(False, steps <= 0), "does not come after the one before"),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise UsageError(f"{path}: bar {row + 1} {what}", CORRECT)
    step_ns = int(steps.min())
    if (steps % step_ns).any() or (times % step_ns).any() or step_ns % 1_000_000_000 or DAY_NS % step_ns:
        raise UsageError(
            f"{path} mixes resolutions: the nearest bars are {step_ns / 1e9:g} s apart, others not whole steps of it",
            "Give one file a resolution, of whole seconds that fit into a day.",
        )
    missing = int(times[-1] - times[0]) // step_ns + 1 - n
    if missing and not gaps:
        row = int(np.flatnonzero(steps != step_ns)[0])
        raise UsageError(
            f"{path} lacks {missing} bars of {step_ns / 1e9:g} s, the first after bar {row + 1}",
            "Fill them in, or accept that nothing happens in them with --gaps.",
        )
    volume = np.ascontiguousarray(volumes[0])
    return Bars(
        times, opens, highs, lows, closes, volume, price_decimals, volume_decimals, step_ns, columns.market
    )
