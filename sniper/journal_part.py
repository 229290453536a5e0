"""One journal file, opened for reading: what its records say, and its chunks one by one, checked.

Nothing a file claims is believed before it is compared with a bound: a journal may be cut, damaged, of
another program or made to harm. A file that was not closed (the writer was killed) may end anywhere; what is
whole is read, the rest is reported as torn. Damage anywhere else is an error that names the byte.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Statistics

from sniper.errors import JournalError, PermissionProblem
from sniper.journal_format import (
    CHUNK_BYTES_MAX,
    JOURNAL_VERSION,
    MAGIC,
    META_FILE,
    META_GAP,
    META_SNAPSHOT,
    SNAPSHOT_HEAD,
    Gap,
)

_RECORD: Final = struct.Struct("<BQ")
_CHUNK: Final = struct.Struct("<QQQII")  # first and last log_time, size, CRC, length of the codec
_MESSAGE: Final = struct.Struct("<HIQQ")
_BLOCK_BYTES: Final = 1 << 16
_RECORD_BYTES_MAX: Final = CHUNK_BYTES_MAX + (1 << 20)
_PARTS_MAX: Final = 1 << 16
_STATE_BYTES_MAX: Final = 1 << 30
ADVICE: Final = "Name a journal that sniper run wrote, or a folder with journals."


class NotOurs(JournalError):
    """No journal at all, or one of another version: a folder may hold such files next to ours."""


class Marked(NamedTuple):
    """A snapshot: the state after tick `number`, in `parts` messages from chunk `chunk` on."""

    number: int
    now_ns: int
    bytes: int
    parts: int
    chunk: int


class JournalPart:
    """The records of one file. JournalError or PermissionProblem when it cannot be read as a journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: dict[str, str] = {}
        self.chunks = array("q")
        """The position of each chunk's record in the file."""
        self.lengths = array("q")
        """The length of each chunk's record, its first nine bytes not counted."""
        self.channels: dict[int, str] = {}
        """Topics declared outside the chunks (in the summary)."""
        self.snapshots: list[Marked] = []
        self.gaps: list[Gap] = []
        self.torn: str | None = None
        self.first_ns = self.last_ns = 0
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except PermissionError as problem:
            raise PermissionProblem(
                f"{path} may not be read", f"Allow it with 'chmod u+r {path}'."
            ) from problem
        except OSError as problem:
            raise JournalError(f"{path} cannot be opened: {problem.strerror}", "Check the name.") from problem
        try:
            about = os.fstat(self._fd)
            if not stat.S_ISREG(about.st_mode):
                raise NotOurs(f"{path} is no file, so it is no journal", ADVICE)
            self.size = about.st_size
            self._scan()
        except BaseException:
            os.close(self._fd)
            raise

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def load(self, index: int) -> bytes:
        """The bytes of a chunk, decompressed and compared with their CRC."""
        at, length = self.chunks[index], self.lengths[index]
        record = self._read(at + _RECORD.size, length)
        if len(record) != length or length < _CHUNK.size + 8:
            raise self._damaged(at, "a chunk without a head")
        _, _, size, crc, codec_length = _CHUNK.unpack_from(record)
        begin = _CHUNK.size + codec_length + 8
        if begin > len(record) or size > CHUNK_BYTES_MAX:
            raise self._damaged(at, f"a chunk that claims {size} bytes")
        codec = record[_CHUNK.size : begin - 8]
        if len(record) - begin != int.from_bytes(record[begin - 8 : begin], "little"):
            raise self._damaged(at, "a chunk of another length than it says")
        data = self._decompress(at, codec, memoryview(record)[begin:], size)
        if crc and zlib.crc32(data) != crc:
            raise self._damaged(at, "a chunk whose CRC differs")
        return data

    def state(self, mark: Marked) -> bytes:
        """The bytes of a snapshot."""
        pieces: list[bytes] = []
        size = 0
        topics = dict(self.channels)
        for index in range(mark.chunk, len(self.chunks)):
            try:
                for number, part, parts, piece in _snapshots(self.load(index), topics):
                    if (number, part, parts) != (mark.number, len(pieces), mark.parts):
                        raise ValueError(f"part {part} of {parts} of the snapshot of tick {number}")
                    pieces.append(piece)
                    size += len(piece)
                    if size > mark.bytes:
                        raise ValueError(f"a snapshot of more than {mark.bytes} bytes")
                    if len(pieces) == mark.parts:
                        break
            except (ValueError, struct.error, McapError) as problem:
                raise self._damaged(
                    self.chunks[index], f"not the snapshot of tick {mark.number}"
                ) from problem
            if len(pieces) == mark.parts:
                break
        if len(pieces) != mark.parts or size != mark.bytes:
            raise self._damaged(self.size, f"an incomplete snapshot of tick {mark.number}")
        return b"".join(pieces)

    def _scan(self) -> None:
        """Read what the records outside the chunks say and where the chunks are."""
        magic = self._read(0, len(MAGIC))
        if magic != MAGIC:
            what = "is empty" if not magic else "is not an MCAP file"
            raise NotOurs(f"{self.path} {what}, so it is no journal", ADVICE)
        closed = self.size > len(MAGIC) and self._read(self.size - len(MAGIC), len(MAGIC)) == MAGIC
        at, block_at, block, seen = len(MAGIC), 0, b"", set[int]()
        while at + _RECORD.size <= self.size and Opcode.FOOTER not in seen:
            if at + _RECORD.size > block_at + len(block) or at < block_at:
                block_at, block = at, self._read(at, _BLOCK_BYTES)
            opcode, length = _RECORD.unpack_from(block, at - block_at)
            if opcode == 0:
                break  # a tail of zeros: the system died before the disk had the data
            if length > _RECORD_BYTES_MAX:
                raise self._damaged(at, f"a record that claims {length} bytes")
            if at + _RECORD.size + length > self.size:
                break
            if opcode in (Opcode.METADATA, Opcode.CHANNEL, Opcode.STATISTICS):
                self._note(opcode, at, self._read(at + _RECORD.size, length))
            elif opcode == Opcode.CHUNK:
                self.chunks.append(at)
                self.lengths.append(length)
            seen.add(opcode)
            at += _RECORD.size + length
        if not self.header:
            raise NotOurs(f"{self.path} is not a journal of sniper", ADVICE)
        if closed:
            if Opcode.FOOTER not in seen or at + len(MAGIC) != self.size:
                raise self._damaged(at, "no whole record")
        else:
            self._cut(at, Opcode.DATA_END in seen)
        count = len(self.chunks)  # of a file that was cut, the parts of the last snapshot may be missing
        self.snapshots = [m for m in self.snapshots if m.chunk + (1 if closed else m.parts) <= count]
        self._span()

    def _note(self, opcode: int, at: int, body: bytes) -> None:
        """Take in a Metadata record, or a Channel or Statistics record of the summary."""
        stream = ReadDataStream(io.BytesIO(body))
        try:
            if opcode == Opcode.CHANNEL:
                channel = Channel.read(stream)
                self.channels[channel.id] = channel.topic
                return
            if opcode == Opcode.STATISTICS:
                if (count := Statistics.read(stream).chunk_count) != len(self.chunks):
                    raise ValueError(f"{count} chunks were written")
                return
            record = Metadata.read(stream)
            said = record.metadata
            if record.name == META_FILE:
                self._check_version(said)
                self.header = said
            elif record.name == META_SNAPSHOT:
                tick, now_ns, size, parts = (int(said[key]) for key in ("tick", "now_ns", "bytes", "parts"))
                if not 1 <= parts <= _PARTS_MAX or size > _STATE_BYTES_MAX:
                    raise ValueError(f"{parts} parts, {size} bytes")
                self.snapshots.append(Marked(tick, now_ns, size, parts, len(self.chunks)))
            elif record.name == META_GAP:
                last = int(said["last_tick"]) if "last_tick" in said else None
                self.gaps.append(Gap(int(said["first_tick"]), last, int(said["now_ns"]), said["cause"]))
        except (ValueError, KeyError, struct.error, McapError) as problem:
            raise self._damaged(at, "a record that does not fit the others") from problem

    def _check_version(self, said: dict[str, str]) -> None:
        version = said.get("journal", "")
        if version != JOURNAL_VERSION:
            by = said.get("sniper", "")
            raise NotOurs(
                f"{self.path} was written as {version or 'an unknown version'}, "
                f"this program reads {JOURNAL_VERSION}",
                f"Read it with sniper {by}." if by else "Read it with the version of sniper that wrote it.",
            )

    def _cut(self, whole: int, complete: bool) -> None:
        """Say how much of a file that was not closed is lost. whole: where the last whole record ends;
        complete: all ticks are there, the summary is not."""
        what = "every tick is there, only the index at the end is missing"
        if not complete:
            what = "what came after the last whole chunk is lost"
            try:
                if self.chunks:
                    self.load(len(self.chunks) - 1)
            except JournalError:
                whole = self.chunks.pop()
                self.lengths.pop()
        self.torn = f"the file was not closed: {what}; {self.size - whole} bytes at its end are dropped"

    def _span(self) -> None:
        """The first and the last time of the chunks."""
        for index in range(len(self.chunks)):
            head = self._read(self.chunks[index] + _RECORD.size, 16)
            first_ns, last_ns = struct.unpack("<qq", head) if len(head) == 16 else (0, 0)
            self.first_ns = first_ns if index == 0 else min(self.first_ns, first_ns)
            self.last_ns = max(self.last_ns, last_ns)

    def _decompress(self, at: int, codec: bytes, data: memoryview, size: int) -> bytes:
        if codec == b"":
            return bytes(data)
        if codec != b"zstd":
            raise self._damaged(at, f"a chunk compressed as {codec[:16]!r}")
        try:
            said = zstandard.frame_content_size(data)
            # Asked before decompressing: a frame that says its size gets it, whatever the bound.
            if said not in (-1, size) or size == 0:
                raise self._damaged(at, f"a chunk of {said} bytes that claims {size}")
            # A decompressor of its own for each call: one may not be used by two threads.
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except zstandard.ZstdError as problem:
            raise self._damaged(at, "a chunk that cannot be decompressed") from problem
        if len(plain) != size:
            raise self._damaged(at, "a chunk of another size than it says")
        return plain

    def _read(self, at: int, length: int) -> bytes:
        return os.pread(self._fd, length, at)

    def _damaged(self, at: int, what: str) -> JournalError:
        return JournalError(
            f"{self.path} is damaged at byte {at}: {what}",
            "Copy it again from where it came, or read its other files alone.",
        )


def _snapshots(data: bytes, topics: dict[int, str]) -> Iterator[tuple[int, int, int, bytes]]:
    """The parts of snapshots in a chunk: (tick, part, parts, bytes). Adds the chunk's channels to topics."""
    at = 0
    while at < len(data):
        opcode, length = _RECORD.unpack_from(data, at)
        body = data[at + _RECORD.size : at + _RECORD.size + length]
        at += _RECORD.size + length
        if opcode == Opcode.CHANNEL:
            channel = Channel.read(ReadDataStream(io.BytesIO(body)))
            topics[channel.id] = channel.topic
        elif opcode == Opcode.MESSAGE and topics.get(_MESSAGE.unpack_from(body)[0]) == "/snapshot":
            number, part, parts = SNAPSHOT_HEAD.unpack_from(body, _MESSAGE.size)
            yield number, part, parts, body[_MESSAGE.size + SNAPSHOT_HEAD.size :]
