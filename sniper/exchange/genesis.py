"""What a house begins with: markets, flow, and funds for the public test accounts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from sniper.errors import UsageError
from sniper.exchange.chain.chain import Chain
from sniper.exchange.chain.flow import Flow
from sniper.exchange.chain.genesis import genesis
from sniper.exchange.chain.recording import RecordedFlow, Recording
from sniper.exchange.terms import ChainTerms
from sniper.feed.replay import is_journal, ticks_of
from sniper.feed.sim.universe import select
from sniper.journal_reader import JournalReader

MILLION: Final = 1_000_000
START_HEIGHT: Final = 1_000_000
START_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


class HouseSettings(NamedTuple):
    """What a house is made of. Amounts in QQ; times in ns since 1970, or lengths of time.

    markets: how many of the simulated universe, or their tickers. recording: a file served as the market instead.
    warm_up_ns: so much of the market's life lies behind it when the house opens. quiet: no flow at all.
    """

    seed: int = 1
    markets: int | tuple[str, ...] = 8
    recording: str = ""
    markets_file: str = ""
    chain_id: str = "localdydxprotocol"
    start_ns: int = START_NS
    warm_up_ns: int = 20_000_000_000
    pulse_ns: int = 50_000_000
    wallet_quote: int = 10_000 * MILLION
    subaccount_quote: int = 100_000 * MILLION
    limits: bool = True  # of REST requests
    quiet: bool = False


class Playing(Protocol):
    """What moves the market: the sim's flow, or a recording's."""

    def open(self) -> None: ...
    def pulse(self, now_ns: int) -> None: ...
    def block(self, now_ns: int) -> None: ...


class Silence:
    """No flow: prices stand still and nobody trades but who connects."""

    def open(self) -> None:
        """Nothing to begin with."""

    def pulse(self, now_ns: int) -> None:
        """Nothing between blocks."""

    def block(self, now_ns: int) -> None:
        """Nothing in a block."""


def opened(settings: HouseSettings) -> tuple[Chain, Playing]:
    """The chain at its first height, and what will move it. UsageError for markets or a recording there is not."""
    terms = ChainTerms(chain_id=settings.chain_id)
    start_ns = settings.start_ns - settings.warm_up_ns
    if settings.recording:
        try:
            path = Path(settings.recording)
            journal = JournalReader(path) if is_journal(path) else None
            recording = Recording(ticks_of(path, journal, settings.markets_file or None))
        except ValueError as error:
            raise UsageError(
                f"{settings.recording} cannot be served as a market: {error}",
                "Give a recording with a market table, or --markets-file.",
            ) from None
        born = recording.genesis
        chain = Chain(
            born.markets,
            terms=terms,
            prices=born.prices,
            seed=settings.seed,
            now_ns=start_ns,
            height=START_HEIGHT,
        )
        return chain, Silence() if settings.quiet else RecordedFlow(chain, recording, seed=settings.seed)
    wanted: int | Sequence[str] = (
        settings.markets if isinstance(settings.markets, int) else list(settings.markets)
    )
    try:
        specs = select(wanted)
    except ValueError as error:
        raise UsageError(
            str(error), "--markets takes a number or tickers of the simulated universe."
        ) from None
    born = genesis(specs)
    chain = Chain(
        born.markets,
        terms=terms,
        prices=born.prices,
        seed=settings.seed,
        now_ns=start_ns,
        height=START_HEIGHT,
    )
    return chain, Silence() if settings.quiet else Flow(chain, specs, seed=settings.seed)
