"""What the feed itself must know of a message: is it an answer to a subscription?

Nearly every message is data and begins as the Indexer writes it, so one comparison tells. The others are
read by msgspec, which takes the few fields that matter in any order and skips the rest. The engine's
decoder reads every message on its own: nothing here judges or changes the bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec

DATA_PREFIX: Final = b'{"type":"channel_'


class Control(msgspec.Struct):
    """The fields of a control message that pacing needs. "": not there."""

    type: str = ""
    channel: str = ""
    id: str = ""
    message: str = ""


_decode: Final = msgspec.json.Decoder(Control).decode


def sniff(data: bytes) -> Control | None:
    """The control message in these bytes. None for data messages and for what is not such a JSON object."""
    if data.startswith(DATA_PREFIX):
        return None
    try:
        control = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if control.type.startswith("channel_") else control
