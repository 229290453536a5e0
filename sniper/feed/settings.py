"""What the socket feed can be told. Every time carries its unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sniper.feed.backoff import Waits
from sniper.feed.plan import CANDLES, MARKETS, ORDERBOOK, TRADES, Wanted
from sniper.feed.subscriptions import Pace

if TYPE_CHECKING:
    from sniper.config import Config


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """The socket feed's settings; the defaults are those for the public Indexer.

    url: ws:// or wss:// (TLS is always verified). rest_url: "" for none. tickers: the markets if they are
    known beforehand, only to refuse early what cannot be placed. ca_file: PEM certificates to trust instead
    of the system's. silence_s: no message at all for this long, and the connection is given up. open_s:
    limit of one step of opening (TCP, TLS, HTTP), and of a message that stops in the middle. stagger_s:
    between the openings of two connections. funding_hours, candle_bars: history to fetch by REST for each
    watched market (0: none).
    """

    url: str
    seed: int = 0
    wanted: Wanted = Wanted()  # noqa: RUF009 - immutable, like the others
    tickers: tuple[str, ...] = ()
    batched: frozenset[str] = frozenset((MARKETS, CANDLES))
    pace: Pace = Pace()  # noqa: RUF009
    waits: Waits = Waits()  # noqa: RUF009
    silence_s: float = 10.0
    open_s: float = 10.0
    ping_s: float = 20.0
    pong_s: float = 8.0
    stagger_s: float = 0.25
    frame_bytes_max: int = 16 << 20
    ca_file: str = ""
    rest_url: str = ""
    rest_markets: bool = False
    funding_hours: int = 0
    candle_bars: int = 0

    def __post_init__(self) -> None:
        if not self.url.startswith(("ws://", "wss://")):
            raise ValueError(f"{self.url!r} is not a ws:// or wss:// address")
        if not 0.0 < self.pong_s < self.ping_s:
            raise ValueError(
                f"pong_s = {self.pong_s:g} must be more than 0 and less than ping_s = {self.ping_s:g}"
            )

    @classmethod
    def of(cls, config: Config) -> SocketSettings:
        """The settings that a config asks for."""
        feed = config.feed
        batched = {
            ORDERBOOK: feed.batched.orderbook,
            TRADES: feed.batched.trades,
            MARKETS: feed.batched.markets,
            CANDLES: feed.batched.candles,
        }
        trade = config.trade
        accounts = (f"{trade.address}/{trade.subaccount}",) if trade.mode == "live" else ()
        return cls(
            url=feed.websocket_url,
            seed=config.seed,
            wanted=Wanted(resolutions=tuple(feed.candles), subaccounts=accounts),
            tickers=() if feed.markets == "all" else tuple(feed.markets),
            batched=frozenset(channel for channel, wish in batched.items() if wish),
            pace=Pace(per_s=feed.subscribe_per_s),
            silence_s=feed.silence_s,
            ping_s=feed.ping_s,
            pong_s=0.4 * feed.ping_s,
            ca_file=feed.ca_file,
            rest_url=feed.indexer_url,
            rest_markets=feed.rest_markets,
            funding_hours=feed.funding_hours,
            candle_bars=feed.candle_bars,
        )
