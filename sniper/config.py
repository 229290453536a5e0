"""What can be set: frozen, validated models of config.toml, one class a section.

Every name carries its unit. `sniper/default.toml` says in a comment what each knob does; a test holds its
values equal to the defaults here. Where values come from (files, environment, `--set`) is in `configfile.py`.
pydantic costs about 100 ms to import: nothing that `sniper --help` needs may import this module.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    model_validator,
)

from sniper.config_base import Section
from sniper.config_trading import (
    AccountConfig,
    LiveConfig,
    OrdersConfig,
    PaperConfig,
    ReconcileConfig,
    ResilienceConfig,
    RiskConfig,
    StrategyConfig,
    TradeConfig,
)

Resolution = Literal["1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY"]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Preset(NamedTuple):
    """The public endpoints of one network."""

    websocket: str
    rest: str


# Source: the endpoints page of the dYdX documentation.
PRESETS: Final[dict[str, Preset]] = {
    "mainnet": Preset("wss://indexer.dydx.trade/v4/ws", "https://indexer.dydx.trade"),
    "testnet": Preset(
        "wss://indexer.v4testnet.dydx.exchange/v4/ws", "https://indexer.v4testnet.dydx.exchange"
    ),
}
SOURCES = ("sim", "replay", *sorted(PRESETS), "ws://…", "wss://…")


def _a_list(value: Any) -> Any:
    """Environment and `--set` carry text: "A, B" is a list of two. TOML arrays become tuples."""
    if isinstance(value, str) and value != "all":
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _tickers(value: tuple[str, ...] | str) -> tuple[str, ...] | str:
    for ticker in () if isinstance(value, str) else value:
        plain = ticker.isascii() and ticker.isprintable()
        if not 1 <= len(ticker) <= 28 or not plain or any(c in ticker for c in ' "\\/,'):
            raise ValueError(f'"{ticker}" is not a ticker such as "BTC-USD"')
    if not isinstance(value, str) and len(set(value)) < len(value):
        raise ValueError("a ticker is listed twice")
    return value


def _no_login(value: str) -> str:
    """The config is printed, and written into every journal: it holds no secrets."""
    if "@" in value.partition("://")[2].split("/")[0]:
        raise ValueError("must not hold a user name or a password")
    return value


def _path(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


def _after_1971(value: datetime) -> datetime:
    """The simulated history reaches back months, and times must fit into 64 bits of nanoseconds."""
    if not 1971 <= value.astimezone(UTC).year < 2200:
        raise ValueError("must lie between 1971 and 2199")
    return value


def _source(value: str) -> str:
    if value in ("sim", "replay") or value in PRESETS:
        return value
    scheme, mark, rest = value.partition("://")
    if scheme not in ("ws", "wss") or not mark or not rest.split("/")[0]:
        raise ValueError(f'"{value}" is not one of {", ".join(SOURCES)}')
    return _no_login(value)


def _http(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError(f'"{value}" does not begin with http:// or https://')
    return _no_login(value)


def _simulated(value: Any) -> Any:
    """The simulated markets are a number or a list of tickers; text from `--set` may be either."""
    return value if isinstance(value, int) else _a_list(value)


Markets = Annotated[
    Literal["all"] | tuple[str, ...], BeforeValidator(_a_list), AfterValidator(_tickers), Field(min_length=1)
]
Resolutions = Annotated[tuple[Resolution, ...], BeforeValidator(_a_list)]
Path = Annotated[str, AfterValidator(_path)]
SIM_MARKETS_MAX: Final = 60
"""How many the simulated market has (`feed/sim/universe.py`)."""
SimMarkets = Annotated[
    Annotated[int, Field(ge=1, le=SIM_MARKETS_MAX)]
    | Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_tickers)],
    BeforeValidator(_simulated),
]


class Batched(Section):
    """Ask for several updates in one message, up to 250 ms late, per channel."""

    orderbook: bool = False
    trades: bool = False
    markets: bool = True
    candles: bool = True


class FeedConfig(Section):
    """Where frames come from."""

    source: Annotated[str, AfterValidator(_source)] = "sim"
    path: Path = ""
    markets_file: Path = ""
    speed: float = Field(default=1.0, ge=0.0, le=1e6)
    markets: Markets = "all"
    markets_max: int = Field(default=256, ge=1, le=1024)
    candles: Resolutions = ("1MIN",)
    subscribe_per_s: float = Field(default=10.0, gt=0.0, le=100.0)
    silence_s: float = Field(default=10.0, ge=1.0, le=3600.0)
    stale_block_s: float = Field(default=10.0, ge=1.0, le=3600.0)
    ping_s: float = Field(default=20.0, ge=1.0, le=300.0)
    rest_url: Annotated[str, AfterValidator(_http)] = ""
    rest_markets: bool = False
    funding_hours: int = Field(default=0, ge=0, le=1000)
    candle_bars: int = Field(default=0, ge=0, le=10_000)
    ca_file: Path = ""
    batched: Batched = Batched()

    @property
    def websocket_url(self) -> str:
        """The address to connect to, "" for a source without a socket."""
        if self.source in ("sim", "replay"):
            return ""
        return PRESETS[self.source].websocket if self.source in PRESETS else self.source

    @property
    def indexer_url(self) -> str:
        """The REST address, "" where there is none."""
        preset = PRESETS.get(self.source)
        return self.rest_url or (preset.rest if preset else "")


class FaultsConfig(Section):
    """Probabilities of the simulated faults."""

    drop: Probability = 0.0
    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    gap: Probability = 0.0
    crossed: Probability = 0.0
    unknown_remove: Probability = 0.0
    malformed: Probability = 0.0
    disconnect: Probability = 0.0
    silence: Probability = 0.0
    oracle_jump: Probability = 0.0


class SimConfig(Section):
    """The simulated market."""

    markets: SimMarkets = 8
    start: Annotated[AwareDatetime, AfterValidator(_after_1971)] = datetime(2026, 1, 1, tzinfo=UTC)
    faults: FaultsConfig = FaultsConfig()

    @property
    def start_ns(self) -> int:
        """The first moment of simulated time, nanoseconds since 1970."""
        elapsed = self.start - datetime(1970, 1, 1, tzinfo=UTC)
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000 + elapsed.microseconds * 1000


class LoopConfig(Section):
    """The turn of the loop."""

    tick_ms: int = Field(default=50, ge=1, le=10_000)
    bytes_max: int = Field(default=4 << 20, ge=1024, le=4 << 20)
    records_max: int = Field(default=4096, ge=1, le=1 << 16)


class InboxConfig(Section):
    """The only entrance."""

    bytes_max: int = Field(default=64 << 20, ge=1024, le=1 << 30)
    records_max: int = Field(default=1 << 16, ge=1, le=1 << 20)


class JournalConfig(Section):
    """What is written down."""

    enabled: bool = True
    folder: Path = ""
    file_mb_max: int = Field(default=256, ge=1, le=65_536)
    total_mb_max: int = Field(default=4096, ge=1, le=1 << 24)
    snapshot_s: float = Field(default=30.0, ge=1.0, le=3600.0)


class StateConfig(Section):
    """What outlives the program."""

    enabled: Literal["auto", "on", "off"] = "auto"
    folder: Path = ""
    latched: Literal["refuse", "reduce"] = "refuse"


class BookConfig(Section):
    """The order books."""

    crossed_resubscribe_s: float = Field(default=15.0, ge=1.0, le=3600.0)


class CandlesConfig(Section):
    """The candle rings."""

    bars_max: int = Field(default=512, ge=16, le=8192)


class DashboardConfig(Section):
    """What is drawn."""

    enabled: bool = True
    fps: int = Field(default=10, ge=1, le=60)
    market: Annotated[str, AfterValidator(lambda v: str(_tickers((v,))[0]))] = "BTC-USD"
    resolution: Resolution = "1MIN"


class Config(Section):
    """All of it."""

    seed: int = Field(default=1, ge=0, le=(1 << 63) - 1)
    feed: FeedConfig = FeedConfig()
    sim: SimConfig = SimConfig()
    loop: LoopConfig = LoopConfig()
    inbox: InboxConfig = InboxConfig()
    journal: JournalConfig = JournalConfig()
    state: StateConfig = StateConfig()
    book: BookConfig = BookConfig()
    candles: CandlesConfig = CandlesConfig()
    dashboard: DashboardConfig = DashboardConfig()
    trade: TradeConfig = TradeConfig()
    strategy: StrategyConfig = StrategyConfig()
    account: AccountConfig = AccountConfig()
    orders: OrdersConfig = OrdersConfig()
    risk: RiskConfig = RiskConfig()
    paper: PaperConfig = PaperConfig()
    live: LiveConfig = LiveConfig()
    reconcile: ReconcileConfig = ReconcileConfig()
    resilience: ResilienceConfig = ResilienceConfig()

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.feed.source == "replay" and not self.feed.path:
            raise ValueError('feed.source = "replay" needs feed.path: the journal or frame file to play')
        if self.loop.bytes_max > self.inbox.bytes_max:
            raise ValueError(
                f"inbox.bytes_max = {self.inbox.bytes_max} is less than "
                f"loop.bytes_max = {self.loop.bytes_max}: one tick could never be filled"
            )
        if self.journal.file_mb_max > self.journal.total_mb_max:
            raise ValueError(
                f"journal.total_mb_max = {self.journal.total_mb_max} is less than "
                f"journal.file_mb_max = {self.journal.file_mb_max}: the file being written could not be kept"
            )
        markets = self.feed.markets
        if markets != "all" and len(markets) > self.feed.markets_max:
            raise ValueError(
                f"feed.markets lists {len(markets)} markets, feed.markets_max = {self.feed.markets_max}"
            )
        return self
