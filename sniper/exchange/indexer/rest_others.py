"""REST: what the official client asks for besides trading: screening, rewards, affiliates, vaults, traders.

There are no rewards, affiliates or vaults at the stand-in: the answers have their shapes and are empty.
"""

from __future__ import annotations

from typing import Any, Final

from sniper.exchange.indexer.asking import Asked, Missing
from sniper.exchange.indexer.orders import owner_uuid

PERIODS: Final = ("DAILY", "WEEKLY", "MONTHLY")
RESOLUTIONS: Final = ("hour", "day")


def username(address: str) -> str:
    """The name that an address goes by: made from its id, so that it stays the same."""
    return f"Trader{owner_uuid(address, 0)[:8].upper()}"


def block_rewards(asked: Asked) -> Any:
    """Trading rewards a block."""
    _rewards(asked)
    return {"rewards": []}


def summed_rewards(asked: Asked) -> Any:
    """Trading rewards a period."""
    if asked.text("period") is None:
        asked.wrong(
            "period", f"period must be a valid Trading Reward Aggregation Period, one of {','.join(PERIODS)}"
        )
    asked.one_of("period", PERIODS)
    _rewards(asked)
    return {"rewards": []}


def _rewards(asked: Asked) -> None:
    asked.address(text="address must be a valid address")
    asked.limit()
    asked.when("startingBeforeOrAt")
    asked.height("startingBeforeOrAtHeight")
    asked.checked()


def _known(asked: Asked) -> str:
    address = asked.address()
    asked.checked()
    if address not in asked.state.accounts.of:
        raise Missing(f"Wallet with address {address} not found")
    return address


def affiliate_metadata(asked: Asked) -> Any:
    """An address as an affiliate."""
    address = _known(asked)
    return {"referralCode": username(address), "isVolumeEligible": False, "isAffiliate": False}


def affiliate_address(asked: Asked) -> Any:
    """Whose referral code it is."""
    code = asked.text("referralCode")
    if not code:
        asked.wrong("referralCode", "referralCode must be a valid string")
    asked.checked()
    for address in asked.state.accounts.of:
        if username(address) == code:
            return {"address": address}
    raise Missing(f"Referral code {code} does not exist")


def affiliate_snapshot(asked: Asked) -> Any:
    """All affiliates."""
    asked.limit()
    offset = asked.whole("offset", 0, 10**9, "offset must be a valid integer")
    asked.checked()
    return {"affiliateList": [], "total": 0, "currentOffset": offset or 0}


def affiliate_volume(asked: Asked) -> Any:
    """What an address has referred."""
    _known(asked)
    return {"totalVolume": 0}


def _resolution(asked: Asked) -> None:
    asked.one_of("resolution", RESOLUTIONS, f"type must be one of {','.join(RESOLUTIONS)}")
    asked.checked()


def megavault_pnl(asked: Asked) -> Any:
    """The vault's profit."""
    _resolution(asked)
    return {"megavaultPnl": []}


def vaults_pnl(asked: Asked) -> Any:
    """The profit of each market's vault."""
    _resolution(asked)
    return {"vaultsPnl": []}


def megavault_positions(asked: Asked) -> Any:
    """What the vaults hold."""
    asked.checked()
    return {"positions": []}


def trader_search(asked: Asked) -> Any:
    """A trader by address or name."""
    sought = asked.text("searchParam")
    if sought is None:
        asked.wrong("searchParam", "Invalid value")
    asked.checked()
    for address in asked.state.accounts.of:
        if sought in (address, username(address)):
            return {
                "result": {
                    "address": address,
                    "subaccountNumber": 0,
                    "subaccountId": owner_uuid(address, 0),
                    "username": username(address),
                }
            }
    return {}
