"""cli.options: the same options mean the same everywhere."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from sniper.cli.options import Seconds, config_options, json_option, overrides


@click.command()
@config_options
@json_option
def shown(config_path: str | None, sets: tuple[str, ...], as_json: bool) -> None:
    click.echo(repr((config_path, sets, as_json)))


def test_they_reach_the_command_under_one_name() -> None:
    assert CliRunner().invoke(shown, []).output == "(None, (), False)\n"
    result = CliRunner().invoke(shown, ["--config", "c", "--set", "a=1", "--set", "b=2", "--json"])
    assert result.output == "('c', ('a=1', 'b=2'), True)\n"


def test_they_explain_themselves() -> None:
    text = CliRunner().invoke(shown, ["--help"]).output
    assert "--set KEY=VALUE" in text and "feed.speed=2" in text


def test_options_that_stand_for_a_set_come_behind_them() -> None:
    assert overrides(("a=1",), seed=None) == ("a=1",)
    assert overrides(("a=1",), seed=0, feed__markets_file="x y") == ("a=1", "seed=0", "feed.markets_file=x y")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "1e300", "x"])
def test_a_length_of_time_is_one(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Seconds().convert(text, None, None)
    assert Seconds().convert("0.5", None, None) == 0.5
