"""What a journal file looks like: topics, schemas, metadata and bounds. In words: docs/journal.md.

A journal is an MCAP file (https://mcap.dev/spec): every tool for that format opens it. This module holds what
the writer and the reader must agree on.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from mcap.data_stream import RecordBuilder
from mcap.records import Channel, McapRecord, Metadata, Schema

from sniper._ext.chunk import DONE_CHANNEL, SNAPSHOT_CHANNEL, TICK_CHANNEL
from sniper.types import RECORD_NAMES, Record

JOURNAL_VERSION: Final = "sniper.journal/1"
ENCODING: Final = "sniper/1"
MAGIC: Final = b"\x89MCAP0\r\n"

META_FILE: Final = "sniper"
META_GAP: Final = "sniper.gap"
META_SNAPSHOT: Final = "sniper.snapshot"

CHUNK_BYTES_MAX: Final = 64 << 20
"""No chunk holds more, compressed or not: what claims more is damaged or malicious."""

SNAPSHOT_HEAD: Final = struct.Struct("<QII")
"""Head of a /snapshot message: number of the tick, index of this part, number of parts."""

SNAPSHOT_PART_BYTES: Final = 1 << 20

FIRST_RECORD_CHANNEL: Final = SNAPSHOT_CHANNEL + 1


class Tick(NamedTuple):
    """One turn of the loop as it was journalled. commands and digests are None where it has no `done`."""

    number: int
    now_ns: int
    records: list[Record]
    commands: bytes | None
    digests: bytes | None


class Gap(NamedTuple):
    """Ticks that the journal does not hold because writing had stopped: first to last, and why.

    last_tick None: writing never went on, and how many ticks followed is not known.
    """

    first_tick: int
    last_tick: int | None
    now_ns: int
    cause: str

    @property
    def ticks(self) -> str:
        """Which ticks, in words."""
        return (
            f"{self.first_tick} to {self.last_tick}"
            if self.last_tick is not None
            else f"from {self.first_tick} on"
        )

    def record(self) -> Metadata:
        """As it stands in a file."""
        said = {key: str(value) for key, value in self._asdict().items() if value is not None}
        return Metadata(META_GAP, said)


_TEXTS: Final = {
    "sniper.tick": "u64 number, i64 now_ns, u32 records: the next `records` messages on the record channels "
    "(/frame /rest /gap /link /operator) are what this tick took, in order. Little-endian.",
    "sniper.done": "u64 number, u8 stages, 16 bytes of digest a stage, commands (JSON). Little-endian.",
    "sniper.snapshot": "u64 number, u32 part, u32 parts, then a part of the engine's state after tick "
    "`number`. Little-endian.",
    "sniper.rest": "A line `<endpoint> <status> <query>`, then the body of the answer.",
    "sniper.gap": "`<records> <bytes>`: lost by a full inbox before this place.",
    "sniper.link": "`<state> <code> <text>`: what the feed says of the connection.",
    "sniper.operator": "`<verb> <text>`: a command of the operator.",
    "sniper.venue": "`<verb> <client id> <code> <text>`: the answer of a venue to a command.",
}

SCHEMAS: Final = tuple(
    [Schema(id=1, name="sniper.frame", encoding="jsonschema", data=b'{"type":"object"}')]
    + [
        Schema(id=i, name=name, encoding="text/plain", data=text.encode())
        for i, (name, text) in enumerate(_TEXTS.items(), 2)
    ]
)
_SCHEMA_IDS: Final = {schema.name: schema.id for schema in SCHEMAS}


def channel(id_: int, topic: str) -> Channel:
    """The Channel record of a topic: its schema is that of the first word of the topic."""
    name = topic.split("/")[1]
    return Channel(
        id=id_,
        topic=topic,
        message_encoding="json" if name == "frame" else ENCODING,
        metadata={},
        schema_id=_SCHEMA_IDS[f"sniper.{name}"],
    )


def record_topic(kind: int, connection: int) -> str:
    """The topic of the records of one kind and connection."""
    return f"/{RECORD_NAMES[kind]}/{connection}"


FIXED_CHANNELS: Final = (
    channel(TICK_CHANNEL, "/tick"),
    channel(DONE_CHANNEL, "/done"),
    channel(SNAPSHOT_CHANNEL, "/snapshot"),
)


def encode(*records: McapRecord) -> bytes:
    """The bytes of MCAP records, one after the other."""
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    data: bytes = builder.end()  # type: ignore[no-untyped-call]
    return data


def snapshot_chunk(number: int, now_ns: int, part: int, parts: int, state: memoryview) -> bytes:
    """The uncompressed chunk that holds one part of a snapshot: the channel and one message."""
    head = struct.pack(
        "<BQHIQQ",
        0x05,
        22 + SNAPSHOT_HEAD.size + len(state),
        SNAPSHOT_CHANNEL,
        part,
        now_ns & 0xFFFFFFFFFFFFFFFF,
        now_ns & 0xFFFFFFFFFFFFFFFF,
    )
    return b"".join((encode(FIXED_CHANNELS[2]), head, SNAPSHOT_HEAD.pack(number, part, parts), state))
