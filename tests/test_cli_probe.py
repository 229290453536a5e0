"""cli.probe: one endpoint seen from outside, against servers on the loopback."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from sniper.cli import probe as probe_module
from sniper.cli.probe import Endpoint, Finding, plain, probe, probe_all


class Indexer(BaseHTTPRequestHandler):
    """Answers as the Indexer does; `answers` of the server says what differs."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        now = time.time()
        stamp = datetime.fromtimestamp(now - 1.5, UTC).isoformat().replace("+00:00", "Z")
        answers: dict[str, tuple[int, Any]] = {
            "/v4/height": (200, {"height": "66624132", "time": stamp}),
            "/v4/time": (200, {"iso": "unused", "epoch": now}),
            "/v4/ws": (101 if self.headers.get("Upgrade") == "websocket" else 400, None),
        }
        answers.update(self.server.answers)  # type: ignore[attr-defined]
        status, body = answers.get(self.path, (404, None))
        payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(answers: dict[str, Any] | None = None, certificate: Path | None = None) -> Iterator[str]:
    """host:port of a server that answers like the Indexer, but for `answers`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Indexer)
    server.answers = answers or {}  # type: ignore[attr-defined]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody but itself vouches for, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_rest_endpoint_that_works_is_measured_step_by_step() -> None:
    with serving() as host:
        found = probe(Endpoint("rest", f"http://{host}"), "")
    assert (found.ok, found.verdict, found.height) == (True, "works", 66624132)
    assert found.dns_ms is not None and found.connect_ms is not None and found.rtt_ms is not None
    assert found.tls_ms is None
    assert found.lag_s == pytest.approx(1.5, abs=0.5)
    assert found.clock_off_s == pytest.approx(0.0, abs=0.5)


def test_a_socket_endpoint_that_works_answers_the_upgrade() -> None:
    with serving() as host:
        found = probe(Endpoint("socket", f"ws://{host}/v4/ws"), "")
    assert (found.ok, found.verdict, found.height) == (True, "works", None)
    assert found.rtt_ms is not None


def test_tls_is_verified(certificate: Path) -> None:
    with serving(certificate=certificate) as host:
        refused = probe(Endpoint("rest", f"https://{host}"), "")
        trusted = probe(Endpoint("rest", f"https://{host}"), str(certificate))
        missing = probe(Endpoint("rest", f"https://{host}"), "/no/such/file.pem")
    assert not refused.ok and "the TLS certificate is not trusted: self-signed certificate" in refused.verdict
    assert refused.tls_ms is None and refused.connect_ms is not None
    assert trusted.ok and trusted.tls_ms is not None
    assert not missing.ok and "No such file" in missing.verdict


def iso(seconds_ago: float) -> str:
    return datetime.fromtimestamp(time.time() - seconds_ago, UTC).isoformat()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"/v4/height": (403, None)}, "does not answer as an Indexer (HTTP 403, often a blocked region)"),
        ({"/v4/height": (500, None)}, "does not answer as an Indexer (HTTP 500)"),
        ({"/v4/time": (429, None)}, "does not say its time (HTTP 429, too many requests: wait a minute)"),
        ({"/v4/height": (200, b"<html>")}, "not the JSON that was expected"),
        ({"/v4/height": (200, {"height": "1"})}, "not the JSON that was expected"),
        ({"/v4/height": (200, ["1"])}, "not the JSON that was expected"),
        (
            {"/v4/height": (200, {"height": "1", "time": "2020-01-01T00:00:00Z"})},
            "is behind: its last block is ",
        ),
    ],
)
def test_what_is_wrong_with_a_rest_endpoint_is_said_plainly(answers: dict[str, Any], said: str) -> None:
    with serving(answers) as host:
        found = probe(Endpoint("rest", f"http://{host}"), "")
    assert not found.ok
    assert said in found.verdict


def test_a_clock_that_is_off_is_said_with_its_sign() -> None:
    answers = {
        "/v4/time": (200, {"epoch": time.time() + 3600}),
        "/v4/height": (200, {"height": "1", "time": iso(-3599)}),
    }
    with serving(answers) as host:
        found = probe(Endpoint("rest", f"http://{host}"), "")
    assert not found.ok and found.verdict.startswith("works, but this machine's clock is -3")
    assert found.clock_off_s == pytest.approx(-3600, abs=60)


def test_a_server_without_websocket_is_named() -> None:
    with serving() as host:
        found = probe(Endpoint("socket", f"ws://{host}/other"), "")
    assert found.verdict == "does not speak WebSocket here (HTTP 404, a wrong path)"


def test_a_closed_port_and_an_unknown_name_are_not_reachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = probe(Endpoint("rest", f"http://127.0.0.1:{unused.getsockname()[1]}"), "")
    assert (found.ok, found.verdict) == (False, "the connection was refused")
    found = probe(Endpoint("rest", "http://name.invalid"), "")
    assert not found.ok and "the name name.invalid cannot be resolved" in found.verdict


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = probe(Endpoint("rest", f"http://127.0.0.1:{silent.getsockname()[1]}"), "", timeout_s=0.05)
    assert (found.ok, found.verdict) == (False, "no answer within 0.05 s")


def test_a_probe_that_hangs_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def visit(endpoint: Endpoint, ca_file: str, timeout_s: float) -> Finding:
        if endpoint.name == "hangs":
            release.wait(10)
        return Finding(*endpoint, ok=True, verdict="works")

    monkeypatch.setattr(probe_module, "probe", visit)
    found = probe_all([Endpoint("hangs", "http://a"), Endpoint("works", "http://b")], "", timeout_s=0.5)
    release.set()
    assert [(one.name, one.ok) for one in found] == [("hangs", False), ("works", True)]
    assert found[0].verdict == "gave no answer within 1.5 s"


def test_other_errors_of_the_network_are_said_plainly() -> None:
    assert plain(ssl.SSLError(1, "WRONG_VERSION"), "https://a", 1.0) == "TLS failed: WRONG_VERSION"
    assert (
        plain(OSError(113, "No route to host"), "https://a", 1.0)
        == "not reachable: [Errno 113] No route to host"
    )
    assert plain(http.client.RemoteDisconnected(), "https://a", 1.0) == "not reachable: RemoteDisconnected"
