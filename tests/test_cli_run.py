"""cli.run: one document, the exit code, and nothing else on standard output."""

from __future__ import annotations

import json
import re
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sniper.__main__ import main
from sniper.errors import DifferencesFound
from sniper.types import Record
from tests.commands import FAST, HOSTILE, document, process, refused
from tests.permission import obeyed

LISTED = {
    "clobPairId": "0",
    "ticker": "A-USD",
    "status": "ACTIVE",
    "oraclePrice": "1",
    "tickSize": "0.1",
    "stepSize": "0.1",
    "atomicResolution": -10,
    "quantumConversionExponent": -9,
    "stepBaseQuantums": 10,
    "subticksPerTick": 10,
}


def test_the_document_of_a_run(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "run", *FAST, "--ticks", "60", "--journal", "here")
    assert list(found) == [
        "schema",
        "ticks",
        "frames",
        "rows",
        "rejected",
        "rejected_levels",
        "digest",
        "journal",
        "connections",
        "markets",
        "account",
    ]
    assert (found["schema"], found["ticks"], found["rejected"], found["rejected_levels"]) == (
        "sniper.run/1",
        60,
        0,
        0,
    )
    assert found["frames"] > 50 and found["rows"] > found["frames"]
    assert re.fullmatch(r"[0-9a-f]{32}", found["digest"])
    assert Path(found["journal"]).parent.name == "here" and Path(found["journal"]).is_file()
    (connection,) = found["connections"]
    assert connection["frames"] == found["frames"] and connection["bytes"] > 1000
    assert connection["bytes_per_s"] > 0 and 0 < connection["uptime_ratio"] <= 1
    assert (connection["reconnects"], connection["gaps"]) == (0, 0)
    assert list(found["markets"]) == ["BTC-USD", "ETH-USD", "SOL-USD"]
    for market in found["markets"].values():
        assert market["trust"] == "live"
        bid, ask, oracle = (market[name] for name in ("best_bid", "best_ask", "oracle_price"))
        assert all(re.fullmatch(r"\d+(\.\d+)?", text) for text in (bid, ask, oracle))
        assert Decimal(bid) < Decimal(ask)
        assert abs(Decimal(oracle) / Decimal(bid) - 1) < Decimal("0.01")


def test_before_the_first_snapshot_prices_are_null(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "run", *FAST, "--ticks", "1", "--no-journal")
    assert found["journal"] is None
    assert found["markets"] == {} or all(m["best_bid"] is None for m in found["markets"].values())


def test_same_seed_same_digest_at_any_pace(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("run", *FAST, *HOSTILE, "--ticks", "150", "--no-journal")
    fast = document(capsys, *argv, "--seed", "7")
    paced = document(capsys, *argv, "--seed", "7", "--set", "feed.speed=20")
    other = document(capsys, *argv, "--seed", "8")
    assert fast == paced
    assert fast["digest"] != other["digest"]


def test_a_duration_is_time_of_the_feed(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "run", *FAST, "--duration", "3", "--no-journal")
    assert 3000 / 50 <= found["ticks"] <= 3000
    assert document(capsys, "run", *FAST, "--duration", "1.5", "--no-journal")["ticks"] < found["ticks"]


def test_for_people_it_says_what_was_set_and_what_came_of_it(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("my.toml").write_text("[sim]\nmarkets = 2\n")
    argv = [
        "run",
        "--config",
        "my.toml",
        "--set",
        "feed.speed=0",
        "--seed",
        "3",
        "--ticks",
        "5",
        "--no-journal",
    ]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "config: my.toml, feed.speed=0, seed=3"
    assert re.fullmatch(r"ticks: 5 ticks, [\d,]+ frames, 0 rejected, digest [0-9a-f]{32}", lines[-1])


def test_the_journal_is_where_it_is_wanted(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("run", *FAST, "--ticks", "3")
    assert document(capsys, *argv)["journal"].startswith(str(alone / ".local/state/sniper/journals/"))
    assert document(capsys, *argv, "--journal", "a/b.mcap")["journal"] == "a/b.mcap"
    assert document(capsys, *argv, "--set", "journal.enabled=false")["journal"] is None
    assert document(capsys, *argv, "--set", "journal.enabled=false", "--journal", "c")["journal"].startswith(
        "c/"
    )
    assert document(capsys, *argv, "--set", "journal.folder=d")["journal"].startswith("d/")


def test_a_journal_of_several_files_is_named_by_its_folder(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sniper.journal import Journal

    tick = Journal.tick

    def rotating(self: Journal, number: int, now_ns: int, records: list[Record]) -> None:
        self._thread.rotate_due = number == 20  # as if the first file were full
        tick(self, number, now_ns, records)

    monkeypatch.setattr(Journal, "tick", rotating)
    argv = ("--ticks", "40", "--journal", "many")
    assert document(capsys, "run", *FAST, *argv)["journal"] == "many"
    assert len(list(Path("many").iterdir())) == 2
    found = document(capsys, "replay", "many", "--json")
    assert found == {"schema": "sniper.replay/1", "ticks": 40, "equal": True, "first": None}


def test_a_journal_that_could_not_be_kept_whole_is_said_loudly(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sniper.journal import Journal

    real = Journal.status.fget
    assert real is not None
    broken = property(lambda self: real(self)._replace(error="no space left on device", missed_ticks=3))
    monkeypatch.setattr(Journal, "status", broken)
    assert main(["run", *FAST, "--ticks", "3"]) == 0
    assert (
        "the journal is not whole: no space left on device (3 ticks are missing)" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (
            ["--config", "none.toml"],
            3,
            "--config: there is no file none.toml. Write one with 'sniper config init",
        ),
        (["--set", "feed.sorce=sim"], 3, "unknown key feed.sorce. Did you mean feed.source?"),
        (["--set", "feed.speed=fast"], 3, '--set: feed.speed: should be a number (it is "fast")'),
        (["--set", "sim.markets=BTC-USD,NO-USD"], 3, "NO-USD"),
        (["--set", "sim.markets=500"], 3, "sim.markets: should be less than or equal to 60"),
        (["--duration", "nan"], 2, "is no length of time"),
        (["--duration", "inf"], 2, "--duration"),
        (
            ["--set", "feed.markets=BTC-USDT"],
            3,
            "feed.markets: unknown market BTC-USDT: sim lists BTC-USD, ETH-USD",
        ),
        (["--set", "dashboard.market=ETHUSD"], 3, "dashboard.market: unknown market ETHUSD"),
        (
            ["--set", 'risk.gates.stresses=[[["BTC-USDT", -80000]]]'],
            3,
            "risk.gates.stresses: unknown market BTC-USDT",
        ),
        (["--ticks", "0"], 2, "--ticks"),
        (["--journal", "x", "--no-journal"], 2, "--journal and --no-journal exclude each other"),
        (["--journal", "file/x"], 2, "cannot be made a folder"),
    ],
)
def test_wrong_input_is_one_line_with_what_to_do_next(
    alone: Path, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, said: str
) -> None:
    Path("file").write_text("")
    line = refused(capsys, code, "run", *FAST, *argv)
    assert line.startswith("sniper: ") and said in line


def test_an_unknown_market_has_a_did_you_mean(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, 3, "run", *FAST, "--no-journal", "--set", "feed.markets=ETH-USD,BTCUSD")
    assert line.endswith("Did you mean BTC-USD? Correct feed.markets.")


def test_a_journal_folder_without_permission_is_4(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("closed").mkdir(mode=0o500)
    with obeyed():
        line = refused(capsys, 4, "run", *FAST, "--journal", "closed/below")
    assert "closed/below may not be written, so nothing would be journalled" in line
    assert "use --no-journal" in line


def test_a_venue_that_cannot_be_reached_is_5(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("run", *FAST, "--no-journal", "--duration", "0.3", "--set", "feed.source=ws://127.0.0.1:9/v4/ws")
    found = document(capsys, *argv, code=5)
    assert found["frames"] == 0 and found["connections"][0]["name"] == "ws://127.0.0.1:9/v4/ws"
    assert main(argv) == 5
    assert capsys.readouterr().err.splitlines()[-1] == (
        "sniper: no frame came from ws://127.0.0.1:9/v4/ws. 'sniper doctor' says where the way ends."
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.usefixtures("hangups")
def test_a_signal_ends_it_gracefully(alone: Path, number: signal.Signals, code: int) -> None:
    with process("run", "--headless", "--json", "--journal", "here", cwd=alone) as running:
        assert running.stderr is not None
        while "tick 1" not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(number)
        out, _ = running.communicate(timeout=30)
    assert running.returncode == code
    found = json.loads(out)
    assert found["ticks"] >= 1
    assert main(["replay", found["journal"]]) == 0


def test_a_fault_of_the_engine_is_not_hidden_and_leaves_the_journal(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sniper.engine import Engine

    tick = Engine.tick

    def failing(self: Engine, *given: object) -> object:
        assert self.ticks < 20, "as if a kernel had failed"
        return tick(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "tick", failing)
        assert main(["run", *FAST, "--journal", "j.mcap"]) == 1
    assert "a fault of sniper itself, AssertionError: as if a kernel had failed" in capsys.readouterr().err
    assert main(["replay", "j.mcap"]) == 0
    assert "tick 21 has no digests to compare with" in capsys.readouterr().err


def test_a_full_disk_under_standard_error_does_not_end_it(alone: Path) -> None:
    with (
        open("/dev/full", "w") as full,
        process("run", *FAST, "--ticks", "20", cwd=alone, stderr=full) as running,
    ):
        out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert json.loads(out)["ticks"] == 20


def test_markets_names_the_table_of_recorded_frames(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("f").write_bytes(b'{"type":"connected","connection_id":"a","message_id":0}\n')
    Path("m").write_text(json.dumps({"markets": {"A-USD": LISTED}}))
    played = ("run", *FAST, "--no-journal", "--set", "feed.source=replay", "--set", "feed.path=f")
    assert document(capsys, *played)["markets"] == {}
    assert list(document(capsys, *played, "--markets", "m")["markets"]) == ["A-USD"]


def test_run_and_replay_never_import_the_client(alone: Path) -> None:
    code = f"""if True:
        import sys
        from sniper.__main__ import main
        assert main({["run", *FAST, "--ticks", "5", "--journal", "j.mcap"]!r}) == 0
        assert main(["replay", "j.mcap"]) == 0
        heavy = {{"dydx_v4_client", "grpc", "httpx", "websocket"}} & set(sys.modules)
        assert not heavy, heavy
    """
    with process(python=("-c", code), cwd=alone) as running:
        _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err


@pytest.mark.parametrize(
    "problem", [OSError(28, "No space left on device"), DifferencesFound("it is broken")]
)
def test_a_word_is_obeyed_though_the_audit_log_takes_nothing(problem: Exception) -> None:
    from sniper.cli.live import Signer
    from sniper.cli.run import operated

    class Log:
        def write(self, kind: str, facts: object) -> None:
            raise problem

    log: Any = Log()
    assert "does not hold this word" in operated(Signer(None, "", (), log), None, "kill", "smoke")
    assert operated(None, None, "kill", "smoke") == ""
