"""A certificate that signs itself."""

from __future__ import annotations

import datetime
import ssl
import stat
import sys
from pathlib import Path

import pytest
from cryptography import x509

from sniper.errors import UsageError
from sniper.exchange.certificates import context, self_signed
from sniper.exchange.node.server import Certificate

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def test_it_is_its_own_issuer_and_lives_a_day(tmp_path: Path) -> None:
    made = self_signed(tmp_path, NOW)
    found = x509.load_pem_x509_certificate(made.chain.read_bytes())
    assert found.issuer == found.subject
    assert found.not_valid_before_utc < NOW < found.not_valid_after_utc
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert isinstance(context(made), ssl.SSLContext)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    first = self_signed(tmp_path, NOW)
    key = first.key.read_bytes()
    second = self_signed(tmp_path, NOW)
    second.key.write_bytes(key)
    for wrong in (second, Certificate(tmp_path / "none", first.key), Certificate(first.key, first.key)):
        with pytest.raises(UsageError, match="are not a certificate and its key"):
            context(wrong)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match="-m pip install cryptography"):
        self_signed(tmp_path, NOW)
