"""What a strategy does wrong is told as its fault: which strategy, in what, where in its file, and what to do.

Strategies come from anybody. Whatever one raises ends the run, for nobody knows what it left half done; what rests at
the venue (protective stops) stays there, and the journal is closed in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sniper.errors import StrategyFault
from sniper.trading import Intent, Reason, Withdraw

TEXT_MAX = 160
WHOLE, NUMBERS, TEXT, REASON = {int}, (int, float), {str}, {Reason}
"""The types of fields as sets: what is of the type itself needs no closer look."""


def blamed(strategy: Any, method: str, tick: int, problem: BaseException) -> StrategyFault:
    """The fault to raise for `problem`, which a method of a strategy raised in a tick."""
    trace, where = problem.__traceback__, ""
    while trace is not None:
        where = f" at {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    said = f"{type(problem).__name__}: {str(problem)[:TEXT_MAX]}"
    return StrategyFault(
        f"the strategy {strategy.name} failed in {method} of tick {tick}: {said}{where}",
        "Stops that rest at the venue stay. Correct it, or choose another strategy.name; --debug shows the traceback.",
    )


def wishes(wanted: Any) -> Sequence[Intent | Withdraw]:
    """What `decide` returned. TypeError for anything but intents and withdrawals with fields of their types."""
    found = tuple(wanted)
    for one in found:
        if isinstance(one, Intent):
            whole = (one.market, one.side, one.price_ticks, one.size_steps, one.trigger_ticks)
            limits = (one.stop_ticks, one.target_ticks)
            texts = (one.purpose, one.kind, one.time_in_force, one.trigger, one.strategy)
            if not set(map(type, whole + limits)) == WHOLE:
                raise TypeError(
                    f"an intent whose market, side, prices and size are not all whole: {whole} {limits}"
                )
            if not (isinstance(one.weight, NUMBERS) and isinstance(one.score, NUMBERS)):
                raise TypeError(f"an intent with weight {one.weight!r} and score {one.score!r}")
            if set(map(type, texts)) != TEXT and not all(isinstance(value, str) for value in texts):
                raise TypeError(f"an intent with names that are not texts: {texts}")
            given = one.reasons
            if set(map(type, given)) != REASON and not all(isinstance(reason, Reason) for reason in given):
                raise TypeError("an intent whose reasons are not all of type Reason")
        elif not (isinstance(one, Withdraw) and type(one.client_id) is int and isinstance(one.cause, str)):
            raise TypeError(f"decide returned {one!r:.80}, neither Intent nor Withdraw")
    return found


def resumed(strategy: Any, state: bytes) -> str:
    """Why a strategy does not take over a state that one of its name saved, "": it has it now."""
    try:
        strategy.load(state)
    except (Exception, SystemExit) as problem:  # anybody's code; what it refuses may be half taken over
        return f"its state is refused: {str(problem)[:TEXT_MAX] or type(problem).__name__}"
    return ""
