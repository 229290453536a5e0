"""keys.secret: bytes that nobody sees by accident."""

from __future__ import annotations

import copy
import gc
import json
import pickle
from typing import Any

import msgspec
import pytest

from sniper.keys.secret import Secret, wipe

TEXT = b"canary-of-the-secret-type"


def test_it_shows_itself_as_stars() -> None:
    secret = Secret(TEXT)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:x}",
        "%s" % secret,  # noqa: UP031
        repr([secret]),
    ]
    assert all("canary" not in one and "***" in one for one in shown)
    assert repr({"key": secret}) == "{'key': ***}"


@pytest.mark.parametrize(
    "act",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        bytes,
        len,
        iter,
        hash,
        vars,
        lambda secret: secret + b"",
        lambda secret: secret[0],
    ],
)
def test_it_is_not_pickled_copied_measured_or_walked(act: Any) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        act(Secret(TEXT))
    assert "canary" not in str(caught.value)


def test_it_is_wiped_even_while_somebody_looks() -> None:
    secret = Secret(TEXT)
    view = secret.reveal()
    assert bytes(view) == TEXT and view.readonly
    secret.wipe()
    assert bytes(view) == bytes(len(TEXT))
    with pytest.raises(ValueError, match="was wiped"):
        secret.reveal()
    secret.wipe()


def test_it_is_wiped_at_the_end_of_a_with_and_of_its_life() -> None:
    with Secret(TEXT) as secret:
        view = secret.reveal()
    assert bytes(view) == bytes(len(TEXT))
    secret = Secret(TEXT)
    view = secret.reveal()
    del secret
    gc.collect()
    assert bytes(view) == bytes(len(TEXT))


def test_taking_wipes_the_source() -> None:
    held = bytearray(TEXT)
    assert bytes(Secret.take(held).reveal()) == TEXT
    assert held == bytes(len(TEXT))
    copied = bytearray(TEXT)
    Secret(copied).wipe()
    assert copied == TEXT


def test_equality_is_by_content_and_only_among_secrets() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT[:-1])
    assert Secret(TEXT) != TEXT


def test_wiping_keeps_the_place() -> None:
    held = bytearray(TEXT)
    with memoryview(held) as view:
        wipe(held)
        assert bytes(view) == bytes(len(TEXT))
