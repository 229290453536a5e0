"""The shapes on the wire: what decodes, what does not."""

from __future__ import annotations

import pytest

from sniper import account_wire as wire


def test_absent_keys_have_defaults_and_unknown_ones_are_skipped() -> None:
    found = wire.decoded(wire.UPDATE, b'{"blockHeight":"7","tradingReward":{"a":[1]},"subaccounts":{}}')
    assert found == wire.WireUpdate(block_height="7")
    assert wire.decoded(wire.SNAPSHOT, b"{}") == wire.WireSnapshot()


def test_transfers_are_one_object_or_a_list() -> None:
    one = b'{"sender":{"address":"a"},"recipient":{"address":"b","subaccountNumber":1},"size":"2"}'
    single = wire.decoded(wire.UPDATE, b'{"transfers":' + one + b"}").transfers
    several = wire.decoded(wire.UPDATE, b'{"transfers":[' + one + b"]}").transfers
    assert isinstance(single, wire.WireTransfer) and several == [single]


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        b'{"fills":{}}',
        b'{"fills":[{}]}',
        b'{"fills":null}',
        b'{"orders":[{"status":"OPEN"}]}',
        b'{"perpetualPositions":[{"side":"LONG","size":1}]}',
        b'{"assetPositions":[{"symbol":"USDC","side":"LONG","size":"\xff"}]}',
        b'{"blockHeight":1.5}',
        b"{",
    ],
)
def test_another_shape_is_unreadable(data: bytes) -> None:
    with pytest.raises(wire.Unreadable):
        wire.decoded(wire.UPDATE, data)
