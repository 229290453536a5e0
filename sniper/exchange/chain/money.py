"""USDC between wallets and subaccounts. Judged when asked, executed and judged again in the block."""

from __future__ import annotations

from sniper.exchange.chain import ledger
from sniper.exchange.chain.admission import bad_subaccount
from sniper.exchange.chain.codes import SDK, SENDING, SUBACCOUNTS, refuse
from sniper.exchange.chain.core import Core
from sniper.exchange.chain.market import CROSS_POOL
from sniper.exchange.facts import ACCEPTED, Outcome, SubaccountId, Transferred

BLOCKED_BLOCKS = 50
OUTAGE_NS = 300_000_000_000
DENOM = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5"
WALLET = -1


def pool_of(core: Core, subaccount: SubaccountId) -> int:
    """The pool of collateral in which an account's money lies: of its isolated market, if it holds one."""
    for perpetual in core.subaccount(subaccount).positions:
        return core.perpetuals[perpetual].pool
    return CROSS_POOL


def gated(core: Core, pool: int) -> tuple[int, int, int]:
    """Heights, 0 for never: a negative account seen, an outage seen, money moves again."""
    negative = core.negative_at.get(pool, 0)
    latest = max(negative, core.outage_at)
    return negative, core.outage_at, latest + BLOCKED_BLOCKS if latest else 0


def _is_wallet(party: SubaccountId) -> bool:
    return party.number == WALLET


def judge(core: Core, sender: SubaccountId, recipient: SubaccountId, quote: int) -> Outcome | None:
    """Why so many QQ may not go from one party to another; parties with number -1 are wallets."""
    for party in (sender, recipient):
        if not party.owner:
            return refuse(6, codespace=SENDING)
        if not _is_wallet(party) and (wrong := bad_subaccount(party)):
            return wrong
    if quote <= 0:
        return refuse(2, codespace=SENDING)
    if sender == recipient:
        return refuse(1, f"Sender is the same as recipient ({sender.owner}/{sender.number})", SENDING)
    if _is_wallet(sender):
        held = core.wallets.get(sender.owner, 0)
        if held < quote:
            detail = f"spendable balance {held}{DENOM} is smaller than {quote}{DENOM}"
            return refuse(5, detail, SDK)
        return None
    sub = core.subaccount(sender)
    if core.next_height <= gated(core, pool_of(core, sender))[2]:
        return refuse(102, "WithdrawalsAndTransfersBlocked", SUBACCOUNTS)
    if not ledger.may_pay(core, sub, quote):
        return refuse(
            102, f"Subaccount {sender.owner}/{sender.number}: NewlyUndercollateralized", SUBACCOUNTS
        )
    return None


def move(core: Core, sender: SubaccountId, recipient: SubaccountId, quote: int, tx_hash: str) -> Outcome:
    """In the block: carry a movement of money out."""
    wrong = judge(core, sender, recipient, quote)
    if wrong:
        return wrong
    for party, change in ((sender, -quote), (recipient, quote)):
        if _is_wallet(party):
            core.know(party.owner)
            core.wallets[party.owner] += change
        else:
            ledger.fund(core, party, change)
    core.news.append(Transferred(sender, recipient, quote, tx_hash))
    return ACCEPTED


def grant(core: Core, address: str, quote: int) -> Outcome:
    """New USDC into a wallet, at once."""
    if not address:
        return refuse(6, codespace=SENDING)
    if quote < 0:
        return refuse(2, codespace=SENDING)
    core.know(address)
    core.wallets[address] += quote
    core.supply += quote
    return ACCEPTED


def charge(core: Core, address: str, quote: int, collector: str) -> Outcome:
    """A transaction's fee from wallet to wallet, at once."""
    held = core.wallets.get(address, 0)
    if quote < 0 or held < quote:
        return refuse(5, f"spendable balance {held}{DENOM} is smaller than {quote}{DENOM}", SDK)
    if quote:
        core.know(collector)
        core.wallets[address] -= quote
        core.wallets[collector] += quote
    return ACCEPTED
