"""A secret: bytes that show themselves as *** and can be wiped.

What can be wiped is the bytearray in here. What cannot: an immutable copy that a library makes of it (coincurve
keeps a private key as `bytes`; the official client derives one from a `str`), and what the kernel has put into swap.
docs/keys.md names each place.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

from sniper.keys.redaction import HIDDEN, REDACTOR


class Secret:
    """Bytes nobody sees by accident: not printed, formatted, copied, pickled, iterated or measured.

    Registers itself with the redactor. As a context manager it wipes itself at the end.
    """

    __slots__ = ("_held", "_wiped")

    def __init__(self, held: bytes | bytearray | memoryview) -> None:
        """Takes a copy; `take` is for a bytearray that is to be wiped with it."""
        self._held = bytearray(held)
        self._wiped = False
        REDACTOR.register(self._held)

    @classmethod
    def take(cls, held: bytearray) -> Secret:
        """A secret of these bytes; the array that was given is wiped."""
        secret = cls(held)
        wipe(held)
        return secret

    def reveal(self) -> memoryview:
        """The bytes, read-only, without a copy: hold the secret while you look, they are zeros when it is gone.

        ValueError when they were wiped.
        """
        if self._wiped:
            raise ValueError("this secret was wiped")
        return memoryview(self._held).toreadonly()

    def wipe(self) -> None:
        """Overwrite the bytes with zeros; what `reveal` lent shows zeros then."""
        wipe(self._held)
        self._wiped = True

    def __enter__(self) -> Secret:
        return self

    def __exit__(self, *caught: object) -> None:
        self.wipe()

    def __del__(self) -> None:
        if hasattr(self, "_held"):
            wipe(self._held)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        """In a time that does not depend on where they differ."""
        return isinstance(other, Secret) and hmac.compare_digest(self._held, other._held)

    __hash__ = None  # type: ignore[assignment]  # a hash would be a fingerprint

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


def wipe(held: bytearray) -> None:
    """Overwrite with zeros in place, even while views of it exist."""
    held[:] = bytes(len(held))
