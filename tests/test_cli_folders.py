"""cli.folders: the state folder by the XDG rules, for the user alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sniper.cli.folders import accounts_folder, create, journal_folder, state_folder
from sniper.errors import PermissionProblem, UsageError
from tests.permission import obeyed


def test_the_state_folder_follows_xdg() -> None:
    assert state_folder({"XDG_STATE_HOME": "/a", "HOME": "/h"}) == Path("/a/sniper")
    assert state_folder({"XDG_STATE_HOME": "", "HOME": "/h"}) == Path("/h/.local/state/sniper")
    assert state_folder({}) == Path(".local/state/sniper")
    assert state_folder({"XDG_STATE_HOME": "a", "HOME": "/h"}) == Path("/h/.local/state/sniper")


def test_the_journals_are_there_unless_the_config_says_otherwise(alone: Path) -> None:
    assert journal_folder("", {"HOME": "/h"}) == Path("/h/.local/state/sniper/journals")
    assert journal_folder("/j", {"HOME": "/h"}) == Path("/j")
    assert journal_folder("~/j", {}) == alone / "j"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277])
def test_new_folders_are_for_the_user_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        made = create(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (made, made.parent)] == [0o700, 0o700]
    assert create(made) == made
    made.chmod(0o755)
    assert stat.S_IMODE(create(made).stat().st_mode) == 0o755, "what was there is the user's affair"


def test_a_folder_without_permission_is_a_permission_problem(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with obeyed():
        for folder in (tmp_path, tmp_path / "new"):
            with pytest.raises(
                PermissionProblem, match="may not be written, so nothing would be journalled"
            ) as caught:
                create(folder)
            assert f"'chmod u+rwx {tmp_path}'" in caught.value.advice, "what is there can be allowed"
    tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="cannot be made a folder"):
            create(folder)


def test_where_the_accounts_lie() -> None:
    assert accounts_folder("", {"XDG_STATE_HOME": "/x"}) == Path("/x/sniper/accounts")
    assert accounts_folder("/y/z", {"XDG_STATE_HOME": "/x"}) == Path("/y/z")
