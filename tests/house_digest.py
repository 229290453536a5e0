"""Prints one digest of everything that a house says in some seconds of faults: for runs in processes of their own."""

from __future__ import annotations

import hashlib
import json
import sys

from sniper.exchange.scenario import generated
from tests.houses import ME, house, order, run, send


def digest(seed: int) -> str:
    """Frames, answers and the chain's state."""
    one = house(generated(seed, 6.0, ["BTC-USD"]), seed=seed)
    told = hashlib.blake2b(digest_size=16)
    one.connect(1)
    for wish in (
        {"channel": "v4_orderbook", "id": "BTC-USD"},
        {"channel": "v4_subaccounts", "id": f"{ME}/0"},
    ):
        one.receive(1, json.dumps({"type": "subscribe", **wish}).encode())
    for number in range(6):
        told.update(repr(send(one, order(one, client_id=number))).encode())
        told.update(repr(run(one, 1.0)).encode())
        told.update(repr(one.rest("/v4/fills", f"address={ME}&subaccountNumber=0")).encode())
    told.update(one.chain.digest().encode())
    return told.hexdigest()


if __name__ == "__main__":
    print(digest(int(sys.argv[1])))
