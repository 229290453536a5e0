"""The styles by name. Colour never carries a fact alone: every state is also a word or a sign."""

from __future__ import annotations

from rich.style import Style

STYLES: dict[str, Style] = {
    "": Style(),
    "strong": Style(bold=True),
    "dim": Style(color="#8b949e"),
    "label": Style(color="#6e9bc5"),
    "accent": Style(color="#e3b341", bold=True),
    "bid": Style(color="#3fb97c"),
    "bid strong": Style(color="#3fb97c", bold=True),
    "bid bar": Style(color="#23764d"),
    "ask": Style(color="#f2665c"),
    "ask strong": Style(color="#f2665c", bold=True),
    "ask bar": Style(color="#9c3a35"),
    "rising": Style(color="#3fb97c"),
    "falling": Style(color="#f2665c"),
    "masked": Style(color="#8b949e", strike=True),
    "good": Style(color="#3fb97c"),
    "warning": Style(color="#e3b341"),
    "critical": Style(color="#ffffff", bgcolor="#b62324", bold=True),
    "bar": Style(color="#ffffff", bgcolor="#1f4e79"),
    "bar strong": Style(color="#ffffff", bgcolor="#1f4e79", bold=True),
    "paper": Style(color="#1c1503", bgcolor="#e3b341", bold=True),
    "long 1": Style(color="#c9d4ce", bgcolor="#12291e"),
    "long 2": Style(color="#e4f2ea", bgcolor="#17492f"),
    "long 3": Style(color="#ffffff", bgcolor="#1f7a4b", bold=True),
    "short 1": Style(color="#d8cccb", bgcolor="#33191a"),
    "short 2": Style(color="#f5e6e5", bgcolor="#612524"),
    "short 3": Style(color="#ffffff", bgcolor="#a4332f", bold=True),
    "heat 1": Style(color="#ccd2da", bgcolor="#1b2634"),
    "heat 2": Style(color="#e6edf5", bgcolor="#274262"),
    "heat 3": Style(color="#ffffff", bgcolor="#336ba6", bold=True),
    "border": Style(color="#4f6f8f"),
    "title": Style(color="#9cc4ec", bold=True),
}

STYLES_16: dict[str, Style] = {
    **STYLES,
    "dim": Style(color="bright_black"),
    "label": Style(color="cyan"),
    "accent": Style(color="yellow", bold=True),
    "bid": Style(color="green"),
    "bid strong": Style(color="green", bold=True),
    "bid bar": Style(color="green"),
    "ask": Style(color="red"),
    "ask strong": Style(color="red", bold=True),
    "ask bar": Style(color="red"),
    "rising": Style(color="green"),
    "falling": Style(color="red"),
    "masked": Style(color="bright_black", strike=True),
    "good": Style(color="green"),
    "warning": Style(color="yellow"),
    "critical": Style(color="bright_white", bgcolor="red", bold=True),
    "bar": Style(color="bright_white", bgcolor="blue"),
    "bar strong": Style(color="bright_white", bgcolor="blue", bold=True),
    "paper": Style(color="black", bgcolor="yellow"),
    "long 1": Style(color="green"),
    "long 2": Style(color="green", bold=True),
    "long 3": Style(color="black", bgcolor="green"),
    "short 1": Style(color="red"),
    "short 2": Style(color="red", bold=True),
    "short 3": Style(color="bright_white", bgcolor="red"),
    "heat 1": Style(color="cyan"),
    "heat 2": Style(color="cyan", bold=True),
    "heat 3": Style(color="black", bgcolor="cyan"),
    "border": Style(color="blue"),
    "title": Style(color="cyan", bold=True),
}
"""For terminals with 16 colours, where the nearest of them would turn green into cyan and red into olive."""

WITHOUT_COLOR = {"falling": str.maketrans("┃╻╹╽╿", "█▄▀▄▀")}
"""Signs to use for a style on a terminal without colours."""

TRUST = {"live": "good", "crossed": "warning", "stale": "critical", "rebuilding": "warning", "empty": "dim"}
"""Style of a book's trust state."""

LINK = {
    "live": "good",
    "open": "good",
    "subscribing": "warning",
    "connecting": "warning",
    "waiting": "warning",
    "closed": "critical",
    "silent": "critical",
    "limited": "critical",
    "refused": "critical",
    "stopped": "dim",
}
"""Style of a connection's state."""

MODE = {"off": "bar strong", "paper": "paper", "live": "critical"}
"""Style of the way a session trades."""

RUNGS = (
    ("calm", "good"),
    ("open nothing", "warning"),
    ("cancel entries", "warning"),
    ("reduce", "critical"),
    ("flatten", "critical"),
)
"""Rungs of the liquidation ladder: what each does, and its style."""

STATE = {"normal": "good", "degraded": "warning", "critical": "critical", "emergency": "critical"}
"""Style of what still works of the way to the venue."""

SEVERITY = {"info": "dim", "warning": "warning", "critical": "critical"}
"""Style of an event."""


def sign(number: int) -> str:
    """Style of a number that may rise or fall."""
    return "bid" if number > 0 else "ask" if number < 0 else "dim"


def fills(style: Style) -> bool:
    """Whether a style shows on a blank."""
    return style.bgcolor is not None or bool(style.strike)
