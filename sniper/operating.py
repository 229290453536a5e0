"""A running instance hears its operator: a local socket for the user alone, and a file where that does not answer.

Requests and answers are one line of JSON each. Words (`pause reduce kill resume`) become records of the inbox like
everything else from outside, so a replay obeys them at the same tick; questions (`status orders positions`) are
answered by the loop between two ticks from what stands there. Nothing in a request names a file.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import stat
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_OPERATOR

REQUEST_BYTES_MAX: Final = 4096
ANSWER_BYTES_MAX: Final = 4 << 20
REASON_MAX: Final = 500
PATIENCE_S: Final = 2.0
"""How long a client may take to say its line, and how long the loop may take to answer."""
LOOK_S: Final = 0.5
"""How often the file is looked for."""
TURNS: Final = 2
"""A word put now is obeyed two turns later at the latest: the one under way may have drained the inbox already."""
UNREAD_S: Final = 0.2
"""How long bytes that a client sends behind its line are read and thrown away."""
PATH_MAX: Final = 100  # of a local socket, by the system

WORDS: Final = ("pause", "reduce", "kill", "resume")
QUESTIONS: Final = ("status", "orders", "positions")


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client asks."""

    verb: Literal["pause", "reduce", "kill", "resume", "status", "orders", "positions"]
    reason: Annotated[str, msgspec.Meta(max_length=REASON_MAX)] = ""


class Inbox(Protocol):
    """Where words go."""

    def put(self, recv_ns: int, connection: int, kind: int, data: bytes, /) -> bool: ...


class Refusal(ValueError):
    """A request that is not carried out, with the reason for the client."""


Answering = Callable[[str], dict[str, Any]]
"""Called by the loop's thread with a question: the document that answers it."""
Heard = Callable[[str, str], str]
"""Called with each word and its reason once it is in the inbox: audit log, database. Returns what went wrong there."""


class Operating:
    """Listens in a thread of its own. `serve` is for the loop, once a turn, whenever `waiting` says so.

    path: of the socket; beside it, with the ending .word, lies the file. ticks: the loop's number of turns so far.
    OSError where the socket cannot be made.
    """

    def __init__(
        self,
        path: Path,
        inbox: Inbox,
        clock_ns: Callable[[], int],
        ticks: Callable[[], int],
        heard: Heard = lambda verb, reason: "",
    ) -> None:
        if len(os.fsencode(path)) > PATH_MAX:
            raise OSError(f"{path} is too long for a local socket")
        self.path, self.file = path, path.with_suffix(".word")
        self._inbox, self._clock_ns, self._ticks, self._heard = inbox, clock_ns, ticks, heard
        self.waiting: deque[tuple[str, int, deque[dict[str, Any]], threading.Event]] = deque(maxlen=16)
        self._stopping = threading.Event()
        self._socket = listening(path)
        self._place = path.lstat()
        self._thread = threading.Thread(target=self._run, name="sniper-operator", daemon=True)

    def start(self) -> None:
        """Listen. A word that was left in the file while nobody ran is obeyed first."""
        self._look()
        self._thread.start()

    def serve(self, answering: Answering) -> None:
        """Answer what waits and is ripe; called between two ticks."""
        for _ in range(len(self.waiting)):
            question, ripe, answers, done = self.waiting.popleft()
            if self._ticks() < ripe:
                self.waiting.append((question, ripe, answers, done))
                continue
            answers.append(answering(question))
            done.set()

    def stop(self) -> None:
        """End the thread and take the socket away."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)
        self._socket.close()
        with contextlib.suppress(OSError):
            if os.path.samestat(self.path.lstat(), self._place):  # another's is not ours to take away
                self.path.unlink()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while not self._stopping.is_set():
                if selector.select(LOOK_S):
                    with contextlib.suppress(OSError):
                        client, _ = self._socket.accept()
                        with client:
                            self._attend(client)
                self._look()

    def _attend(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE_S)
        try:
            if peer_uid(client) != os.geteuid():
                raise Refusal("only the user that runs it may speak to it")
            answer = self._answer(asked(client))
        except Refusal as refusal:
            answer = {"ok": False, "problem": str(refusal)}
        except OSError as problem:  # the client is gone or too slow
            answer = {"ok": False, "problem": str(problem)}
        text = msgspec.json.encode(answer)
        if len(text) > ANSWER_BYTES_MAX:
            text = b'{"ok":false,"problem":"the answer is too long"}'
        with contextlib.suppress(OSError):
            client.sendall(text + b"\n")
            client.shutdown(socket.SHUT_WR)
            # What is closed with bytes unread takes its own answer along. Who trickles does not hold up the next one.
            end_s = time.monotonic() + UNREAD_S
            client.settimeout(UNREAD_S)
            while time.monotonic() < end_s and client.recv(REQUEST_BYTES_MAX):
                pass

    def _answer(self, request: Request) -> dict[str, Any]:
        if request.verb not in WORDS:
            return self._ask(request.verb, 0)
        problem = self._word(request.verb, request.reason)
        also = f"; {problem}" if problem else ""
        answer: dict[str, Any] = {"word": request.verb} | ({"problem": problem} if problem else {})
        try:
            return self._ask("status", self._ticks() + TURNS) | answer
        except (
            Refusal
        ) as late:  # it is in the inbox all the same: whoever gave it must not believe that it was refused
            return {
                "ok": False,
                "put": True,
                "problem": f"{late}; the word {request.verb} waits in its inbox{also}",
            }

    def _word(self, verb: str, reason: str) -> str:
        """Put it into the inbox, then write it down: a log that cannot be written keeps nobody from a kill."""
        reason = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
        if verb in ("kill", "resume") and not reason:
            raise Refusal(f"{verb} wants a reason: --reason '...'")
        if not self._inbox.put(self._clock_ns(), VENUE_CONNECTION, REC_OPERATOR, f"{verb} {reason}".encode()):
            raise Refusal(f"its inbox is full and {verb} was lost; give it again")
        return self._heard(verb, reason)

    def _ask(self, question: str, ripe: int) -> dict[str, Any]:
        answers: deque[dict[str, Any]] = deque(maxlen=1)
        done = threading.Event()
        if len(self.waiting) == self.waiting.maxlen:
            raise Refusal("too many questions wait")
        self.waiting.append((question, ripe, answers, done))
        if not done.wait(PATIENCE_S):
            raise Refusal(f"the loop did not answer within {PATIENCE_S:g} s")
        return {"ok": True} | answers[0]

    def _look(self) -> None:
        """A word in the file: for when the socket does not answer."""
        try:
            text = left(self.file)
            self.file.unlink()
        except OSError:
            return
        with contextlib.suppress(Refusal):
            request = read(text)
            if request.verb in WORDS:
                self._word(request.verb, request.reason)


def listening(path: Path) -> socket.socket:
    """A socket at the path, for the user alone. A dead one in its place is taken away.

    OSError where a process still listens there: it would hear its operator no more.
    """
    if who := listener(path):
        raise OSError(f"{who} listens at {path}")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        before = os.umask(0o177)
        try:
            made.bind(os.fspath(path))
        finally:
            os.umask(before)
        made.listen(4)
    except OSError:
        made.close()
        raise
    return made


def listener(path: Path) -> str:
    """Who listens at a path, "": nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as to:
        to.settimeout(PATIENCE_S)
        try:
            to.connect(os.fspath(path))
        except (TimeoutError, BlockingIOError):
            return "a process"  # it is there, and too many wait for it
        except OSError:
            return ""
        return f"process {peer(to)[0]}"


def peer_uid(client: socket.socket) -> int:
    """The user at the other end."""
    return peer(client)[1]


def peer(client: socket.socket) -> tuple[int, int]:
    """Process and user at the other end."""
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", found)
    return pid, uid


def asked(client: socket.socket) -> Request:
    """The client's line. Refusal for what is none, is too long or does not come."""
    text, end_s = b"", time.monotonic() + PATIENCE_S
    while not text.endswith(b"\n"):
        client.settimeout(max(0.01, end_s - time.monotonic()))
        if len(text) > REQUEST_BYTES_MAX:
            raise Refusal(f"a request has at most {REQUEST_BYTES_MAX} bytes")
        if time.monotonic() > end_s:
            raise Refusal("the request did not come to an end")
        try:
            part = client.recv(REQUEST_BYTES_MAX + 1)
        except TimeoutError:
            raise Refusal("the request did not come to an end") from None
        if not part:
            break
        text += part
    return read(text)


def read(text: bytes) -> Request:
    """The request in a line of JSON. Refusal for anything else."""
    if len(text) > REQUEST_BYTES_MAX:
        raise Refusal(f"a request has at most {REQUEST_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(text, type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Refusal(f"not a request: {problem}") from None


def left(file: Path) -> bytes:
    """What lies in a file that this user left. OSError for any other: a link, a pipe (whose opening would wait for its
    writer), somebody else's."""
    target = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(target)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            raise OSError(f"{file} is no file of this user")
        return os.read(target, REQUEST_BYTES_MAX + 1)
    finally:
        os.close(target)


def ask(path: Path, verb: str, reason: str = "", patience_s: float = 2.5 * PATIENCE_S) -> dict[str, Any]:
    """A client's question or word. OSError where nobody answers; ValueError for an answer that is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as to:
        to.settimeout(patience_s)
        to.connect(os.fspath(path))
        to.sendall(msgspec.json.encode(Request(verb, reason)) + b"\n")  # type: ignore[arg-type]
        to.shutdown(socket.SHUT_WR)
        text = b""
        while not text.endswith(b"\n") and len(text) <= ANSWER_BYTES_MAX:
            part = to.recv(1 << 16)
            if not part:
                break
            text += part
    found = msgspec.json.decode(text, type=dict[str, Any])
    return found


def leave(path: Path, verb: str, reason: str) -> Path:
    """Leave a word in the file beside the socket, whole or not at all. OSError where that fails.

    A kill that waits there is not written over by a lesser word.
    """
    file = path.with_suffix(".word")
    waits = ""
    with contextlib.suppress(OSError, Refusal):
        waits = read(left(file)).verb
    if waits == "kill" != verb:
        raise FileExistsError(f"{file} holds a kill that nobody has obeyed yet")
    fresh = file.with_suffix(".new")
    target = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(target, msgspec.json.encode(Request(verb, reason)))  # type: ignore[arg-type]
        os.fsync(target)
    finally:
        os.close(target)
    os.replace(fresh, file)
    return file
