"""The enhanced MACD strategy: a crossing of the histogram that other time frames, volume and regime confirm.

A market is looked at when a bar closes. A histogram that changed its sign opens a window of some bars; within it
an entry needs the weighted score of histogram, time frames and direction, less what the filters cost. What is
needed, and where stop and target stand, lies between a value for markets without a trend and one for strong trends,
by the ADX: the parameters adapt, within these bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from sniper.strategies.held import Held
from sniper.strategies.holdings import Holdings, HoldingsState, entered
from sniper.strategies.macd_study import VOTES, MacdSettings, Study, regime_of, study, told
from sniper.strategies.parts import (
    RESOLUTION_NS,
    RESOLUTIONS,
    SECOND_NS,
    between,
    packed,
    ranked,
    require,
    sound,
    unpacked,
    within_bounds,
)
from sniper.strategies.terms import BPS, enter, fit, priced, stop_and_target
from sniper.strategies.weighing import DIRECTIONAL, NEUTRAL, Weighing
from sniper.trading import Intent, Reason, Trip, Withdraw
from sniper.viewing import Indicators, MarketFacts, View

VERSION = 1
PARTS = ("close", "macd", "macd_signal", "histogram", "rsi", "atr", "adx", "vwap", "open_histogram")


class _Memory:
    """What is kept of a market: its newest bar, and the crossing that is open."""

    __slots__ = (
        "acted",
        "adx",
        "atr",
        "bars",
        "bucket",
        "cross_bar",
        "cross_side",
        "histogram",
        "sign",
        "studied",
        "tried_ns",
        "up",
    )

    def __init__(self) -> None:
        self.bucket = self.bars = self.cross_bar = self.cross_side = self.sign = self.tried_ns = 0
        self.acted = self.up = False
        self.adx = self.atr = self.histogram = 0.0
        self.studied: tuple[int, Study] | None = None  # a tick, and what its bars said


class Macd:
    """See the module. The scores of the signals kernel are not looked at."""

    name = "macd"
    Settings = MacdSettings

    def __init__(
        self, signals: Sequence[str], kinds: Sequence[str], settings: MacdSettings | None = None
    ) -> None:
        self._settings = s = within_bounds(settings if settings is not None else MacdSettings())
        s.terms.check()
        for name in (s.resolution, *s.confirm):
            require(name in RESOLUTIONS, f'"{name}" is not one of {", ".join(RESOLUTIONS)}')
        self._base = RESOLUTIONS.index(s.resolution)
        self._confirm = tuple([RESOLUTIONS.index(name) for name in s.confirm])
        self.resolutions = (self._base, *self._confirm)
        """What `View.indicators` is asked for."""
        require(
            all(one > self._base for one in self._confirm), "confirm lists bars not longer than resolution"
        )
        require(s.confirm_min <= len(s.confirm), "confirm_min is more than confirm lists")
        require(s.adx_ranging < s.adx_trending, "adx_ranging is not below adx_trending")
        require(min(s.enter_score) >= NEUTRAL, "enter_score is below 50")
        require(s.atr_bps_min < s.atr_bps_max, "atr_bps_min is not below atr_bps_max")
        self._weighing = Weighing(VOTES, (DIRECTIONAL,) * 3, s.weights, ())
        self._bar_ns, self._try_ns = RESOLUTION_NS[self._base], s.try_ms * 1_000_000
        self._holdings = Holdings(self.name, s.terms, s.hold_max_bars * self._bar_ns / SECOND_NS)
        self._memory: dict[int, _Memory] = {}
        self._bucket = (0, 0, 0)  # of the last look: its number, begin and end

    def decide(self, view: View) -> Sequence[Intent | Withdraw]:
        """What is wanted now: exits first, then the entries that bars allow, best score first."""
        now_ns, memories = view.now_ns, self._memory
        bucket, begin_ns, end_ns = self._bucket
        if not begin_ns <= now_ns < end_ns:  # two comparisons cost a fifth of a division of such numbers
            bucket = now_ns // self._bar_ns
            self._bucket = bucket, bucket * self._bar_ns, (bucket + 1) * self._bar_ns
        ready: list[int] = []
        for market in view.changed:
            memory = memories.get(market)
            if memory is None:
                memory = memories[market] = _Memory()
            if memory.bucket != bucket:
                self._follow(view, market, memory, bucket)
            if (
                memory.up
                and now_ns - memory.tried_ns >= self._try_ns
                and not self._holdings.waits(market, now_ns)
            ):
                ready.append(market)
        wanted: list[Intent | Withdraw] = []
        if self._holdings.held or view.positions:
            wanted = self._holdings.manage(view, self._judge)
            for market, _ in self._holdings.unmade:
                self._again(market)
        if ready:
            self._enter_best(view, ready, wanted)
        return wanted

    def _follow(self, view: View, market: int, memory: _Memory, bucket: int) -> None:
        """Take in a bar that closed. A bucket of time closes one bar at most, so the next is not looked for in it."""
        bar = view.indicators(market, self._base)
        if bar.bars == memory.bars:
            return
        if bar.bars < memory.bars:
            memory.cross_side = 0  # the bars begin anew: the crossing was among those that are gone
        memory.bucket, memory.bars = bucket, bar.bars
        memory.up, memory.tried_ns = False, 0
        if not bar.warm:
            return
        # A histogram of exactly 0 has no sign: the one before counts. At the beginning there is none.
        before = memory.sign or _sign(bar.previous_histogram)
        side = memory.sign = _sign(bar.histogram) or before
        memory.histogram, memory.atr, memory.adx = bar.histogram, bar.atr, bar.adx
        if side * before < 0:
            memory.cross_side, memory.cross_bar, memory.acted = side, bar.bars, False
        if (
            memory.cross_side
            and not memory.acted
            and bar.bars - memory.cross_bar < self._settings.window_bars
        ):
            seen = self._study(view, market, bar)
            memory.up, memory.studied = seen.passed, (view.tick, seen)

    def _again(self, market: int) -> None:
        """The entry came to nothing: while the crossing counts it may be asked for again."""
        memory = self._memory.get(market)
        if memory is not None and memory.acted:
            memory.acted = False
            memory.up = memory.bars - memory.cross_bar < self._settings.window_bars and memory.cross_side != 0

    def _study(self, view: View, market: int, bar: Indicators) -> Study:
        frames = tuple([view.indicators(market, resolution) for resolution in self._confirm])
        return study(self._settings, self._weighing, bar, frames)

    def _studied(self, view: View, market: int) -> Study:
        """The study of now: bars do not change within a tick."""
        known = self._memory[market].studied
        if known is not None and known[0] == view.tick:
            return known[1]
        return self._study(view, market, view.indicators(market, self._base))

    def _enter_best(self, view: View, ready: list[int], wanted: list[Intent | Withdraw]) -> None:
        """Enter the markets that are ready while there is room, the best score first."""
        studies = {market: self._studied(view, market) for market in ready}
        for _, market in ranked([(found.score, m) for m, found in studies.items()]):
            memory, seen = self._memory[market], studies[market]
            if market in self._holdings.held or market in view.positions:
                continue
            if not seen.passed:
                memory.tried_ns = view.now_ns
                continue
            facts = view.market(market)
            weight, (stop, target), gates = self._look(view, market, facts, seen)
            memory.tried_ns = view.now_ns
            if not entered(gates):
                continue
            memory.acted, memory.up = True, False
            self._holdings.take(market, seen.side, weight, view.now_ns, seen.score)
            wanted.append(
                enter(
                    facts,
                    seen.side,
                    self._settings.terms,
                    weight=weight,
                    score=seen.score,
                    stop=stop,
                    target=target,
                    strategy=self.name,
                    reasons=(*told(seen, self._weighing), *gates),
                )
            )

    def _look(
        self, view: View, market: int, facts: MarketFacts, seen: Study
    ) -> tuple[float, tuple[int, int], tuple[Reason, ...]]:
        """The share, the prices and every gate of an entry now but those of the filters."""
        s, memory = self._settings, self._memory.get(market) or _Memory()
        age = memory.bars - memory.cross_bar
        crossed = memory.cross_side == seen.side and age < s.window_bars
        wait_s = s.try_ms / 1000.0 - (view.now_ns - memory.tried_ns) / SECOND_NS
        if memory.tried_ns in (0, view.now_ns):
            wait_s = 0.0
        tick = facts.tick_usd if sound(facts.tick_usd) else 1.0
        stop_ticks = between(seen.regime, *s.stop_atr) * seen.atr / tick
        target_ticks = between(seen.regime, *s.target_atr) * seen.atr / tick
        ends, prices = stop_and_target(facts, seen.side, s.terms, stop_ticks, target_ticks)
        stop_bps = stop_ticks * BPS / facts.mid_ticks if facts.mid_ticks > 0.0 else 0.0
        wish = s.risk_bps / stop_bps if sound(stop_bps) else 0.0
        weight, place = self._holdings.place(view, seen.side, wish)
        gates = (
            Reason("side", float(seen.side), 0.0, True),
            Reason("gate.warm", float(seen.atr), 0.0, sound(seen.atr)),
            Reason("gate.cross", float(age), float(s.window_bars), crossed),
            Reason("gate.try", max(0.0, wait_s), 0.0, wait_s <= 0.0),
            Reason("gate.distinct", float(memory.acted), 0.0, not memory.acted),
            Reason("gate.frames", float(seen.agreeing), float(s.confirm_min), seen.agreeing >= s.confirm_min),
            Reason("gate.score", seen.score, seen.needed, seen.score >= seen.needed),
            *self._holdings.gates(view, market),
            *fit(view, facts, s.terms),
            *prices,
            Reason("stop_bps", stop_bps, s.risk_bps, True),
            *place,
        )
        return weight, ends, gates

    def _judge(
        self, view: View, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> Sequence[Reason]:
        turned, fell, _ = self._ends(market, held, facts, trip)
        return self._exits(market, held, facts, trip) if turned or fell else ()

    def _ends(
        self, market: int, held: Held, facts: MarketFacts, trip: Trip | None
    ) -> tuple[bool, bool, float]:
        """Whether the histogram turned against the side, whether the price fell back too far, and the line for that."""
        memory = self._memory.get(market)
        if memory is None or not memory.bars:
            return False, False, 0.0
        turned = memory.histogram * held.side < 0.0
        if trip is None or not priced(facts):
            return turned, False, 0.0
        distance = between(regime_of(self._settings, memory.adx), *self._settings.trail_atr)
        distance *= memory.atr / facts.tick_usd
        line = trip.best_ticks - held.side * distance
        touch = facts.bid_ticks if held.side > 0 else facts.ask_ticks
        far = sound(distance) and (trip.best_ticks - trip.entry_ticks) * held.side >= distance
        return turned, far and (touch - line) * held.side <= 0.0, line

    def _exits(self, market: int, held: Held, facts: MarketFacts, trip: Trip | None) -> tuple[Reason, Reason]:
        """The same in words."""
        turned, fell, line = self._ends(market, held, facts, trip)
        memory = self._memory.get(market) or _Memory()
        touch = float(facts.bid_ticks if held.side > 0 else facts.ask_ticks)
        return (
            Reason("exit.histogram", memory.histogram, 0.0, turned),
            Reason("exit.trail", touch, line, fell),
        )

    def explain(self, view: View, market: int) -> tuple[Reason, ...]:
        """What an entry into this market would take, and for a market that is held what would end it."""
        facts = view.market(market)
        bar = view.indicators(market, self._base)
        seen = self._study(view, market, bar)
        reasons = [*told(seen, self._weighing), *self._look(view, market, facts, seen)[2]]
        held = self._holdings.held.get(market)
        if held is not None:
            trip = view.trip(market)
            reasons += self._holdings.exits(facts, held, trip, view.now_ns)
            reasons += self._exits(market, held, facts, trip)
        reasons += [Reason(f"part.{name}", getattr(bar, name), 0.0, True) for name in PARTS]
        return tuple(reasons)

    def save(self) -> bytes:
        """The state as bytes."""
        rows = [
            (
                m,
                k.bucket,
                k.bars,
                k.cross_bar,
                k.cross_side,
                k.sign,
                k.tried_ns,
                k.acted,
                k.up,
                k.adx,
                k.atr,
                k.histogram,
            )
            for m, k in self._memory.items()
        ]
        return packed(self.name, VERSION, (rows, self._holdings.save()))

    def load(self, state: bytes) -> None:
        """Take over a state that `save` wrote. ValueError on anything else, and nothing is changed then."""
        saved: _State = unpacked(state, self.name, VERSION, _State)
        rows, held = saved
        holdings = self._holdings.checked(held)
        kept: dict[int, _Memory] = {}
        for (
            market,
            bucket,
            bars,
            cross_bar,
            cross_side,
            sign,
            tried_ns,
            acted,
            up,
            adx,
            atr,
            histogram,
        ) in rows:
            if market in kept or not 0 <= market < 1 << 16 or not (-1 <= cross_side <= 1 and -1 <= sign <= 1):
                raise ValueError(f"not a memory of market {market}")
            k = kept[market] = _Memory()
            k.bucket, k.bars, k.cross_bar, k.cross_side, k.sign = bucket, bars, cross_bar, cross_side, sign
            k.tried_ns, k.acted, k.up = tried_ns, acted, up
            k.adx, k.atr, k.histogram = adx, atr, histogram
        self._memory = kept
        self._holdings.load(holdings)


def _sign(value: float) -> int:
    return 1 if value > 0.0 else -1 if value < 0.0 else 0


_MemoryRow = tuple[int, int, int, int, int, int, int, bool, bool, float, float, float]
_State = tuple[list[_MemoryRow], HoldingsState]
