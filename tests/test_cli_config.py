"""cli.config: show, check, schema, init."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.config import Config
from sniper.configfile import default_text, leaves
from tests.commands import refused
from tests.permission import obeyed


def output(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert main(["config", *argv]) == code
    return capsys.readouterr().out


def test_show_prints_toml_that_is_the_config(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Config.model_validate(tomllib.loads(output(capsys, "show"))) == Config()
    text = output(capsys, "show", "--set", "feed.markets=A-USD,B-USD", "--set", "seed=9")
    shown = Config.model_validate(tomllib.loads(text))
    assert (shown.seed, shown.feed.markets) == (9, ("A-USD", "B-USD"))


def test_show_says_where_each_value_came_from(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.toml").write_text("\nseed = 4\n")
    lines = output(capsys, "show", "--origin", "--set", "feed.speed=2").splitlines()
    assert lines[0].split() == ["seed", "=", "4", "#", "config.toml:2"]
    assert ["speed", "=", "2", "#", "--set"] in [line.replace("2.0", "2").split() for line in lines]
    assert ["source", "=", '"sim"', "#", "default"] in [line.split() for line in lines]


def test_show_as_one_document(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(output(capsys, "show", "--json"))
    assert list(document) == ["schema", "path", "values"]
    assert (document["schema"], document["path"]) == ("sniper.config/1", None)
    assert list(document["values"]) == list(leaves(Config()))
    assert document["values"]["sim.start"] == "2026-01-01T00:00:00Z"
    document = json.loads(output(capsys, "show", "--json", "--origin", "--set", "seed=2"))
    assert document["origins"]["seed"] == "--set"
    assert document["origins"].keys() == document["values"].keys()


def test_check_says_that_a_config_is_valid(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.toml").write_text("seed = 1")
    for argv in (["check"], ["check", "my.toml"], ["check", "--config", "my.toml"]):
        assert main(["config", *argv]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "the embedded default is valid",
        "my.toml is valid",
        "my.toml is valid",
    ]
    Path("my.toml").write_text("sed = 1")
    assert main(["config", "check", "my.toml"]) == 3
    assert main(["config", "check", "--set", "seed=2"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "the embedded default with seed=2 is valid"
    assert main(["config", "check", "my.toml", "--config", "my.toml"]) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("risk.ladder.stop_ppm=900000", "dangers must rise"),
        ("risk.ladder.flatten_sigmas=99", "distances must fall"),
        ("risk.gates.order_usd_min=99999999", "order_usd_min above"),
        ("strategy.name=nosuch", "there is no strategy nosuch"),
        ("strategy.options.foo=1", "no setting foo"),
        ('strategy.options={"enter_score"=200}', "enter_score"),
        ("paper.usdc_quantums=-5", "debt"),
        ("risk.gates.orders_reserved=20", "orders_reserved leaves"),
    ],
)
def test_check_refuses_what_a_run_would_refuse(
    alone: Path, capsys: pytest.CaptureFixture[str], wrong: str, said: str
) -> None:
    told = refused(capsys, 3, "config", "check", "--set", wrong)
    assert said in told
    assert refused(capsys, 3, "run", "--ticks", "1", "--headless", "--no-journal", "--set", wrong).endswith(
        told
    )


@pytest.mark.parametrize(
    ("code", "sets", "said"),
    [
        (3, ("feed.source=testnet",), "live.key is empty"),
        (3, ("live.key=bot",), 'feed.source is "sim"'),
        (3, ("feed.source=testnet", "live.key=bot", "live.chain_id=dydx-mainnet-1"), "shows dydx-testnet-4"),
        (2, ("feed.source=testnet", "live.key=bot"), "there is no key bot"),
    ],
)
def test_check_knows_what_a_live_session_needs(
    alone: Path, capsys: pytest.CaptureFixture[str], code: int, sets: tuple[str, ...], said: str
) -> None:
    words = [word for one in ("trade.mode=live", *sets) for word in ("--set", one)]
    assert said in refused(capsys, code, "config", "check", *words)


def test_the_schema_describes_every_section(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(output(capsys, "schema"))
    assert schema["$schema"].endswith("/schema")
    assert set(schema["properties"]) == set(Config.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["FeedConfig"]["properties"]["speed"]["maximum"] == 1e6


def test_init_writes_the_default_and_overwrites_only_when_told(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output(capsys, "init")
    assert Path("config.toml").read_text() == default_text()
    Path("config.toml").write_text("seed = 3")
    assert main(["config", "init"]) == 2
    assert (
        "config.toml exists. Overwrite it with 'sniper config init config.toml --yes'"
        in capsys.readouterr().err
    )
    output(capsys, "init", "--yes")
    assert Path("config.toml").read_text() == default_text()


def test_init_says_why_it_cannot_write(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone.chmod(0o500)
    with obeyed():
        assert main(["config", "init", "a.toml"]) == 4
    alone.chmod(0o700)
    assert "a.toml may not be written" in capsys.readouterr().err
    assert main(["config", "init", "no/such/a.toml"]) == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
