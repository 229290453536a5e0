"""cli.group: verbs by name, imported only when used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sniper.cli.group import VERBS, sniper


def test_the_help_lists_every_verb_with_what_it_does() -> None:
    result = CliRunner().invoke(sniper, ["--help"])
    assert result.exit_code == 0
    for name, (_, text) in VERBS.items():
        assert f"  {name} " in result.output
        assert text in " ".join(result.output.split())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_command_with_help(verb: str) -> None:
    module, _, name = VERBS[verb][0].partition(":")
    command = getattr(import_module(module), name or "command")
    assert isinstance(command, click.Command)
    result = CliRunner().invoke(sniper, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert f"Usage: sniper {verb}" in result.output


def test_an_unknown_verb_has_no_command(alone: Path) -> None:
    context = click.Context(sniper)
    assert sniper.get_command(context, "zzz") is None
    assert sniper.list_commands(context) == list(VERBS)
