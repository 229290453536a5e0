"""The body of an HTTP answer within a bound, packed or not.

httpx unpacks whatever comes, asked for or not, and a whole piece at once: 64 KiB of zstd may become gigabytes before
anybody can count them. So bytes are taken as they came, one packing is asked for, and it is undone up to the bound.
"""

from __future__ import annotations

import zlib
from typing import Final

ENCODING: Final = "gzip"
"""What is asked for."""
_GZIP: Final = 16 + zlib.MAX_WBITS


class Unfit(ValueError):
    """The body is too large, packed otherwise than was asked for, or broken."""


class Body:
    """Takes the pieces of a body. encoding: the Content-Encoding that it came with. bytes_max: of it, unpacked."""

    def __init__(self, encoding: str, bytes_max: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", ENCODING):
            raise Unfit(f"the body is packed as {encoding[:40]!r}, which was not asked for")
        self._unpacking = zlib.decompressobj(_GZIP) if encoding == ENCODING else None
        self._bytes_max = bytes_max
        self._body = bytearray()

    def take(self, part: bytes) -> None:
        """The next piece. Unfit where it is too much or cannot be unpacked; what is beyond the bound never exists."""
        try:
            self._body += (
                self._unpacking.decompress(part, self._bytes_max + 1 - len(self._body))
                if self._unpacking
                else part
            )
        except zlib.error as error:
            raise Unfit(f"the body cannot be unpacked: {error}") from None
        if len(self._body) > self._bytes_max:
            raise Unfit(f"the body is larger than {self._bytes_max} bytes")

    def whole(self) -> bytes:
        """All of it. Unfit where the end is missing."""
        if self._unpacking is not None and not self._unpacking.eof:
            raise Unfit("the body is cut off")
        return bytes(self._body)
