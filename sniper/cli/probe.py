"""Looks at one endpoint from outside: name, connection, TLS, time of a round trip, height and its age.

Plain sockets and http.client, one thread an endpoint: nothing of the exchange's client is needed to say
whether a connection would work, and each step can be timed on its own.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
LAG_MAX_S = 10.0
CLOCK_OFF_MAX_S = 2.0


class Endpoint(NamedTuple):
    """A name and an address, http(s):// or ws(s)://."""

    name: str
    url: str


class Finding(NamedTuple):
    """What was measured before the first failure; None: not reached, or does not apply."""

    name: str
    url: str
    ok: bool
    verdict: str
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    rtt_ms: float | None = None
    height: int | None = None
    lag_s: float | None = None
    clock_off_s: float | None = None


def probe_all(endpoints: Sequence[Endpoint], ca_file: str, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """All endpoints at the same time; one that hangs (a resolver can) is given up at the deadline."""
    found: list[Finding | None] = [None] * len(endpoints)

    def work(index: int) -> None:
        found[index] = probe(endpoints[index], ca_file, timeout_s)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(len(endpoints))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 3.0 * timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [
        finding or Finding(*endpoint, ok=False, verdict=f"gave no answer within {3.0 * timeout_s:g} s")
        for finding, endpoint in zip(found, endpoints, strict=True)
    ]


def probe(endpoint: Endpoint, ca_file: str, timeout_s: float = TIMEOUT_S) -> Finding:
    """Connect once and ask. Never raises for what the network does."""
    measured: dict[str, Any] = {}
    try:
        verdict = _visit(endpoint.url, ca_file, timeout_s, measured)
        ok = not verdict
    except (OSError, http.client.HTTPException) as error:
        ok, verdict = False, plain(error, endpoint.url, timeout_s)
    return Finding(*endpoint, ok=ok, verdict=verdict or "works", **measured)


def _timed(measured: dict[str, Any], name: str, step: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    result = step()
    measured[name] = round((time.perf_counter() - begun) * 1e3, 2)
    return result


def _visit(url: str, ca_file: str, timeout_s: float, measured: dict[str, Any]) -> str:
    """Fill `measured` step by step; the text of a doubt, "" where there is none."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    address = _timed(
        measured, "dns_ms", lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][:2]
    )
    line = _timed(measured, "connect_ms", lambda: socket.create_connection(address, timeout_s))
    with line:
        if secure:
            context = ssl.create_default_context(cafile=ca_file or None)
            line = _timed(measured, "tls_ms", lambda: context.wrap_socket(line, server_hostname=host))
        with line:
            client = http.client.HTTPConnection(host, port, timeout=timeout_s)
            client.sock = line
            if parts.scheme in ("ws", "wss"):
                return _upgrade(client, parts.path or "/", measured)
            return _heights(client, parts.path.rstrip("/"), measured)


def _upgrade(client: http.client.HTTPConnection, path: str, measured: dict[str, Any]) -> str:
    """The opening handshake of a WebSocket, and no further."""
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }

    def ask() -> int:
        client.request("GET", path, headers=headers)
        return client.getresponse().status

    status = _timed(measured, "rtt_ms", ask)
    return "" if status == 101 else f"does not speak WebSocket here{_meaning(status)}"


def _heights(client: http.client.HTTPConnection, path: str, measured: dict[str, Any]) -> str:
    """The last indexed block, its age by the server's own clock, and how far our clock is from that."""

    def ask(what: str) -> tuple[int, Any]:
        client.request("GET", path + what, headers={"Accept": "application/json"})
        answer = client.getresponse()
        body = answer.read(1 << 16)
        return answer.status, json.loads(body) if answer.status == 200 else None

    try:
        status, height = ask("/v4/height")
        if status != 200:
            return f"does not answer as an Indexer{_meaning(status)}"
        status, clock = _timed(measured, "rtt_ms", lambda: ask("/v4/time"))
        ours_s = time.time()
        if status != 200:
            return f"does not say its time{_meaning(status)}"
        theirs_s = float(clock["epoch"])
        measured["height"] = int(height["height"])
        indexed_s = datetime.fromisoformat(height["time"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return "does not answer as an Indexer: not the JSON that was expected"
    measured["lag_s"] = round(theirs_s - indexed_s, 3)
    measured["clock_off_s"] = round(ours_s - measured["rtt_ms"] / 2e3 - theirs_s, 3)
    if measured["lag_s"] > LAG_MAX_S:
        return f"is behind: its last block is {measured['lag_s']:.1f} s old"
    if abs(measured["clock_off_s"]) > CLOCK_OFF_MAX_S:
        return f"works, but this machine's clock is {measured['clock_off_s']:+.1f} s off its clock"
    return ""


def _meaning(status: int) -> str:
    known = {
        403: ", often a blocked region",
        404: ", a wrong path",
        429: ", too many requests: wait a minute",
    }
    return f" (HTTP {status}{known.get(status, '')})"


def plain(error: Exception, url: str, timeout_s: float) -> str:
    """An error of the network in plain words."""
    host = urlsplit(url).hostname
    if isinstance(error, socket.gaierror):
        return f"the name {host} cannot be resolved: no network, or no DNS"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.args[-1]}"
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return f"not reachable: {str(error) or type(error).__name__}"
