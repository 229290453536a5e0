"""Reads a file of recorded frames: NDJSON, plain or gzip.

A line is one WebSocket message, or `{"recv_ms": .., "msg": {..}}` around one. A message's bytes are handed on
as they stand in the file. A line that is neither is handed on too: the decoder refuses it and counts it.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple, cast

import msgspec

from sniper.errors import PermissionProblem, UsageError
from sniper.journal_format import MAGIC

MS = 1_000_000
GZIP_MAGIC = b"\x1f\x8b"
LINE_BYTES_MAX = 64 << 20
"""What is longer is no line of a recording; it would only fill the memory."""
CONNECTIONS_MAX = 1023
"""Connections told apart at a time; the one that was silent longest gives its number to the next one."""
FORMAT = 'Give a file with one WebSocket message a line, or {"recv_ms":..,"msg":{..}} lines; it may be gzip.'


class Frame(NamedTuple):
    """One message. recv_ns: its `recv_ms`, or 1 ms after the line above (the first: 0). connection: a small
    number for each `connection_id`, in the order of their first message."""

    recv_ns: int
    connection: int
    data: bytes


# Beyond these bounds nanoseconds would not fit into 64 bits: such a line is no wrapper of ours.
_Ms = Annotated[float, msgspec.Meta(ge=-9.2e12, le=9.2e12)]
_WholeMs = Annotated[int, msgspec.Meta(ge=-9_200_000_000_000, le=9_200_000_000_000)]


class _Wrapped(msgspec.Struct):
    msg: msgspec.Raw
    recv_ms: _Ms | _WholeMs | None = None


class _Said(msgspec.Struct):
    connection_id: str = ""


class _Numbers:
    """Gives each connection_id a number below CONNECTIONS_MAX, counted from `first`."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._numbers: dict[str, int] = {}  # the one heard last stands at the end
        self._last = ("", -1)

    def of(self, name: str) -> int:
        """The number of this connection from now on."""
        if name == self._last[0] and self._last[1] >= 0:
            return self._last[1]
        numbers = self._numbers
        number = numbers.pop(name, None)
        if number is None:
            if len(numbers) < CONNECTIONS_MAX:  # noqa: SIM108 - a line too long
                number = self._first + len(numbers)
            else:
                number = numbers.pop(next(iter(numbers)))
        numbers[name] = number
        self._last = (name, number)
        return number


def frames(path: str | Path, first_connection: int = 0) -> Iterator[Frame]:
    """Every message of the file in order, connections numbered from `first_connection` on.

    Raises UsageError or PermissionProblem where it cannot be read.
    """
    unwrap = msgspec.json.Decoder(_Wrapped).decode
    who = msgspec.json.Decoder(_Said).decode
    number_of = _Numbers(first_connection).of
    recv_ns = -MS
    for line in lines(path):
        data, recv_ns = line, recv_ns + MS
        # What begins so may be a wrapper; looking at every line with two decoders would cost twice.
        if b'"msg"' in line[:64] or b'"recv_ms"' in line[-64:]:
            try:
                wrapped = unwrap(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
            else:
                data = bytes(wrapped.msg)
                if wrapped.recv_ms is not None:
                    recv_ns = int(wrapped.recv_ms) * MS + round(wrapped.recv_ms % 1 * MS)
        try:
            name = who(data).connection_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # nested too deeply for it
            name = ""
        yield Frame(recv_ns, number_of(name), data)


@contextmanager
def opened(path: str | Path) -> Iterator[BinaryIO]:
    """The file for reading, unpacked where it is gzip. It may be a pipe: nothing is read twice."""
    with open(path, "rb") as plain:
        packed = plain.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if packed else plain


def lines(path: str | Path) -> Iterator[bytes]:
    """The lines that are not blank, without their ends."""
    number = 0
    try:
        with opened(path) as file:
            while line := file.readline(LINE_BYTES_MAX + 2):  # and its end
                number += 1
                text = line.rstrip(b"\r\n")
                if len(text) > LINE_BYTES_MAX:
                    raise UsageError(f"line {number} of {path} is longer than {LINE_BYTES_MAX} bytes", FORMAT)
                if number == 1 and line.startswith(MAGIC[:-2]):
                    raise UsageError(f"{path} is a journal, not a file of frames", FORMAT)
                if text:
                    yield text
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}", FORMAT) from None
    except PermissionError:
        raise PermissionProblem(f"{path} may not be read", f"Allow it with 'chmod u+r {path}'.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(
            f"{path} is damaged after line {number}: {error}", "Copy or record it anew."
        ) from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{path} cannot be read: {reason}", FORMAT) from None
