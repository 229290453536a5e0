"""drill_chain: the venue of a drill goes by the market, whatever the engine under test hears."""

from __future__ import annotations

from sniper.drill_chain import Chain
from sniper.drill_market import SECOND_NS, Script
from sniper.feed.sim.feed import START_NS
from sniper.inbox import Inbox
from sniper.paper_settings import PaperSettings
from sniper.types import REC_FRAME

SCRIPT = Script((("BTC-USD", -100_000),), SECOND_NS, SECOND_NS, deaf_from_ns=1, deaf_ns=60 * SECOND_NS)


def test_it_ticks_on_and_tells_of_the_account() -> None:
    before: list[int] = []
    after: list[int] = []
    chain = Chain(SCRIPT, 1, PaperSettings(), before.append, after.append)
    inbox = Inbox(1 << 16, 64 << 20)
    chain.start(inbox)
    now_ns = START_NS
    while now_ns < START_NS + 4 * SECOND_NS:
        due_ns = chain.due(now_ns)
        assert due_ns is not None
        now_ns = max(now_ns, due_ns)
        chain.pull(now_ns, inbox)
        chain.observe(now_ns, 0)
    assert before == after and len(after) > 20
    assert chain.engine.ticks >= len(after)
    assert chain.engine.books.height > 0 and chain.totals() == (PaperSettings().usdc_quantums, 0, 0)
    told = [data for _, _, kind, data in inbox.drain(1 << 30, 1 << 16) if kind == REC_FRAME]
    assert any(b"v4_subaccounts" in data for data in told)
