"""cli.drill: a disaster told in lines and as a document, and what cannot be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.__main__ import main
from tests.commands import document, refused

QUICK = ("drill", "--crash", "12%/6s", "--leverage", "6", "--seed", "3")


def test_it_is_told_tick_by_tick(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--drop-feed", "1s"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert "BTC-USD" in lines[0] and "equity 10,0" in lines[0] and lines[0].endswith("calm")
    assert any("the feed fell silent" in line for line in lines)
    assert any("rung 0 ->" in line for line in lines)
    assert any("sold" in line and "fee" in line for line in lines)
    assert lines[-1].startswith("not liquidated") and lines[-1].endswith("everything is closed")
    assert not any("-USD 0 " in line for line in lines), "a market has a price when we have left it, too"
    assert "would have kept" in lines[-2]


def test_a_gap_is_a_loss_and_is_told_so(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill", "--crash", "40%/1s", "--leaps", "1", "--leverage", "6"]) == 0
    assert "a loss beyond reach" in capsys.readouterr().out.splitlines()[-1]


def test_the_document_and_a_journal_that_replays(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, *QUICK, "--json", "--journal", "j")
    assert told["schema"] == "sniper.drill/1"
    assert (told["leverage_ppm"], told["seed"], told["seconds"]) == (6_000_000, 3, 6.0)
    assert not told["liquidated"] and not told["exit_existed"]
    assert 0 < told["lowest_ppm"] <= told["kept_ppm"] < 1_000_000 and told["at_once_ppm"] > 0
    assert [one["rung"] for one in told["rungs"]] == sorted(one["rung"] for one in told["rungs"])
    assert any("sold" in said for moment in told["moments"] for said in moment["said"])
    assert document(capsys, *QUICK, "--json") == told, "a journal changes nothing, and a seed repeats"
    assert document(capsys, "replay", "j", "--json")["equal"] is True
    moved = document(capsys, "risk", "what-if", "j", "--at", "60", "--move", "*=-20%", "--json")
    assert moved["liquidated"] is True


def test_the_leverage_is_the_configs_maximum(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = ("--set", "risk.gates.leverage_ppm_max=5000000", "--market", "SOL-USD")
    told = document(capsys, "drill", "--crash", "1%/100ms", "--json", *sets)
    assert told["leverage_ppm"] == 5_000_000 and list(told["moves_ppm"]) == ["SOL-USD"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--crash", "12"), 2, "is not like 12%/90s"),
        (("--crash", "95%/9s"), 2, "at most 90 %"),
        (("--crash", "9%/61m"), 2, "at most an hour"),
        (("--crash", "9%/9s", "--drop-feed", "long"), 2, "is not like 20s"),
        (("--crash", "9%/9s", "--market", "XYZ-USD"), 2, "--market XYZ-USD"),
        (("--crash", "9%/9s", "--market", "BTC-USD", "--market", "BTC-USD"), 2, "given twice"),
        (("--crash", "9%/9s", "--set", "trade.mode=off"), 3, "trade.mode is off"),
        (("--crash", "9%/9s", "--set", "paper.usdc_quantums=0"), 3, "equity above 0"),
        ((), 2, "--crash"),
    ],
)
def test_what_makes_no_sense_is_refused(
    alone: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in refused(capsys, code, "drill", *words)
