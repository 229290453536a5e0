"""The parts of the view that show decisions: what `sniper.look_desk` copies out of the decision half.

Amounts of money are texts in USDC, sizes texts in coins; times are nanoseconds of the feed's clock.
"""

from __future__ import annotations

from typing import NamedTuple


class Session(NamedTuple):
    """How the session trades, for the header. mode: paper or live; today: profit since the day began; state: normal,
    degraded, critical or emergency ("" where nobody watches over it), what called for it and since when."""

    mode: str = "paper"
    strategy: str = ""
    equity: str = ""
    today: str = ""
    today_sign: int = 0
    trust: str = "empty"
    rung: int = 0
    latch: str = ""
    danger_permille: int = 0
    positions: int = 0
    orders: int = 0
    state: str = ""
    cause: str = ""
    since_ns: int = 0


class SignalRow(NamedTuple):
    """One market's scores, 0..100, None while a signal is not warmed up."""

    ticker: str
    scores: tuple[int | None, ...]


class Signals(NamedTuple):
    """Scores of all signals: a line a market. directional: 50 is neutral; the others are intensities from 0 on."""

    names: tuple[str, ...] = ()
    directional: tuple[bool, ...] = ()
    rows: tuple[SignalRow, ...] = ()
    total: int = 0
    ticker: str = ""
    """The market on display."""


class DecisionRow(NamedTuple):
    """One decision. outcome: placed, refused or withdrawn; why: the gate that refused, or what it came from."""

    tick: int
    ns: int
    ticker: str
    outcome: str
    purpose: str
    side: str
    size: str
    price: str
    score: int
    why: str


class Decisions(NamedTuple):
    """Decisions, newest first."""

    strategy: str = ""
    rows: tuple[DecisionRow, ...] = ()
    total: int = 0
    refused: int = 0


class Danger(NamedTuple):
    """How near liquidation one position is. percent: of the price; None where no price liquidates it."""

    ticker: str
    size: str
    price: str
    liquidation: str
    percent: float | None
    sigmas: float | None
    minutes: float | None


class PowerCut(NamedTuple):
    """What is at stake if the power were lost now, see `sniper.exposure`. Losses are texts with a minus; bare: worth of
    what no stop covers; entries: worth of orders that may still open, entry_blocks until the last of them has ended;
    staying: orders that outlive us, staying_ns until the first of them ends."""

    at_stops: str = ""
    stressed: str = ""
    bare: str = ""
    bare_markets: int = 0
    markets: int = 0
    entries: str = ""
    entry_orders: int = 0
    entry_blocks: int = 0
    staying: int = 0
    staying_ns: int = 0


class Risk(NamedTuple):
    """The liquidation cockpit. Shares are permille of net collateral; danger reaches 1000 at liquidation."""

    rung: int = 0
    latch: str = ""
    reason: str = ""
    equity: str = ""
    free: str = ""
    usage_permille: int = 0
    danger_permille: int = 0
    leverage: str = ""
    rungs_permille: tuple[int, ...] = ()
    """Thresholds of the rungs: stop, cancel, reduce, flatten."""
    stresses: tuple[tuple[str, int | None], ...] = ()
    """(what moves, danger after it in permille; None: not computable)."""
    rows: tuple[Danger, ...] = ()
    unprotected: int = 0
    trust: str = ""
    cut: PowerCut = PowerCut()


class PositionRow(NamedTuple):
    """One open position. stop: trigger of the stop that rests on the chain; cover: share of the position that it
    closes, or sent, or NONE; blocks: how many ago the stop was last known to rest, or since how many it could have
    been there; None: not known yet."""

    ticker: str
    side: str
    size: str
    entry: str
    mark: str
    profit: str
    profit_sign: int
    fees: str
    funding: str
    stop: str
    cover: str = "NONE"
    blocks: int | None = None


class Positions(NamedTuple):
    """Positions and where the profit comes from. curve: equity in QQ, one sample a moment, oldest first."""

    rows: tuple[PositionRow, ...] = ()
    equity: str = ""
    realised: str = ""
    unrealised: str = ""
    fees: str = ""
    funding: str = ""
    trips: int = 0
    curve: tuple[int, ...] = ()
    highest: str = ""
    lowest: str = ""
    """Of the curve."""


class OrderRow(NamedTuple):
    """One of our orders. left: blocks to live, None for those that live by time."""

    client_id: int
    ticker: str
    side: str
    size: str
    filled: str
    price: str
    what: str
    state: str
    age_ns: int
    left: int | None


class Orders(NamedTuple):
    """Orders that are open or of unknown fate, newest first. asks: whether the venue is asked what became of us;
    agreed: height at which our books last agreed with it, 0: never; missing: answers that a round still waits for;
    questions: orders whose end is to be proven."""

    rows: tuple[OrderRow, ...] = ()
    total: int = 0
    unknown: int = 0
    height: int = 0
    asks: bool = False
    settled: bool = False
    agreed: int = 0
    agreed_age_ns: int = 0
    missing: tuple[str, ...] = ()
    questions: int = 0


class FundingRow(NamedTuple):
    """Funding of one market, rates in millionths an hour. due: what the position pays (-) or gets at the hour."""

    ticker: str
    predicted: float
    expected: float
    realised: float
    samples: int
    stale: bool
    age_ns: int
    due: str


class Funding(NamedTuple):
    """The funding clock."""

    left_ns: int = 0
    rows: tuple[FundingRow, ...] = ()
    paid: str = ""
