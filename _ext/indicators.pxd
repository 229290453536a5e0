# The classical indicators of one market and resolution, one bar at a time. Used by signals.pyx alone.
#
# As TA-Lib defines them, seeds included: MACD 12/26/9 (each average starts as the mean of its first values), RSI, ATR
# and ADX 14 with Wilder's smoothing, Bollinger bands 20/2 with the deviation of the population. The windows of the
# last closes and volumes are summed up anew at each bar, so that no rounding adds up. The rest fades.

from libc.math cimport fabs, sqrt
from libc.stdint cimport int64_t
from libc.string cimport memset

from event cimport likely
from lent cimport N_NO_USD, BarNews

cdef extern from *:
    """
    static const double SNIPER_TENS[73] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37,
        1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55,
        1e56, 1e57, 1e58, 1e59, 1e60, 1e61, 1e62, 1e63, 1e64, 1e65, 1e66, 1e67, 1e68, 1e69, 1e70, 1e71, 1e72};
    static const double SNIPER_WILDER = 1.0 / 14.0, SNIPER_K12 = 2.0 / 13.0, SNIPER_K26 = 2.0 / 27.0,
        SNIPER_K9 = 2.0 / 10.0;
    """
    const double[73] TENS "SNIPER_TENS"
    const double WILDER "SNIPER_WILDER"
    const double K12 "SNIPER_K12"
    const double K26 "SNIPER_K26"
    const double K9 "SNIPER_K9"

cdef enum:
    WINDOW = 32             # closes kept; they stand twice, so that the last 32 always lie side by side
    BOLLINGER = 20
    WARM = 34               # bars until MACD's signal line, the slowest of them all, has its first value
    RSI_BARS = 15           # bars until RSI, ATR and the returns mean something
    ADX_BARS = 28
    RETURNS = 60            # spans of exponential means: of the squares of returns, of returns, of volumes
    DRIFT = 30
    USUAL = 240

cdef struct Stick:          # a bar in USD and coins
    double high
    double low
    double close
    double volume
    double usd
    double trades
    int64_t day             # of its start, since 1970

cdef struct Series:         # everything that depends on closed bars only
    int64_t k               # number of the last one
    int64_t bars            # how many
    int64_t day
    double high             # of the last one
    double low
    double close
    double volume
    double fast             # exponential averages of 12 and 26 closes, and of 9 of their differences
    double slow
    double signal
    double macd
    double histogram
    double histogram_before
    double gain
    double loss
    double atr
    double plus             # Wilder sums of +DM, -DM and true range
    double minus
    double range
    double adx
    double middle           # of the Bollinger bands
    double deviation
    double paid             # USD and coins since midnight UTC
    double coins
    double volume_mean      # of 20 bars
    double variance         # mean square of the returns
    double drift            # mean return
    double usual_volume     # slow means a bar
    double usual_trades

cdef struct Track:          # one market and resolution
    Series now
    Series before           # without the last closed bar: that one may still be amended
    Stick open
    double[2 * WINDOW] closes
    double[2 * WINDOW] volumes


cdef inline double decimal(int64_t mantissa, int decimals) noexcept nogil:
    return <double> mantissa / TENS[min(decimals, 72)]


cdef inline void read_bar(const BarNews* b, int64_t minutes, Stick* out) noexcept nogil:
    out.high = decimal(max(b.high, b.low), b.price_dec)
    out.low = decimal(min(b.high, b.low), b.price_dec)
    out.close = decimal(b.close, b.price_dec)
    out.volume = decimal(b.volume, b.size_dec)
    out.usd = decimal(b.usd, b.usd_dec)
    if b.flags & N_NO_USD:
        out.usd = (out.high + out.low + out.close) / 3.0 * out.volume
    out.trades = b.trades
    out.day = b.k * minutes // 1440


cdef inline double mean(const double* window, int n) noexcept nogil:
    """Mean of n values, a multiple of 2."""
    cdef double a = 0.0
    cdef double b = 0.0
    cdef int i
    for i in range(0, n, 2):
        a += window[i]
        b += window[i + 1]
    return (a + b) / n


cdef inline void bollinger(Series* s, const double* window) noexcept nogil:
    """Mean and deviation of 20 closes, by their distances from the last one, which are small and nearly exact."""
    cdef double last = window[BOLLINGER - 1]
    cdef double[4] sums
    cdef double[4] squares
    cdef double d, total
    cdef int i, j
    for j in range(4):
        sums[j] = squares[j] = 0.0
    for i in range(0, BOLLINGER, 4):
        for j in range(4):
            d = window[i + j] - last
            sums[j] += d
            squares[j] += d * d
    total = (sums[0] + sums[1]) + (sums[2] + sums[3])
    d = ((squares[0] + squares[1]) + (squares[2] + squares[3]) - total * total / BOLLINGER) / BOLLINGER
    s.middle = last + total / BOLLINGER
    s.deviation = sqrt(d) if d > 0.0 else 0.0


cdef inline double weight(int64_t n, int span) noexcept nogil:
    """Of the newest of n values: that of an exponential mean, and until there are enough for it that of a plain one."""
    return 2.0 / (span + 1) if 2 * n > span + 1 else 1.0 / n


cdef inline void begin(Series* s, const double* closes, double up, double down, double true_range, double plus,
                       double minus) noexcept nogil:
    """Bar s.bars, one of the first WARM: what starts as a mean, starts here."""
    cdef int64_t n = s.bars
    if n <= 14:
        s.gain += up * WILDER
        s.loss += down * WILDER
        s.atr += true_range * WILDER
    else:
        s.gain += (up - s.gain) * WILDER
        s.loss += (down - s.loss) * WILDER
        s.atr += (true_range - s.atr) * WILDER
    if n <= 13:
        s.plus += plus
        s.minus += minus
        s.range += true_range
    else:
        s.plus += plus - s.plus * WILDER
        s.minus += minus - s.minus * WILDER
        s.range += true_range - s.range * WILDER
        if s.plus + s.minus > 0.0:
            up = 100.0 * fabs(s.plus - s.minus) / (s.plus + s.minus)
            s.adx += (up if n <= 27 else up - s.adx) * WILDER
    if n == 25:
        s.fast = mean(closes - 11, 12)
        s.slow = mean(closes - 25, 26)
    elif n > 25:
        s.fast += (closes[0] - s.fast) * K12
        s.slow += (closes[0] - s.slow) * K26
    if n >= 25:
        s.macd = s.fast - s.slow
        s.signal += s.macd / 9.0
    if n == 33:
        s.histogram = s.macd - s.signal


cdef inline void step(Track* t, const Stick* b) noexcept nogil:
    """One more closed bar."""
    cdef Series* s = &t.now
    cdef int64_t n = s.bars
    cdef double* closes = &t.closes[WINDOW + (n & (WINDOW - 1))]
    cdef double* volumes = &t.volumes[WINDOW + (n & (WINDOW - 1))]
    cdef double change, up, down, true_range, plus, minus, sum, r
    closes[0] = closes[-WINDOW] = b.close
    volumes[0] = volumes[-WINDOW] = b.volume
    if n > 0:
        change = b.close - s.close
        up = change if change > 0.0 else 0.0
        down = up - change
        true_range = max(b.high, s.close) - min(b.low, s.close)
        plus = b.high - s.high
        minus = s.low - b.low
        sum = plus
        plus = plus if plus > minus and plus > 0.0 else 0.0
        minus = minus if minus > sum and minus > 0.0 else 0.0
        if likely(n >= WARM):
            s.gain += (up - s.gain) * WILDER
            s.loss += (down - s.loss) * WILDER
            s.atr += (true_range - s.atr) * WILDER
            s.plus += plus - s.plus * WILDER
            s.minus += minus - s.minus * WILDER
            s.range += true_range - s.range * WILDER
            sum = s.plus + s.minus
            if likely(sum > 0.0):
                s.adx += (100.0 * fabs(s.plus - s.minus) / sum - s.adx) * WILDER
            s.fast += (b.close - s.fast) * K12
            s.slow += (b.close - s.slow) * K26
            s.macd = s.fast - s.slow
            s.signal += (s.macd - s.signal) * K9
            s.histogram_before = s.histogram
            s.histogram = s.macd - s.signal
        else:
            begin(s, closes, up, down, true_range, plus, minus)
        r = change / s.close if s.close > 0.0 else 0.0
        s.variance += (r * r - s.variance) * weight(n, RETURNS)
        s.drift += (r - s.drift) * weight(n, DRIFT)
    if n >= BOLLINGER - 1:
        bollinger(s, closes - (BOLLINGER - 1))
        s.volume_mean = mean(volumes - (BOLLINGER - 1), BOLLINGER)
    if b.day != s.day:
        s.day = b.day
        s.paid = s.coins = 0.0
    s.paid += b.usd
    s.coins += b.volume
    r = weight(n + 1, USUAL)
    s.usual_volume += (b.volume - s.usual_volume) * r
    s.usual_trades += (b.trades - s.usual_trades) * r
    s.high = b.high
    s.low = b.low
    s.close = b.close
    s.volume = b.volume
    s.bars = n + 1


cdef inline void restart(Track* t) noexcept nogil:
    memset(t, 0, sizeof(Track))
    t.now.k = t.before.k = -1


cdef inline double rsi_of(double gain, double loss) noexcept nogil:
    """50 where nothing moved at all."""
    return 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0


cdef inline double share(double part, double of) noexcept nogil:
    """In percent; 0 of nothing."""
    return 100.0 * part / of if of > 0.0 else 0.0


cdef inline double vwap(const Series* s) noexcept nogil:
    """Since midnight UTC, or as far back as bars are known; the last close where nothing was traded."""
    return s.paid / s.coins if s.coins > 0.0 else s.close


cdef inline double width(const Series* s) noexcept nogil:
    """Upper less lower Bollinger band as a fraction of the middle."""
    return 4.0 * s.deviation / s.middle if s.middle > 0.0 else 0.0


cdef inline void macd_with(const Series* s, double price, double* macd, double* histogram) noexcept nogil:
    """MACD and histogram if the open bar closed at this price."""
    macd[0] = s.fast + (price - s.fast) * K12 - (s.slow + (price - s.slow) * K26)
    histogram[0] = (macd[0] - s.signal) * (1.0 - K9)


cdef inline double rsi_with(const Series* s, double price) noexcept nogil:
    cdef double change = price - s.close
    cdef double up = change if change > 0.0 else 0.0
    return rsi_of(s.gain + (up - s.gain) * WILDER, s.loss + (up - change - s.loss) * WILDER)
