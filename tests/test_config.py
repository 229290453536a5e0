"""config: the models hold what config.toml says, and refuse what does not fit together."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sniper._ext.tape import COUNTER_NAMES
from sniper.cli import wiring
from sniper.config import PRESETS, SIM_MARKETS_MAX, Config
from sniper.configfile import default_text, leaves, statements
from sniper.engine import Engine
from sniper.feed.sim.universe import TICKERS
from sniper.inbox import Inbox
from sniper.loop import Loop

ROOT = Path(__file__).parent.parent


def test_the_embedded_default_is_the_models_default() -> None:
    assert Config.model_validate(tomllib.loads(default_text())) == Config()


def test_config_toml_at_the_root_is_the_embedded_default() -> None:
    assert (ROOT / "config.toml").read_text(encoding="utf-8") == default_text()


def test_every_knob_is_in_the_default_file_with_a_comment() -> None:
    lines = default_text().splitlines()
    found = list(statements(default_text()))
    known = leaves(Config())
    assert [key for _, key, value in found if value != {} or key in known] == list(known)
    commented = {key for number, key, _ in found if re.search(r"\S +# .{6}", lines[number - 1])}
    for _, key, value in found:
        assert value == {} or key in commented or key.rpartition(".")[0] in commented, key


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Config().seed = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Config().feed.speed = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("network", ["testnet", "mainnet"])
def test_a_network_is_its_addresses(network: str) -> None:
    feed = Config.model_validate({"feed": {"source": network}}).feed
    assert feed.websocket_url == PRESETS[network].websocket
    assert feed.indexer_url == PRESETS[network].rest
    assert feed.websocket_url.startswith("wss://") and feed.websocket_url.endswith("/v4/ws")


def test_any_socket_address_is_a_source_and_has_the_rest_address_that_is_given() -> None:
    feed = Config.model_validate({"feed": {"source": "ws://127.0.0.1:99/v4/ws"}}).feed
    assert (feed.websocket_url, feed.indexer_url) == ("ws://127.0.0.1:99/v4/ws", "")
    feed = Config.model_validate({"feed": {"source": "testnet", "rest_url": "http://127.0.0.1:1"}}).feed
    assert feed.indexer_url == "http://127.0.0.1:1"


def test_a_refused_password_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"feed": {"source": "wss://me:secret@h/v4/ws"}})
    assert "secret" not in caught.value.errors()[0]["msg"]


def test_simulated_and_recorded_data_need_no_address() -> None:
    assert Config().feed.websocket_url == Config().feed.indexer_url == ""


def test_the_start_of_simulated_time_is_exact_in_nanoseconds() -> None:
    start = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert Config.model_validate({"sim": {"start": start}}).sim.start_ns == 1_767_225_600_123_456_000


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("all", "all"),
        (["BTC-USD", "ETH-USD"], ("BTC-USD", "ETH-USD")),
        ("BTC-USD, ETH-USD", ("BTC-USD", "ETH-USD")),
        ("BTC-USD", ("BTC-USD",)),
    ],
)
def test_markets_are_all_or_a_list(given: Any, wanted: Any) -> None:
    assert Config.model_validate({"feed": {"markets": given}}).feed.markets == wanted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"feed": {"markets": []}}, "at least 1 item"),
        ({"feed": {"markets": ["BTC-USD", "BTC-USD"]}}, "listed twice"),
        ({"feed": {"markets": ["BTC USD"]}}, "is not a ticker"),
        ({"feed": {"markets": ["B" * 29]}}, "is not a ticker"),
        ({"feed": {"source": "mars"}}, "is not one of sim, replay, mainnet, testnet"),
        ({"feed": {"source": "ws://"}}, "is not one of"),
        ({"feed": {"source": "http://a"}}, "is not one of"),
        ({"feed": {"rest_url": "indexer"}}, "does not begin with http"),
        ({"feed": {"source": "wss://me:secret@h/v4/ws"}}, "must not hold a user name or a password"),
        ({"feed": {"rest_url": "https://me@h"}}, "must not hold a user name or a password"),
        ({"feed": {"source": "replay"}}, "needs feed.path"),
        ({"feed": {"candles": ["2MIN"]}}, "1MIN"),
        ({"feed": {"speed": -1.0}}, "greater than or equal to 0"),
        ({"feed": {"speed": float("nan")}}, "finite"),
        (
            {"feed": {"markets": ["A-USD", "B-USD"], "markets_max": 1}},
            "lists 2 markets, feed.markets_max = 1",
        ),
        ({"feed": {"markets": ["\x1b[31m-USD"]}}, "is not a ticker"),
        ({"feed": {"path": "a\0b"}}, "must not hold control characters"),
        ({"journal": {"folder": "a\x1b[2J"}}, "must not hold control characters"),
        ({"sim": {"markets": 61}}, "less than or equal to 60"),
        ({"sim": {"start": datetime(1970, 12, 31, tzinfo=UTC)}}, "must lie between 1971 and 2199"),
        ({"sim": {"start": datetime(2200, 1, 1, tzinfo=UTC)}}, "must lie between 1971 and 2199"),
        ({"inbox": {"bytes_max": 4096}}, "could never be filled"),
        ({"journal": {"file_mb_max": 10, "total_mb_max": 5}}, "could not be kept"),
        ({"sim": {"faults": {"drop": 1.5}}}, "less than or equal to 1"),
        ({"sim": {"markets": True}}, "valid integer"),
        ({"sim": {"start": datetime(2026, 1, 1)}}, "timezone"),
        ({"dashboard": {"market": "a b"}}, "is not a ticker"),
        ({"loop": {"tick_ms": 0}}, "greater than or equal to 1"),
        ({"seed": 1.0}, "valid integer"),
        ({"seed": True}, "valid integer"),
        ({"seed": "1"}, "valid integer"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        Config.model_validate(given)


def test_the_bound_of_the_simulated_markets_is_their_number() -> None:
    assert len(TICKERS) == SIM_MARKETS_MAX


@pytest.mark.parametrize("start", [datetime(1971, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)])
def test_the_simulated_market_works_at_the_ends_of_its_time(start: datetime) -> None:
    config = Config.model_validate({"sim": {"start": start, "markets": 2}})
    inbox = Inbox(1 << 16, 64 << 20)
    engine = Engine(wiring.settings(config))
    Loop(engine, wiring.feed(config), inbox, speed=0).run(ticks=60)
    counted = dict(zip(COUNTER_NAMES, engine.tape.counters.tolist(), strict=False))
    assert counted["rejected"] == 0 and counted["snapshots"] == 2 and counted["candles"] > 0
