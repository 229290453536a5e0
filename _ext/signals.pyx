"""Books, trades, oracle prices, funding and bars -> scores 0..100 of every market, never an order.

A tick has two halves: `apply(n)` takes in what the rows left behind, `update(now_ns)` scores the markets that
changed and, in turns, each of the others once a second, because flows fade and minutes pass. A market's state is of
fixed size and every row costs the same, however long the run. Only + - * / and square roots are used, so that the
same rows give the same bits everywhere. What each score means: SIGNAL_TABLE.

Bars come from the candles kernel as it learns them: live ones, and history by WebSocket or REST, which warms the
indicators up. The last closed bar may be amended and is then taken anew; if an older one changes, the series begins
anew from what the candles kernel still has. Trades that are history count in bars only.
"""

import numpy as np

cimport cython
from cpython.float cimport PyFloat_FromDouble
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from decay cimport fill_tables
from event cimport *
from indicators cimport *
from lent cimport N_OPEN, N_RESTART, NEWS_MAX, BarNews, Depth
from pulse cimport Pulse, charged, fade, funding, grid, look, oracle, trade
from scores cimport DIRECTIONAL, SIGNALS as SIGNALS_N, Parts, measure, rate, tilt, warmed_up
from step cimport step_of

cdef enum:
    TURNS = 64                  # in a second; the markets whose number leaves the same rest by it are scored in one
    TURN_NS = 1_000_000_000 // 64
    BARS = 1 << 8 | 1 << 11 | 1 << 12               # kinds that move bars: TRADE CANDLE BLOCK
    TAKEN = 1 << 8 | 1 << 9 | 1 << 10 | 1 << 15     # kinds that are read here: TRADE ORACLE MARKET FUNDING

SIGNAL_FIELDS = ("name", "kind", "inputs", "formula", "unit", "mapping", "warm_up")
SIGNAL_TABLE = (
    ("momentum", "directional", "mid, 1MIN closes", "(price / close 10 bars ago - 1) / (sigma x sqrt 10)", "sigmas",
     "D(x)", "15 bars"),
    ("trend", "directional", "mid, 1MIN bars", "(MACD 12/26 + histogram 9) / ATR 14", "ATRs",
     "50 + l (D(x) - 50)", "34 bars"),
    ("rsi", "directional", "mid, 1MIN closes", "RSI 14, against the move", "RSI points",
     "50 + l (50 - RSI)", "15 bars"),
    ("bollinger", "directional", "mid, 1MIN closes", "(middle - price) / half the width of the bands 20/2",
     "half widths", "50 + l (D(x) - 50)", "20 bars"),
    ("atr", "intensity", "1MIN bars", "ATR 14 / price", "10 bps", "I(x)", "15 bars"),
    ("realised", "intensity", "1MIN closes, oracle price", "sigma", "10 bps a root minute", "I(x)", "15 bars"),
    ("regime", "intensity", "1MIN bars", "ADX 14", "ADX points", "l ADX", "28 bars"),
    ("volume", "intensity", "1MIN volumes", "(volume of the last minute - usual) / (their sum), 0 below usual",
     "share", "100 x", "20 bars, a trade"),
    ("flow", "directional", "trades", "(bought - sold) / (bought + sold + usual), half-life 32 s", "share", "50 + 50 x",
     "20 bars, a trade"),
    ("book_1", "directional", "book", "(bids - asks) / (bids + asks) of the best level", "share", "50 + 50 x", "book"),
    ("book_3", "directional", "book", "the same of the best 3 levels", "share", "50 + 50 x", "book"),
    ("book_10", "directional", "book", "the same of the best 10 levels", "share", "50 + 50 x", "book"),
    ("microprice", "directional", "book", "(microprice / its mean of half-life 16 s - 1) / (sigma / 2)",
     "sigmas of 15 s", "D(x)", "book for 16 s, sigma"),
    ("spread", "intensity", "book", "2 bps / (2 bps + spread)", "share", "100 x", "book"),
    ("depth", "intensity", "book", "USD on the best 10 levels of the thinner side", "250,000 USD", "I(x)", "book"),
    ("funding", "directional", "nextFundingRate", "minus the rate as published", "0.25 bps an hour", "D(x)", "rate"),
    ("funding_next", "directional", "nextFundingRate, rate charged last",
     "minus the rate expected at the hour: n samples of 60 so far, the rest as charged last", "0.25 bps an hour",
     "D(x)", "rate"),
    ("basis", "directional", "mid, oracle price", "(oracle - mid) / oracle", "5 bps", "D(x)", "book, oracle price"),
    ("liquidations", "directional", "trades of type LIQUIDATED", "(bought - sold) / usual, half-life 64 s",
     "0.1 usual minutes", "D(x)", "20 bars, a trade"),
    ("footprint", "intensity", "trades, book", "(recurring + refilled) / usual, half-life 128 s", "2 usual minutes",
     "I(x)", "20 bars, a trade"),
    ("recurring", "directional", "trades", "(bought - sold) / (bought + sold + usual / 2) of recurring sizes",
     "share", "50 + 50 x", "20 bars, a trade"),
    ("replenished", "directional", "trades, book", "(bids - asks) / (bids + asks + usual / 2) refilled at the touch",
     "share", "50 + 50 x", "20 bars, a trade"),
)
SIGNALS = tuple(row[0] for row in SIGNAL_TABLE)

cdef Parts _parts
PART_DTYPE = np.asarray(<Parts[:1]> &_parts).dtype
PART_NAMES = PART_DTYPE.names
INDICATOR_COLUMNS = ("macd", "macd_signal", "histogram", "rsi", "atr", "bollinger_mid", "bollinger_width", "adx",
                     "plus_di", "minus_di", "vwap", "imbalance")

cdef extern from *:
    """
    static const int64_t SNIPER_MINUTES[7] = {1, 5, 15, 30, 60, 240, 1440};
    #define SNIPER_LOWEST(x) __builtin_ctzll(x)
    static inline uint64_t sniper_bits(double x) { uint64_t b; __builtin_memcpy(&b, &x, 8); return b; }
    """
    const int64_t[7] MINUTES "SNIPER_MINUTES"
    int ctz "SNIPER_LOWEST"(uint64_t x) nogil
    uint64_t bits "sniper_bits"(double x) nogil

cdef bytes MAGIC = b"signals1"

cdef struct Head:
    char[8] magic
    int64_t size                # of one market's Entry and tracks
    int64_t markets_max
    int64_t markets
    int64_t resolutions         # bit r: resolution r
    int64_t turn
    uint64_t digest_a
    uint64_t digest_b

cdef struct Entry:              # one market in a saved state, followed by its tracks
    int64_t market
    uint64_t warm
    Pulse pulse
    Parts parts
    double[22] scores

fill_tables()


@cython.final
cdef class Signals:
    """The scores of every market.

    tape, markets (the decoder's table), books, candles: what is read, bound once. resolutions: of the indicators;
    the first must be 0 (1MIN), which the scores are made from. markets_max: 0 for all of the table. `scores`
    (float64, a row a market, a column for each of SIGNALS), `sigmas` and `drifts` (float64, a market each:
    volatility per square root of a minute and mean return a minute, as fractions of the price, 0 while unknown) are
    lent read-only and change with `update`.
    """

    cdef readonly object tape, scores, sigmas, drifts
    cdef readonly tuple resolutions
    cdef readonly int markets_max
    cdef object raw, survey, tell, tell_more
    cdef list made              # the tuples of `row`, None: to be made
    cdef Event[::1] rows
    cdef const uint32_t[::1] others
    cdef const int64_t[::1] used
    cdef uint64_t[::1] digests
    cdef const Market[::1] markets
    cdef const uint8_t[:] trust
    cdef const Depth[::1] depths
    cdef const uint16_t[::1] surveyed
    cdef const BarNews[::1] news
    cdef double[:, ::1] s
    cdef double[::1] sigma, drift
    cdef Parts[::1] p
    cdef uint64_t[::1] warm             # as `ready` gives it
    cdef uint64_t[::1] marks            # a bit a market: scored in this tick
    cdef Pulse** pulses
    cdef Track** tracks
    cdef int active             # markets below this index may have a state
    cdef int tracks_n
    cdef int[7] place           # of a resolution among a market's tracks, -1: none
    cdef uint32_t wanted
    cdef int64_t turn
    cdef Digest d

    def __cinit__(self, tape, markets, books, candles, *, tuple resolutions=(0, 1, 2, 4), int markets_max=0):
        markets_max = markets_max or len(markets)
        if not 1 <= markets_max <= min(len(markets), books.markets_max, candles.markets_max):
            raise ValueError(f"markets_max must lie in 1..the least of decoder, books and candles, not {markets_max}")
        if sorted(set(resolutions)) != list(resolutions) or not resolutions or resolutions[0] != 0 or (
                max(resolutions) >= RESOLUTIONS):
            raise ValueError(f"resolutions must ascend from 0 (1MIN) to at most {RESOLUTIONS - 1}, not {resolutions}")
        self.pulses = <Pulse**> calloc(markets_max, sizeof(Pulse*))
        self.tracks = <Track**> calloc(markets_max, sizeof(Track*))
        if self.pulses == NULL or self.tracks == NULL:
            raise MemoryError
        self.tape, self.resolutions, self.markets_max = tape, resolutions, markets_max
        self.rows, self.others, self.used, self.digests = tape.rows, tape.others, tape.used, tape.digests
        self.markets, self.trust = markets, books.tops["trust"]
        self.depths, self.surveyed, self.news = books.depths, books.surveyed, candles.news
        self.survey, self.tell, self.tell_more = books.survey, candles.tell, candles.tell_more
        for r in range(RESOLUTIONS):
            self.place[r] = resolutions.index(r) if r in resolutions else -1
            self.wanted |= <uint32_t> (r in resolutions) << <int> r
        self.tracks_n = len(resolutions)
        self.scores = np.zeros((markets_max, SIGNALS_N))
        self.scores[:] = [50.0 if <uint64_t> DIRECTIONAL >> <int> i & 1 else 0.0 for i in range(SIGNALS_N)]
        self.sigmas, self.drifts, self.raw = np.zeros(markets_max), np.zeros(markets_max), np.zeros(markets_max, PART_DTYPE)
        self.s, self.sigma, self.drift, self.p = self.scores, self.sigmas, self.drifts, self.raw
        for lent in (self.scores, self.sigmas, self.drifts):
            lent.flags.writeable = False
        self.warm = np.zeros(markets_max, np.uint64)
        self.marks = np.zeros(markets_max // 64 + 1, np.uint64)
        self.made = [None] * markets_max
        self.turn = -1
        self.d.a = 7
        self.d.b = 8

    def __dealloc__(self):
        if self.pulses != NULL and self.tracks != NULL:
            for m in range(self.markets_max):
                free(self.pulses[m])
                free(self.tracks[m])
        free(self.pulses)
        free(self.tracks)

    cdef Pulse* pulse(self, int m) noexcept:
        """The state of a market, made when it is first needed; NULL without memory or beyond the bound."""
        cdef int i
        if m >= self.markets_max:
            return NULL
        if unlikely(self.pulses[m] == NULL):
            self.tracks[m] = <Track*> calloc(self.tracks_n, sizeof(Track))
            self.pulses[m] = <Pulse*> calloc(1, sizeof(Pulse))
            if self.tracks[m] == NULL or self.pulses[m] == NULL:
                free(self.tracks[m])
                free(self.pulses[m])
                self.tracks[m] = NULL
                self.pulses[m] = NULL
                return NULL
            for i in range(self.tracks_n):
                restart(&self.tracks[m][i])
            grid(self.pulses[m], &self.markets[m])
            self.active = max(self.active, m + 1)
        return self.pulses[m]

    cdef inline void mark(self, int m) noexcept:
        self.marks[m >> 6] |= <uint64_t> 1 << (m & 63)

    def step(self):
        """Its part of a tick, for `Column`."""
        return step_of(self, signals_step)

    cpdef apply(self, Py_ssize_t n):
        """Take in the first n rows of the tape, which decode, book, trades and candles have worked on."""
        cdef uint64_t kinds = <uint64_t> self.used[U_KINDS]
        cdef Py_ssize_t i, count
        cdef int m
        cdef Pulse* p
        if not 0 <= n <= self.rows.shape[0]:
            raise ValueError(f"{n} rows: the tape holds {self.rows.shape[0]}")
        for i in range((self.active + 63) >> 6):
            self.marks[i] = 0
        if kinds & TAKEN:
            for i in range(self.used[U_OTHERS]):
                self.one(&self.rows[self.others[i]])
        if kinds & BARS:
            count = self.tell(self.wanted)
            while count:
                for i in range(count):
                    self.bar(&self.news[i])
                count = self.tell_more() if count == NEWS_MAX else 0
        if n > 0 and (self.used[U_OTHERS] < n or kinds >> BOOK & 1):
            count = self.survey(n)
            for i in range(count):
                m = self.surveyed[i]
                p = self.pulse(m)
                if likely(p != NULL):
                    fade(p, self.rows[n - 1].recv_ns)
                    look(p, &self.depths[m])
                    self.mark(m)

    cdef void one(self, const Event* e) noexcept:
        """A row that is no level."""
        cdef int kind = e.kind
        cdef const Market* market
        cdef Pulse* p
        if kind == TRADE:
            if e.flags & (DUPLICATE | SNAPSHOT | FROM_REST):
                return
            p = self.pulse(e.market)
            if p != NULL:
                trade(p, e)
        elif kind == FUNDING:
            p = self.pulse(e.market)
            if p != NULL:
                charged(p, decimal(e.price, e.flags >> 24), e.venue_ns)
        elif kind == ORACLE or kind == MARKET:
            # A market that nobody watches has no book and no bars, and costs nothing.
            p = self.pulses[e.market] if e.market < self.markets_max else NULL
            if p != NULL and kind == MARKET:
                grid(p, &self.markets[e.market])
            elif p != NULL and not e.flags & DOUBT:
                oracle(p, decimal(e.price, e.flags >> 24), e.recv_ns)
        else:
            return
        if p == NULL:
            return
        market = &self.markets[e.market]
        if market.known >> F_FUNDING & 1 and (kind == MARKET and e.size >> F_FUNDING & 1 or not p.funding_known):
            funding(p, decimal(market.num[F_FUNDING], market.dec[F_FUNDING]), e.recv_ns)
        fold(&self.d, <uint64_t> e.price ^ <uint64_t> kind << 56 ^ <uint64_t> e.market << 40, <uint64_t> e.size)
        self.mark(e.market)

    cdef void bar(self, const BarNews* b) noexcept:
        """A bar that is new or other than before."""
        cdef Stick stick
        cdef Track* t
        if self.pulse(b.market) == NULL:
            return
        t = &self.tracks[b.market][self.place[b.resolution]]
        if b.flags & N_RESTART:
            restart(t)
        read_bar(b, MINUTES[b.resolution], &stick)
        if b.flags & N_OPEN:
            t.open = stick
        else:
            if b.k == t.now.k:
                t.now = t.before
            else:
                t.before = t.now
            step(t, &stick)
            t.now.k = b.k
        fold(&self.d, <uint64_t> b.k ^ <uint64_t> b.market << 48 ^ <uint64_t> b.resolution << 44, <uint64_t> b.close)
        fold(&self.d, <uint64_t> b.high * 3 ^ <uint64_t> b.low, <uint64_t> b.volume ^ <uint64_t> b.flags << 56)
        self.mark(b.market)

    cpdef update(self, int64_t now_ns):
        """Score the markets that changed in this tick, and those whose turn it is in this second."""
        cdef int64_t turn = now_ns // TURN_NS
        cdef int64_t i
        cdef int m
        cdef uint64_t word
        if turn >= self.turn + TURNS:           # it was the turn of every market
            for m in range(self.active):
                if self.pulses[m] != NULL:
                    self.mark(m)
            self.turn = turn
        elif turn > self.turn:
            for i in range(self.turn + 1, turn + 1):
                m = <int> (i & (TURNS - 1))
                while m < self.active:
                    if self.pulses[m] != NULL:
                        self.mark(m)
                    m += TURNS
            self.turn = turn
        for i in range((self.active + 63) >> 6):
            word = self.marks[i]
            while word:
                self.score(<int> (i * 64 + ctz(word)), now_ns)
                word &= word - 1
        self.digests[2 * STAGE_SIGNALS] = self.d.a
        self.digests[2 * STAGE_SIGNALS + 1] = self.d.b

    cdef void score(self, int m, int64_t now_ns) noexcept:
        cdef Parts* o = &self.p[m]
        cdef double* s = &self.s[m, 0]
        cdef int i
        fade(self.pulses[m], now_ns)
        measure(o, self.pulses[m], self.tracks[m], &self.markets[m], self.trust[m], now_ns)
        self.warm[m] = warmed_up(o, self.pulses[m], self.tracks[m])
        rate(s, o, self.warm[m])
        self.sigma[m] = o.sigma
        self.drift[m] = o.drift
        self.made[m] = None
        fold(&self.d, self.warm[m] ^ <uint64_t> m << 48, bits(o.sigma))
        for i in range(0, SIGNALS_N, 2):
            fold(&self.d, bits(s[i]), bits(s[i + 1]))

    # --- questions -------------------------------------------------------------------------------------------------

    cdef int bounded(self, Py_ssize_t market) except -1:
        if not 0 <= market < self.markets_max:
            raise IndexError(f"no market {market}")
        return <int> market

    def changed(self):
        """The markets that were scored in this tick, ascending."""
        cdef int i
        cdef uint64_t word
        cdef list out = []
        for i in range((self.active + 63) >> 6):
            word = self.marks[i]
            while word:
                out.append(i * 64 + ctz(word))
                word &= word - 1
        return out

    def row(self, Py_ssize_t market):
        """The scores of a market as a tuple of floats, in the order of SIGNALS."""
        cdef int m = self.bounded(market)
        cdef int i
        cdef tuple out = self.made[m]
        if out is None:
            out = PyTuple_New(SIGNALS_N)
            for i in range(SIGNALS_N):
                number = PyFloat_FromDouble(self.s[m, i])
                Py_INCREF(number)
                PyTuple_SET_ITEM(out, i, number)
            self.made[m] = out
        return out

    def ready(self, Py_ssize_t market):
        """Bit i: signal i of a market is warmed up. The others are neutral."""
        return self.warm[self.bounded(market)]

    def parts(self, Py_ssize_t market):
        """The raw values behind the scores of a market, by PART_NAMES."""
        return dict(zip(PART_NAMES, self.raw[self.bounded(market)].item()))

    def indicators(self, Py_ssize_t market, int resolution):
        """The values of `sniper.viewing.Indicators`, in its order. ValueError for a resolution that is not kept."""
        cdef int m = self.bounded(market)
        cdef double macd = 0.0
        cdef double histogram = 0.0
        cdef Series* s
        if not 0 <= resolution < RESOLUTIONS or self.place[resolution] < 0:
            raise ValueError(f"indicators are kept for the resolutions {self.resolutions}, not for {resolution}")
        if self.tracks[m] == NULL:
            return (0, False) + (0.0,) * 17
        s = &self.tracks[m][self.place[resolution]].now
        if s.bars < WARM:
            return (s.bars, False) + (0.0,) * 17
        macd_with(s, self.tracks[m][self.place[resolution]].open.close, &macd, &histogram)
        return (s.bars, True, s.close, s.macd, s.signal, s.histogram, s.histogram_before, rsi_of(s.gain, s.loss),
                s.atr, s.middle, width(s), s.adx, share(s.plus, s.range), share(s.minus, s.range), vwap(s), s.volume,
                s.volume_mean, macd, histogram)

    # --- state -----------------------------------------------------------------------------------------------------

    def digest(self):
        """The running 128-bit digest over every bar taken and every score given, as two integers."""
        return self.d.a, self.d.b

    def save(self):
        """The whole state as bytes."""
        cdef Head head
        cdef Entry entry
        cdef list kept = [b""]
        cdef int m
        memset(&head, 0, sizeof(Head))
        memcpy(head.magic, <const char*> MAGIC, 8)
        head.markets_max, head.resolutions, head.turn = self.markets_max, self.wanted, self.turn
        head.size = sizeof(Entry) + self.tracks_n * sizeof(Track)
        head.digest_a, head.digest_b = self.d.a, self.d.b
        for m in range(self.active):
            if self.pulses[m] != NULL:
                head.markets += 1
                entry.market = m
                entry.warm = self.warm[m]
                entry.pulse = self.pulses[m][0]
                entry.parts = self.p[m]
                memcpy(entry.scores, &self.s[m, 0], sizeof(entry.scores))
                kept.append((<char*> &entry)[:sizeof(Entry)])
                kept.append((<char*> self.tracks[m])[:self.tracks_n * sizeof(Track)])
        kept[0] = (<char*> &head)[:sizeof(Head)]
        return sealed(b"".join(kept))

    def load(self, bytes state not None):
        """Take over a state that `save` wrote. Raises ValueError, and changes nothing, on anything else."""
        cdef Head head
        cdef Entry entry
        cdef const char* p = state
        cdef int64_t last = -1
        cdef int i, m
        cdef Py_ssize_t size = len(state)
        if size < <Py_ssize_t> sizeof(Head):
            raise ValueError("signals state is too short")
        memcpy(&head, p, sizeof(Head))
        if memcmp(head.magic, <const char*> MAGIC, 8) != 0 or sealed(state[:size - 16]) != state:
            raise ValueError("not a signals state of this version, or a damaged one")
        if head.markets_max != self.markets_max or head.resolutions != self.wanted:
            raise ValueError("signals state has other markets_max or resolutions")
        if (head.size != <int64_t> (sizeof(Entry) + self.tracks_n * sizeof(Track))
                or not 0 <= head.markets <= self.markets_max
                or size != <Py_ssize_t> (sizeof(Head) + head.markets * head.size + 16)):
            raise ValueError("signals state has a wrong length")
        for i in range(head.markets):
            memcpy(&entry, p + sizeof(Head) + i * head.size, sizeof(Entry))
            if not last < entry.market < self.markets_max:
                raise ValueError("signals state holds an impossible market")
            last = entry.market
        self.forget()
        for i in range(head.markets):
            memcpy(&entry, p + sizeof(Head) + i * head.size, sizeof(Entry))
            m = <int> entry.market
            if self.pulse(m) == NULL:
                raise MemoryError
            self.pulses[m][0] = entry.pulse
            memcpy(self.tracks[m], p + sizeof(Head) + i * head.size + sizeof(Entry), self.tracks_n * sizeof(Track))
            self.p[m] = entry.parts
            self.warm[m] = entry.warm
            memcpy(&self.s[m, 0], entry.scores, sizeof(entry.scores))
            self.sigma[m] = entry.parts.sigma
            self.drift[m] = entry.parts.drift
        self.turn = head.turn
        self.d.a, self.d.b = head.digest_a, head.digest_b

    cdef void forget(self):
        """As new."""
        cdef int m, i
        for m in range(self.markets_max):
            free(self.pulses[m])
            free(self.tracks[m])
            self.pulses[m] = NULL
            self.tracks[m] = NULL
            for i in range(SIGNALS_N):
                self.s[m, i] = 50.0 if <uint64_t> DIRECTIONAL >> i & 1 else 0.0
            self.sigma[m] = self.drift[m] = 0.0
            memset(&self.p[m], 0, sizeof(Parts))
            self.warm[m] = 0
            self.made[m] = None
        self.marks[:] = 0
        self.active = 0


cdef bytes sealed(bytes state):
    """The bytes, a multiple of 8, and 16 more that depend on all of them."""
    cdef const uint64_t* p = <const uint64_t*> <const char*> state
    cdef Digest d
    cdef Py_ssize_t i
    d.a = d.b = <uint64_t> len(state)
    for i in range(len(state) >> 3):
        fold(&d, p[i], <uint64_t> i)
    return state + (<char*> &d)[:16]


def indicators_of(const double[:, ::1] bars not None, int64_t minutes=1):
    """All indicators after every bar, by the kernel's own steps: for tests and measurements.

    bars: float64 [n, 7] of high, low, close, volume (coins), volume (USD), size at the best bid and at the best ask;
    the first starts at midnight, each lasts so many minutes. Returns float64 [n, 12] by INDICATOR_COLUMNS; 0 before a
    value begins.
    """
    cdef Py_ssize_t i
    cdef Track t
    cdef Stick b
    cdef const Series* s = &t.now
    cdef double[:, ::1] out
    if bars.shape[1] != 7:
        raise ValueError(f"a bar has 7 values, not {bars.shape[1]}")
    result = np.zeros((bars.shape[0], len(INDICATOR_COLUMNS)))
    out = result
    restart(&t)
    b.trades = 1.0
    for i in range(bars.shape[0]):
        b.high, b.low, b.close = bars[i, 0], bars[i, 1], bars[i, 2]
        b.volume, b.usd = bars[i, 3], bars[i, 4]
        b.day = i * minutes // 1440
        step(&t, &b)
        out[i, 0] = s.macd
        out[i, 1] = s.signal
        out[i, 2] = s.histogram
        out[i, 3] = rsi_of(s.gain, s.loss)
        out[i, 4] = s.atr
        out[i, 5] = s.middle
        out[i, 6] = width(s)
        out[i, 7] = s.adx
        out[i, 8] = share(s.plus, s.range)
        out[i, 9] = share(s.minus, s.range)
        out[i, 10] = vwap(s)
        out[i, 11] = tilt(bars[i, 5], bars[i, 6])
    return result


cdef int signals_step(void* kernel, int64_t now_ns, Py_ssize_t n) except -1:
    (<Signals> kernel).apply(n)
    (<Signals> kernel).update(now_ns)
    return 0
