"""A node of a few lines for the sender's tests: real gRPC on loopback, answers as a script tells.

The stand-in exchange is the honest peer; this one does on purpose what a chain never does.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as Packed
from v4_proto.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from v4_proto.cosmos.auth.v1beta1.query_pb2 import QueryAccountResponse
from v4_proto.cosmos.auth.v1beta1.query_pb2_grpc import QueryServicer, add_QueryServicer_to_server
from v4_proto.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2 import GetLatestBlockResponse
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2_grpc import ServiceServicer as BlocksServicer
from v4_proto.cosmos.base.tendermint.v1beta1.query_pb2_grpc import add_ServiceServicer_to_server as add_blocks
from v4_proto.cosmos.tx.v1beta1.service_pb2 import BroadcastTxResponse
from v4_proto.cosmos.tx.v1beta1.service_pb2_grpc import ServiceServicer, add_ServiceServicer_to_server
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import Tx

Script = Callable[[Tx, int], Awaitable[tuple[int, str, str]]]
"""(transaction, how many came before) -> (code, codespace, raw log)."""


async def accept(tx: Tx, before: int) -> tuple[int, str, str]:
    return 0, "", ""


class SmallNode(QueryServicer, ServiceServicer, BlocksServicer):  # type: ignore[misc]
    """Serves Account, BroadcastTx and GetLatestBlock. `seen`: every transaction, in the order in which it came.
    blocks_s: so long the last waits for its answer."""

    def __init__(
        self,
        script: Script = accept,
        number: int = 7,
        sequence: int = 3,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self.script, self.number, self.sequence = script, number, sequence
        self._certificate = certificate
        self.seen: list[Tx] = []
        self.accounts = 0
        self.height, self.blocks_s = 0, 0.0
        self.port = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> SmallNode:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = grpc.aio.server()
        add_QueryServicer_to_server(self, server)
        add_ServiceServicer_to_server(self, server)
        add_blocks(self, server)
        if self._certificate is None:
            self.port = server.add_insecure_port("127.0.0.1:0")
        else:
            chain, key = (file.read_bytes() for file in self._certificate)
            credentials = grpc.ssl_server_credentials([(key, chain)])
            self.port = server.add_secure_port("localhost:0", credentials)
        await server.start()
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._over.wait()
        await server.stop(0)

    async def Account(self, request: Any, context: Any) -> QueryAccountResponse:
        self.accounts += 1
        packed = Packed()
        account = BaseAccount(address=request.address, account_number=self.number, sequence=self.sequence)
        packed.Pack(account, type_url_prefix="/")
        return QueryAccountResponse(account=packed)

    async def GetLatestBlock(self, request: Any, context: Any) -> GetLatestBlockResponse:
        await asyncio.sleep(self.blocks_s)
        found = GetLatestBlockResponse()
        found.sdk_block.header.height = self.height
        return found

    async def BroadcastTx(self, request: Any, context: Any) -> BroadcastTxResponse:
        tx = Tx.FromString(request.tx_bytes)
        before = len(self.seen)
        self.seen.append(tx)
        code, codespace, log = await self.script(tx, before)
        digest = hashlib.sha256(request.tx_bytes).hexdigest().upper()
        return BroadcastTxResponse(
            tx_response=TxResponse(code=code, codespace=codespace, raw_log=log, txhash=digest)
        )
