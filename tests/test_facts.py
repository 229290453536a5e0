"""facts: what a view says of a market is what tables, books and signals say, to the last bit."""

from __future__ import annotations

import pytest

from sniper._ext.facts import Facts
from sniper._ext.tape import FIELD_NAMES, STATUS_NAMES, TRUST_NAMES
from sniper.engine import Engine
from sniper.types import REC_REST, Record
from sniper.viewing import MarketFacts
from tests import messages as m
from tests import paper_run

NUMS = 12


@pytest.fixture(scope="module")
def engine() -> Engine:
    return paper_run.run(70.0, markets=4)[0]


def listed(now_ns: int, market: dict[str, object]) -> list[Record]:
    body = m.text({"markets": {"NEW-USD": market}})
    return [(now_ns, 0, REC_REST, b"perpetualMarkets 200 \n" + body)]


def naive(engine: Engine, market: int) -> MarketFacts:
    """The same from the public arrays, one value after the other."""
    desk, row = engine.desk, engine.decoder.markets[market]
    assert desk is not None

    def value(name: str) -> float:
        at = FIELD_NAMES.index(name)
        return int(row["num"][at]) / 10.0 ** int(row["dec"][at]) if int(row["known"]) >> at & 1 else 0.0

    bid, bid_steps, ask, ask_steps = engine.books.top(market)
    step_quantums = FIELD_NAMES.index("stepBaseQuantums")
    known = int(row["known"]) >> step_quantums & 1
    return MarketFacts(
        market=market,
        ticker=engine.decoder.ticker(market),
        status=STATUS_NAMES[int(row["status"])],
        isolated=int(row["type"]) == 2,
        trust=TRUST_NAMES[int(engine.books.tops["trust"][market])],
        bid_ticks=bid,
        bid_steps=bid_steps,
        ask_ticks=ask,
        ask_steps=ask_steps,
        tick_usd=value("tickSize"),
        step_coins=value("stepSize"),
        step_quantums=int(row["whole"][step_quantums - NUMS]) if known else 0,
        oracle_usd=value("oraclePrice"),
        oracle_ns=int(row["oracle_ns"]),
        funding_1h=value("nextFundingRate"),
        initial_fraction=value("initialMarginFraction"),
        maintenance_fraction=value("maintenanceMarginFraction"),
        open_interest_usd=value("openInterest") * value("oraclePrice"),
        sigma=float(desk.signals.sigmas[market]),
        drift=float(desk.signals.drifts[market]),
    )


def test_every_market_of_a_session(engine: Engine) -> None:
    assert engine.desk is not None
    for market in range(4):
        found = engine.desk.view.market(market)
        assert type(found) is MarketFacts and found == naive(engine, market)
        assert [type(value) for value in found] == [type(value) for value in naive(engine, market)]


def test_what_is_not_known_is_nothing_and_news_are_seen_at_once() -> None:
    engine = paper_run.engine()
    assert engine.desk is not None
    bare: dict[str, object] = {
        "ticker": "NEW-USD",
        "clobPairId": "9",
        "status": "PAUSED",
        "marketType": "ISOLATED",
    }
    engine.tick(1, listed(1, bare))
    first = engine.desk.view.market(0)
    assert first == naive(engine, 0) and (first.oracle_usd, first.step_quantums, first.mid_ticks) == (
        0.0,
        0,
        0.0,
    )
    assert (first.ticker, first.status, first.isolated, first.trust) == ("NEW-USD", "PAUSED", True, "empty")
    news = {**bare, "status": "ACTIVE", "oraclePrice": "12.5", "openInterest": "3", "stepBaseQuantums": 7}
    engine.tick(2, listed(2, news))
    then = engine.desk.view.market(0)
    assert then == naive(engine, 0)
    assert (then.status, then.oracle_usd, then.open_interest_usd, then.step_quantums) == (
        "ACTIVE",
        12.5,
        37.5,
        7,
    )


def test_a_market_that_is_not_known_is_an_error(engine: Engine) -> None:
    assert engine.desk is not None
    for market in (-1, 4, 1 << 20):
        with pytest.raises(IndexError):
            engine.desk.view.market(market)


def test_it_stands_alone(engine: Engine) -> None:
    assert engine.desk is not None
    facts = Facts(engine.decoder, engine.books, engine.desk.signals, MarketFacts, STATUS_NAMES, TRUST_NAMES)
    assert facts.of(2) == naive(engine, 2)
