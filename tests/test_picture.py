"""The picture shows what the painter shows: two ways to one screen."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from sniper import layout
from sniper.demo import DESK_PANELS
from sniper.painter import Painter
from sniper.picture import Picture
from tests.captures import SIZES
from tests.desk_views import VIEW
from tests.screen import Screen
from tests.views import sample


@pytest.mark.parametrize("size", [*SIZES, (97, 31), (50, 40)], ids=str)
@pytest.mark.parametrize(("seed", "desk"), [(1, False), (2, False), (1, True)])
def test_painter_and_picture_agree(size: tuple[int, int], seed: int, desk: bool) -> None:
    view = sample(seed, crossed=seed == 1)
    if desk:
        header = view.header._replace(session=VIEW.header.session)
        view = view._replace(header=header, **{name: getattr(VIEW, name) for name in DESK_PANELS})
    for number, page in enumerate(layout.pages(*size, desk)):
        console = Console(
            file=StringIO(),
            record=True,
            width=size[0],
            height=size[1],
            force_terminal=True,
            color_system="truecolor",
            no_color=False,
        )
        console.print(Picture(view, *size, number, desk=desk), end="")
        painter, screen = Painter(console), Screen(*size)
        painter.frame(page)
        for box in page:
            _, _, width, height = box.inner
            painter.paint(box.name, layout.PANELS[box.name].draw(view, width, height))
        text = painter.take()
        if console.encoding.startswith("utf"):
            screen.feed(text)
            lines = [line.rstrip() for line in console.export_text().splitlines()]
            assert screen.text().split("\n") == lines


def test_a_size_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="39x24"):
        Picture(sample(), 39, 24)
