"""cli.options: the same options mean the same everywhere."""

from __future__ import annotations

import click
from click.testing import CliRunner

from sniper.cli.options import config_options, json_option


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
