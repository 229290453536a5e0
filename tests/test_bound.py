"""A limit on the size of one WebSocket message: against the library's own reader of frames."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
import websocket

from sniper.feed.bound import bound_messages


def frame(payload: bytes, opcode: int = 1, last: bool = True) -> bytes:
    """One frame as a server sends it, unmasked."""
    head = bytes([opcode | (0x80 if last else 0)])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + bytes([126]) + struct.pack("!H", len(payload)) + payload


@pytest.fixture
def pair() -> Iterator[tuple[websocket.WebSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    connection = websocket.WebSocket(skip_utf8_validation=True)
    connection.sock, connection.connected = ours, True
    bound_messages(connection, 300, websocket)
    with ours, theirs:
        yield connection, theirs


def test_messages_up_to_the_limit_pass(pair: tuple[websocket.WebSocket, socket.socket]) -> None:
    connection, server = pair
    server.sendall(
        frame(b"x" * 300) + frame(b"y" * 200, last=False) + frame(b"z" * 100, opcode=0) + frame(b"")
    )
    assert connection.recv_data() == (1, b"x" * 300)
    assert connection.recv_data() == (1, b"y" * 200 + b"z" * 100)
    assert connection.recv_data() == (1, b"")


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"x" * 301),
        frame(b"y" * 200, last=False) + frame(b"z" * 101, opcode=0),
        b"\x81\x7f" + struct.pack("!Q", 1 << 40),  # only announced: a terabyte
    ],
    ids=["one frame", "two fragments", "a length"],
)
def test_a_larger_message_is_refused_by_its_length(
    pair: tuple[websocket.WebSocket, socket.socket], sent: bytes
) -> None:
    connection, server = pair
    server.sendall(sent)
    with pytest.raises(
        websocket.WebSocketPayloadException, match=r"a message of \d+ bytes, at most 300"
    ) as caught:
        connection.recv_data()
    assert caught.value.status_code == 1009  # type: ignore[attr-defined]
    received = server.recv(100)
    key = received[2:6]
    assert bytes(a ^ b for a, b in zip(received[6:8], key, strict=False)) == struct.pack("!H", 1009)
    assert server.recv(100) == b""  # and the stream is ended
