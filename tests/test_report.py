"""report: one page that needs nothing else, drawn by a real browser, and the same bytes for the same run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper.backtest_document import backtest_document
from sniper.backtest_series import Series, scores_of
from sniper.backtesting import Result, backtest
from sniper.engine import Engine
from sniper.feed.bars import BarFeed, Quoting, grid_of
from tests import browser, paper_run
from tests.candles import bars_of, walk

pytest.importorskip("plotly")
from sniper import report

SECTIONS = ("equity", "price-0", "costs", "scores-0", "distance")


def run() -> tuple[Engine, Result, dict[str, Any]]:
    engine = paper_run.engine(strategy="macd")
    venue = paper_run.paper(engine, fill="bars")
    bars = bars_of(walk(1500, volatility=120))
    feed = BarFeed([(grid_of("BTC-USD", bars, None)[0], bars)], Quoting())
    result = backtest(engine, venue, feed.ticks(venue.due))
    return engine, result, backtest_document(engine, result, {"strategy": "macd <b>"})


@pytest.fixture(scope="module")
def page() -> str:
    return report.page(*run())


def test_the_same_run_gives_the_same_bytes(page: str) -> None:
    assert report.page(*run()) == page


def test_it_needs_nothing_else(page: str) -> None:
    shell = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "src=" not in shell and "<link" not in shell and "@import" not in shell
    assert "macd &lt;b&gt;" in shell and "<b>" not in shell
    assert all(f'<section id="{name}">' in shell for name in SECTIONS)


def test_a_browser_draws_it_without_a_network(page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    dom = browser.opened(path, tmp_path, "--dump-dom", "--window-size=1000,800")
    assert "<title>Backtest: macd &lt;b&gt;</title>" in dom
    for name in SECTIONS:
        section = dom[dom.index(f'<section id="{name}">') :]
        section = section[: section.index("</section>")]
        drawn = len(re.findall(r'class="(?:js-line|point|hm)', section)) + section.count("<image")
        assert drawn or name == "distance", f"nothing is drawn in {name}"
    assert dom.count('class="js-line"') >= 5


def test_its_screenshot_shows_curves(page: str, tmp_path: Path) -> None:
    path, shot = tmp_path / "report.html", tmp_path / "report.png"
    path.write_text(page, encoding="utf-8")
    browser.opened(path, tmp_path, f"--screenshot={shot}", "--window-size=640,1100")
    rows = browser.pixels(shot)
    found = browser.colors(rows)
    assert len(rows) == 1100 and len(found) > 50, "blank"
    for color in (report.INK, report.BAD):
        wanted = bytes.fromhex(color[1:])
        near = sum(
            count
            for seen, count in found.items()
            if all(abs(a - b) < 40 for a, b in zip(seen, wanted, strict=True))
        )
        assert near > 100, f"no curve of {color}"


def test_an_intensity_has_a_scale_from_nothing_on_and_a_direction_one_around_the_middle() -> None:
    _, result, _ = run()
    above, below = report.scores(result, 0).data
    for shown, kind, neutral in ((above, "directional", 50), (below, "intensity", 0)):
        assert list(shown.y) == [row[0] for row in SIGNAL_TABLE if row[1] == kind]
        assert (shown.zmin, shown.zmax) == (0, 100)
        palest = max(shown.colorscale, key=lambda step: int(step[1][1:], 16))
        assert palest[0] * 100 == neutral
    at = SIGNALS.index("rsi")
    kept = result.shown[:: -(-len(result.shown) // report.SCORES_MAX)]
    assert list(above.z[list(above.y).index("rsi")]) == [round(float(scores_of(s)[0][at]), 2) for s in kept]


def texts(figure: Any) -> list[str]:
    return [one.text for one in figure.layout.annotations]


def test_a_plot_without_anything_to_show_says_why() -> None:
    engine, result, _ = run()
    assert texts(report.trades(engine, result, 0)) == texts(report.distance(result)) == []
    never = [sample._replace(distance=None) for sample in result.shown]
    assert texts(report.distance(result._replace(shown=never))) == [report.NO_PRICE]
    idle = result._replace(shown=never, trips=[], curve=[one._replace(gross=0) for one in result.curve])
    assert texts(report.distance(idle)) == [report.NOTHING_HELD]
    assert texts(report.trades(paper_run.engine(), idle._replace(shown=[]), 0)) == ["no trade in this market"]


def test_markets_that_were_traded_are_shown_and_what_is_still_held_is_marked() -> None:
    engine = paper_run.run(430.0, markets=8)[0]
    desk = engine.desk
    assert desk is not None
    series = Series(engine, 1)
    series.take(engine.now_ns)
    _, result, _ = run()
    result = result._replace(shown=series.samples, trips=list(desk.trips.closed))
    traded = {trip.market for trip in result.trips} | set(desk.account.positions)
    markets = report.shown(engine, result)
    assert 0 < len(traded) <= len(markets) == 4 and traded <= set(markets) != {0, 1, 2, 3}
    market = next(iter(desk.account.positions))
    trip = desk.trips.facts(market)
    assert trip is not None
    _, long, short, _ = report.trades(engine, result, market).data
    here = [one for one in result.trips if one.market == market]
    assert len(long.x) + len(short.x) == len(here) + 1
    marked = (long, short)[trip.side]
    assert (
        marked.text[-1].endswith("still open")
        and desk.account.positions[market].size_quantums * (1 if trip.side == 0 else -1) > 0
    )


def test_ratios_that_cannot_be_said() -> None:
    assert report.share(None) == report.number(None) == "-"
    assert report.share(0.125) == "12.50 %" and report.number(1.5) == "1.50"
