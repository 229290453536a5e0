"""The dashboard on a pseudo-terminal: what it draws, how it obeys keys, what it costs nobody."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
import time
from collections.abc import Iterator
from io import StringIO
from typing import IO

import pytest
from rich.console import Console

from sniper.dashboard import RESOLUTIONS, Dashboard, StatusLine, display, status_text
from sniper.panels.desk_parts import Session
from sniper.panels.view import Event, Events, Header, View, Want
from tests.screen import Screen
from tests.views import sample

SECOND_NS = 1_000_000_000
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
TERM = {"TERM": "xterm-256color"}
MARKER = b"\x00\x01end\x01"


class Pty:
    """Both ends of a pseudo-terminal, a reader and a small screen behind it."""

    def __init__(self, width: int, height: int, reading: bool = True) -> None:
        self.master, self.slave = os.openpty()
        self.file: IO[str] = os.fdopen(self.slave, "w")
        self.resize(width, height)
        self._taken: list[bytes] = []
        self.sent = ""
        if reading:
            self.start_reading()

    def start_reading(self) -> None:
        self._reader = threading.Thread(target=self._take, daemon=True)
        self._reader.start()

    def _take(self) -> None:
        while True:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:
                return
            self._taken.append(data)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen = Screen(width, height)

    def console(self) -> Console:
        return Console(
            file=self.file, force_terminal=True, color_system="truecolor", no_color=False, _environ=TERM
        )

    def draw(self, dashboard: Dashboard, now_ns: int, build: Builder) -> str:
        """The screen's text after a draw, all of which the terminal has taken."""
        assert dashboard.draw_if_due(now_ns, build)
        while not dashboard.terminal.flush():
            time.sleep(0.001)
        return self.show()

    def read(self) -> str:
        """What was written since the last call: a marker written behind it tells that all of it came."""
        os.write(self.slave, MARKER)
        data = b""
        while not data.endswith(MARKER):
            data = b"".join(self._taken)
            time.sleep(0.001)
        self._taken = []
        self.sent = data[: -len(MARKER)].decode()
        return self.sent

    def show(self) -> str:
        """The screen's text after what was written."""
        text = self.read()
        for sequence in (ENTER, LEAVE, "\x1b[?25l", "\x1b[?25h", "\x1b[H"):
            text = text.replace(sequence, "")
        self.screen.feed(text.encode())
        return self.screen.text()

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        self.file.close()
        self._reader.join()  # it ends with the slave, before the number of its descriptor is given away
        os.close(self.master)


@pytest.fixture
def pty() -> Iterator[Pty]:
    made = Pty(120, 40)
    yield made
    made.close()


class Builder:
    """Builds sample views and remembers what was wanted."""

    def __init__(self) -> None:
        self.view = sample()
        self.wants: list[Want] = []

    def __call__(self, want: Want) -> View:
        self.wants.append(want)
        return self.view


def test_all_panels_are_drawn_and_the_terminal_is_given_back(pty: Pty) -> None:
    build = Builder()
    before = termios.tcgetattr(pty.slave)
    with Dashboard(pty.console(), fps=10, keys=pty.slave) as dashboard:
        text = pty.draw(dashboard, 0, build)
        assert pty.sent.startswith(ENTER)
        for title in ("Book", "Trades", "Candles", "Markets", "Pipeline", "Feed", "Events"):
            assert f"╭─ {title} ─" in text
        assert "q quit  n/p market" in text
        assert termios.tcgetattr(pty.slave) != before
    assert LEAVE in pty.read() and "\x1b[?25h" in pty.sent
    assert termios.tcgetattr(pty.slave) == before


def test_at_most_fps_draws_a_second(pty: Pty) -> None:
    build = Builder()
    with Dashboard(pty.console(), fps=4, keys=None) as dashboard:
        times = range(0, 3 * SECOND_NS, SECOND_NS // 100)
        drawn = 0
        for now_ns in times:
            drawn += dashboard.draw_if_due(now_ns, build)
            while not dashboard.terminal.flush():
                time.sleep(0.001)
        assert drawn == 12
        assert dashboard.costs.count == 12
    for fps in (0, 61):
        with pytest.raises(ValueError, match=r"1\.\.60"):
            Dashboard(pty.console(), fps=fps)


def test_only_what_changed_is_sent(pty: Pty) -> None:
    build = Builder()
    with Dashboard(pty.console(), keys=None) as dashboard:
        pty.draw(dashboard, 0, build)
        build.view = build.view._replace(header=build.view.header._replace(tick=123_457))
        text = pty.draw(dashboard, SECOND_NS // 2 - 1, build)
        assert "tick 123,457" in text and "╭─ Book" in text
        assert len(pty.sent) < 800 and "Book" not in pty.sent


def test_a_repaint_sends_every_row_again(pty: Pty) -> None:
    build = Builder()
    with Dashboard(pty.console(), keys=None) as dashboard:
        text = pty.draw(dashboard, 0, build)
        painted = dashboard.painter.rows_painted
        dashboard.repaint()
        again = pty.draw(dashboard, SECOND_NS, build)
        assert dashboard.painter.rows_painted == 2 * painted
        assert again.split("\n")[2:] == text.split("\n")[2:]  # the header shows what the first draw cost


def test_own_cost_is_measured_and_shown(pty: Pty) -> None:
    build = Builder()
    with Dashboard(pty.console(), keys=None) as dashboard:
        for i in range(4):
            text = pty.draw(dashboard, i * SECOND_NS, build)
        assert dashboard.costs.latency().p50_cost_ns > 0
        assert "draw  310" not in text


def test_keys_switch_market_resolution_page_and_end_the_run(pty: Pty) -> None:
    build = Builder()
    pty.resize(80, 24)
    with Dashboard(pty.console(), keys=pty.slave, ticker="BTC-USD") as dashboard:
        pty.draw(dashboard, 0, build)
        for i, (keys, facts) in enumerate(
            [
                ("n", ("ETH-USD", 0)),
                ("nn", ("XRP-USD", 0)),
                ("ppp", ("BTC-USD", 0)),
                ("p", ("ORDI-USD", 0)),
                ("rr", ("ORDI-USD", 2)),
                ("r" * (RESOLUTIONS - 2), ("ORDI-USD", 0)),
            ],
            1,
        ):
            pty.press(keys)
            pty.draw(dashboard, i * SECOND_NS, build)
            assert (build.wants[-1].ticker, build.wants[-1].resolution) == facts
        assert build.wants[-1].depth > 0 and build.wants[-1].events == 0
        pty.press("\t")
        text = pty.draw(dashboard, 20 * SECOND_NS, build)
        assert "╭─ Feed" in text and "╭─ Book" not in text
        assert build.wants[-1].depth == 0 and build.wants[-1].events > 0
        assert not dashboard.quit
        pty.press("q")
        dashboard.draw_if_due(30 * SECOND_NS, build)
        assert dashboard.quit


def test_space_freezes_all_but_the_header(pty: Pty) -> None:
    build = Builder()
    with Dashboard(pty.console(), keys=pty.slave) as dashboard:
        frozen = pty.draw(dashboard, 0, build)
        build.view = sample(7)._replace(header=build.view.header._replace(tick=9))
        pty.press(" ")
        text = pty.draw(dashboard, SECOND_NS, build)
        assert " FROZEN" in text and "tick 9 " in text
        assert text.split("\n")[2:] == frozen.split("\n")[2:]
        pty.press(" ")
        text = pty.draw(dashboard, 2 * SECOND_NS, build)
        assert "FROZEN" not in text and text.split("\n")[2:] != frozen.split("\n")[2:]


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (60, 16), (40, 12)], ids=str)
def test_a_resize_repaints_everything(pty: Pty, size: tuple[int, int]) -> None:
    build = Builder()
    with Dashboard(pty.console(), keys=None) as dashboard:
        pty.draw(dashboard, 0, build)
        pty.resize(*size)
        dashboard.terminal.resized = True
        resized = pty.draw(dashboard, SECOND_NS, build)
    fresh = Pty(*size)
    with Dashboard(fresh.console(), keys=None) as dashboard:
        expected = fresh.draw(dashboard, 0, build)
    fresh.close()
    assert resized.split("\n")[3:] == expected.split("\n")[3:]
    assert max(len(line) for line in resized.split("\n")) <= size[0]


def test_too_small_a_terminal_gets_one_line(pty: Pty) -> None:
    build = Builder()
    pty.resize(39, 11)
    with Dashboard(pty.console(), keys=None) as dashboard:
        lines = pty.draw(dashboard, 0, build).split("\n")
        assert lines[0].startswith("tick 123,456  sim open") and not any(lines[1:])
        want = build.wants[-1]
        assert want.depth == want.trades == want.bars == want.markets == want.rows == 0


def test_a_session_begins_with_the_page_asked_for_and_tab_goes_round() -> None:
    pty, build = Pty(200, 60), Builder()
    with Dashboard(pty.console(), keys=pty.slave, desk=True, page=2) as dashboard:
        assert "╭─ Risk" in (text := pty.draw(dashboard, 0, build)) and "Book" not in text
        assert "tab page 3/3" in text and " OFF " in text
        pty.press("\t")
        text = pty.draw(dashboard, SECOND_NS, build)
        for title in ("Book", "Risk", "Signals", "Positions", "Decisions", "Orders", "Funding", "Markets"):
            assert f"╭─ {title} ─" in text
        want = build.wants[-1]
        assert min(want.depth, want.scores, want.decisions, want.risk, want.orders, want.fundings) > 3
    pty.close()


def test_one_panel_alone(pty: Pty) -> None:
    with Dashboard(pty.console(), keys=None, only="candles") as dashboard:
        text = pty.draw(dashboard, 0, Builder())
        assert "╭─ Candles" in text and "Book" not in text


def test_a_terminal_that_does_not_read_costs_draws_not_ticks() -> None:
    build = Builder()
    pty = Pty(120, 40, reading=False)
    with Dashboard(pty.console(), keys=None) as dashboard:
        i = 0
        while not dashboard.draws_skipped:
            build.view = sample(i)
            dashboard.terminal.resized = True
            dashboard.draw_if_due(i * SECOND_NS, build)
            i += 1
            assert i < 100, "the terminal took everything"
        assert not dashboard.draw_if_due(i * SECOND_NS, build)
        pty.start_reading()
        while not dashboard.terminal.flush():
            time.sleep(0.001)
        build.view = sample(1)
        dashboard.terminal.resized = True
        text = pty.draw(dashboard, (i + 1) * SECOND_NS, build)
        assert "╭─ Events" in text and "tick 123,456" in text
    pty.close()


def test_a_hostile_frame_cannot_write_to_the_terminal(pty: Pty) -> None:
    build = Builder()
    hostile = '{"id":"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e宽"}'
    from sniper.panels.row import clean

    for text in (hostile, clean(hostile)):
        pipeline = build.view.pipeline._replace(raw=text)
        build.view = build.view._replace(pipeline=pipeline)
        with Dashboard(pty.console(), keys=None) as dashboard:
            assert "owned" in pty.draw(dashboard, 0, build)


def test_the_status_line_comes_every_few_seconds_with_the_warnings_before_it() -> None:
    stream = StringIO()
    view = View(
        header=Header("sim", "open", 1234, 0, "ab" * 16, 600, trust=(("live", 3), ("stale", 1))),
        events=Events(
            (
                Event(2 * SECOND_NS, "critical", "journal stopped\x1b[2J", 1, 3),
                Event(0, "info", "hello", 1, 1),
            )
        ),
    )
    with StatusLine(stream, every_s=5) as status:
        drawn = [status.draw_if_due(i * SECOND_NS, lambda want: view) for i in range(11)]
    assert [i for i, drew in enumerate(drawn) if drew] == [0, 5, 10]
    lines = stream.getvalue().splitlines()
    assert lines[0] == "00:00:02 critical: journal stopped·[2J"
    assert lines[1].startswith("tick 1,234  sim open") and "books 3 live 1 stale" in lines[1]
    assert len(lines) == 4, "an event is told once"


def test_warnings_after_the_last_line_are_told_at_the_end() -> None:
    stream, told = StringIO(), [Event(0, "info", "hello", 1, 1)]
    view = View(header=Header("sim", "open", 1, 0, "ab" * 16, 600))
    with StatusLine(stream, every_s=5) as status:
        for second in range(3):
            status.draw_if_due(second * SECOND_NS, lambda want: view._replace(events=Events(tuple(told))))
            told.insert(0, Event(SECOND_NS, "warning", f"refused {second}", 1, second + 2))
    assert stream.getvalue().splitlines()[1:] == [
        f"00:00:01 warning: refused {second}" for second in range(3)
    ]


def test_a_stream_that_takes_nothing_does_not_end_the_run() -> None:
    class Full(StringIO):
        room = False

        def write(self, text: str) -> int:
            if not self.room:
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = Full()
    with StatusLine(stream, every_s=1) as status:
        assert status.draw_if_due(0, lambda want: View())
        stream.room = True
        assert status.draw_if_due(SECOND_NS, lambda want: View())
    assert stream.getvalue().count("tick 0") == 1


def test_the_status_text_names_what_matters() -> None:
    text = status_text(Header("replay", "closed", 7, 0, "0123456789abcdef0123", 5))
    assert text == "tick 7  replay closed  5 frames/s  tick p99 0ns  books none  digest 0123456789abcdef"
    paper = Header("sim", "open", 7, 0, "", 5, session=Session("paper", "sniper", "9,999.10", rung=3))
    assert "  PAPER equity 9,999.10  rung 3 reduce  digest" in status_text(paper)
    live = Header("sim", "open", 7, 0, "", 5, session=Session("live", "sniper"))
    assert "  LIVE equity ?  rung 0 calm" in status_text(live)


def test_the_display_fits_the_stream(pty: Pty) -> None:
    assert isinstance(display(Console(file=StringIO()), fps=5), StatusLine)
    assert isinstance(display(Console(file=StringIO(), force_terminal=True), fps=5), StatusLine)
    shown = display(pty.console(), fps=5, ticker="ETH-USD")
    assert isinstance(shown, Dashboard) and shown.want.ticker == "ETH-USD"
    dumb = Console(file=pty.file, force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(display(dumb, fps=5), StatusLine)
