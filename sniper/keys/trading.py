"""What live trading takes from an opened key: the pair that signs, whose money it is, and by which permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sniper.errors import PermissionProblem
from sniper.keys.pair import key_pair

if TYPE_CHECKING:
    from dydx_v4_client.key_pair import KeyPair

    from sniper.keys.ring import Key


class TradingKey(NamedTuple):
    """Ready to sign. address: the account whose money is traded. authenticators: what a trader key names in each
    transaction; none for the owner's own key. markets: clob pair ids that it is for; None for all."""

    pair: KeyPair
    address: str
    authenticators: tuple[int, ...]
    markets: tuple[int, ...] | None


def trading_key(key: Key, chain_id: str, subaccount: int, owner_allowed: bool) -> TradingKey:
    """The key for trading this subaccount on this chain.

    PermissionProblem for an owner key, unless it is allowed expressly, and for a trader key that was not authorized
    for this chain and subaccount.
    """
    if key.may_withdraw:
        if not owner_allowed:
            raise PermissionProblem(
                f"{key.name} is an owner key, which may withdraw, so live trading does not take it",
                "Make a trader key with 'sniper keys create' and 'sniper keys authorize', or allow it in the config.",
            )
        return TradingKey(key_pair(key.secret), key.header.address, (), None)
    grant = key.header.grant(chain_id)
    if grant is None or subaccount not in grant.subaccounts:
        raise PermissionProblem(
            f"{key.name} was not authorized for subaccount {subaccount} on {chain_id}",
            f"Do it with 'sniper keys authorize {key.name} --owner NAME --market TICKER --subaccount {subaccount}'.",
        )
    return TradingKey(key_pair(key.secret), grant.owner, (grant.authenticator,), grant.markets)
