"""What the Indexer is set to: the defaults are those of its source (websocket.md 5, rest.md 1)."""

from __future__ import annotations

from typing import NamedTuple

MS = 1_000_000
SECOND_NS = 1_000 * MS


class IndexerSettings(NamedTuple):
    """Limits and rhythms of the Indexer; sizes of the rings that keep it bounded.

    snapshot_least_ns, snapshot_most_ns: how long a subscribe waits for its snapshot. The state is read half way, so
    what comes between is lost for that client. limits: turn REST limits off for tests that ask a lot.
    """

    seed: int = 1
    batch_ns: int = 250 * MS
    snapshot_least_ns: int = 20 * MS
    snapshot_most_ns: int = 300 * MS
    subscribe_attempts_max: int = 2  # a second, of one (channel, id) on one connection
    invalid_messages_max: int = 2  # a second, on one connection
    ids_max: int = 32  # of one channel on one connection
    subaccount_ids_max: int = 256
    levels_max: int = 100  # a side, in a snapshot
    statistics_ns: int = 30 * SECOND_NS
    uncross_ns: int = 15 * SECOND_NS
    stale_level_s: int = 10  # older than this the uncrossing job believes a level to be left over
    tickers_ns: int = 300 * SECOND_NS  # how often the list of known tickers is read anew
    cancelled_blocks: int = 20  # so long a cancelled short-term order stays in snapshots
    limits: bool = True
    page_max: int = 1000  # rows of an answer, and what a list keeps of each subaccount or market
    orders_max: int = 100_000  # of all subaccounts together
    live_orders_max: int = 200_000
    pending_max: int = 20_000  # items that wait for the next batch of one (channel, id)
    clients_max: int = 4_096  # REST clients whose requests are counted
