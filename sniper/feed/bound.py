"""A limit on the size of one WebSocket message, which the library does not have."""

from __future__ import annotations

import contextlib
import socket as sockets
from typing import Any, Final

TOO_BIG: Final = 1009
"""The close code for a message that is too big (RFC 6455, 7.4.1)."""


def bound_messages(connection: Any, bytes_max: int, library: Any) -> None:
    """Refuse messages larger than bytes_max, in one frame or in many, before their bytes are read.

    connection: an open websocket.WebSocket; library: the module websocket. An announced length beyond the
    limit raises WebSocketPayloadException with `status_code` 1009 in the thread that reads. The stream is
    ended first: the library's close handshake would read the rest of the message.
    """
    frames, parts = connection.frame_buffer, connection.cont_frame
    read_length = frames.recv_length

    def recv_length() -> None:
        read_length()
        size = frames.length + (len(parts.cont_data[1]) if parts.cont_data else 0)
        if size > bytes_max:
            with contextlib.suppress(library.WebSocketException, OSError):
                connection.send_close(TOO_BIG)
            with contextlib.suppress(OSError):
                sockets.socket.shutdown(connection.sock, sockets.SHUT_RDWR)
            error = library.WebSocketPayloadException(f"a message of {size} bytes, at most {bytes_max}")
            error.status_code = TOO_BIG
            raise error

    frames.recv_length = recv_length
