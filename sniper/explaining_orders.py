"""What an order of some kind is at the exchange: its mechanism, its limits, and what is left of it if we die.

Facts of the chain's own rules (orders.md 1, 3 and 6 of the protocol notes; v4-chain x/clob); what it refuses is asked
of the same table that refuses it here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sniper.order_table import CONDITIONAL, LONG_TERM, SHORT_TERM, misfit
from sniper.trading import Intent


class Kind(NamedTuple):
    """Where an order of this kind lives, and what bounds it."""

    mechanism: str
    lives: str
    ends: str
    sequence: str
    rate: str
    open_max: str
    crash: str


KINDS: Final = {
    SHORT_TERM: Kind(
        "MsgPlaceOrder, order flags 0: gossiped between validators, matched by whoever proposes the next block",
        "in the validators' memory; on the chain only what of it is filled",
        "good-til-block, at most 40 blocks (about 26 s) ahead; we use at most 20",
        "none: signed and sent at once, any number side by side",
        "4,000 orders and cancels of an owner in 5 blocks (older nodes: 400 in 1); a share is kept for protection",
        "no limit",
        "It ends by itself within its blocks. Until then it may fill, and nobody here would know: the next start "
        "finds the fill by REST. Nothing of it can outlive its good-til-block.",
    ),
    CONDITIONAL: Kind(
        "MsgPlaceOrder, order flags 32: kept in the state of the chain, untriggered, until the oracle price (or a "
        "trade price near it) reaches the trigger; it enters the book in the block after",
        "in the state of the chain",
        "good-til-time, at most 95 days ahead",
        "the account's sequence: one after the other; its transaction says the last block that may take it",
        "2 in a block and 20 in 100 blocks of an owner, together with long-term ones; cancels are free",
        "by the account's net collateral: none below 20 USDC, 1 to 10 from there (sources disagree), 200 from 100,000 "
        "USDC; a stop needs one of these slots",
        "It stays and works without us. That is why stops are of this kind: conditional, reduce-only, "
        "immediate-or-cancel.",
    ),
    LONG_TERM: Kind(
        "MsgPlaceOrder, order flags 64: accepted in one block, placed in the book of every validator in the next",
        "in the state of the chain",
        "good-til-time, at most 95 days ahead",
        "the account's sequence: one after the other; its transaction says the last block that may take it",
        "2 in a block and 20 in 100 blocks of an owner, together with conditional ones; cancels are free",
        "by the account's net collateral: none below 20 USDC, 1 to 10 from there (sources disagree), 200 from 100,000 "
        "USDC",
        "It stays in the book and may fill days later with nobody watching. sniper rests risk only in orders that "
        "end by themselves, so nothing of its own is of this kind unless a strategy asks for it.",
    ),
}
TIMES: Final = {
    "ioc": "immediate-or-cancel: what does not fill at once is gone; the answer 0 does not say that anything filled",
    "gtt": "rests with what does not fill at once",
    "post_only": "rests or is refused (2003): never takes",
}
MARGIN: Final = {
    SHORT_TERM: "none is reserved; each fill is checked, and what fails is removed without an error in the answer",
    CONDITIONAL: "none is reserved and none is checked until it has triggered and meets the book",
    LONG_TERM: "checked when placed (3007) and again at each fill; none is reserved",
}


def explained(kind: str, time_in_force: str, reduce_only: bool, trigger: str) -> list[tuple[str, str]]:
    """Label and sentence, in reading order. ValueError for a kind that does not exist."""
    if kind not in KINDS:
        raise ValueError(f"there is no order of kind {kind!r}: {', '.join(KINDS)}")
    found = KINDS[kind]
    intent = Intent(
        0,
        0,
        1,
        1,
        kind=kind,
        time_in_force=time_in_force,
        reduce_only=reduce_only,
        trigger=trigger,
        trigger_ticks=1 if trigger else 0,
    )
    wrong = misfit(intent)
    rows = [("verdict", f"the chain refuses it: {wrong}" if wrong else "an order that the chain takes")]
    rows += [
        ("mechanism", found.mechanism),
        ("lives", found.lives),
        ("fills", TIMES[time_in_force]),
        ("ends", found.ends),
        ("sequence", found.sequence),
        ("rate", found.rate),
        ("open at once", found.open_max),
        ("margin", MARGIN[kind]),
    ]
    if reduce_only:
        rows.append(
            ("reduce-only", "cut down to the position when it matches; never turns it over (2001, 2002)")
        )
    if trigger:
        rows.append(("trigger", TRIGGERS[trigger]))
    rows.append(("if we die now", found.crash))
    return rows


TRIGGERS: Final = {
    "stop_loss": "a sell when the price is at or below it, a buy at or above; looked at when a block ends",
    "take_profit": "a sell when the price is at or above it, a buy at or below; looked at when a block ends",
}
