"""Orders for tests: a decoder that knows two markets, and short names for what happens to an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sniper._ext.decode import Decoder
from sniper._ext.tape import Tape
from sniper.order_record import NOTHING, Evidence
from sniper.order_table import Transition
from sniper.orders import Orders, OrdersSettings
from sniper.running_digest import RunningDigest
from sniper.trading import Answer, Approved, Cancel, Fill, Intent, Order, OrderNews, Place, Withdraw
from sniper.types import REC_FRAME
from tests import messages as m

SECOND = 1_000_000_000
ADDRESS = "dydx1n56z5fhmemtffzkt2eqyf9kuc7ycjfs86mvqy7"
STEP_QUANTUMS = 1_000_000

IOC: dict[str, Any] = {"time_in_force": "ioc"}
STOP: dict[str, Any] = {
    "kind": "conditional",
    "trigger": "stop_loss",
    "trigger_ticks": 90_000,
    "reduce_only": True,
} | IOC

MARKETS: dict[str, dict[str, Any]] = {
    "BTC-USD": {
        "clobPairId": "0",
        "tickSize": "1",
        "stepSize": "0.0001",
        "atomicResolution": -10,
        "quantumConversionExponent": -9,
        "stepBaseQuantums": STEP_QUANTUMS,
        "subticksPerTick": 100000,
        "initialMarginFraction": "0.02",
        "maintenanceMarginFraction": "0.012",
        "openInterest": "500",
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "oraclePrice": "100000",
        "marketType": "CROSS",
    },
    "ETH-USD": {
        "clobPairId": "1",
        "tickSize": "0.1",
        "stepSize": "0.001",
        "atomicResolution": -9,
        "quantumConversionExponent": -9,
        "stepBaseQuantums": STEP_QUANTUMS,
        "subticksPerTick": 100000,
        "initialMarginFraction": "0.02",
        "maintenanceMarginFraction": "0.012",
        "openInterest": "9000",
        "openInterestLowerCap": "0",
        "openInterestUpperCap": "0",
        "oraclePrice": "4000",
        "marketType": "CROSS",
    },
}


def known(tape: Tape, found: dict[str, dict[str, Any]] | None = None) -> Decoder:
    """A decoder that was told of these markets."""
    decoder = Decoder(tape, 16)
    rows = [m.market(ticker, **fields) for ticker, fields in (found or MARKETS).items()]
    for rec in (m.connected(), m.markets(*rows)):
        decoder.apply([(0, 0, REC_FRAME, rec)])
    assert decoder.markets_n == len(rows)
    return decoder


class Scene:
    """Orders at height 100, and what may happen to them."""

    def __init__(self, **settings: Any) -> None:
        self.tape = Tape()
        self.decoder = known(self.tape)
        self.settings = OrdersSettings(address=ADDRESS, **settings)
        self.digest = RunningDigest(self.tape, "orders")
        self.orders = Orders(self.decoder, self.settings, self.digest)
        self.now_ns, self.height, self.indexer = 1_800_000_000 * SECOND, 100, 100
        self.fills = 0
        self.apply()

    def apply(
        self,
        news: Sequence[OrderNews] = (),
        fills: Sequence[Fill] = (),
        answers: Sequence[Answer] = (),
        evidence: Evidence = NOTHING,
    ) -> list[Transition]:
        return list(self.orders.apply(news, fills, answers, self.now_ns, self.height, self.indexer, evidence))

    def block(
        self, count: int = 1, evidence: Evidence = NOTHING, indexer: int | None = None
    ) -> list[Transition]:
        """So many blocks, all of which the Indexer has seen unless told otherwise."""
        self.height += count
        self.indexer = self.height if indexer is None else indexer
        self.now_ns += count * 640_000_000
        return self.apply(evidence=evidence)

    def wait(self, seconds: float) -> list[Transition]:
        self.now_ns += int(seconds * SECOND)
        return self.apply()

    def submit(self, *wanted: Intent | Withdraw) -> list[Place | Cancel]:
        approved = [Approved(one) for one in wanted if isinstance(one, Intent)]
        withdraws = [one for one in wanted if isinstance(one, Withdraw)]
        return self.orders.submit(approved, withdraws, self.now_ns, self.height)

    def place(self, **fields: Any) -> Order:
        """One order on its way."""
        (command,) = self.submit(intent(**fields))
        assert isinstance(command, Place)
        return self.of(command.client_id)

    def of(self, client_id: int) -> Order:
        found = self.orders.of(client_id)
        assert found is not None
        return found

    def state(self, order: Order) -> str:
        return self.of(order.client_id).state

    def answer(self, order: Order, code: int = 0, verb: str = "place", text: str = "") -> list[Transition]:
        return self.apply(answers=[Answer(verb, order.client_id, code, text)])

    def acked(self, **fields: Any) -> Order:
        order = self.place(**fields)
        self.answer(order)
        return self.of(order.client_id)

    def told(self, order: Order, status: str, **fields: Any) -> list[Transition]:
        return self.apply(news=[news(order, status, **fields)])

    def fill(self, order: Order, steps: int) -> list[Transition]:
        self.fills += 1
        return self.apply(fills=[fill(order, steps, f"fill-{self.fills}", self.height)])

    def withdraw(self, order: Order) -> list[Place | Cancel]:
        return self.submit(Withdraw(order.client_id, "changed my mind"))


def intent(**fields: Any) -> Intent:
    """A post-only entry of 10 steps of the first market."""
    usual: dict[str, Any] = {
        "market": 0,
        "side": 0,
        "price_ticks": 99_000,
        "size_steps": 10,
        "time_in_force": "post_only",
    }
    return Intent(**(usual | fields))


def news(order: Order, status: str = "", **fields: Any) -> OrderNews:
    """News of an order with nothing in it but its ids."""
    absent = OrderNews(
        order.order_id, order.client_id, order.market, status, "", -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
    )
    return absent._replace(**fields)


def fill(order: Order, steps: int, fill_id: str, height: int = 0) -> Fill:
    return Fill(
        fill_id,
        order.order_id,
        order.market,
        0,
        order.side,
        steps * STEP_QUANTUMS,
        order.price_ticks,
        0,
        0,
        0,
        False,
        "LIMIT",
        height,
        0,
    )


def replacing() -> tuple[Scene, Order]:
    """An order at height 102 whose replacement (20 steps at 98,000) is on its way."""
    scene = Scene()
    order = scene.acked()
    scene.block(2)
    scene.submit(Withdraw(order.client_id, "x"), intent(price_ticks=98_000, size_steps=20))
    return scene, order


def busy() -> Scene:
    """Orders in several states."""
    scene, _ = replacing()
    scene.acked(**STOP)
    scene.answer(scene.place(), 2003)
    scene.place(market=1)
    return scene
