"""The format: what the writer and the reader agree on is what docs/journal.md says."""

from __future__ import annotations

from pathlib import Path

from mcap.records import Channel, Message
from mcap.records import Chunk as ChunkRecord
from mcap.stream_reader import breakup_chunk

from sniper import journal_format as form
from sniper.types import RECORD_NAMES

DOCUMENT = (Path(__file__).parents[1] / "docs" / "journal.md").read_text()


def test_every_topic_has_a_schema_and_a_line_in_the_document() -> None:
    names = {schema.id: schema.name for schema in form.SCHEMAS}
    assert sorted(names) == list(range(1, len(form.SCHEMAS) + 1))
    for topic in ("/tick", "/done", "/snapshot", *(f"/{name}/3" for name in RECORD_NAMES)):
        channel = form.channel(7, topic)
        assert names[channel.schema_id] == "sniper." + topic.split("/")[1]
        assert channel.message_encoding == ("json" if topic == "/frame/3" else "sniper/1")
        assert f"`{topic.replace('/3', '/<connection>')}`" in DOCUMENT, topic


def test_the_document_names_the_version_and_the_metadata() -> None:
    for word in (form.JOURNAL_VERSION, form.META_FILE, form.META_GAP, form.META_SNAPSHOT, form.ENCODING):
        assert f"`{word}`" in DOCUMENT


def test_topics_of_records() -> None:
    assert form.record_topic(0, 0) == "/frame/0"
    assert form.record_topic(4, 12) == "/operator/12"


def test_a_part_of_a_snapshot_is_a_chunk_of_its_own() -> None:
    data = form.snapshot_chunk(9, -5, 1, 3, memoryview(b"state"))
    channel, message = breakup_chunk(
        ChunkRecord(
            compression="",
            data=data,
            message_end_time=0,
            message_start_time=0,
            uncompressed_crc=0,
            uncompressed_size=len(data),
        )
    )
    assert isinstance(channel, Channel) and channel.topic == "/snapshot"
    assert isinstance(message, Message) and message.channel_id == channel.id
    assert form.SNAPSHOT_HEAD.unpack_from(message.data) == (9, 1, 3)
    assert message.data[form.SNAPSHOT_HEAD.size :] == b"state"
    assert message.log_time == (1 << 64) - 5
