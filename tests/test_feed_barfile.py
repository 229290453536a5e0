"""barfile: candle files become whole numbers, and what is no candle series is refused in one line."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from sniper.errors import PermissionProblem, UsageError
from sniper.feed import barfile
from sniper.feed.barfile import FIELDS, is_bars, read
from tests import real

HEAD = "timestamp,open,high,low,close,volume\n"
GOOD = (
    "2025-12-26 18:49:00+00:00,87225.0,87277.5,87225.0,87273.0,1.1149\n"
    "2025-12-26T18:50:00Z,87283.0,87321.0,87283.0,87290.25,0.8\n"
)


def write(folder: Path, text: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_csv_gives_whole_numbers(tmp_path: Path) -> None:
    bars = read(write(tmp_path, "# a comment\n" + HEAD + GOOD))
    assert bars.price_decimals == 2 and bars.volume_decimals == 4 and bars.step_ns == 60 * 10**9
    assert bars.start_ns.tolist() == [1766774940 * 10**9, 1766775000 * 10**9]
    assert bars.high.tolist() == [8727750, 8732100] and bars.volume.tolist() == [11149, 8000]


@pytest.mark.parametrize("unit", [1, 1000, 10**6, 10**9])
def test_times_may_be_numbers_of_any_unit(tmp_path: Path, unit: int) -> None:
    rows = "".join(f"{(1_700_000_040 + 60 * i) * unit},1,2,1,2,3\n" for i in range(3))
    bars = read(write(tmp_path, "time,open,high,low,close,volume\r\n" + rows))
    assert bars.start_ns.tolist() == [(1_700_000_040 + 60 * i) * 10**9 for i in range(3)]


def test_columns_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    text = "close,x,Volume,LOW,high,open,Date\n2,a,7,1,4,3,2024-01-01\n3,b,8,2,3,2.5,2024-01-02\n"
    bars = read(write(tmp_path, text))
    assert (
        bars.open.tolist() == [30, 25] and bars.close.tolist() == [20, 30] and bars.volume.tolist() == [7, 8]
    )
    assert bars.step_ns == 86_400 * 10**9


def test_gzip_lean_and_parquet_give_the_same(tmp_path: Path) -> None:
    plain = read(write(tmp_path, HEAD + GOOD))
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress((HEAD + GOOD).encode()))
    day_ms = (18 * 60 + 49) * 60_000
    lean = tmp_path / "20251226_trade.zip"
    with zipfile.ZipFile(lean, "w") as archive:
        rows = GOOD.splitlines()
        lines = [f"{day_ms + 60_000 * i},{row.split(',', 1)[1]}" for i, row in enumerate(rows)]
        archive.writestr("20251226_btcusd_minute_trade.csv", "\n".join(lines))
    for path, market in ((packed, ""), (lean, "BTC-USD")):
        found = read(path)
        assert found.market == market
        assert (
            all((a == b).all() for a, b in zip(found[:6], plain[:6], strict=True))
            and found[6:9] == plain[6:9]
        )


@pytest.mark.parametrize("form", ["timestamp", "text", "seconds"])
def test_parquet(tmp_path: Path, form: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    plain = read(write(tmp_path, HEAD + GOOD))
    seconds = [ns // 10**9 for ns in plain.start_ns.tolist()]
    times = {
        "timestamp": pyarrow.array([s * 1000 for s in seconds], pyarrow.timestamp("ms")),
        "text": pyarrow.array(["2025-12-26T18:49:00", "2025-12-26T18:50:00"]),
        "seconds": pyarrow.array(seconds),
    }[form]
    prices = [pyarrow.array([x / 100 for x in column.tolist()]) for column in plain[1:5]]
    volume = pyarrow.array([x / 10**4 for x in plain.volume.tolist()])
    path = tmp_path / "bars.parquet"
    names = ["Timestamp", *(name.title() for name in FIELDS)]
    parquet.write_table(pyarrow.table([times, *prices, volume], names=names), path)
    found = read(path)
    assert all((a == b).all() for a, b in zip(found[:6], plain[:6], strict=True)) and found[6:9] == plain[6:9]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column for open, high, low, close, volume, a time"),
        ("timestamp,open,high,low,close\n1,2\n", "no column for volume"),
        (HEAD, "holds no bars"),
        (HEAD + GOOD.splitlines()[0], "holds 1 bar,"),
        (HEAD + GOOD + "2025-12-26 18:51:00,1,x,1,1,1\n", "line 4"),
        (HEAD + GOOD + "2025-12-26 18:51:00,1,1,1,1\n", "is not a candle"),
        (HEAD + GOOD + "2025-13-26 18:51:00,1,1,1,1,1\n", "is not a candle"),
        (HEAD + GOOD + "2025-12-26 18:51:00,nan,1,1,1,1\n", "is not a candle"),
        (HEAD + GOOD + "2025-12-26 18:51:00,-1,1,-1,1,1\n", "bar 3 has a price that is not positive"),
        (HEAD + GOOD + "2025-12-26 18:51:00,1,1,1,1,-1\n", "negative volume"),
        (HEAD + GOOD + "2025-12-26 18:51:00,3,2,1,1,1\n", "high or low inside its body"),
        (HEAD + GOOD + "2025-12-26 18:51:00,3,4,3.5,3.6,1\n", "high or low inside its body"),
        (HEAD + GOOD + "2025-12-26 18:50:00,1,1,1,1,1\n", "bar 3 does not come after"),
        (HEAD + GOOD + "2025-12-26 18:40:00,1,1,1,1,1\n", "bar 3 does not come after"),
        (HEAD + GOOD + "2025-12-26 18:51:30,1,1,1,1,1\n", "mixes resolutions"),
        (HEAD + GOOD + "2025-12-26 18:53:00,1,1,1,1,1\n", "lacks 2 bars of 60 s, the first after bar 2"),
        (HEAD + GOOD + "1766775060,1,1,1,1,1\n", "mixes forms of times"),
        (HEAD + "1700000040,1,1,1,1,1\n1700000100000,1,1,1,1,1\n", "mixes times in seconds"),
        (HEAD + GOOD + "2025-12-26 18:51:00,1,1,1,1,1e-14\n", "more than 12 decimals"),
        (HEAD + GOOD + "2025-12-26 18:51:00,1e16,1e16,1e16,1e16,1\n", "more than 15 digits"),
    ],
)
def test_what_is_no_candle_series_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(write(tmp_path, text))
    assert says in str(caught.value) and "\n" not in str(caught.value) and caught.value.advice
    assert caught.value.exit_code == 2


def test_gaps_may_be_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + GOOD + "2025-12-26 18:53:00,1,1,1,1,1\n")
    assert len(read(path, gaps=True).start_ns) == 3


def test_files_that_are_something_else(tmp_path: Path) -> None:
    for name, data in (("a.zip", b"PK nothing"), ("a.csv.gz", b"\x1f\x8bxx"), ("a.csv", b"\xff\xfe\x00,")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError):
            read(tmp_path / name)
    with pytest.raises(UsageError, match="no file"):
        read(tmp_path / "absent.csv")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(UsageError, match="does not hold one LEAN file"):
        read(tmp_path / "b.zip")
    (tmp_path / "a.parquet").write_bytes(b"junk")
    with pytest.raises(UsageError):
        read(tmp_path / "a.parquet")
    assert is_bars(Path("x.CSV.gz")) and not is_bars(Path("x.ndjson.gz"))


def test_what_unpacks_to_more_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barfile, "BYTES_MAX", 1 << 20)
    monkeypatch.setattr(barfile, "CHUNK", 1 << 16)
    bomb = HEAD.encode() + b"0" * (2 << 20)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bomb))
    (tmp_path / "a.csv").write_bytes(bomb)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20251226_btcusd_minute_trade_perpetual.csv", bomb)
    for name in ("a.csv", "a.csv.gz", "a.zip"):
        with pytest.raises(UsageError, match="holds more than 1 MiB"):
            read(tmp_path / name)


def test_the_end_of_a_name_may_be_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "A.CSV.GZ").write_bytes(gzip.compress((HEAD + GOOD).encode()))
    assert is_bars(tmp_path / "A.CSV.GZ") and len(read(tmp_path / "A.CSV.GZ").open) > 1


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    name = "20251226_btcusd_minute_trade_perpetual.csv"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, "0,1,1,1,1,1")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[6] |= 1  # the flag of encryption, in the local header and in the directory
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(UsageError, match="damaged or not a candle file"):
        read(tmp_path / "a.zip")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, HEAD + GOOD)

    def refuse(self: Path, mode: str = "r") -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionProblem):
        read(path)


def test_recorded_candles() -> None:
    bars = read(real.path("dydx-candles/dydx_BTC-USD_1MIN_seed_168h.csv.gz"), gaps=True)
    assert len(bars.start_ns) > 10_000 and (bars.high >= bars.low).all()
    lean = read(real.path("dydx-lean/20260101_trade.zip"), gaps=True)
    assert lean.market == "BTC-USD" and lean.step_ns == 60 * 10**9
