"""cli.risk: lines in, lines out, and one line for what is wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sniper.__main__ import main
from tests.commands import refused
from tests.test_cli_margin_lines import line


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_one_object_a_line(alone: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]) -> None:
    Path("a.jsonl").write_bytes(
        line(usdc=-7_991_920_000) + b"\n\n  \n" + line(positions=[]) + b"\r\n" + line(usdc=10**10)
    )
    assert main(["risk", "margin", "a.jsonl", *flags]) == 0
    out, err = capsys.readouterr()
    one, two, three = map(json.loads, out.splitlines())
    assert err == ""
    assert one == {
        "net_collateral": 1_000_000_000,
        "imr": 179_838_400,
        "mmr": 107_903_040,
        "free_collateral": 820_161_600,
        "positions": [
            {"market": "BTC-USD", "notional": 8_991_920_000, "liquidation_price": "80889.878542510121457"}
        ],
    }
    assert two["positions"] == [] and two["net_collateral"] == 5
    assert three["positions"][0]["liquidation_price"] is None


def test_standard_input(
    alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(line())))
    assert main(["risk", "margin", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["net_collateral"] == 8_991_920_005


def test_what_is_wrong_is_one_line_that_names_the_line(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.jsonl").write_bytes(line() + b"\n\n" + line(oraclePrice="0"))
    assert main(["risk", "margin", "a.jsonl"]) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert err.splitlines() == ["sniper: a.jsonl line 3: BTC-USD: oraclePrice is 0"]
    assert "none.jsonl cannot be read: No such file" in refused(capsys, 2, "risk", "margin", "none.jsonl")
    assert ". cannot be read" in refused(capsys, 2, "risk", "margin", ".")
    assert "Missing argument" in refused(capsys, 2, "risk", "margin")


def test_the_help_shows_both_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["risk", "margin", "--help"]) == 0
    out = capsys.readouterr().out
    assert '"size_quantums":int' in out and '"liquidation_price":"decimal" or null' in out
    assert main(["risk", "--help"]) == 0
    assert "margin" in capsys.readouterr().out
