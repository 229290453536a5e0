"""report: one page that needs nothing else, drawn by a real browser, and the same bytes for the same run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sniper.backtest_document import backtest_document
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


def test_ratios_that_cannot_be_said() -> None:
    assert report.share(None) == report.number(None) == "-"
    assert report.share(0.125) == "12.50 %" and report.number(1.5) == "1.50"
