"""End to end over real sockets: a trade-only key, a live session, kill -9, recovery, another session, an exit."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sniper.cli.live import asked_twice, chain_id
from sniper.config import Config
from sniper.errors import ConfigError, UsageError
from sniper.exchange.accounts import ACCOUNTS
from sniper.exchange.facts import SubaccountId
from sniper.journal_reader import JournalReader
from sniper.state import State
from sniper.trading import Place
from tests.live_config import live_config
from tests.venues import Venue, venue

ROOT = Path(__file__).parent.parent
WHOM = ACCOUNTS[0]
WORDS = "not a secret of anybody"
HEIGHTS = re.compile(rb'"blockHeight":"(\d+)"')
WARM_NS = 16 * 60 * 1_000_000_000


@pytest.fixture(scope="module")
def exchange() -> Iterator[Venue]:
    """A venue whose market has lived for long enough to know its volatility."""
    now_ns = time.time_ns()
    with venue(
        markets=("BTC-USD", "ETH-USD"), start_ns=now_ns, warm_up_ns=WARM_NS, pulse_ns=400_000_000
    ) as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, exchange: Venue) -> Path:
    """A user's state with an owner's key, and a trader's that may trade both markets."""
    folder = tmp_path_factory.mktemp("h")
    phrase = folder / "phrase"
    phrase.write_text(f"{WHOM.mnemonic}\n")
    said(folder, 1, "keys", "import", "owner", "--secret-fd", "4", "--memory-mib", "64", files=[phrase])
    said(folder, 1, "keys", "create", "bot", "--memory-mib", "64")
    said(folder, 2, "keys", "authorize", "bot", "--owner", "owner", "--market", "BTC-USD", "--market", "ETH-USD",
         "--subaccount", "0", "--network", "local", "--node", f"http://{exchange.grpc}", "--yes")  # fmt: skip
    addresses = exchange.websocket, exchange.rest, exchange.grpc
    (folder / "live.toml").write_text(
        live_config(*addresses, "every_ms = 250, markets = 2", key="bot", more="[reconcile]\nevery_s = 5.0")
    )
    assert "is valid" in said(folder, 0, "config", "check", str(folder / "live.toml")).stderr
    return folder


def command(folder: Path, words: tuple[str, ...], passphrases: int, files: list[Path]) -> dict[str, Any]:
    """What a process needs to be this call of sniper: the passphrase on descriptor 3, files from 4 on."""
    source = folder / f"words-{passphrases}"
    source.write_text(f"{WORDS}\n" * passphrases)
    line = " ".join(f"{number}<'{path}'" for number, path in enumerate([source, *files], 3))
    call = " ".join(f"'{word}'" for word in (sys.executable, "-m", "sniper", *words))
    return {
        "args": ["bash", "-c", f"exec {call} {line}"],
        "cwd": ROOT,
        "env": os.environ | {"XDG_STATE_HOME": str(folder)},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def said(
    folder: Path, passphrases: int, *words: str, files: list[Path] | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run one call to its end."""
    given = (*words, "--passphrase-fd", "3") if words[0] in ("keys", "run") else words
    found = subprocess.run(**command(folder, given, passphrases, files or []), timeout=120)
    assert found.returncode == code, (words, found.returncode, found.stderr[-2000:])
    return found


class Handed(NamedTuple):
    """A command as a sender has it."""

    command: Place


def doubtful(client_id: int, good_til_block: int) -> Place:
    """An entry of which nothing is known but that it was intended."""
    return Place(
        client_id,
        1,
        "ETH-USD",
        0,
        1,
        1000,
        "short_term",
        "gtt",
        False,
        good_til_block,
        0,
        "",
        0,
        "entry",
        "test",
    )


def purse(exchange: Venue) -> tuple[int, dict[int, int]]:
    """Balance and positions as the chain has them."""
    found = exchange.on(lambda: exchange.house.chain.purse(SubaccountId(WHOM.address, 0)))
    return found.usdc, {one.perpetual: one.quantums for one in found.holdings if one.quantums}


def run_words(home: Path, *more: str) -> tuple[str, ...]:
    return ("run", "--config", str(home / "live.toml"), "--headless", "--live", *more)


def killed(
    process: subprocess.Popen[str], ready: Any, why: str, number: int = signal.SIGKILL
) -> tuple[str, str]:
    """End it by a signal, by default kill -9, as soon as something holds. What it wrote."""
    try:
        end_s = time.monotonic() + 240
        while not ready():
            assert process.poll() is None, process.stderr and process.stderr.read()[-2000:]
            assert time.monotonic() < end_s, why
            time.sleep(0.1)
    finally:
        process.send_signal(number)
        found = process.communicate()
    return found


def attends(home: Path, process: subprocess.Popen[str]) -> bool:
    """Whether this session is the one that answers its operator."""
    answer = subprocess.run(**command(home, ("status",), 0, []), timeout=60)
    return answer.returncode == 0 and f"pid {process.pid}" in answer.stdout


def stops(exchange: Venue) -> list[dict[str, Any]]:
    """The stops that wait at the venue, as its REST shows them."""
    query = f"address={WHOM.address}&subaccountNumber=0&status=UNTRIGGERED"
    with urllib.request.urlopen(f"{exchange.rest}/v4/orders?{query}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def database(home: Path, **more: Any) -> State:
    return State(home / "sniper" / "accounts", "localdydxprotocol", WHOM.address, 0, **more)


def journals(home: Path) -> list[Path]:
    """The oldest first."""
    return sorted((home / "sniper" / "journals").glob("*.mcap"), key=lambda path: path.stat().st_mtime)


def commands(journal: Path, verb: str) -> list[dict[str, Any]]:
    """The commands of one kind that a session gave, by name of field."""
    with JournalReader(journal) as reader:
        given = [one for tick in reader for one in json.loads(tick.commands or b"[]")]
    return [dict(zip(Place._fields, one[1:], strict=True)) for one in given if one[0] == verb]


def holding(home: Path, *tickers: str) -> tuple[str, ...]:
    """A run of the strategy that enters once and holds."""
    words = (home / "live.toml").read_text().partition("[strategy]")[0]
    own = home / f"holder-{len(tickers)}.toml"
    own.write_text(
        f"""{words}
[strategy]
name = "{ROOT / "tests" / "holder.py"}"
options = {{ tickers = {json.dumps(tickers)} }}
[reconcile]
every_s = 5.0
"""
    )
    return ("run", "--config", str(own), "--headless", "--live")


def test_what_a_session_left_open_is_taken_over_by_the_next(home: Path, exchange: Venue) -> None:
    """A position with its stop, and an order of which nobody knows whether it left: kill -9, and on it goes."""
    first = holding(home, "BTC-USD")
    process = subprocess.Popen(**command(home, (*first, "--passphrase-fd", "3"), 1, []))
    killed(process, lambda: purse(exchange)[1] and stops(exchange), "no position with a stop in time")
    (stop,) = stops(exchange)
    with contextlib.closing(database(home)) as state:
        (((ticker, _, trip),), _) = json.loads(state.bot("round trips") or b"[[], 0]")
        strategy = state.bot(f"strategy {ROOT / 'tests' / 'holder.py'}")
        in_doubt, _ = state.reserve(count=1)
        last = (
            exchange.on(lambda: exchange.house.chain.height) + 40
        )  # the next session must begin before, however slow
        state.note([Handed(doubtful(in_doubt, last))])
    assert ticker == "BTC-USD" and trip["plan"][2] == "holder" and strategy
    again = (*holding(home, "BTC-USD", "ETH-USD"), "--json", "--passphrase-fd", "3")
    process = subprocess.Popen(**command(home, again, 1, []))
    written, told = killed(process, lambda: len(stops(exchange)) == 2, "no second position", signal.SIGTERM)
    assert process.returncode == 143, told[-2000:]
    assert told.count("as the chain says") == 4, "rates of both kinds, equity tiers, fees"
    assert "2 orders, 1 round trips" in told and "begins anew" not in told
    assert json.loads(written)["account"]["trust"] == "live"
    # One stop, the same one: the position was never without it, and nobody placed another.
    assert [one["clientId"] for one in stops(exchange) if one["ticker"] == "BTC-USD"] == [stop["clientId"]]
    session = journals(home)[-1]
    placed = commands(session, "Place")
    assert {one["ticker"] for one in placed} == {"ETH-USD"}
    # No new risk beside the order in doubt, until the chain's height proved it dead.
    with JournalReader(session) as reader:
        entry = next(tick for tick in reader if b'"Place"' in (tick.commands or b""))
        seen = [tick for tick in reader if tick.number <= entry.number]
    reached = max(
        int(height) for tick in seen for height in HEIGHTS.findall(b" ".join(r[3] for r in tick.records))
    )
    assert reached >= last + 3
    with contextlib.closing(database(home)) as state:
        kept, _ = json.loads(state.bot("round trips") or b"[[], 0]")
        went_on = {ticker: one for ticker, _, one in kept}["BTC-USD"]
        assert {key: went_on[key] for key in ("entry_quote", "opened_ns", "plan")} == {
            key: trip[key] for key in ("entry_quote", "opened_ns", "plan")
        }
        fate = state.all("SELECT state, cause FROM orders WHERE client_id = ?", (in_doubt,))
        assert fate[0][0] == "dead" and "proven" in fate[0][1]
        assert state.one("SELECT count(*) FROM untold") == 0
    for journal in journals(home):
        said(home, 0, "replay", str(journal))


def test_a_key_that_is_revoked_is_noticed_in_a_session_and_at_the_start_of_the_next(
    home: Path, exchange: Venue
) -> None:
    at = ("--network", "local", "--node", f"http://{exchange.grpc}")
    said(home, 1, "keys", "create", "lent", "--memory-mib", "64")
    markets = ("--market", "BTC-USD", "--market", "ETH-USD", "--subaccount", "0")
    said(home, 2, "keys", "authorize", "lent", "--owner", "owner", *markets, *at, "--yes")
    words = (*run_words(home, "--set", "live.key=lent"), "--passphrase-fd", "3")
    process = subprocess.Popen(**command(home, words, 1, []))
    before, revoked = purse(exchange)[1], []

    def refused() -> bool:
        if not revoked and purse(exchange)[1] != before:
            revoked.append(said(home, 1, "keys", "revoke", "lent", "--owner", "owner", *at, "--yes"))
        status = subprocess.run(**command(home, ("status",), 0, []), timeout=60) if revoked else None
        return status is not None and "critical: key refused" in status.stdout

    _, told = killed(process, refused, "the session goes on as if nothing were", signal.SIGTERM)
    assert process.returncode == 143 and "key refused 3, limit 3" in told, told[-2000:]
    found = said(home, 1, *run_words(home, "--set", "live.key=lent"), code=4)
    assert "its permission was revoked" in found.stderr and "sniper keys check lent" in found.stderr


def test_it_trades_dies_recovers_and_goes_on(home: Path, exchange: Venue) -> None:
    before = purse(exchange)[1]
    process = subprocess.Popen(**command(home, (*run_words(home), "--passphrase-fd", "3"), 1, []))
    killed(process, lambda: purse(exchange)[1] != before, "no trade in time")
    # What it left behind is explained, and explaining it again changes nothing, unless more of it was filled meanwhile.
    owner = ("--set", f"trade.address={WHOM.address}")
    recover = ("recover", "--config", str(home / "live.toml"), "--url", exchange.rest, *owner, "--json")
    found = [json.loads(said(home, 0, *recover).stdout)]
    while not found[1:] or (found[-1]["corrected"] and len(found) < 6):
        found.append(json.loads(said(home, 0, *recover).stdout))
    assert found[-1]["corrected"] == 0 and not any(one["unexplained"] for one in found)
    # Another session of the same account; it ends in order and its journal replays without a network.
    ended = said(home, 1, *run_words(home, "--duration", "8", "--json"))
    document = json.loads(ended.stdout)
    assert document["rejected"] == 0 and document["account"]["trust"] == "live"
    both = journals(home)[-2:]
    for journal in both:
        said(home, 0, "replay", str(journal))
    assert said(home, 0, "audit", "verify").returncode == 0
    secrets = (WORDS.encode(), WHOM.mnemonic.encode())
    for path in (home / "sniper").rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path


def test_a_kill_and_what_it_closed_outlive_a_disk_that_does_not_write(home: Path, exchange: Venue) -> None:
    """The position is closed by orders that nothing holds but the venue; then kill -9."""
    process = subprocess.Popen(**command(home, (*holding(home, "BTC-USD"), "--passphrase-fd", "3"), 1, []))
    try:
        ready = time.monotonic() + 120
        while not (attends(home, process) and purse(exchange)[1] and stops(exchange)):
            assert process.poll() is None and time.monotonic() < ready
            time.sleep(0.2)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        told = said(home, 0, "kill", "--reason", "the disk is full").stderr
        assert "obeyed" in told and "database does not hold this kill" in told and "audit log" in told
    finally:
        killed(process, lambda: not purse(exchange)[1], "the position was not closed")
    assert "a kill holds" in said(home, 1, *holding(home, "BTC-USD"), code=7).stderr
    recover = ("recover", "--config", str(home / "live.toml"), "--url", exchange.rest, "--json")
    recover = (*recover, "--set", f"trade.address={WHOM.address}")
    found = [json.loads(said(home, 0, *recover).stdout) for _ in range(2)]
    rules = {row["rule"] for row in found[0]["rows"]}
    assert "unwritten" in rules and "by_fills" in rules and not rules & {"stranger", "unclear"}
    assert found[1]["corrected"] == 0
    said(home, 0, "unlatch", "--config", str(home / "live.toml"), "--reason", "room again", *recover[-2:])
    said(home, 1, *run_words(home, "--duration", "5"))


def test_a_session_is_the_only_one_of_its_account_and_outlives_what_is_done_to_its_files(
    home: Path, exchange: Venue
) -> None:
    place = home / "sniper"
    process = subprocess.Popen(**command(home, (*run_words(home), "--passphrase-fd", "3"), 1, []))

    def attacked() -> bool:
        if not list((place / "running").glob("*.sock")):
            return False
        for one in (place / "accounts").glob("local*.lock"):
            one.unlink()
        for elsewhere in ((), ("--set", f"state.folder={home / 'another'}")):
            found = said(home, 1, *run_words(home, *elsewhere), code=4)
            assert f"is in use by process {process.pid}" in found.stderr
        for one in (place / "running").glob("*.beat"):
            os.truncate(one, 0)
        time.sleep(0.5)
        return attends(home, process)

    _, err = killed(process, attacked, "nobody could speak to it", signal.SIGINT)
    assert process.returncode == 130, err[-2000:]


def test_an_owner_s_key_is_refused_unless_it_is_wanted(home: Path) -> None:
    found = said(home, 1, *run_words(home, "--set", "live.key=owner"), code=4)
    assert "owner" in found.stderr and "withdraw" in found.stderr


def test_a_wrong_passphrase_and_an_address_of_another_are_refused(home: Path) -> None:
    wrong = home / "wrong"
    wrong.write_text("something else\n")
    made = command(home, (*run_words(home), "--passphrase-fd", "4"), 1, [wrong])
    assert subprocess.run(**made, timeout=60).returncode == 4
    found = said(home, 1, *run_words(home, "--set", f"trade.address={ACCOUNTS[1].address}"), code=3)
    assert WHOM.address in found.stderr


@pytest.mark.parametrize(
    ("mode", "source", "live", "kind"),
    [
        ("live", "testnet", False, UsageError),
        ("paper", "testnet", True, UsageError),
        ("live", "sim", True, ConfigError),
        ("live", "testnet", True, None),
        ("paper", "sim", False, None),
    ],
)
def test_it_is_asked_for_twice(mode: str, source: str, live: bool, kind: Any) -> None:
    config = Config.model_validate({"trade": {"mode": mode}, "feed": {"source": source}})
    if kind is None:
        asked_twice(config, live)
    else:
        with pytest.raises(kind):
            asked_twice(config, live)


def test_without_a_database_there_is_no_live_trading() -> None:
    config = Config.model_validate(
        {"trade": {"mode": "live"}, "feed": {"source": "testnet"}, "state": {"enabled": "off"}}
    )
    with pytest.raises(ConfigError, match="writes every order"):
        asked_twice(config, True)


def test_the_chain_follows_the_feed_or_is_named() -> None:
    assert chain_id(Config.model_validate({"feed": {"source": "testnet"}})) == "dydx-testnet-4"
    with pytest.raises(ConfigError, match="chain_id"):
        chain_id(Config.model_validate({"feed": {"source": "ws://127.0.0.1:1"}}))
