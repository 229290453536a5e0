"""Faults that are on: for how long, what they turn, what calls suffer."""

from __future__ import annotations

import pytest

from sniper.exchange import troubles as module
from sniper.exchange.faults import FAULTS, checked
from sniper.exchange.indexer.faults import Faults
from sniper.exchange.node.servicers import HANG, LATE, LOST, NOTHING, PASS, UNAVAILABLE
from sniper.exchange.troubles import Troubles

S = 1_000_000_000


def on(troubles: Troubles, fault: str, for_s: float = 0, now_ns: int = 0, **given: object) -> int:
    return troubles.start(fault, checked(fault, given), now_ns, round(for_s * S)).number


def test_they_end_when_their_time_is_over_or_by_hand() -> None:
    troubles = Troubles(1)
    assert troubles.due_ns() == 0
    first, second, third = on(troubles, "gap", 5), on(troubles, "html"), on(troubles, "reorder", 2)
    assert troubles.due_ns() == 2 * S
    assert not troubles.over(2 * S - 1)
    assert [one.number for one in troubles.over(2 * S)] == [third]
    assert troubles.due_ns() == 5 * S
    stopped = troubles.stop(second)
    assert stopped is not None and stopped.fault == "html"
    assert troubles.stop(second) is None
    assert [one.number for one in troubles.on] == [first]
    assert [one.number for one in troubles.named("gap")] == [first] and not troubles.named("html")


def test_the_indexers_knobs() -> None:
    troubles = Troubles(1)
    assert troubles.knobs() == {}
    on(troubles, "gap", share=0.1)
    on(troubles, "gap", share=0.3)
    on(troubles, "slow_reader", bytes_per_s=500)
    on(troubles, "slow_reader", bytes_per_s=900)
    on(troubles, "replica_lag", lag_s=1.5)
    on(troubles, "snapshot_late", late_s=2)
    on(troubles, "height_told", share=0.2, blocks=7)
    on(troubles, "silence", 3)
    assert troubles.knobs() == {
        "gap": 0.3,
        "slow_bytes_per_s": 500,
        "replica_lag_ns": 1_500_000_000,
        "snapshot_late": 1.0,
        "snapshot_late_ns": 2 * S,
        "height_jump": 0.2,
        "height_jump_blocks": 7,
        "silence_ns": 3 * S,
    }
    assert Faults()._replace(**troubles.knobs()).gap == 0.3


def test_every_fault_of_stream_and_rest_turns_a_knob_that_there_is() -> None:
    for name, fault in FAULTS.items():
        troubles = Troubles(1)
        if fault.lasts:
            on(troubles, name)
            knobs = troubles.knobs()
            assert bool(knobs) == (fault.side in ("stream", "rest")), name
            Faults()._replace(**knobs)


def test_a_silence_without_an_end_is_long() -> None:
    troubles = Troubles(1)
    on(troubles, "silence")
    assert troubles.knobs()["silence_ns"] == module.SILENCE_NS


@pytest.mark.parametrize(
    ("fault", "kind", "wait_s"),
    [
        ("unavailable", UNAVAILABLE, 0.0),
        ("hang", HANG, 30.0),
        ("answer_lost", LOST, 0.0),
        ("answer_hangs", LOST, 30.0),
        ("answer_late", LATE, 2.0),
    ],
)
def test_calls(fault: str, kind: str, wait_s: float) -> None:
    troubles = Troubles(1)
    assert troubles.treatment("BroadcastTx", 0) == NOTHING
    on(troubles, fault)
    assert troubles.treatment("BroadcastTx", 0) == (kind, wait_s)
    assert troubles.treatment("GetLatestBlock", 0).kind == PASS
    on(troubles, fault, methods=["*"])
    assert troubles.treatment("GetLatestBlock", 0).kind == kind
    assert troubles.struck[fault] == 2


def test_a_share_of_calls_the_same_for_one_seed() -> None:
    def struck(seed: int) -> list[bool]:
        troubles = Troubles(seed)
        on(troubles, "unavailable", share=0.3)
        return [troubles.treatment("BroadcastTx", 0).kind == UNAVAILABLE for _ in range(400)]

    assert struck(5) == struck(5) != struck(6)
    assert 80 < sum(struck(5)) < 160


def test_there_is_an_end_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACTIVE_MAX", 2)
    troubles = Troubles(1)
    on(troubles, "gap")
    on(troubles, "gap")
    with pytest.raises(ValueError, match="2 faults are on already"):
        on(troubles, "gap")
