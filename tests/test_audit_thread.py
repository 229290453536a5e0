"""Lines written behind the act: all of them, in their order, and a log that fails is no secret."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sniper.audit import Audit
from sniper.audit_check import verify
from sniper.audit_thread import AuditThread


def test_every_line_is_there_in_its_order(tmp_path: Path) -> None:
    with Audit(tmp_path / "log") as audit:
        later = AuditThread(audit)
        for number in range(50):
            later.write("order", {"client_id": number})
        assert later.close()
    (file,) = (tmp_path / "log").glob("audit-*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["facts"]["client_id"] for line in lines if line["kind"] == "order"] == list(range(50))
    verify(tmp_path / "log")


def test_a_log_that_fails_stops_what_comes_next() -> None:
    class Full:
        path = Path("log")
        tried = threading.Event()

        def write(self, kind: str, facts: dict[str, Any]) -> None:
            self.tried.set()
            raise OSError(28, "No space left on device")

    full: Any = Full()
    later = AuditThread(full)
    later.write("order", {})
    assert full.tried.wait(10)
    with pytest.raises(OSError, match="space"):
        for _ in range(1000):
            later.write("order", {})
    assert not later.close()


def test_a_chain_that_somebody_broke_stops_what_comes_next_and_holds_up_nobody(tmp_path: Path) -> None:
    with Audit(tmp_path / "log") as audit:
        later = AuditThread(audit)
        later.write("order", {"client_id": 1})
        (file,) = _files(tmp_path / "log")
        with file.open("ab") as log:
            log.write(b"{}\n")
        with pytest.raises(OSError, match="broken"):
            for _ in range(10_000):
                later.write("order", {"client_id": 2})
        assert not later.close()


def _files(folder: Path) -> list[Path]:
    end_s = time.monotonic() + 10
    while not (found := sorted(folder.glob("audit-*.jsonl"))) or not found[0].stat().st_size:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    return found
