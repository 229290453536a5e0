"""The simulated feed: a tape feed of the loop, without a thread.

`due` says when something comes next, `pull` puts everything due into the inbox. All times are simulated
nanoseconds since 1970; what is sent lies on a grid, so that few ticks are needed. No wall time anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random

from sniper.feed.sim.agenda import Agenda
from sniper.feed.sim.bars import RESOLUTIONS
from sniper.feed.sim.book import SLOT_NS
from sniper.feed.sim.faults import FAULT_NAMES, Faults, Mischief
from sniper.feed.sim.market import Market
from sniper.feed.sim.server import MS, SECOND_NS, Server
from sniper.feed.sim.text import iso
from sniper.feed.sim.universe import select
from sniper.feed.sim.walk import Weather
from sniper.feed.sim.wire import BLOCKS, BOOK, CANDLES, CONNECTIONS_MAX, IDS_MAX, MARKETS, TRADES, Inbox
from sniper.types import Connection, FeedCommand, Reconnect, Resubscribe, Watch

START_NS = 1_767_225_600 * SECOND_NS  # 2026-01-01T00:00:00Z
START_HEIGHT = 69_900_000
STATISTICS_NS = 30 * SECOND_NS
REACH_NS = 10 * MS  # until a command reaches the server
GRIDS_MS = (1, 2, 5, 10, 25, 50)


class Sim:
    """An endless market, the same for the same seed and the same commands at the same times.

    seed: any integer. markets: how many, busiest first, or a list of tickers. start_ns: first moment of
    simulated time. candles: resolutions to subscribe to. batched_*: whether updates of that channel come
    every 250 ms in one message. grid_ms: what is sent, is sent at multiples of it. snapshot_*: levels a
    side, trades and candles of a snapshot. ValueError: an unknown market or resolution, a wrong grid, more
    connections than CONNECTIONS_MAX.
    """

    clock = "tape"
    exhausted = False

    def __init__(
        self,
        *,
        seed: int = 1,
        markets: int | Sequence[str] = 8,
        start_ns: int = START_NS,
        candles: Sequence[str] = ("1MIN",),
        batched_orderbook: bool = False,
        batched_trades: bool = False,
        batched_markets: bool = True,
        batched_candles: bool = True,
        grid_ms: int = 10,
        snapshot_levels: int = 100,
        snapshot_trades: int = 100,
        snapshot_candles: int = 100,
        faults: Faults | None = None,
    ) -> None:
        specs = select(markets)
        _check(len(specs), candles, grid_ms)
        start_ns -= start_ns % (50 * MS)
        faults = faults or Faults()
        self._candles = tuple(candles)
        self._agenda = Agenda(start_ns, grid_ms * MS)
        self._random = Random(f"{seed}/feed/blocks").random
        self._weather = Weather(Random(f"{seed}/feed/weather").random)
        self._height = START_HEIGHT
        self._block_ns = start_ns
        self._mischief = Mischief(faults, Random(f"{seed}/feed/faults").random) if faults.any else None
        self.markets = {
            spec.ticker: Market(
                spec, seed, start_ns, START_HEIGHT, self._candles, snapshot_trades, snapshot_candles
            )
            for spec in specs
        }
        self._batched = {
            BOOK: batched_orderbook,
            TRADES: batched_trades,
            MARKETS: batched_markets,
            CANDLES: batched_candles,
            BLOCKS: False,
        }
        self._server_random = Random(f"{seed}/feed/server").random
        self._snapshot = (snapshot_levels, snapshot_candles)
        self._server: Server | None = None

    def start(self, inbox: Inbox) -> None:
        """Begin: the first connection opens, blocks come. The first record is due at once."""
        depth, candles_max = self._snapshot
        self._server = Server(
            self._agenda,
            inbox,
            self.markets,
            random=self._server_random,
            mischief=self._mischief,
            batched=self._batched,
            candles=self._candles,
            depth=depth,
            candles_max=candles_max,
        )
        now_ns = self._agenda.now_ns
        self._server.head = f'{{"height":"{self._height}","time":"{iso(self._block_ns)}"}}'
        self._server.begin()
        self._next_block(self._server)
        self._agenda.put(now_ns + STATISTICS_NS, partial(self._statistics, self._server))
        if not self._batched[BOOK]:
            self._agenda.put(now_ns + SLOT_NS, partial(self._pulse, self._server))

    def due(self, now_ns: int) -> int | None:
        """When something comes next; None before `start` and after `stop`."""
        return self._agenda.next_ns

    def pull(self, until_ns: int, inbox: Inbox) -> None:
        """Let everything up to and including `until_ns` happen; its records go to `inbox`."""
        if self._server is not None:
            if self._server.inbox is not inbox:
                self._server.inbox = inbox
                for wire in self._server.wires:
                    wire.inbox = inbox
            self._agenda.run(until_ns)

    def send(self, now_ns: int, commands: Sequence[FeedCommand]) -> None:
        """Carry out the engine's commands as a client would; the answers come 20 to 300 ms later."""
        server = self._server
        if server is None:
            return
        when_ns = max(now_ns, self._agenda.now_ns) + REACH_NS
        for command in commands:
            if isinstance(command, Watch):
                self._agenda.put(when_ns, partial(server.watch, command.tickers))
            elif isinstance(command, Resubscribe):
                act = partial(server.resubscribe, command.connection, command.channel, command.ticker)
                self._agenda.put(when_ns, act)
            elif isinstance(command, Reconnect):
                self._agenda.put(when_ns, partial(server.reconnect, command.connection))

    def status(self) -> list[Connection]:
        """The connections, by index."""
        return [wire.status(self._agenda.now_ns) for wire in self._server.wires] if self._server else []

    def stop(self) -> None:
        """End: every connection says that it stops, nothing is due any more."""
        self._agenda.clear()
        if self._server is not None:
            for wire in self._server.wires:
                if wire.state != "stopped":
                    wire.link(self._agenda.now_ns, "stopped", 1000, "by us")

    @property
    def fault_counts(self) -> dict[str, int]:
        """How often each fault struck."""
        return dict(self._mischief.counts) if self._mischief else dict.fromkeys(FAULT_NAMES, 0)

    def _next_block(self, server: Server) -> None:
        """The next block comes 0.65 s after the last one on average; its news take 150 to 250 ms."""
        random = self._random
        interval_ms = 485 + int(150 * (random() + random()))
        if random() < 0.01:
            interval_ms += 1000 + int(1000 * random())
        self._block_ns += interval_ms * MS
        self._agenda.put(self._block_ns + (150 + int(100 * random())) * MS, partial(self._block, server))

    def _block(self, server: Server, now_ns: int) -> None:
        """One block: height, prices, trades, candles, and what the trades did to the books."""
        self._height += 1
        block_ns, height = self._block_ns, self._height
        stamp = iso(block_ns)
        self._weather.step()
        event = 1 + int(self._random() * 4)
        for market in self.markets.values():
            event = market.block(now_ns, block_ns, height, event, self._weather)
        server.head = f'{{"height":"{height}","time":"{stamp}"}}'
        server.publish(now_ns, (BLOCKS, BLOCKS), f'{{"blockHeight":"{height}","time":"{stamp}"}}')
        self._oracles(server, now_ns, f',"effectiveAt":"{stamp}","effectiveAtHeight":"{height}","marketId":')
        for market in self.markets.values():
            if market.fresh:
                trades = ",".join(map(market.trades.update_text, market.fresh))
                server.publish(now_ns, (TRADES, market.ticker), f'{{"trades":[{trades}]}}')
            for bars, updates in zip(market.bars, market.candles, strict=True):
                for candle in updates:
                    server.publish(now_ns, (CANDLES, f"{market.ticker}/{bars.resolution}"), candle)
        self._books(server, now_ns)
        self._next_block(server)

    def _oracles(self, server: Server, now_ns: int, effective_at: str) -> None:
        entries = []
        for market in self.markets.values():
            if market.oracle_moved:
                jump = self._mischief.oracle() if self._mischief else None
                price = market.oracle_scaled(jump) if isinstance(jump, int) else jump
                entries.append(market.oracle_text(effective_at, price))
        if entries:
            server.publish(now_ns, (MARKETS, MARKETS), '{"oraclePrices":{' + ",".join(entries) + "}}")

    def _books(self, server: Server, now_ns: int) -> None:
        """Hand on what the block changed in unbatched books; forget it where nobody listens."""
        heard = set()
        for wire in server.wires:
            for subscription in wire.books:
                heard.add(subscription.key[1])
                if not subscription.batched:
                    wire.publish_book(now_ns, subscription)
        for market in self.markets.values():
            if market.ticker not in heard:
                market.book.changes.clear()

    def _pulse(self, server: Server, now_ns: int) -> None:
        """Unbatched books: what the node flushes every 50 ms."""
        for wire in server.wires:
            for subscription in wire.books:
                wire.publish_book(now_ns, subscription)
        self._agenda.put(now_ns + SLOT_NS, partial(self._pulse, server))

    def _statistics(self, server: Server, now_ns: int) -> None:
        """The job that writes volumes, open interest and the next funding rate about every 30 s."""
        entries = [entry for market in self.markets.values() if (entry := market.statistics())]
        if entries:
            server.publish(now_ns, (MARKETS, MARKETS), '{"trading":{' + ",".join(entries) + "}}")
        self._agenda.put(
            now_ns + STATISTICS_NS + int(self._random() * 400) * MS, partial(self._statistics, server)
        )


def _check(markets: int, candles: Sequence[str], grid_ms: int) -> None:
    for resolution in candles:
        if resolution not in RESOLUTIONS:
            raise ValueError(f"no such candle resolution: {resolution!r}; there are {', '.join(RESOLUTIONS)}")
    needed = -(-markets * max(1, len(candles)) // IDS_MAX)
    if needed > CONNECTIONS_MAX:
        raise ValueError(
            f"{markets} markets x {len(candles)} candle resolutions / {IDS_MAX} ids a connection = {needed} "
            f"connections; at most {CONNECTIONS_MAX}"
        )
    if grid_ms not in GRIDS_MS:
        raise ValueError(f"grid_ms must be one of {', '.join(map(str, GRIDS_MS))}, not {grid_ms}")
