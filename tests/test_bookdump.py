"""bookdump: raw books and trades as exact texts, best first."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

from sniper.bookdump import books
from sniper.engine import Engine
from tests import played, real


def engine_over(frames: list[bytes]) -> Engine:
    engine = Engine(played.SETTINGS)
    for now_ns, records in played.turns(frames):
        engine.tick(now_ns, records)
    return engine


def by_hand(frames: list[bytes]) -> dict[str, dict[str, Any]]:
    """The same from JSON alone."""
    sides: dict[str, dict[str, dict[Decimal, str]]] = {t: {"bids": {}, "asks": {}} for t in played.MARKETS}
    trades: dict[str, list[dict[str, str]]] = {t: [] for t in played.MARKETS}
    for frame in frames:
        said = json.loads(frame)
        if said.get("channel") == "v4_trades":
            trades[said["id"]] += said["contents"]["trades"]
        if said.get("channel") != "v4_orderbook" or b'"x"' in frame:
            continue
        for side, levels in said["contents"].items():
            for level in levels:
                price, size = level.values() if isinstance(level, dict) else level
                sides[said["id"]][side].pop(Decimal(price), None)
                if size != "0":
                    sides[said["id"]][side][Decimal(price)] = size
    return {
        ticker: {
            "bids": [[str(p), book["bids"][p]] for p in sorted(book["bids"], reverse=True)],
            "asks": [[str(p), book["asks"][p]] for p in sorted(book["asks"])],
            "trades": {
                "count": len(trades[ticker]),
                "last_price": trades[ticker][-1]["price"] if trades[ticker] else None,
                "buy_volume": volume(trades[ticker], "BUY"),
                "sell_volume": volume(trades[ticker], "SELL"),
            },
        }
        for ticker, book in sides.items()
    }


def volume(trades: list[dict[str, str]], side: str) -> str:
    total = sum((Decimal(t["size"]) for t in trades if t["side"] == side), Decimal(0))
    return f"{total.normalize():f}"


def test_books_equal_those_kept_by_hand() -> None:
    for count in (4, 40, 900):
        frames = played.frames(count)
        assert books(engine_over(frames)) == by_hand(frames)


def test_markets_without_book_and_trade_are_left_out() -> None:
    assert books(engine_over(played.frames(2))) == {}


def test_the_end_of_a_real_recording() -> None:
    name = "dydx-fullnode-stream/derived/2024-12-19_t0.derived_"
    markets = json.loads(real.read("dydx-perpetual-markets/market_info_2024-11.json.gz"))
    engine = Engine()
    body = json.dumps(markets if "markets" in markets else {"markets": markets}).encode()
    engine.tick(0, [(0, 0, 1, b"perpetualMarkets 200 \n" + body)])
    for line in real.lines(name + "indexer_ws.jsonl.gz"):
        said = json.loads(line)
        now_ns = said["recv_ms"] * 1_000_000
        engine.tick(now_ns, [(now_ns, 1, 0, json.dumps(said["msg"]).encode())])
    wanted = json.loads(gzip.decompress(real.path(name + "books_start_end.json.gz").read_bytes()))["end"][
        "books"
    ]
    found = books(engine)
    for ticker, book in wanted.items():
        for side in ("bids", "asks"):
            top = [(Decimal(level["price"]), Decimal(level["size"])) for level in book[side][:50]]
            assert [(Decimal(p), Decimal(s)) for p, s in found[ticker][side][:50]] == top
