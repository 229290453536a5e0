"""What the socket feed can be told."""

from __future__ import annotations

import pytest

from sniper.config import Config
from sniper.feed.settings import SocketSettings


def test_the_settings_of_a_config() -> None:
    config = Config.model_validate(
        {
            "seed": 7,
            "feed": {
                "source": "testnet",
                "markets": ["BTC-USD", "ETH-USD"],
                "candles": ["1MIN", "1HOUR"],
                "subscribe_per_s": 5.0,
                "silence_s": 40.0,
                "ping_s": 15.0,
                "ca_file": "ca.pem",
                "rest_markets": True,
                "funding_hours": 24,
                "candle_bars": 100,
                "batched": {"orderbook": True, "markets": False},
            },
        }
    )
    settings = SocketSettings.of(config)
    assert settings.url == "wss://indexer.v4testnet.dydx.exchange/v4/ws"
    assert settings.rest_url == "https://indexer.v4testnet.dydx.exchange"
    assert settings.seed == 7
    assert settings.tickers == ("BTC-USD", "ETH-USD")
    assert settings.wanted.resolutions == ("1MIN", "1HOUR")
    assert settings.pace.per_s == 5.0
    assert settings.silence_s == 40.0
    assert 0.0 < settings.pong_s < settings.ping_s == 15.0
    assert settings.ca_file == "ca.pem"
    assert (settings.rest_markets, settings.funding_hours, settings.candle_bars) == (True, 24, 100)
    assert settings.batched == {"v4_orderbook", "v4_candles"}


def test_all_markets_are_not_known_beforehand() -> None:
    assert SocketSettings.of(Config.model_validate({"feed": {"source": "ws://127.0.0.1:9"}})).tickers == ()


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a ws:// or wss:// address"):
        SocketSettings("https://indexer.dydx.trade")
    with pytest.raises(ValueError, match="pong_s = 20 must be more than 0 and less than ping_s = 20"):
        SocketSettings("wss://indexer.dydx.trade", pong_s=20.0)
