"""Commands and rows for the tests of the database, and a process that writes intents until it is killed.

python -m tests.durable FOLDER      writes intents, one line `<client id>` after each that is reported durable
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sniper.state import State
from sniper.trading import Cancel, Place

ADDRESS = "dydx1durable"


def place(client_id: int, **changed: Any) -> Place:
    """An entry of 5 steps in BTC-USD."""
    return Place(
        client_id, 0, "BTC-USD", 0, 5, 100_000, "short_term", "ioc", False, 70, 0, "", 0, "entry", "test"
    )._replace(**changed)


def cancel(client_id: int) -> Cancel:
    """A cancel of it."""
    return Cancel(client_id, 0, "BTC-USD", "short_term", 70, 0, "test")


def opened(folder: Path, network: str = "chain", **others: Any) -> State:
    """The database of the tests' account."""
    return State(folder, network, ADDRESS, 0, **others)


def main() -> None:
    """Reserve, write, say so, again; a new block of ids every 100."""
    state = opened(Path(sys.argv[1]))
    while True:
        first, last = state.reserve(count=100)
        for client_id in range(first, last + 1):
            leaving, _ = state.intents(client_id, client_id, [place(client_id)])
            state.put([("answers", (state.run, 1, 1, "place", client_id, 0, "accepted"))])
            assert leaving
            sys.stdout.write(f"{client_id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
