"""cli.inspect: the document, the text, the dump, and every wrong input."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.cli import inspect as inspect_module
from sniper.cli.progress import progress
from tests import played
from tests.commands import document, refused
from tests.permission import obeyed

FRAMES = played.frames(300)


@pytest.fixture
def journal(alone: Path) -> Path:
    played.journalled(Path("j.mcap"), played.turns(FRAMES, 2))
    return Path("j.mcap")


def test_the_document(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "inspect", str(journal), "--json", "--dump-books", "books.json")
    assert (found["schema"], found["kind"], found["path"]) == ("sniper.inspect/1", "journal", "j.mcap")
    assert found["counters"]["frames"] == len(FRAMES)
    assert sum(one["messages"] for one in found["messages"].values()) == len(FRAMES)
    assert found["quality"]["grade"] in "ABCDEF" and found["quality"]["reasons"]
    assert found["torn"] is None and found["journal_gaps"] == []
    books = json.loads(Path("books.json").read_text())
    assert set(books) == set(found["markets"]) == set(played.MARKETS)
    assert len(books["BTC-USD"]["bids"]) == found["markets"]["BTC-USD"]["bids"]


def test_the_text_says_it_in_words(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(journal)]) == 0
    out = capsys.readouterr().out
    for part in (
        "j.mcap: journal, ",
        "v4_orderbook",
        "BTC-USD",
        "rejected: ",
        "bad value",
        "quality of the feed: ",
    ):
        assert part in out
    assert "2026-01-01" in out


def test_progress_is_told(
    journal: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f.ndjson").write_bytes(b"\n".join(FRAMES))
    monkeypatch.setattr(inspect_module, "TELL_TICKS", 50)
    monkeypatch.setattr(inspect_module, "progress", partial(progress, every_s=0.0))
    assert main(["inspect", str(journal)]) == main(["inspect", "f.ndjson"]) == 0
    assert capsys.readouterr().err.count("inspecting") == 3 + 6


def test_a_truncated_journal_is_read_as_far_as_it_goes(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.write_bytes(journal.read_bytes()[:-300])
    assert main(["inspect", str(journal), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["torn"] in err and "is torn, what is there was read" in err


def test_wrong_inputs_are_one_line_each(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "none.mcap" in refused(capsys, 2, "inspect", "none.mcap")
    assert "there is no file none.ndjson" in refused(capsys, 2, "inspect", "none.ndjson")
    assert "markets file none.json" in refused(capsys, 2, "inspect", str(journal), "--markets", "none.json")
    assert "cannot be written" in refused(capsys, 2, "inspect", str(journal), "--dump-books", ".")
    Path("closed").mkdir(mode=0o500)
    with obeyed():
        line = refused(capsys, 4, "inspect", str(journal), "--dump-books", "closed/books.json")
    assert "closed/books.json may not be written" in line
    journal.write_bytes(journal.read_bytes().replace(b"sniper.journal/1", b"sniper.journal/9"))
    assert "sniper.journal/9" in refused(capsys, 2, "inspect", str(journal))
