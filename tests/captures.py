"""Captures: what rich's Console prints of a panel, compared as text with a file under tests/captures/.

SNIPER_UPDATE_CAPTURES=1 writes the files anew; look at the difference before it goes in.
"""

import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sniper import layout
from sniper.panels.palette import STYLES
from sniper.panels.row import Row
from sniper.panels.view import View
from tests.screen import check_rows

FOLDER = Path(__file__).parent / "captures"
SIZES = ((80, 24), (120, 40), (200, 60))


def printed(rows: Sequence[Row], width: int) -> str:
    """The rows as rich's Console prints them, blanks at the right end dropped."""
    console = Console(
        file=StringIO(), record=True, width=width, color_system="truecolor", force_terminal=True
    )
    for row in rows:
        console.print(Text.assemble(*((text, STYLES[style]) for text, style in row), no_wrap=True))
    return "".join(line.rstrip() + "\n" for line in console.export_text().splitlines())


def compare(name: str, text: str) -> None:
    """AssertionError where the text is not that of the file."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SNIPER_UPDATE_CAPTURES") == "1":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name}: SNIPER_UPDATE_CAPTURES=1 rewrites it"


def panel_size(name: str, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height a panel's rows have on a screen of this size."""
    for page in layout.pages(*size):
        for box in page:
            if box.name == name:
                _, _, width, height = box.inner
                return width, height
    raise AssertionError(f"no {name} on a screen of {size}")


def check_panel(name: str, view: View, size: tuple[int, int], variant: str = "") -> list[Row]:
    """Draw a panel at the size it has on such a screen, check its rows and compare them with the capture."""
    width, height = panel_size(name, size)
    rows = layout.PANELS[name].draw(view, width, height)
    check_rows(rows, width, height)
    compare(f"{name}_{size[0]}x{size[1]}{variant}", printed(rows, width))
    return list(rows)


def text_of(rows: Sequence[Row]) -> str:
    """The characters of rows, without styles."""
    return "\n".join("".join(text for text, _ in row) for row in rows)
