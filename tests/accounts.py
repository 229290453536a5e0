"""Messages about an account for tests, in the shapes of the Indexer, and a scene that plays them.

Markets: BTC-USD (tick 1, step 0.0001, atomic resolution -10), ETH-USD (0.1, 0.001, -9), PEPE-USD (1e-9, 10, +1).
"""

from __future__ import annotations

from typing import Any

from sniper._ext.decode import Decoder
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper.account import Account, AccountSettings
from sniper.types import REC_FRAME, REC_REST, REC_VENUE
from tests import messages as m

ADDRESS = "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7"
OTHER = "dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art"
AT = "2025-12-08T16:00:00.219Z"
MARKETS = (
    m.market("BTC-USD", "1", "0.0001", atomicResolution=-10, stepBaseQuantums=1_000_000, oraclePrice="90000"),
    m.market("ETH-USD", "0.1", "0.001", atomicResolution=-9, stepBaseQuantums=1_000_000, oraclePrice="3000"),
    m.market(
        "PEPE-USD", "0.000000001", "10", atomicResolution=1, stepBaseQuantums=1, oraclePrice="0.000009876"
    ),
)
BTC, ETH, PEPE = range(3)


def asset(size: str, side: str = "LONG", number: int = 0) -> dict[str, Any]:
    """An item of assetPositions."""
    return {"address": ADDRESS, "subaccountNumber": number, "positionId": "a", "assetId": "0"} | {
        "symbol": "USDC",
        "side": side,
        "size": size,
    }


def position(
    market: str,
    size: str,
    side: str = "LONG",
    number: int = 0,
    status: str = "OPEN",
    id_: str = "p1",
    **more: Any,
) -> dict[str, Any]:
    """An item of perpetualPositions."""
    return {"address": ADDRESS, "subaccountNumber": number, "positionId": id_, "market": market} | {
        "side": side,
        "status": status,
        "size": size,
        "maxSize": size,
        "netFunding": "0",
        "entryPrice": "100",
        **more,
    }


def order(id_: str, client_id: int, status: str, ticker: str = "BTC-USD", **more: Any) -> dict[str, Any]:
    """An item of orders."""
    return {
        "id": id_,
        "subaccountId": "s",
        "clientId": str(client_id),
        "orderFlags": "0",
        "status": status,
    } | {
        "ticker": ticker,
        **more,
    }


def fill(
    id_: str,
    side: str,
    size: str,
    price: str,
    height: int,
    ticker: str = "BTC-USD",
    fee: str = "0",
    **more: Any,
) -> dict[str, Any]:
    """An item of fills, as the WebSocket writes it."""
    return {"id": id_, "subaccountId": "s", "side": side, "liquidity": "TAKER", "type": "LIMIT"} | {
        "ticker": ticker,
        "size": size,
        "price": price,
        "fee": fee,
        "eventId": "0",
        "orderId": f"o-{id_}",
        "createdAt": AT,
        "createdAtHeight": str(height),
        **more,
    }


def transfer(
    sender: int | None, recipient: int | None, size: str, height: int, tx: str = "T"
) -> dict[str, Any]:
    """The one object under transfers; None: outside the exchange."""
    ends = [
        {"address": ADDRESS} | ({"subaccountNumber": n} if n is not None else {}) for n in (sender, recipient)
    ]
    return {
        "sender": ends[0],
        "recipient": ends[1],
        "symbol": "USDC",
        "size": size,
        "type": "TRANSFER_OUT",
    } | {
        "createdAt": AT,
        "createdAtHeight": str(height),
        "transactionHash": tx,
    }


def update(contents: Any, message_id: int = 3, number: int = 0, child: int | None = None) -> bytes:
    """channel_data, or channel_batch_data for a list; child: a message of the parent's channel."""
    channel = "v4_subaccounts" if child is None else "v4_parent_subaccounts"
    message = {
        "type": "channel_batch_data" if isinstance(contents, list) else "channel_data",
        "connection_id": m.CONNECTION,
        "message_id": message_id,
        "id": f"{ADDRESS}/{number}",
        "channel": channel,
        "version": "3.0.0",
        "contents": contents,
    }
    return m.text(message | ({} if child is None else {"subaccountNumber": child}))


def snapshot(
    usdc: str | None = "1000",
    positions: list[dict[str, Any]] = [],  # noqa: B006 - read only
    orders: list[dict[str, Any]] = [],  # noqa: B006
    height: int = 100,
    number: int = 0,
    side: str = "LONG",
) -> bytes:
    """subscribed of v4_subaccounts."""
    whole = {
        "address": ADDRESS,
        "subaccountNumber": number,
        "equity": "0",
        "freeCollateral": "0",
        "openPerpetualPositions": {item["market"]: item for item in positions},
        "assetPositions": {} if usdc is None else {"USDC": asset(usdc, side, number)},
        "marginEnabled": True,
        "updatedAtHeight": str(height),
        "latestProcessedBlockHeight": str(height),
    }
    return subscribed({"subaccount": whole, "orders": orders, "blockHeight": str(height)}, number)


def subscribed(contents: Any, number: int = 0, parent: bool = False) -> bytes:
    """subscribed with any contents."""
    return m.text(
        {"type": "subscribed", "connection_id": m.CONNECTION, "message_id": 2}
        | {"channel": "v4_parent_subaccounts" if parent else "v4_subaccounts", "id": f"{ADDRESS}/{number}"}
        | {"contents": contents}
    )


def rest(endpoint: str, body: bytes, number: int = 0, status: int = 200, address: str = ADDRESS) -> bytes:
    """The record of a REST answer about an account."""
    return f"{endpoint} {status} address={address}&subaccountNumber={number}\n".encode() + body


class Scene:
    """An account behind a decoder; each call is one tick, a second after the one before."""

    def __init__(self, settings: AccountSettings = AccountSettings()) -> None:  # noqa: B008
        self.tape = Tape()
        self.decoder = Decoder(self.tape)
        self.account = Account(self.tape, self.decoder, settings)
        self.now_ns = 0
        self.say(m.connected(), m.markets(*MARKETS))

    def put(self, *records: tuple[int, bytes], connection: int = 0) -> Account:
        self.now_ns += 1_000_000_000
        taken = [(self.now_ns, connection, kind, data) for kind, data in records]
        self.account.apply(self.decoder.apply(taken), taken, self.now_ns)
        return self.account

    def say(self, *frames: bytes) -> Account:
        return self.put(*((REC_FRAME, frame) for frame in frames))

    def ask(self, data: bytes) -> Account:
        return self.put((REC_REST, data))

    def answer(self, data: bytes) -> Account:
        return self.put((REC_VENUE, data))

    def counter(self, name: str) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index(name)])

    def sizes(self, number: int | None = None) -> dict[str, int]:
        """Open positions by ticker."""
        found = self.account.positions if number is None else self.account.children.get(number, {})
        return {self.decoder.ticker(market): held.size_quantums for market, held in found.items()}
