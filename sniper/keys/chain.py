"""The owner's account on the chain, through the official NodeClient: authenticators read, added, removed, tried.

Every call has a deadline (the client sets none) by an interceptor on its channel. A transaction counts as done when
the node shows what it changed, not when it was accepted.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import grpc
from dydx_v4_client.node.authenticators import Authenticator, AuthenticatorType
from dydx_v4_client.node.builder import Builder, TxOptions
from dydx_v4_client.node.client import NodeClient
from dydx_v4_client.node.fee import Denom
from dydx_v4_client.node.message import add_authenticator
from dydx_v4_client.wallet import Wallet
from v4_proto.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from v4_proto.dydxprotocol.clob import query_pb2 as clob
from v4_proto.dydxprotocol.clob import query_pb2_grpc as clob_grpc
from v4_proto.dydxprotocol.perpetuals import query_pb2 as perpetuals
from v4_proto.dydxprotocol.perpetuals import query_pb2_grpc as perpetuals_grpc

from sniper.errors import NetworkUnavailable, PermissionProblem, UsageError
from sniper.keys.networks import Network, target
from sniper.keys.permission import CONFIG_BYTES_MAX, Rule, read

DEADLINE_S: Final = 10.0
SETTLE_S: Final = 30.0  # a block takes about a second
POLL_S: Final = 0.3
PAGES_MAX: Final = 32
SEQUENCE_MISMATCH: Final = 32
_EXPECTED: Final = re.compile(r"expected (\d+), got")

T = TypeVar("T")


class Standing(NamedTuple):
    """An authenticator of an account: its number, its rule, or why the rule cannot be judged."""

    id: int
    rule: Rule | None
    problem: str = ""


class Unconfirmed(NetworkUnavailable):
    """A transaction went out, and whether it was carried out is not known."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Run the same command again: it goes on where this one ended.")


class _Deadline(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpc has no types
    """Gives every call a deadline. broadcast: whether the last call carried a transaction that is to be done."""

    broadcast = False

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self.broadcast = str(details.method).endswith("/BroadcastTx")
        bound = grpc.ClientCallDetails()
        bound.method, bound.metadata, bound.credentials = (
            details.method,
            details.metadata,
            details.credentials,
        )
        bound.timeout, bound.wait_for_ready, bound.compression = DEADLINE_S, None, None
        return continuation(bound, request)


class Node:
    """A connection to a node of one network. A context manager; NetworkUnavailable where it does not answer."""

    def __init__(self, network: Network, roots: bytes | None = None, settle_s: float = SETTLE_S) -> None:
        """roots: PEM certificates to believe instead of the system's; there is no way to believe any."""
        self.network = network
        self._settle_s = settle_s
        host, encrypted = target(network.node)
        self._channel = (
            grpc.secure_channel(host, grpc.ssl_channel_credentials(root_certificates=roots))
            if encrypted
            else grpc.insecure_channel(host)
        )
        self._calls = _Deadline()
        self.client = NodeClient(
            grpc.intercept_channel(self._channel, self._calls),
            Builder(network.chain_id, Denom.USDC.value),
        )

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *caught: object) -> None:
        self._channel.close()

    @property
    def chain_id(self) -> str:
        """The chain that it is a node of."""
        return self.network.chain_id

    def account(self, address: str) -> tuple[int, int]:
        """(account number, sequence). PermissionProblem for an address that the chain does not know."""
        try:
            found = _run(self.client.get_account(address))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise PermissionProblem(
                    f"{self.network.chain_id} knows no account {address}", "Send some USDC there first."
                ) from None
            raise self._unavailable(error) from None
        return found.account_number, found.sequence

    def authenticators(self, address: str) -> list[Standing]:
        """What is registered on an account, by ascending number."""
        answer = self._ask(self.client.get_authenticators(address))
        found = sorted((one.id, one.type, bytes(one.config)) for one in answer.account_authenticators)
        return [_standing(*one) for one in found]

    def markets(self) -> dict[str, int]:
        """Ticker to clob pair id of every market."""
        tickers = {
            one.params.id: one.params.ticker
            for one in self._paged(
                self._ask(self.client.get_perpetuals()),
                perpetuals_grpc.QueryStub(self.client.channel).AllPerpetuals,
                perpetuals.QueryAllPerpetualsRequest,
                "perpetual",
            )
        }
        pairs = self._paged(
            self._ask(self.client.get_clob_pairs()),
            clob_grpc.QueryStub(self.client.channel).ClobPairAll,
            clob.QueryAllClobPairRequest,
            "clob_pair",
        )
        return {tickers.get(one.perpetual_clob_metadata.perpetual_id, str(one.id)): one.id for one in pairs}

    def add(self, wallet: Wallet, rule: Rule, seen: Callable[[Standing], bool]) -> int:
        """Register a rule; the number it got, once the node shows one that `seen` accepts and was not there before."""
        before = {one.id for one in self.authenticators(wallet.address)}
        tree = _official(rule)
        size = len(add_authenticator(wallet.address, tree.type, tree.config).data)
        if size > CONFIG_BYTES_MAX:
            raise UsageError(
                f"the permission takes {size} bytes, and the chain allows {CONFIG_BYTES_MAX}",
                "Choose fewer markets.",
            )
        self._send(wallet, lambda: self.client.add_authenticator(wallet, tree))

        def number() -> int | None:
            there = self.authenticators(wallet.address)
            return next((one.id for one in there if one.id not in before and seen(one)), None)

        return self._settled(number, "the new permission does not show")

    def remove(self, wallet: Wallet, authenticator: int) -> None:
        """Take a rule away, and wait until the node does not show it any more."""
        self._send(wallet, lambda: self.client.remove_authenticator(wallet, authenticator))

        def gone() -> bool | None:
            return all(one.id != authenticator for one in self.authenticators(wallet.address)) or None

        self._settled(gone, f"permission {authenticator} still stands")

    def simulate(
        self, wallet: Wallet, message: Any, owner: tuple[int, int], authenticator: int | None
    ) -> str:
        """What the node would say to this message, without sending it: "" for yes, else its words.

        owner: (account number, sequence) of the account whose money it is. Nothing enters the mempool or a book.
        """
        number, sequence = owner
        options = None if authenticator is None else TxOptions([authenticator], sequence, number)
        wallet.account_number, wallet.sequence = number, sequence
        try:
            _run(self.client.simulate(self.client.builder.build(wallet, message, tx_options=options)))
        except grpc.RpcError as error:
            if error.code() in _ABSENT:
                raise self._unavailable(error) from None
            return str(error.details()) or error.code().name
        return ""

    def _send(self, wallet: Wallet, call: Callable[[], Awaitable[Any]]) -> None:
        """Send with the account's own number and sequence; once again where the node expects another sequence.

        Unconfirmed where the node does not answer the transaction itself: what it refuses it says in an answer.
        """
        wallet.account_number, wallet.sequence = self.account(wallet.address)
        for again in (True, False):
            try:
                answer = _run(call()).tx_response
                code, text = answer.code, f"{answer.codespace} {answer.code}: {answer.raw_log}"
            except grpc.RpcError as error:  # the client simulates first, and that fails as a call
                if self._calls.broadcast:
                    raise Unconfirmed(
                        f"{self._silent(error)}: the transaction may have been carried out"
                    ) from None
                if error.code() in _ABSENT:
                    raise self._unavailable(error) from None
                text = str(error.details())
                code = SEQUENCE_MISMATCH if "account sequence mismatch" in text else -1
            if code == 0:
                return
            expected = _EXPECTED.search(text)
            if not again or code != SEQUENCE_MISMATCH or not expected:
                raise PermissionProblem(
                    f"the chain refused the transaction ({text[:300]})", "Nothing was changed by it."
                )
            wallet.sequence = int(expected[1])

    def _settled(self, look: Callable[[], T | None], problem: str) -> T:
        until = time.monotonic() + self._settle_s
        while True:
            try:
                found = look()
            except NetworkUnavailable as error:
                raise Unconfirmed(f"the transaction was accepted, but then {error.message}") from None
            if found is not None:
                return found
            if time.monotonic() > until:
                raise Unconfirmed(f"the transaction was accepted, but after {self._settle_s:.0f} s {problem}")
            time.sleep(POLL_S)

    def _paged(self, first: Any, more: Callable[[Any], Any], request: Any, name: str) -> list[Any]:
        """All entries of a list that the chain answers page by page; the client asks for the first page alone."""
        entries, page = list(getattr(first, name)), first.pagination.next_key
        for _ in range(PAGES_MAX):
            if not page:
                break
            following = request(pagination=PageRequest(key=page))
            answer = self._call(partial(more, following))
            entries += getattr(answer, name)
            page = answer.pagination.next_key
        return entries

    def _ask(self, asked: Awaitable[T]) -> T:
        return self._call(lambda: _run(asked))

    def _call(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except grpc.RpcError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Any) -> NetworkUnavailable:
        return NetworkUnavailable(
            self._silent(error), "Check the address and the network; 'sniper doctor' tells more."
        )

    def _silent(self, error: Any) -> str:
        return (
            f"the node {self.network.node} did not answer ({error.code().name} {str(error.details())[:300]})"
        )


_ABSENT: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


def _run(asked: Awaitable[T]) -> T:
    """The official client's methods are coroutines that block: one loop a call, and nothing is gained by more."""

    async def outcome() -> T:
        return await asked

    return asyncio.run(outcome())


def _standing(number: int, kind: str, config: bytes) -> Standing:
    try:
        return Standing(number, read(kind, config))
    except ValueError as error:
        return Standing(number, None, str(error))


def _official(rule: Rule) -> Authenticator:
    """The client's own tree of a rule."""
    match rule.type:
        case "AllOf" | "AnyOf":
            return Authenticator.compose(
                AuthenticatorType(rule.type), [_official(part) for part in rule.parts]
            )
        case "SignatureVerification":
            return Authenticator.signature_verification(bytes.fromhex(rule.allowed[0]))
        case "MessageFilter":
            return Authenticator.message_filter(",".join(rule.allowed))
        case "SubaccountFilter":
            return Authenticator.subaccount_filter(_whole(rule.allowed))
        case _:
            return Authenticator.clob_pair_id_filter(_whole(rule.allowed))


def _whole(numbers: Sequence[str]) -> list[int]:
    return [int(one) for one in numbers]
