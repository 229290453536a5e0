"""The settings of the decision half survive the journal's header."""

from __future__ import annotations

import msgspec

from sniper.desk_settings import DeskSettings
from sniper.reconciling import ReconcileSettings


def test_they_come_back_as_they_were_written() -> None:
    settings = DeskSettings(strategy="macd", reconcile=ReconcileSettings(every_ns=60_000_000_000))
    assert msgspec.json.decode(msgspec.json.encode(settings), type=DeskSettings) == settings


def test_nothing_is_asked_of_a_venue_whose_frames_are_complete() -> None:
    assert DeskSettings().reconcile.every_ns == 0
