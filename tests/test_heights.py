"""heights: a single false one changes nothing, a real leap is believed as soon as somebody else agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.heights import NEVER, READINGS_MIN, Heights, HeightSettings

SECOND = 10**9
ON = HeightSettings(on=True)


class Scene:
    """Heights at 1000 that are looked at once a second. It stands for notices, account and words at once."""

    def __init__(self, settings: HeightSettings = ON) -> None:
        self.said: list[str] = []
        self.heights = Heights(settings, self.said.append)
        self.now_ns = 0
        self.height, self.leap, self.node_height = 1000, 0, 0
        self.look()

    def look(self, told: int = 0, node: int = 0, seconds: float = 1.0) -> int:
        """A height that is told, taken or not as the kernel does. Returns the believed one."""
        self.now_ns += round(seconds * SECOND)
        self.leap, self.node_height = 0, node
        if told > self.heights.ceiling(self.now_ns):
            self.leap = told
        else:
            self.height = max(self.height, told)
        self.heights.look(self.now_ns, self, self, self, 0)
        assert self.node_height == 0
        return self.heights.height

    def believe(self, height: int, now_ns: int) -> None:
        self.height = height


def test_a_single_false_height() -> None:
    scene = Scene()
    assert scene.look(1001) == 1001
    assert scene.look(1200) == 1001 and scene.height == 1001
    assert scene.look(1003) == 1003
    assert scene.heights.leaps == 1
    assert scene.said == [
        "height 1200 is not believed yet: 199 above the last one",
        "height 1200 was false: the chain is at 1003",
    ]


def test_what_block_time_allows_is_believed_at_once() -> None:
    scene = Scene()
    assert scene.look(1024) == 1024, "20 of slack, and four in a second"
    assert scene.look(1049) == 1024
    assert scene.look(1264, seconds=59.0) == 1264, "a silence of a minute"
    assert Scene(HeightSettings()).heights.ceiling(5) == Heights(ON, print).ceiling(5) == NEVER


def test_a_leap_is_believed_with_the_node() -> None:
    scene = Scene()
    assert scene.look(1500) == 1000
    assert scene.look(1502, node=1490) == 1502
    assert scene.said[-1] == "height 1502 is believed: the node is at 1490"
    assert scene.look(1503) == 1503 and scene.heights.leaps == 2
    early = Scene()
    assert early.look(node=1500) == 1000 and early.look(1501) == 1501, "whoever comes first"


def test_the_node_s_word_counts_for_a_like_height_only() -> None:
    scene = Scene()
    scene.look(1500)
    assert scene.look(node=1400) == 1000
    assert scene.look(node=1002) == 1000, "the node knows nothing of it"
    assert scene.look(1503, node=1003) == 1000


def test_what_the_indexer_says_for_long_is_believed_if_nobody_denies_it() -> None:
    for denied in (False, True):
        scene = Scene()
        for second in range(30):
            assert scene.look(1500 + second) == 1000
            if denied and second == 20:
                scene.look(node=1020, seconds=0.0)
        assert scene.look(1530) == (1000 if denied else 1530)
    slow = Scene()
    slow.look(1500)
    slow.now_ns += 30 * SECOND
    assert slow.look(5000, seconds=1.0) == 1000, f"it takes {READINGS_MIN} heights"


def test_an_earlier_session_s_height_is_where_it_begins() -> None:
    scene = Scene()
    scene.heights = Heights(ON, scene.said.append)
    scene.height = 0
    scene.heights.look(scene.now_ns, scene, scene, scene, 700)
    assert scene.heights.height == 700 and scene.look(900) == 700


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.floats(0.0, 40.0)), max_size=30))
def test_it_saves_and_loads_and_never_goes_back(steps: list[tuple[int, int, float]]) -> None:
    scene, other = Scene(), Scene()
    last = 1000
    for told, node, seconds in steps:
        other.heights.load(scene.heights.save())
        other.now_ns, other.height = scene.now_ns, scene.height
        found = scene.look(told, node, seconds)
        assert other.look(told, node, seconds) == found >= last
        assert other.heights.save() == scene.heights.save()
        last = found
    with pytest.raises(ValueError, match="heights"):
        scene.heights.load(b"x")
