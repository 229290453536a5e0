"""Two books of one account, ours and the venue's, in terms that can be compared. Sizes of orders in steps, of fills
and positions in BQ, amounts in QQ."""

from __future__ import annotations

from typing import Final, NamedTuple

from sniper.trading import BUY

OPEN: Final = ("OPEN", "BEST_EFFORT_OPENED", "UNTRIGGERED")
OVER: Final = ("filled", "dead")
SHORT_TERM: Final = "short_term"


class OwnOrder(NamedTuple):
    """An order of ours, or an intent that may have become one. state: of `order_table`; seen: the venue showed it."""

    client_id: int
    order_id: str
    ticker: str
    side: int
    kind: str
    state: str
    size_steps: int
    filled_steps: int
    good_til_block: int
    good_til_s: int
    seen: bool = False

    @property
    def over(self) -> bool:
        """Whether we hold that nothing of it can fill any more."""
        return self.state in OVER


class VenueOrder(NamedTuple):
    """An order as the venue shows it. status: the Indexer's."""

    order_id: str
    client_id: int
    ticker: str
    side: int
    status: str
    size_steps: int
    filled_steps: int
    order_flags: int
    good_til_block: int
    good_til_s: int = 0
    reduce_only: bool = False
    price_ticks: int = 0
    trigger: str = ""
    trigger_ticks: int = 0

    @property
    def open(self) -> bool:
        """Whether the venue may still fill it."""
        return self.status in OPEN

    @property
    def done_steps(self) -> int:
        """What of it is filled, -1: not said. FILLED says it even where the number lags."""
        return max(self.filled_steps, self.size_steps) if self.status == "FILLED" else self.filled_steps


class Execution(NamedTuple):
    """One fill. size in BQ; quote and fee in QQ; kind: the Indexer's type. What stands below height is not compared."""

    fill_id: str
    order_id: str
    ticker: str
    subaccount: int
    side: int
    size_quantums: int
    quote: int
    fee: int
    kind: str
    height: int
    price: int = 0
    price_decimals: int = 0
    taker: bool = False
    venue_ns: int = 0

    @property
    def core(self) -> tuple[object, ...]:
        """What must be the same in both books. The quote is rounded differently by the two ways it comes."""
        return (
            self.order_id,
            self.ticker,
            self.subaccount,
            self.side,
            self.size_quantums,
            self.fee,
            self.height,
        )

    @property
    def change(self) -> int:
        """What it does to the position, signed BQ."""
        return self.size_quantums if self.side == BUY else -self.size_quantums


class Held(NamedTuple):
    """A position, size 0: none any more. height: up to which block its fills are in it."""

    ticker: str
    subaccount: int
    size_quantums: int
    height: int


class Own(NamedTuple):
    """Our book. base_height: where it begins, 0: this is its first look. height: newest block that the venue had
    told us of while we ran. reserved: first and last of each block of client ids that nobody else has."""

    base_height: int = 0
    height: int = 0
    orders: tuple[OwnOrder, ...] = ()
    fills: tuple[Execution, ...] = ()
    positions: tuple[Held, ...] = ()
    reserved: tuple[tuple[int, int], ...] = ()


class Venue(NamedTuple):
    """The venue's book: all open orders, all fills from `fills_from` up to `height`, positions of
    `position_height`. block_s: time of the block at `height`, unix seconds."""

    height: int
    position_height: int
    orders: tuple[VenueOrder, ...] = ()
    fills: tuple[Execution, ...] = ()
    positions: tuple[Held, ...] = ()
    fills_from: int = 0
    block_s: int = 0


class Row(NamedTuple):
    """One line of the table. resolution: agree, leave, adopt, finish, book, wait, unexplained.

    after: our fact as it is from now on, None where nothing changes.
    """

    what: str
    key: str
    own: str
    venue: str
    resolution: str
    rule: str
    after: OwnOrder | Execution | Held | None = None
