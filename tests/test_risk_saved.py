"""risk_saved: states of older versions load."""

from __future__ import annotations

import msgspec

from sniper.risk_operator import Latch
from sniper.risk_saved import SavedRisk
from tests.risking import Scene


def test_a_state_without_the_newest_fields_loads() -> None:
    scene = Scene()
    scene.risk.operator("kill", "fat finger")
    scene.risk.operator("state", "stopped no room")
    whole = msgspec.msgpack.decode(scene.risk.save())
    newest = SavedRisk.__struct_fields__.index("state_stopped")
    assert whole[newest] is True and msgspec.msgpack.decode(scene.risk.save(), type=SavedRisk).state_stopped
    other = Scene()
    other.risk.load(scene.risk.save())
    assert other.risk.ordered.state_why == "no room"
    assert other.risk.save() == scene.risk.save()
    whys = SavedRisk.__struct_fields__.index("whys")
    other.risk.load(msgspec.msgpack.encode(whole[:whys]))
    assert other.risk.ordered.state_why == "no reason given" and not other.risk.ordered.journal_stopped
    paced = whole[SavedRisk.__struct_fields__.index("pace")]
    assert len(paced.pop()) == 2  # the height of the last command, and since when
    assessed = SavedRisk.__struct_fields__.index("assessment")
    assert whole[assessed].pop() is False  # whether prices leapt
    other.risk.load(msgspec.msgpack.encode(whole[:newest]))
    assert other.risk.latch == Latch("kill", "fat finger")
    assert msgspec.msgpack.decode(other.risk.save(), type=SavedRisk).state_stopped is False
