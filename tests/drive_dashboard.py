"""Drives `sniper run` in a real terminal: tmux, three sizes, every key, a resize, and the ways out.

    python -m tests.drive_dashboard [80x24 120x40 200x60 signals]

Prints each screen it checked and what it found; exit code 1 with the reason when something is not as it must be.
`tests/test_terminal.py` runs it where there is a tmux.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sniper import layout

SIZES = ("80x24", "120x40", "200x60")
SIGNALS = "signals"
PATIENCE_S = 30.0
EXIT = re.compile(r"exit code (\d+)")


class Tmux:
    """One tmux server of our own with one window."""

    def __init__(self, width: int, height: int, folder: str) -> None:
        self.width, self.height = width, height
        self.name = f"sniper-{os.getpid()}-{time.monotonic_ns()}"
        self.folder = folder
        self.run("new-session", "-d", "-x", str(width), "-y", str(height), "-s", "s", "sh")
        self.run("set-option", "-g", "status", "off")
        self.run("resize-window", "-t", "s", "-x", str(width), "-y", str(height))

    def run(self, *arguments: str) -> str:
        """One tmux command."""
        done = subprocess.run(
            ["tmux", "-u", "-L", self.name, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            timeout=20,
        )
        if done.returncode:
            raise AssertionError(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Type the command line of a run into the shell; its exit code is printed behind it."""
        variables = (
            f"XDG_STATE_HOME={shlex.quote(self.folder)} COLORTERM=truecolor TERM=tmux-256color LC_ALL=C.UTF-8"
        )
        python = shlex.quote(sys.executable)
        self.type(f"clear; {variables} {python} -m sniper run {' '.join(arguments)}; echo exit code $?\n")

    def type(self, text: str) -> None:
        """Literal text; \\n is Enter."""
        for part in re.split(r"(\n|\t)", text):
            if part in ("\n", "\t"):
                self.run("send-keys", "-t", "s", "Enter" if part == "\n" else "Tab")
            elif part:
                self.run("send-keys", "-t", "s", "-l", part)

    def key(self, name: str) -> None:
        """A key by its tmux name."""
        self.run("send-keys", "-t", "s", name)

    def screen(self) -> list[str]:
        """The screen's lines, blanks at the right end dropped."""
        return self.run("capture-pane", "-p", "-t", "s").split("\n")[: self.height]

    def until(self, what: str, holds: Callable[[list[str]], bool]) -> list[str]:
        """The first screen that it holds for; AssertionError with the last one when patience ends."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            lines = self.screen()
            if holds(lines):
                return lines
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.width}x{self.height}: {what}\n" + "\n".join(lines))
            time.sleep(0.1)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.width, self.height = width, height
        self.run("resize-window", "-t", "s", "-x", str(width), "-y", str(height))

    def close(self) -> None:
        """End the server and what runs in it."""
        subprocess.run(["tmux", "-L", self.name, "kill-server"], capture_output=True, timeout=20)


def framed(lines: list[str], width: int, height: int, page: int = 0) -> bool:
    """Whether every border stands where the layout puts it and carries its title."""
    grid = [line.ljust(width) for line in lines] + [" " * width] * (height - len(lines))
    for box in layout.pages(width, height, True)[page]:
        if not box.title:
            continue
        right, bottom = box.x + box.width - 1, box.y + box.height - 1
        corners = grid[box.y][box.x] + grid[box.y][right] + grid[bottom][box.x] + grid[bottom][right]
        if corners != "╭╮╰╯" or f" {box.title} " not in grid[box.y][box.x : right]:
            return False
        sides = {grid[y][x] for y in range(box.y + 1, bottom) for x in (box.x, right)}
        if sides - {"│"}:
            return False
    return True


def on_a_page(lines: list[str], width: int, height: int) -> bool:
    """Whether the borders are those of one of the pages."""
    return any(framed(lines, width, height, page) for page in range(len(layout.pages(width, height, True))))


def filled(lines: list[str]) -> bool:
    """Whether books, trades and a chart have come."""
    text = "\n".join(lines)
    return " live" in text and "▸BTC-USD" in text and "◂" in text and "█" in text


def drive(width: int, height: int, folder: str) -> list[str]:
    """One size: look, press every key, resize, quit. Returns the screen that was looked at."""
    tmux = Tmux(width, height, folder)
    try:
        tmux.start("--journal", shlex.quote(f"{folder}/{width}x{height}.mcap"))
        tmux.until("the panels do not come", lambda lines: framed(lines, width, height) and filled(lines))
        lines = tmux.until("no ticks", lambda lines: "frames/s" in lines[0] and " 0 frames/s" not in lines[0])
        assert framed(lines, width, height), "a border moved:\n" + "\n".join(lines)
        assert all(len(line) <= width for line in lines)
        tmux.type("n")
        tmux.until("n does not switch the market", lambda lines: "▸BTC-USD" not in "\n".join(lines))
        tmux.type("p")
        tmux.until("p does not switch back", lambda lines: "▸BTC-USD" in "\n".join(lines))
        tmux.type("r")
        tmux.until("r does not switch the resolution", lambda lines: "5MINS" in "\n".join(lines))
        tmux.key("Space")
        frozen = tmux.until("space does not freeze", lambda lines: "FROZEN" in lines[0])
        time.sleep(0.5)
        top = layout.header.height(width, True)
        assert tmux.screen()[top:] == frozen[top:], "a frozen screen moved"
        tmux.key("Space")
        tmux.until("space does not thaw", lambda lines: "FROZEN" not in lines[0])
        for page in range(1, len(layout.pages(width, height, True))):
            tmux.key("Tab")
            tmux.until(
                "tab does not turn the page", lambda lines, page=page: framed(lines, width, height, page)
            )  # type: ignore[misc]
        other = (100, 30) if width != 100 else (80, 24)
        tmux.resize(*other)
        tmux.until("a resize is not followed", lambda lines: on_a_page(lines, *other))
        tmux.resize(30, 8)
        tmux.until("no single line", lambda lines: lines[0].startswith("tick ") and not any(lines[1:]))
        tmux.resize(width, height)
        tmux.until("not restored", lambda lines: on_a_page(lines, width, height))
        tmux.type("q")
        end = tmux.until("q does not end the run", lambda lines: EXIT.search("\n".join(lines)) is not None)
        text = "\n".join(end)
        assert EXIT.search(text)[1] == "0", text  # type: ignore[index]
        assert "╭" not in text and "quit:" in text, "the screen was not given back:\n" + text
        return lines
    finally:
        tmux.close()


def stop_and_interrupt(folder: str) -> None:
    """Ctrl-Z gives the screen back, fg takes it again, Ctrl-C ends with 130."""
    tmux = Tmux(80, 24, folder)
    try:
        tmux.type("exec bash --norc\n")
        tmux.start("--no-journal")
        tmux.until("the panels do not come", lambda lines: framed(lines, 80, 24) and filled(lines))
        tmux.key("C-z")
        tmux.until(
            "Ctrl-Z leaves the panels",
            lambda lines: "Stopped" in "\n".join(lines) and "╭" not in "\n".join(lines),
        )
        tmux.type("fg\n")
        tmux.until("fg does not bring them back", lambda lines: framed(lines, 80, 24) and filled(lines))
        tmux.key("C-c")
        end = tmux.until("Ctrl-C does not end it", lambda lines: "signal:" in "\n".join(lines))
        assert "╭" not in "\n".join(end)
    finally:
        tmux.close()


def main(sizes: list[str]) -> None:
    """Drive each of these sizes; the word `signals` stands for Ctrl-Z, fg and Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes or (*SIZES, SIGNALS):
            if size == SIGNALS:
                stop_and_interrupt(folder)
                print("Ctrl-Z, fg and Ctrl-C are as they must be")
                continue
            width, height = (int(part) for part in size.split("x"))
            print("\n".join(drive(width, height, folder)))
            print(f"{size}: panels, keys, resizes and the way out are as they must be", flush=True)
            assert Path(folder, f"{size}.mcap").stat().st_size > 1000, "no journal"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except AssertionError as error:
        sys.exit(str(error))
