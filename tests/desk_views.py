"""Views of the decision panels for their tests: made up, with everything that has a special look."""

from sniper.panels.desk_parts import (
    Danger,
    DecisionRow,
    Decisions,
    Funding,
    FundingRow,
    OrderRow,
    Orders,
    PositionRow,
    Positions,
    PowerCut,
    Risk,
    Session,
    SignalRow,
    Signals,
)
from sniper.panels.row import SECOND_NS, Row
from sniper.panels.view import Header, View

NOW_NS = 1_795_268_521 * SECOND_NS
HOSTILE = "\x1b[31mred\u202e\n"

VIEW = View(
    header=Header(
        "sim",
        "open",
        9,
        NOW_NS,
        "0123456789abcdef0123456789abcdef",
        12,
        "BTC-USD",
        session=Session(
            "paper",
            f"sniper{HOSTILE}",
            "9,123.50",
            "-31.50",
            -1,
            "doubtful",
            3,
            "kill",
            520,
            2,
            1,
            "degraded",
            "feed 3.4 s, limit 3 s",
            NOW_NS,
        ),
    ),
    signals=Signals(
        ("momentum", "atr", "book_10"),
        (True, False, True),
        (
            SignalRow("BTC-USD", (91, 70, 52)),
            SignalRow("ETH-USD", (9, 3, 35)),
            SignalRow("PEPE-USD", (None, 0, 50)),
        ),
        3,
    ),
    decisions=Decisions(
        "sniper",
        (
            DecisionRow(
                9, NOW_NS, "BTC-USD", "placed", "entry", "BUY", "0.01", "97123", 71, "sniper score 71"
            ),
            DecisionRow(
                8, NOW_NS, "ETH-USD", "refused", "entry", "SELL", "", "3600", 20, f"stress: {HOSTILE}"
            ),
            DecisionRow(7, NOW_NS, "", "withdrawn", "", "", "", "", 0, "behind the touch"),
        ),
        1234,
        17,
    ),
    risk=Risk(
        3,
        "kill",
        f"fire {HOSTILE}",
        "9123.5",
        "-12",
        1013,
        520,
        "4.10",
        (300, 400, 500, 700),
        (("BTC-USD -8%", 980), ("others +15%", None), ("nothing", 1100)),
        (
            Danger("BTC-USD", "0.5", "97000", "89123", 8.1, 6.3, 900.0),
            Danger("ETH-USD", "-3", "3600", "3699", 2.7, None, None),
            Danger("SOL-USD", "2", "180", "", None, None, None),
        ),
        2,
        "doubtful",
        PowerCut("-61.50", "-9123.5", "1800.00", 2, 3, "500.25", 1, 12, 1, 27 * 86_400 * SECOND_NS),
    ),
    positions=Positions(
        (
            PositionRow(
                "BTC-USD", "long", "0.5", "97123", "97000", "-61.5", -1, "24.2", "0.1", "96000", "80%", 3
            ),
            PositionRow("ETH-USD", "short", "-3", "3610", "3600", "30", 1, "5", "-0.2", "", "NONE", 12),
        ),
        "9123.5",
        "12",
        "-31.5",
        "29.2",
        "-0.1",
        14,
        (5, 6, 7, 12, 3),
        "12.00",
        "3.00",
    ),
    orders=Orders(
        (
            OrderRow(
                77, "BTC-USD", "SELL", "0.5", "0", "96000", "protect stop_loss", "acked", 61 * SECOND_NS, None
            ),
            OrderRow(78, "ETH-USD", "BUY", "3", "1", "3599", "entry post_only", "unknown", SECOND_NS, -2),
        ),
        2,
        1,
        69_900_148,
        True,
        False,
        69_900_140,
        9 * SECOND_NS,
        ("orders", "fills"),
        1,
    ),
    funding=Funding(
        125 * SECOND_NS,
        (
            FundingRow("BTC-USD", 12.5, 11.0, 9.25, 31, False, 8 * SECOND_NS, "-0.61"),
            FundingRow("ETH-USD", -3.0, -2.0, 0.0, 0, True, 3600 * SECOND_NS, ""),
        ),
        "-0.1",
    ),
)


def texts(rows: list[Row]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def fits(rows: list[Row], width: int, height: int) -> None:
    """Exactly as large as asked for, of printable characters of one cell."""
    assert len(rows) == height
    for text in texts(rows):
        assert len(text) == width and text.isprintable(), repr(text)
