"""The fuzzer on a small scale, proof that it can fail, and frames made to outgrow the tape.

Ten million frames: `python -m tests.fuzz --frames 10000000 --seed N`.
"""

from __future__ import annotations

import os

import pytest

from sniper._ext.tape import KIND_NAMES, Tape
from tests import fuzz
from tests.fuzz import Changed, Corpus, Decoder, Kernels, compare, run, variants

MARKET = (
    b'{"type":"subscribed","message_id":1,"channel":"v4_markets",'
    b'"contents":{"markets":{"A":{"tickSize":"1","stepSize":"1"}}}}'
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(1, frames=400)


@pytest.mark.parametrize("seed", [1, int(os.environ.get("SNIPER_SEED", "2"))])
def test_no_refused_frame_leaves_a_trace(corpus: Corpus, seed: int) -> None:
    seen = run(15_000, seed, corpus, every=5_000)
    assert seen["frames"] == 15_000
    assert 1_000 < seen["refused"] < 14_000 and seen["rows"] > 15_000


def test_a_trace_would_be_seen(corpus: Corpus) -> None:
    one, two = Kernels(), Kernels()
    records = [(0, 0, 0, frame) for frame in corpus.frames[:30]]
    one.apply(records)
    two.apply(records)
    compare(one, two)
    two.apply([(0, 0, 0, corpus.frames[0])])
    with pytest.raises(Changed):
        compare(one, two)


def test_the_same_seed_gives_the_same_frames(corpus: Corpus) -> None:
    one, two = variants(corpus, 3), variants(corpus, 3)
    assert [next(one) for _ in range(500)] == [next(two) for _ in range(500)]


def test_the_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "--frames", "2000", "--chunk", "1000"])
    assert fuzz.main() == 0
    assert "2000 frames" in capsys.readouterr().err


def frame(channel: str, contents: bytes, kind: str = "channel_data", name: str = "A") -> bytes:
    return f'{{"type":"{kind}","id":"{name}","channel":"{channel}","contents":'.encode() + contents + b"}"


def repeated(element: bytes, size: int) -> bytes:
    """So many bytes of list elements."""
    return b"[" + b",".join([element] * (size // (len(element) + 1))) + b"]"


SIZE = 60_000
SHORT_ELEMENTS = {
    "trades": frame("v4_trades", b'{"trades":' + repeated(b"{}", SIZE) + b"}"),
    "levels": frame("v4_orderbook", b'{"bids":' + repeated(b"[1,1]", SIZE) + b"}"),
    "empty levels": frame("v4_orderbook", b'{"bids":' + repeated(b'["",""]', SIZE) + b"}"),
    "level objects": frame("v4_orderbook", b'{"bids":' + repeated(b"{}", SIZE) + b"}"),
    "candles": frame("v4_candles", b'{"candles":' + repeated(b"{}", SIZE) + b"}", "subscribed", "A/1MIN"),
    "candle batch": frame("v4_candles", repeated(b"{}", SIZE), "channel_batch_data", "A/1MIN"),
    "block batch": frame("v4_block_height", repeated(b"{}", SIZE), "channel_batch_data"),
    "trade batch": frame("v4_trades", repeated(b'{"trades":[{}]}', SIZE), "channel_batch_data"),
}


@pytest.mark.parametrize("name", SHORT_ELEMENTS)
def test_a_list_of_short_bad_elements_stays_on_the_tape(name: str) -> None:
    """Three bytes an element and one row each would overrun a tape that holds a row for eight bytes."""
    tape = Tape(bytes_max=1 << 16, records_max=1)
    decoder = Decoder(tape)
    assert decoder.apply([(0, 0, 0, MARKET)]) == 2
    data = SHORT_ELEMENTS[name]
    tape.rows["kind"] = 255
    assert len(data) < tape.bytes_max and decoder.apply([(0, 0, 0, data)]) == 1
    assert KIND_NAMES[tape.rows["kind"][0]] == "ERROR"
    assert tape.rows["kind"][8:].tolist() == [255] * (
        len(tape.rows) - 8
    )  # it stopped at the first bad element


def test_a_market_map_of_short_tickers_stays_on_the_tape() -> None:
    """`"A":{},` is seven bytes and a row; a batch that says it for 95 tickers again and again is refused."""
    tape = Tape(bytes_max=1 << 16, records_max=1)
    decoder = Decoder(tape)
    tickers = [chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"\\/']
    entry = b'{"trading":{' + b",".join(b'"%b":{}' % t.encode() for t in tickers) + b"}}"
    data = frame("v4_markets", repeated(entry, 65_000), "channel_batch_data")
    assert decoder.apply([(0, 0, 0, data)]) == 1
    assert (KIND_NAMES[tape.rows["kind"][0]], int(tape.rows["side"][0])) == ("ERROR", 10)
    assert decoder.markets_n == 0


def test_a_frame_above_the_limit_is_one_error_row() -> None:
    kernels = Kernels()
    big = frame("v4_trades", b'{"trades":[]}') + b" " * (1 << 20)
    assert kernels.apply([(0, 0, 0, MARKET), (0, 0, 0, big)]) == 3
    assert (KIND_NAMES[kernels.tape.rows["kind"][2]], int(kernels.tape.rows["side"][2])) == ("ERROR", 7)
