"""Sessions of `sniper run --live`, killed one after the other and looked at: what `tests/killed_live.py` plays."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sniper.exchange.accounts import ACCOUNTS
from tests.aftermath import Truth, compared
from tests.called import called
from tests.live_config import live_config
from tests.moments import Kill, drawn, drawn_early, killed
from tests.venues import Venue, venue
from tests.witness import Witness

ROOT = Path(__file__).parent.parent
WHOM = ACCOUNTS[0]
WORDS = "not a secret of anybody"
MARKETS = ("BTC-USD", "ETH-USD")
SECOND_NS = 1_000_000_000
WARM_NS = 16 * 60 * SECOND_NS
GRANT = 100_000 * 1_000_000
RECOVER_S = 90
JUMP_BLOCKS = 24
"""More than any short-term order of ours lives: what was in flight is proven dead or found."""
JUMPS = 0.7
AGAIN_MAX = 4
MAYBE = "maybe"
"""The rule for a stateful order that never reached the venue: nothing but its good-til time proves that it will not."""


class Home:
    """A folder with a key, a config and all state of one run of this proof."""

    def __init__(self, folder: Path, exchange: Venue, fresh: bool) -> None:
        self.folder, self.exchange, self.fresh = folder, exchange, fresh
        self._words = folder / "words"
        self._words.write_text(f"{WORDS}\n")
        self.config = folder / "live.toml"
        options = f"every_ms = 60, markets = {len(MARKETS)}, seed = 1"
        self.config.write_text(
            live_config(
                exchange.websocket, exchange.rest, exchange.grpc, options, more="[reconcile]\nevery_s = 3.0"
            )
        )
        phrase = folder / "phrase"
        phrase.write_text(f"{WHOM.mnemonic}\n")
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.preloaded"])
        made = self.start(
            ("keys", "import", "owner", "--secret-fd", "4", "--memory-mib", "64", "--passphrase-fd", "3"),
            folder / "import",
            phrase,
        )
        made.join(60)
        assert made.exitcode == 0, (folder / "import.err").read_text()

    def start(self, words: tuple[str, ...], said: Path, *files: Path, state: Path | None = None) -> Any:
        """A process that is this call of sniper: the passphrase on descriptor 3, files from 4 on."""
        env = {"XDG_STATE_HOME": str(state or self.folder)}
        if not self.fresh:
            made: Any = self._context.Process(
                target=called, args=(words, env, str(said), [str(one) for one in (self._words, *files)])
            )
            made.start()
            return made
        line = " ".join(f"{number}<'{path}'" for number, path in enumerate((self._words, *files), 3))
        call = " ".join(f"'{word}'" for word in (sys.executable, "-m", "sniper", *words))
        command = f"exec {call} {line} >'{said}.out' 2>'{said}.err'"
        return Fresh(subprocess.Popen(["bash", "-c", command], cwd=ROOT, env=os.environ | env))

    def run(self, subaccount: int, number: int, seed: int) -> Any:
        """A live session, begun."""
        sets = (f"trade.subaccount={subaccount}", f"strategy.options.seed={seed}")
        words = ("run", "--config", str(self.config), "--headless", "--live", "--passphrase-fd", "3")
        return self.start(
            (*words, *(word for one in sets for word in ("--set", one))), self.folder / f"run-{number}"
        )

    def recovered(self, subaccount: int, state: Path) -> tuple[int, dict[str, Any], str]:
        """`sniper recover` on a state folder: exit code, document, what it said."""
        said = state / "recover"
        words = ("recover", "--config", str(self.config), "--url", self.exchange.rest, "--json", "--wait", "5",
                 "--set", f"trade.address={WHOM.address}", "--set", f"trade.subaccount={subaccount}")  # fmt: skip
        made = self.start(words, said, state=state)
        made.join(RECOVER_S)
        text = Path(f"{said}.out").read_text()
        return made.exitcode, json.loads(text) if text else {}, Path(f"{said}.err").read_text()

    def replayed(self, journal: Path) -> str:
        """What is wrong with a journal, "": nothing."""
        made = self.start(("replay", str(journal)), self.folder / "replay")
        made.join(RECOVER_S)
        return "" if made.exitcode == 0 else (self.folder / "replay.err").read_text()[-300:]

    def verified(self) -> str:
        """What is wrong with the audit log, "": nothing."""
        made = self.start(("audit", "verify"), self.folder / "audit-verify")
        made.join(RECOVER_S)
        return "" if made.exitcode == 0 else (self.folder / "audit-verify.err").read_text()[-300:]

    @property
    def journals(self) -> list[Path]:
        """From old to new."""
        return sorted(
            (self.folder / "sniper" / "journals").glob("*.mcap"), key=lambda path: path.stat().st_mtime
        )


class Fresh:
    """A new interpreter, asked as a process of multiprocessing is."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def join(self, timeout: float) -> None:
        self._process.wait(timeout)

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()


class Round(NamedTuple):
    """One kill and what was found after it."""

    seed: int
    kill: str
    lived_s: float
    wrong: tuple[str, ...]
    facts: dict[str, int]


class Recovery(NamedTuple):
    """What a recovery said. maybe: client ids of orders that may still come."""

    code: int
    corrected: int
    maybe: frozenset[int]
    wrong: str
    said: str


class Lives:
    """Session after session, each killed."""

    def __init__(self, home: Home, seed: int, kills: int, double: bool, replay_every: int) -> None:
        self._home, self._seed, self._kills = home, seed, kills
        self.double, self._replay_every = double, replay_every
        self._subaccount = self._left = self._number = 0
        self.compared = 0
        """How many looks found the chain standing still, so that it could be compared."""
        house = home.exchange.house
        assert isinstance(house, Witness)
        self._house = house

    @property
    def _database(self) -> Path:
        found = list((self._home.folder / "sniper" / "accounts").glob(f"*-{self._subaccount}.sqlite"))
        return found[0] if found else self._home.folder / "sniper" / "accounts" / f"none-{self._subaccount}"

    def _begin(self) -> None:
        self._subaccount, self._left = self._subaccount + 1, self._kills
        number, house = self._subaccount, self._house
        self._home.exchange.on(lambda: house.fund(WHOM.address, number, GRANT))
        time.sleep(1.0)  # there with the next block

    def round(self, number: int) -> Round:
        """One kill, and the look afterwards."""
        home, house, seed = self._home, self._house, self._seed + number
        dice = Random(f"{seed}/killed")
        if not self._left:
            self._begin()
        self._left -= 1
        kills = [drawn(dice)] + ([drawn_early(dice)] if self.double else [])
        wrong: list[str] = []
        told, lived_s = [], 0.0
        for each, kill in enumerate(kills):
            self._number += 1
            process = home.run(self._subaccount, self._number, seed)
            database = self._wait_for_database(process, kill) if kill.name == "commit" else self._database
            came, s = killed(home.exchange, house, process, database, kill)
            told.append(f"{kill.name} {kill.count}: {came}")
            lived_s += s
            if came.startswith("ended"):
                err = (home.folder / f"run-{self._number}.err").read_text()
                wrong.append(f"session {each + 1} {came}: {err[-400:]}")
        jumps = dice.random() < JUMPS or not self._left or bool(wrong)
        compared_before = self.compared
        if jumps:
            time.sleep(0.2)  # what was on the wire arrives
            home.exchange.on(lambda: house.strike("height_jump", {"blocks": JUMP_BLOCKS}))
            time.sleep(0.1)
            wrong += self._look()
        if self._number % self._replay_every == 0 and home.journals:
            wrong += [f"replay: {one}" for one in [home.replayed(home.journals[-1])] if one]
        if not self._left:
            wrong += [f"audit: {one}" for one in [home.verified()] if one]
        facts = house.counts(self._subaccount) if not self._left else {}
        facts |= {
            "kills": len(kills),
            "looks": int(jumps),
            "compared": self.compared - compared_before,
            f"by {told[-1].split(' ')[0]}": 1,
        }
        return Round(seed, "; ".join(told), lived_s, tuple(wrong), facts)

    def _wait_for_database(self, process: Any, kill: Kill) -> Path:
        end_s = time.monotonic() + kill.longest_s
        while time.monotonic() < end_s and process.exitcode is None:
            if self._database.exists():
                break
            time.sleep(0.002)
        return self._database

    def _look(self) -> list[str]:
        """Recover a copy twice and compare it with the chain."""
        if not self._database.exists():
            return []
        with tempfile.TemporaryDirectory(dir=self._home.folder) as name:
            copy = Path(name)
            (copy / "sniper").mkdir(mode=0o700)
            shutil.copytree(self._home.folder / "sniper" / "accounts", copy / "sniper" / "accounts")
            before, first = self._still(), self._recovery(copy)
            for _ in range(AGAIN_MAX):
                # Orders that rest may fill meanwhile, and one that may come may come: then there is more to write.
                again, after = self._recovery(copy), self._still()
                if before == after:
                    break
                before, first = after, again
            if first.wrong or again.wrong:
                return [first.wrong or again.wrong]
            truth: Truth = self._home.exchange.on(lambda: self._house.truth(self._subaccount))
            if not before == after == truth._replace(height=0, now_ns=0):
                return []
            self.compared += 1
            wrong = []
            if again.code != first.code or again.corrected:
                wrong.append(f"recover again: exit {again.code}, {again.corrected} corrected: {again.said}")
            return wrong + compared(copy / "sniper" / "accounts" / self._database.name, truth, again.maybe)

    def _recovery(self, state: Path) -> Recovery:
        """`sniper recover` on this folder, and what is wrong with what it says."""
        code, document, said = self._home.recovered(self._subaccount, state)
        left = [row for row in document.get("rows", []) if row["resolution"] in ("unexplained", "wait")]
        maybe = frozenset(int(row["key"].split()[-1]) for row in left if row["rule"] == MAYBE)
        bad = code != (6 if maybe else 0) or len(maybe) < len(left)
        wrong = f"recover: exit {code}: {said[-300:]} {left}" if bad else ""
        return Recovery(code, document.get("corrected", 0), maybe, wrong, said[-200:])

    def _still(self) -> Truth:
        """What the chain knows, but for its time."""
        found: Truth = self._home.exchange.on(lambda: self._house.truth(self._subaccount))
        return found._replace(height=0, now_ns=0)


@contextmanager
def lives(seed: int, kills: int, double: bool, replay_every: int, fresh: bool = False) -> Iterator[Lives]:
    """A house on real sockets, a home, and rounds to play."""
    with (
        tempfile.TemporaryDirectory(prefix="killed-") as name,
        venue(
            markets=MARKETS,
            start_ns=time.time_ns(),
            warm_up_ns=WARM_NS,
            pulse_ns=400_000_000,
            seed=seed % 1000 + 1,
            house=Witness,
        ) as exchange,
    ):
        house = exchange.house
        assert isinstance(house, Witness)
        exchange.on(lambda: house.watch(WHOM.address))
        yield Lives(Home(Path(name), exchange, fresh), seed, kills, double, replay_every)
