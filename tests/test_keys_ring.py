"""keys.ring: keys by name, never overwritten, swapped so that there is always one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sniper.errors import PermissionProblem, UsageError
from sniper.keys.keyfile import Grant
from sniper.keys.ring import NEXT, OLD, Ring
from sniper.keys.secret import Secret
from tests.vectors import ABANDON, LEGAL, PASSPHRASE, kept


@pytest.fixture
def ring(tmp_path: Path, cheap: None) -> Ring:
    return Ring(tmp_path / "keys")


def test_what_was_created_is_unlocked(ring: Ring) -> None:
    header = kept(ring.folder, "bot", ABANDON, "trader")
    with ring.unlock("bot", Secret(PASSPHRASE)) as key:
        assert (key.name, key.header.address, key.may_withdraw) == ("bot", header.address, False)
        view = key.secret.reveal()
        assert any(view)
    assert not any(view), "wiped at the end"
    assert ring.names() == ["bot"] and ring.has("bot") and not ring.has("other")
    assert ring.header("bot").address == header.address
    assert stat.S_IMODE((ring.folder / "bot.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "name",
    ["", "..", "../x", "a/b", "a.b", "A", "-a", ".a", "a\n", "a\0", "ä", "a" * 33, "a b", "/etc/passwd"],
)
def test_a_name_is_never_a_path(ring: Ring, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a key"):
        ring.path(name)


def test_nothing_is_overwritten(ring: Ring) -> None:
    kept(ring.folder, "bot", ABANDON, "trader")
    with pytest.raises(UsageError, match="not overwritten"):
        kept(ring.folder, "bot", LEGAL, "trader")
    ring.unlock("bot", Secret(PASSPHRASE))


def test_what_is_not_there_is_said_and_nothing_is_made(ring: Ring) -> None:
    assert ring.names() == []
    for _ in range(2):
        with pytest.raises(UsageError, match="no key bot"):
            ring.unlock("bot", Secret(PASSPHRASE))
        assert not ring.folder.exists() or ring.names() == []
        ring.folder.mkdir(mode=0o700, exist_ok=True)


@pytest.mark.parametrize("place", ["folder", "file"])
def test_wide_permissions_are_refused(ring: Ring, place: str) -> None:
    kept(ring.folder, "bot", ABANDON, "trader")
    (ring.folder if place == "folder" else ring.path("bot")).chmod(0o750 if place == "folder" else 0o640)
    for act in (lambda: ring.header("bot"), lambda: ring.unlock("bot", Secret(PASSPHRASE))):
        with pytest.raises(PermissionProblem, match="open to others"):
            act()


def test_a_key_that_does_not_open_is_named_whatever_is_wrong(ring: Ring) -> None:
    """A call may open two. Which part was wrong is not told: a wrong passphrase and a changed file say the same."""
    kept(ring.folder, "bot", ABANDON, "trader")
    kept(ring.folder, "other", LEGAL, "trader")
    with ring.unlock("other", Secret(PASSPHRASE)) as key:
        ring.stage("bot", key.header, key.secret, Secret(PASSPHRASE))
    said = set()
    for passphrase, changed in ((b"a wrong passphrase", False), (PASSPHRASE, True)):
        if changed:
            content = ring.path("bot").read_bytes()
            ring.path("bot").write_bytes(content.replace(b'"trader"', b'"owner"'))
        with pytest.raises(PermissionProblem) as caught:
            ring.unlock("bot", Secret(passphrase))
        said.add(str(caught.value))
    (text,) = said
    assert text.startswith("key bot: the key file does not open: the passphrase is wrong, or the file was")
    with pytest.raises(PermissionProblem, match=r"^key bot\.next: the key file does not open"):
        ring.unlock("bot", Secret(b"a wrong passphrase"), NEXT)
    ring.path("bot").write_bytes(b"nothing\n")
    with pytest.raises(PermissionProblem, match=r"^key bot: this is no key file"):
        ring.header("bot")


def test_a_grant_is_kept_in_the_file_one_a_chain(ring: Ring) -> None:
    header = kept(ring.folder, "bot", ABANDON, "trader")
    with ring.unlock("bot", Secret(PASSPHRASE)) as key:
        for number, chain in ((1, "one"), (2, "two"), (3, "one")):
            ring.record(key, Grant(chain, header.address, number, (0,), (0,)), Secret(PASSPHRASE))
    with ring.unlock("bot", Secret(PASSPHRASE)) as key:
        assert [(one.chain_id, one.authenticator) for one in key.header.grants] == [("two", 2), ("one", 3)]


def test_a_swap_keeps_the_old_key_until_it_is_dropped(ring: Ring) -> None:
    old = kept(ring.folder, "bot", ABANDON, "trader")
    other = kept(ring.folder, "other", LEGAL, "trader")
    with ring.unlock("other", Secret(PASSPHRASE)) as key:
        ring.stage("bot", key.header, key.secret, Secret(PASSPHRASE))
    assert ring.has("bot", NEXT) and ring.header("bot", NEXT).address == other.address
    ring.swap("bot")
    assert ring.header("bot").address == other.address
    assert ring.header("bot", OLD).address == old.address and not ring.has("bot", NEXT)
    assert ring.names() == ["bot", "other"], "stages are no keys"
    ring.drop_old("bot")
    ring.drop_old("bot")
    assert sorted(os.listdir(ring.folder)) == ["bot.key", "other.key"]


DYING = """
import os, sys
from pathlib import Path
from sniper.keys.ring import Ring
count = [0]
def fsync(fd):
    os._exit(9)
os.fsync = fsync
Ring(Path(sys.argv[1])).swap("bot")
"""


def test_a_swap_that_died_half_way_is_done_again(ring: Ring) -> None:
    old = kept(ring.folder, "bot", ABANDON, "trader")
    kept(ring.folder, "other", LEGAL, "trader")
    (ring.folder / "other.key").rename(ring.folder / "bot.next.key")
    ran = subprocess.run([sys.executable, "-c", DYING, str(ring.folder)], cwd=Path(__file__).parent.parent)
    assert ran.returncode == 9
    assert ring.header("bot").address == old.address, "there is always one"
    assert ring.has("bot", OLD) and ring.has("bot", NEXT)
    ring.swap("bot")
    assert ring.header("bot", OLD).address == old.address != ring.header("bot").address


def test_a_folder_that_may_not_be_written(ring: Ring) -> None:
    from tests.permission import obeyed

    kept(ring.folder, "bot", ABANDON, "trader")
    ring.folder.chmod(0o500)
    with obeyed(), pytest.raises(PermissionProblem, match="may not be written"):
        kept(ring.folder, "other", LEGAL, "trader")
    ring.folder.chmod(0o700)
