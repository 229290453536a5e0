"""What a journal's header says of the engine that wrote it, so that a replay builds the same one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sniper.bounds import checked
from sniper.engine import Settings
from sniper.errors import JournalError
from sniper.named import from_plain, to_plain

SETTINGS = "settings"


def header(settings: Settings, config: str, seed: int) -> dict[str, str]:
    """Texts for a journal's header. config: the whole config as JSON, for people; settings: for replays."""
    return {
        SETTINGS: msgspec.json.encode(to_plain(settings)).decode(),
        "config": config,
        "seed": str(seed),
    }


def settings(header: Mapping[str, str], path: object = "the journal") -> Settings:
    """The engine's settings by a journal's header. JournalError where it has none that this version knows."""
    text = header.get(SETTINGS)
    if text is None:
        raise JournalError(
            f"{path} does not say how its engine was set", "Replay a journal that 'sniper run' wrote."
        )
    wrote = header.get("sniper", "of an unknown version")
    unknown = JournalError(
        f"{path} was written by sniper {wrote} with settings that this version does not know: {text[:200]}",
        "Replay it with the version that wrote it.",
    )
    try:
        found: Settings = from_plain(Settings, msgspec.json.decode(text))
        checked(found)
    except (msgspec.DecodeError, ValueError):
        raise unknown from None
    return found
