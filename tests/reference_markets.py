"""`v4_markets` and the REST market list, for the decoder twin: the market table and its oracle prices."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tests.reference_contents import DOUBT, INEXACT, SNAPSHOT, Contents
from tests.reference_json import Members
from tests.reference_values import Decimal, fits, stripped

NEW, RETICKED = 256, 512
NUMS = (
    "tickSize",
    "stepSize",
    "oraclePrice",
    "priceChange24H",
    "volume24H",
    "nextFundingRate",
    "initialMarginFraction",
    "maintenanceMarginFraction",
    "openInterest",
    "openInterestLowerCap",
    "openInterestUpperCap",
    "defaultFundingRate1H",
)
WHOLES = (
    "clobPairId",
    "marketId",
    "atomicResolution",
    "quantumConversionExponent",
    "stepBaseQuantums",
    "subticksPerTick",
    "trades24H",
)
FIELDS = (*NUMS, *WHOLES, "status", "marketType")
ORACLE = frozenset(("oraclePrice", "price", "effectiveAt", "effectiveAtHeight", "marketId"))
STATUSES = ("", "ACTIVE", "PAUSED", "CANCEL_ONLY", "POST_ONLY", "INITIALIZING", "FINAL_SETTLEMENT")
TYPES = ("", "CROSS", "ISOLATED")
TICKER = re.compile(
    r"[!-.0-~]{1,108}"
)  # printable, no blank and no slash: candles are named TICKER/RESOLUTION
MARKETS_MAX = 1024


class MarketMaps(Contents):
    """Reads `markets`, `trading` and `oraclePrices`."""

    def market_maps(self, element: Members) -> None:
        """All maps of one object, in text order."""
        for key, value in self.take(element, frozenset(("markets", "trading", "oraclePrices"))).items():
            if not isinstance(value, Members):
                self.fail("BAD_VALUE")
                continue
            for ticker, fields in self.take(value, None).items():
                if self.text(ticker) is None:
                    continue
                if not isinstance(fields, Members) or not TICKER.fullmatch(ticker):
                    self.fail("BAD_VALUE")
                elif key == "oraclePrices":
                    self.oracle_update(ticker, fields)
                else:
                    self.market(ticker, fields)

    def edited(self, ticker: str) -> dict[str, Any]:
        """The staged market."""
        if ticker in self.staged:
            return self.staged[ticker]
        index = self.twin.index.get(ticker)
        if index is not None:
            old = self.twin.markets[index]
            self.staged[ticker] = old | {"num": dict(old["num"]), "whole": dict(old["whole"])}
            return self.staged[ticker]
        fresh = sum(m["index"] >= len(self.twin.markets) for m in self.staged.values())
        if len(self.twin.markets) + fresh >= MARKETS_MAX:
            self.fail("FULL")
        self.staged[ticker] = {
            "ticker": ticker,
            "index": len(self.twin.markets) + fresh,
            "status": 0,
            "type": 0,
            "num": {},
            "whole": {},
            "oracle_ns": 0,
            "oracle_height": 0,
            "known": set(),
        }
        return self.staged[ticker]

    def market(self, ticker: str, fields: Members) -> None:
        """Some or all fields of one market; null and empty ones count as absent."""
        members = self.take(fields, frozenset(FIELDS))
        market = self.edited(ticker)
        came: dict[str, Any] = {}
        oracle: Decimal | None = None
        flags = self.flags | (0 if market["known"] else NEW) | (SNAPSHOT if self.snapshot else 0)
        for key, value in members.items():
            if key in WHOLES:
                number = self.whole(value)
                came |= {} if number is None else {key: number}
            elif key in NUMS:
                found = self.statistic(value)
                if key == "oraclePrice":
                    oracle = found or (0, 0)
                if found is None:
                    continue
                exact = stripped(found) if key in ("tickSize", "stepSize") else found
                if (key in ("tickSize", "stepSize") and (exact[0] <= 0 or not fits(exact))) or (
                    key == "oraclePrice" and exact[0] < 0
                ):
                    self.fail("BAD_VALUE")
                flags |= 0 if abs(stripped(found)[0]) < 10**18 else INEXACT
                if exact[0] or key != "oraclePrice":
                    came[key] = exact
            elif value is not None:
                text = self.text(value) or ""
                names = STATUSES if key == "status" else TYPES
                came[key] = names.index(text) if text in names else 0
        last = market["num"].get("oraclePrice")
        for key in ("tickSize", "stepSize"):
            if key in came and key in market["num"] and came[key] != market["num"][key]:
                flags |= RETICKED
        self.store(market, came)
        if "oraclePrice" in came:  # when it took effect is not said here
            market["oracle_ns"] = market["oracle_height"] = 0
        mask = sum(1 << FIELDS.index(key) for key in came)
        update = {"ticker": ticker, "mask": mask, "values": came}
        self.row("MARKET", size=mask, market=market["index"], flags=flags, update=update)
        if oracle is not None:
            self.oracle_row(market, oracle, last, 0, 0)

    def store(self, market: dict[str, Any], came: dict[str, Any]) -> None:
        """Put the fields that came into the staged market."""
        market["known"] = market["known"] | came.keys()
        for key, value in came.items():
            if key in NUMS:
                market["num"][key] = value
            elif key in WHOLES:
                market["whole"][key] = value
            else:
                market["status" if key == "status" else "type"] = value

    def oracle_update(self, ticker: str, fields: Members) -> None:
        """One entry of `oraclePrices`."""
        members = self.take(fields, ORACLE)
        if {"oraclePrice", "price"} <= members.keys():
            self.fail("DUPLICATE_KEY")
        if "price" not in members and not self.needed(members, {"oraclePrice"}):
            return
        value = members.get("oraclePrice", members.get("price"))
        price = self.statistic(value) or (0, 0)
        if price[0] < 0:
            self.fail("BAD_VALUE")
        ns = self.time(members["effectiveAt"]) if "effectiveAt" in members else 0
        height = self.height(members.get("effectiveAtHeight")) or 0
        market = self.edited(ticker)
        last = market["num"].get("oraclePrice")
        if price[0]:
            self.store(market, {"oraclePrice": price})
            market["oracle_ns"], market["oracle_height"] = ns, height
        number = self.whole(members.get("marketId"))
        if number is not None:
            self.store(market, {"marketId": number})
        self.oracle_row(market, price, last, ns, height)

    def oracle_row(
        self, market: dict[str, Any], price: Decimal, last: Decimal | None, ns: int, height: int
    ) -> None:
        """The ORACLE row, with its doubts."""
        self.counts["oracles"] += 1
        flags = self.flags | (SNAPSHOT if self.snapshot else 0)
        flags |= 0 if abs(stripped(price)[0]) < 10**18 else INEXACT
        if price[0] == 0:
            flags |= DOUBT
            self.counts["oracle_empty"] += 1
        elif last is not None:
            before, now = Fraction(last[0], 10 ** last[1]), Fraction(price[0], 10 ** price[1])
            if abs(now - before) * 10 > before:
                flags |= DOUBT
                self.counts["oracle_jumps"] += 1
        self.row(
            "ORACLE",
            price=price,
            size=height,
            venue_ns=ns,
            market=market["index"],
            flags=flags,
            update=market["ticker"],
        )
