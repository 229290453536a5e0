"""A transaction taken apart: bytes as they were sent, the messages in them, and who says to have signed."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from v4_proto.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from v4_proto.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_DIRECT
from v4_proto.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw
from v4_proto.dydxprotocol.accountplus.tx_pb2 import TxExtension

from sniper.exchange.facts import Outcome
from sniper.exchange.node.codes import (
    INVALID_ADDRESS,
    INVALID_KEY,
    INVALID_REQUEST,
    MEMO_TOO_LARGE,
    NO_SIGNATURES,
    TX_PARSE,
    UNAUTHORIZED,
    UNKNOWN_EXTENSION,
    UNKNOWN_REQUEST,
)
from sniper.exchange.node.messages import (
    CLOB,
    ELSEWHERE,
    EXTENSION,
    KINDS,
    TRANSFER,
    has_unknown,
    is_short_term,
)
from sniper.exchange.node.signing import KEY_BYTES, is_address

TX_BYTES_MAX: Final = 1 << 20
MESSAGES_MAX: Final = 64
MEMO_MAX: Final = 256
PUBLIC_KEY: Final = "/cosmos.crypto.secp256k1.PubKey"


class Message(NamedTuple):
    """One message of a transaction."""

    url: str
    content: Any


class Transaction(NamedTuple):
    """What a transaction says; nothing of it is verified yet but its form."""

    body: bytes
    auth: bytes
    messages: tuple[Message, ...]
    signer: str
    short_term: bool
    clob: bool
    timeout_height: int
    authenticators: tuple[int, ...]
    public_key: bytes  # b"" where none was sent
    sequence: int
    signature: bytes
    gas_limit: int
    fee: tuple[tuple[str, str], ...]  # (denomination, amount as it was sent)


def hash_of(tx: bytes) -> str:
    """The hash of a transaction as the protocol writes it."""
    return hashlib.sha256(tx).hexdigest().upper()


def opened(tx: bytes, simulate: bool = False) -> Transaction | Outcome:
    """The transaction in these bytes, or why the chain would not look at it further."""
    raw, body, auth = TxRaw(), TxBody(), AuthInfo()
    try:
        raw.ParseFromString(tx)
        body.ParseFromString(raw.body_bytes)
        auth.ParseFromString(raw.auth_info_bytes)
    except DecodeError as error:
        return TX_PARSE.of(str(error))
    if has_unknown(raw) or has_unknown(body) or has_unknown(auth):
        return TX_PARSE.of("errUnknownField")
    messages = _messages(body)
    if isinstance(messages, Outcome):
        return messages
    wrong = _form(body, auth, raw.signatures, messages, simulate)
    if wrong is not None:
        return wrong
    selected = _selected(body)
    if isinstance(selected, Outcome):
        return selected
    if selected and len(selected) != len(messages):
        return INVALID_REQUEST.of(
            "Mismatch between the number of selected authenticators and messages, "
            f"msg count {len(messages)}, got {len(selected)} selected authenticators"
        )
    key = _key(auth)
    if isinstance(key, Outcome):
        return key
    return Transaction(
        body=raw.body_bytes,
        auth=raw.auth_info_bytes,
        messages=messages,
        signer=KINDS[messages[0].url].signer(messages[0].content),
        short_term=is_short_term(*messages[0]),
        clob=any(url in CLOB for url, _ in messages),
        timeout_height=body.timeout_height,
        authenticators=selected,
        public_key=key,
        sequence=auth.signer_infos[0].sequence,
        signature=raw.signatures[0] if raw.signatures else b"",
        gas_limit=auth.fee.gas_limit,
        fee=tuple((coin.denom, coin.amount) for coin in auth.fee.amount),
    )


def _messages(body: Any) -> tuple[Message, ...] | Outcome:
    if not body.messages:
        return INVALID_REQUEST.of("must contain at least one message")
    if len(body.messages) > MESSAGES_MAX:
        return INVALID_REQUEST.of(f"more than {MESSAGES_MAX} messages")
    messages = []
    for packed in body.messages:
        kind = KINDS.get(packed.type_url)
        if kind is None:
            if packed.type_url.startswith(ELSEWHERE):
                return UNKNOWN_REQUEST.of(f"{packed.type_url} is not executed by this stand-in exchange")
            return TX_PARSE.of(f"unable to resolve type URL {packed.type_url}")
        content = kind.message()
        try:
            content.ParseFromString(packed.value)
        except DecodeError as error:
            return TX_PARSE.of(str(error))
        if has_unknown(content):
            return TX_PARSE.of(f"errUnknownField {packed.type_url}")
        messages.append(Message(packed.type_url, content))
    return tuple(messages)


def _form(
    body: Any, auth: Any, signatures: Any, messages: tuple[Message, ...], simulate: bool
) -> Outcome | None:
    """The rules that need no state: how many of what, and that every signer is one and the same."""
    if body.extension_options:
        return UNKNOWN_EXTENSION.of("")
    wrong = _mixture(messages)
    if wrong is not None:
        return wrong
    if len(body.memo) > MEMO_MAX:
        return MEMO_TOO_LARGE.of(
            f"maximum number of characters is {MEMO_MAX} but received {len(body.memo)} characters"
        )
    signers = {KINDS[url].signer(content) for url, content in messages}
    for signer in sorted(signers):
        if not is_address(signer):
            return INVALID_ADDRESS.of(f"invalid signer {signer!r}")
    if not signatures and not simulate:
        return NO_SIGNATURES.of("")
    if len(signers) != 1 or len(auth.signer_infos) != 1 or len(signatures) > 1:
        return UNAUTHORIZED.of(
            f"invalid number of signer;  expected: {len(signers)}, got {max(len(signatures), len(auth.signer_infos))}"
        )
    mode = auth.signer_infos[0].mode_info
    if mode.WhichOneof("sum") not in (None, "single") or (
        not simulate and mode.single.mode != SIGN_MODE_DIRECT
    ):
        return UNAUTHORIZED.of("only SIGN_MODE_DIRECT of one key is supported")
    if auth.fee.payer not in ("", *signers) or auth.fee.granter:
        return UNAUTHORIZED.of("fee payer must be the first signer")
    return None


def _mixture(messages: tuple[Message, ...]) -> Outcome | None:
    """A short-term message stands alone; beside stateful ones at most one transfer (orders.md, section 4)."""
    if len(messages) == 1 or not any(url in CLOB for url, _ in messages):
        return None
    if any(is_short_term(*message) for message in messages):
        return INVALID_REQUEST.of(
            "a transaction containing short term MsgCancelOrder or MsgPlaceOrder or MsgBatchCancel "
            "may not contain more than one message"
        )
    transfers = sum(url == TRANSFER for url, _ in messages)
    if transfers > 1 or any(url not in (*CLOB, TRANSFER) for url, _ in messages):
        return INVALID_REQUEST.of(
            "a transaction containing MsgCancelOrder or MsgPlaceOrder may contain one MsgCreateTransfer "
            "and no other message"
        )
    return None


def _selected(body: Any) -> tuple[int, ...] | Outcome:
    for option in body.non_critical_extension_options:
        if option.type_url == EXTENSION:
            extension = TxExtension()
            try:
                extension.ParseFromString(option.value)
            except DecodeError as error:
                return TX_PARSE.of(str(error))
            return tuple(extension.selected_authenticators)
    return ()


def _key(auth: Any) -> bytes | Outcome:
    packed = auth.signer_infos[0].public_key
    if not packed.type_url:
        return b""
    if packed.type_url != PUBLIC_KEY:
        return INVALID_KEY.of(f"{packed.type_url} is not supported")
    key = PubKey()
    try:
        key.ParseFromString(packed.value)
    except DecodeError as error:
        return TX_PARSE.of(str(error))
    found: bytes = key.key
    return found if len(found) == KEY_BYTES else INVALID_KEY.of(f"{len(found)} bytes")
