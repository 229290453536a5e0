"""Faucet and control: test funds as the testnet's faucet gives them, and faults switched by hand.

    POST /faucet/tokens        {"address": .., "subaccountNumber": 0, "amount": 100}   USDC into a subaccount
    POST /faucet/native-token  {"address": ..}                                         USDC for fees into the wallet
    GET  /state                                                                        height, faults, clients
    GET  /faults                                                                       every fault and what it takes
    POST /faults               {"fault": "answer_lost", "for_s": 5, "share": 0.5}      switches one on
    DELETE /faults/3, DELETE /faults                                                   switches one off, or all

It listens on the loopback interface only and takes JSON only, so that no web page can reach it by accident.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from aiohttp import web

from sniper.errors import NetworkUnavailable
from sniper.exchange.faults import FAULTS, SECOND_NS, Number
from sniper.exchange.house import House
from sniper.exchange.scenario import AT_S_MAX

HOST: Final = "127.0.0.1"
HOSTS: Final = (HOST, "localhost")
BODY_BYTES_MAX: Final = 64 << 10
CLOSE_S: Final = 1.0
FEE_MONEY: Final = 10_000_000
"""QQ that the faucet gives for fees."""
MILLION: Final = 1_000_000


class Control:
    """The port. turn: lets time pass up to now; told: wakes the sockets after something happened."""

    def __init__(self, house: House, turn: Callable[[], int], told: Callable[[], None], port: int) -> None:
        self._house = house
        self._turn = turn
        self._told = told
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. NetworkUnavailable where the port cannot be had."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[_own_host])
        app.add_routes(
            [
                web.post("/faucet/tokens", self._taking(self._tokens)),
                web.post("/faucet/native-token", self._taking(self._native)),
                web.get("/state", self._asking(self._state)),
                web.get("/faults", self._asking(lambda: faults_document())),
                web.post("/faults", self._taking(self._strike)),
                web.delete("/faults", self._asking(self._clear)),
                web.delete("/faults/{number:\\d{1,9}}", self._stop),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise NetworkUnavailable(
                f"faucet and control cannot listen on {HOST}:{self.port}: {error.strerror}",
                "--control-port takes another.",
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _asking(self, answer: Callable[[], dict[str, Any]]) -> Callable[[web.Request], Any]:
        async def answered(request: web.Request) -> web.Response:
            self._turn()
            found = answer()
            self._told()
            return web.json_response(found)

        return answered

    def _taking(
        self, act: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
    ) -> Callable[[web.Request], Any]:
        """A handler that takes a JSON object; what is wrong with it is told with 400."""

        async def answered(request: web.Request) -> web.Response:
            if request.content_type != "application/json":
                return _refused("the body must be application/json", 415)
            try:
                body = json.loads(await request.read())
                if not isinstance(body, dict):
                    raise ValueError("the body is not a JSON object")
                self._turn()
                status, found = act(body)
            except (ValueError, RecursionError) as error:
                return _refused(str(error))
            self._told()
            return web.json_response(found, status=status)

        return answered

    def _tokens(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        subaccount = body.get("subaccountNumber", 0)
        if isinstance(subaccount, bool) or not isinstance(subaccount, int):
            raise ValueError("subaccountNumber is not a whole number")
        outcome = self._house.fund(_address(body), subaccount, _quote(body.get("amount")))
        return _given(outcome.code, outcome.text)

    def _native(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        outcome = self._house.grant(_address(body), FEE_MONEY)
        return _given(outcome.code, outcome.text)

    def _strike(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        given = dict(body)
        name, for_s = given.pop("fault", None), given.pop("for_s", 0)
        if not isinstance(name, str):
            raise ValueError("fault is missing or not a text")
        if isinstance(for_s, bool) or not isinstance(for_s, int | float) or not 0 <= for_s <= AT_S_MAX:
            raise ValueError(f"for_s = {for_s!r} is not a time in seconds")
        trouble = self._house.strike(name, given, round(for_s * SECOND_NS))
        return 200, {"fault": name, "id": trouble.number if trouble else None}

    def _clear(self) -> dict[str, Any]:
        return {"stopped": [one.number for one in self._house.troubles.on if self._house.stop(one.number)]}

    async def _stop(self, request: web.Request) -> web.Response:
        self._turn()
        number = int(request.match_info["number"])
        if not self._house.stop(number):
            return _refused(f"no fault {number} is on", 404)
        self._told()
        return web.json_response({"stopped": [number]})

    def _state(self) -> dict[str, Any]:
        return state_document(self._house)


@web.middleware
async def _own_host(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what was asked under another name: a web page whose name was made to lead here."""
    if request.host.rsplit(":", 1)[0] not in HOSTS:
        return _refused(f"ask for {HOST}", 403)
    return await handler(request)


def state_document(house: House) -> dict[str, Any]:
    """Where the exchange stands."""
    return {
        "schema": "sniper.venue_state/1",
        "chain_id": house.chain.terms.chain_id,
        "seed": house.settings.seed,
        "scenario": house.scenario.name,
        "height": house.chain.height,
        "now_ns": house.now_ns,
        "seconds": (house.now_ns - house.start_ns) / SECOND_NS,
        "markets": {terms.ticker: terms.status for terms in house.chain.markets().values()},
        "faults": [
            {
                "id": one.number,
                "fault": one.fault,
                **{
                    key: list(value) if isinstance(value, tuple) else value
                    for key, value in one.parameters.items()
                },
                "ends_s": (one.until_ns - house.now_ns) / SECOND_NS if one.until_ns else None,
            }
            for one in house.troubles.on
        ],
        "struck": dict(sorted((house.troubles.struck + house.indexer.mischief.struck).items())),
        "events_left": house.events_left,
    }


def faults_document() -> dict[str, Any]:
    """Every fault, where it strikes, and what it takes."""
    return {
        "schema": "sniper.venue_faults/1",
        "faults": [
            {
                "fault": name,
                "side": fault.side,
                "what": fault.what,
                "lasts": fault.lasts,
                "parameters": {
                    key: {"default": one.default, "least": one.least, "most": one.most}
                    if isinstance(one, Number)
                    else {"default": one.default}
                    for key, one in fault.parameters.items()
                },
            }
            for name, fault in FAULTS.items()
        ],
    }


def _address(body: dict[str, Any]) -> str:
    address = body.get("address")
    if not isinstance(address, str):
        raise ValueError("address is missing or not a text")
    return address


def _quote(amount: Any) -> int:
    """An amount of USDC in QQ, cut off below a millionth."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        raise ValueError("amount is missing or not a number of USDC")
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        raise ValueError(f"amount {str(amount)[:40]!r} is not a number of USDC") from None
    if not value.is_finite() or abs(value) > 10**12:
        raise ValueError(f"amount {str(amount)[:40]!r} is out of bounds")
    return int(value * MILLION)


def _given(code: int, text: str) -> tuple[int, dict[str, Any]]:
    return (202, {"result": "success"}) if not code else (400, {"error": text, "code": code})


def _refused(text: str, status: int = 400) -> web.Response:
    return web.json_response({"error": text}, status=status)
