"""What the feed itself must know of a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.feed.sniff import Control, sniff


def test_data_is_told_by_its_first_bytes() -> None:
    assert sniff(b'{"type":"channel_data", this is not even JSON') is None
    assert sniff(b'{"type":"channel_batch_data","connection_id":"a"}') is None


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ('{"type":"connected","connection_id":"a","message_id":0}', Control("connected")),
        (
            '{"type":"subscribed","connection_id":"a","message_id":1,"channel":"v4_trades","id":"BTC-USD",'
            '"contents":{"trades":[{"id":"not this","type":"LIMIT"}]}}',
            Control("subscribed", "v4_trades", "BTC-USD"),
        ),
        (
            ' { "contents" : {"id":"x"}, "id":"BTC-USD", "channel":"v4_trades", "type" : "subscribed" } ',
            Control("subscribed", "v4_trades", "BTC-USD"),
        ),
        ('{"message":"Internal error","type":"error"}', Control("error", message="Internal error")),
        (
            '{"id":"A/1MIN","channel":"v4_candles","type":"unsubscribed"}',
            Control("unsubscribed", "v4_candles", "A/1MIN"),
        ),
        ('{"type":"pong"}', Control("pong")),
    ],
)
def test_control_messages_in_any_order_of_keys(text: str, control: Control) -> None:
    assert sniff(text.encode()) == control


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"type":"subscribed"',
        b'{"type":7}',
        b'{"type":"error","id":null}',
        b'{"type":"error","message":"\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{ "type": "channel_data", "id": "BTC-USD" }',
        b'{"id":"BTC-USD","type":"channel_batch_data"}',
    ],
)
def test_everything_else_is_no_control_message(data: bytes) -> None:
    assert sniff(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    sniff(data)
    sniff(b'{"type":"' + data)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(("connected", "subscribed", "unsubscribed", "error"))},
        optional={
            "channel": st.text(),
            "id": st.text(),
            "message": st.text(),
            "contents": st.dictionaries(st.text(), st.integers()),
        },
    ).flatmap(lambda d: st.permutations(list(d.items())))
)
def test_any_order_and_any_text(items: list[tuple[str, object]]) -> None:
    message = dict(items)
    control = sniff(json.dumps(message).encode())
    assert control is not None
    for field in ("type", "channel", "id", "message"):
        assert getattr(control, field) == message.get(field, "")
