"""The config of a live session against the stand-in exchange, with a strategy that trades a lot."""

from __future__ import annotations

from pathlib import Path

from tests.wallets import CHAIN_ID

RESTLESS = Path(__file__).with_name("restless.py")


def live_config(
    websocket: str, rest: str, grpc: str, options: str, *, key: str = "owner", trade: str = "", more: str = ""
) -> str:
    """A TOML text. options: of the strategy. trade: more of its table; more: whole tables at the end."""
    owner = "owner_key = true\n" if key == "owner" else ""
    return f"""
[feed]
source = "{websocket}"
rest_url = "{rest}"
[trade]
mode = "live"
{trade}
[live]
chain_id = "{CHAIN_ID}"
nodes = ["{grpc}"]
tls = false
key = "{key}"
{owner}[strategy]
name = "{RESTLESS}"
options = {{ {options} }}
{more}
"""
