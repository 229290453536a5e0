"""One journal file being written: MCAP records appended to a file descriptor. No thread, no clock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import zstandard
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Statistics,
    SummaryOffset,
)

from sniper._ext.chunk import index_messages
from sniper.journal_format import MAGIC, SCHEMAS, encode

_CHUNK_HEAD = struct.Struct("<BQQQQII4sQ")
"""Opcode, length, first and last log_time, uncompressed size, CRC, length of "zstd", "zstd", data length."""
PACK_BYTES: Final = 1 << 16


class JournalFile:
    """Appends chunks to a new file. Every method may raise OSError; after that only `abandon` is of use.

    path must not exist. The beginning of the file (magic, header, metadata, schemas) is written to
    `<path>.part` and renamed, so that a file with the final name can always be opened. The file is locked
    (flock) as long as it is open, so that the retention of another process leaves it alone.
    level: of zstd.
    """

    def __init__(self, path: Path, header: Header, metadata: Metadata, level: int = 1) -> None:
        self.path = path
        self.chunks = 0
        self.size = 0
        """Bytes that are written and whole."""
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._chunk_indexes = bytearray()
        # Those of long ago, compressed: they are needed at the end of the file only.
        self._packed: list[bytes] = []
        self._metadata_indexes: list[bytes] = []
        self._counts: dict[int, int] = {}
        self._first_ns: int | None = None
        self._last_ns = 0
        part = path.with_name(path.name + ".part")
        self._fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if path.exists():  # asked for under the lock: a rename would replace it
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
                os.ftruncate(self._fd, 0)
                self._append(MAGIC + encode(header))
                self.metadata(metadata)
                self._append(encode(*SCHEMAS))
                os.rename(part, path)
            except OSError:
                part.unlink()
                raise
        except OSError:
            os.close(self._fd)
            raise

    def metadata(self, record: Metadata) -> None:
        """Append a Metadata record."""
        data = encode(record)
        index = MetadataIndex(offset=self.size, length=len(data), name=record.name)
        self._append(data)
        self._metadata_indexes.append(encode(index))

    def chunk(self, data: bytes | memoryview) -> None:
        """Compress whole MCAP records into a chunk and append it with its message index."""
        size = memoryview(data).nbytes
        first_ns, last_ns, indexes, channels = index_messages(data)
        crc = zlib.crc32(data)
        compressed = self._compressor.compress(data)
        length = _CHUNK_HEAD.size + len(compressed)
        head = _CHUNK_HEAD.pack(
            Opcode.CHUNK, length - 9, _u64(first_ns), _u64(last_ns), size, crc, 4, b"zstd", len(compressed)
        )
        at = self.size
        self._append(head, compressed, indexes)
        self.chunks += 1
        for channel, count, _ in channels:
            self._counts[channel] = self._counts.get(channel, 0) + count
        if channels:
            self._first_ns = first_ns if self._first_ns is None else min(self._first_ns, first_ns)
            self._last_ns = max(self._last_ns, last_ns)
        index = ChunkIndex(
            chunk_length=length,
            chunk_start_offset=at,
            compression="zstd",
            compressed_size=len(compressed),
            message_end_time=_u64(last_ns),
            message_index_length=len(indexes),
            message_index_offsets={channel: at + length + offset for channel, _, offset in channels},
            message_start_time=_u64(first_ns),
            uncompressed_size=size,
        )
        self._chunk_indexes += encode(index)
        if len(self._chunk_indexes) >= PACK_BYTES:
            self._packed.append(self._compressor.compress(self._chunk_indexes))
            self._chunk_indexes = bytearray()

    def finish(self, channels: Iterable[Channel]) -> None:
        """Write the summary (channels: all that the chunks use). `close` is to follow."""
        used = [channel for channel in channels if channel.id in self._counts]
        data_end = encode(DataEnd(data_section_crc=0))
        start = self.size + len(data_end)
        statistics = Statistics(
            attachment_count=0,
            channel_count=len(used),
            channel_message_counts=self._counts,
            chunk_count=self.chunks,
            message_count=sum(self._counts.values()),
            message_end_time=_u64(self._last_ns),
            message_start_time=_u64(self._first_ns or 0),
            metadata_count=len(self._metadata_indexes),
            schema_count=len(SCHEMAS),
        )
        unpack = zstandard.ZstdDecompressor().decompress
        groups = (
            (Opcode.SCHEMA, encode(*SCHEMAS)),
            (Opcode.CHANNEL, encode(*used)),
            (Opcode.STATISTICS, encode(statistics)),
            (Opcode.CHUNK_INDEX, b"".join((*map(unpack, self._packed), self._chunk_indexes))),
            (Opcode.METADATA_INDEX, b"".join(self._metadata_indexes)),
        )
        summary, offsets = b"", list[McapRecord]()
        for opcode, data in groups:
            if data:
                group = SummaryOffset(
                    group_opcode=opcode, group_start=start + len(summary), group_length=len(data)
                )
                offsets.append(group)
                summary += data
        offset_start = start + len(summary)
        summary += encode(*offsets)
        crc = zlib.crc32(struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offset_start), zlib.crc32(summary))
        footer = Footer(summary_start=start, summary_offset_start=offset_start, summary_crc=crc)
        self._append(data_end + summary + encode(footer) + MAGIC)

    @property
    def last_ns(self) -> int:
        """The time of the last message."""
        return self._last_ns

    def sync(self) -> Callable[[], None]:
        """Gives a function that has what was appended so far on the disk. It can take seconds, and may run in any
        thread, also after this file was closed; call it once."""
        fd = os.dup(self._fd)

        def carry_out() -> None:
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)

        return carry_out

    def close(self) -> None:
        """Have the file on the disk and close it. This can take seconds."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)

    def abandon(self, channels: Iterable[Channel], last: Metadata) -> None:
        """After an OSError: cut the file back to its last whole record, append `last` and finish it if that is
        possible, close it. A file without any chunk is removed: it would say nothing."""
        with contextlib.suppress(OSError):
            if not self.chunks:
                self.path.unlink()
            else:
                self._cut_back()
                try:
                    self.metadata(last)
                    self.finish(channels)
                except OSError:
                    self._cut_back()
        with contextlib.suppress(OSError):
            self.close()

    def _cut_back(self) -> None:
        """To the last whole record."""
        os.ftruncate(self._fd, self.size)
        os.lseek(self._fd, self.size, os.SEEK_SET)

    def _append(self, *parts: bytes) -> None:
        """Write these behind each other; they count once all of them are written."""
        left = [memoryview(part) for part in parts if part]
        while left:
            written = os.writev(self._fd, left)
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left:
                left[0] = left[0][written:]
        self.size += sum(map(len, parts))


def _u64(time_ns: int) -> int:
    """A time as MCAP holds it. Times before 1970 do not occur; if they do, they come back as they were."""
    return time_ns & 0xFFFFFFFFFFFFFFFF
