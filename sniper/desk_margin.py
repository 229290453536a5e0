"""From what the account says to what it means: positions into the margin kernel, and the facts that come out of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import COUNTER_NAMES
from sniper.account import Account
from sniper.desk_view import DeskView
from sniper.standing import Standing
from sniper.trips import Trips
from sniper.viewing import AccountFacts

NOT_COMPUTABLE: Final = COUNTER_NAMES.index("not_computable")
FAMILY: Final = 128
"""Children of subaccount n are n + 128 k; slot k of the margin kernel holds them, slot 0 the traded one."""
NOBODY: Final = AccountFacts(0, 0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, False, 0, 0, 0, 0)

Reckoned = tuple[int, int, int, int, int, float, float, float, float, bool]
SavedHeld = list[tuple[int, list[tuple[int, int]]]]


class Reckoning:
    """Keeps the margin kernel at what the account says, and the account facts of the view at what the kernel says.

    counters: those of the tape.
    """

    def __init__(
        self,
        margin: Liquidation,
        account: Account,
        standing: Standing,
        trips: Trips,
        view: DeskView,
        counters: Any,
    ) -> None:
        self._margin, self._account, self._standing = margin, account, standing
        self._trips, self._view, self._counters = trips, view, counters
        self._own = account.settings.subaccount
        self._work = margin.apply, margin.update
        self._held: dict[int, dict[int, int]] = {}  # slot -> market -> size as the margin kernel knows it

    def apply(self, now_ns: int, n: int) -> None:
        """n rows moved prices and terms, and the account may have changed in this tick."""
        move, compute = self._work
        move(n)
        if self._account.changed:
            self._take_over()
            compute()
            self.look(now_ns)
        elif compute():
            self.look(now_ns)

    def _take_over(self) -> None:
        """What the account says, into the margin kernel: slot 0 trades, its children follow."""
        account, own = self._account, self._own
        for number, usdc in account.usdc.items():
            self._margin.set_usdc((number - own) // FAMILY, usdc)
        for number, positions in ((own, account.positions), *account.children.items()):
            slot = (number - own) // FAMILY
            held = self._held.setdefault(slot, {})
            for market in [market for market in held if market not in positions]:
                self._margin.set_position(slot, market, 0)
                del held[market]
            for market, position in positions.items():
                if held.get(market) != position.size_quantums:
                    held[market] = position.size_quantums
                    self._margin.set_position(slot, market, position.size_quantums)

    def look(self, now_ns: int) -> None:
        """The facts of the account, after its margin was computed: its standing first, then what is shown."""
        found = self._margin.account(0)
        _, net, *_, computable = found
        if computable and self._account.trust != "empty":
            self._standing.look(now_ns, net, self._account.transferred)
        self._show(found)

    def restored(self) -> None:
        """The facts again after a load, which is no look: the day and the peak are as they were saved."""
        self._show(self._margin.account(0))

    def _show(self, found: Reckoned) -> None:
        usdc, net, initial, maintenance, free, leverage, usage, danger, sigmas, computable = found
        standing, account = self._standing, self._account
        self._counters[NOT_COMPUTABLE] = self._margin.unknown
        self._view.positions = MappingProxyType(account.positions)  # lent to strategies
        self._view.account = AccountFacts(
            usdc,
            net,
            initial,
            maintenance,
            free,
            leverage,
            usage,
            danger,
            sigmas,
            computable and account.trust == "live",
            account.height,
            standing.day_result,
            standing.peak,
            self._trips.losses_in_row,
        )

    def save(self) -> SavedHeld:
        """What the kernel was told, as plain values."""
        return [(slot, sorted(markets.items())) for slot, markets in sorted(self._held.items())]

    def load(self, held: SavedHeld) -> None:
        """Take over what `save` gave."""
        self._held = {slot: dict(markets) for slot, markets in held}
