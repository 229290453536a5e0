"""backtest_document: the result as plain values."""

from __future__ import annotations

import json

from sniper.backtest_document import EQUITY_POINTS_MAX, backtest_document, thinned
from sniper.backtesting import backtest
from sniper.feed.bars import BarFeed, Quoting, grid_of
from sniper.scorecard import Sample
from tests import paper_run
from tests.candles import bars_of, walk


def test_every_figure_is_there_and_adds_up() -> None:
    engine = paper_run.engine(strategy="macd")
    venue = paper_run.paper(engine, fill="bars")
    bars = bars_of(walk(1500, volatility=120))
    feed = BarFeed([(grid_of("BTC-USD", bars, None)[0], bars)], Quoting())
    result = backtest(engine, venue, feed.ticks(venue.due))
    found = backtest_document(engine, result, {"strategy": "macd"})
    assert found["schema"] == "sniper.backtest/1" and found["digest"] == engine.digest
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    trades = found["trades"]
    assert len(trades) == found["score"]["trips"] == len(result.trips) > 0
    for trade in trades:
        net = float(trade["realised"]) - float(trade["fees"]) + float(trade["funding"])
        assert abs(net - float(trade["net"])) < 1e-6 and trade["opened"] < trade["closed"]
        gain = (trade["exit"] - trade["entry"]) * float(trade["size"]) * (1 if trade["side"] == "buy" else -1)
        assert abs(gain - float(trade["realised"])) < 0.01
    assert (
        found["equity"][0][1] == found["score"]["first_net"]
        and found["equity"][-1][1] == found["score"]["last_net"]
    )
    entries = [
        one for one in found["decisions"] if one["purpose"] == "entry" and one["outcome"] == "approved"
    ]
    assert entries and sum(one["count"] for one in found["decisions"]) == len(result.decisions)
    many = result._replace(curve=[Sample(i, i, 0) for i in range(10_001)])
    assert len(thinned(many)) <= EQUITY_POINTS_MAX + 1 and thinned(many)[-1].now_ns == 10_000
