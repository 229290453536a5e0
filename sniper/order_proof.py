"""When an order is proven dead. Two rules, chosen per venue.

"query": the Indexer's frames may be lost, so only its answers to queries prove anything. "frames": the venue's own
account frames come complete and in order (the paper venue), so their height is proof enough; and as they come only
when something happened to the account, whatever a block did to it has been told SILENT_BLOCKS blocks later.

Short-term: no block above its good-til-block can fill it; the Indexer must have come PROOF_BLOCKS further and, under
"query", a fills query at a height above the good-til-block must have shown every fill. How far the Indexer has come
say the account's frames or, of an account of which there is nothing to tell, the query itself. Stateful: under "query"
an orders query must lack it with every fill up to then known and, if it was never seen, its transaction must be over by
now: the account's sequence went past its own, or the last block that may take it has gone by, in blocks that both
queries have seen; or the block time is past its good-til time. Under "frames" the account frames must have come
PROOF_BLOCKS further than where it became doubtful, without a word of it.
"""

from __future__ import annotations

from typing import Final

from sniper.order_record import Evidence, Held, Question, Rule

PROOF_BLOCKS: Final = 3
CACHED_BLOCKS: Final = 3
"""An answer may come out of a cache that is a second old (rest.md 1), which is two blocks."""
SILENT_BLOCKS: Final = 10
"""Of "frames": three times the slowest of the venue's latencies, and far fewer than `overdue_blocks`."""
TIME_GRACE_S: Final = 30
"""Block times lag: a good-til time counts as past only after this."""


def proof(held: Held, rule: Rule, indexer_height: int, height: int, evidence: Evidence) -> str:
    """Why nothing of this order can fill any more, "" as long as that is not proven. height: of the chain."""
    indexer_height = max(
        indexer_height, height - SILENT_BLOCKS if rule == "frames" else evidence.fills_height
    )
    if held.short_term:
        last = held.last_block()
        if indexer_height < last + PROOF_BLOCKS or (rule == "query" and evidence.fills_height <= last):
            return ""
        known = evidence.fills_height if rule == "query" else indexer_height
        return f"good til {last}, every fill up to {known} is known"
    if rule == "frames":
        if indexer_height < held.doubt_height + PROOF_BLOCKS:
            return ""
        return f"in doubt since {held.doubt_height}, no word of it up to {indexer_height}"
    if evidence.orders_height < held.doubt_height + PROOF_BLOCKS or held.order.order_id in evidence.listed:
        return ""
    if evidence.fills_height < held.doubt_height + PROOF_BLOCKS:
        return ""  # it may have filled without a word that reached us
    if held.seen:
        return f"not among the open orders at {evidence.orders_height}"
    known = min(evidence.orders_height, evidence.fills_height)
    if 0 <= held.sequence < evidence.sequence and known >= evidence.sequence_height + PROOF_BLOCKS:
        return f"never seen, and the sequence went past its {held.sequence} to {evidence.sequence}"
    if 0 < held.order.good_til_block <= known - PROOF_BLOCKS:
        return f"never seen, and no block after {held.order.good_til_block} takes its transaction"
    if evidence.block_s >= held.order.good_til_s + TIME_GRACE_S:
        return f"never seen, and the block time {evidence.block_s} is past its {held.order.good_til_s}"
    return ""


def question(held: Held, rule: Rule, indexer_height: int, height: int) -> Question | None:
    """The query whose answer would settle this order's fate, None while none can. height: of the chain."""
    if rule != "query" or held.order.state not in ("fading", "unknown"):
        return None
    above = held.last_block() if held.short_term else held.doubt_height + PROOF_BLOCKS - 1
    if max(indexer_height, height - CACHED_BLOCKS) < above + (PROOF_BLOCKS if held.short_term else 1):
        return None
    order = held.order
    query = "fills" if held.short_term else "orders"
    return Question(query, order.client_id, order.order_id, order.market, above)
