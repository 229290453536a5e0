"""desk_margin: the margin kernel holds what the account says, and the facts of the account are the kernel's."""

from __future__ import annotations

import pytest

from sniper.desk import Desk
from sniper.desk_margin import NOBODY, Reckoning
from tests import paper_run


@pytest.fixture(scope="module")
def desk() -> Desk:
    found = paper_run.run(90.0, markets=8)[0].desk
    assert found is not None and found.account.positions
    return found


def reckoning(desk: Desk) -> Reckoning:
    return Reckoning(
        desk.margin, desk.account, desk.standing, desk.trips, desk.view, desk._counters
    )  # what the desk makes of it


def test_the_kernel_holds_what_the_account_says(desk: Desk) -> None:
    row = desk.margin.accounts[0]
    held = desk.margin.positions[0][: int(row["positions"])]
    assert int(row["usdc"]) == desk.account.usdc[0]
    assert dict(zip(held["market"].tolist(), held["size"].tolist(), strict=True)) == {
        market: position.size_quantums for market, position in desk.account.positions.items()
    }


def test_the_facts_are_those_of_the_kernel(desk: Desk) -> None:
    facts, row = desk.view.account, desk.margin.accounts[0]
    assert facts != NOBODY and facts.computable and facts.height == desk.account.height
    assert (facts.net, facts.initial, facts.maintenance, facts.free) == tuple(
        int(row[name]) for name in ("net", "initial", "maintenance", "free")
    )
    assert facts.peak_net == desk.standing.peak and facts.day_realised == desk.standing.day_result
    assert dict(desk.view.positions) == desk.account.positions


def test_what_was_told_is_kept_and_closed_positions_leave_the_kernel(desk: Desk) -> None:
    first, other = reckoning(desk), reckoning(desk)
    first._take_over()
    other.load(first.save())
    assert (
        other.save()
        == first.save()
        == [(0, [(m, p.size_quantums) for m, p in desk.account.positions.items()])]
    )
    kept = dict(desk.account.positions)
    try:
        desk.account.positions.clear()
        other._take_over()
        assert int(desk.margin.accounts[0]["positions"]) == 0 and other.save() == [(0, [])]
    finally:
        desk.account.positions.update(kept)
        other._take_over()
    assert int(desk.margin.accounts[0]["positions"]) == len(kept)
