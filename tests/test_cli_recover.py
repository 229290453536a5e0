"""cli.recover: the table, its document, its exit codes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sniper.__main__ import main
from sniper.cli import wiring
from sniper.cli.folders import create, state_folder
from sniper.config import Config
from sniper.errors import EXIT_NETWORK, EXIT_PERMISSION, EXIT_RECONCILIATION, EXIT_USAGE, PermissionProblem
from sniper.heartbeat import Heartbeat
from sniper.instances import Instance, announce, folder, places
from tests.commands import document, refused
from tests.durable import ADDRESS, place
from tests.indexer_book import Account, fill, order
from tests.loopback import RestServer

OWNER = ("--network", "local", "--set", f"trade.address={ADDRESS}", "--wait", "0")


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def url(alone: Path, account: Account) -> Iterator[str]:
    """A venue, and a database in which one intent stands and a height of 60."""
    state = wiring.open_state(Config.model_validate({"trade": {"address": ADDRESS}}), "local")
    state.intents(1, 1, [place(7)])
    state.put([("base", (50,)), ("facts", ("height", 60))])
    state.close()
    with RestServer(account.reply) as server:
        yield server.url


def test_what_a_crash_left_is_explained(
    account: Account, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account.orders, account.fills, account.size = (
        [order(7, "FILLED", "0.0005")],
        [fill(1, 7, "0.0005")],
        "0.0005",
    )
    assert main(["recover", *OWNER, "--url", url, "--explain"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["what", "which", "local", "venue", "resolution", "rule"]
    assert [line.split()[0] for line in lines[1:4]] == ["order", "fill", "position"]
    assert "sent, 0 of 5 steps" in lines[1] and "FILLED, 5 of 5 steps" in lines[1]
    assert lines[4:] == [
        "by_fills: ours with the fills since is the venue's",
        "filled: the venue shows it filled",
        "missed: of an order of ours, and not booked yet",
    ]
    assert "3 compared, 3 corrected, 0 not explained" in err
    assert main(["recover", *OWNER, "--url", url]) == 0
    assert capsys.readouterr().out == "", "there is nothing left to show"


def test_the_document(account: Account, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "recover", *OWNER, "--url", url, "--json")
    assert found == {
        "schema": "sniper.recover/1",
        "network": "local",
        "address": ADDRESS,
        "subaccount": 0,
        "rows": [
            {"what": "order", "key": "BTC-USD 7", "own": "sent, 0 of 5 steps", "venue": "-", "resolution": "finish",
             "rule": "expired"}
        ],
        "corrected": 1,
        "unexplained": 0,
    }  # fmt: skip


def test_what_is_not_explained_refuses(
    account: Account, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account.orders = [order(99, goodTilBlock="200")]
    assert main(["recover", *OWNER, "--url", url]) == EXIT_RECONCILIATION
    out, err = capsys.readouterr()
    assert "stranger_open" in out and "unexplained" in out
    assert "nothing may be traded" in err.splitlines()[-1]


def test_a_stop_that_never_left_is_over_when_no_block_takes_it_any_more(
    account: Account, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = wiring.open_state(Config.model_validate({"trade": {"address": ADDRESS}}), "local")
    stop = {"kind": "conditional", "trigger": "stop_loss", "trigger_ticks": 90_000, "purpose": "protect"}
    state.intents(1, 1, [place(8, good_til_block=98, good_til_s=1_900_000_000, **stop)])
    state.close()
    again = ("recover", *OWNER, "--url", url)
    assert main([*again]) == EXIT_RECONCILIATION
    out = capsys.readouterr().out
    assert "maybe" in next(line for line in out.splitlines() if "BTC-USD 8" in line)
    account.height = 101
    assert main([*again]) == 0
    assert "unlisted" in capsys.readouterr().out
    assert main([*again]) == 0 and not capsys.readouterr().out, "twice changes nothing"


def test_nobody_to_ask(account: Account, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--url" in refused(capsys, EXIT_USAGE, "recover", *OWNER)
    account.statuses["orders"] = 403
    assert "did not answer orders" in refused(capsys, EXIT_NETWORK, "recover", *OWNER, "--url", url)


def test_paper_ends_with_its_run(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recover"]) == 0
    assert "nothing to recover" in capsys.readouterr().err and not (alone / ".local").exists()
    state = wiring.open_state(Config())
    state.put([("positions", ("BTC-USD", 0, 5, 0, 0, 0, 0, 0, 1))])
    state.close()
    assert main(["recover"]) == 0
    assert "its orders and positions are over" in capsys.readouterr().err
    state = wiring.open_state(Config())
    assert state.all("SELECT * FROM positions") == []
    state.close()


def test_after_a_live_session_the_config_alone_says_whose_book_and_whom_to_ask(
    alone: Path, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the errors and the documents say it: no address, no --url, no passphrase."""
    from sniper.cli.keys_common import keys_folder
    from sniper.keys.keyfile import Grant
    from sniper.keys.ring import Key, Ring
    from sniper.keys.secret import Secret
    from tests.vectors import PASSPHRASE, QUICK

    owner = "dydx19rl4cm2hmr8afy4kldpxz3fka4jguq0a4erelz"
    ring, key, phrase = Ring(keys_folder(None)), Secret(bytes(range(1, 33))), Secret(PASSPHRASE)
    header = ring.create("bot", "trader", "dydx1" + "q" * 38, "02" + "ab" * 32, key, phrase, QUICK)
    ring.record(Key("bot", header, key), Grant("chain-1", owner, 7, (0,), (0,)), phrase)
    live = ["trade.mode=live", "live.key=bot", "live.chain_id=chain-1", "feed.source=ws://127.0.0.1:1/v4/ws"]
    sets = [word for one in live for word in ("--set", one)]
    assert main(["recover", *sets]) == 0
    assert f"no database of chain-1, {owner}, subaccount 0" in capsys.readouterr().err
    state = wiring.open_state(Config.model_validate({"trade": {"address": owner}}), "chain-1")
    state.intents(1, 1, [place(7)])
    state.put([("base", (50,)), ("facts", ("height", 60))])
    state.close()
    with RestServer(account.reply) as server:
        assert main(["recover", *sets, "--set", f"feed.rest_url={server.url}", "--wait", "0"]) == 0
    assert "1 corrected, 0 not explained" in capsys.readouterr().err
    assert main(["unlatch", *sets, "--reason", "looked"]) == 0
    assert f"chain-1, {owner}" in capsys.readouterr().err


def test_an_account_has_one_writer_whatever_its_folder(alone: Path) -> None:
    def account(folder: str) -> Config:
        return Config.model_validate(
            {"trade": {"address": ADDRESS}, "state": {"folder": str(alone / folder)}}
        )

    first = wiring.open_state(account("a"), "local")
    (alone / "a" / f"local-{ADDRESS}-0.lock").unlink()
    for other in "ab":
        with pytest.raises(PermissionProblem, match=f"local-{ADDRESS}-0 is in use by process {os.getpid()} "):
            wiring.open_state(account(other), "local")
    wiring.open_state(account("b"), "other").close()
    first.close()
    wiring.open_state(account("b"), "local").close()


@pytest.fixture
def card(alone: Path) -> Instance:
    """What a live session of that account left that was killed."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    create(folder(state_folder(os.environ)))
    made = Instance(f"local-{ADDRESS}-0", gone.pid, "live", "ws://x", 1)
    announce(state_folder(os.environ), made)
    return made


@pytest.mark.parametrize("verb", [("recover", "--network", "local"), ("unlatch", "--reason", "looked")])
def test_a_database_that_went_with_a_live_session_is_not_nothing(
    alone: Path, card: Instance, verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    live = [
        "trade.mode=live",
        "live.chain_id=local",
        "feed.source=ws://127.0.0.1:1",
        f"trade.address={ADDRESS}",
    ]
    sets = [word for one in live for word in ("--set", one)]
    said = refused(capsys, EXIT_RECONCILIATION, *verb, *sets)
    assert f"local-{ADDRESS}-0.sqlite is gone" in said and f"(pid {card.pid}) died in a live session" in said
    assert "Move the database back with its -wal file" in said
    announce(state_folder(os.environ), card._replace(pid=os.getpid()))
    assert f"in use by process {os.getpid()}" in refused(capsys, EXIT_PERMISSION, *verb, *sets)
    heart = Heartbeat(places(state_folder(os.environ), card.name).beat, "live")
    heart.close()
    assert main([*verb, *sets]) == 0, "it ended in order: somebody tidied up"
    assert main([*verb, *sets, "--set", "trade.subaccount=1"]) == 0, "another account"


def test_who_names_no_account_after_a_crash_is_told_which_one_died(
    alone: Path, card: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, EXIT_USAGE, "recover", "--explain")
    assert f"{card.name} (pid {card.pid}, ws://x) died in a live session" in said
    named = ["--network", "local", "--set", f"trade.address={ADDRESS}", "--set", "trade.subaccount=0"]
    assert " ".join(named) in said
    assert "is gone" in refused(capsys, EXIT_RECONCILIATION, "recover", "--explain", *named)
    wiring.open_state(Config()).close()
    refused(capsys, EXIT_USAGE, "recover", "--explain")  # also where paper has a database
    assert main(["recover", "--explain", "--network", "paper"]) == 0
    announce(state_folder(os.environ), card._replace(name="chain-1-dydx1b-7", started_ns=2))
    said = refused(capsys, EXIT_USAGE, "recover")
    assert (
        "and 1 more" in said
        and "--network chain-1 --set trade.address=dydx1b --set trade.subaccount=7" in said
    )
    for name in (card.name, "chain-1-dydx1b-7"):
        Heartbeat(places(state_folder(os.environ), name).beat, "live").close()
    assert main(["recover"]) == 0
