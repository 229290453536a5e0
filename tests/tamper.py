"""Rewrites a journal with the mcap library, valid CRCs and all: for the canary that a replay must catch."""

from __future__ import annotations

from pathlib import Path

from mcap.records import Channel, Header, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer


def records(path: Path) -> list[McapRecord]:
    """All records of an MCAP file, those in its chunks too, as the library reads them."""
    with path.open("rb") as stream:
        return list(StreamReader(stream, validate_crcs=True).records)


def rewrite_frame(
    path_in: Path, path_out: Path, tick: int, new_bytes: bytes, chunk_bytes: int = 1 << 20
) -> None:
    """Copy a closed journal; the first frame of tick `tick` gets new bytes. KeyError when it has none."""
    channels: dict[int, int] = {}
    topics: dict[int, str] = {}
    number, found = -1, False
    with path_out.open("wb") as stream:
        writer = Writer(stream, chunk_size=chunk_bytes, compression=CompressionType.ZSTD)
        for record in records(path_in):
            if isinstance(record, Header):
                writer.start(record.profile, record.library)
            elif isinstance(record, Schema) and not channels:
                writer.register_schema(record.name, record.encoding, record.data)
            elif isinstance(record, Channel) and record.id not in channels:
                channels[record.id] = writer.register_channel(
                    record.topic, record.message_encoding, record.schema_id
                )
                topics[record.id] = record.topic
            elif isinstance(record, Metadata):
                writer.flush()  # what was before it stays before it
                writer.add_metadata(record.name, record.metadata)
            elif isinstance(record, Message):
                data = record.data
                if topics[record.channel_id] == "/tick":
                    number = int.from_bytes(data[:8], "little")
                elif number == tick and not found and topics[record.channel_id].startswith("/frame/"):
                    data, found = new_bytes, True
                writer.add_message(
                    channels[record.channel_id], record.log_time, data, record.publish_time, record.sequence
                )
        writer.finish()
    if not found:
        raise KeyError(f"tick {tick} has no frame")
