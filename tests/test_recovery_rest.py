"""recovery_rest: the venue's book out of REST answers, or an error that says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sniper import recovery_rest
from sniper.errors import NetworkUnavailable
from sniper.reconcile_book import Execution, Held, VenueOrder
from sniper.recovery_rest import IndexerBook
from tests.durable import ADDRESS
from tests.indexer_book import Account, fill, id_of, order
from tests.loopback import Call, Reply, RestServer

TICKS = 100_000
"""A price of 100,000 in BTC-USD."""


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def book(account: Account) -> Iterator[IndexerBook]:
    with RestServer(account.reply) as server:
        yield IndexerBook(server.url, ADDRESS, 0)


def test_a_book_in_our_units(account: Account, book: IndexerBook) -> None:
    stop = {"type": "STOP_LIMIT", "reduceOnly": True, "triggerPrice": "95000", "side": "SELL"}
    ends = {"goodTilBlock": None, "goodTilBlockTime": "2026-01-02T00:00:00.000Z"}
    account.orders = [
        order(7),
        order(8, "FILLED", "0.0005", orderFlags=64, goodTilBlock=None),
        order(9, "UNTRIGGERED", orderFlags=32, **stop, **ends),
        order(10, "UNTRIGGERED", orderFlags=32, **stop | {"type": "TAKE_PROFIT_MARKET", "reduceOnly": None}),
    ]
    account.fills = [fill(1, 8, height=99, side="SELL"), fill(2, 8, height=40)]
    account.size = "-0.0002"
    found = book.ask(50)
    assert (found.height, found.position_height, found.fills_from, found.block_s) == (
        100,
        100,
        50,
        1_767_225_660,
    )
    assert found.orders == (
        VenueOrder(id_of(7), 7, "BTC-USD", 0, "OPEN", 5, 0, 0, 70, 0, False, TICKS),
        VenueOrder(id_of(8, 64), 8, "BTC-USD", 0, "FILLED", 5, 5, 64, 0, 0, False, TICKS),
        VenueOrder(
            id_of(9, 32),
            9,
            "BTC-USD",
            1,
            "UNTRIGGERED",
            5,
            0,
            32,
            0,
            1_767_312_000,
            True,
            TICKS,
            "stop_loss",
            TICKS * 95 // 100,
        ),
        VenueOrder(
            id_of(10, 32),
            10,
            "BTC-USD",
            1,
            "UNTRIGGERED",
            5,
            0,
            32,
            70,
            0,
            False,
            TICKS,
            "take_profit",
            TICKS * 95 // 100,
        ),
    )
    assert found.fills == (
        Execution("fill-1", id_of(8), "BTC-USD", 0, 1, 2_000_000, 20_000_000, 10_000, "LIMIT", 99, 100_000, 0, True,
                  1_767_225_600 * 10**9),
    )  # fmt: skip
    assert found.positions == (Held("BTC-USD", 0, -2_000_000, 100),)
    assert (book.clob_pair("ETH-USD"), book.clob_pair("NONE-USD")) == (1, None)


def test_an_account_that_was_never_funded_holds_nothing(account: Account, book: IndexerBook) -> None:
    account.statuses["addresses"] = 404
    found = book.ask(0)
    assert (found.positions, found.position_height) == ((), 100)


def test_all_pages_of_fills_are_read(
    account: Account, book: IndexerBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [fill(number, 7, height=100 - number) for number in range(40)]

    def pages(call: Call) -> list[dict[str, Any]]:
        limit = call.query.get("createdBeforeOrAtHeight")
        return [one for one in every if limit is None or int(one["createdAtHeight"]) <= int(limit)][:10]

    walk = recovery_rest.fill_pages
    monkeypatch.setattr(recovery_rest, "fill_pages", lambda *given: walk(*given, limit=10))
    reply = account.reply

    def paged(call: Call) -> Reply:
        account.fills = pages(call)
        return reply(call)

    with RestServer(paged) as server:
        found = IndexerBook(server.url, ADDRESS, 0).ask(70)
    assert sorted(one.height for one in found.fills) == list(range(70, 101))


@pytest.mark.parametrize(("endpoint", "status"), [("orders", 403), ("height", 404), ("addresses", 400)])
def test_what_was_not_answered_is_named(
    account: Account, book: IndexerBook, endpoint: str, status: int
) -> None:
    account.statuses[endpoint] = status
    with pytest.raises(NetworkUnavailable, match=rf"did not answer \w+: {status} .*no"):
        book.ask(0)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery_rest, "ANSWER_S", 0.3)
    with pytest.raises(NetworkUnavailable, match="did not answer perpetualMarkets"):
        IndexerBook("http://127.0.0.1:9", ADDRESS, 0).ask(0)


def test_what_cannot_be_believed_is_not(account: Account, book: IndexerBook) -> None:
    account.fills = [fill(1, 8, size="-1")]
    with pytest.raises(NetworkUnavailable, match="cannot be believed"):
        book.ask(0)


@pytest.mark.parametrize("height", ["abc", "9" * 5000, ""])
def test_a_height_that_is_no_number_is_not_believed(account: Account, book: IndexerBook, height: str) -> None:
    account.height = height
    with pytest.raises(NetworkUnavailable, match=r"cannot be believed|contradicts"):
        book.ask(0)


def test_of_two_heights_the_lower_counts_and_positions_must_fit(account: Account) -> None:
    heights = [500, 103]

    def told(call: Call) -> Reply:
        if call.path.endswith("height"):
            account.height = heights.pop(0) if heights else 100
        reply = account.reply(call)
        account.height = 100
        return reply

    with RestServer(told) as server:
        book = IndexerBook(server.url, ADDRESS, 0)
        assert book.ask(0).height == 103, "the first was false"
        account.height = 900

        def ahead(call: Call) -> Reply:
            account.height = 100 if call.path.endswith("height") else 900
            return account.reply(call)

    with RestServer(ahead) as server, pytest.raises(NetworkUnavailable, match="contradicts itself"):
        IndexerBook(server.url, ADDRESS, 0).ask(0)


def test_isolated_children_are_part_of_the_book(account: Account, book: IndexerBook) -> None:
    account.size, account.children = "0.0001", {128: "-0.0003", 256: ""}
    account.orders = [order(7), order(8, subaccountNumber=128)]
    account.fills = [fill(1, 7, height=99), fill(2, 8, height=98, subaccountNumber=128)]
    found = book.ask(50)
    assert found.positions == (Held("BTC-USD", 0, 1_000_000, 100), Held("BTC-USD", 128, -3_000_000, 100))
    assert [one.client_id for one in found.orders] == [7, 8]
    assert [(one.fill_id, one.subaccount) for one in found.fills] == [("fill-1", 0), ("fill-2", 128)]
