"""Keeps secrets out of what is written: logs, crash output, JSON.

Removed are the secrets that were registered (`Secret` registers itself) and what looks like one: a run of words of
the BIP-39 list, 64 or 128 hexadecimal digits. A registered secret is not kept: only a keyed digest of each form in
which it might be written (text, escaped, hexadecimal, base64), so it is found even after it was wiped.

A transaction hash has 64 digits too and is hidden like a key: log its first 16 digits. `known_public` is for
documents that must show one.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import re
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import logging

HIDDEN: Final = "***"
FORM_BYTES_MIN: Final = 8  # anything shorter would hide half of every line; no passphrase of ours is so short
FORMS_MAX: Final = 1024
PUBLIC_MAX: Final = 4096
WORDS_MIN: Final = 8  # so many words of the list in a row are taken for a piece of a recovery phrase
WORDS_MIN_UNLISTED: Final = 12  # where the list is not at hand: any words of its lengths
GAP_MAX: Final = 16  # letters aside, what may stand between two of them: quotes, commas, numbers

_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{128}|[0-9A-Fa-f]{64})(?![0-9A-Fa-f])")
_WORD: Final = re.compile(r"[A-Za-z]+")
_ESCAPE: Final = re.compile(r"\\[nrt]")  # in repr and JSON, a line break would stick to the word behind it
_LIST: Final = (
    "bip",
    "bip39",
    "wordlist",
    "english.txt",
)  # in bip_utils, which comes with the exchange's client

Span = tuple[int, int]


@functools.cache
def word_list() -> frozenset[str]:
    """The 2,048 English words of BIP-39, read from bip_utils without importing it; empty where it is not there."""
    spec = find_spec("bip_utils")
    if spec is None or spec.origin is None:
        return frozenset()
    try:
        return frozenset(Path(spec.origin).parent.joinpath(*_LIST).read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return frozenset()


def phrases(text: str) -> Iterator[Span]:
    """Where something like a recovery phrase stands."""
    words, shadow = word_list(), _ESCAPE.sub("  ", text)
    first = last = count = 0
    for found in _WORD.finditer(shadow):
        start, end = found.span()
        if not (found[0].lower() in words if words else 3 <= end - start <= 8):
            start = end = -1  # no word of the list: whatever came before ends here
        if count and (start < 0 or start - last > GAP_MAX):
            if count >= (WORDS_MIN if words else WORDS_MIN_UNLISTED):
                yield first, last
            count = 0
        if start >= 0:
            first, last, count = (start if not count else first), end, count + 1
    if count >= (WORDS_MIN if words else WORDS_MIN_UNLISTED):
        yield first, last


def forms(secret: bytes | bytearray) -> set[bytes]:
    """How a secret might be written: as it is, escaped by JSON or repr, wrongly decoded, hexadecimal, base64."""
    raw = bytes(secret)
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), repr(raw)[2:-1].encode()}
    found |= {encode(raw).rstrip(b"=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    texts = [raw.decode("latin-1")]
    with suppress(UnicodeDecodeError):
        texts.append(raw.decode())
    for text in texts:
        written = (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text), ascii(text))
        found |= {text.encode(), *(one[1:-1].encode() for one in written)}
    return found


class Redactor:
    """What is hidden, and the texts without it. Safe to use from several threads."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._digests: OrderedDict[tuple[int, bytes], int] = OrderedDict()  # (length, digest): filter value
        self._index: dict[
            int, dict[int, frozenset[bytes]]
        ] = {}  # filter value: length: digests; never changed
        self._public: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def register(self, secret: bytes | bytearray) -> None:
        """Hide this from now on, in every form; the oldest of more than FORMS_MAX forms are forgotten."""
        hook_logging()
        with self._lock:
            for form in forms(secret):
                if len(form) >= FORM_BYTES_MIN:
                    self._digests[len(form), self._digest(form)] = self._filter(form, 0)
            while len(self._digests) > FORMS_MAX:
                self._digests.popitem(last=False)
            index: dict[int, dict[int, frozenset[bytes]]] = {}
            for (length, digest), value in self._digests.items():
                lengths = index.setdefault(value, {})
                lengths[length] = lengths.get(length, frozenset()) | {digest}
            self._index = index

    def known_public(self, text: str) -> str:
        """Text of 64 hexadecimal digits that may be shown: the hash of a transaction, of a line of the audit log."""
        with self._lock:
            self._public[text] = None
            while len(self._public) > PUBLIC_MAX:
                self._public.popitem(last=False)
        return text

    def clean(self, text: str) -> str:
        """The text with *** for every registered secret and for what looks like a key or a recovery phrase."""
        spans = [*self._registered(text), *phrases(text)]
        with self._lock:
            spans += [m.span() for m in _HEX.finditer(text) if m[0] not in self._public]
        return _without(text, spans)

    def clean_registered(self, text: str) -> str:
        """The text with *** for registered secrets alone: for long documents, which hold hashes of their own."""
        return _without(text, self._registered(text))

    def clean_value(self, value: Any) -> Any:
        """A copy of plain data (dicts, lists, tuples, scalars) with every text in it clean; else its clean text."""
        if isinstance(value, dict):
            return {self.clean_value(key): self.clean_value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean_value(part) for part in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.clean(value if isinstance(value, str) else str(value))

    def _registered(self, text: str) -> list[Span]:
        """Where registered secrets stand. Most places are ruled out by 16 bits of a hash of their first bytes."""
        index = self._index
        if not index:
            return []
        plain = text.isascii()
        data = text.encode("utf-8", "surrogatepass")
        spans: list[Span] = []
        for start in range(len(data) - FORM_BYTES_MIN + 1):
            lengths = index.get(self._filter(data, start))
            for n, digests in lengths.items() if lengths else ():
                if self._digest(data[start : start + n]) in digests:
                    spans.append((start, start + n))
        if plain:
            return spans
        return [tuple(len(data[:at].decode("utf-8", "surrogatepass")) for at in span) for span in spans]  # type: ignore[misc]

    def _digest(self, form: bytes) -> bytes:
        return hashlib.blake2b(form, key=self._key, digest_size=16).digest()

    @staticmethod
    def _filter(data: bytes, start: int) -> int:
        return hash(data[start : start + FORM_BYTES_MIN]) & 0xFFFF


def _without(text: str, spans: list[Span]) -> str:
    """The text with *** for each span; of spans that overlap, for the whole they make."""
    parts: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [text[at:start], HIDDEN]
        at = max(at, end)
    return "".join([*parts, text[at:]])


REDACTOR: Final = Redactor()
"""The one of this process: hooks of the interpreter are the process's too."""


def structlog_processor(logger: Any, method: str, event: Any) -> Any:
    """A processor for structlog: the last before the renderer, behind what adds exceptions to the event."""
    return REDACTOR.clean_value(event)


def install() -> None:
    """Clean what the interpreter prints of exceptions that nobody caught, in any thread.

    A hook that somebody else has set (a debugger, a test runner) is left to them.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _excepthook
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisablehook
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _thread_excepthook
    if "logging" in sys.modules:
        hook_logging()


def print_traceback(error: BaseException) -> None:
    """A clean traceback on standard error."""
    _excepthook(type(error), error, error.__traceback__)


def _excepthook(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    _print(traceback.format_exception(kind, error, trace))


def _thread_excepthook(args: Any) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else "unknown"
    found = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
    _print([f"Exception in thread {name}:\n", *found])


def _unraisablehook(args: Any) -> None:
    found = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
    _print([f"{args.err_msg or 'Exception ignored in'}: {args.object!r}\n", *found])


def _print(lines: Iterable[str]) -> None:
    try:
        sys.stderr.write(REDACTOR.clean("".join(lines)))
        sys.stderr.flush()
    except (
        OSError,
        ValueError,
        AttributeError,
    ):  # a stream that is closed or gone: nothing can be said any more
        return


@functools.cache
def hook_logging() -> None:
    """Clean every record of `logging` when it is made, whichever logger or handler it is for. Once a process."""
    import logging

    make = logging.getLogRecordFactory()

    def clean_record(*args: Any, **more: Any) -> logging.LogRecord:
        record = make(*args, **more)
        redact_record(record)
        return record

    logging.setLogRecordFactory(clean_record)


def redact_record(record: logging.LogRecord) -> bool:
    """Clean a record of `logging` in place: message, exception, stack. True, so that it serves as a filter too:
    on a handler it cleans what `extra` adds after the record was made."""
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit; logging would print them itself
        message = f"{record.msg} {record.args}"
    record.msg, record.args = REDACTOR.clean(message), None
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        record.exc_info = None
    for name, value in vars(record).items():
        if isinstance(value, str) and name not in ("name", "levelname", "msg"):
            setattr(record, name, REDACTOR.clean(value))
        elif isinstance(value, dict | list | tuple):
            setattr(record, name, REDACTOR.clean_value(value))
    return True
