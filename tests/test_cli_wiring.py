"""cli.wiring: the parts get what the config says."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from sniper.cli import wiring
from sniper.config import Config
from sniper.dashboard import Dashboard, StatusLine
from sniper.engine import Settings
from sniper.errors import ConfigError
from sniper.feed.replay import Replay
from sniper.feed.sim import Sim
from sniper.feed.socket import SocketFeed
from sniper.inbox import Inbox
from sniper.journal_reader import JournalReader
from sniper.journal_settings import settings as settings_of
from sniper.types import REC_REST


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


def test_the_engine_is_set_as_the_config_says() -> None:
    assert wiring.settings(
        config(
            feed={"markets": ["A-USD"], "markets_max": 7, "stale_block_s": 1.5, "silence_s": 40.0},
            loop={"bytes_max": 4096, "records_max": 9},
            book={"crossed_resubscribe_s": 2.0},
            candles={"bars_max": 99},
            trade={"mode": "off"},
        )
    ) == Settings(
        tickers=("A-USD",),
        watch_max=7,
        bytes_max=4096,
        records_max=9,
        bars_max=99,
        stale_block_ns=1_500_000_000,
        silence_ns=40_000_000_000,
        crossed_ns=2_000_000_000,
    )
    assert wiring.settings(Config()).tickers == ()


def test_the_sim_gets_its_knobs() -> None:
    made = wiring.feed(config(seed=5, sim={"markets": ["SOL-USD", "XRP-USD"], "faults": {"drop": 1.0}}))
    assert isinstance(made, Sim) and made.clock == "tape"
    assert list(made.markets) == ["SOL-USD", "XRP-USD"]
    made.start(Inbox(100, 1 << 20))
    assert made.due(0) == Config().sim.start_ns


def test_a_recording_is_played_with_the_markets_that_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "frames").write_bytes(
        b'{"recv_ms":5,"msg":{"type":"connected","connection_id":"a","message_id":0}}'
    )
    (tmp_path / "markets").write_bytes(b"{}")
    replay = {"source": "replay", "path": str(tmp_path / "frames"), "markets_file": str(tmp_path / "markets")}
    made = wiring.feed(config(feed=replay))
    assert isinstance(made, Replay) and made.clock == "tape"
    inbox = Inbox(100, 1 << 20)
    assert made.due(0) == 5_000_000
    made.pull(5_000_000, inbox)
    ((_, _, kind, data),) = inbox.drain(1 << 20, 100)
    assert kind == REC_REST and data.startswith(b"perpetualMarkets 200 ")


def test_a_live_feed_gets_the_address() -> None:
    made = wiring.feed(config(feed={"source": "ws://127.0.0.1:9/v4/ws"}))
    assert isinstance(made, SocketFeed) and made.clock == "real"


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"feed": {"source": "mainnet", "candles": ["1MIN", "1HOUR"]}},
            "256 markets x 2 resolutions = 512 candle ids / 32 = 16 connections, at most 9",
        ),
        (
            {"feed": {"source": "testnet", "markets_max": 300}},
            "300 markets = 300 order book ids / 32 = 10 connections, at most 9",
        ),
        (
            {"feed": {"source": "ws://h/", "markets": [f"M{n}-USD" for n in range(289)], "markets_max": 289}},
            "289 markets = 289 order book ids / 32 = 10 connections, at most 9",
        ),
        (
            {"sim": {"markets": 60}, "feed": {"candles": ["1MIN", "1DAY", "1HOUR", "5MINS", "4HOURS"]}},
            "connections",
        ),
        ({"sim": {"markets": ["NO-USD"]}}, "NO-USD"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_with_the_arithmetic(sections: dict[str, Any], said: str) -> None:
    for refuses in (wiring.check, wiring.feed):
        with pytest.raises(ConfigError) as caught:
            refuses(config(**sections))
        assert said in str(caught.value) and caught.value.advice


def test_what_fits_passes() -> None:
    wiring.check(Config())
    wiring.check(config(feed={"source": "mainnet"}))
    wiring.check(config(feed={"source": "replay", "path": "any"}))


def test_a_journal_holds_config_settings_and_seed(alone: Path) -> None:
    given = config(seed=9, candles={"bars_max": 33})
    with wiring.journal(given, "j.mcap", tape=True) as journal:
        journal.snapshot(0, 0, b"state")
    with JournalReader("j.mcap") as reader:
        assert reader.header["seed"] == "9"
        assert Config.model_validate_json(reader.header["config"]) == given
        assert settings_of(reader.header) == wiring.settings(given)


def test_what_is_shown_depends_on_the_terminal_and_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, headless in (
        (Config(), True),
        (config(dashboard={"enabled": False}), False),
        (Config(), False),
    ):
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert isinstance(wiring.display(given, headless), StatusLine)


def test_on_a_terminal_it_is_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import pty

    main, side = pty.openpty()
    with open(side, "w") as terminal:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(sys, "stderr", terminal)
        shown = wiring.display(config(dashboard={"market": "SOL-USD"}), headless=False)
        assert isinstance(shown, Dashboard)
        assert shown.want.ticker == "SOL-USD"
    os.close(main)


def test_an_unknown_market_is_refused_with_the_nearest() -> None:
    wiring.check_known(["A-USD"], "feed.markets", ["A-USD", "B-USD"], "sim")
    with pytest.raises(
        ConfigError, match=r"sim lists A-USD, B-USD\. Did you mean A-USD\? Correct feed\.markets\."
    ):
        wiring.check_known(["A-USDT"], "feed.markets", ["A-USD", "B-USD"], "sim")
    many = [f"M{n}-USD" for n in range(153)]
    with pytest.raises(ConfigError, match=r"unknown market ZZZZ: mainnet lists 153 others\. Correct"):
        wiring.check_known(["ZZZZ"], "feed.markets", many, "mainnet")


@pytest.mark.parametrize(
    ("mode", "enabled", "tape", "kept"),
    [("paper", "auto", False, True), ("paper", "auto", True, False), ("paper", "on", True, True),
     ("paper", "off", False, False), ("off", "on", False, False)],
)  # fmt: skip
def test_a_database_is_kept_on_real_markets(
    alone: Path, mode: str, enabled: str, tape: bool, kept: bool
) -> None:
    made = wiring.state(config(trade={"mode": mode}, state={"enabled": enabled}), tape)
    assert (made is not None) == kept
    assert (alone / ".local/state/sniper/accounts").exists() == kept
    if made is not None:
        assert made.path.name == f"paper-{wiring.owner_of(Config())}-0.sqlite"
        begins = wiring.opening(Config(), made)
        desk = wiring.desk(Config(), begins)
        assert (desk.orders.first_client_id, desk.orders.last_client_id) == begins[:2]
        assert desk.risk.killed == "" and desk.orders.last_client_id - desk.orders.first_client_id == 4095
        made.close()


def test_an_address_that_cannot_name_a_file_is_a_config_error(alone: Path) -> None:
    odd = config(trade={"address": "../../etc"})
    for act in (lambda: wiring.open_state(odd), lambda: wiring.state_path(odd, alone)):
        with pytest.raises(ConfigError, match="cannot name a file"):
            act()
