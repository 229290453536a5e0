"""A disaster on order: a scripted fall through the real engine, with the paper venue on the market as it really is.

Two engines see one market. One is the engine under test, with its decision half, on a feed that may go deaf; the
other only keeps the books of the chain, and the paper venue trades on those: an order that is sent blind meets the
price of that moment, not the last one that was heard. Everything follows from script, seed and settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sniper.backtest_series import oracle_usd
from sniper.decimals import text
from sniper.drill_chain import BYTES_MAX, RECORDS_MAX, Chain
from sniper.drill_market import FallingSim, Script
from sniper.drill_reach import PARTS, Block, exit_existed, left_after, leg
from sniper.engine import Engine, Settings
from sniper.inbox import Inbox
from sniper.journal import Journal
from sniper.loop import Loop
from sniper.paper_settings import PaperSettings
from sniper.quantums import atomic_resolution
from sniper.risk_rungs import REDUCE
from sniper.risk_units import MILLION, unit_of
from sniper.stopping import Stopping
from sniper.trading import Approved, Fill, Refused
from sniper.venues.ledger import ACCOUNT
from sniper.venues.models import LATENCIES

SECOND_NS = 1_000_000_000
FORCED = ("LIQUIDATED", "DELEVERAGED")
AFTER_NS = 20 * SECOND_NS
"""How long it goes on after the last thing that the script does, unless nothing is held any more."""
QUIET_NS = 5 * SECOND_NS
"""How long it goes on after the last position is gone: fills and liquidations are told with their blocks."""
BLOCKS_MAX = 1 << 14


class Moment(NamedTuple):
    """One tick as it is told: where the account stood, and what happened. Amounts in QQ.

    net, maintenance: the chain's. seen_net: as the engine knew it. deaf: whether the feed was silent.
    """

    tick: int
    ns: int
    net: int
    maintenance: int
    seen_net: int
    danger_ppm: int
    sigmas: float
    rung: int
    deaf: bool
    prices: tuple[tuple[str, float], ...]
    said: tuple[str, ...]


class Outcome(NamedTuple):
    """How it ended. Equities in ppm of the equity at the beginning.

    kept_ppm: at the end. at_once_ppm: of a twin that closes everything at the book that the first order of the
    ladder could have met; None where no rung was reached, that book could not take it, or nothing was left to take by
    then. rungs: every change.
    way_out_ns: after the beginning, when an exit existed from the first rung that exits on; None: there was none, or
    no need of one. early_out_ns: the same from the first rung of all on: nothing was asked to be closed yet.
    """

    liquidated: bool
    way_out_ns: int | None
    early_out_ns: int | None
    kept_ppm: int
    at_once_ppm: int | None
    lowest_ppm: int
    rungs: tuple[tuple[int, int], ...]
    """(ns after the beginning, rung)."""
    acts: tuple[tuple[int, str, int], ...]
    """(ns after the beginning, purpose of an order of the ladder, the rung it was sent on)."""
    flat: bool
    first_ns: int | None
    liquidated_ns: int | None
    digest: str

    @property
    def beyond_reach(self) -> bool:
        """A loss that nothing could have prevented."""
        return self.liquidated and self.way_out_ns is None


class Drill:
    """One disaster. settings: of the engine, with a decision half. ValueError: without one, or a script without room.

    leverage_ppm: notional over equity at the beginning, in equal parts over the markets of the script; a market that
    rises in the script is held short. tell: gets every moment at which something happened, and one a second.
    """

    def __init__(
        self,
        script: Script,
        seed: int,
        settings: Settings,
        paper: PaperSettings,
        leverage_ppm: int,
        tell: Callable[[Moment], None] | None = None,
        journal: Journal | None = None,
    ) -> None:
        if settings.desk is None:
            raise ValueError("a drill needs the decision half")
        self.script, self._tell, self._journal = script, tell, journal
        self.equity = paper.usdc_quantums
        self.feed = FallingSim(script, seed, deaf=True)
        self.chain = Chain(script, seed, self._stocked(paper, leverage_ppm), self._record, self._look)
        self.engine = Engine(settings)
        assert self.engine.desk is not None
        self.desk = self.engine.desk
        self._latency_ns = LATENCIES[paper.latency].there[1]
        self._stopping = Stopping()
        self._start_ns = self._told_ns = self._flat_ns = 0
        self._rung, self._height, self._decided = 0, 0, 0
        self._rungs: list[tuple[int, int]] = []
        self._acts: list[tuple[int, str, int]] = []
        self._first_ns: int | None = None
        self._exit_ns: int | None = None  # since when a rung closes positions
        # when an order of the first rung, and of the first that closes, meets a book
        self._due: list[int] = []
        self._at_once: int | None = None
        self._forced: list[Fill] = []
        self._blocks: list[Block] = []
        self._lowest = self.equity
        self._deaf = self._stood = self._met = False

    def _stocked(self, paper: PaperSettings, leverage_ppm: int) -> PaperSettings:
        """The account with its positions: worth `equity` at the oracle prices of the beginning."""
        share, usdc, positions = leverage_ppm // len(self.script.moves), paper.usdc_quantums, []
        for ticker, move in self.script.moves:
            market = self.feed.markets[ticker]
            spec, sign = market.spec, -1 if move > 0 else 1
            scale = 10 ** (spec.oracle_decimals + 6)
            steps = self.equity * share * 10 ** (spec.oracle_decimals + max(spec.step_decimals, 0))
            steps //= market.oracle * MILLION * MILLION * 10 ** max(-spec.step_decimals, 0)
            size = sign * steps * 10 ** max(-spec.step_decimals, 0)
            decimals = max(spec.step_decimals, 0)
            price = text(market.oracle, spec.oracle_decimals)
            positions.append((ticker, text(size, decimals), price))
            usdc -= size * market.oracle * 10**12 // (scale * 10**decimals)
        return paper._replace(usdc_quantums=usdc, start_positions=tuple(positions))

    def run(self) -> Outcome:
        """From the beginning until everything is over."""
        script = self.script
        last_ns = max(script.start_ns + script.over_ns, script.deaf_until_ns if script.deaf_ns else 0)
        loop = Loop(
            self.engine,
            self.feed,
            Inbox(RECORDS_MAX, BYTES_MAX),
            speed=0,
            venue=self.chain,
            journal=self._journal,
            stopping=self._stopping,
        )
        self.chain.start(loop.inbox)
        loop.run(None, last_ns + AFTER_NS)
        return self._outcome()

    # ---- watching ---------------------------------------------------------------------------------------------

    def _look(self, now_ns: int) -> None:
        """After each tick of both engines."""
        if not self._start_ns:
            self._start_ns = now_ns
        desk, holdings = self.desk, self.chain.paper.ledger.holdings
        at_ns = now_ns - self._start_ns
        said = [*self._hear(), *self._watch_rung(at_ns), *self._decisions(at_ns)]
        deaf = 0 <= at_ns - self.script.deaf_from_ns < self.script.deaf_ns
        if deaf != self._deaf:
            self._deaf = deaf
            said.append("the feed fell silent" if deaf else "the feed hears again")
        self._stood = self._stood or bool(holdings)
        if not self._stood or holdings or desk.view.positions:
            self._flat_ns = now_ns
        elif now_ns - self._flat_ns >= QUIET_NS and at_ns > self.script.start_ns:
            self._stopping.exit_code = 0
        if self._tell is not None and self._stood and (said or now_ns - self._told_ns >= SECOND_NS):
            self._told_ns = now_ns
            self._tell(self._moment(at_ns, said))

    def _hear(self) -> list[str]:
        """Fills that the engine was told of."""
        said = []
        for fill in self.desk.account.fills:
            if fill.kind in FORCED:
                self._forced.append(fill)
            coins = abs(fill.size_quantums) * 10.0 ** self._atomic(fill.market)
            price = fill.price / 10.0**fill.price_decimals
            verb = "sold" if fill.side else "bought"
            kind = f" ({fill.kind})" if fill.kind in FORCED else ""
            ticker = self.engine.decoder.ticker(fill.market)
            said.append(f"{verb} {coins:g} {ticker} at {price:g}, fee {fill.fee / MILLION:.2f}{kind}")
        return said

    def _watch_rung(self, at_ns: int) -> list[str]:
        rung = self.desk.risk.rung
        if rung == self._rung:
            return []
        if self._first_ns is None:
            self._first_ns = at_ns
            self._due.append(at_ns + self._latency_ns)
        if self._exit_ns is None and rung >= REDUCE:
            self._exit_ns = at_ns
            self._due.append(at_ns + self._latency_ns)
        self._rungs.append((at_ns, rung))
        before, self._rung = self._rung, rung
        return [f"rung {before} -> {rung} ({RUNGS[rung]})"]

    def _decisions(self, at_ns: int) -> list[str]:
        """What was decided in this tick."""
        desk = self.desk
        fresh = min(desk.decided - self._decided, len(desk.decisions))
        self._decided = desk.decided
        said = []
        for decided in list(desk.decisions)[len(desk.decisions) - fresh :]:
            outcome = decided.outcome
            if isinstance(outcome, Approved | Refused):
                intent = outcome.intent
                if isinstance(outcome, Approved) and intent.strategy == "ladder":
                    self._acts.append((at_ns, intent.purpose, desk.risk.rung))
                what = f"{'sell' if intent.side else 'buy'} {self.engine.decoder.ticker(intent.market)}"
                end = (
                    "sent" if isinstance(outcome, Approved) else f"refused by {outcome.gate}: {outcome.text}"
                )
                said.append(
                    f"{intent.purpose}: {what}, {intent.size_steps} steps at {intent.price_ticks} ticks, {end}"
                )
            else:
                said.append(f"withdraw order {outcome.client_id}: {outcome.cause}")
        return said

    def _atomic(self, market: int) -> int:
        return atomic_resolution(self.desk.margin.markets, market)

    def _record(self, now_ns: int) -> None:
        """A block before anything happens in it, and the moments at which the first orders could meet a book."""
        if not self.chain.paper.ledger.holdings:
            return
        height = int(self.chain.engine.books.height)
        reached = bool(self._due) and now_ns - self._start_ns >= self._due[0]
        if (height == self._height and not reached) or len(self._blocks) >= BLOCKS_MAX:
            return
        self._height = height
        block = self._block(now_ns, height)
        self._blocks.append(block)
        self._lowest = min(self._lowest, block.worth[0])
        if reached:
            del self._due[0]
            if not self._met:
                self._met = True
                self._at_once = flattened(block)

    def _block(self, now_ns: int, height: int) -> Block:
        engine, paper = self.chain.engine, self.chain.paper
        legs = []
        for market, holding in sorted(paper.ledger.holdings.items()):
            unit = unit_of(engine.decoder, market)
            assert unit is not None, "a market with a position is known"
            terms = paper.collateral.kernel.terms_of(market)
            legs.append(leg(engine.decoder, engine.books, unit, market, holding.base, terms))
        usdc = paper.ledger.usdc[ACCOUNT] + paper.ledger.unsettled()
        return Block(height, now_ns, usdc, tuple(legs))

    def _moment(self, at_ns: int, said: Sequence[str]) -> Moment:
        # The chain's own table: the venue keeps only prices of markets in which there is something to value.
        totals, desk, chain = self.chain.totals(), self.desk, self.chain.engine.decoder
        prices = [(ticker, oracle_usd(chain, chain.market(ticker)) or 0.0) for ticker, _ in self.script.moves]
        found = desk.risk.assessment
        return Moment(
            self.engine.ticks, at_ns, totals.net, totals.maintenance, desk.view.account.net, found.danger_ppm,
            found.sigmas, desk.risk.rung, self._deaf, tuple(prices), tuple(said),
        )  # fmt: skip

    # ---- the end ----------------------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        totals = self.chain.totals()
        height = min((fill.height for fill in self._forced), default=0)
        ended = [block.now_ns for block in self._blocks if block.height < height]
        return Outcome(
            liquidated=bool(self._forced),
            way_out_ns=self._way_out(self._exit_ns, height),
            early_out_ns=self._way_out(self._first_ns, height),
            kept_ppm=totals.net * MILLION // self.equity,
            at_once_ppm=None if self._at_once is None else self._at_once * MILLION // self.equity,
            lowest_ppm=min(self._lowest, totals.net) * MILLION // self.equity,
            rungs=tuple(self._rungs),
            acts=tuple(self._acts),
            flat=not self.chain.paper.ledger.holdings,
            first_ns=self._first_ns,
            liquidated_ns=ended[-1] - self._start_ns if ended else None,
            digest=self.engine.digest,
        )

    def _way_out(self, since_ns: int | None, height: int) -> int | None:
        """When, after the beginning, an exit existed that was ordered then or later."""
        if since_ns is None or not height:
            return None
        found = exit_existed(self._blocks, self._start_ns + since_ns + self._latency_ns, height)
        return found.now_ns - self._start_ns if found is not None else None


RUNGS = ("calm", "stop opening", "cancel entries", "reduce", "flatten")


def flattened(block: Block) -> int | None:
    """Equity after closing everything at the books of a block, None where they do not hold so much."""
    left = left_after(block, [PARTS] * len(block.legs), block.units)
    return left[0] if left is not None else None
