"""The stand-in exchange's node as the peer of `sniper keys`: real gRPC, blocks that come a little later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sniper.exchange.facts import Outcome
from sniper.exchange.node.server import Certificate
from sniper.exchange.node.servicers import Treatment
from sniper.exchange.node.transactions import Node
from sniper.keys.networks import Network
from tests.chains import START_NS, AccountsChain
from tests.serving import Counter, served

OWNER = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"  # of the phrase "abandon ... about"


class SlowBlocks(Counter):
    """Ends a block only when it was asked `looks` times what became of a transaction. `sent`: transactions taken."""

    looks = 1

    def __init__(self, node: Node, now_ns: int) -> None:
        super().__init__(node, now_ns)
        self.due = 0
        self.sent: list[bytes] = []
        self.asked: list[str] = []

    def broadcast(self, tx: bytes) -> tuple[Outcome, str]:
        answer = super().broadcast(tx)
        self.sent.append(tx)
        self.due = self.looks if answer[0].code == 0 else 0
        return answer

    def treatment(self, method: str) -> Treatment:
        self.asked.append(method)
        if method.endswith("GetAuthenticators") and self.due:
            self.due -= 1
            if not self.due:
                self.block()
        return super().treatment(method)


class Peer(NamedTuple):
    """A running node. network: how it is reached."""

    counter: SlowBlocks
    network: Network

    @property
    def options(self) -> tuple[str, ...]:
        """How the command line names it."""
        return ("--network", "local", "--node", self.network.node, "--chain-id", self.network.chain_id)

    def kept(self, owner: str = OWNER) -> list[int]:
        """The numbers of an account's authenticators."""
        return [one.id for one in self.counter.node.authenticators.of(owner)]


@contextmanager
def running(certificate: Certificate | None = None) -> Iterator[Peer]:
    """A node with one funded account, OWNER."""
    chain = AccountsChain()
    chain.open(OWNER)
    counter = SlowBlocks(Node(chain), START_NS)
    with served(counter, certificate) as port:
        node = f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}"
        yield Peer(counter, Network(chain.terms.chain_id, node))
