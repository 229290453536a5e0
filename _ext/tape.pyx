"""The tape: this tick's rows, preallocated once and shared by every kernel.

`Tape.rows` is a structured array of `EVENT_DTYPE`, which is derived from the C struct: one source of
truth. Only the first `n` rows that the decoder returned mean anything; all are overwritten next tick.
"""

import mmap

import numpy as np

from event cimport COUNTERS, STAGES, USED, Candle, Event, Market, Trade

cdef Event _event
cdef Market _market
cdef Trade _trade
cdef Candle _candle

EVENT_DTYPE = np.asarray(<Event[:1]> &_event).dtype
MARKET_DTYPE = np.asarray(<Market[:1]> &_market).dtype
TRADE_DTYPE = np.asarray(<Trade[:1]> &_trade).dtype
CANDLE_DTYPE = np.asarray(<Candle[:1]> &_candle).dtype

KIND_NAMES = (
    "NONE", "CONNECTED", "SUBSCRIBED", "UNSUBSCRIBED", "SERVER_ERROR", "PONG", "BOOK", "LEVEL", "TRADE", "ORACLE",
    "MARKET", "CANDLE", "BLOCK", "ACCOUNT", "REST", "FUNDING", "GAP", "LINK", "ERROR", "UNKNOWN", "OPERATOR",
    "ANSWER",
)
CHANNEL_NAMES = (
    "", "v4_orderbook", "v4_trades", "v4_markets", "v4_candles", "v4_block_height", "v4_subaccounts",
    "v4_parent_subaccounts",
)
REASON_NAMES = (
    "", "syntax", "duplicate key", "missing key", "bad value", "off tick or step", "unknown market", "too large",
    "too deep", "non-ASCII", "table full", "bad record", "HTTP error",
)
RESOLUTION_NAMES = ("1MIN", "5MINS", "15MINS", "30MINS", "1HOUR", "4HOURS", "1DAY")
RESOLUTION_NS = tuple(60_000_000_000 * m for m in (1, 5, 15, 30, 60, 240, 1440))
LINK_NAMES = ("", "connecting", "open", "closed", "silent", "limited", "refused", "stopped")
ENDPOINT_NAMES = (
    "", "perpetualMarkets", "orderbook", "trades", "candles", "historicalFunding", "orders", "fills", "subaccount",
    "height", "time",
)
TRUST_NAMES = ("empty", "live", "crossed", "stale", "rebuilding")
STATUS_NAMES = (
    "", "ACTIVE", "PAUSED", "CANCEL_ONLY", "POST_ONLY", "INITIALIZING", "FINAL_SETTLEMENT",
)
FIELD_NAMES = (
    "tickSize", "stepSize", "oraclePrice", "priceChange24H", "volume24H", "nextFundingRate", "initialMarginFraction",
    "maintenanceMarginFraction", "openInterest", "openInterestLowerCap", "openInterestUpperCap",
    "defaultFundingRate1H", "clobPairId", "marketId", "atomicResolution", "quantumConversionExponent",
    "stepBaseQuantums", "subticksPerTick", "trades24H", "status", "marketType",
)
STAGE_NAMES = ("decode", "book", "trades", "candles", "links", "account", "signals", "margin", "orders")
VERB_NAMES = ("", "place", "cancel")
COUNTER_NAMES = (
    "frames", "bytes", "records", "rows", "rejected", "rejected_levels", "unknown", "levels", "trades",
    "duplicate_trades", "late_trades", "oracles", "oracle_jumps", "oracle_empty", "trade_far", "height_back",
    "time_back", "blocks", "candles", "accounts", "snapshots", "unknown_removes", "crossings", "orphan_levels",
    "gaps", "gap_records", "missing_ids", "resubscribes", "reconnects", "candle_mismatch", "candle_match",
    "server_errors", "book_overflow", "fast_frames", "answers", "fills", "account_refused", "intents",
    "refused_intents", "placed", "cancelled", "not_computable",
)


def sparse(Py_ssize_t count, dtype):
    """A table of zeros whose memory comes page by page as it is touched.

    NumPy asks for huge pages for tables of 4 MB and more: there the first touch of a part that was never used yet
    takes 2 MB at once, maybe hours after the start.
    """
    memory = mmap.mmap(-1, count * np.dtype(dtype).itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype)


cdef class Tape:
    """The rows, side tables and counters of one engine.

    bytes_max: most bytes of records one tick may take; records_max: most records. A row needs at least
    8 bytes of text, so `rows_max = bytes_max // 8 + records_max` cannot overflow; the side tables follow
    the same arithmetic. `others` lists the rows that are not LEVEL rows (the first `used[0]` entries count), so
    that stages which do not care for levels need not walk over them; `digests` holds two words a stage.
    Memory is touched only as far as it is used.
    """

    cdef readonly object rows, others, used, digests, counters, trades, candles, markets
    cdef readonly Py_ssize_t bytes_max, records_max, rows_max

    def __init__(self, Py_ssize_t bytes_max=4 << 20, Py_ssize_t records_max=4096):
        if not 1024 <= bytes_max <= 4 << 20:
            raise ValueError(f"bytes_max must lie in 1024..{4 << 20}, not {bytes_max}")
        if not 1 <= records_max <= 1 << 16:
            raise ValueError(f"records_max must lie in 1..65536, not {records_max}")
        self.bytes_max = bytes_max
        self.records_max = records_max
        self.rows_max = bytes_max // 8 + records_max
        self.rows = sparse(self.rows_max, EVENT_DTYPE)
        self.others = sparse(self.rows_max, np.uint32)
        self.used = np.zeros(USED, np.int64)
        self.digests = np.zeros(2 * STAGES, np.uint64)
        self.trades = sparse(bytes_max // 48 + 1, TRADE_DTYPE)
        self.candles = sparse(bytes_max // 80 + 1, CANDLE_DTYPE)
        self.markets = sparse(bytes_max // 7 + 1, MARKET_DTYPE)
        self.counters = np.zeros(COUNTERS, np.int64)
        assert self.rows.itemsize == 64 and len(COUNTER_NAMES) <= COUNTERS
