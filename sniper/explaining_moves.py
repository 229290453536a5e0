"""An account after moves of prices: its worth, whether it would be liquidated, and how far it is from that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sniper.desk import Desk
from sniper.risk_rungs import CALM, FAR, Rungs, danger_of
from sniper.risk_units import MILLION

ACCOUNT = 0
EVERY = "*"
SHARES_MAX = 500
"""The moves are looked at from none of them to five times as far, in hundredths."""


class Held(NamedTuple):
    """One position. size in BQ, notional signed and gain in QQ, move in ppm."""

    ticker: str
    market: int
    size: int
    notional: int
    move_ppm: int
    gain: int


class Moved(NamedTuple):
    """The account before and after. Amounts in QQ. rung: of the ladder, by the danger alone.

    limit_percent: how much of these moves, all in step, it takes until the account is liquidatable: None where five
    times as much does not.
    """

    before: tuple[int, int, int]
    """Net collateral, maintenance and initial margin."""
    after: tuple[int, int, int]
    liquidated: bool
    danger_ppm: int
    rung: int
    limit_percent: int | None
    positions: tuple[Held, ...]


def move(desk: Desk, moves_ppm: Mapping[str, int], tickers: list[str]) -> Moved | None:
    """The account of a desk after these moves; "*" stands for every market that is not named.

    None: it cannot be computed, for want of a price or terms of a market. ValueError: an unknown market.
    """
    unknown = [ticker for ticker in moves_ppm if ticker != EVERY and ticker not in tickers]
    if unknown:
        raise ValueError(f"there is no market {unknown[0]}")
    margin = desk.margin
    moves = np.zeros(margin.markets_max, np.int32)
    moves[: len(tickers)] = [moves_ppm.get(ticker, moves_ppm.get(EVERY, 0)) for ticker in tickers]
    now = margin.stress(ACCOUNT, np.zeros_like(moves))
    then = margin.stress(ACCOUNT, moves)
    if now is None or then is None:
        return None
    net, maintenance, _ = then
    danger_ppm = danger_of(net, maintenance)
    rungs = Rungs(desk.settings.risk.ladder)
    rungs.rung = CALM
    rungs.update(danger_ppm, FAR, 1)
    return Moved(
        now,
        then,
        maintenance > 0 and net < maintenance,
        danger_ppm,
        rungs.rung,
        limit(desk, moves),
        tuple(positions(desk, moves, tickers)),
    )


def limit(desk: Desk, moves: np.ndarray[tuple[int], np.dtype[np.int32]]) -> int | None:
    """The least hundredth of the moves at which maintenance margin is no longer covered."""
    count = int(desk.margin.accounts[ACCOUNT]["positions"])
    held = moves[desk.margin.positions[ACCOUNT]["market"][:count]].astype(np.int64)
    shares = np.arange(SHARES_MAX + 1, dtype=np.int64)
    table = np.clip(shares[:, None] * held[None, :] // 100, 1 - MILLION, 100 * MILLION)
    nets, maintenances = desk.margin.grid(ACCOUNT, np.ascontiguousarray(table, np.int32))
    below = np.flatnonzero((nets < maintenances) & (maintenances > 0))
    return int(below[0]) if len(below) else None


def positions(
    desk: Desk, moves: np.ndarray[tuple[int], np.dtype[np.int32]], tickers: list[str]
) -> list[Held]:
    """What is held, with what each position gains."""
    rows = desk.margin.positions[ACCOUNT][: int(desk.margin.accounts[ACCOUNT]["positions"])]
    found = []
    for row in rows:
        market, notional = int(row["market"]), int(row["notional"])
        ppm = int(moves[market])
        gain = abs(notional) * ppm // MILLION * (1 if notional > 0 else -1)
        found.append(Held(tickers[market], market, int(row["size"]), notional, ppm, gain))
    return found
