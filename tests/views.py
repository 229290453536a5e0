"""Views for the panel tests: made up, but shaped like a real run, and the same for the same seed."""

from random import Random

from sniper.decimals import fixed
from sniper.panels.view import (
    Bar,
    Book,
    Candles,
    Change,
    Event,
    Events,
    Feed,
    Header,
    Latency,
    Level,
    LinkRow,
    MarketRow,
    Markets,
    Pipeline,
    Print,
    Trades,
    View,
)

START_NS = 1_795_268_521_250_000_000
RAW = (
    '{"type":"channel_batch_data","connection_id":"6ae84b61-2a4d-4c32-9d5b-0ed5b1d04bb5","message_id":4711,'
    '"id":"BTC-USD","channel":"v4_orderbook","version":"1.0.0","contents":[{"bids":[["97123","2.5000"]]},'
    '{"asks":[["97131","0"]]},{"bids":[["97101","0.0512"]]}]}'
)


def levels(random: Random, touch: int, step: int, masked: int, count: int = 30) -> tuple[Level, ...]:
    """A side of a book; the first `masked` levels are masked."""
    side, total, price = [], 0, touch - step * masked
    for i in range(count):
        size = int(10 ** random.uniform(1.5, 5.5))
        total += 0 if i < masked else size
        text = fixed(total, 4, 4) if i >= masked else ""
        side.append(
            Level(fixed(price, 0, 0), fixed(size, 4, 4), text, total if i >= masked else 0, i < masked)
        )
        price += step * random.randint(1, 6)
    return tuple(side)


def book(random: Random, crossed: bool) -> Book:
    masked = 2 if crossed else 0
    return Book(
        "BTC-USD",
        "crossed" if crossed else "live",
        levels(random, 97123, -1, masked),
        levels(random, 97124, 1, 0),
        "97123",
        "97124",
        "97125" if crossed else "97123",
        "97124",
        1,
        "0.10",
        "97123.5",
        "97123.61",
        12,
        3_210_000_000,
        505,
        masked,
    )


def candles(random: Random, count: int = 150) -> Candles:
    bars, price = [], 97_120
    for i in range(count):
        close = price + random.randint(-30, 30)
        high, low = max(price, close) + random.randint(0, 15), min(price, close) - random.randint(0, 15)
        bars.append(
            Bar(
                START_NS // 60_000_000_000 * 60_000_000_000 + (i - count + 1) * 60_000_000_000,
                price,
                high,
                low,
                close,
                int(10 ** random.uniform(2, 4.6)),
                random.randint(1, 40),
            )
        )
        price = close
    return Candles("BTC-USD", "1MIN", 60_000_000_000, 0, 4, tuple(bars), 118, 0, 3)


def trades(random: Random) -> Trades:
    prints = tuple(
        Print(
            START_NS - i * random.randint(1, 900) * 10_000_000,
            random.choice(("BUY", "SELL")),
            str(97123 + random.randint(-3, 3)),
            fixed(int(10 ** random.uniform(1, 4.5)), 4, 4),
            "liquidated" if random.random() < 0.1 else "",
        )
        for i in range(60)
    )
    return Trades("BTC-USD", prints, 33_846, "1203.5512", "1011.0907", 543, 100, 2)


def markets(random: Random) -> Markets:
    names = [
        "BTC",
        "ETH",
        "SOL",
        "XRP",
        "DOGE",
        "LINK",
        "AVAX",
        "PEPE",
        "SUI",
        "NEAR",
        "APT",
        "ARB",
        "OP",
        "TIA",
        "WLD",
        "FARTCOIN",
        "ATOM",
        "DOT",
        "ADA",
        "LTC",
        "UNI",
        "BCH",
        "ETC",
        "FIL",
        "AAVE",
        "MKR",
        "CRV",
        "LDO",
        "SHIB",
        "TRX",
        "BNB",
        "TON",
        "SEI",
        "INJ",
        "RUNE",
        "STX",
        "JUP",
        "PYTH",
        "JTO",
        "WIF",
        "BONK",
        "ORDI",
    ]
    rows = []
    for i, name in enumerate(names):
        price = 97123.4567 / (i + 1) ** 2.2
        places = max(0, 5 - len(str(int(price))))
        rows.append(
            MarketRow(
                f"{name}-USD",
                f"{price:.{places + 1}f}",
                f"{price * 1.0001:.{places}f}",
                random.choice((1, 1, 1, 2, 8)),
                f"{random.uniform(-20, 20) / 1e4:+.5f}%",
                random.choice((-1, 1)),
                f"{random.uniform(-9, 9):+.2f}%",
                random.choice((-1, 1)),
                f"{random.randint(1, 999)}M",
                "live" if i % 9 else "stale" if i == 9 else "crossed",
                "PAUSED" if i == 13 else "",
            )
        )
    return Markets("BTC-USD", tuple(rows), 0, len(rows), tuple(row.ticker for row in rows))


def sample(seed: int = 1, crossed: bool = True) -> View:
    """A whole view."""
    random = Random(seed)
    cost = [Latency(210, 440, 12_300), Latency(80, 210, 9_100), Latency(1_400, 3_020, 450_000)]
    return View(
        Header(
            "sim",
            "open",
            123_456,
            START_NS,
            "0123456789abcdef0123456789abcdef",
            1234,
            "BTC-USD",
            (("live", 47), ("crossed", 2), ("stale", 1)),
            *cost,
            Latency(310_000, 640_000, 901_000),
        ),
        book(random, crossed),
        trades(random),
        candles(random),
        markets(random),
        Pipeline(
            123_456,
            0,
            3,
            0,
            len(RAW),
            RAW,
            3,
            (("LEVEL", "bid 97123 2.5000"), ("LEVEL", "ask 97131 removed"), ("LEVEL", "bid 97101 0.0512")),
            (
                Change("book", "bid 97123", "1.2000", "2.5000"),
                Change("book", "ask 97131", "0.0400", "removed"),
                Change("book", "bid 97101", "", "0.0512"),
                Change("candles", "1MIN close", "97120", "97123"),
            ),
            (("decode", 210), ("book", 80), ("trades", 60), ("candles", 82), ("links", 40)),
        ),
        Feed(
            (
                LinkRow(
                    0, "markets", "open", 612, 210_000, 1000, 0, 0, 0, 105_810_227, 610_000_000, 4_000_000
                ),
                LinkRow(
                    1, "books 1", "open", 602, 198_000, 998, 1, 0, 0, 105_810_227, 620_000_000, 7_000_000
                ),
                LinkRow(
                    2, "books 2", "silent", 0, 0, 871, 3, 2, 14, 105_810_190, 23_000_000_000, 22_500_000_000
                ),
            ),
            3,
            12,
            3_100,
            4096,
            4_194_304,
            121,
            0,
            "writing",
            12_300_000,
            2,
            "",
            3,
            41,
            92_100_000,
            120_000,
        ),
        Events(
            (
                Event(START_NS, "critical", "conn 2 silent for 22 s: books stale", 1, 9),
                Event(START_NS - 10**9, "warning", "conn 1 refused, off tick or step", 37, 8),
                Event(START_NS - 3 * 10**9, "warning", "resubscribe orderbook ETH-USD: crossed", 1, 7),
                Event(START_NS - 63 * 10**9, "info", "50 books live", 1, 2),
                Event(START_NS - 64 * 10**9, "info", "conn 0 open", 1, 1),
            ),
            38,
            1,
        ),
    )
