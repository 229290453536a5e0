# What all kernels share: the row, its vocabulary, the counters and the digest. Nothing else.
#
# `from event cimport ...` (by its bare name: kernels never cimport each other).

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #if defined(__GNUC__)
    #  define SNIPER_LIKELY(x) __builtin_expect(!!(x), 1)
    #  define SNIPER_UNLIKELY(x) __builtin_expect(!!(x), 0)
    #else
    #  define SNIPER_LIKELY(x) (x)
    #  define SNIPER_UNLIKELY(x) (x)
    #endif
    #include <stdint.h>
    /* one of two numbers without a branch: the second where `second` is 1, the first where it is 0 */
    #define SNIPER_EITHER(a, b, second) ((a) ^ (((a) ^ (b)) & -(uint64_t)(second)))
    typedef struct { uint64_t a, b; } SniperDigest;
    static inline void sniper_fold(SniperDigest *d, uint64_t x, uint64_t y) {
        /* one 64x64->128 multiply absorbs two words; the xors keep the state alive when a factor is 0 */
        unsigned __int128 m = (unsigned __int128)(d->a ^ x ^ 0x9E3779B97F4A7C15ull) * (d->b ^ y ^ 0xD1B54A32D192ED03ull);
        d->a = (uint64_t)m ^ ((d->b << 23) | (d->b >> 41)) ^ x;
        d->b = (uint64_t)(m >> 64) ^ d->a ^ y;
    }
    """
    bint likely "SNIPER_LIKELY"(bint x) nogil
    bint unlikely "SNIPER_UNLIKELY"(bint x) nogil
    uint64_t either "SNIPER_EITHER"(uint64_t a, uint64_t b, uint64_t second) nogil
    # A running 128-bit digest: not cryptographic, made to notice any accidental difference.
    ctypedef struct Digest "SniperDigest":
        uint64_t a
        uint64_t b
    void fold "sniper_fold"(Digest* d, uint64_t x, uint64_t y) noexcept nogil

# One decoded event. 64 bytes, C layout, no padding. What each field means for each kind: docs/rows.md.
cdef struct Event:
    int64_t recv_ns     # when the frame came in (feed clock), nanoseconds since 1970
    int64_t venue_ns    # the venue's own time, 0 where the message has none
    int64_t price
    int64_t size
    int64_t bid         # best bid and ask of the uncrossed view, in ticks, after this row; 0: none
    int64_t ask
    uint32_t frame      # index of the record in this tick
    uint32_t ref        # index into the side table of the kind, or a connection
    uint32_t flags
    uint16_t market     # index into the market table, NO_MARKET where there is none
    uint8_t kind
    uint8_t side

cdef enum:
    NO_MARKET = 0xFFFF

cdef enum:                  # Kind
    NONE = 0
    CONNECTED = 1       # ref connection, price message_id
    SUBSCRIBED = 2      # ref connection, side channel, market, price message_id
    UNSUBSCRIBED = 3    # ref connection, side channel, market, price message_id
    SERVER_ERROR = 4    # ref connection, side channel (0: not named), market, price message_id
    PONG = 5            # ref connection
    BOOK = 6            # a snapshot of this market's book follows: clear it. ref connection, size levels
    LEVEL = 7           # side 0 bid 1 ask, price ticks, size steps (0 removes), ref connection
    TRADE = 8           # side 0 BUY 1 SELL (taker), price, size exact decimals, venue_ns, ref trade table
    ORACLE = 9          # price exact decimal (0 with DOUBT: null or empty), venue_ns, size height
    MARKET = 10         # market parameters or statistics: ref market-update table, size mask of Field
    CANDLE = 11         # side Resolution, venue_ns startedAt, ref candle table, price close
    BLOCK = 12          # price height, venue_ns block time, ref connection
    ACCOUNT = 13        # a v4_subaccounts or v4_parent_subaccounts message: read the frame. side channel, size Message
    REST = 14           # a REST answer: side Endpoint, size HTTP status, market
    FUNDING = 15        # one row of historicalFunding: price rate exact decimal, venue_ns, size height
    GAP = 16            # the inbox dropped records of connection ref: size records, price bytes
    LINK = 17           # the feed's own word on connection ref: side LinkState, price close code or detail
    ERROR = 18          # a refused message: side Reason, ref connection, size levels in it, market whose book misses it
    UNKNOWN = 19        # a channel or type we do not know. ref connection
    OPERATOR = 20       # an operator's command: read the frame
    ANSWER = 21         # a venue's answer to a command of ours: side Verb, ref client id, price code (-1: none came)
    KINDS = 22

cdef enum:                  # Channel
    CH_NONE = 0
    CH_ORDERBOOK = 1
    CH_TRADES = 2
    CH_MARKETS = 3
    CH_CANDLES = 4
    CH_BLOCK_HEIGHT = 5
    CH_SUBACCOUNTS = 6
    CH_PARENT_SUBACCOUNTS = 7

cdef enum:                  # Message
    M_UNKNOWN = 0
    M_CONNECTED = 1
    M_SUBSCRIBED = 2
    M_DATA = 3
    M_BATCH = 4
    M_UNSUBSCRIBED = 5
    M_ERROR = 6
    M_PONG = 7

# Event.flags. Bits 16-23: decimals of size; bits 24-31: decimals of price (TRADE ORACLE CANDLE FUNDING).
cdef enum:                  # Flag
    SNAPSHOT = 1        # part of a snapshot, not of an update
    DUPLICATE = 2       # a trade id seen before (stamped by the trades kernel)
    LATE = 4            # older than what the market already has
    OFF_TICK = 8        # price is not a whole multiple of the tick
    DOUBT = 16          # well-formed but hard to believe; counted, applied
    LIQUIDATED = 32     # trade types other than LIMIT
    DELEVERAGED = 64
    OTHER_TYPE = 128
    NEW = 256           # MARKET: first seen. CANDLE: first of its startedAt
    RETICKED = 512      # MARKET: tickSize or stepSize changed: the book is void
    INEXACT = 1024      # more digits than an int64 holds; the last ones were dropped
    FROM_REST = 2048    # the row comes from a REST answer

# Why a message was refused (Event.side of an ERROR row).
cdef enum:                  # Reason
    R_NONE = 0
    R_SYNTAX = 1        # not JSON
    R_DUPLICATE_KEY = 2
    R_MISSING_KEY = 3
    R_BAD_VALUE = 4     # a value of a wrong type or form
    R_OFF_GRID = 5      # a level off tick or step
    R_UNKNOWN_MARKET = 6
    R_TOO_LARGE = 7     # larger than the byte limit of a tick
    R_TOO_DEEP = 8      # nested deeper than 64
    R_NON_ASCII = 9     # a byte >= 0x80 outside a skipped string
    R_FULL = 10         # a bounded table is full
    R_BAD_RECORD = 11   # not a record we wrote
    R_HTTP = 12         # a REST answer with a status other than 2xx

cdef enum:                  # Resolution
    RES_1MIN = 0
    RES_5MINS = 1
    RES_15MINS = 2
    RES_30MINS = 3
    RES_1HOUR = 4
    RES_4HOURS = 5
    RES_1DAY = 6
    RESOLUTIONS = 7

# Kinds of inbox record: what the third field of (recv_ns, connection, kind, data) says.
cdef enum:                  # RecordKind
    REC_FRAME = 0       # a WebSocket message, its bytes untouched
    REC_REST = 1        # b"<endpoint> <status> <query>\n" + body
    REC_GAP = 2         # b"<records> <bytes>"
    REC_LINK = 3        # b"<state> <code> <text>"
    REC_OPERATOR = 4    # b"<verb> <text>"
    REC_VENUE = 5       # b"<verb> <client id> <code> <text>"

cdef enum:                  # Verb: what a venue answers to
    V_NONE = 0
    V_PLACE = 1
    V_CANCEL = 2

cdef enum:                  # LinkState
    L_NONE = 0
    L_CONNECTING = 1
    L_OPEN = 2
    L_CLOSED = 3        # code = WebSocket close code
    L_SILENT = 4        # the feed gave up on a silent socket
    L_LIMITED = 5       # HTTP 429: long back-off
    L_REFUSED = 6       # TLS or HTTP refused it
    L_STOPPED = 7       # by us

cdef enum:                  # Endpoint
    E_NONE = 0
    E_PERPETUAL_MARKETS = 1
    E_ORDERBOOK = 2
    E_TRADES = 3
    E_CANDLES = 4
    E_HISTORICAL_FUNDING = 5
    E_ORDERS = 6
    E_FILLS = 7
    E_SUBACCOUNT = 8
    E_HEIGHT = 9
    E_TIME = 10

# Trust in a book.
cdef enum:                  # Trust
    T_EMPTY = 0         # no snapshot yet
    T_LIVE = 1
    T_CROSSED = 2       # the raw book is crossed now; the uncrossed view holds
    T_STALE = 3         # its connection is silent or lost records
    T_REBUILDING = 4    # emptied; waiting for the snapshot that was asked for

# Exact decimals of a market, Market.num / Market.dec: value = num * 10 ** -dec.
cdef enum:                  # Field
    F_TICK = 0
    F_STEP = 1
    F_ORACLE = 2
    F_PRICE_CHANGE = 3
    F_VOLUME = 4
    F_FUNDING = 5       # nextFundingRate, fraction an hour
    F_IMF = 6
    F_MMF = 7
    F_OPEN_INTEREST = 8
    F_OI_LOWER = 9
    F_OI_UPPER = 10
    F_DEFAULT_FUNDING = 11
    NUMS = 12
    # Market.whole
    F_CLOB_PAIR = 12
    F_MARKET_ID = 13
    F_ATOMIC_RESOLUTION = 14
    F_QUANTUM_EXPONENT = 15
    F_STEP_QUANTUMS = 16
    F_SUBTICKS_PER_TICK = 17
    F_TRADES = 18
    WHOLES = 7
    F_STATUS = 19
    F_TYPE = 20
    FIELDS = 21

cdef enum:                  # Status
    S_UNKNOWN = 0
    S_ACTIVE = 1
    S_PAUSED = 2
    S_CANCEL_ONLY = 3
    S_POST_ONLY = 4
    S_INITIALIZING = 5
    S_FINAL_SETTLEMENT = 6

# One market: a row of the market table and of the market-update side table.
cdef struct Market:
    int64_t num[12]
    int64_t whole[7]
    int64_t oracle_ns       # effectiveAt of the oracle price
    int64_t oracle_height
    uint32_t known          # bit f: field f has a value
    uint32_t mask           # update table only: bit f: field f came with this message
    uint16_t index
    uint8_t status
    uint8_t type            # 0 unknown 1 CROSS 2 ISOLATED
    uint8_t length          # of ticker
    uint8_t dec[12]
    uint8_t tick_decimals   # decimals of the tick and step grid: trade prices and sizes use at least these
    uint8_t step_decimals
    uint8_t ticker[109]     # ASCII, `length` bytes

# One trade's identity (side table of TRADE rows).
cdef struct Trade:
    uint64_t id_high        # 24 lower-case hex digits packed exactly (id_form 0), or two hashes of the text (1)
    uint64_t id_low
    int64_t height          # createdAtHeight, or that in the id, 0 where neither says
    uint32_t row            # index of its row in this tick
    uint16_t id_form
    uint16_t id_length

# One candle (side table of CANDLE rows). Prices and volumes are exact decimals.
cdef struct Candle:
    int64_t started_ns
    int64_t open
    int64_t high
    int64_t low
    int64_t close
    int64_t volume          # coins
    int64_t usd_volume
    int64_t trades
    int64_t open_interest   # startingOpenInterest
    uint8_t open_dec
    uint8_t high_dec
    uint8_t low_dec
    uint8_t close_dec
    uint8_t volume_dec
    uint8_t usd_dec
    uint8_t interest_dec
    uint8_t resolution

# Tape.digests: two words a stage, written at the end of its work. (In order of work.)
cdef enum:
    STAGE_DECODE = 0
    STAGE_BOOK = 1
    STAGE_TRADES = 2
    STAGE_CANDLES = 3
    STAGE_LINKS = 4
    STAGE_ACCOUNT = 5       # Python; this and the stages behind it rest while the decision half is off
    STAGE_SIGNALS = 6
    STAGE_MARGIN = 7
    STAGE_ORDERS = 8        # strategy, risk and orders
    STAGES = 9

# Tape.used: how much of the tape this tick fills (written by decode, read by the stages behind it).
cdef enum:
    U_OTHERS = 0            # entries of Tape.others: indexes of the rows that are not LEVEL, in order
    U_TRADES = 1
    U_CANDLES = 2
    U_MARKETS = 3
    U_KINDS = 4             # bit k: a row of kind k is among them
    USED = 5

# The counters: one preallocated int64 array, Tape.counters, named by COUNTER_NAMES in tape.pyx (same order).
cdef enum:                  # Counter
    C_FRAMES = 0            # records of kind FRAME
    C_BYTES = 1             # their bytes
    C_RECORDS = 2           # all records
    C_ROWS = 3
    C_REJECTED = 4          # messages refused
    C_REJECTED_LEVELS = 5   # levels in them
    C_UNKNOWN = 6
    C_LEVELS = 7            # level rows
    C_TRADES = 8            # distinct trades
    C_DUPLICATE_TRADES = 9
    C_LATE_TRADES = 10
    C_ORACLES = 11
    C_ORACLE_JUMPS = 12     # doubts, one by one
    C_ORACLE_EMPTY = 13
    C_TRADE_FAR = 14
    C_HEIGHT_BACK = 15
    C_TIME_BACK = 16
    C_BLOCKS = 17
    C_CANDLES = 18
    C_ACCOUNTS = 19
    C_SNAPSHOTS = 20        # books
    C_UNKNOWN_REMOVES = 21
    C_CROSSINGS = 22
    C_ORPHAN_LEVELS = 23    # levels for a book that has no snapshot
    C_GAPS = 24             # inbox overflows
    C_GAP_RECORDS = 25
    C_MISSING_IDS = 26      # message ids that never came
    C_RESUBSCRIBES = 27     # commands
    C_RECONNECTS = 28
    C_CANDLE_MISMATCH = 29  # closed bars that differ from the Indexer's own
    C_CANDLE_MATCH = 30
    C_SERVER_ERRORS = 31
    C_BOOK_OVERFLOW = 32    # levels beyond the bound of one side
    C_FAST_FRAMES = 33      # frames that took the decoder's fast path
    C_ANSWERS = 34          # a venue's answers to our commands
    C_FILLS = 35            # our own, distinct
    C_ACCOUNT_REFUSED = 36  # account messages, or items in them, that were not believed
    C_INTENTS = 37          # what the strategy and the ladder asked for
    C_REFUSED_INTENTS = 38  # of them refused by the gates of risk
    C_PLACED = 39
    C_CANCELLED = 40
    C_NOT_COMPUTABLE = 41   # accounts whose margin could not be computed exactly
    COUNTERS = 64
