"""Where state is kept: `$XDG_STATE_HOME/sniper`, for the user alone (0700)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sniper.errors import PermissionProblem, UsageError


def state_folder(environ: Mapping[str, str]) -> Path:
    """The folder of all state, by the XDG Base Directory rules (a relative path is none); it may not exist yet."""
    home = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.join(environ.get("HOME", "."), ".local", "state")
    return Path(home) / "sniper"


def journal_folder(folder: str, environ: Mapping[str, str]) -> Path:
    """The folder of journals: the config's, or `journals` in the state folder."""
    return Path(folder).expanduser() if folder else state_folder(environ) / "journals"


def accounts_folder(folder: str, environ: Mapping[str, str]) -> Path:
    """The folder of the accounts' databases: the config's, or `accounts` in the state folder."""
    return Path(folder).expanduser() if folder else state_folder(environ) / "accounts"


def create(folder: Path) -> Path:
    """Make the folder and what is missing above it, all of it for the user alone, whatever the umask.

    PermissionProblem, or UsageError where it cannot be a folder.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            one.chmod(0o700)
        folder.mkdir(exist_ok=True)  # a file in the way
        writable = os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
    except PermissionError:
        writable = False
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(
            f"{folder} cannot be made a folder: {reason}",
            "Set journal.folder, or use --journal or --no-journal.",
        ) from None
    if not writable:
        there = next((one for one in (folder, *folder.parents) if os.path.lexists(one)), folder)
        raise PermissionProblem(
            f"{folder} may not be written, so nothing would be journalled",
            f"Allow it with 'chmod u+rwx {there}', set journal.folder, or use --no-journal.",
        )
    return folder
