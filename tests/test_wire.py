"""One connection, in cases that are hard to bring about over a real socket (those are in test_socket.py)."""

from __future__ import annotations

import ssl
import threading
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import websocket

from sniper._ext.tape import LINK_NAMES
from sniper.feed.backoff import Backoff
from sniper.feed.link_state import Happening, Link, State
from sniper.feed.settings import SocketSettings
from sniper.feed.subscriptions import Pace, Subscriptions
from sniper.feed.wire import Verdict, Wire
from tests.loopback import Recorder


def wire(state: State = State.CONNECTING) -> tuple[Wire, Recorder, list[BaseException]]:
    """A connection without a thread, in this state."""
    inbox, faults = Recorder(), list[BaseException]()
    link = Link(Backoff(Random(1)), 0.0)
    link.state = state
    subject = Wire(
        3,
        SocketSettings("ws://127.0.0.1:1"),
        inbox,
        lambda: 7,
        link,
        Subscriptions(Pace(), frozenset()),
        threading.Condition(threading.RLock()),
        lambda control: None,
        faults.append,
    )
    subject._library = websocket
    return subject, inbox, faults


def closed(code: int | None, reason: str | None) -> Exception:
    error = websocket.WebSocketConnectionClosedException("the library's words")
    error.status_code, error.reason = code, reason  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "state", "verdict"),
    [
        (closed(1012, "restart"), State.LIVE, Verdict(Happening.LOST, "closed", 1012, "restart")),
        (closed(None, None), State.LIVE, Verdict(Happening.LOST, "closed", 1005, "the library's words")),
        (ConnectionResetError("reset"), State.LIVE, Verdict(Happening.LOST, "closed", 1006, "reset")),
        (OSError(), State.CONNECTING, Verdict(Happening.LOST, "closed", 1006, "OSError")),
        (ssl.SSLError("bad record"), State.LIVE, Verdict(Happening.LOST, "closed", 1006, "('bad record',)")),
        (ssl.SSLError("no"), State.CONNECTING, Verdict(Happening.REFUSED, "refused", 0, "TLS: ('no',)")),
        (
            websocket.WebSocketBadStatusException("x", 429),
            State.CONNECTING,
            Verdict(Happening.TOO_MANY, "limited", 429, "HTTP 429: too many connections or requests"),
        ),
        (
            websocket.WebSocketBadStatusException("x", 503),
            State.CONNECTING,
            Verdict(Happening.REFUSED, "refused", 503, "HTTP 503 instead of a WebSocket"),
        ),
    ],
)
def test_why_a_connection_ended(error: Exception, state: State, verdict: Verdict) -> None:
    subject, _, _ = wire(state)
    subject._on_error(None, error)
    subject._on_error(None, ValueError("a consequence"))
    subject._on_close(None, 1000, "another")
    assert subject._verdict == verdict
    assert verdict.link_state in LINK_NAMES


def test_a_close_frame_that_came_without_an_error() -> None:
    subject, _, _ = wire(State.LIVE)
    subject._on_close(None, None, None)
    assert subject._verdict is None
    subject._on_close(None, 1001, None)
    assert subject._verdict == Verdict(Happening.LOST, "closed", 1001, "")


def test_a_link_record_is_one_line_of_printable_ascii() -> None:
    subject, inbox, _ = wire()
    subject.tell("closed", 1006, "one\ntwo\x00 \u20ac " + "x" * 500)
    assert inbox.records == [(7, 3, 3, b"closed 1006 one two? ? " + b"x" * 189)]
    inbox.full = True
    subject.tell("closed", 1006, "lost")
    assert subject.gaps == 1


def test_a_request_on_a_socket_that_is_ending_is_no_error() -> None:
    subject, _, _ = wire()
    subject.send("before there is one")

    def broken(text: str) -> None:
        raise websocket.WebSocketConnectionClosedException("Connection is already closed.")

    subject._app = SimpleNamespace(send=broken, sock=None)
    subject.send("x")
    subject.give_up(Verdict(Happening.LOST, "closed", 0, "first"))
    subject.give_up(Verdict(Happening.LOST, "closed", 0, "second"))
    assert subject.ending and subject._verdict is not None and subject._verdict.text == "first"


def test_a_fault_while_opening_or_reading_is_told() -> None:
    subject, _, faults = wire()
    subject._on_open(SimpleNamespace())
    assert isinstance(faults.pop(), AttributeError)

    def broken(*_: Any) -> bool:
        raise ZeroDivisionError

    subject._inbox.put = broken  # type: ignore[method-assign]
    subject._reader()(None, b"{}")
    assert isinstance(faults.pop(), ZeroDivisionError)


def test_a_socket_that_opens_after_it_was_given_up_is_cut() -> None:
    subject, inbox, faults = wire()
    subject.give_up(Verdict(Happening.LOST, "closed", 0, "not open after 30 s"))
    connection = SimpleNamespace(frame_buffer=SimpleNamespace(recv_length=None), cont_frame=None, sock=None)
    subject._on_open(SimpleNamespace(sock=connection))
    assert subject.link.state is State.CONNECTING and inbox.records == [] and faults == []


def test_join_without_a_thread() -> None:
    subject, _, _ = wire()
    assert subject.join(0.0)
