"""What the chain answers when it refuses a transaction: code, codespace and the text that belongs to them.

Sources: cosmos-sdk types/errors/errors.go; dYdX v4-chain x/accountplus, x/sending, x/subaccounts types/errors.go.
A refusal reads "what is wrong: text of the code", as the SDK wraps its errors.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sniper.exchange.facts import Outcome


class Refusal(NamedTuple):
    """One registered error of the chain."""

    codespace: str
    code: int
    text: str

    def of(self, what: str) -> Outcome:
        """The outcome for this case: `what` in front of the registered text."""
        return Outcome(self.code, self.codespace, f"{what}: {self.text}" if what else self.text)

    @property
    def bare(self) -> Outcome:
        """Without any text, as the node's mempool answers before the chain sees a transaction."""
        return Outcome(self.code, self.codespace, "")


def undefined(what: str) -> Outcome:
    """An error that the chain has not registered."""
    return Outcome(1, "undefined", what)


TX_PARSE: Final = Refusal("sdk", 2, "tx parse error")
UNAUTHORIZED: Final = Refusal("sdk", 4, "unauthorized")
INSUFFICIENT_FUNDS: Final = Refusal("sdk", 5, "insufficient funds")
UNKNOWN_REQUEST: Final = Refusal("sdk", 6, "unknown request")
INVALID_ADDRESS: Final = Refusal("sdk", 7, "invalid address")
INVALID_KEY: Final = Refusal("sdk", 8, "invalid pubkey")
UNKNOWN_ADDRESS: Final = Refusal("sdk", 9, "unknown address")
INVALID_COINS: Final = Refusal("sdk", 10, "invalid coins")
OUT_OF_GAS: Final = Refusal("sdk", 11, "out of gas")
MEMO_TOO_LARGE: Final = Refusal("sdk", 12, "memo too large")
INSUFFICIENT_FEE: Final = Refusal("sdk", 13, "insufficient fee")
NO_SIGNATURES: Final = Refusal("sdk", 15, "no signatures supplied")
INVALID_REQUEST: Final = Refusal("sdk", 18, "invalid request")
IN_MEMPOOL: Final = Refusal("sdk", 19, "tx already in mempool")
MEMPOOL_FULL: Final = Refusal("sdk", 20, "mempool is full")
TX_TOO_LARGE: Final = Refusal("sdk", 21, "tx too large")
TIMEOUT_HEIGHT: Final = Refusal("sdk", 30, "tx timeout height")
UNKNOWN_EXTENSION: Final = Refusal("sdk", 31, "unknown extension options")
WRONG_SEQUENCE: Final = Refusal("sdk", 32, "incorrect account sequence")
INVALID_GAS_LIMIT: Final = Refusal("sdk", 41, "invalid gas limit")

RATE_LIMIT: Final = Refusal("clob", 5001, "Block rate limit exceeded")

SAME_ACCOUNT: Final = Refusal("sending", 1, "Sender is the same as recipient")
INVALID_AMOUNT: Final = Refusal("sending", 2, "Invalid transfer amount")
INVALID_PARTY: Final = Refusal("sending", 6, "Account address is invalid")
NOT_USDC: Final = Refusal("sending", 1101, "Non-USDC asset transfer not implemented")
INVALID_NUMBER: Final = Refusal("subaccounts", 200, "subaccount id number cannot exceed 128000")
INVALID_OWNER: Final = Refusal("subaccounts", 201, "subaccount id owner is an invalid address")

NO_AUTHENTICATOR: Final = Refusal("accountplus", 1, "Authenticator is not found")
AUTHENTICATOR_TOO_LONG: Final = Refusal("accountplus", 3, "Authenticator data exceeds maximum length")
WRONG_SIGNATURE: Final = Refusal("accountplus", 100, "Signature verification failed")
WRONG_MESSAGE: Final = Refusal("accountplus", 101, "Message type verification failed")
WRONG_PAIR: Final = Refusal("accountplus", 102, "Clob pair id verification failed")
WRONG_SUBACCOUNT: Final = Refusal("accountplus", 103, "Subaccount verification failed")
ALL_OF: Final = Refusal("accountplus", 104, "AllOf verification failed")
ANY_OF: Final = Refusal("accountplus", 105, "AnyOf verification failed")
