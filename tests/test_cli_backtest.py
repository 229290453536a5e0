"""cli.backtest: one document, the same bytes for the same input, and one line for what cannot be played."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.journal_reader import JournalReader
from tests.candles import START_NS, walk, write
from tests.commands import document, process, refused

RUN = ("run", "--headless", "--json", "--set", "feed.speed=0", "--set", "sim.markets=8", "--seed", "1")


@pytest.fixture
def bars(alone: Path) -> Path:
    return write(Path("bars.csv"), walk(900, volatility=120))


def test_candles(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "backtest", f"BTC-USD={bars}", "--strategy", "macd", "--json")
    assert (
        found["schema"] == "sniper.backtest/1" and found["strategy"] == "macd" and found["input"] == "candles"
    )
    assert found["bars"] == 900 and found["fill"] == "bars" and found["ticks"] >= 901
    assert found == document(capsys, "backtest", f"BTC-USD={bars}", "--strategy", "macd", "--json")
    dearer = document(
        capsys, "backtest", f"BTC-USD={bars}", "--strategy", "macd", "--json", "--spread-bps", "20"
    )
    assert dearer["score"] != found["score"]


def test_the_figures_for_people(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", f"BTC-USD={bars}", "--strategy", "macd"]) == 0
    out, err = capsys.readouterr()
    assert "max drawdown" in out and "digest" in out and "simulated listing" in err


def test_what_makes_the_figures_mean_little_is_said(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", f"BTC-USD={bars}", "--strategy", "cross_market"]) == 0
    assert "nothing was decided: cross_market found no entry" in capsys.readouterr().err
    assert main([*RUN, "--duration", "3", "--journal", "j.mcap"]) == 0
    with JournalReader(Path("j.mcap")) as reader:
        frames = [record[3] for tick in reader for record in tick.records if record[3][:1] == b"{"]
    Path("frames.ndjson").write_bytes(b"\n".join([*frames, *[b'{"type":"channel_data"}'] * 7]))
    found = document(capsys, "backtest", "frames.ndjson", "--json")
    assert found["rejected"] == 7 < found["messages"]
    assert main(["backtest", "frames.ndjson"]) == 0
    out, err = capsys.readouterr()
    assert f"7 of {found['messages']:,} messages were refused" in err and "refused:" not in out


def test_the_path_is_nowhere_in_it(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plotly")
    other = Path("elsewhere")
    other.mkdir()
    bars.rename(other / "zq77zq.csv")
    pages, answers = [], []
    for source, name in ((other / "zq77zq.csv", "a.html"), (other.resolve() / "zq77zq.csv", "b.html")):
        argv = ("backtest", f"BTC-USD={source}", "--strategy", "macd", "--json", "--report", name)
        answers.append(document(capsys, *argv))
        pages.append(Path(name).read_bytes())
    assert answers[0] == answers[1] and pages[0] == pages[1] and b"zq77zq" not in pages[0]


def test_a_paper_session_decides_the_same_again(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = document(capsys, *RUN, "--duration", "80", "--journal", "j.mcap")
    found = document(capsys, "backtest", "j.mcap", "--json", "--set", "sim.markets=8", "--set", "seed=1")
    assert found["digest"] == ran["digest"] and found["input"] == "frames"
    assert sum(one["count"] for one in found["decisions"]) == ran["account"]["decisions"] > 0
    again = refused(capsys, 2, "backtest", "j.mcap", "j.mcap")
    assert "in order" in again


def test_a_report_is_whole_or_not_there(bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plotly")
    Path("r.html").write_text("the one before")

    def interrupted(*given: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sniper.report.page", interrupted)
    assert main(["backtest", f"BTC-USD={bars}", "--report", "r.html"]) == 130
    monkeypatch.setattr("sniper.report.page", lambda *given: "\ud800 cannot be written")
    assert main(["backtest", f"BTC-USD={bars}", "--report", "r.html"]) == 1
    assert Path("r.html").read_text() == "the one before"
    assert sorted(one.name for one in Path().iterdir()) == ["bars.csv", "r.html"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.usefixtures("hangups")
def test_a_signal_leaves_no_half_a_report(bars: Path, number: int, code: int) -> None:
    pytest.importorskip("plotly")
    write(bars, walk(200_000, seed=1, price=50_000, volatility=30))
    Path("r.html").write_text("the one before")
    with process("backtest", f"BTC-USD={bars}", "--strategy", "macd", "--report", "r.html") as running:
        assert running.stderr is not None
        assert "200,000 bars" in running.stderr.readline()
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (code, "") and err.strip().startswith("sniper: ")
    assert err.strip().count("\n") == 0
    assert sorted(one.name for one in Path().iterdir()) == ["bars.csv", "r.html"]
    assert Path("r.html").read_text() == "the one before"


def test_two_markets_and_a_markets_file(bars: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("new.csv"), walk(900, seed=2, price=500, volatility=3))
    listed = {
        "clobPairId": "7",
        "ticker": "NEW-USD",
        "status": "ACTIVE",
        "atomicResolution": -9,
        "quantumConversionExponent": -9,
        "tickSize": "0.1",
        "stepSize": "0.001",
        "stepBaseQuantums": 1000000,
        "subticksPerTick": 100000,
        "marketType": "CROSS",
        "initialMarginFraction": "0.1",
        "maintenanceMarginFraction": "0.05",
        "openInterest": "1000000",
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "nextFundingRate": "0",
    }
    Path("markets.json").write_text(json.dumps({"markets": {"NEW-USD": listed}}))
    document(capsys, "backtest", f"BTC-USD={bars}", "NEW-USD=new.csv", "--json", "--strategy", "cross_market")
    document(capsys, "backtest", "NEW-USD=new.csv", "--markets", "markets.json", "--json")
    assert "does not list BTC-USD" in refused(
        capsys, 2, "backtest", f"BTC-USD={bars}", "--markets", "markets.json"
    )


@pytest.mark.parametrize(
    ("code", "says", "argv"),
    [
        (2, "of which market", ["bars.csv"]),
        (2, "no file", ["BTC-USD=absent.csv"]),
        (2, "together", ["BTC-USD=bars.csv", "frames.ndjson"]),
        (2, "given twice", ["BTC-USD=bars.csv", "BTC-USD=bars.csv"]),
        (2, "different lengths", ["BTC-USD=bars.csv", "ETH-USD=hours.csv"]),
        (2, "lacks 1 bar", ["BTC-USD=gap.csv"]),
        (2, "no folder", ["BTC-USD=bars.csv", "--report", "absent/r.html"]),
        (2, "cannot be written", ["BTC-USD=bars.csv", "--report", "x" * 300 + ".html"]),
        (2, "could be replaced", ["BTC-USD=bars.csv", "--report", "/dev/null"]),
        (2, "price", ["frames.ndjson"]),
        (3, "strateg", ["BTC-USD=bars.csv", "--strategy", "magic"]),
        (3, "", ["BTC-USD=bars.csv", "--set", "paper.fee=magic"]),
    ],
)
def test_what_cannot_be_played(
    bars: Path, capsys: pytest.CaptureFixture[str], code: int, says: str, argv: list[str]
) -> None:
    rows = bars.read_text().splitlines()
    Path("gap.csv").write_text("\n".join([*rows[:5], *rows[6:9]]))
    hours = [f"{START_NS // 10**9 + 3600 * i},1,1,1,1,1" for i in range(3)]
    Path("hours.csv").write_text("\n".join([rows[0], *hours]))
    Path("frames.ndjson").write_text('{"type":"connected","connection_id":"a","message_id":0}\n')
    assert says in refused(capsys, code, "backtest", *argv)
