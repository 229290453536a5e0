"""A tiny terminal for the tests: applies what the painter sends and refuses what it must never send."""

import re

from sniper.panels.row import Row

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([^\x1b])", re.DOTALL)
Cell = tuple[str, str]


class Screen:
    """Characters with the codes (SGR) in force where they were written."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.cells: list[list[Cell]] = []
        self.clear()

    def clear(self) -> None:
        self.cells = [[(" ", "0")] * self.width for _ in range(self.height)]

    def feed(self, data: bytes) -> None:
        """Apply what a terminal is sent. AssertionError on what it must not be sent."""
        text = data.decode()
        x = y = at = 0
        codes = "0"
        for match in SEQUENCE.finditer(text):
            assert match.start() == at, f"not a sequence: {text[at : at + 20]!r}"
            at = match.end()
            arguments, final, char = match.groups()
            if char is not None:
                assert char.isprintable(), f"control character {char!r}"
                assert 0 <= x < self.width and 0 <= y < self.height, f"{char!r} outside, at {x},{y}"
                self.cells[y][x] = (char, codes if char != " " else on_a_blank(codes))
                x += 1
            elif final == "H":
                row, _, column = (arguments or "1;1").partition(";")
                x, y = int(column or 1) - 1, int(row or 1) - 1
            elif final == "m":
                codes = arguments or "0"
                assert codes.partition(";")[0] == "0", f"style not absolute: {codes}"
            elif final == "J":
                self.clear()
            else:
                assert final in "hl" and arguments == "?2026", f"unexpected sequence {match.group()!r}"
        assert at == len(text), f"not a sequence: {text[at : at + 20]!r}"

    def text(self) -> str:
        """The characters alone."""
        return "\n".join("".join(char for char, _ in line).rstrip() for line in self.cells)


def on_a_blank(codes: str) -> str:
    """What of the codes shows on a blank: background and strike."""
    shown: list[str] = []
    numbers = iter(codes.split(";"))
    for number in numbers:
        if number in ("38", "48"):
            colour = [number, next(numbers)]
            colour += [next(numbers) for _ in range({"2": 3, "5": 1}[colour[1]])]
            shown += colour if number == "48" else []
        elif number == "9" or 40 <= int(number) <= 49 or 100 <= int(number) <= 107:
            shown.append(number)
    return ";".join(["0", *shown])


def check_rows(rows: list[Row], width: int, height: int) -> None:
    """Every row is exactly as wide as the panel, with one cell a character."""
    from rich.cells import cell_len

    from sniper.panels.palette import STYLES

    assert len(rows) == height
    for row in rows:
        text = "".join(text for text, _ in row)
        assert len(text) == width == cell_len(text), (width, len(text), text)
        assert text.isprintable(), text
        assert all(style in STYLES for _, style in row)
