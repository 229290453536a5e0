"""types: the vocabulary agrees with the kernels' own."""

from __future__ import annotations

import re
from pathlib import Path

from sniper import types


def test_the_record_kinds_are_those_of_the_kernels() -> None:
    header = (Path(__file__).parent.parent / "_ext" / "event.pxd").read_text(encoding="utf-8")
    kinds = {name: int(value) for name, value in re.findall(r"(REC_\w+) = (\d+)", header)}
    assert kinds == {
        "REC_FRAME": types.REC_FRAME,
        "REC_REST": types.REC_REST,
        "REC_GAP": types.REC_GAP,
        "REC_LINK": types.REC_LINK,
        "REC_OPERATOR": types.REC_OPERATOR,
        "REC_VENUE": types.REC_VENUE,
    }
    assert [types.RECORD_NAMES[value] for value in kinds.values()] == [
        name.removeprefix("REC_").lower() for name in kinds
    ]


def test_commands_are_values() -> None:
    assert types.Watch(("A-USD",)) == types.Watch(("A-USD",))
    assert types.Resubscribe(0, "v4_orderbook", "A-USD", "crossed").cause == "crossed"
    assert types.Reconnect(1, "silent") != types.Reconnect(2, "silent")
