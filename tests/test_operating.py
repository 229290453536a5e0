"""What an instance hears: words for the inbox, questions for the loop, and nothing else."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sniper import operating
from sniper.operating import REQUEST_BYTES_MAX, Operating, Refusal, ask, leave, read
from sniper.trading import VENUE_CONNECTION
from sniper.types import REC_OPERATOR


class Scene:
    """An instance without an engine: a thread stands for the loop."""

    def __init__(self, folder: Path) -> None:
        self.records: list[tuple[int, int, int, bytes]] = []
        self.heard: list[tuple[str, str]] = []
        self.ticks = 0
        self.frozen = False
        self.full = False
        self.problem = ""
        self.path = folder / "x.sock"
        self.operating = Operating(self.path, self, lambda: 77, lambda: self.ticks, self.hear)
        self._stop = threading.Event()
        self._loop = threading.Thread(target=self._turn, daemon=True)

    def put(self, *record: Any) -> bool:
        if not self.full:
            self.records.append(record)
        return not self.full

    def hear(self, verb: str, reason: str) -> str:
        self.heard.append((verb, reason))
        return self.problem

    def start(self) -> None:
        self.operating.start()
        self._loop.start()

    def stop(self) -> None:
        self._stop.set()
        if self._loop.is_alive():
            self._loop.join(5)
        self.operating.stop()

    def _turn(self) -> None:
        while not self._stop.wait(0.005):
            if not self.frozen:
                self.ticks += 1
                if self.operating.waiting:
                    self.operating.serve(
                        lambda question: {"question": question, "at": self.ticks, "words": len(self.records)}
                    )


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    made.start()
    yield made
    made.stop()


def said(path: Path, raw: bytes, close: bool = True) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as to:
        to.settimeout(10)
        to.connect(str(path))
        try:
            to.sendall(raw)
            if close:
                to.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        text = b""
        while not text.endswith(b"\n") and (part := to.recv(65536)):
            text += part
    return msgspec.json.decode(text, type=dict[str, Any])


def test_a_word_becomes_a_record_and_the_answer_comes_after_it_was_obeyed(scene: Scene) -> None:
    before = scene.ticks
    answer = ask(scene.path, "kill", "I  saw\tsmoke")
    assert answer["ok"] and answer["question"] == "status" and answer["word"] == "kill"
    assert answer["at"] >= before + operating.TURNS and answer["words"] == 1
    assert scene.records == [(77, VENUE_CONNECTION, REC_OPERATOR, b"kill I saw smoke")]
    assert scene.heard == [("kill", "I saw smoke")]


@pytest.mark.parametrize("question", operating.QUESTIONS)
def test_a_question_is_answered_and_changes_nothing(scene: Scene, question: str) -> None:
    assert ask(scene.path, question)["question"] == question
    assert scene.records == [] and scene.heard == []


@pytest.mark.parametrize("verb", ["kill", "resume"])
def test_words_that_want_a_reason_are_refused_without(scene: Scene, verb: str) -> None:
    answer = ask(scene.path, verb, "  ")
    assert not answer["ok"] and "reason" in answer["problem"] and scene.records == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"kill\n",
        b'{"verb":"sell"}\n',
        b'{"verb":"status","file":"../../etc/passwd"}\n',
        b'{"verb":"pause","reason":"' + b"x" * 600 + b'"}\n',
        b'{"verb":"status","reason":"' + b"x" * REQUEST_BYTES_MAX + b'"}\n',
        b"x" * (4 * REQUEST_BYTES_MAX),
        b"[" * 4000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(scene: Scene, raw: bytes) -> None:
    answer = said(scene.path, raw)
    assert answer["ok"] is False and answer["problem"]
    assert scene.records == []
    assert ask(scene.path, "status")["ok"]  # and it goes on listening


def test_a_slow_client_does_not_hold_it_up_for_long(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(scene.path))
        slow.sendall(b'{"verb"')
        assert ask(scene.path, "status", patience_s=10)["ok"]


def test_a_loop_that_hangs_is_said_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "PATIENCE_S", 0.2)
    scene.frozen = True
    answer = ask(scene.path, "status", patience_s=10)
    assert not answer["ok"] and "did not answer" in answer["problem"]


def test_a_word_that_is_not_answered_in_time_was_given_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "PATIENCE_S", 0.2)
    scene.frozen = True
    answer = ask(scene.path, "kill", "smoke", patience_s=10)
    assert not answer["ok"] and answer["put"] and "waits in its inbox" in answer["problem"]
    assert len(scene.records) == 1


def test_a_word_that_finds_no_room_is_no_success(scene: Scene) -> None:
    scene.full = True
    answer = ask(scene.path, "kill", "smoke")
    assert not answer["ok"] and "put" not in answer and "lost" in answer["problem"] and not scene.heard


def test_a_kill_is_obeyed_though_the_log_of_it_is_broken(scene: Scene) -> None:
    scene.problem = "the audit log does not hold this word: no space"
    answer = ask(scene.path, "kill", "smoke")
    assert answer["ok"] and answer["problem"] == scene.problem and len(scene.records) == 1


def test_a_reason_holds_nothing_that_moves_a_terminal(scene: Scene) -> None:
    assert ask(scene.path, "kill", "up\x1b[2J \u202eand\x07 away")["ok"]
    assert scene.records[0][3] == b"kill up [2J and away"


def test_who_trickles_bytes_does_not_hold_up_a_kill(scene: Scene) -> None:
    trickling = threading.Event()

    def trickle() -> None:
        with socket.socket(socket.AF_UNIX) as to:
            to.connect(str(scene.path))
            try:
                to.sendall(b'{"verb":"status"}\n')
                while not trickling.wait(0.02):
                    to.sendall(b"x")
            except OSError:
                pass

    worker = threading.Thread(target=trickle, daemon=True)
    worker.start()
    time.sleep(0.05)
    try:
        assert ask(scene.path, "kill", "smoke", patience_s=5)["ok"]
    finally:
        trickling.set()
        worker.join(5)


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_file_of_ours_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    made = Scene(tmp_path)
    if kind == "pipe":
        os.mkfifo(made.operating.file)
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(b'{"verb":"resume","reason":"mine"}')
        made.operating.file.symlink_to(tmp_path / "elsewhere")
    else:
        made.operating.file.mkdir()
    opening = threading.Thread(target=made.start, daemon=True)
    opening.start()
    opening.join(5)
    assert not opening.is_alive() and made.records == []
    assert ask(made.path, "status")["ok"]
    made.stop()


def test_another_user_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "peer_uid", lambda client: os.geteuid() + 1)
    answer = ask(scene.path, "kill", "mine")
    assert not answer["ok"] and "only the user" in answer["problem"] and scene.records == []


def test_the_socket_is_for_the_user_alone_and_goes_with_the_run(tmp_path: Path) -> None:
    made = Scene(tmp_path)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    made.start()
    made.stop()
    assert not made.path.exists()
    with pytest.raises(OSError):
        ask(made.path, "status")


def test_a_socket_that_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "x.sock"))
    left.close()
    made = Scene(tmp_path)
    made.start()
    assert ask(made.path, "status")["ok"]
    made.stop()


def test_a_path_that_no_socket_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        Scene(tmp_path / ("x" * 120))


def test_a_word_left_in_the_file_is_obeyed_soon(scene: Scene) -> None:
    file = leave(scene.path, "pause", "the socket is gone")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    end_s = time.monotonic() + 10
    # The answer to it is nobody's: the loop's status goes nowhere, the record is what counts.
    while not scene.records and time.monotonic() < end_s:
        time.sleep(0.01)
    assert scene.records == [(77, VENUE_CONNECTION, REC_OPERATOR, b"pause the socket is gone")]
    assert not file.exists()


def test_a_word_left_while_nobody_ran_is_obeyed_first(tmp_path: Path) -> None:
    leave(tmp_path / "x.sock", "kill", "while you slept")
    made = Scene(tmp_path)
    made.operating.start()
    assert made.records == [(77, VENUE_CONNECTION, REC_OPERATOR, b"kill while you slept")]
    made.stop()


@pytest.mark.parametrize("text", [b"", b"{", b'{"verb":"status"}', b"x" * 9000, b'{"verb":"kill"}'])
def test_a_file_that_holds_no_word_does_nothing(tmp_path: Path, text: bytes) -> None:
    made = Scene(tmp_path)
    made.operating.file.write_bytes(text)
    made.operating.start()
    assert made.records == [] and not made.operating.file.exists()
    made.stop()


def test_a_kill_that_waits_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    leave(path, "pause", "")
    file = leave(path, "kill", "now")
    with pytest.raises(FileExistsError):
        leave(path, "resume", "never mind")
    assert read(file.read_bytes()).verb == "kill"


def test_requests_that_are_none() -> None:
    with pytest.raises(Refusal, match="at most"):
        read(b"x" * (REQUEST_BYTES_MAX + 1))
    with pytest.raises(Refusal, match="not a request"):
        read(b'{"verb":"kill","reason":7}')


def test_a_socket_that_somebody_hears_is_left_to_him(scene: Scene) -> None:
    with pytest.raises(OSError, match=f"process {os.getpid()} listens"):
        operating.listening(scene.path)
    assert ask(scene.path, "status")["ok"]


def test_so_is_one_at_which_too_many_wait(tmp_path: Path) -> None:
    path, waiting = tmp_path / "x.sock", list[socket.socket]()
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        for _ in range(2):
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            waiting.append(one)
            one.connect_ex(str(path))
        with pytest.raises(OSError, match="a process listens"):
            operating.listening(path)
    assert path.exists()
    for one in waiting:
        one.close()


def test_another_s_socket_is_not_taken_away_at_the_end(tmp_path: Path) -> None:
    first = Scene(tmp_path)
    first.start()
    first.path.unlink()
    second = Scene(tmp_path)
    second.start()
    first.stop()
    assert ask(second.path, "status")["ok"]
    second.stop()
