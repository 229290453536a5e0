"""The report of a backtest: one HTML page that needs nothing else, the same bytes for the same run.

plotly draws; its script stands in the page, so that it works without a network. Elements have fixed ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import plotly.graph_objects as go
import plotly.io
import plotly.offline
from plotly.subplots import make_subplots

from sniper._ext.signals import SIGNALS
from sniper.backtest_document import price
from sniper.backtesting import Result
from sniper.engine import Engine
from sniper.feed.sim.text import iso
from sniper.trips import ClosedTrip

USDC: Final = 1e6
SCORES_MAX: Final = 512
"""Columns of a heat map: more are not told apart on a screen."""
TRADES_MAX: Final = 4096
GOOD, BAD, INK, SOFT = "#1a9e6c", "#d5484f", "#2f5ea8", "#8a93a6"
DIVERGING: Final = [[0.0, "#c8453f"], [0.5, "#f5f4f0"], [1.0, "#2a7f62"]]
STYLE: Final = """
:root{color-scheme:light}
body{margin:0;background:#f4f5f7;color:#1c2330;font:15px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:17px;margin:0 0 8px}
p{margin:0 0 18px;color:#596275}
section{background:#fff;border:1px solid #e1e4ea;border-radius:8px;padding:16px 18px;margin:0 0 18px}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:12px 18px;margin:0}
dt{color:#596275;font-size:12px}dd{margin:0;font-size:18px;font-variant-numeric:tabular-nums}
"""


def page(engine: Engine, result: Result, document: dict[str, Any]) -> str:
    """The page of a result; document: what `backtest_document` made of it."""
    tickers = engine.decoder.tickers
    title = f"Backtest: {document['strategy']}"
    parts = [
        ("equity", "Equity and drawdown", equity(result)),
        *(
            (f"price-{market}", f"Trades on price: {tickers[market]}", trades(engine, result, market))
            for market in shown(result)
        ),
        ("costs", "Funding and fees", costs(result)),
        *(
            (f"scores-{market}", f"Score history: {tickers[market]}", scores(result, market))
            for market in shown(result)
        ),
        ("distance", "Distance to liquidation", distance(result)),
    ]
    body = "".join(
        f'<section id="{name}"><h2>{escape(heading)}</h2>{drawn(figure, name)}</section>\n'
        for name, heading, figure in parts
    )
    span = (
        f"{document['first']} to {document['last']}, {document['ticks']:,} ticks, digest {document['digest']}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n<script>{plotly.offline.get_plotlyjs()}</script></head>\n"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(span)}</p>\n"
        f'<section id="figures"><dl>{figures(document)}</dl></section>\n{body}</main></body></html>\n'
    )


def shown(result: Result) -> range:
    """The markets that samples were kept of."""
    return range(max((len(sample.prices) for sample in result.shown), default=0))


def figures(document: dict[str, Any]) -> str:
    """The figures as a list of terms."""
    score, near = document["score"], document["least_liquidation_distance"]
    rows = [
        ("Equity at the end", f"{float(score['last_net']):,.2f} USDC"),
        ("Return", share(score["return_ratio"])),
        ("Sharpe", number(score["sharpe"])),
        ("Sortino", number(score["sortino"])),
        ("Max drawdown", share(score["drawdown_ratio"])),
        ("Exposure", share(score["exposure_ratio"])),
        ("Turnover", number(score["turnover_ratio"])),
        ("Round trips", str(score["trips"])),
        ("Win rate", share(score["win_rate"])),
        ("Fees", f"{float(score['fees']):,.2f} USDC"),
        ("Fee share", share(score["fee_share"])),
        ("Funding", f"{float(score['funding']):,.2f} USDC"),
        ("Funding share", share(score["funding_share"])),
        ("Least liquidation distance", "-" if near is None else f"{near['percent']:.2f} %"),
        ("Liquidations", str(document["liquidations"])),
    ]
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)


def share(value: float | None) -> str:
    """A ratio in percent."""
    return "-" if value is None else f"{100 * value:.2f} %"


def number(value: float | None) -> str:
    """A ratio as it is."""
    return "-" if value is None else f"{value:.2f}"


def drawn(figure: Any, name: str, height: int = 380) -> str:
    """A figure as the element `<name>-plot`."""
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 20, "t": 10, "b": 40},
        template="plotly_white",
        legend={"orientation": "h", "y": 1.08},
        hovermode="x unified",
    )
    text: str = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        div_id=f"{name}-plot",
        config={"displaylogo": False, "responsive": True},
    )
    return text


def line(times: Sequence[str], values: Sequence[float | None], name: str, color: str, **more: Any) -> Any:
    """One curve."""
    return go.Scatter(
        x=list(times), y=list(values), name=name, mode="lines", line={"color": color, "width": 1.5, **more}
    )


def equity(result: Result) -> Any:
    """Net collateral, and below it its fall from the highest so far in percent."""
    times = [iso(sample.now_ns) for sample in result.shown]
    nets = [sample.net / USDC for sample in result.shown]
    peak, falls = nets[0], []
    for net in nets:
        peak = max(peak, net)
        falls.append(100 * (net / peak - 1) if peak > 0 else 0.0)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.05)
    figure.add_trace(line(times, nets, "equity, USDC", INK), row=1, col=1)
    figure.add_trace(line(times, falls, "drawdown, %", BAD), row=2, col=1)
    return figure


def trades(engine: Engine, result: Result, market: int) -> Any:
    """The oracle price with entries and exits."""
    kept = [sample for sample in result.shown if market < len(sample.prices)]
    figure = go.Figure(
        line([iso(s.now_ns) for s in kept], [s.prices[market] for s in kept], "oracle price, USD", SOFT)
    )
    trips = [trip for trip in result.trips if trip.market == market][-TRADES_MAX:]
    for name, chosen, symbol, color in (
        ("long entry", [t for t in trips if t.side == 0], "triangle-up", GOOD),
        ("short entry", [t for t in trips if t.side == 1], "triangle-down", BAD),
    ):
        figure.add_trace(marks(engine, chosen, name, symbol, color, True))
    figure.add_trace(marks(engine, trips, "exit", "x", INK, False))
    return figure


def marks(
    engine: Engine, trips: Sequence[ClosedTrip], name: str, symbol: str, color: str, entry: bool
) -> Any:
    """Entries or exits as marks on the price."""
    return go.Scatter(
        x=[iso(trip.opened_ns if entry else trip.closed_ns) for trip in trips],
        y=[price(engine, trip.market, trip.entry_ticks if entry else trip.exit_ticks) for trip in trips],
        text=[
            escape(trip.entry_cause) if entry else f"{escape(trip.exit_kind)} {trip.net / USDC:+.2f} USDC"
            for trip in trips
        ],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "size": 9, "color": color},
    )


def costs(result: Result) -> Any:
    """Fees paid and funding received so far."""
    times = [iso(sample.now_ns) for sample in result.shown]
    figure = go.Figure(line(times, [s.fees / USDC for s in result.shown], "fees paid, USDC", BAD, shape="hv"))
    figure.add_trace(
        line(times, [s.funding / USDC for s in result.shown], "funding received, USDC", GOOD, shape="hv")
    )
    return figure


def scores(result: Result, market: int) -> Any:
    """Every signal's score in time: 50 is neutral for those that have a direction."""
    kept = [sample for sample in result.shown if market < len(sample.scores)]
    kept = kept[:: -(-len(kept) // SCORES_MAX)] if kept else kept
    return go.Figure(
        go.Heatmap(
            x=[iso(sample.now_ns) for sample in kept],
            y=list(SIGNALS),
            z=[[round(sample.scores[market][i], 2) for sample in kept] for i in range(len(SIGNALS))],
            zmin=0,
            zmax=100,
            colorscale=DIVERGING,
            colorbar={"title": "score"},
        )
    )


def distance(result: Result) -> Any:
    """Percent of the price to the nearest liquidation price; nothing where nothing is held."""
    times = [iso(sample.now_ns) for sample in result.shown]
    curve = line(times, [s.distance for s in result.shown], "to the nearest liquidation price, %", INK)
    return go.Figure(curve.update(mode="lines+markers", marker={"size": 4}, showlegend=True))
