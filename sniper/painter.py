"""The painter: turns rows of cells into what a terminal must be sent, and sends only what changed.

Borders are painted once, with rich's Panel. After that each panel's rows are compared, as tuples, with
those on the screen, and a row that differs is written at its place: cursor move, styles, text. Layout and
measuring are nearly all of the cost of a rich draw, and here the geometry is fixed once. Nothing is written
by the painter itself; `take` hands the text over.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

from rich.box import ASCII, ROUNDED
from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.panel import Panel
from rich.style import Style
from rich.text import Text

from sniper._ext.brush import Brush
from sniper.panels.palette import STYLES, STYLES_16, WITHOUT_COLOR, fills
from sniper.panels.row import Row, clean

SYNC_START, SYNC_END = (
    b"\x1b[?2026h",
    b"\x1b[?2026l",
)  # terminals that know it show a draw at once, others ignore it
RESET = "\x1b[0m"
COLOR_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}
TO_ASCII = str.maketrans(
    {
        **dict.fromkeys("─╴", "-"),
        **dict.fromkeys("│┃╵╷╹╻╽╿", "|"),
        **dict.fromkeys("╭╮╰╯", "+"),
        **dict.fromkeys("▋▊▉█▀▄▅▆▇", "#"),
        **dict.fromkeys("▍▌▂▃", "="),
        **dict.fromkeys("▏▎▁▒", ":"),
        **dict(zip("▸◂→…·\u00d7µ", "><>~.xu", strict=True)),
    }
)
"""Signs for a terminal without Unicode, one for one."""


class Box(NamedTuple):
    """A place on the screen, border included; x and y count from 0. Without a title there is no border."""

    name: str
    x: int
    y: int
    width: int
    height: int
    title: str = ""
    subtitle: str = ""

    @property
    def inner(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the rows: within border and one blank cell at each side."""
        if not self.title:
            return self.x, self.y, self.width, self.height
        return self.x + 2, self.y + 1, max(0, self.width - 4), max(0, self.height - 2)


class Painter:
    """Knows what is on the screen. `console` says which colours there are and whether it takes Unicode."""

    def __init__(self, console: Console) -> None:
        self.ascii_only = not console.encoding.lower().startswith("utf")
        self._console = Console(
            file=StringIO(),
            force_terminal=True,
            legacy_windows=False,
            no_color=console.no_color,
            width=80,
            height=25,
        )
        self._colors = COLOR_SYSTEMS.get(console.color_system or "")
        self._reset = RESET if self._colors is not None else ""
        self._styles = STYLES_16 if self._colors is ColorSystem.STANDARD else STYLES
        prefixes = {name: self._prefix(style).encode() for name, style in self._styles.items()}
        filled = [name for name, style in self._styles.items() if fills(style)]
        swaps = WITHOUT_COLOR if console.no_color or self._colors is None else {}
        self._brush = Brush(prefixes, filled, swaps, clean)
        self._shown: dict[str, list[Row]] = {}
        self._moves: dict[str, list[bytes]] = {}
        self.rows_painted = 0
        """Rows written since the painter was made."""

    def frame(self, boxes: Sequence[Box]) -> None:
        """Clear the screen and paint the borders; every row counts as changed after that."""
        self._shown = {}
        self._moves = {}
        self._brush.take()
        self._brush.write(f"{self._reset}{Control.clear()}".encode())
        for box in boxes:
            x, y, _, height = box.inner
            self._moves[box.name] = [str(Control.move_to(x, y + i)).encode() for i in range(height)]
            if box.title and box.width > 3 and box.height > 1:
                self._border(box)

    def forget(self) -> None:
        """Every row counts as changed; the borders stay."""
        self._shown = {}

    def paint(self, name: str, rows: Sequence[Row]) -> None:
        """Bring the rows of one box up to date."""
        shown, moves = self._shown.get(name), self._moves[name]
        if shown is None:
            shown = self._shown[name] = [()] * len(moves)
        self.rows_painted += self._brush.paint(shown, moves, rows)

    def take(self) -> bytes:
        """What the terminal must be sent, in UTF-8 or ASCII; empty when nothing changed."""
        data = self._brush.take()
        if not data:
            return b""
        if self.ascii_only:
            data = data.decode().translate(TO_ASCII).encode("ascii", "replace")
        return b"".join((SYNC_START, data, self._reset.encode(), SYNC_END))

    def _prefix(self, style: Style) -> str:
        """The escape sequence that sets this style from whatever was set before."""
        if self._colors is None:
            return ""
        if self._console.no_color:
            style = style.without_color
        # A style keeps the codes of the first colour system it was rendered for: take a new one.
        fresh = Style(color=style.color, bgcolor=style.bgcolor, bold=style.bold, strike=style.strike)
        codes = fresh.render("x", color_system=self._colors).partition("x")[0]
        return "\x1b[0;" + codes[2:] if codes else RESET

    def _border(self, box: Box) -> None:
        title = Text(box.title, style=self._styles["title"])
        panel = Panel(
            "",
            title=title,
            subtitle=Text(box.subtitle, style=self._styles["dim"]) if box.subtitle else None,
            title_align="left",
            subtitle_align="right",
            box=ASCII if self.ascii_only else ROUNDED,
            border_style=self._styles["border"],
            width=box.width,
            height=box.height,
        )
        options = self._console.options.update(width=box.width, height=box.height)
        for i, segments in enumerate(self._console.render_lines(panel, options)):
            parts = [str(Control.move_to(box.x, box.y + i))]
            parts += [
                self._prefix(style or Style()) + text for text, style, control in segments if not control
            ]
            self._brush.write("".join(parts).encode())
