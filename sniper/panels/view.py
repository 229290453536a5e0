"""The view: the facts one draw needs, copied out of the engine. Plain integers, texts and tuples.

Prices and sizes are exact decimal texts (see `sniper.decimals`); times are nanoseconds since 1970 of the
feed's clock unless they end in `_cost_ns`, which are measured durations. `sniper.look` builds it, panels
draw it.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.panels.desk_parts import Decisions, Funding, Orders, Positions, Risk, Session, Signals


class Want(NamedTuple):
    """What the layout has room for. 0 leaves a part out, and the view builder does not build it."""

    ticker: str = ""
    """The market to show; empty or unknown: the first one."""
    resolution: int = 0
    """Index of the candles' resolution (RESOLUTION_NAMES)."""
    depth: int = 10
    """Levels a side."""
    trades: int = 10
    bars: int = 40
    markets: int = 10
    rows: int = 4
    """Rows of the frame in the pipeline panel."""
    links: int = 4
    events: int = 6
    raw_max: int = 400
    """Bytes of raw frame text."""
    scores: int = 0
    decisions: int = 0
    risk: int = 0
    positions: int = 0
    orders: int = 0
    fundings: int = 0


class Latency(NamedTuple):
    """Durations over the last 1,024 times."""

    p50_cost_ns: int = 0
    p99_cost_ns: int = 0
    max_cost_ns: int = 0


class Header(NamedTuple):
    """Where the data comes from, whether it comes, and what it costs."""

    source: str = ""
    state: str = ""
    tick: int = 0
    now_ns: int = 0
    digest: str = ""
    frames_per_s: int = 0
    ticker: str = ""
    trust: tuple[tuple[str, int], ...] = ()
    """How many books are in which trust state."""
    decode: Latency = Latency()
    book: Latency = Latency()
    tick_cost: Latency = Latency()
    draw: Latency = Latency()
    draws_skipped: int = 0
    """Draws left out because the terminal did not take the last one."""
    frozen: bool = False
    session: Session | None = None
    """None: nothing is traded."""


class Level(NamedTuple):
    """One level of the raw book."""

    price: str
    size: str
    sum: str
    """Size from the touch to here, masked levels left out."""
    sum_steps: int
    masked: bool
    """Not in the uncrossed view."""


class Book(NamedTuple):
    """One market's book: the view's levels, best first, ahead of them the last few that it masks."""

    ticker: str = ""
    trust: str = "empty"
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    bid: str = ""
    ask: str = ""
    """The touch of the uncrossed view; empty: none."""
    raw_bid: str = ""
    raw_ask: str = ""
    spread_ticks: int | None = None
    spread_bps: str = ""
    mid: str = ""
    microprice: str = ""
    crossings: int = 0
    crossed_ns: int = 0
    """How long the raw book has been crossed in all."""
    unknown_removes: int = 0
    masked: int = 0
    """Levels of both sides that the view masks, also those that are not in bids and asks."""


class Print(NamedTuple):
    """One trade."""

    venue_ns: int
    side: str
    """BUY or SELL, of the taker."""
    price: str
    size: str
    note: str
    """liquidated, deleveraged, other, late, or empty."""


class Trades(NamedTuple):
    """The trades tape of one market, newest first."""

    ticker: str = ""
    prints: tuple[Print, ...] = ()
    total: int = 0
    """Distinct trades seen."""
    buy_volume: str = "0"
    sell_volume: str = "0"
    buy_permille: int | None = None
    """Share of buys in the volume."""
    duplicates: int = 0
    late: int = 0


class Bar(NamedTuple):
    """One candle; prices and volumes are integers of the candles' common scales."""

    started_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int


class Candles(NamedTuple):
    """Candles of one market and resolution, oldest first."""

    ticker: str = ""
    resolution: str = ""
    resolution_ns: int = 60_000_000_000
    price_decimals: int = 0
    volume_decimals: int = 0
    bars: tuple[Bar, ...] = ()
    matches: int = 0
    """Closed bars, all markets, equal to the Indexer's own candle."""
    mismatches: int = 0
    late: int = 0


class MarketRow(NamedTuple):
    """One line of the markets table."""

    ticker: str
    oracle: str
    mid: str
    spread_ticks: int | None
    funding: str
    funding_sign: int
    change: str
    change_sign: int
    volume: str
    trust: str
    status: str
    """Empty while the market is ACTIVE."""


class Markets(NamedTuple):
    """The markets table from its `first` row on, by 24-hour volume."""

    ticker: str = ""
    rows: tuple[MarketRow, ...] = ()
    first: int = 0
    total: int = 0
    tickers: tuple[str, ...] = ()
    """All tickers in the order of the table."""


class Change(NamedTuple):
    """One fact that a frame changed in one stage."""

    stage: str
    what: str
    before: str
    after: str


class Pipeline(NamedTuple):
    """One frame on its way through the engine."""

    tick: int = 0
    frame: int = 0
    frames: int = 0
    """Records in that tick."""
    connection: int = 0
    bytes: int = 0
    raw: str = ""
    rows_count: int = 0
    rows: tuple[tuple[str, str], ...] = ()
    """(kind, what it says)"""
    changes: tuple[Change, ...] = ()
    stages: tuple[tuple[str, int], ...] = ()
    """(stage, cost_ns of the whole tick)"""


class LinkRow(NamedTuple):
    """One connection of the feed."""

    number: int
    name: str
    state: str
    frames_per_s: int
    bytes_per_s: int
    uptime_permille: int
    reconnects: int
    gaps: int
    missing: int
    height: int
    block_age_ns: int | None
    silence_ns: int | None


class Feed(NamedTuple):
    """Health of the feed, the inbox, the journal and the process."""

    links: tuple[LinkRow, ...] = ()
    total: int = 0
    inbox_records: int = 0
    inbox_bytes: int = 0
    inbox_records_max: int = 0
    inbox_bytes_max: int = 0
    inbox_peak_permille: int = 0
    """High-water mark of the fuller of the two bounds."""
    inbox_overflows: int = 0
    journal_state: str = "off"
    journal_bytes: int = 0
    journal_files: int = 0
    journal_error: str = ""
    rejected: int = 0
    rejected_levels: int = 0
    resident_bytes: int = 0
    growth_bytes_per_min: int | None = None


class Event(NamedTuple):
    """One line of the event log."""

    ns: int
    severity: str
    """info, warning or critical."""
    text: str
    times: int = 1
    number: int = 0
    """Counts up; a repeated event keeps the number of its first time."""


class Events(NamedTuple):
    """The event log, newest first."""

    rows: tuple[Event, ...] = ()
    warnings: int = 0
    criticals: int = 0


class View(NamedTuple):
    """Everything the dashboard shows; one part a panel, named as the panel."""

    header: Header = Header()
    book: Book = Book()
    trades: Trades = Trades()
    candles: Candles = Candles()
    markets: Markets = Markets()
    pipeline: Pipeline = Pipeline()
    feed: Feed = Feed()
    events: Events = Events()
    signals: Signals = Signals()
    decisions: Decisions = Decisions()
    risk: Risk = Risk()
    positions: Positions = Positions()
    orders: Orders = Orders()
    funding: Funding = Funding()
