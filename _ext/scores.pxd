# From what is known of a market to its parts (raw values), and from those to scores 0..100. Used by signals.pyx alone.

from libc.math cimport fabs, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from event cimport F_ORACLE, T_CROSSED, T_LIVE, Market
from indicators cimport (
    ADX_BARS, BOLLINGER, RETURNS, RSI_BARS, WARM, WINDOW, Series, Track, decimal, macd_with, rsi_with, share, vwap, width,
)
from pulse cimport MINUTE_NS, Pulse, funding_expected

cdef enum:
    MOMENTUM_BARS = 10
    MICRO_WARM = 128        # units of UNIT_NS: one half-life of its mean

cdef enum:                  # Signal: index into scores; names and all else in SIGNAL_TABLE
    S_MOMENTUM = 0
    S_TREND = 1
    S_RSI = 2
    S_BOLLINGER = 3
    S_ATR = 4
    S_REALISED = 5
    S_REGIME = 6
    S_VOLUME = 7
    S_FLOW = 8
    S_BOOK_1 = 9
    S_BOOK_3 = 10
    S_BOOK_10 = 11
    S_MICROPRICE = 12
    S_SPREAD = 13
    S_DEPTH = 14
    S_FUNDING = 15
    S_FUNDING_NEXT = 16
    S_BASIS = 17
    S_LIQUIDATIONS = 18
    S_FOOTPRINT = 19
    S_RECURRING = 20
    S_REPLENISHED = 21
    SIGNALS = 22

cdef enum:                  # one bit a signal: 50 is neutral, above 50 long. The others: 0 is none
    DIRECTIONAL = 0x3FFFFF ^ (1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 13 | 1 << 14 | 1 << 19)

cdef struct Parts:          # raw values; prices in USD, sizes in coins, 0 while unknown
    double price            # mid, or the last close while the book cannot be trusted
    double mid
    double spread_bps
    double microprice
    double microprice_mean
    double imbalance_1      # -1..1
    double imbalance_3
    double imbalance_10
    double depth_usd        # ten levels of the thinner side
    double oracle
    double basis_bps
    double momentum         # return over ten bars
    double macd             # if the open bar closed at `price`, like `histogram` and `rsi`
    double macd_signal      # of closed bars, like all that follow
    double histogram
    double rsi
    double atr
    double bollinger_mid
    double bollinger_width
    double adx
    double plus_di
    double minus_di
    double vwap
    double sigma_bars       # per square root of a minute, as a fraction of the price; with the open bar if that adds
    double sigma_oracle
    double sigma            # the greater of the two
    double drift            # mean return a minute
    double liveliness       # 0..1: how much of the price's movement the bars show
    double volume           # of the last minute
    double usual_volume     # a minute
    double usual_trade
    double bought
    double sold
    double forced
    double recurring_buys
    double recurring_sells
    double refilled_bids
    double refilled_asks
    double funding
    double funding_expected


cdef inline double ratio(double a, double b) noexcept nogil:
    return a / b if b > 0.0 else 0.0


cdef inline double tilt(double a, double b) noexcept nogil:
    """-1..1: which of two amounts is larger, and how much."""
    return (a - b) / (a + b) if a + b > 0.0 else 0.0


cdef inline double directional(double x) noexcept nogil:
    """Any number to 0..100: 0 -> 50, 1 -> 75, 3 -> 87.5."""
    return 50.0 + 50.0 * (x / (1.0 + fabs(x)))


cdef inline double drawn(double score, double liveliness) noexcept nogil:
    """Towards 50, the less lively the bars are that it comes from."""
    return 50.0 + liveliness * (score - 50.0)


cdef inline double intensity(double x) noexcept nogil:
    """0 and more to 0..100: 0 -> 0, 1 -> 50, 3 -> 75."""
    return 100.0 * (x / (1.0 + x)) if x > 0.0 else 0.0


cdef inline void measure_book(Parts* o, Pulse* p) noexcept nogil:
    """Of a book that can be trusted and has both sides."""
    cdef double bid = <double> p.near.bid * p.tick
    cdef double ask = <double> p.near.ask * p.tick
    o.mid = o.price = (bid + ask) * 0.5
    o.spread_bps = ratio(ask - bid, o.mid) * 10_000.0
    o.imbalance_1 = tilt(p.near.bids[0], p.near.asks[0])
    o.imbalance_3 = tilt(p.near.bids[1], p.near.asks[1])
    o.imbalance_10 = tilt(p.near.bids[2], p.near.asks[2])
    o.depth_usd = min(p.near.bids[2], p.near.asks[2]) * p.coin_step * o.mid
    o.microprice = o.mid + (ask - bid) * 0.5 * o.imbalance_1
    if p.micro <= 0.0:
        p.micro_mean = o.microprice
        p.micro_unit = p.unit
    p.micro = o.microprice
    o.microprice_mean = p.micro_mean


cdef inline void measure_bars(Parts* o, const Track* t, int64_t now_ns) noexcept nogil:
    """Of bars of one minute."""
    cdef const Series* s = &t.now
    cdef double past = <double> (now_ns - (s.k + 1) * MINUTE_NS) / MINUTE_NS
    cdef double then, r
    if o.price <= 0.0:
        o.price = t.open.close if t.open.close > 0.0 else s.close
    if s.bars > MOMENTUM_BARS:
        then = t.closes[(s.bars - 1 - MOMENTUM_BARS) & (WINDOW - 1)]
        o.momentum = ratio(o.price - then, then)
    if s.bars >= RSI_BARS:
        o.rsi = rsi_with(s, o.price)
        o.atr = s.atr
        r = ratio(o.price - s.close, s.close)
        o.sigma_bars = sqrt(s.variance + max(r * r - s.variance, 0.0) * (2.0 / (RETURNS + 1)))
        o.drift = s.drift
    if s.bars >= BOLLINGER:
        o.bollinger_mid = s.middle
        o.bollinger_width = width(s)
    if s.bars >= ADX_BARS:
        o.adx = s.adx
        o.plus_di = share(s.plus, s.range)
        o.minus_di = share(s.minus, s.range)
    if s.bars >= WARM:
        macd_with(s, o.price, &o.macd, &o.histogram)
        o.macd_signal = s.signal
    o.vwap = vwap(s)
    past = min(max(past, 0.0), 1.0)
    o.volume = t.open.volume + (1.0 - past) * s.volume
    o.usual_volume = s.usual_volume
    o.usual_trade = ratio(s.usual_volume, s.usual_trades)


cdef inline void measure(Parts* o, Pulse* p, const Track* t, const Market* m, int trust,
                         int64_t now_ns) noexcept nogil:
    """All parts of one market at now_ns."""
    cdef bint trusted = (trust == T_LIVE or trust == T_CROSSED) and p.near.bid > 0 and p.near.ask > 0 and p.tick > 0.0
    memset(o, 0, sizeof(Parts))
    if trusted:
        measure_book(o, p)
    else:
        p.micro = 0.0
    if t.now.bars > 0 or t.open.close > 0.0:
        measure_bars(o, t, now_ns)
    if m.known >> F_ORACLE & 1:
        o.oracle = decimal(m.num[F_ORACLE], m.dec[F_ORACLE])
        if o.mid > 0.0:
            o.basis_bps = ratio(o.mid - o.oracle, o.oracle) * 10_000.0
    if p.oracle_samples >= RSI_BARS:
        o.sigma_oracle = sqrt(p.oracle_variance)
    o.sigma = max(o.sigma_bars, o.sigma_oracle)
    if o.atr > 0.0:
        o.liveliness = min(1.0, ratio(o.atr, o.sigma * o.price))
    o.bought, o.sold, o.forced = p.bought, p.sold, p.forced
    o.recurring_buys, o.recurring_sells = p.recurring[0], p.recurring[1]
    o.refilled_bids, o.refilled_asks = p.refilled[0], p.refilled[1]
    o.funding = p.funding
    o.funding_expected = funding_expected(p, now_ns)


cdef inline uint64_t warmed_up(const Parts* o, const Pulse* p, const Track* t) noexcept nogil:
    """Bit i: signal i has what it needs."""
    cdef int64_t bars = t.now.bars
    cdef uint64_t ready = 0
    if bars >= RSI_BARS and o.price > 0.0:
        ready |= 1 << S_RSI | 1 << S_ATR
        if o.sigma > 0.0:
            ready |= 1 << S_MOMENTUM
    if o.sigma > 0.0:
        ready |= 1 << S_REALISED
    if bars >= BOLLINGER:
        ready |= 1 << S_BOLLINGER
        if o.usual_volume > 0.0:
            ready |= 1 << S_VOLUME | 1 << S_FLOW | 1 << S_LIQUIDATIONS
            ready |= 1 << S_FOOTPRINT | 1 << S_RECURRING | 1 << S_REPLENISHED
    if bars >= ADX_BARS:
        ready |= 1 << S_REGIME
    if bars >= WARM:
        ready |= 1 << S_TREND
    if o.mid > 0.0:
        ready |= 1 << S_BOOK_1 | 1 << S_BOOK_3 | 1 << S_BOOK_10 | 1 << S_SPREAD | 1 << S_DEPTH
        if o.sigma > 0.0 and p.unit - p.micro_unit >= MICRO_WARM:
            ready |= 1 << S_MICROPRICE
        if o.oracle > 0.0:
            ready |= 1 << S_BASIS
    if p.funding_known:
        ready |= 1 << S_FUNDING | 1 << S_FUNDING_NEXT
    return ready


cdef inline double bounded(double x, double neutral, bint ready) noexcept nogil:
    """Neutral for what is not a number or not ready; rounding may have left 0..100 by a hair."""
    if not ready or x != x:
        return neutral
    return 0.0 if x < 0.0 else 100.0


cdef inline void rate(double* s, const Parts* o, uint64_t ready) noexcept nogil:
    """The scores of one market, neutral where they are not ready."""
    cdef double usual = o.usual_volume + o.usual_trade          # one more trade, so that a dead market is not excited
    cdef double flow = o.bought + o.sold
    cdef double again = o.recurring_buys + o.recurring_sells
    cdef double refilled = o.refilled_bids + o.refilled_asks
    cdef double x
    cdef int i
    s[S_MOMENTUM] = directional(ratio(o.momentum, o.sigma * sqrt(<double> MOMENTUM_BARS)))
    s[S_TREND] = drawn(directional(ratio(o.macd + o.histogram, o.atr)), o.liveliness)
    s[S_RSI] = drawn(100.0 - o.rsi, o.liveliness)
    x = ratio(o.bollinger_mid - o.price, 0.5 * o.bollinger_width * o.bollinger_mid)
    s[S_BOLLINGER] = drawn(directional(x), o.liveliness)
    s[S_ATR] = intensity(ratio(o.atr, o.price) * 1_000.0)
    s[S_REALISED] = intensity(o.sigma * 1_000.0)
    s[S_REGIME] = o.liveliness * o.adx
    s[S_VOLUME] = 100.0 * tilt(max(o.volume, usual), usual)
    s[S_FLOW] = 50.0 + 50.0 * ratio(o.bought - o.sold, flow + usual)
    s[S_BOOK_1] = 50.0 + 50.0 * o.imbalance_1
    s[S_BOOK_3] = 50.0 + 50.0 * o.imbalance_3
    s[S_BOOK_10] = 50.0 + 50.0 * o.imbalance_10
    s[S_MICROPRICE] = directional(ratio(o.microprice - o.microprice_mean, o.microprice_mean * o.sigma * 0.5))
    s[S_SPREAD] = 100.0 * ratio(2.0, 2.0 + o.spread_bps)
    s[S_DEPTH] = intensity(o.depth_usd / 250_000.0)
    s[S_FUNDING] = directional(o.funding * -40_000.0)
    s[S_FUNDING_NEXT] = directional(o.funding_expected * -40_000.0)
    s[S_BASIS] = directional(o.basis_bps * -0.2)
    s[S_LIQUIDATIONS] = directional(10.0 * ratio(o.forced, usual))
    s[S_FOOTPRINT] = intensity(ratio(again + refilled, 2.0 * usual))
    s[S_RECURRING] = 50.0 + 50.0 * ratio(o.recurring_buys - o.recurring_sells, again + 0.5 * usual)
    s[S_REPLENISHED] = 50.0 + 50.0 * ratio(o.refilled_bids - o.refilled_asks, refilled + 0.5 * usual)
    for i in range(SIGNALS):
        if not (ready >> i & 1 and 0.0 <= s[i] <= 100.0):
            s[i] = bounded(s[i], 50.0 if <uint64_t> DIRECTIONAL >> i & 1 else 0.0, ready >> i & 1)
