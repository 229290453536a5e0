"""The account: what the venue says of our subaccounts, and our own books beside it.

The venue's position messages are the truth. Fills, fees, funding and transfers are booked on our own (`profit.py`),
and where the two disagree for longer than `settle_ns` the difference stands in `differences`. A message that is
not believed changes nothing but the trust in the account; docs/account.md has the rules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from sniper import account_messages as messages
from sniper._ext.tape import COUNTER_NAMES, ENDPOINT_NAMES, KIND_NAMES, REASON_NAMES, VERB_NAMES, Tape
from sniper.account_facts import Message, Queried, Refusal
from sniper.account_family import Difference, Family, SavedFamily
from sniper.account_orders import OrderReports
from sniper.profit import Split
from sniper.quantums import Scales, lent, notional
from sniper.running_digest import RunningDigest
from sniper.trading import Answer, OrderNews
from sniper.types import Record

KIND: Final = {name: i for i, name in enumerate(KIND_NAMES)}
ACCOUNT, REST, ANSWER, GAP, LINK, CONNECTED, ERROR = (
    KIND[name] for name in ("ACCOUNT", "REST", "ANSWER", "GAP", "LINK", "CONNECTED", "ERROR")
)
LOUD: Final = 1 << ACCOUNT | 1 << REST | 1 << ANSWER | 1 << GAP | 1 << LINK | 1 << CONNECTED | 1 << ERROR
MARKET_BIT: Final = 1 << KIND["MARKET"]
OTHERS, KINDS = 0, 4  # of Tape.used
REFUSED, FILLS = COUNTER_NAMES.index("account_refused"), COUNTER_NAMES.index("fills")
OURS: Final = ("orders", "fills", "subaccount", "height")
LINK_CLOSED: Final = 3
NOT_OURS: Final = tuple(
    REASON_NAMES.index(name) for name in ("off tick or step", "unknown market", "HTTP error")
)
"""A message refused for one of these was none about an account."""
ORACLE: Final = 2
REFUSALS_MAX = 16
ENCODE = msgspec.json.encode


class AccountSettings(NamedTuple):
    """What the account is set to.

    address: ours, "" for the first one that the frames speak of. subaccount: the one that trades; its children
    (subaccount + 128k) are followed, too. settle_ns: so long may our books differ from the venue's word before it
    counts as a difference. fills_max, orders_max: so many fill ids and orders are remembered.
    """

    address: str = ""
    subaccount: int = 0
    settle_ns: int = 5_000_000_000
    fills_max: int = 8192
    orders_max: int = 2048


class Account:
    """One address' trading subaccount and its children. What stands first below is of the last tick only."""

    def __init__(
        self,
        tape: Tape,
        decoder: Any,
        settings: AccountSettings = AccountSettings(),  # noqa: B008 - an immutable tuple
        digest: RunningDigest | None = None,
    ) -> None:
        self.settings = settings
        self._decoder = decoder
        # Memoryviews read single numbers several times as fast as NumPy does.
        used, others, rows = tape.used, tape.others, tape.rows
        self._used, self._others = lent(used), lent(others)
        self._columns = tuple(lent(rows[name]) for name in ("side", "ref", "frame", "price", "size"))
        self._kind = lent(rows["kind"])
        self._kinds = self._used[KINDS : KINDS + 1]
        self._counters = tape.counters
        self._scales = Scales(decoder)
        self.digest = digest or RunningDigest(tape, "account")
        self.now_ns = 0
        self.busy = False
        """There is news of this tick, to be taken away by the next `apply`."""
        self.changed = False
        """Something of the account changed in this tick."""
        self.news: list[OrderNews] = []
        self.answers: list[Answer] = []
        self.queried: list[Queried] = []
        self.listed: tuple[str, ...] | None = None
        """Ids of the open orders in a snapshot that came in this tick."""
        self.address = settings.address
        self.trust = "empty"
        """empty: no snapshot yet. live. doubtful: news was lost or refused since the last snapshot."""
        self.height = 0
        """Newest height that account news named."""
        self.rest_height = 0
        """Height that REST answers are known to have reached."""
        self.ceiling, self.leap = 1 << 62, 0
        """Above which height nothing is believed; the highest that was, until somebody sets it back."""
        self.refusals: deque[tuple[int, str]] = deque(maxlen=REFUSALS_MAX)
        """When and why messages were refused lately."""
        self.connection = -1
        """The connection that account frames come by, -1 before the first of them."""
        self.orders = OrderReports(settings.orders_max)
        self.family = family = Family(settings.subaccount, settings.fills_max)
        self.fills, self.adopted = family.fills, family.adopted
        """New fills; positions that were there before us, from the first snapshot of a subaccount."""
        self.usdc = family.usdc
        """QQ of each subaccount, with the funding that fell due since the venue last said it."""
        self.positions, self.children = family.positions, family.children
        """Open positions of the traded subaccount in the order of markets, and those of its children by number."""
        self.transfers, self.recent = family.transfers, family.recent
        """The last transfers and fills."""
        self.profit = family.profit
        self.payments = family.profit.payments
        """Funding that was settled."""

    def apply(self, n: int, records: Sequence[Record], now_ns: int) -> None:
        """Take in the account rows of this tick; n rows are on the tape."""
        self.now_ns = now_ns
        if self.busy:
            self._begin()
        kinds = self._kinds[0]
        if kinds & MARKET_BIT:
            self._scales.clear()
        if kinds & LOUD and n:
            self._work(records)

    def charge(self, charges: Sequence[tuple[int, int, int]]) -> None:
        """Funding indexes changed: (market, height, change), as `Funding.charges` has them."""
        self.busy = self.changed = True
        self.family.charge(charges, self.now_ns)
        self.digest.fold(ENCODE((charges, sorted(self.usdc.items()))))

    @property
    def differences(self) -> list[Difference]:
        """Where our books have disagreed with the venue for longer than settle_ns, by subaccount and market."""
        return self.family.differences(self.now_ns, self.settings.settle_ns)

    @property
    def transferred(self) -> int:
        """All that came in since the first snapshots less what went out, QQ."""
        return self.family.transferred

    @property
    def net_funding(self) -> dict[int, int]:
        """Funding received on each open position of the traded subaccount, as the venue last said it, QQ."""
        subaccount = self.family.subaccounts.get(self.settings.subaccount)
        held = [] if subaccount is None else sorted(subaccount.holdings.items())
        return {market: item.net_funding for market, item in held if item.open}

    @property
    def late(self) -> int:
        """Items that were older than what was held, and dropped."""
        late = self.orders.late + self.family.late
        for subaccount in self.family.subaccounts.values():
            late += subaccount.late
        return late

    def value(self, market: int, size_quantums: int) -> int:
        """QQ of a size at the oracle price that is known, 0 while none is."""
        scale = self._scales.at(market)
        if scale is None:
            return 0
        _, _, _, _, num, dec, _ = self._decoder.numbers(market)
        return notional(size_quantums, scale.atomic, num[ORACLE], dec[ORACLE])

    def split(self, subaccount: int | None = None, market: int | None = None) -> Split:
        """Where the profit since the first snapshot comes from, at oracle prices."""
        number = self.settings.subaccount if subaccount is None else subaccount
        return self.profit.split(number, self.value, market)

    def _begin(self) -> None:
        """Take away what was of the last tick."""
        self.busy = self.changed = False
        for found in (self.news, self.fills, self.answers, self.queried, self.payments, self.adopted):
            found.clear()
        self.listed = None

    def _work(self, records: Sequence[Record]) -> None:
        sides, refs, frames, prices, sizes = self._columns
        for at in range(self._used[OTHERS]):
            row = self._others[at]
            kind = self._kind[row]
            if not LOUD >> kind & 1:
                continue
            side, ref, frame = sides[row], refs[row], frames[row]
            if kind == ACCOUNT:
                self._message(records[frame][3], ref)
            elif kind == REST:
                if ENDPOINT_NAMES[side] in OURS:
                    self._rest(ENDPOINT_NAMES[side], sizes[row], records[frame][3])
            elif kind == ANSWER:
                self.busy = True
                text = b" ".join(records[frame][3].split(b" ", 3)[3:]).decode("utf-8", "replace")
                self.answers.append(Answer(VERB_NAMES[side], ref, prices[row], text))
                self.digest.fold(records[frame][3])
            elif ref == self.connection and (
                kind in (GAP, CONNECTED)
                or (kind == LINK and side >= LINK_CLOSED)
                or (kind == ERROR and side not in NOT_OURS)
            ):
                self._doubt(KIND_NAMES[kind])

    def _message(self, data: bytes, connection: int) -> None:
        """One message of an account channel."""
        try:
            frame = messages.frame(data)
            address, number = messages.owner(frame)
            if self.address not in ("", address) or not self.family.ours(number):
                return
            message = self._near(messages.contents(frame, self._scales))
        except Refusal as problem:
            self._refuse(str(problem), data)
            self._doubt("refused")
            return
        self.address = address
        if message.family or self.settings.subaccount in (whole.subaccount for whole in message.wholes):
            self.connection = connection
            self.listed = tuple(item.order_id for item in message.orders)
            self.trust = "live"
        self._take(message, data)

    def _rest(self, endpoint: str, status: int, data: bytes) -> None:
        """The answer to one of our own queries."""
        head, _, body = data.partition(b"\n")
        if endpoint == "height":
            self.busy = True
            if 200 <= status < 300:
                self._height(body, data)
            self.queried.append(Queried(endpoint, status, "", (), self.rest_height))
            return
        query = head.split(b" ", 2)[-1].decode("ascii", "replace")
        named = dict(part.partition("=")[::2] for part in query.split("&"))
        number = named.get("subaccountNumber", "")
        asked = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else -1
        if asked < 0 or self.address not in ("", named.get("address")) or not self.family.ours(asked):
            return
        self.busy = True
        message = Message()
        if 200 <= status < 300:
            try:
                message = self._near(messages.rest(endpoint, body, asked, self._scales))
            except Refusal as problem:
                self._refuse(str(problem), data)
                self.queried.append(Queried(endpoint, 0, query, (), self.rest_height))
                return
            self.address = named.get("address", "")
            self._take(message, data)
        ids = (*(item.order_id for item in message.orders), *(fill.fill_id for fill in message.fills))
        self.queried.append(Queried(endpoint, status, query, ids, self.rest_height))
        if endpoint == "subaccount":
            self.rest_height = max(self.rest_height, message.height)

    def _height(self, body: bytes, data: bytes) -> None:
        """REST says how far it is."""
        try:
            found = messages.height(body)
            self.rest_height = max(self.rest_height, self._near(Message(height=found)).height)
        except Refusal as problem:
            self._refuse(str(problem), data)
        else:
            self.digest.fold(data)

    def _near(self, message: Message) -> Message:
        """A message that is not further ahead than the chain can be. Refusal: it is, as far as is known."""
        if message.height > self.ceiling:
            self.leap = max(self.leap, message.height)
            raise Refusal(f"height {message.height} is above {self.ceiling}")
        return message

    def _take(self, message: Message, data: bytes) -> None:
        """A message that is believed: into the books and the digest."""
        self.busy = self.changed = True
        fills, news = len(self.fills), len(self.news)
        self.height = max(self.height, message.height)
        touched = self.family.take(message, self.now_ns)
        for item in message.orders:
            found = self.orders.take(item)
            if found is not None:
                self.news.append(found)
        self._counters[FILLS] += len(self.fills) - fills
        self.digest.fold(data)
        positions = [(number, self.family.position(number, market)) for number, market in touched]
        told = (self.trust, self.height, list(self.usdc.items()), self.family.transferred)
        self.digest.fold(ENCODE((told, positions, self.news[news:], self.fills[fills:])))

    def _refuse(self, why: str, data: bytes) -> None:
        """A message that is not believed is counted, and that is all that it does."""
        self._counters[REFUSED] += 1
        self.refusals.append((self.now_ns, why[:200]))
        self.digest.fold(data)

    def _doubt(self, cause: str) -> None:
        """News was lost or not believed: until the next snapshot the account may be another one than we think."""
        if self.trust == "live":
            self.busy = self.changed = True
            self.trust = "doubtful"
        self.digest.fold(f"doubt {cause}".encode())

    def save(self) -> bytes:
        """The state as bytes."""
        return ENCODE(
            _State(
                self.address,
                self.trust,
                self.height,
                self.rest_height,
                self.connection,
                list(self.refusals),
                self.orders.save(),
                self.orders.late,
                self.family.save(),
                self.digest.value,
            )
        )

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else."""
        try:
            found = msgspec.json.decode(state, type=_State)
        except msgspec.MsgspecError as problem:
            raise ValueError(f"not a state of the account: {problem}") from None
        self.digest.load(found.digest)
        self._begin()
        self.family.load(found.family)
        self.orders.load(found.orders, found.orders_late)
        self.address, self.trust, self.height = found.address, found.trust, found.height
        self.connection, self.rest_height = found.connection, found.rest_height
        self.refusals.clear()
        self.refusals.extend(found.refusals)
        self._scales.clear()


class _State(msgspec.Struct, array_like=True):
    address: str
    trust: str
    height: int
    rest_height: int
    connection: int
    refusals: list[tuple[int, str]]
    orders: list[tuple[OrderNews, int]]
    orders_late: int
    family: SavedFamily
    digest: bytes
