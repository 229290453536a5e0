"""A self-signed certificate, made at the start and valid for a day: what a careful client must refuse."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
from pathlib import Path
from typing import Final

from sniper.errors import UsageError, installing
from sniper.exchange.node.server import Certificate

VALID: Final = datetime.timedelta(days=1)
EARLY: Final = datetime.timedelta(hours=1)
"""Clocks differ: it is valid from a while ago."""


def self_signed(folder: Path, now: datetime.datetime, host: str = "localhost") -> Certificate:
    """Write certificate and key into a folder. UsageError where the library for it is missing."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError:
        raise UsageError(
            "a self-signed certificate needs the package cryptography", installing("cryptography")
        ) from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    alternatives: list[x509.GeneralName] = [
        x509.DNSName(host),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / "venue.pem", folder / "venue.key")
    made.chain.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret = os.open(made.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(secret, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return made


def context(certificate: Certificate) -> ssl.SSLContext:
    """The same for HTTP and WebSocket. UsageError where the files are not a certificate and its key."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        made.load_cert_chain(certificate.chain, certificate.key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{certificate.chain} and {certificate.key} are not a certificate and its key: {error}",
            "Give both in PEM.",
        ) from None
    return made
