"""The three small models of the paper venue, chosen by name: how resting orders fill, what a fill costs, how long
everything takes.

Sources of the fees: orders.md 8. Latencies are made up, of the order of what was seen from a server near the chain
("near"), from somewhere in the same continent ("usual") and over a bad line ("far").
"""

from __future__ import annotations

from typing import NamedTuple

from sniper.bounds import problems
from sniper.paper_settings import PPM, USDC, PaperSettings

MS = 1_000_000


class FillModel(NamedTuple):
    """When a resting order is filled.

    at_price: by trades at its price once the queue ahead has gone; else only by trades beyond its price.
    by_quotes: also by quotes of the other side beyond its price, which consume the queue ahead first.
    in_bars: trades are the four of a candle. What a trigger order finds is made out of them (`blocks.py`), for the book
    is that of the bar's end.
    """

    at_price: bool
    by_quotes: bool
    in_bars: bool = False


FILLS = {
    "queue": FillModel(True, True),
    "trades": FillModel(True, False),
    "through": FillModel(False, False),
    "bars": FillModel(False, False, True),
}
"""`bars` is for candles, which know no queue: a touched price fills nothing, stops come before targets."""


class FeeTier(NamedTuple):
    """Fees in ppm of a fill's value from so much volume in 30 days on; negative: a rebate."""

    volume_usd: int
    taker_ppm: int
    maker_ppm: int


FEES: dict[str, tuple[FeeTier, ...]] = {
    "none": (FeeTier(0, 0, 0),),
    "entry": (FeeTier(0, 500, 100),),
    "tiers": (
        FeeTier(0, 500, 100),
        FeeTier(1_000_000, 450, 100),
        FeeTier(5_000_000, 400, 50),
        FeeTier(25_000_000, 350, 0),
        FeeTier(50_000_000, 300, 0),
        FeeTier(100_000_000, 250, -70),
        FeeTier(200_000_000, 250, -110),
    ),
    "rebate": (FeeTier(0, 250, -110),),
}
OWN = "own"
"""The fee model that takes its two fees from the settings."""


def tier_now(settings: PaperSettings, volume_quantums: int) -> FeeTier:
    """The fee tier after so many QQ traded at this venue."""
    if settings.fee == OWN:
        return FeeTier(0, settings.taker_ppm, settings.maker_ppm)
    volume_usd = settings.volume_30d_usd + volume_quantums // USDC
    found = FEES[settings.fee][0]
    for tier in FEES[settings.fee]:
        if volume_usd >= tier.volume_usd:
            found = tier
    return found


def fee_of(quote_quantums: int, ppm: int) -> int:
    """The fee of a fill in QQ: ppm of its value, rounded toward plus infinity for both sides (orders.md 8)."""
    return -(-quote_quantums * ppm // PPM)


class Latency(NamedTuple):
    """How long things take, each drawn evenly from (least, most) nanoseconds.

    there: from our send to the node. back: the broadcast's answer. news: what the Indexer tells of an order before
    it is in a block. block: from a match to the news of its block. chain: from a block that the feed told of to the
    account news of that block.
    """

    there: tuple[int, int]
    back: tuple[int, int]
    news: tuple[int, int]
    block: tuple[int, int]
    chain: tuple[int, int]


def _latency(*ms: tuple[int, int]) -> Latency:
    return Latency(*((low * MS, high * MS) for low, high in ms))


LATENCIES = {
    "instant": _latency((1, 1), (1, 1), (1, 1), (2, 2), (1, 1)),
    "near": _latency((5, 15), (5, 15), (20, 60), (400, 1000), (1, 20)),
    "usual": _latency((30, 90), (30, 90), (60, 180), (500, 1200), (5, 50)),
    "far": _latency((120, 400), (120, 400), (200, 800), (700, 2000), (20, 300)),
}
"""`instant` still takes a millisecond: with nothing at all, order and answer could go on for ever in one moment."""


def slots(settings: PaperSettings, net_quantums: int) -> int:
    """How many stateful orders an account of so many QQ may have open (margin.md 7)."""
    found = 0
    for least, count in settings.equity_tiers:
        if net_quantums >= least:
            found = count
    return found


def checked(settings: PaperSettings) -> PaperSettings:
    """The settings, if the venue can work with them. ValueError names all that it cannot."""
    wrong = list(problems(settings))
    for name, value, known in (
        ("fill", settings.fill, FILLS),
        ("fee", settings.fee, {**FEES, OWN: ()}),
        ("latency", settings.latency, LATENCIES),
    ):
        if value not in known:
            wrong.append(f"{name}: no such model: {value!r}; there are {', '.join(known)}")
    if wrong:
        raise ValueError(f"paper venue: {'; '.join(wrong)}")
    return settings
