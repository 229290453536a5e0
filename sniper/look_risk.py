"""What the risk panel shows, and how the decision panels name markets, prices and money. It reads and never writes."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from sniper._ext.tape import FIELD_NAMES
from sniper.account_document import coins
from sniper.decimals import fixed, text
from sniper.exposure import Protection, exposure
from sniper.panels.desk_parts import Danger, PowerCut, Risk
from sniper.panels.row import SECOND_NS, clean

ORACLE, TICK = FIELD_NAMES.index("oraclePrice"), FIELD_NAMES.index("tickSize")
DANGER = ("market", "size", "liquidation_price", "distance_percent", "distance_sigmas", "distance_minutes")
CENT = 10_000  # in quote quantums


class Names:
    """Names and prices of one engine's markets as texts."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        markets = engine.decoder.markets
        self._num, self._dec = markets["num"], markets["dec"]

    def ticker(self, market: int) -> str:
        """The market's name, safe to show."""
        return clean(self._engine.decoder.ticker(market))

    def price(self, market: int, ticks: float) -> str:
        """The price of so many ticks, rounded; empty for 0."""
        return (
            text(round(ticks) * self._num.item(market, TICK), self._dec.item(market, TICK)) if ticks else ""
        )

    def oracle(self, market: int) -> str:
        """The oracle price, with one decimal more than the tick at the most."""
        places = self._dec.item(market, ORACLE)
        return fixed(self._num.item(market, ORACLE), places, min(places, self._dec.item(market, TICK) + 1))


class RiskLook:
    """Looks at the risk of an engine with a decision half."""

    def __init__(self, engine: Any, names: Names) -> None:
        self._engine, self._desk, self._names = engine, engine.desk, names
        columns = self._desk.margin.positions.dtype.names
        self._danger = itemgetter(*(columns.index(name) for name in DANGER))

    def look(self, now_ns: int, stops: Mapping[int, Protection]) -> Risk:
        """The cockpit as of now. stops: of the positions, by market."""
        desk = self._desk
        facts, risk, ladder = desk.view.account, desk.risk, desk.settings.risk.ladder
        rows = []
        held = int(desk.margin.accounts[0]["positions"])
        for found in desk.margin.positions[0, :held].tolist():
            market, size, liquidation, percent, sigmas, minutes = self._danger(found)
            near = liquidation > 0.0
            rows.append(
                Danger(
                    self._names.ticker(market),
                    coins(desk, market, size),
                    self._names.oracle(market),
                    self._names.price(market, liquidation / desk.view.market(market).tick_usd)
                    if near
                    else "",
                    percent if near else None,
                    sigmas if near and sigmas > 0.0 else None,
                    minutes if near else None,
                )
            )
        rows.sort(key=lambda row: (row.percent is None, row.percent))
        stressed = risk.stressed() if desk.view.positions else [None] * 0
        stresses = tuple(
            (
                _moves(stress),
                None if after is None or after.net <= 0 else round(1000 * after.maintenance / after.net),
            )
            for stress, after in zip(desk.settings.risk.gates.stresses, stressed, strict=False)
        )
        return Risk(
            risk.rung,
            risk.latch.verb,
            risk.latch.reason,
            dollars(facts.net),
            dollars(facts.free),
            round(1000 * facts.usage),
            round(1000 * facts.danger),
            f"{facts.leverage:.2f}",
            tuple(
                ppm // 1000
                for ppm in (ladder.stop_ppm, ladder.cancel_ppm, ladder.reduce_ppm, ladder.flatten_ppm)
            ),
            stresses,
            tuple(rows),
            len(risk.unprotected),
            desk.account.trust,
            self._cut(now_ns, stops),
        )

    def _cut(self, now_ns: int, stops: Mapping[int, Protection]) -> PowerCut:
        desk = self._desk
        found = exposure(desk, self._engine.decoder, stops)
        return PowerCut(
            dollars(-found.at_stops),
            dollars(-found.stressed),
            dollars(found.bare),
            found.bare_markets,
            len(desk.account.positions),
            dollars(found.entries),
            found.entry_orders,
            found.entry_blocks,
            found.staying,
            coarse(max(0, found.staying_s * SECOND_NS - now_ns)) if found.staying else 0,
        )


def _moves(stress: tuple[tuple[str, int], ...]) -> str:
    """A stress in words: BTC-USD -8%, others -15%."""
    return ", ".join(f"{'others' if name == '*' else name} {ppm / 10_000:+g}%" for name, ppm in stress)


def coarse(age_ns: int) -> int:
    """An age in whole seconds, and so the same for many draws."""
    return age_ns // SECOND_NS * SECOND_NS


def dollars(quantums: int, unit: int = CENT, plus: bool = False) -> str:
    """Quote quantums in USDC, rounded half away from zero to cents (or to `unit` quantums). plus: with a sign."""
    whole, rest = divmod((abs(quantums) + unit // 2) // unit, 1_000_000 // unit)
    sign = "-" if quantums < 0 and (whole or rest) else "+" if plus and (whole or rest) else ""
    return f"{sign}{whole:,}.{rest:0{len(str(1_000_000 // unit)) - 1}d}"
