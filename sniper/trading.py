"""The vocabulary of the trader's half: what strategies, risk, orders and venues say to each other.

QQ: quote quantums, 10^-6 USDC. BQ: base quantums. Prices in ticks and sizes in steps of the market; times in
nanoseconds since 1970 unless a name says otherwise. Strategies import this module and `viewing`, nothing else of
ours.
"""

from __future__ import annotations

from typing import NamedTuple

from sniper._ext.tuples import new_reason

VENUE_CONNECTION = 63
"""The connection number of a venue's own records: account frames, answers, and nothing of the market."""

BUY, SELL = 0, 1


class Reason(NamedTuple):
    """One condition of a decision: what was found, what was needed, and whether that sufficed."""

    name: str
    found: float
    needed: float
    passed: bool


Reason.__new__ = new_reason  # type: ignore[method-assign,assignment]


class Intent(NamedTuple):
    """What a strategy (or the liquidation ladder) wants done. Risk sizes and judges it, orders makes it a command.

    size_steps 0 on an entry: risk sizes it, scaled by `weight` (0..1, the strategy's share of capital). For
    kind "conditional", `trigger_ticks` and `trigger` say when. stop_ticks and target_ticks travel with an entry:
    where it is to be protected and where its profit is taken; 0 for none.
    """

    market: int
    side: int
    price_ticks: int
    size_steps: int = 0
    purpose: str = "entry"  # entry exit reduce protect flatten
    kind: str = "short_term"  # short_term long_term conditional
    time_in_force: str = "ioc"  # gtt ioc post_only
    reduce_only: bool = False
    trigger: str = ""  # stop_loss take_profit
    trigger_ticks: int = 0
    stop_ticks: int = 0
    target_ticks: int = 0
    weight: float = 1.0
    score: float = 50.0
    strategy: str = ""
    reasons: tuple[Reason, ...] = ()


class Withdraw(NamedTuple):
    """What a strategy or the ladder wants taken back: one of our open orders."""

    client_id: int
    cause: str


class Approved(NamedTuple):
    """Risk let an intent through, possibly smaller than asked for. notes: what shaped its size."""

    intent: Intent
    notes: tuple[Reason, ...] = ()


class Refused(NamedTuple):
    """Risk turned an intent down. gate: the name of the gate; found and limit: its figures."""

    intent: Intent
    gate: str
    found: float
    limit: float
    text: str


class Place(NamedTuple):
    """Command to the venue: a new order. good_til_block for short-term orders, good_til_s (unix) for the others, whose
    good_til_block is the last block that may take the transaction (0: any)."""

    client_id: int
    market: int
    ticker: str
    side: int
    size_steps: int
    price_ticks: int
    kind: str
    time_in_force: str
    reduce_only: bool
    good_til_block: int
    good_til_s: int
    trigger: str
    trigger_ticks: int
    purpose: str
    cause: str


class Cancel(NamedTuple):
    """Command to the venue: take an order back. Its good-til is at least the order's own."""

    client_id: int
    market: int
    ticker: str
    kind: str
    good_til_block: int
    good_til_s: int
    cause: str


class Answer(NamedTuple):
    """What a venue answered to one command. code 0: accepted (not: filled); -1: no answer came in time."""

    verb: str
    client_id: int
    code: int
    text: str


class OrderNews(NamedTuple):
    """One item of `orders` in an account message, as far as it was there: "" and -1 stand for absent."""

    order_id: str
    client_id: int
    market: int
    status: str
    removal_reason: str
    side: int
    size_steps: int
    price_ticks: int
    filled_steps: int
    optimistic_steps: int
    order_flags: int
    good_til_block: int
    good_til_ns: int
    height: int
    trigger_ticks: int


class Fill(NamedTuple):
    """One fill of ours. fee in QQ, negative for a rebate; quote in QQ (size x price, before the fee)."""

    fill_id: str
    order_id: str
    market: int
    subaccount: int
    side: int
    size_quantums: int
    price: int
    price_decimals: int
    quote: int
    fee: int
    taker: bool
    kind: str  # LIMIT LIQUIDATED DELEVERAGED ...
    height: int
    venue_ns: int


class Position(NamedTuple):
    """An open position. size signed. entry_quote: QQ paid (longs > 0) or received (shorts < 0) for what is open."""

    market: int
    subaccount: int
    size_quantums: int
    entry_quote: int
    funding: int
    realised: int
    fees: int
    opened_ns: int


class Trip(NamedTuple):
    """The open round trip of a market, as a strategy sees it. Prices in (fractional) ticks.

    best_ticks: the price furthest in its favour since it was opened.
    """

    position_id: int
    market: int
    side: int
    size_steps: int
    entry_ticks: float
    opened_ns: int
    stop_ticks: int
    target_ticks: int
    best_ticks: float
    strategy: str
    cause: str


class Order(NamedTuple):
    """One of our orders as it stands. state: a name of the transition table in `orders.py`; good-til as in `Place`."""

    client_id: int
    order_id: str
    market: int
    side: int
    size_steps: int
    filled_steps: int
    price_ticks: int
    kind: str
    time_in_force: str
    reduce_only: bool
    good_til_block: int
    good_til_s: int
    trigger: str
    trigger_ticks: int
    purpose: str
    state: str
    sent_ns: int
    cause: str
