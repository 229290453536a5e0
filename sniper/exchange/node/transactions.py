"""The node's own judgement of a transaction, in the order of the chain's checks, and what becomes of it.

A short-term message meets the order book at once and leaves no trace of a transaction. A stateful one is judged at
once, too. Everything else is only checked for signature, sequence and fee; a block executes it, and what came of it
is told by `GetTx`. Source: chain app/ante.go, app/ante/*.go, x/clob/ante/*.go; orders.md, sections 4, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sniper.exchange.facts import ACCEPTED, Executed, Outcome
from sniper.exchange.interfaces import Account, Chain
from sniper.exchange.node import basics, codes
from sniper.exchange.node.authenticators import Authenticator, Authenticators, Request
from sniper.exchange.node.envelope import TX_BYTES_MAX, Transaction, hash_of, opened
from sniper.exchange.node.execution import Execution, in_message
from sniper.exchange.node.fees import COLLECTOR, USDC, fee_of, gas_of
from sniper.exchange.node.limits import SHORT, STATEFUL, RateLimits
from sniper.exchange.node.messages import BATCH_CANCEL, PLACE
from sniper.exchange.node.sequences import TIMESTAMP_FROM, Sequences
from sniper.exchange.node.signing import address_of, sign_bytes, verifies

CACHE_MAX: Final = 10_000
"""Transactions that the mempool remembers, valid or not."""
RECORDS_MAX: Final = 10_000
WAITING_MAX: Final = 5_000
"""Transactions that wait for a block: the mempool's own limit."""
MS: Final = 1_000_000


class Waiting(NamedTuple):
    """An accepted transaction that waits for its block."""

    hash: str
    tx: bytes
    signer: str
    public_key: bytes
    sequence: int
    fee: int
    gas_limit: int


class Record(NamedTuple):
    """A transaction of a block."""

    height: int
    now_ns: int
    outcome: Outcome
    tx: bytes
    gas_wanted: int
    gas_used: int


class Node:
    """Takes transactions for one chain. Plain calls with the time given; see `interfaces.Node`."""

    def __init__(self, chain: Chain) -> None:
        terms = chain.terms
        self.chain = chain
        self.authenticators = Authenticators()
        self.sequences = Sequences()
        self.limits = RateLimits(terms.short_term_per_blocks, terms.stateful_per_blocks)
        self.records: dict[str, Record] = {}
        self.cache: dict[str, None] = {}
        self.waiting: list[Waiting] = []
        self.executed: list[tuple[Waiting, Outcome]] = []
        self._execution = Execution(chain, self.authenticators)

    def broadcast(self, tx: bytes, now_ns: int) -> tuple[Outcome, str]:
        """Check a transaction and accept it or not: the outcome that CheckTx has, and the hash."""
        name = hash_of(tx)
        if len(tx) > TX_BYTES_MAX:
            return codes.TX_TOO_LARGE.bare, name
        if name in self.cache:
            return codes.IN_MEMPOOL.bare, name
        self.cache[name] = None
        if len(self.cache) > CACHE_MAX:
            del self.cache[next(iter(self.cache))]
        self.chain.touch(now_ns)
        found = opened(tx)
        if isinstance(found, Outcome):
            return found, name
        outcome = self._accept(found, tx, name)
        if outcome == codes.MEMPOOL_FULL.bare:
            del self.cache[name]  # it never came in
        return outcome, name

    def simulate(self, tx: bytes, now_ns: int) -> tuple[Outcome, int]:
        """What would become of it, and the gas that it would use. Signature and fee are not looked at."""
        self.chain.touch(now_ns)
        found = opened(tx, simulate=True)
        if isinstance(found, Outcome):
            return found, 0
        refused = self._form(found) or self._signed(found, simulate=True)
        if refused is not None:
            return refused, 0
        if found.clob:  # the order book is not touched when simulating
            return ACCEPTED, 0
        return self._execution.rehearse(found.messages), gas_of(found)

    def before_block(self, now_ns: int) -> None:
        """Execute what waits, in the order in which it came."""
        waiting, self.waiting = self.waiting, []
        self.sequences.take()
        for one in waiting:
            self.executed.append((one, self._deliver(one)))

    def after_block(self) -> None:
        """The block is committed: its transactions can be asked for. To be called before the chain's news are taken."""
        height, now_ns = self.chain.height, self.chain.now_ns
        failed = {
            news.tx_hash: news.outcome
            for news in self.chain.news
            if isinstance(news, Executed) and news.outcome.code
        }
        for one, judged in self.executed:
            outcome = judged if judged.code or one.hash not in failed else in_message(failed[one.hash], 0)
            found = opened(one.tx)
            used = gas_of(found) if isinstance(found, Transaction) else 0
            self.records[one.hash] = Record(height, now_ns, outcome, one.tx, one.gas_limit, used)
        self.executed.clear()
        while len(self.records) > RECORDS_MAX:
            del self.records[next(iter(self.records))]
        self.limits.forget(height)

    def authenticators_of(self, address: str) -> Sequence[Authenticator]:
        """The authenticators of an account."""
        return self.authenticators.of(address)

    def _accept(self, tx: Transaction, raw: bytes, name: str) -> Outcome:
        refused = self._form(tx)
        if refused is not None:
            return refused
        if not tx.short_term and len(self.waiting) >= WAITING_MAX:
            return codes.MEMPOOL_FULL.bare
        fee = self._fee(tx)
        if isinstance(fee, Outcome):
            return fee
        refused = self._signed(tx, simulate=False) or self._limited(tx)
        if refused is not None:
            return refused
        if tx.clob:
            outcome = self._execution.run(tx.messages, name, in_block=False)
            if outcome.code or tx.short_term:
                return outcome
        self.sequences.use(tx.signer, tx.sequence, self.chain.now_ns // MS)
        key = b"" if tx.authenticators else tx.public_key
        self.waiting.append(Waiting(name, raw, tx.signer, key, tx.sequence, fee, tx.gas_limit))
        return ACCEPTED

    def _form(self, tx: Transaction) -> Outcome | None:
        """What needs no account: messages in themselves, and heights."""
        for url, content in tx.messages:
            refused = basics.wrong(url, content)
            if refused is not None:
                return refused
        height = self.chain.height
        if tx.timeout_height and height > tx.timeout_height:
            return codes.TIMEOUT_HEIGHT.of(f"block height: {height}, timeout height: {tx.timeout_height}")
        url, content = tx.messages[0]
        if tx.short_term and url == PLACE and 0 < tx.timeout_height < content.order.good_til_block:
            return codes.INVALID_REQUEST.of(
                "timeout height (if non-zero) may not be less than `goodTilBlock` for a short-term place order"
            )
        return None

    def _fee(self, tx: Transaction) -> int | Outcome:
        """The fee, which must be in the wallet beside those that wait already."""
        fee = fee_of(tx)
        if isinstance(fee, Outcome) or not fee:
            return fee
        if self.chain.account(tx.signer) is None:
            return codes.UNKNOWN_ADDRESS.of(f"fee payer address: {tx.signer} does not exist")
        reserved = sum(one.fee for one in self.waiting if one.signer == tx.signer)
        free = self.chain.bank(tx.signer) - reserved
        if fee > free:
            return codes.INSUFFICIENT_FUNDS.of(
                f"spendable balance {max(free, 0)}{USDC} is smaller than {fee}{USDC}"
            )
        return fee

    def _signed(self, tx: Transaction, simulate: bool) -> Outcome | None:
        """Key, account, sequence and signature."""
        account = self.chain.account(tx.signer)
        if not tx.authenticators and tx.public_key and address_of(tx.public_key) != tx.signer:
            return codes.INVALID_KEY.of(
                f"pubKey does not match signer address {tx.signer} with signer index: 0"
            )
        if account is None:
            return codes.UNKNOWN_ADDRESS.of(f"account {tx.signer} does not exist")
        key = tx.public_key or account.public_key
        if not tx.authenticators and not key and not simulate:
            return codes.INVALID_KEY.of("pubkey on account is not set")
        if not tx.short_term:
            block_ms = self.chain.now_ns // MS
            refused = self.sequences.check(tx.signer, account.sequence, tx.sequence, block_ms)
            if refused is not None:
                return refused
        chain_id = self.chain.terms.chain_id
        signed = sign_bytes(tx.body, tx.auth, chain_id, account.number)
        if tx.authenticators:
            return self._permitted(tx, account, signed, simulate)
        if simulate or verifies(key, signed, tx.signature):
            return None
        return codes.UNAUTHORIZED.of(
            f"signature verification failed; please verify account number ({account.number}) and chain-id "
            f"({chain_id}): (unable to verify single signer signature)"
        )

    def _permitted(self, tx: Transaction, account: Account, signed: bytes, simulate: bool) -> Outcome | None:
        for place, ((url, content), number) in enumerate(zip(tx.messages, tx.authenticators, strict=True)):
            request = Request(
                url,
                content,
                signed,
                tx.signature,
                simulate,
                account.number,
                account.sequence,
                self.chain.terms.chain_id,
            )
            refused = self.authenticators.check(tx.signer, number, place, request)
            if refused is not None:
                return refused
        return None

    def _limited(self, tx: Transaction) -> Outcome | None:
        height = self.chain.height
        if tx.short_term:
            weight = 2 if tx.messages[0].url == BATCH_CANCEL else 1
            return self.limits.attempt(SHORT, tx.signer, weight, height)
        refused = None
        for url, _ in tx.messages:
            if url == PLACE:
                refused = self.limits.attempt(STATEFUL, tx.signer, 1, height) or refused
        return refused

    def _deliver(self, one: Waiting) -> Outcome:
        """What a block does with a transaction that was accepted."""
        found = opened(one.tx)
        assert isinstance(found, Transaction), "it was opened when it was accepted"
        account = self.chain.account(one.signer)
        assert account is not None, "accounts are never forgotten"
        if not found.clob:
            if one.sequence < TIMESTAMP_FROM and one.sequence != account.sequence:
                return codes.WRONG_SEQUENCE.of(
                    f"account sequence mismatch, expected {account.sequence}, got {one.sequence}"
                )
            charged = self.chain.charge(one.signer, one.fee, COLLECTOR)
            if charged.code:
                return charged
        if one.sequence < TIMESTAMP_FROM:
            self.chain.bump(one.signer, one.public_key or account.public_key)
        if found.clob:
            return ACCEPTED
        return self._execution.run(found.messages, one.hash, in_block=True)
