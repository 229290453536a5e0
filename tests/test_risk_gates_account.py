"""risk_gates_account: what keeps the account from opening anything, up to its limit and no further."""

from __future__ import annotations

from typing import Any

import pytest

from sniper.risk_gates_account import ACCOUNT_GATES
from sniper.risk_settings import GateSettings, RiskSettings
from sniper.trading import Intent, Withdraw
from tests.risking import BTC, ETH, MARKETS, Scene


def settings(**fields: Any) -> RiskSettings:
    return RiskSettings(gates=GateSettings(**fields))


def refused(scene: Scene, intent: Intent) -> str:
    """The gate that refuses an intent, "" for none."""
    found = scene.verdict(intent)
    return found[0] if found else ""


@pytest.mark.parametrize("verb", ["pause", "reduce", "kill"])
def test_operator(verb: str) -> None:
    scene = Scene()
    assert scene.risk.operator(verb, "because") == ""
    assert refused(scene, scene.entry()) == "operator"
    scene.risk.operator("resume", "all is well")
    assert refused(scene, scene.entry()) == ""


def test_ladder() -> None:
    scene = Scene()
    scene.hold(BTC, 1000)
    scene.settle(distance_sigmas=7.9)
    scene.risk._rungs.rung = 1
    assert refused(scene, scene.entry()) == "ladder"


def test_journal() -> None:
    for required, gate in ((True, "journal"), (False, "")):
        scene = Scene(settings(journal_required=required))
        scene.risk.operator("journal", "stopped disk full")
        assert refused(scene, scene.entry()) == gate
        scene.risk.operator("journal", "writing")
        assert refused(scene, scene.entry()) == ""


def test_state() -> None:
    scene = Scene()
    scene.risk.operator("state", "stopped disk full")
    assert refused(scene, scene.entry()) == "state"
    scene.risk.operator("state", "writing")
    assert refused(scene, scene.entry()) == ""


def test_computable() -> None:
    scene = Scene()
    scene.settle(computable=False)
    assert refused(scene, scene.entry()) == "computable"
    scene.settle(net=0)
    assert refused(scene, scene.entry()) == "computable"


@pytest.mark.parametrize(
    ("facts", "gate"),
    [({"day_realised": -309_278_350}, ""), ({"day_realised": -309_278_400}, "daily_loss"),
     ({"peak_net": 11_111_111_111}, ""), ({"peak_net": 11_111_200_000}, "drawdown"),
     ({"losses_in_row": 5}, ""), ({"losses_in_row": 6}, "loss_streak")],
)  # fmt: skip
def test_results(facts: dict[str, int], gate: str) -> None:
    scene = Scene()
    scene.settle(**facts)
    scene.risk.ladder(scene.view)
    assert refused(scene, scene.entry()) == gate


def test_a_streak_of_losses_pauses_and_the_next_loss_pauses_anew() -> None:
    scene = Scene()
    for losses in (6, 7):
        scene.settle(losses_in_row=losses)
        scene.risk.ladder(scene.view)
        scene.later(1799)
        scene.settle(losses_in_row=losses)
        assert refused(scene, scene.entry()) == "loss_streak"
        scene.later(1)
        assert refused(scene, scene.entry(usd=50)) == ""


def test_a_market_without_margin_terms_is_no_fault_of_the_account() -> None:
    bare = {"C-USD": {k: v for k, v in MARKETS["BTC-USD"].items() if k != "initialMarginFraction"}}
    scene = Scene(markets=MARKETS | bare)
    assert refused(scene, scene.entry()) == "" and refused(scene, scene.entry(2)) == "terms"


def test_they_bar_entries_alone_and_all_of_them_at_once() -> None:
    """Exits and withdrawals of the same tick go through; every entry is refused with the same words."""
    scene = Scene()
    scene.hold(BTC, 100)
    scene.send(scene.entry(ETH, usd=100))
    (claim,) = scene.orders.claims()
    scene.settle(losses_in_row=6)
    scene.risk.ladder(scene.view)
    wanted = [scene.entry(), scene.leave(), Withdraw(claim.client_id, "test"), scene.entry(ETH, 1)]
    approved, barred, withdrawn = scene.risk.check(scene.view, wanted)
    assert [one.intent.purpose for one in approved] == ["exit"]
    assert [one.client_id for one in withdrawn] == [claim.client_id]
    assert [(one.gate, one.intent.market) for one in barred] == [("loss_streak", BTC), ("loss_streak", ETH)]
    assert len({one.text for one in barred}) == 1
    told = scene.risk.explain(scene.view, scene.entry())
    assert [one.name for one in told[: len(ACCOUNT_GATES)]] == [gate.name for gate in ACCOUNT_GATES]
    assert next(one.name for one in told if not one.passed) == "loss_streak"
    assert not {gate.name for gate in ACCOUNT_GATES} & {
        one.name for one in scene.risk.explain(scene.view, scene.leave())
    }


def test_an_entry_is_barred_whatever_stands_behind_it() -> None:
    scene = Scene()
    scene.settle(losses_in_row=6)
    scene.risk.ladder(scene.view)
    wanted = [scene.entry(), scene.entry(ETH)._replace(purpose="gamble")]
    approved, refused_, _ = scene.risk.check(scene.view, wanted)
    assert not approved and [one.gate for one in refused_] == ["loss_streak", "form"]
