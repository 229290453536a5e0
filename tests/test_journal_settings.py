"""journal_settings: what a header says of the engine comes back the same, and anything else is refused."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniper.desk import DeskSettings
from sniper.engine import Settings
from sniper.errors import JournalError
from sniper.journal_settings import header, settings

BOUNDS = {
    name: (hint.__metadata__[0].ge, hint.__metadata__[0].le)
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if name not in ("tickers", "desk")
}
numbers = {name: st.integers(least, most) for name, (least, most) in BOUNDS.items()}
desks = st.none() | st.tuples(st.text(max_size=8), st.text(max_size=8)).map(
    lambda texts: DeskSettings(*texts)
)


@given(st.builds(Settings, tickers=st.lists(st.text(max_size=8)).map(tuple), desk=desks, **numbers))
def test_settings_come_back_as_they_were(given_settings: Settings) -> None:
    assert settings(header(given_settings, "{}", 1)) == given_settings


def test_the_header_is_texts_with_config_and_seed() -> None:
    made = header(Settings(), '{"seed":7}', 7)
    assert made["config"] == '{"seed":7}' and made["seed"] == "7"
    assert all(isinstance(value, str) for value in made.values())


@pytest.mark.parametrize("name", BOUNDS)
def test_settings_that_no_engine_could_have_had_are_refused(name: str) -> None:
    """A journal may come from anybody: nothing is built to a size that it claims."""
    for wrong in (BOUNDS[name][0] - 1, BOUNDS[name][1] + 1, 2**200):
        said = header(Settings()._replace(**{name: wrong}), "", 1)
        with pytest.raises(JournalError, match="with settings that this version does not know"):
            settings(said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"tickers":[1]}',
        header(Settings(), "", 1)["settings"].replace("}", ',"more":1}'),
        header(Settings(), "", 1)["settings"].replace('"tickers":[]', '"tickers":1'),
        header(Settings(bars_max=7), "", 1)["settings"].replace('"bars_max":7', '"bars_max":["7"]'),
        header(Settings(bars_max=7), "", 1)["settings"].replace('"bars_max":7,', ""),
    ],
)
def test_settings_of_another_version_are_refused(text: str) -> None:
    with pytest.raises(
        JournalError, match=r"a\.mcap was written by sniper 9 with settings that this version does not"
    ) as caught:
        settings({"settings": text, "sniper": "9"}, "a.mcap")
    assert caught.value.exit_code == 2 and "version that wrote it" in caught.value.advice


def test_a_journal_without_settings_is_refused() -> None:
    with pytest.raises(JournalError, match="the journal does not say how its engine was set"):
        settings({})
