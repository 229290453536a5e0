"""Accounts as lines of JSON: read strictly, put through the margin kernel, written back.

What the kernel does not hold exactly (amounts beyond 2 ** 61, decimals beyond 18 digits, margin fractions that no
chain allows) is worked out with Python's integers by the same rules, so that every account has its exact answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from sniper._ext.liquidation import Liquidation
from sniper._ext.tape import FIELD_NAMES, MARKET_DTYPE, Tape

MILLION = 10**6
DECIMALS = (
    "oraclePrice",
    "initialMarginFraction",
    "maintenanceMarginFraction",
    "openInterest",
    "openInterestLowerCap",
    "openInterestUpperCap",
)
WHOLE = FIELD_NAMES.index("clobPairId")  # fields from here on stand in Market.whole
ATOMIC = FIELD_NAMES.index("atomicResolution")
DIGITS = 20
"""Significant digits of a liquidation price."""
POSITIONS_MAX = 1000
WHOLE_DIGITS_MAX = 60
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
TAPE = Tape(1024, 1)
"""The kernel wants one; nothing is on it."""


class Market(NamedTuple):
    """What a margin needs of an Indexer market object, exact."""

    price: Decimal
    initial: Decimal
    maintenance: Decimal
    interest: Decimal
    lower: Decimal
    upper: Decimal
    atomic: int


class Account(NamedTuple):
    """USDC in quote quantums; (ticker, size in base quantums) of each position; markets by ticker."""

    usdc: int
    positions: tuple[tuple[str, int], ...]
    markets: Mapping[str, Market]


class Margin(NamedTuple):
    """Quote quantums; of each position its notional and its liquidation price in USD."""

    net: int
    initial: int
    maintenance: int
    positions: tuple[tuple[int, Fraction | None], ...]


# ---- reading ------------------------------------------------------------------------------------------------


def read(line: bytes) -> Account:
    """One account. ValueError, in one line of plain words, on anything else."""
    try:
        found = json.loads(
            line.strip().decode(),
            parse_int=_whole,
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    usdc = _field(found, "usdc_quantums", int)
    objects = _field(found, "markets", dict)
    sizes: dict[str, int] = {}
    for position in _field(found, "positions", list):
        ticker = _field(position, "market", str)
        if ticker in sizes:
            raise ValueError(f"two positions in {ticker}")
        if ticker not in objects:
            raise ValueError(f"a position in {ticker}, which is not among the markets")
        sizes[ticker] = _field(position, "size_quantums", int)
    markets = {}
    for ticker in sizes:
        try:
            markets[ticker] = _market(objects[ticker])
        except ValueError as error:
            raise ValueError(f"{ticker}: {error}") from None
    return Account(usdc, tuple(sizes.items()), markets)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key comes twice in one object")
    return made


def _whole(text: str) -> int:
    if len(text) > WHOLE_DIGITS_MAX:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


_TYPES = {int: "a whole number", dict: "an object", list: "a list", str: "a string"}


def _field(found: Any, name: str, kind: type) -> Any:
    if not isinstance(found, dict):
        raise ValueError(f"an object with {name} is needed, not {_shown(found)}")
    if name not in found:
        raise ValueError(f"{name} is missing")
    value = found[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{name} is {_shown(value)}, not {_TYPES[kind]}")
    return value


def _shown(value: Any) -> str:
    """A value in an error message."""
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _market(found: Any) -> Market:
    """The numbers of a market object; caps that are not there are 0."""
    atomic = _field(found, "atomicResolution", int)
    if abs(atomic) > 100:
        raise ValueError(f"atomicResolution is {atomic}")
    values = [_decimal(found, name) for name in DECIMALS]
    price, initial, maintenance, interest, lower, upper = values
    for name, value in zip(DECIMALS[:3], values, strict=False):
        if value is None:
            raise ValueError(f"{name} is missing")
    if not price:
        raise ValueError("oraclePrice is 0")
    if not initial and maintenance:
        raise ValueError("a maintenance margin without an initial margin")
    if upper and interest is None:
        raise ValueError("openInterest is missing, and it scales the initial margin")
    assert price is not None and initial is not None and maintenance is not None
    zero = Decimal(0)
    return Market(price, initial, maintenance, interest or zero, lower or zero, upper or zero, atomic)


def _decimal(found: dict[str, Any], name: str) -> Decimal | None:
    """A number or its text, None where it is absent, null or empty."""
    value = found.get(name)
    if value is None or value == "":
        return None
    number = None
    if isinstance(value, str):
        number = Decimal(value) if NUMBER.fullmatch(value) else None
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    if number is None or number < 0:
        raise ValueError(f"{name} is {_shown(value)}, not a number of at least 0")
    if (number and abs(number.adjusted()) > 100) or len(number.as_tuple().digits) > 200:
        raise ValueError(f"{name} is {_shown(value)}: too many digits")
    return number


# ---- working it out -----------------------------------------------------------------------------------------


def measured(account: Account) -> Margin:
    """The account's margin: by the kernel, or where that does not hold it, by Python's integers."""
    return in_kernel(account) or exactly(account)


def in_kernel(account: Account) -> Margin | None:
    """What the kernel says, None where it says that this is beyond it."""
    if len(account.positions) > POSITIONS_MAX:
        return None
    table = np.zeros(max(1, len(account.positions)), MARKET_DTYPE)
    for row, (ticker, _) in zip(table, account.positions, strict=False):
        if not _enter(row, account.markets[ticker]):
            return None
    kernel = Liquidation(TAPE, table, len(table), 1)
    kernel.set_usdc(0, account.usdc)
    for market, (_, size) in enumerate(account.positions):
        kernel.set_position(0, market, size)
    kernel.update()
    _, net, initial, maintenance, *_, computable = kernel.account(0)
    if not computable:
        return None
    shown = {int(one["market"]): int(one["notional"]) for one in kernel.positions[0] if one["size"]}
    positions = []
    for market in range(len(account.positions)):
        price = kernel.liquidation_price(0, market) if market in shown else None
        positions.append((shown.get(market, 0), None if price is None else Fraction(*price)))
    return Margin(net, initial, maintenance, tuple(positions))


def _enter(row: Any, market: Market) -> bool:
    """A row of the market table as the decoder would have written it. False: more digits than it holds."""
    known = 1 << ATOMIC
    row["whole"][ATOMIC - WHOLE] = market.atomic
    for name, value in zip(DECIMALS, market[:-1], strict=True):
        field = FIELD_NAMES.index(name)
        digits, exponent = value.as_tuple()[1:]
        assert isinstance(exponent, int)
        mantissa = int("".join(map(str, digits))) * 10 ** max(0, exponent)
        if mantissa >= 10**18 or exponent < -18:
            return False
        row["num"][field], row["dec"][field] = mantissa, max(0, -exponent)
        known |= 1 << field
    row["known"] = known
    return True


def exactly(account: Account) -> Margin:
    """The rules (docs/margin.md) in whole numbers of any size."""
    net, initial, maintenance = account.usdc, 0, 0
    parts = []
    for ticker, size in account.positions:
        market = account.markets[ticker]
        worth = int(size * _quotes_a_quantum(market))  # toward zero
        base = int(Fraction(market.initial) * MILLION)
        fraction = (
            int(Fraction(market.maintenance) / Fraction(market.initial) * MILLION) if market.initial else 0
        )
        own = _share(_share(abs(worth), base), fraction)
        net += worth
        initial += _share(abs(worth), _effective(market, base))
        maintenance += own
        parts.append((market, size, worth, own))
    positions = tuple(
        (worth, _liquidation_price(market, size, net - (maintenance - own)))
        for market, size, worth, own in parts
    )
    return Margin(net, initial, maintenance, positions)


def _quotes_a_quantum(market: Market) -> Fraction:
    return Fraction(market.price) * Fraction(10) ** (market.atomic + 6)


def _share(amount: int, ppm: int) -> int:
    return -(-amount * ppm // MILLION)


def _effective(market: Market, base: int) -> int:
    """Initial margin in ppm, scaled by the open interest."""
    interest = int(Fraction(market.interest) * Fraction(market.price) * MILLION)
    lower, upper = int(Fraction(market.lower) * MILLION), int(Fraction(market.upper) * MILLION)
    if not upper or interest <= lower:
        return base
    return MILLION if interest >= upper else base + (MILLION - base) * (interest - lower) // (upper - lower)


def _liquidation_price(market: Market, size: int, spare: int) -> Fraction | None:
    """(E - s p - M_o) / (|s| m - s); spare: E - M_o."""
    under = abs(size) * Fraction(market.maintenance) - size
    if not under:
        return None
    price = (spare - size * _quotes_a_quantum(market)) / (under * Fraction(10) ** (market.atomic + 6))
    return price if price > 0 else None


# ---- writing ------------------------------------------------------------------------------------------------


def document(account: Account, margin: Margin) -> dict[str, Any]:
    """The answer as it is printed."""
    return {
        "net_collateral": margin.net,
        "imr": margin.initial,
        "mmr": margin.maintenance,
        "free_collateral": margin.net - margin.initial,
        "positions": [
            {
                "market": ticker,
                "notional": worth,
                "liquidation_price": None if price is None else decimal_text(price),
            }
            for (ticker, _), (worth, price) in zip(account.positions, margin.positions, strict=True)
        ],
    }


def decimal_text(value: Fraction) -> str:
    """A positive number with DIGITS significant digits, half to even, without an exponent."""
    context = Context(prec=DIGITS, Emin=-10_000, Emax=10_000)
    found = context.divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{found.quantize(Decimal(1).scaleb(min(0, found.adjusted() - DIGITS + 1)), context=Context(prec=10_000)):f}"
