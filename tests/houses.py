"""Houses for tests: one market, little behind them, everything in virtual time."""

from __future__ import annotations

import json
from typing import Any

from sniper.exchange.chain.checks import faults
from sniper.exchange.facts import SubaccountId
from sniper.exchange.house import House, HouseSettings, Reply
from sniper.exchange.scenario import CALM, Scenario
from tests.wallets import address, an_order, signed, wallet

S = 1_000_000_000
ME = address(0)
SUB = SubaccountId(ME, 0)
FIRST = b'{"type":"connected"'
SMALL = HouseSettings(markets=("BTC-USD",), warm_up_ns=2 * S, limits=False)


def house(scenario: Scenario = CALM, **changes: Any) -> House:
    """A small house."""
    return House(SMALL._replace(**changes), scenario)


def run(one: House, seconds: float, step_s: float = 0.05) -> list[Any]:
    """Let it live and take what goes out."""
    found = []
    end_ns = one.now_ns + round(seconds * S)
    while one.now_ns < end_ns:
        one.advance(min(end_ns, one.now_ns + round(step_s * S)))
        found.extend(one.outgoing())
    return found


def blocks(one: House, count: int) -> None:
    """Let so many blocks end."""
    end = one.blocks + count
    while one.blocks < end:
        run(one, 0.05)


def asked(one: House, path: str, query: str = "") -> Any:
    """The answer to a REST request, which must be good."""
    status, _, body = one.rest(path, query)
    assert status == 200, body
    return json.loads(body)


def account_number(one: House, who: str = ME) -> int:
    """The number of an account, which is signed."""
    account = one.chain.account(who)
    assert account is not None
    return account.number


def tx(one: House, *messages: Any, key: int = 0, sequence: int | None = None, **more: Any) -> bytes:
    """A transaction of a test account, its numbers as the chain has them now."""
    account = one.chain.account(address(key))
    assert account is not None
    who = wallet(key, account.number, account.sequence if sequence is None else sequence)
    return signed(who, *messages, **more)


def order(
    one: House, buy: bool = True, quantums: int = 10_000_000, blocks_on: int = 5, **changes: Any
) -> Any:
    """An IOC order of 0.001 BTC with a limit 1 % through the oracle price."""
    price, exponent = one.chain.oracle(0)
    terms = one.chain.markets()[0]
    scale = exponent + 6 + terms.atomic_resolution - terms.quantum_conversion_exponent
    subticks = price * 10**scale if scale >= 0 else price // 10**-scale
    subticks = subticks * (101 if buy else 99) // 100 // terms.subticks_per_tick * terms.subticks_per_tick
    fields = {
        "side": 1 if buy else 2,
        "quantums": quantums,
        "subticks": subticks,
        "time_in_force": 1,
        "good_til_block": one.chain.height + blocks_on,
    }
    return an_order(ME, **fields | changes)


def send(one: House, *messages: Any, **more: Any) -> Reply:
    """Send and insist on nothing."""
    return one.send(tx(one, *messages, fee=more.pop("fee", 0), **more))


def held(one: House) -> int:
    """BQ of BTC that the first test account holds, as of the last block."""
    purse = one.chain.purse(SUB)
    assert purse is not None
    return sum(holding.quantums for holding in purse.holdings)


def wrong(one: House) -> list[str]:
    """Every invariant of the chain that is broken."""
    return faults(one.chain.core)
