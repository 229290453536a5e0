"""`sniper explain order`."""

from __future__ import annotations

import json

from click.testing import CliRunner

from sniper.cli.explain import command


def test_it_prints_a_line_a_fact() -> None:
    found = CliRunner().invoke(
        command, ["order", "--kind", "conditional", "--reduce-only", "--trigger", "stop_loss"]
    )
    assert found.exit_code == 0 and "if we die now" in found.output and "the chain takes" in found.output


def test_as_a_document() -> None:
    found = CliRunner().invoke(command, ["order", "--json"], standalone_mode=False)
    document = json.loads(found.output)
    assert document["schema"] == "sniper.explain.order/1" and "good-til-block" in document["ends"]


def test_what_does_not_exist_is_refused() -> None:
    assert CliRunner().invoke(command, ["order", "--kind", "twap"]).exit_code == 2
