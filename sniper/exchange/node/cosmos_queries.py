"""Queries of the Cosmos modules: accounts, balances, blocks, transactions."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

import grpc
from google.protobuf.any_pb2 import Any as Packed
from v4_proto.cosmos.auth.v1beta1 import query_pb2_grpc as auth_grpc
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountResponse
from v4_proto.cosmos.bank.v1beta1 import query_pb2_grpc as bank_grpc
from v4_proto.cosmos.bank.v1beta1.query_pb2 import QueryAllBalancesResponse, QueryBalanceResponse
from v4_proto.cosmos.base.abci.v1beta1.abci_pb2 import GasInfo, Result, TxResponse
from v4_proto.cosmos.base.tendermint.v1beta1 import query_pb2_grpc as tendermint_grpc
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetLatestBlockResponse,
    GetNodeInfoResponse,
    GetSyncingResponse,
)
from v4_proto.cosmos.base.v1beta1.coin_pb2 import Coin
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.v1beta1 import service_pb2_grpc as tx_grpc
from v4_proto.cosmos.tx.v1beta1.service_pb2 import (
    BROADCAST_MODE_ASYNC,
    BROADCAST_MODE_SYNC,
    BroadcastTxResponse,
    GetTxResponse,
    SimulateResponse,
)
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx

from sniper.exchange.node.asking import Asked, Refused, Service, invalid, not_found, paged
from sniper.exchange.node.fees import USDC
from sniper.exchange.node.signing import is_address

APPLICATION: Final = ("dydxprotocol", "dydxprotocold", "9.5.0")
"""Name, program and version of the chain that this one follows."""
SECOND_NS: Final = 1_000_000_000


def _packed(message: Any) -> Any:
    made = Packed()
    made.Pack(message, type_url_prefix="/")
    return made


def _iso(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account(asked: Asked, request: Any) -> Any:
    """An account as the last block left it: its sequence does not count transactions that still wait."""
    if not request.address:
        raise invalid("Address cannot be empty")
    if not is_address(request.address):
        raise invalid("decoding bech32 failed: invalid address")
    found = asked.chain.account(request.address)
    if found is None:
        raise not_found(f"account {request.address} not found")
    base = BaseAccount(address=found.address, account_number=found.number, sequence=found.sequence)
    if found.public_key:
        base.pub_key.CopyFrom(_packed(PubKey(key=found.public_key)))
    return QueryAccountResponse(account=_packed(base))


def balance(asked: Asked, request: Any) -> Any:
    """What a wallet holds of one denomination."""
    if not request.denom:
        raise invalid("invalid denom")
    amount = _bank(asked, request.address) if request.denom == USDC else 0
    return QueryBalanceResponse(balance=Coin(denom=request.denom, amount=str(amount)))


def balances(asked: Asked, request: Any) -> Any:
    """What a wallet holds."""
    amount = _bank(asked, request.address)
    coins, page = paged([Coin(denom=USDC, amount=str(amount))] if amount else [], request)
    return QueryAllBalancesResponse(balances=coins, pagination=page)


def _bank(asked: Asked, address: str) -> int:
    if not is_address(address):
        raise invalid("invalid address: decoding bech32 failed")
    return asked.chain.bank(address)


def latest_block(asked: Asked, request: Any) -> Any:
    """Height and time of the last block. Its hash is made up of chain and height, its transactions are left out."""
    chain = asked.chain
    made = GetLatestBlockResponse()
    made.block_id.hash = hashlib.sha256(f"{chain.terms.chain_id}/{chain.height}".encode()).digest()
    for header in (made.block.header, made.sdk_block.header):
        header.chain_id = chain.terms.chain_id
        header.height = chain.height
        header.time.seconds, header.time.nanos = divmod(chain.now_ns, SECOND_NS)
    return made


def node_info(asked: Asked, request: Any) -> Any:
    """Which network and which version."""
    made = GetNodeInfoResponse()
    name, program, version = APPLICATION
    made.default_node_info.network = asked.chain.terms.chain_id
    made.default_node_info.moniker = "stand-in"
    made.application_version.name = name
    made.application_version.app_name = program
    made.application_version.version = version
    return made


def syncing(asked: Asked, request: Any) -> Any:
    """Never: the node has no other to catch up with."""
    return GetSyncingResponse(syncing=False)


def broadcast(asked: Asked, request: Any) -> Any:
    """CheckTx of a transaction. A refusal is an answer like any other: gRPC says OK."""
    if not request.tx_bytes:
        raise invalid("invalid empty tx")
    if request.mode not in (BROADCAST_MODE_SYNC, BROADCAST_MODE_ASYNC):
        raise Refused(
            grpc.StatusCode.UNKNOWN, "unsupported return type unspecified; supported types: sync, async"
        )
    outcome, name = asked.broadcast(request.tx_bytes)
    if request.mode == BROADCAST_MODE_ASYNC:
        return BroadcastTxResponse(tx_response=TxResponse(txhash=name))
    return BroadcastTxResponse(
        tx_response=TxResponse(
            txhash=name, code=outcome.code, codespace=outcome.codespace, raw_log=outcome.text
        )
    )


def simulate(asked: Asked, request: Any) -> Any:
    """The gas that a transaction would use. A refusal is a gRPC error here."""
    raw = request.tx_bytes or request.tx.SerializeToString()
    if not raw:
        raise invalid("invalid empty tx")
    outcome, gas = asked.simulate(raw)
    if outcome.code:
        raise Refused(grpc.StatusCode.UNKNOWN, f"{outcome.text} with gas used: '{gas}'")
    return SimulateResponse(gas_info=GasInfo(gas_wanted=0, gas_used=gas), result=Result())


def transaction(asked: Asked, request: Any) -> Any:
    """A transaction of a block. Short-term orders and cancels never are in one."""
    if not request.hash:
        raise invalid("tx hash cannot be empty")
    name = request.hash.upper()
    record = asked.node.records.get(name)
    if record is None:
        raise not_found(f"tx not found: {request.hash[:80]}")
    tx = Tx.FromString(record.tx)
    return GetTxResponse(
        tx=tx,
        tx_response=TxResponse(
            height=record.height,
            txhash=name,
            code=record.outcome.code,
            codespace=record.outcome.codespace,
            raw_log=record.outcome.text,
            gas_wanted=record.gas_wanted,
            gas_used=record.gas_used,
            timestamp=_iso(record.now_ns),
            tx=_packed(tx),
        ),
    )


SERVICES: Final = (
    Service(auth_grpc, "Query", {"Account": account}),
    Service(bank_grpc, "Query", {"Balance": balance, "AllBalances": balances}),
    Service(
        tendermint_grpc,
        "Service",
        {"GetLatestBlock": latest_block, "GetNodeInfo": node_info, "GetSyncing": syncing},
    ),
    Service(tx_grpc, "Service", {"BroadcastTx": broadcast, "Simulate": simulate, "GetTx": transaction}),
)
