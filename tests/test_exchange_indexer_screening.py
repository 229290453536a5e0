"""Compliance: judgements, both endpoints, and the limit on first screenings."""

from __future__ import annotations

import pytest

from sniper.exchange.indexer.screening import Screening
from tests.exchange_chain import SECOND_NS, START_NS, US
from tests.exchange_indexing import NOW, Desk


def test_everybody_is_compliant_until_judged() -> None:
    desk = Desk()
    assert desk.ok("/v4/screen", address=US) == {"restricted": False}
    assert desk.ok(f"/v4/compliance/screen/{US}") == {"status": "COMPLIANT"}
    desk.indexer.screening.judge(US, "CLOSE_ONLY", "US_GEO", START_NS)
    assert desk.ok("/v4/screen", address=US) == {"restricted": False}
    assert desk.ok(f"/v4/compliance/screen/{US}") == {
        "status": "CLOSE_ONLY",
        "reason": "US_GEO",
        "updatedAt": "2025-12-08T16:00:00.000Z",
    }
    desk.indexer.screening.judge(US, "BLOCKED", "MANUAL")
    assert desk.ok("/v4/screen", address=US) == {"restricted": True, "reason": "MANUAL"}
    assert desk.rest("/v4/screen")[0] == 400


def test_a_judgement_has_a_known_name() -> None:
    screening = Screening()
    with pytest.raises(ValueError, match="'GUILTY' is none of COMPLIANT"):
        screening.judge(US, "GUILTY")
    assert screening.refusal(US) is None and screening.refusal(None) is None


def test_first_screenings_are_rare_and_later_ones_free() -> None:
    desk = Desk(settings=NOW._replace(limits=True))
    for address in ("a", "b"):
        assert desk.rest("/v4/screen", address=address)[0] == 200
    assert desk.rest("/v4/screen", address="c")[0] == 429
    assert desk.rest("/v4/compliance/screen/a")[0] == 200
    assert desk.rest("/v4/screen", client="other", address="c")[0] == 200
    desk.wait(61 * SECOND_NS)
    assert desk.rest("/v4/screen", address="d")[0] == 200
    found = [desk.rest("/v4/screen", client=f"c{i}", address=f"x{i}")[0] for i in range(105)]
    assert found.count(429) == 6
