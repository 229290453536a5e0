"""Wallets of public BIP-39 test mnemonics, and transactions as the official client builds them."""

from __future__ import annotations

from functools import cache
from typing import Any

from dydx_v4_client.key_pair import KeyPair
from dydx_v4_client.node.builder import Builder, TxOptions
from dydx_v4_client.node.fee import Coin, Fee
from dydx_v4_client.node.message import cancel_order, order, order_id, place_order, transfer
from dydx_v4_client.wallet import Wallet
from v4_proto.dydxprotocol.clob.order_pb2 import Order
from v4_proto.dydxprotocol.subaccounts.subaccount_pb2 import SubaccountId

from sniper.exchange.node.fees import USDC

CHAIN_ID = "localdydxprotocol"
MNEMONICS = (
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
)
"""The first four of the 128-bit vectors of BIP-39's own test file."""


@cache
def pair(number: int) -> KeyPair:
    """The key of a mnemonic, at the path that the client takes."""
    return KeyPair.from_mnemonic(MNEMONICS[number])


def wallet(number: int, account: int = 10, sequence: int = 0) -> Wallet:
    """A wallet of its own."""
    return Wallet(pair(number), account, sequence)


@cache
def address(number: int) -> str:
    """The address of a mnemonic."""
    found: str = wallet(number).address
    return found


def builder(chain_id: str = CHAIN_ID) -> Builder:
    """The client's builder of transactions."""
    return Builder(chain_id, USDC)


def signed(who: Wallet, *messages: Any, fee: int = 25_000, gas: int = 1_000_000, **options: Any) -> bytes:
    """A transaction with these messages and a fee, as bytes."""
    from dydx_v4_client.node.builder import as_any

    chosen = Fee(gas, [Coin(fee, USDC)] if fee else []).as_proto()
    made = builder(options.pop("chain_id", CHAIN_ID))
    made.memo = options.pop("memo", made.memo)
    tx = made.build_transaction(who, [as_any(message) for message in messages], chosen, **options)
    data: bytes = tx.SerializeToString()
    return data


def options(who: Wallet, *authenticators: int) -> TxOptions:
    """What names authenticators, on the account of another wallet."""
    return TxOptions(list(authenticators), who.sequence, who.account_number)


def an_order(owner: str, **changes: Any) -> Any:
    """MsgPlaceOrder: a short-term buy of 0.01 BTC at 90,000 that may rest; `flags`, `pair`, `subaccount` and fields."""
    identity = order_id(
        owner,
        changes.pop("subaccount", 0),
        changes.pop("client_id", 7),
        changes.pop("pair", 0),
        changes.pop("flags", 0),
    )
    fields = {
        "side": Order.SIDE_BUY,
        "quantums": 100_000_000,
        "subticks": 9_000_000_000,
        "time_in_force": Order.TIME_IN_FORCE_UNSPECIFIED,
        "reduce_only": False,
    } | changes
    if "good_til_block_time" not in fields:
        fields.setdefault("good_til_block", 110)
    return place_order(order(identity, **fields))


def a_cancel(owner: str, flags: int = 0, pair: int = 0, subaccount: int = 0, **until: int) -> Any:
    """MsgCancelOrder."""
    return cancel_order(order_id(owner, subaccount, 7, pair, flags), **(until or {"good_til_block": 110}))


def a_transfer(owner: str, amount: int = 5, to: int = 1, asset: int = 0) -> Any:
    """MsgCreateTransfer between subaccounts of one owner."""
    return transfer(SubaccountId(owner=owner, number=0), SubaccountId(owner=owner, number=to), asset, amount)
