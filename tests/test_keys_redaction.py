"""keys.redaction: registered secrets and what looks like one are in no line; everything else is left alone."""

from __future__ import annotations

import ast
import base64
import io
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sniper.keys import redaction
from sniper.keys.redaction import FORMS_MAX, HIDDEN, REDACTOR, Redactor, phrases, word_list
from sniper.keys.secret import Secret
from tests.vectors import ABANDON, LEGAL, PHRASES

ROOT = Path(__file__).parent.parent
CANARY = b'canary "quoted" \\ p\xc3\xa4ss'
KEY = bytes(range(101, 133))


@pytest.mark.parametrize(
    "form",
    [
        CANARY.decode(),
        json.dumps(CANARY.decode()),
        json.dumps(CANARY.decode(), ensure_ascii=False),
        repr(CANARY.decode()),
        repr(CANARY),
        CANARY.hex(),
        CANARY.hex().upper(),
        base64.b64encode(CANARY).decode(),
        base64.urlsafe_b64encode(CANARY).decode(),
    ],
)
def test_a_registered_secret_is_found_in_every_form(form: str) -> None:
    redactor = Redactor()
    redactor.register(CANARY)
    plain = form.strip("=\"'b")
    for before, after in (("", ""), ("päss ", " end"), ("x" * 50, "y" * 50)):
        cleaned = redactor.clean(f"{before}{form}{after}")
        assert plain not in cleaned and HIDDEN in cleaned
        assert cleaned.startswith(before) and cleaned.endswith(after)


@given(st.binary(min_size=8, max_size=64), st.text(max_size=40), st.text(max_size=40))
def test_any_secret_in_any_text(secret: bytes, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.register(secret)
    assert secret.hex() not in redactor.clean_registered(before + secret.hex() + after)
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return
    assert text not in redactor.clean_registered(before + text + after).replace(HIDDEN, "\0")


@given(st.text(max_size=200))
def test_a_text_without_secrets_is_left_alone(text: str) -> None:
    redactor = Redactor()
    redactor.register(KEY)
    assert redactor.clean_registered(text) == text


def test_a_secret_is_found_after_it_was_wiped() -> None:
    with Secret(b"wiped-but-remembered") as secret:
        pass
    with pytest.raises(ValueError, match="was wiped"):
        secret.reveal()
    assert REDACTOR.clean("x wiped-but-remembered y") == "x *** y"


def test_the_redactor_does_not_keep_the_secret() -> None:
    redactor = Redactor()
    redactor.register(b"not-kept-in-any-form")
    kept = repr(vars(redactor)).encode()
    assert b"not-kept" not in kept and b"not-kept".hex().encode() not in kept


def test_short_secrets_would_hide_half_of_every_line() -> None:
    redactor = Redactor()
    redactor.register(b"of")
    assert redactor.clean("of all of it") == "of all of it"


def test_the_table_is_bounded() -> None:
    redactor = Redactor()
    for number in range(FORMS_MAX):
        redactor.register(f"secret number {number:06d}".encode())
    assert len(redactor._digests) == FORMS_MAX
    assert redactor.clean("secret number 001023") == HIDDEN


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        lambda phrase: phrase.replace(" ", "\n"),
        lambda phrase: repr(phrase.replace(" ", "\n")),
        lambda phrase: json.dumps(phrase.split()),
        lambda phrase: ", ".join(phrase.split()),
        lambda phrase: "\n".join(f"{n}. {word}" for n, word in enumerate(phrase.split(), 1)),
        lambda phrase: " ".join(phrase.split()[:8]),
    ],
)
def test_what_looks_like_a_recovery_phrase_is_hidden(phrase: str, write: object) -> None:
    assert callable(write)
    cleaned = Redactor().clean(f"given={write(phrase)}; done")
    assert cleaned.startswith("given=") and cleaned.endswith("; done")
    assert not {word for word in phrase.split() if len(word) > 4} & set(cleaned.lower().split())
    assert HIDDEN in cleaned


def test_the_list_is_that_of_bip_39(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(word_list()) == 2048 and {"abandon", "zoo"} <= word_list()
    for found in (None, type("Spec", (), {"origin": None}), type("Spec", (), {"origin": "/nowhere/x.py"})):
        word_list.cache_clear()
        monkeypatch.setattr(redaction, "find_spec", lambda name, found=found: found)
        assert word_list() == frozenset()
        assert Redactor().clean(f"x {LEGAL} 1") == "x *** 1", "any twelve words of their lengths"
    word_list.cache_clear()


@pytest.mark.parametrize("digits", [64, 128])
def test_what_looks_like_a_key_is_hidden(digits: int) -> None:
    key = ("c4a48e2f" * 16)[:digits]
    for form in (key, key.upper(), f"0x{key}", f'"{key}"', f"key:{key},"):
        assert key.lower() not in Redactor().clean(form).lower()
    for other in (key[:-1], key + "0", f"02{key}"):
        assert Redactor().clean(other) == other, "an identifier of another length"


def test_a_hash_that_is_known_to_be_public_is_shown() -> None:
    redactor = Redactor()
    known = "ab" * 32
    assert redactor.known_public(known) == known
    assert redactor.clean(f"{known} {'cd' * 32}") == f"{known} ***"


def test_no_message_of_ours_looks_like_a_recovery_phrase() -> None:
    """A message is one line. The test accounts of the stand-in exchange have public phrases, meant to be shown."""
    for path in (ROOT / "sniper").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                found = [node.value[start:end] for start, end in phrases(node.value)]
                assert not found or path.name == "accounts.py", f"{path}:{node.lineno}: {found}"


def test_values_keep_their_shape() -> None:
    REDACTOR.register(b"canary-in-values")
    assert REDACTOR.clean_value(
        {
            "a canary-in-values": [
                "canary-in-values",
                1,
                2.5,
                None,
                True,
                ("x", ValueError("canary-in-values")),
            ]
        }
    ) == {"a ***": ["***", 1, 2.5, None, True, ["x", "***"]]}


def test_structlog_writes_none_of_it() -> None:
    for renderer in (structlog.processors.JSONRenderer(), structlog.dev.ConsoleRenderer(colors=False)):
        stream = io.StringIO()
        tail = (structlog.processors.format_exc_info, redaction.structlog_processor, renderer)
        logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=tail)
        secret = Secret(b"canary-in-structlog")
        try:
            raise ValueError("canary-in-structlog")
        except ValueError:
            logger.error(
                "failed with canary-in-structlog", phrase=ABANDON, key="ab" * 32, secret=secret, exc_info=True
            )
        said = stream.getvalue()
        assert "canary" not in said and "abandon" not in said and "abab" not in said
        assert "Traceback" in said and said.count(HIDDEN) >= 5


def test_logging_writes_none_of_it_whichever_logger_and_handler(capsys: pytest.CaptureFixture[str]) -> None:
    REDACTOR.register(b"canary-in-logging")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        logging.Formatter("%(message)s %(custom)s %(more)s", defaults={"custom": "", "more": ""})
    )
    handler.addFilter(redaction.redact_record)
    logger = logging.getLogger("of.some.library")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("a %s b %d", "canary-in-logging", 7)
        logger.warning({"not": "canary-in-logging"})
        logger.warning("arguments that do not fit %d", "canary-in-logging")
        logger.warning("x", extra={"custom": "canary-in-logging", "more": ["canary-in-logging"]})
        try:
            raise ValueError("canary-in-logging")
        except ValueError:
            logger.exception("it failed", stack_info=True)
    finally:
        logger.removeHandler(handler)
    said = stream.getvalue()
    assert "canary" not in said.replace('canary-in-logging")', "")  # the source line of a traceback
    assert "a *** b 7" in said and "ValueError: ***" in said and "Stack" in said


CRASH = """
import sys, threading
from sniper.keys import redaction
from sniper.keys.secret import Secret
redaction.install()
secret = Secret(b"canary-" + b"in-a-crash")
text = bytes(secret.reveal()).decode()
class Bad:
    def __del__(self): raise ValueError(text)
    def __repr__(self): return text
def die(): raise ValueError(text)
Bad()
t = threading.Thread(target=die, name=text); t.start(); t.join()
def leave(): raise SystemExit(1)
t = threading.Thread(target=leave); t.start(); t.join()
raise RuntimeError(f"{text} and {{!r}}") from ValueError(text)
"""


def test_the_interpreter_prints_none_of_it() -> None:
    ran = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 1 and ran.stdout == ""
    assert "canary-in-a-crash" not in ran.stderr
    assert ran.stderr.count("ValueError: ***") == 3 and "RuntimeError: ***" in ran.stderr
    assert "Exception in thread ***" in ran.stderr


def test_a_closed_stream_is_no_second_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, io.StringIO()):
        if stream:
            stream.close()
        monkeypatch.setattr(sys, "stderr", stream)
        redaction.print_traceback(ValueError("x"))


def test_threads_may_register_while_others_clean() -> None:
    redactor = Redactor()
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(50):
                redactor.register(f"thread {number} secret {turn}".encode())
                assert HIDDEN in redactor.clean(f"thread {number} secret {turn}")
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
