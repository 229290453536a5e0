"""The report of a backtest: one HTML page that needs nothing else, the same bytes for the same run.

plotly draws; its script stands in the page, so that it works without a network. Elements have fixed ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import plotly.graph_objects as go
import plotly.io
import plotly.offline
from plotly.subplots import make_subplots

from sniper._ext.signals import SIGNAL_TABLE, SIGNALS
from sniper.backtest_document import price
from sniper.backtest_series import scores_of
from sniper.backtesting import Result
from sniper.engine import Engine
from sniper.feed.sim.text import iso
from sniper.trading import Trip
from sniper.trips_record import ClosedTrip

USDC: Final = 1e6
SHOWN_MAX: Final = 4
"""Markets with plots of their own."""
SCORES_MAX: Final = 512
"""Columns of a heat map: more are not told apart on a screen."""
SCORES_HEIGHT: Final = 520
GAP: Final = 0.05
NOTHING_HELD: Final = "nothing was held, so that nothing could be liquidated"
NO_PRICE: Final = "no price could have liquidated what was held"
TRADES_MAX: Final = 4096
GOOD, BAD, INK, SOFT = "#1a9e6c", "#d5484f", "#2f5ea8", "#8a93a6"
DIVERGING: Final = [[0.0, "#c8453f"], [0.5, "#f5f4f0"], [1.0, "#2a7f62"]]
ONE_SIDED: Final = [[0.0, "#f5f4f0"], [1.0, "#1d4f91"]]
"""Scores with a direction are neutral in the middle; of an intensity there is none at 0."""
SCALES: Final = (
    ("directional", "short 0, long 100", DIVERGING),
    ("intensity", "none 0, full 100", ONE_SIDED),
)
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
    tickers, markets = engine.decoder.tickers, shown(engine, result)
    title = f"Backtest: {document['strategy']}"
    parts: list[tuple[Any, ...]] = [
        ("equity", "Equity and drawdown", equity(result)),
        *(
            (f"price-{market}", f"Trades on price: {tickers[market]}", trades(engine, result, market))
            for market in markets
        ),
        ("costs", "Funding and fees", costs(result)),
        *(
            (f"scores-{market}", f"Score history: {tickers[market]}", scores(result, market), SCORES_HEIGHT)
            for market in markets
        ),
        ("distance", "Distance to liquidation", distance(result)),
    ]
    body = "".join(
        f'<section id="{name}"><h2>{escape(heading)}</h2>{drawn(figure, name, *height)}</section>\n'
        for name, heading, figure, *height in parts
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


def shown(engine: Engine, result: Result) -> list[int]:
    """The markets with plots of their own: those with most round trips, then those that are held, then the first."""
    kept = range(max((len(sample.prices) for sample in result.shown), default=0))
    trips = Counter(trip.market for trip in result.trips)
    ranks = {market: (-trips[market], not held(engine, market), market) for market in kept}
    return sorted(sorted(kept, key=lambda market: ranks[market])[:SHOWN_MAX])


def held(engine: Engine, market: int) -> Trip | None:
    """The round trip of a market that is open in the end."""
    return engine.desk.trips.facts(market) if engine.desk is not None else None


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
        margin={"l": 60, "r": 20, "t": 40, "b": 40},
        template="plotly_white",
        legend={"orientation": "h", "y": 1.08},
        hovermode="x unified",
    )
    figure.update_yaxes(exponentformat="none", separatethousands=True)
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
    figure.update_yaxes(title_text="USDC", row=1, col=1)
    figure.update_yaxes(title_text="%", row=2, col=1)
    return figure


def trades(engine: Engine, result: Result, market: int) -> Any:
    """The oracle price with entries and exits."""
    kept = [sample for sample in result.shown if market < len(sample.prices)]
    figure = go.Figure(
        line([iso(s.now_ns) for s in kept], [s.prices[market] for s in kept], "oracle price, USD", SOFT)
    )
    figure.update_yaxes(title_text="USD")
    trips = [trip for trip in result.trips if trip.market == market][-TRADES_MAX:]
    still = held(engine, market)
    opened: list[ClosedTrip | Trip] = [*trips]
    if still is not None:
        opened.append(still)
    for side, name, symbol, color in (
        (0, "long entry", "triangle-up", GOOD),
        (1, "short entry", "triangle-down", BAD),
    ):
        chosen = [trip for trip in opened if trip.side == side]
        causes = [
            trip.entry_cause if isinstance(trip, ClosedTrip) else f"{trip.cause}, still open"
            for trip in chosen
        ]
        moments = [(trip.opened_ns, trip.entry_ticks) for trip in chosen]
        figure.add_trace(marks(engine, market, moments, causes, name, symbol, color))
    moments = [(trip.closed_ns, trip.exit_ticks) for trip in trips]
    gains = [f"{trip.exit_kind} {trip.net / USDC:+.2f} USDC" for trip in trips]
    figure.add_trace(marks(engine, market, moments, gains, "exit", "x", INK))
    return figure if opened else said(figure, "no trade in this market", 0.95)


def marks(
    engine: Engine,
    market: int,
    moments: Sequence[tuple[int, float]],
    texts: Sequence[str],
    name: str,
    symbol: str,
    color: str,
) -> Any:
    """Entries or exits, (time, price in ticks) each, as marks on the price."""
    return go.Scatter(
        x=[iso(now_ns) for now_ns, _ in moments],
        y=[price(engine, market, ticks) for _, ticks in moments],
        text=[escape(text) for text in texts],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "size": 10, "color": color, "line": {"width": 1, "color": "#ffffff"}},
    )


def said(figure: Any, text: str, height: float = 0.5) -> Any:
    """The figure with a sentence in it; height: 0 at its bottom, 1 at its top."""
    return figure.add_annotation(
        text=text,
        x=0.5,
        y=height,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": 15, "color": SOFT},
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
    """Every signal's score in time, those with a direction above, on a scale of their own."""
    kept = [sample for sample in result.shown if market < len(sample.prices)]
    kept = kept[:: -(-len(kept) // SCORES_MAX)] if kept else kept
    times = [iso(sample.now_ns) for sample in kept]
    values = [scores_of(sample)[market].tolist() for sample in kept]
    groups = [[i for i, row in enumerate(SIGNAL_TABLE) if row[1] == kind] for kind, _, _ in SCALES]
    shares = [len(group) / len(SIGNALS) for group in groups]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=shares, vertical_spacing=GAP)
    bottom = 1.0
    for at, ((_, ends, colors), group, share_) in enumerate(zip(SCALES, groups, shares, strict=True)):
        height = share_ * (1 - GAP)
        figure.add_trace(
            go.Heatmap(
                x=times,
                y=[SIGNALS[i] for i in group],
                z=[[round(row[i], 2) for row in values] for i in group],
                zmin=0,
                zmax=100,
                colorscale=colors,
                colorbar={"title": ends, "len": height, "y": bottom - height / 2, "thickness": 14},
                name="",
            ),
            row=at + 1,
            col=1,
        )
        bottom -= height + GAP
    figure.update_yaxes(autorange="reversed", dtick=1)
    return figure


def distance(result: Result) -> Any:
    """Percent of the price to the nearest liquidation price; a sentence where there was never one."""
    times = [iso(sample.now_ns) for sample in result.shown]
    curve = line(times, [s.distance for s in result.shown], "to the nearest liquidation price, %", INK)
    figure = go.Figure(curve.update(mode="lines+markers", marker={"size": 4}, showlegend=True))
    figure.update_yaxes(title_text="%")
    if any(sample.distance is not None for sample in result.shown):
        return figure
    traded = any(sample.gross for sample in result.curve)
    figure.update_xaxes(visible=False).update_yaxes(visible=False).update_traces(showlegend=False)
    return said(figure, NO_PRICE if traded else NOTHING_HELD)
