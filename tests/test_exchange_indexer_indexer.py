"""The Indexer as a whole: our decoder takes every frame, our account follows the chain's purse, and lag is lag."""

from __future__ import annotations

import pytest

from sniper._ext.decode import Decoder
from sniper._ext.tape import COUNTER_NAMES, Tape
from sniper.account import Account, AccountSettings
from sniper.exchange.facts import SubaccountId
from sniper.exchange.indexer.faults import Faults
from sniper.types import REC_FRAME
from tests.exchange_chain import ME, US
from tests.exchange_indexing import Desk, contents
from tests.exchange_play import Play

SECOND_NS = 1_000_000_000


class Engine:
    """Our decoder and account behind one connection."""

    def __init__(self, address: str = US) -> None:
        self.tape = Tape()
        self.decoder = Decoder(self.tape)
        self.account = Account(self.tape, self.decoder, AccountSettings(address=address))

    def take(self, frames: list[bytes], now_ns: int) -> None:
        records = [(now_ns, 0, REC_FRAME, frame) for frame in frames]
        self.account.apply(self.decoder.apply(records), records, now_ns)

    def counter(self, name: str) -> int:
        return int(self.tape.counters[COUNTER_NAMES.index(name)])


@pytest.mark.parametrize("channel", ["v4_subaccounts", "v4_parent_subaccounts"])
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_our_decoder_takes_every_frame_and_our_account_is_the_chains_purse(
    seed: int, batched: bool, channel: str
) -> None:
    desk = Desk()
    play, engine = Play(desk, seed), Engine()
    for _ in range(seed * 5):
        play.block()
    desk.indexer.connect(1, desk.now_ns)
    for name, of in (
        ("v4_markets", None),
        ("v4_block_height", None),
        ("v4_orderbook", "BTC-USD"),
        ("v4_orderbook", "ETH-USD"),
        ("v4_trades", "BTC-USD"),
        ("v4_candles", "BTC-USD/1MIN"),
        ("v4_candles", "ETH-USD/1HOUR"),
        (channel, f"{US}/0"),
    ):
        message = {"type": "subscribe", "channel": name, "batched": batched}
        desk.send(message if of is None else message | {"id": of})
        desk.wait(2_000_000)
    engine.take(desk.raw(), desk.now_ns)
    for _ in range(120):
        play.block()
        engine.take(desk.raw(), desk.now_ns)
        assert engine.counter("rejected") == 0 and engine.counter("account_refused") == 0
        purse = play.purses.get(ME)
        held = {engine.decoder.ticker(m): p.size_quantums for m, p in engine.account.positions.items()}
        assert held == {
            ("BTC-USD", "ETH-USD")[p]: each[0] for p, each in (purse.held if purse else {}).items()
        }
        if not seed and purse is not None:  # later ones begin with funding that is not settled yet
            assert engine.account.usdc[0] == purse.usdc
    child = play.purses[SubaccountId(US, 128)]
    if channel == "v4_parent_subaccounts":
        found = engine.account.children.get(128, {})
        assert sorted(each.size_quantums for each in found.values()) == sorted(
            q for q, _ in child.held.values()
        )
    assert engine.counter("frames") > 200 and engine.counter("gaps") == 0
    assert engine.counter("unknown") == 0 and engine.counter("height_back") == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_balance_told_is_the_purse_after_every_touch(seed: int) -> None:
    desk = Desk()
    play = Play(desk, seed)
    desk.connect()
    desk.subscribe("v4_subaccounts", f"{US}/0")
    told = 0
    for _ in range(150):
        play.block()
        for each in contents(desk.read(), "v4_subaccounts"):
            for asset in each.get("assetPositions", ()):
                told += 1
                quote = round(float(asset["size"]) * 1e6)
                assert (quote if asset["side"] == "LONG" else -quote) == play.purses[ME].usdc
    assert told > 20


def test_same_news_same_bytes() -> None:
    runs = []
    for _ in range(2):
        desk = Desk()
        play = Play(desk, 5)
        desk.connect()
        desk.subscribe("v4_subaccounts", f"{US}/0")
        desk.subscribe("v4_orderbook", "BTC-USD", True)
        desk.indexer.set_faults(Faults(duplicate=0.1, reorder=0.1, crossed=0.1, gap=0.05, malformed=0.05))
        for _ in range(40):
            play.block()
        runs.append(desk.raw())
    assert runs[0] == runs[1] and len(runs[0]) > 100


def test_a_replica_that_lags_knows_of_blocks_later_and_of_books_at_once() -> None:
    desk = Desk()
    play = Play(desk, 3)
    for _ in range(20):
        play.block()
    desk.connect()
    desk.subscribe("v4_block_height")
    desk.indexer.set_faults(Faults(replica_lag_ns=5 * SECOND_NS))
    before = desk.ok("/v4/height")
    fills = desk.ok("/v4/fills", address=US, subaccountNumber=0)["fills"]
    heights = []
    start_ns = desk.now_ns
    while desk.now_ns < start_ns + 3 * SECOND_NS:
        desk.block()
        heights += [each["blockHeight"] for each in contents(desk.read(), "v4_block_height")]
    assert desk.ok("/v4/height") == before and heights[-1] == str(desk.blocks.height)
    play.quote()
    desk.wait(6 * SECOND_NS)
    assert desk.ok("/v4/height")["height"] == heights[-1]
    assert desk.ok("/v4/fills", address=US, subaccountNumber=0)["fills"] == fills
    desk.block()
    assert desk.ok("/v4/height")["height"] == heights[-1]
    desk.indexer.set_faults(Faults())
    assert desk.ok("/v4/height")["height"] == str(desk.blocks.height)


def test_what_lags_catches_up_to_the_same_answers() -> None:
    desk = Desk()
    play = Play(desk, 9)
    for _ in range(10):
        play.block()
    desk.indexer.set_faults(Faults(replica_lag_ns=SECOND_NS))
    for _ in range(40):
        play.block()
    desk.wait(2 * SECOND_NS)
    paths = [f"/v4/addresses/{US}", "/v4/perpetualMarkets"]
    lists = ["orders", "fills", "perpetualPositions", "transfers", "fundingPayments", "historical-pnl"]
    asked = [(path, {}) for path in paths] + [
        (f"/v4/{each}", {"address": US, "subaccountNumber": 0}) for each in lists
    ]
    behind = [desk.ok(path, **query) for path, query in asked]
    desk.indexer.set_faults(Faults())
    assert [desk.ok(path, **query) for path, query in asked] == behind


def test_jobs_run_once_however_long_nobody_looked() -> None:
    desk = Desk()
    desk.connect()
    desk.now_ns += 400 * 86_400 * SECOND_NS
    desk.pump()
    assert desk.now_ns < desk.indexer.due_ns() <= desk.now_ns + SECOND_NS


def test_strikes_have_names() -> None:
    with pytest.raises(ValueError, match="disconnect, restart, silence, crossed"):
        Desk().indexer.strike("flood", 0)
