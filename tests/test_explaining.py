"""explaining: what is told of a tick is what was decided in it, and asking changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sniper.debugger_source import JournalSource
from sniper.debugger_walk import Walk
from sniper.explaining import Explanation, Why, distance, explain, lacking, leaning, why
from sniper.journal_reader import JournalReader
from sniper.trading import Approved, Reason
from tests.paper_run import run

EAGER = '{"enter_score":56.0,"leave_score":54.0,"full_score":60.0}'


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A session that enters a few times, and the ticks in which it did."""
    path = tmp_path_factory.mktemp("explained") / "j"
    engine, _ = run(40, markets=6, journal=path, strategy="sniper", options=EAGER)
    assert engine.desk is not None
    entries = [
        one.tick
        for one in engine.desk.decisions
        if isinstance(one.outcome, Approved) and one.outcome.intent.purpose == "entry"
    ]
    assert entries, "this session must enter"
    return path, entries


def walked(path: Path, differences: list[object]) -> Walk:
    return Walk(JournalSource(JournalReader(path)), differences.append)


def test_an_entry_is_explained_by_the_reasons_it_was_made_with(journal: tuple[Path, list[int]]) -> None:
    path, entries = journal
    differences: list[object] = []
    walk = walked(path, differences)
    for tick in entries[:3]:
        found = why(walk, tick)
        assert found.tick == tick and found.asked and found.strategy == "sniper"
        made = [
            one.outcome.intent
            for one in found.decided
            if isinstance(one.outcome, Approved) and one.outcome.intent.purpose == "entry"
        ]
        assert made
        for intent in made:
            told = next(one for one in found.markets if one.market == intent.market)
            assert told.side == (-1 if intent.side else 1)
            own = [one for one in told.strategy if not one.name.startswith(("part.", "exit."))]
            assert [one.name for one in own] == [one.name for one in intent.reasons]
            assert own == list(intent.reasons), "asked before it decided, not after"
            assert not [one for one in told.failed if one.name.startswith("gate.")]
    walk.goto(entries[-1] + 50)
    assert differences == [], "asking changed what was decided"


def test_a_miss_says_what_it_would_have_taken(journal: tuple[Path, list[int]]) -> None:
    path, entries = journal
    found = why(walked(path, []), entries[0] + 200)
    nearest = found.nearest
    assert nearest is not None and nearest.failed
    assert distance(nearest) == min(distance(one) for one in found.markets if one.failed)
    assert any(lacking(one) in nearest.taken for one in nearest.failed)
    for one in found.markets:
        score, before = one.score, one.alone[0]
        assert score is not None and before.name == "before_filters"
        cost = sum(each.found for each in one.of("cost").values())
        assert score.found == pytest.approx(before.found - cost)
        points = sum(each.found for each in one.of("points").values())
        assert before.found == pytest.approx(50.0 + points)
        assert not {reason.name for reason in one.passed} & {reason.name for reason in one.failed} - {
            "gate.spread"
        }


def test_only_the_markets_asked_for(journal: tuple[Path, list[int]]) -> None:
    path, entries = journal
    found = why(walked(path, []), entries[0], [1])
    assert [one.market for one in found.markets] == [1]


def test_ahead_of_all_markets_there_is_nothing_to_tell(journal: tuple[Path, list[int]]) -> None:
    found = why(walked(journal[0], []), 1)
    assert found.markets == () and found.decided == () and found.nearest is None


def test_what_is_not_there_is_refused(journal: tuple[Path, list[int]]) -> None:
    with pytest.raises(ValueError, match="no tick 1000000"):
        why(walked(journal[0], []), 1_000_000)


def test_the_words() -> None:
    score, filtered = Reason("gate.score", 61.0, 65.0, False), Reason("cost.volume", 9.0, 8.0, False)
    one = Explanation(0, "BTC-USD", 1, (score, filtered), ())
    assert one.taken == "score 61, needed 65; volume filter cost 9"
    near = Explanation(1, "ETH-USD", 1, (Reason("gate.score", 64.0, 65.0, False),), ())
    held = Explanation(2, "SOL-USD", 1, (Reason("gate.score", 70.0, 65.0, True),), ())
    assert held.taken == "" and held.score is not None
    inside = Explanation(3, "XRP-USD", 1, (Reason("gate.flat", 1.0, 0.0, False),), ())
    found = Why(1, 0, "sniper", True, (), (one, near, held, inside), 0)
    assert found.nearest is near and inside.failed and distance(inside) > distance(near)


def test_the_side_follows_from_points_and_weight() -> None:
    def reasons(score: float, weight: float, points: float) -> tuple[Reason, ...]:
        return (
            Reason("signal.a", score, 50.0, True),
            Reason("weight.a", weight, 0.0, True),
            Reason("points.a", points, 5.0, True),
        )

    assert leaning(reasons(60.0, 1.0, 2.0)) == 1
    assert leaning(reasons(60.0, 1.0, -2.0)) == -1
    assert leaning(reasons(40.0, 1.0, 2.0)) == -1
    assert leaning(reasons(60.0, -1.0, 2.0)) == -1
    assert leaning(()) == 0
    said = Reason("side", -1.0, 0.0, True)
    assert leaning((said, *reasons(60.0, 1.0, 2.0))) == -1, "its own word goes first"
    assert leaning((said._replace(found=1.0),)) == 1 and leaning((said._replace(found=0.0),)) == 0


@pytest.mark.parametrize("name", ["macd", "funding", "sniper"])
def test_strategies_say_which_side_they_look_at(name: str) -> None:
    engine, _ = run(30, markets=3, strategy=name)
    desk = engine.desk
    assert desk is not None
    found = [explain(desk, desk.strategy, desk.view, market) for market in range(3)]
    assert any(one.side and one.risk and one.sizing for one in found)
